"""What a check answers, and the exit status that says so to a shell.

>>> Verdict.worst([Verdict.OK, Verdict.UNKNOWN])
<Verdict.UNKNOWN: 'unknown'>
>>> Verdict.UNKNOWN.exit_code
3
"""

import enum
from collections.abc import Iterable


class NoVerdictError(RuntimeError):
    """The harness, a model or a scenario is wrong: nothing can be said of the subject."""


class Verdict(enum.Enum):
    """UNKNOWN is an answer of its own: it is never rounded up to OK."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """0 ok, 1 failed, 3 unknown; 2 is for wrong usage, which is no verdict."""
        return {Verdict.OK: 0, Verdict.FAILED: 1, Verdict.UNKNOWN: 3}[self]

    @classmethod
    def worst(cls, verdicts: Iterable["Verdict"]) -> "Verdict":
        """Return FAILED if any failed, else UNKNOWN if any is unknown or there is none."""
        found = set(verdicts)
        for verdict in (cls.FAILED, cls.UNKNOWN, cls.OK):
            if verdict in found:
                return verdict
        return cls.UNKNOWN
