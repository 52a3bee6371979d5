"""What a page begins with: the verdict, what it means in a sentence, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from stress.mutants import Row
from stress.report.failure import Report
from stress.report.summary import Summary
from stress.verdict import Verdict

SIGNS: Final = {Verdict.OK: "✓", Verdict.FAILED: "✗", Verdict.UNKNOWN: "?"}


@dataclass(frozen=True, slots=True)
class Heading:
    """The top of the page."""

    verdict: str
    """Empty where there is nothing that could have one, as of nights alone."""
    sign: str
    meaning: str
    facts: dict[str, str]

    @classmethod
    def of(cls, summary: Summary | None, reports: Sequence[Report], matrix: Sequence[Row]) -> Self:
        """Return the top of a page with these parts."""
        facts = _facts(summary) if summary else {}
        verdicts = [row.verdict for row in matrix]
        if summary is not None:
            verdicts.append(summary.verdict)
        if reports:
            verdicts.append(Verdict.FAILED)
        if not verdicts:
            return cls("", "", "", facts)
        verdict = Verdict.worst(verdicts)
        meaning = _meaning(verdict, summary, reports, matrix)
        return cls(verdict.value, SIGNS[verdict], meaning, facts)


def _meaning(
    verdict: Verdict, summary: Summary | None, reports: Sequence[Report], matrix: Sequence[Row]
) -> str:
    if reports:
        return _where(reports)
    wrong = [row for row in matrix if row.verdict is Verdict.FAILED]
    if wrong:
        return (
            f"{_many(len(wrong), 'subject')} of {len(matrix)} came out wrong: a mutant survived, "
            f"or what is right was accused."
        )
    if verdict is Verdict.FAILED:
        return "A rule was broken; the runs below say where."
    if verdict is Verdict.UNKNOWN:
        return "Nothing failed, and that proves less than it seems: see the doubts below."
    if matrix and summary is None:
        return "Every mutant was killed, and nothing that is right was accused."
    return (
        "Nothing failed in what was run; larger programs, rarer schedules and weaker machines "
        "are not excluded."
    )


def _where(reports: Sequence[Report]) -> str:
    """Return where to read of failures."""
    if len(reports) == 1:
        return "What is wrong is below, with the command that shows it again."
    models = _many(len({report.model for report in reports}), "model")
    return (
        f"{len(reports):,} failures in {models}; each is below, with the command that shows it "
        f"again."
    )


def _facts(summary: Summary) -> dict[str, str]:
    host, runs = summary.host, summary.runs
    seconds = sum(run.seconds for run in runs)
    counts = {
        "executions": sum(run.executions for run in runs),
        "calls": sum(run.calls for run in runs),
    }
    return {
        "machine": f"{host.interpreter}, {_many(host.cores, 'core')}",
        "GIL": "on" if host.gil else "off",
        "seed": str(summary.seed),
        "runs": f"{_many(len(runs), 'run')}, {duration(seconds)} of engines",
        **{name: f"{count:,}" for name, count in counts.items() if count},
    }


def duration(seconds: float) -> str:
    """Return a time as a person would say it.

    >>> duration(12.34), duration(125), duration(7300)
    ('12.3 s', '2 min 5 s', '2 h 1 min')
    """
    minute, hour = 60, 3600
    if seconds < minute:
        return f"{seconds:.1f} s"
    if seconds < hour:
        return f"{seconds // minute:.0f} min {seconds % minute:.0f} s"
    return f"{seconds // hour:.0f} h {seconds % hour // minute:.0f} min"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
