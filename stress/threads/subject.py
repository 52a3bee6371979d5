"""What the real-thread engine asks of a model: instances to run, and what they did judged.

A `ThreadModel` sets a `Stage` (what many instances share: a layout, kernel mappings), and a stage
makes `Instance`s: one object under test, and for each thread the calls it makes on it.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, Protocol

from stress.history import Span
from stress.threads.observed import ObservedSync


class Step(NamedTuple):
    """One call a thread makes: a pause before it, then the call, then the proof of its result."""

    f: str
    arguments: tuple[Any, ...]
    function: Callable[..., Any]
    prove: Callable[[], Any] | None
    """Called after a return without an exception; what it answers goes to the judge."""
    pause: int
    """How many turns of an empty loop to wait before the call."""
    told: str = ""
    """The call in words, where `arguments` are not its own."""


class Record(NamedTuple):
    """What a thread noted of one `Step`: cheap to make, so as to disturb little."""

    step: Step
    start: int
    end: int
    result: Any
    """What the call returned, or the exception it raised."""
    proof: Any


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a history breaks, by its number, and why, in the model's words."""

    rule: str
    message: str


@dataclass(slots=True)
class Judgement:
    """What became of one instance."""

    history: list[Span]
    violations: list[Violation] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Why the instance proves nothing, where it does not (the machine ran out of something)."""
    counts: dict[str, int] = field(default_factory=dict)
    """What the model counts: callbacks, failures injected."""


class Instance(Protocol):
    """One object under test with its program."""

    @property
    def steps(self) -> Sequence[Sequence[Step]]:
        """For each thread, its calls in order."""

    def judge(self, records: Sequence[Sequence[Record]]) -> Judgement:
        """Judge what the threads noted, when all are done; may call the subject once more."""

    def keys(self, step: Step) -> Collection[Hashable]:
        """Return what of the subject the call touches: calls that share a key can meet."""

    def to_json(self) -> dict[str, Any]:
        """Return the parameters of the instance: with the history, all that the judge needs."""


class Stage(Protocol):
    """What the instances of some strides share."""

    slots: int
    """How many instances a stride has."""

    def instance(self, slot: int, random: Random, sync: ObservedSync) -> Instance:
        """Return a new instance in place of the one that was in `slot`."""

    def close(self) -> None:
        """Give back what the stage holds."""


class ThreadModel(Protocol):
    """A subject that real threads can stress.

    One that has options may name their usual values in an attribute ``choices``, a mapping from
    options to names: `stress doctor` tries each.
    """

    def stage(self, random: Random, threads: int) -> Stage:
        """Return a stage for `threads` threads."""
