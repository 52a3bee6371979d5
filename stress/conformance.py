"""Whether a model permits a history of calls, and if not, which call has no place and why.

>>> from stress.model import Model, operation
>>> class Count(Model):
...     total: int = 0
...
...     @operation
...     def increment(self):
...         self.total += 1
...         return self.total - 1
>>> twice = [Span(0, "increment", (), 1, 3, "ok", 0), Span(1, "increment", (), 2, 4, "ok", 0)]
>>> [found] = Conformance(Reference(Count())).violations(twice, None)
>>> print(found.message)
thread 1: increment() = 0 cannot be placed
  longest legal order   thread 0: increment() = 0
  allowed there         1

Of real threads, calls are ordered by the instants of one clock.  Of a simulated machine they are
ordered by happens-before, which is partial; a model of sequential consistency asks for neither.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stress.history import Span
from stress.judge.judgement import Judgement
from stress.judge.linearizability import linearize, program_order
from stress.model_specification import ModelSpecification
from stress.reference import Raised, Reference, Values, spelled
from stress.threads.subject import Violation
from stress.verdict import NoVerdictError, Verdict

BUDGET: Final = 20.0
"""Seconds the judge may take for one history."""
RULES: Final = {"real-time": "linearizability", "sequential": "sequential consistency"}

type Before = Callable[[int, int], bool]
"""Whether what was done by the first instant is surely done at the second."""


class UndecidedError(NoVerdictError):
    """The judge ran out of its budget: nothing is known of a history."""


class Conformance:
    """What `reference` says of histories; the same history is judged once."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self._model = reference.model
        self._invariants = self._model.invariants()
        self._known: dict[Any, tuple[Judgement, Values | None]] = {}
        self.misfit: Misfit | None = None
        """The call that the last history had no place for, if there was one."""

    def violations(
        self, calls: Sequence[Span], before: Before | None, subject: Any = None
    ) -> list[Violation]:
        """Return what the model does not permit; invariants are asked of `subject`, at rest.

        UndecidedError where the budget does not suffice.
        """
        broken: list[Violation] = []
        self.misfit = None
        judgement = self._judged(calls, before, subject, broken)
        if judgement.verdict is Verdict.OK:
            return []
        if judgement.verdict is Verdict.UNKNOWN:
            raise UndecidedError(
                f"{judgement.steps:,} steps of {type(self._model).__name__} did not decide whether "
                f"it permits an execution of {len(calls)} calls.\n  Draw smaller programs."
            )
        if judgement.misfit is None and broken:  # told of the state in which most invariants hold
            return [max(broken, key=lambda each: self._invariants.index(each.rule))]
        self.misfit = self._misfit(calls, judgement, before)
        return [self.misfit.violation(RULES[self._model.consistency])]

    def _judged(
        self,
        calls: Sequence[Span],
        before: Before | None,
        subject: Any,
        broken: list[Violation],
    ) -> Judgement:
        at_rest = self._invariants and subject is not None
        predecessors = self._predecessors(calls, before)
        if predecessors is not None:
            judgement, end = self._once(calls, predecessors)
            if not at_rest or end is None or self._holds(end, subject, broken):
                return judgement
        return linearize(
            calls,
            ModelSpecification(self.reference),
            predecessors=predecessors,
            budget=BUDGET,
            final=(lambda state: self._holds(state[0], subject, broken)) if at_rest else None,
        )

    def _once(
        self, calls: Sequence[Span], predecessors: list[set[int]]
    ) -> tuple[Judgement, Values | None]:
        """Return the judgement, and if there is a legal order the state it ends in."""
        key = (
            tuple((each.process, each.f, each.arguments, each.outcome, each.result)
                  for each in calls),
            tuple(map(frozenset, predecessors)),
        )  # fmt: skip
        known = self._known.get(key)
        if known is None:
            ends: list[Values] = []

            def legal(state: Any) -> bool:
                ends.append(state[0])
                return True

            judgement = linearize(
                calls,
                ModelSpecification(self.reference),
                predecessors=predecessors,
                budget=BUDGET,
                final=legal,
            )
            known = self._known[key] = judgement, ends[-1] if ends else None
        return known

    def _holds(self, values: Any, subject: Any, broken: list[Violation]) -> bool:
        """Return whether the invariants hold of `subject` with the model in this state."""
        for name in self._invariants:
            try:
                getattr(self.reference.load(values), name)(subject)
            except AssertionError as error:
                broken.append(Violation(name, str(error) or "does not hold when all have ended"))
                return False
            except NoVerdictError:
                raise
            except Exception as error:  # noqa: BLE001  (of the subject, or of the model: both are told)
                broken.append(Violation(name, f"{type(error).__name__}: {error}"))
                return False
        return True

    def _predecessors(self, calls: Sequence[Span], before: Before | None) -> list[set[int]] | None:
        """Return what comes before each call; None where the instants of one clock say it."""
        if self._model.consistency == "sequential":
            return _in_turn(calls)
        return None if before is None else _before_each(calls, before)

    def _misfit(
        self, calls: Sequence[Span], judgement: Judgement, before: Before | None
    ) -> "Misfit":
        """Return the call that cannot be placed, with what there is around it."""
        assert judgement.misfit is not None
        placed = [calls[index] for index in judgement.order or ()]
        # Where no call can be the first, the one that began first is to blame, not who met it.
        at = judgement.misfit if placed else 0
        misfit = calls[at]
        predecessors = self._predecessors(calls, before)
        if predecessors is None:
            earlier = {other for other, call in enumerate(calls) if call.end < misfit.start}
        else:
            earlier = _all_before(predecessors, at)
        return Misfit(
            misfit,
            placed,
            self._allowed(placed, misfit),
            [calls[at] for at in sorted(earlier)],
        )

    def _allowed(self, placed: Sequence[Span], misfit: Span) -> list[str]:
        """Return what the model would have `misfit` come to after the calls of `placed`."""
        specification = ModelSpecification(self.reference)
        states: list[Any] = [specification.initial()]
        for call in placed:
            states = [state for before in states for state in specification.finished(before, call)]
        if not states:
            return ["not known: steps of other calls come between those of one"]
        answers: list[str] = []
        for state in states:
            answers += specification.answers(state, misfit)
        return [*dict.fromkeys(answers)] or ["nothing: it waits"]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A call that no order of the calls has a place for."""

    call: Span
    placed: Sequence[Span]
    """The longest legal order of others."""
    answers: Sequence[str]
    """What the model would have it come to after those."""
    earlier: Sequence[Span]
    """The calls that come before it in every order."""

    def violation(self, rule: str) -> Violation:
        """Return it as what breaks `rule`."""
        return Violation(
            rule,
            f"{shown(self.call)} cannot be placed\n"
            f"  longest legal order   {', '.join(map(shown, self.placed)) or 'nothing'}\n"
            f"  allowed there         {' or '.join(self.answers)}",
        )


def _all_before(predecessors: Sequence[set[int]], call: int) -> set[int]:
    """Return what comes before `call`, directly or by way of others."""
    found: set[int] = set()
    waiting = [call]
    while waiting:
        more = predecessors[waiting.pop()] - found
        found |= more
        waiting += more
    return found


def _in_turn(calls: Sequence[Span]) -> list[set[int]]:
    """Return for each of `calls`, sorted by their start, those before it in its own thread.

    The main thread calls before there are others, or after them.
    """
    found = program_order(calls)
    for at, call in enumerate(calls):
        found[at].update(
            other for other in range(at) if "main" in {call.process, calls[other].process}
        )
    return found


def _before_each(calls: Sequence[Span], before: Before) -> list[set[int]]:
    """Return for each of `calls`, sorted by their start, those before it.

    Of each process that is the last that is before; the others precede that.
    """
    found: list[set[int]] = []
    processes: dict[int | str, list[int]] = {}
    for at, call in enumerate(calls):
        last = set()
        for process, latest_first in processes.items():
            for other in latest_first:
                if process == call.process or before(calls[other].end, call.start):
                    last.add(other)
                    break
        found.append(last)
        processes.setdefault(call.process, []).insert(0, at)
    return found


def shown(call: Span) -> str:
    """Return a call as people write it, with who made it."""
    made = f"{caller(call)}: {made_of(call.f, call.arguments)}"
    if call.outcome == "info":
        return f"{made} never returned"
    result = Raised(*call.result) if call.outcome == "fail" else spelled(call.result)
    return f"{made} = {result}"


def caller(call: Span) -> str:
    """Return who made a call: ``thread 1``, ``main``."""
    return call.process if isinstance(call.process, str) else f"thread {call.process}"


def made_of(f: str, arguments: Sequence[Any]) -> str:
    """Return a call as people write it."""
    return f"{f}({', '.join(map(spelled, arguments))})"


def result_of(call: Span) -> str:
    """Return what a call that has ended came to."""
    return f"raises {Raised(*call.result)}" if call.outcome == "fail" else spelled(call.result)
