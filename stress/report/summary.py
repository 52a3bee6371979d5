"""One run of one model in one engine, and all the runs of a command, ready to be shown.

A summary is the JSON that ``stress run --json`` prints; `text` draws the same on a terminal.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from stress.explore.engine import ExploredRun
from stress.explore.programs import STEPS
from stress.host import Host
from stress.sequential import SequentialRun
from stress.threads.engine import ConcurrentThreadsRun
from stress.threads.supervisor import ThreadsRun
from stress.verdict import Verdict


@dataclass(slots=True)
class RunSummary:
    """What one engine found out about one model."""

    model: str
    engine: str
    threads: int
    seconds: float = 0.0
    examples: int = 0
    """Instances of the subject that ran."""
    calls: int = 0
    overlapped: int = 0
    contended: int = 0
    callbacks: int = 0
    failures_injected: int = 0
    executions: int = 0
    """Of all programs that were explored."""
    sampled: int = 0
    """Programs of which some executions were drawn, and not all visited."""
    shifts: dict[int, int] = field(default_factory=dict)
    """How many shifts of real threads had so many threads."""
    memory: dict[str, int] = field(default_factory=dict)
    """The most seen of the child's resident set (VmRSS) and page tables (VmPTE), in KiB."""
    violations: list[dict[str, str]] = field(default_factory=list)
    violations_seen: int = 0
    """Of which ``violations`` lists those of the smallest histories."""
    doubts: list[str] = field(default_factory=list)
    """Why a run without violations proves nothing, or less than it seems."""
    failures: list[dict[str, Any]] = field(default_factory=list)
    """What is saved, a file each."""
    interrupted: bool = False
    cases: int = 0
    """Of a campaign."""
    pairs: int = 0
    """Pairs of steps, or of calls that overlapped, that a campaign saw (`stress.coverage`)."""
    both_orders: int = 0
    """Of these, those seen in both orders."""

    @classmethod
    def of_threads(cls, model: str, threads: int, run: ThreadsRun, host: Host) -> Self:
        """Sum up a run of real threads."""
        census = run.census
        return cls(
            model,
            "threads",
            threads,
            run.seconds,
            census.instances,
            census.calls,
            census.overlapped,
            census.contended,
            census.counts["callbacks"],
            census.counts["failures_injected"],
            shifts=dict(run.shifts),
            memory=run.memory,
            violations=[each for finding in run.findings for each in finding["violations"]],
            violations_seen=census.violations,
            doubts=[*replace(host, gil=host.gil or run.gil).doubts(), *_doubts(run)],
            failures=run.findings,
            interrupted=run.interrupted,
        )

    @classmethod
    def of_sequential(cls, model: str, run: SequentialRun) -> Self:
        """Sum up a run of the state machine."""
        found = [] if run.failure is None else [mismatch(run.failure)]
        return cls(
            model,
            "sequential",
            1,
            run.seconds,
            run.examples,
            violations=[violation for failure in found for violation in failure["violations"]],
            violations_seen=len(found),
            doubts=[INTERRUPTED] if run.interrupted else [],
            failures=found,
            interrupted=run.interrupted,
        )

    @classmethod
    def of_explored(cls, model: str, run: ExploredRun) -> Self:
        """Sum up a run of the explorer."""
        found = [] if run.failure is None else [run.failure]
        return cls(
            model,
            "explore",
            1,
            run.seconds,
            len(run.programs) + run.drawn.examples,
            executions=run.executions,
            sampled=max(0, run.drawn.drawn - run.drawn_wholly - (run.failure is not None)),
            violations=[violation for failure in found for violation in failure["violations"]],
            violations_seen=len(found),
            doubts=_left_out(run),
            failures=found,
            interrupted=run.interrupted,
        )

    @classmethod
    def of_concurrent(cls, model: str, run: ConcurrentThreadsRun, host: Host) -> Self:
        """Sum up a run of drawn programs on real threads."""
        found = [] if run.failure is None else [run.failure]
        return cls(
            model,
            "concurrent",
            0,
            run.seconds,
            run.drawn.examples,
            run.census.calls,
            run.census.overlapped,
            run.census.contended,
            executions=run.census.instances,
            violations=[violation for failure in found for violation in failure["violations"]],
            violations_seen=len(found),
            doubts=[*replace(host, gil=host.gil or run.gil).doubts(), *_doubts_of_drawn(run)],
            failures=found,
            interrupted=run.drawn.interrupted,
        )

    @property
    def verdict(self) -> Verdict:
        """FAILED with a violation, UNKNOWN with a doubt, else OK."""
        if self.violations_seen or self.failures:  # a child may die before it has counted
            return Verdict.FAILED
        return Verdict.UNKNOWN if self.doubts else Verdict.OK


