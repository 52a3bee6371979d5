"""One failure as it is told: the data that every form of report (text, HTML, JUnit, JSON) shows.

A saved failure is evidence, and says what is needed to replay it.  `Report` is the same for a
reader: what is wrong, how to see it again, what was observed and what was allowed, the execution
or the history, why it is wrong, and which repairs were tried.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from stress.explore.trace import Trace


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a history, as a bar on a time line."""

    process: str
    """``thread 0``, ``main``; what a subject does inside a call has a process of its own."""
    text: str
    """``register(0x1000, 1)``"""
    result: str
    """``Ok``, ``raises Full: no room``, ``never returned``"""
    start: int
    """Nanoseconds after the first start."""
    end: int
    inside: bool = False
    """Whether the subject did this inside a call."""
    place: int | None = None
    """Its place in the longest legal order, from 1; None if it has none there."""
    misfit: bool = False
    """Whether it is the call that cannot be placed."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that was really explored again, and what came of it."""

    change: str
    """``step 6   relaxed → release``; steps are those of the trace."""
    where: str
    """``bitmap.py:73``"""
    verdict: Literal["holds", "fails", "unknown"]
    executions: int
    """Visited until the failure, the end, or the bound."""
    size: int
    """Smaller is less of a change: 1 for an order one step stronger, more for fences."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that was seen, how often, and whether it may be."""

    seen: str
    count: int
    verdict: Literal["allowed", "forbidden", "unknown"]
    meaning: str = ""


@dataclass(slots=True)
class Report:
    """A failure, whatever engine found it and whatever kind it is of."""

    kind: str
    """race, deadlock, lost wake-up, livelock, assertion, exception, linearizability, the name of
    an invariant, mismatch, crash, hang, nondeterminism, survivor."""
    title: str
    """What is wrong, to be read aloud; one line."""
    setting: str
    """``weak memory · rc11``, ``real threads · CPython 3.14.2t``, ``state machine``."""
    model: str
    engine: str
    facts: dict[str, str] = field(default_factory=dict)
    """Labels and values above the evidence: scenario, found, bounds, shrunk, start, machine."""
    replay: str = ""
    """The one command that shows it again."""
    saved: str = ""
    """The file, relative to the current directory."""
    fingerprint: str = ""
    """What failures of the same fault have in common."""
    observed: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    trace: Trace | None = None
    """The execution, step by step, where the explorer found it."""
    calls: list[Call] = field(default_factory=list)
    """The history, where there is one."""
    order: list[str] = field(default_factory=list)
    """The longest legal order of the calls."""
    misfit: str = ""
    """The call that cannot be placed after it."""
    outcomes: list[Outcome] = field(default_factory=list)
    stacks: list[str] = field(default_factory=list)
    """Where each thread stood, of a crash or a hang."""
    why: list[str] = field(default_factory=list)
    """Sentences; they name steps and calls."""
    tried: list[Repair] = field(default_factory=list)
    """Smallest first."""
    notes: list[str] = field(default_factory=list)
    """What else to know: what has changed since it was saved, how it was checked to replay."""

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON (its schema: ``stress/schemas/report.schema.json``)."""
        return asdict(self)
