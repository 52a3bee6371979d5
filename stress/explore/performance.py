"""A model's program on the simulated machine: a scenario whose every execution is judged.

>>> from hypothesis import strategies as st
>>> from registrar.sync import RELAXED
>>> from stress.explore.scenario import explored
>>> from stress.model import Model, operation
>>> from stress.program import Invocation
>>> class Tally:
...     def __init__(self, sync):
...         self._value = sync.word(name="value")
...
...     def bump(self):
...         old = self._value.load(RELAXED)
...         self._value.store(old + 1, RELAXED)
...         return old
>>> class TallyModel(Model):
...     subject = Tally
...     value: int = 0
...
...     @operation
...     def bump(self):
...         self.value += 1
...         return self.value - 1
>>> bump = (Invocation("bump", ()),)
>>> found = explored(Performance(TallyModel, Program((), (bump, bump))), memory="sc")
>>> print(found.failure.message)
main: NotPermitted: linearizability: thread 1: bump() = 0 cannot be placed
  longest legal order   thread 0: bump() = 0
  allowed there         1

Ordering
========

Making notes takes no step of the machine, so it orders nothing that the subject does not.  Calls
are ordered by happens-before in the execution at hand: where nothing orders two calls, both orders
are tried, whatever the instants say.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stress.conformance import Conformance, shown
from stress.explore.machine import Moment
from stress.explore.sync import SimulatedSync
from stress.history import Span
from stress.model import Model
from stress.program import PREFIX, Program
from stress.recording import Recording
from stress.reference import Reference
from stress.threads.observed import Witness
from stress.threads.subject import Violation

type Threads = tuple[Callable[[], None], ...]


class NotPermitted(AssertionError):  # noqa: N818  (the name is read in reports)
    """The model does not permit an execution."""

    def __init__(self, violations: list[Violation], history: list[Span]) -> None:
        super().__init__("\n".join(f"{each.rule}: {each.message}" for each in violations))
        self.kind = violations[0].rule
        self.observed = [shown(call) for call in history]
        self.allowed = [
            line.strip() for each in violations for line in each.message.splitlines()[1:]
        ]


@dataclass(frozen=True)
class Performance:
    """`program` on a new subject of `model`: a `stress.explore.scenario.Scenario`."""

    model: type[Model[Any]]
    program: Program

    def __call__(self, sync: SimulatedSync) -> Generator[Threads]:
        """Give the threads, and when they have ended judge what they did."""
        clock = Clock(sync)
        conformance = self._conformance
        conformance.reference.model.witness = clock.witness
        recording = Recording(conformance, self.program, sync)
        recording.run(PREFIX)
        yield tuple(_thread(recording, number) for number in range(len(self.program.threads)))
        recording.end()
        violations = recording.judged(clock.before)
        if violations:
            raise NotPermitted(violations, recording.calls)

    @cached_property
    def _conformance(self) -> Conformance:
        """What is worked out once for all executions."""
        return Conformance(Reference(self.model(self.program.case)))


def _thread(recording: Recording, number: int) -> Callable[[], None]:
    def run() -> None:
        recording.run(number)

    run.__name__ = f"thread {number}"
    return run


class Clock:
    """Instants of one execution, and which of them happen before others."""

    def __init__(self, sync: SimulatedSync) -> None:
        self._sync = sync
        self._moments: dict[int, Moment] = {}
        self.witness = Witness(self._now, self._process)

    def _now(self) -> int:
        """Return the instant of this moment of the calling thread."""
        moment = self._sync.moment()
        self._moments[moment.tick] = moment
        return moment.tick

    def _process(self) -> int | str:
        """Return what the history calls the calling thread: its number, or main."""
        thread = self._sync.moment().thread
        return thread - 1 if thread else "main"

    def before(self, one: int, other: int) -> bool:
        """Return whether all that a thread did by `one` happens before `other`."""
        if one >= other:  # threads are run in an order that happens-before permits
            return False
        first, second = self._moments[one], self._moments[other]
        if first.thread == second.thread:
            return True
        # The last event by `one`; where there is none, the next stands for it, which comes later.
        last = Moment(one, first.thread, max(first.position - 1, 0))
        return self._sync.happens_before(last, second)
