"""A model as the judge asks it: its states, and what of it the monitors know.

>>> from stress.model import Model, operation
>>> class Count(Model):
...     total: int = 0
...
...     @operation
...     def increment(self):
...         self.total += 1
...         return self.total - 1
>>> specification = ModelSpecification(Reference(Count()))
>>> specification.step(specification.initial(), Span(0, "increment", (), 1, 3, "ok", 0))
[((1,), ())]
>>> specification.step(specification.initial(), Span(0, "increment", (), 1, 3, "ok", 7))
[]
"""

from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import Any, Final

from stress.history import Span
from stress.judge.specification import Partial
from stress.model import NotAllowed
from stress.reference import START, Outcome, Reference, Trail

PUTS: Final = frozenset({"write", "enqueue", "push", "insert"})
"""Calls of the monitors' vocabularies that return what they put in."""
ASKS: Final = frozenset({"add", "remove", "contains"})
"""Calls that return what they were asked about, and whether it was so."""


class ModelSpecification:
    """A model as the judge asks it: a `stress.judge.specification.Specification`.

    Its states are those of the model with the trails of calls under way, by process.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self.datatype = reference.model.datatype
        operations = reference.operations.values()
        self._keys = {own.name: list(own.arguments).index(own.key) for own in operations if own.key}
        self._partitioned = len(self._keys) == len(operations)
        self._answers: dict[str, set[str | None]] = {}
        """How the operations that put in answer that it is done."""

    def initial(self) -> Hashable:
        """Return the state that everything begins in."""
        return self._reference.initial(), ()

    def step(self, state: Any, call: Span) -> Sequence[Hashable | Partial]:
        """Return the states `call` may lead to, given what was observed of it."""
        values, under_way = state
        process = call.process
        trail = START
        rest: tuple[Any, ...] = under_way
        if under_way:
            trail = next((steps for who, steps in under_way if who == process), START)
            rest = tuple(each for each in under_way if each[0] != process)
        try:
            outcomes = self._reference.outcomes(values, process, call.f, call.arguments, trail)
        except NotAllowed:
            return ()
        found: list[Any] = []
        for outcome in outcomes:
            if outcome.trail is not None:
                going = tuple(sorted((*rest, (process, outcome.trail)), key=_by_process))
                found.append(Partial((outcome.state, going)))
            elif call.outcome == "info" or outcome.matches(call.outcome, call.result):
                found.append((outcome.state, rest))
        return found

    def finished(self, state: Any, call: Span) -> list[Any]:
        """Return the states after all steps of `call`, nobody else taking any meanwhile."""
        found = []
        waiting = list(self.step(state, call))
        while waiting:
            following = waiting.pop()
            if isinstance(following, Partial):
                waiting.extend(self.step(following.state, call))
            else:
                found.append(following)
        return found

    def answers(self, state: Any, call: Span) -> list[str]:
        """Return what `call` may come to, spelled, nobody else taking a step meanwhile."""
        with suppress(NotAllowed):
            return list(
                map(
                    str,
                    self._reference.completed(state[0], call.process, call.f, call.arguments),
                )
            )
        return []

    def key(self, call: Span) -> Hashable | None:
        """Return the key by which `call` commutes with others, if every operation has one."""
        if not self._partitioned:
            return None
        key: Hashable = call.arguments[self._keys[call.f]]
        return key

    def canonical(self, call: Span) -> Span | None:
        """Return `call` as the monitor of the datatype knows it; None if it has no place there."""
        means = self._reference.operations[call.f].means
        if means is None or call.outcome == "fail":
            return None
        result = call.result
        if call.outcome == "ok" and means in PUTS:  # methods that put in say so in several ways
            answer = _answer(call, result)
            if answer is None or answer not in self._answers_to(call):
                return None
            result = call.arguments[0]
        elif call.outcome == "ok" and means in ASKS:
            result = (call.arguments[0], result)
        return call._replace(f=means, result=result)

    def _answers_to(self, call: Span) -> set[str | None]:
        """Return in which of the ways the model says that a call like `call` is done."""
        known = self._answers.get(call.f)
        if known is None:
            outcomes: Sequence[Outcome] = ()
            with suppress(NotAllowed):
                outcomes = self._reference.completed(
                    self._reference.initial(), call.process, call.f, call.arguments
                )
            known = {_answer(call, each.result) for each in outcomes if each.returned}
            self._answers[call.f] = known
        return known


def _answer(call: Span, result: Any) -> str | None:
    """Return how `result` says that `call` put its argument in; None: it does not."""
    if result is None:
        return "nothing"
    if result is True:
        return "true"
    return "what was put in" if result == call.arguments[0] else None


def _by_process(under_way: tuple[int | str, Trail]) -> str:
    return str(under_way[0])
