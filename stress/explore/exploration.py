"""What an exploration found, and what is wrong with an execution that cannot go on."""

from collections import Counter
from dataclasses import dataclass, field

from stress.explore.graph import READS, Graph
from stress.explore.machine import Machine
from stress.explore.schedule import schedule_of
from stress.explore.steps import Kind, Step
from stress.verdict import Verdict


@dataclass(frozen=True)
class Bounds:
    """How far an exploration goes; beyond, the verdict of an exhaustive one is UNKNOWN."""

    executions: int | None = None
    seconds: float | None = None
    steps: int = 2_000
    """Of one thread."""


@dataclass
class Failure:
    """An execution that must not be."""

    kind: str
    """assertion, exception, race, deadlock, lost wake-up, livelock, or what the model says."""
    message: str
    schedule: tuple[str, ...]
    """By which it is carried out again."""
    graph: Graph | None = None
    """The execution, where the machine that it belongs to is at hand."""


@dataclass
class Exploration:
    """What an exploration found so far; of a litmus test, `races` and `states` too."""

    executions: int = 0
    blocked: int = 0
    """Executions in which an await loop kept reading what was overwritten: others stand for it."""
    cut: int = 0
    """Executions in which a thread met the bound on steps."""
    races: int = 0
    """Executions with a data race."""
    states: Counter[tuple[int, ...]] = field(default_factory=Counter)
    """Executions by the final values of what is observed."""
    failure: Failure | None = None
    seconds: float = 0.0
    finished: bool = False
    """Whether all that was to be explored has been."""
    interrupted: bool = False

    @property
    def visited(self) -> int:
        """How many executions were followed, as far as the bound on steps allowed."""
        return self.executions + self.cut

    @property
    def verdict(self) -> Verdict:
        """FAILED with a failure; OK only if all there was to explore was explored to its end."""
        if self.failure is not None:
            return Verdict.FAILED
        return Verdict.OK if self.finished and not self.cut else Verdict.UNKNOWN

    def merge(self, other: "Exploration") -> None:
        """Add what `other` found elsewhere; the first failure stays."""
        self.executions += other.executions
        self.blocked += other.blocked
        self.cut += other.cut
        self.races += other.races
        self.states += other.states
        self.failure = self.failure or other.failure


def judge(machine: Machine, graph: Graph, found: Exploration) -> None:
    """Count an execution of a scenario that cannot go on, and say what is wrong with it."""
    steps = {thread: step for thread, step in enumerate(graph.pending) if step is not None}
    wrong = _fault(machine, graph, steps)
    if wrong is None and any(step.kind is Kind.BOUND for step in steps.values()):
        found.cut += 1
    elif wrong is None and any(
        step.kind is Kind.STUCK and _misses(graph, thread) for thread, step in steps.items()
    ):
        found.blocked += 1
    else:
        found.executions += 1
        wrong = wrong or _standstill(machine, steps)
        if wrong is not None:
            found.failure = Failure(*wrong, tuple(schedule_of(graph)), graph)


def _fault(machine: Machine, graph: Graph, steps: dict[int, Step]) -> tuple[str, str] | None:
    for thread, step in steps.items():
        if step.kind is Kind.FAIL:
            error = step.value
            kind = "assertion" if isinstance(error, AssertionError) else "exception"
            if hasattr(error, "kind"):  # what the model does not permit
                return error.kind, str(error)
            return kind, f"{machine.names[thread]}: {type(error).__name__}: {error}"
    if graph.races:
        one, other = (event for event in graph.order if event.bit & graph.races[0])
        where = machine.called(one.location)
        threads = f"{machine.names[one.thread]} and {machine.names[other.thread]}"
        return "race", f"{threads} access {where} at once, and nothing orders them"
    return None


def _misses(graph: Graph, thread: int) -> bool:
    """Return whether the last round of the await loop of `thread` read what was overwritten."""
    for event in reversed(graph.threads[thread]):
        if event.kind is Kind.PAUSE:
            return False
        latest = graph.writes[event.location][-1] if event.kind in READS else None
        if latest is not None and latest is not event.rf and latest.thread != thread:
            return True
    return False


def _standstill(machine: Machine, steps: dict[int, Step]) -> tuple[str, str] | None:
    if not steps:
        return None
    waiting = ", ".join(
        f"{machine.names[thread]} at {machine.described(step)}"
        for thread, step in steps.items()
        if thread or len(steps) == 1
    )
    kinds = {step.kind for step in steps.values()}
    if Kind.STUCK in kinds:
        return "livelock", f"an await loop never ends: {waiting}"
    if Kind.WAIT in kinds:
        return "lost wake-up", f"nobody is left to notify who waits: {waiting}"
    return "deadlock", f"every thread waits for another: {waiting}"
