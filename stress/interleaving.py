"""What the model alone does in every interleaving of a program, its atomic steps taken in turn.

>>> from stress.model import Model, operation
>>> class Lock(Model):
...     held: bool = False
...
...     @operation
...     def acquire(self):
...         self.wait_until(not self.held)
...         self.held = True
>>> acquire = Invocation("acquire", ())
>>> offending(Reference(Lock()), Program((), ((acquire,), (acquire,))))
Offence(thread=0, place=0, why='waits for ever')
>>> offending(Reference(Lock()), Program((), ((acquire,),))) is None
True

A program is admitted only if in no interleaving a call is made where it must not be, or waits for
ever.  So, when a subject stands still in one, or breaks, the program is not to blame.
"""

from typing import Any, Final, NamedTuple

from stress.model import Model, NotAllowed
from stress.program import PREFIX, Earlier, Invocation, Program
from stress.reference import START, Outcome, Raised, Reference, Trail, Values

MOST: Final = 20_000
"""States that are looked at; a program with more is refused for its size."""


class Offence(NamedTuple):
    """A call for which a program is not admitted."""

    thread: int
    place: int
    why: str


class _Node(NamedTuple):
    """A state of the model, and how far each thread has come."""

    values: Values
    places: tuple[int, ...]
    trails: tuple[Trail, ...]
    results: tuple[Any, ...]
    """Of the calls that others refer to, in a fixed order."""


def restrained(model: type[Model[Any]]) -> bool:
    """Return whether any method of `model` has preconditions or waits."""
    return any(
        {"require", "wait_until"} & set(getattr(method, "__code__", _NO_CODE).co_names)
        for base in model.__mro__[: model.__mro__.index(Model)]
        for method in vars(base).values()
    )


_NO_CODE: Final = (lambda: None).__code__


def offending(reference: Reference, program: Program) -> Offence | None:
    """Return the first call found for which `program` cannot be admitted, if there is one."""
    return _Search(reference, program).offence()


class _Search:
    """Depth first over the states of the model and the threads."""

    def __init__(self, reference: Reference, program: Program) -> None:
        self._reference = reference
        self._lists = [own for _, own in program.lists()]
        self._referred = sorted(
            {
                argument
                for own in self._lists
                for call in own
                for argument in call.arguments
                if isinstance(argument, Earlier)
            }
        )

    def offence(self) -> Offence | None:
        """Search all interleavings."""
        count = len(self._lists)
        first = _Node(
            self._reference.initial(), (0,) * count, (START,) * count, (None,) * len(self._referred)
        )
        waiting, seen = [first], {first}
        while waiting:
            node = waiting.pop()
            following = self._following(node)
            if isinstance(following, Offence):
                return following
            fresh = following - seen
            seen |= fresh
            waiting.extend(fresh)
            if len(seen) > MOST:
                last = max(range(count), key=lambda at: len(self._lists[at]))
                return Offence(last + PREFIX, len(self._lists[last]) - 1, "is one too many")
        return None

    def _following(self, node: _Node) -> set[_Node] | Offence:
        found: set[_Node] = set()
        blocked: Offence | None = None
        begun = node.places[0] == len(self._lists[0])
        for at in range(1, len(self._lists)) if begun else (0,):
            place = node.places[at]
            if place == len(self._lists[at]):
                continue
            try:
                outcomes = self._outcomes(node, at, self._lists[at][place])
            except NotAllowed:
                return Offence(at + PREFIX, place, "must not be called")
            if outcomes is None:
                found.add(self._skipped(node, at))
            elif not outcomes:
                blocked = blocked or Offence(at + PREFIX, place, "waits for ever")
            else:
                found.update(self._after(node, at, outcome) for outcome in outcomes)
        return found if found or blocked is None else blocked

    def _outcomes(self, node: _Node, at: int, call: Invocation) -> tuple[Outcome, ...] | None:
        """Return the outcomes of the next step of a thread; None if its call is skipped."""
        arguments = []
        for argument in call.arguments:
            if isinstance(argument, Earlier):
                argument = node.results[self._referred.index(argument)]  # noqa: PLW2901
                if argument is None:
                    return None
            arguments.append(argument)
        caller = "main" if at == 0 else at + PREFIX
        return self._reference.outcomes(
            node.values, caller, call.f, tuple(arguments), node.trails[at]
        )

    def _skipped(self, node: _Node, at: int) -> _Node:
        return node._replace(places=_with(node.places, at, node.places[at] + 1))

    def _after(self, node: _Node, at: int, outcome: Outcome) -> _Node:
        if outcome.trail is not None:
            return node._replace(values=outcome.state, trails=_with(node.trails, at, outcome.trail))
        results = node.results
        this = Earlier(at + PREFIX, node.places[at])
        if this in self._referred and not isinstance(outcome.result, Raised):
            results = _with(results, self._referred.index(this), outcome.result)
        return _Node(
            outcome.state,
            _with(node.places, at, node.places[at] + 1),
            _with(node.trails, at, START),
            results,
        )


def _with[T](items: tuple[T, ...], at: int, item: T) -> tuple[T, ...]:
    return (*items[:at], item, *items[at + 1 :])
