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
Offence(thread=0, place=0, why='waits for ever', help=None)
>>> offending(Reference(Lock()), Program((), ((acquire,),))) is None
True

A program is admitted only if in no interleaving a call is made where it must not be, or waits for
ever.  So, when a subject stands still in one, or breaks, the program is not to blame.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from stress.model import Model, NotAllowed
from stress.program import PREFIX, Earlier, Invocation, Program
from stress.reference import START, Outcome, Raised, Reference, Trail, Values

RESTRAINTS: Final = frozenset({"require", "wait_until", "getattr"})
"""By which names a method restrains who calls it; with ``getattr`` nobody knows."""
MOST: Final = 20_000
"""States that are looked at; a program with more is refused for its size."""
TOO_LARGE: Final = "is one too many"


class Offence(NamedTuple):
    """A call for which a program is not admitted."""

    thread: int
    place: int
    why: str
    help: "Help | None" = None
    """How the program could be completed, so that the call may stay."""


class Help(NamedTuple):
    """A call without arguments that, inserted in a program, allows another or ends its waiting."""

    thread: int
    place: int
    call: Invocation


class _Node(NamedTuple):
    """A state of the model, and how far each thread has come."""

    values: Values
    places: tuple[int, ...]
    trails: tuple[Trail, ...]
    results: tuple[Any, ...]
    """Of the calls that others refer to, in a fixed order."""


def restrained(model: type[Model[Any]]) -> bool:
    """Return whether any method of `model`, or what it calls, may have preconditions or wait."""
    seen: set[Any] = set()
    return any(
        _restrains(method, seen)
        for base in model.__mro__
        if base is not Model
        for method in vars(base).values()
    )


def _restrains(method: Any, seen: set[Any]) -> bool:
    """Return whether `method` is code that requires or waits, or calls some by a name."""
    for inner in ("fget", "func", "__func__", "__wrapped__"):  # of a property, and the like
        method = getattr(method, inner, method)
    if not isinstance(method, FunctionType) or method in seen or _is_library(method):
        return False
    seen.add(method)
    codes, names = [method.__code__], set[str]()
    for code in codes:
        names.update(code.co_names)
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
    if not names.isdisjoint(RESTRAINTS):
        return True
    reached = [method.__globals__.get(name) for name in names]
    for cell in method.__closure__ or ():
        with suppress(ValueError):  # nothing was ever put there
            reached.append(cell.cell_contents)
    owners = [each if isinstance(each, ModuleType | type) else type(each) for each in reached]
    reached += [getattr(owner, name, None) for owner in owners for name in names]
    return any(_restrains(each, seen) for each in reached)


def _is_library(function: FunctionType) -> bool:
    return (function.__module__ or "").partition(".")[0] in sys.stdlib_module_names


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
            fresh = [each for each in dict.fromkeys(following) if each not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
            if len(seen) > MOST:
                last = max(range(count), key=lambda at: len(self._lists[at]))
                return Offence(last + PREFIX, len(self._lists[last]) - 1, TOO_LARGE)
        return None

    def _following(self, node: _Node) -> list[_Node] | Offence:
        found: list[_Node] = []  # no set: which offence is met first follows from the program alone
        blocked: list[tuple[int, Invocation]] = []
        begun = node.places[0] == len(self._lists[0])
        for at in range(1, len(self._lists)) if begun else (0,):
            place = node.places[at]
            if place == len(self._lists[at]):
                continue
            try:
                outcomes = self._outcomes(node, at, self._lists[at][place])
            except NotAllowed:
                return Offence(at + PREFIX, place, "must not be called", self._allowing(node, at))
            if outcomes is None:
                found.append(self._skipped(node, at))
            elif not outcomes:
                blocked.append((at, self._lists[at][place]))
            else:
                found += [self._after(node, at, outcome) for outcome in outcomes]
        return self._standstill(node, blocked) if blocked and not found else found

    def _standstill(self, node: _Node, blocked: list[tuple[int, Invocation]]) -> Offence:
        """Return the offence of a call that waits for ever, with who could help it."""
        first = blocked[0][0]
        ended = [at for at, own in enumerate(self._lists) if node.places[at] == len(own)]
        helps = (
            Help(at + PREFIX, node.places[at], call)
            for at in ended
            for call in self._helpful(node, at, blocked)
        )
        return Offence(first + PREFIX, node.places[first], "waits for ever", next(helps, None))

    def _allowing(self, node: _Node, at: int) -> Help | None:
        """Return a call by which thread `at` would be allowed its next one."""
        place = node.places[at]
        helps = self._helpful(node, at, [(at, self._lists[at][place])])
        return next((Help(at + PREFIX, place, call) for call in helps), None)

    def _helpful(
        self, node: _Node, at: int, blocked: list[tuple[int, Invocation]]
    ) -> Iterator[Invocation]:
        """Yield calls without arguments after which, by thread `at`, one of `blocked` can go on."""
        caller = "main" if at == 0 else at + PREFIX
        for own in self._reference.operations.values():
            if own.arguments or own.role or (own.alone and at):
                continue
            with suppress(NotAllowed):
                for outcome in self._reference.completed(node.values, caller, own.name, ()):
                    after = node._replace(values=outcome.state)
                    if any(self._outcomes(after, *each) for each in blocked):
                        yield Invocation(own.name, ())

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