MANY = 10
"""Drawn programs, of which one at least has more than one execution."""
INTERRUPTED = "The run was interrupted before its time was up."
NO_OVERLAP = (
    "No call overlapped another on the same key, so nothing concurrent was tested.  Run longer, or "
    "with more threads."
)


def mismatch(failure: dict[str, Any]) -> dict[str, Any]:
    """Return what is saved of a state machine that failed."""
    violation = {"rule": "mismatch", "message": failure["message"]}
    return {"kind": "mismatch", "violations": [violation], "saved": failure}


def _left_out(run: ExploredRun) -> list[str]:
    doubts = [INTERRUPTED] if run.interrupted else []
    left = run.asked - len(run.programs) + len(run.unfinished)
    if run.undecided:
        doubts.append(run.undecided)
    if run.drawn_cut:
        doubts.append(
            f"In {run.drawn_cut:,} executions of drawn programs a thread took {STEPS} steps, and "
            f"was going on.  It is probably spinning: put sync.pause() in the loop."
        )
    if run.drawn.examples >= MANY and run.drawn_executions <= run.drawn.examples:
        doubts.append(
            "No program had more than one execution: each had one thread, or the subject shares "
            "nothing through its Sync, and only what it makes with that is explored."
        )
    if not run.asked and not run.drawn.examples:
        doubts.append("No program was explored.  Allow more time.")
    elif left and run.failure is None:
        doubts.append(
            f"{left} of {run.asked} programs were not explored to their end.  Allow more time."
        )
    return doubts


def _doubts_of_drawn(run: ConcurrentThreadsRun) -> list[str]:
    doubts = [f"The run failed: {run.error.strip()}"] if run.error else []
    if run.drawn.interrupted:
        doubts.append(INTERRUPTED)
    if not run.census.overlapped and run.failure is None:
        doubts.append(NO_OVERLAP)
    for reason, count in run.census.unknown.items():
        doubts.append(f"{count} instances prove nothing: {reason}.")
    return doubts


def _doubts(run: ThreadsRun) -> list[str]:
    doubts = [f"The harness failed: {error.strip()}" for error in run.errors]
    if run.interrupted:
        doubts.append(INTERRUPTED)
    if not run.census.overlapped and not run.findings:
        doubts.append(NO_OVERLAP)
    for reason, count in run.census.unknown.items():
        doubts.append(f"{count} instances prove nothing: {reason}.")
    return doubts


@dataclass(frozen=True, slots=True)
class Sample:
    """How far a campaign was at one moment, for plots over time."""

    seconds: float
    """Since the campaign began; time between a kill and its resumption does not count."""
    cases: int
    executions: int
    coverage: int
    """Of interleavings: how many different ones have been seen."""
    failures: int
    """Different ones."""
    memory: int
    """Resident, of the coordinator and its workers on this machine, in KiB."""


@dataclass(frozen=True, slots=True)
class Night:
    """What one night came to, for plots from night to night."""

    name: str
    """The number of the run, or its date."""
    seconds: float
    executions: int
    coverage: int
    failures: int
    new: int
    """Failures that no night before had."""


@dataclass(slots=True)
class Summary:
    """Everything a command ran."""

    host: Host
    seed: int
    runs: list[RunSummary] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """The worst of the runs'."""
        return Verdict.worst(run.verdict for run in self.runs)

    def to_json(self) -> dict[str, Any]:
        """Return one object: the totals, and the runs one by one."""
        threads = [run for run in self.runs if run.engine == "threads"]
        seconds = sum(run.seconds for run in self.runs)
        calls = sum(run.calls for run in self.runs)
        calling = sum(run.seconds for run in threads)
        return {
            "verdict": self.verdict.value,
            **asdict(self.host),
            "threads": max((run.threads for run in self.runs), default=0),
            "seconds": round(seconds, 3),
            "calls": calls,
            "calls_per_second": round(calls / calling, 1) if calling else 0.0,
            "overlapped": sum(run.overlapped for run in self.runs),
            "contended": sum(run.contended for run in self.runs),
            "callbacks": sum(run.callbacks for run in self.runs),
            "failures_injected": sum(run.failures_injected for run in self.runs),
            "violations": [found for run in self.runs for found in run.violations],
            "seed": self.seed,
            "doubts": [doubt for run in self.runs for doubt in run.doubts],
            "runs": [_as_json(run) for run in self.runs],
        }


def _as_json(run: RunSummary) -> dict[str, Any]:
    shown = asdict(run)
    del shown["failures"]
    return {"verdict": run.verdict.value, **shown}
