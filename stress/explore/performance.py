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
linearizability: thread 1: bump() = 0 cannot be placed
  longest legal order   thread 0: bump() = 0
  allowed there         1

Ordering
========

Making notes takes no step of the machine, so it orders nothing that the subject does not.  Calls
are ordered by happens-before in the execution at hand: where nothing orders two calls, both orders
are tried, whatever the instants say.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from stress.conformance import Conformance, Misfit, made_of, shown
from stress.explore.coverage import Coverage
from stress.explore.machine import Moment
from stress.explore.sync import SimulatedSync
from stress.history import Span
from stress.model import Model
from stress.program import PREFIX, Program
from stress.recording import Recording
from stress.reference import Reference
from stress.threads.observed import Witness
from stress.threads.subject import Violation

MOST_CALLS: Final = 4
"""Calls that are named in a sentence."""

type Threads = tuple[Callable[[], None], ...]


class NotPermitted(AssertionError):  # noqa: N818  (the name is read in reports)
    """The model does not permit an execution."""

    def __init__(
        self, violations: list[Violation], history: list[Span], misfit: Misfit | None = None
    ) -> None:
        first = violations[0]
        super().__init__("\n".join(f"{each.rule}: {each.message}" for each in violations))
        self.kind = first.rule
        self.title = f"{first.rule}: {first.message.partition('\n')[0]}"
        self.observed = [shown(call) for call in history]
        self.allowed = [
            line.strip() for each in violations for line in each.message.splitlines()[1:]
        ]
        self.why: list[str] = []
        self.process = misfit.call.process if misfit is not None else None
        """Whose call has no place."""
        if misfit is not None:
            self._tell_of(misfit, history)
            for each in violations[1:]:
                self.why.append(f"{each.rule} is broken, too: {each.message.splitlines()[0]}.")

    def _tell_of(self, misfit: Misfit, history: list[Span]) -> None:
        """Say which call has no place, and what comes before it."""
        call, made = misfit.call, made_of(misfit.call.f, misfit.call.arguments)
        after = f"After {_listed(misfit.placed)}" if misfit.placed else "At the beginning"
        self.why.append(
            f"{_capital(shown(call))} cannot be placed.  {after}, the longest legal order, "
            f"{made} = {' or '.join(misfit.answers)} in the model."
        )
        mine = [each for each in misfit.earlier if each.process != call.process]
        beside = [each for each in history if each not in (call, *misfit.earlier, *misfit.placed)]
        if mine:
            verb = "comes" if len(mine) == 1 else "come"
            self.why.append(f"{_capital(_listed(mine))} {verb} before it in every order.")
        if beside:
            self.why.append(f"{_capital(_listed(beside))} may come before or after: neither helps.")


def _listed(calls: Sequence[Span]) -> str:
    """Return calls in words; of many, the last ones."""
    last = [shown(call) for call in calls[-MOST_CALLS:]]
    if more := len(calls) - len(last):
        last.insert(0, f"{more:,} more")
    return ", ".join(last)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Performance:
    """`program` on a new subject of `model`: a `stress.explore.scenario.Scenario`."""

    model: type[Model[Any]]
    program: Program
    coverage: Coverage | None = field(default=None, compare=False)
    """Notes what is seen, where somebody wants to know."""

    def __call__(self, sync: SimulatedSync) -> Generator[Threads]:
        """Give the threads, and when they have ended judge what they did."""
        clock = Clock(sync)
        conformance = self._conformance
        conformance.reference.model.witness = clock.witness
        recording = Recording(conformance, self.program, sync, sync.listener)
        recording.run(PREFIX)
        yield tuple(_thread(recording, number) for number in range(len(self.program.threads)))
        recording.end()
        if self.coverage is not None and self.coverage.wants():
            calls = [(call.f, clock.moment(call.start)) for call in recording.calls]
            self.coverage.note(*sync.execution, calls)
        violations = recording.judged(clock.before)
        if violations:
            raise NotPermitted(violations, recording.calls, self._conformance.misfit)

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

    def moment(self, instant: int) -> Moment:
        """Return where the thread stood that was told `instant`."""
        return self._moments[instant]

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
