"""Queues and stacks that know when their values will be taken, and so what they cannot become.

A search that puts two values into a queue in the wrong order finds out when they are taken, and by
then has tried every order of all that comes between.  But when values are taken is plain from the
history: a value that is behind another leaves after it, so where it must have left before the call
that takes the other begins, no order of the calls to come mends that.  In a queue more is known,
namely what is put in as the n-th leaves as the n-th.  The monitors rest on such facts, too.  Here
they serve the histories that monitors leave to a search, since values were put in twice or an open
call may have taken anything.

>>> calls = [
...     Span(0, "dequeue", (), 0, 10, "ok", "a"),
...     Span(0, "dequeue", (), 20, 30, "ok", "b"),
...     Span(1, "enqueue", ("a",), 0, 40, "ok", "a"),
...     Span(2, "enqueue", ("b",), 0, 40, "ok", "b"),
... ]
>>> queue = Queue(calls)
>>> queue.step((0, ("a",)), calls[3])
((0, ('a', 'b')),)
>>> queue.step((0, ("b",)), calls[2])
()

Each has fewer states than the specification it stands for, and the same legal orders.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from stress.history import Span

type Items = tuple[Hashable, ...]


class Foreseen(Protocol):
    """A specification for the calls of one history."""

    @property
    def first(self) -> Hashable:
        """The state before the first call."""

    def step(self, state: Any, call: Span) -> Sequence[Hashable]:
        """Return the states that `call` may lead to, but for those that lead to no legal order."""


type Foresight = Callable[[Sequence[Span]], Foreseen]


class _Removal(NamedTuple):
    """A call that takes a value."""

    least: int
    """How many others surely come before it; `most`: may come before it."""
    most: int
    start: float
    end: float


class _Span(NamedTuple):
    """When a value leaves: it may not before `earliest`, and has to have left by `latest`."""

    earliest: float
    latest: float


class Queue:
    """A queue: how many values have left it, and those in it, the next to leave first."""

    first: tuple[int, Items] = 0, ()

    def __init__(self, calls: Sequence[Span]) -> None:
        removals = [call for call in calls if not call.arguments]
        taken = [call for call in removals if call.outcome == "ok" and call.result is not None]
        opened = [call for call in removals if call.outcome == "info"]
        starts, ends = sorted(call.start for call in taken), sorted(call.end for call in taken)
        self._taken = len(taken)
        self._most = len(taken) + len(opened) - 1
        self._removals: defaultdict[Hashable, list[_Removal]] = defaultdict(list)
        for call in taken:
            least = bisect_left(ends, call.start)
            most = len(opened) - 1 + bisect_right(starts, call.end)
            removal = _Removal(least, most, call.start, call.end)
            self._removals[call.result].append(removal)
        self._opened = [
            _Removal(bisect_left(ends, call.start), self._most, call.start, math.inf)
            for call in opened
        ]
        self._known: dict[tuple[Hashable, int], _Span | None] = {}
        self._last: tuple[int, Items] | None = None
        self._last_earliest = -math.inf

    def step(self, state: tuple[int, Items], call: Span) -> tuple[tuple[int, Items], ...]:
        """Return the queue after `call`, if it has one."""
        removed, items = state
        _, _, arguments, _, _, outcome, result = call
        if outcome == "fail":
            return ()
        if arguments:
            leaving = self._leaving(arguments[0], removed + len(items))
            if leaving is None or leaving.latest < self._earliest(state):
                return ()
            return ((removed, (*items, *arguments)),)
        if not items:
            return (state,) if result is None else ()
        if items[0] == result or outcome == "info":
            return ((removed + 1, items[1:]),)
        return ()

    def _earliest(self, state: tuple[int, Items]) -> float:
        """Return when all that is in the queue can have left at the earliest."""
        if state is not self._last:
            removed, items = state
            found = -math.inf
            for place, value in enumerate(items, removed):
                leaving = self._leaving(value, place)
                if leaving is not None and leaving.earliest > found:
                    found = leaving.earliest
            self._last, self._last_earliest = state, found
        return self._last_earliest

    def _leaving(self, value: Hashable, place: int) -> _Span | None:
        """Return when a value leaves that does so after `place` others; None: it cannot."""
        key = value, place
        if key not in self._known:
            able = [
                removal
                for removal in (*self._removals[value], *self._opened)
                if removal.least <= place <= removal.most
            ]
            found: _Span | None = None
            if place >= self._taken:  # it may stay for ever
                found = _Span(min((each.start for each in able), default=math.inf), math.inf)
            elif able:
                found = _Span(min(each.start for each in able), max(each.end for each in able))
            self._known[key] = found
        return self._known[key]


class Stack:
    """A stack, the next value to leave last."""

    first: Items = ()

    def __init__(self, calls: Sequence[Span]) -> None:
        inserted = Counter(call.arguments[0] for call in calls if call.arguments)
        removed = Counter(call.result for call in calls if not call.arguments)
        unknown = min(
            (call.start for call in calls if not call.arguments and call.outcome == "info"),
            default=math.inf,
        )
        self._earliest: dict[Hashable, float] = dict.fromkeys(inserted, unknown)
        self._latest: dict[Hashable, float] = dict.fromkeys(inserted, math.inf)
        for call in calls:
            value = call.result
            if call.outcome == "ok" and not call.arguments and value in inserted:
                self._earliest[value] = min(self._earliest[value], call.start)
                if removed[value] >= inserted[value]:  # so every one of them is taken
                    latest = self._latest[value]
                    self._latest[value] = call.end if latest == math.inf else max(latest, call.end)
        self._last: Items | None = None
        self._last_latest = math.inf

    def step(self, state: Items, call: Span) -> tuple[Items, ...]:
        """Return the stack after `call`, if it has one."""
        _, _, arguments, _, _, outcome, result = call
        if outcome == "fail":
            return ()
        if arguments:
            if state is not self._last:
                self._last = state
                self._last_latest = min(map(self._latest.__getitem__, state), default=math.inf)
            if self._earliest[arguments[0]] > self._last_latest:
                return ()
            return ((*state, *arguments),)
        if not state:
            return (state,) if result is None else ()
        return (state[:-1],) if state[-1] == result or outcome == "info" else ()
