"""Whether a small history has a legal order, by trying every one: no memory, no cleverness.

It shares nothing with the judge but the specification, whose states it asks for in the same way.

>>> from stress.judge.builtin import SPECIFICATIONS
>>> stack = SPECIFICATIONS["stack"]
>>> calls = [
...     Span(0, "push", (1,), 0, 1, "ok", 1),
...     Span(0, "pop", (), 2, 3, "ok", None),
... ]
>>> longest(calls, stack, real_time(calls)), longest(calls[:1], stack, real_time(calls[:1]))
(1, None)
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

from stress.history import Span
from stress.judge.specification import Partial, Specification

type Before = Sequence[Collection[int]]
"""For each call, the calls that come before it."""


def real_time(calls: Sequence[Span]) -> list[set[int]]:
    """Return for each call the calls that had returned before it began."""
    return [
        {
            index
            for index, other in enumerate(calls)
            if other.outcome != "info" and other.end < call.start
        }
        for call in calls
    ]


def anything(_: Any) -> bool:
    """Accept any state in the end."""
    return True


def longest(
    calls: Sequence[Span],
    specification: Specification,
    before: Before,
    final: Callable[[Any], bool] = anything,
) -> int | None:
    """Return None if there is a legal order, else how many calls can be placed at most."""
    due = {index for index, call in enumerate(calls) if call.outcome != "info"}
    most = 0

    def is_legal(placed: frozenset[int], state: Hashable) -> bool:
        nonlocal most
        most = max(most, len(placed))
        if due <= placed and final(state):
            return True
        for index, call in enumerate(calls):
            if index not in placed and placed.issuperset(before[index]):
                for after in specification.step(state, call):
                    if isinstance(after, Partial):
                        if is_legal(placed, after.state):
                            return True
                    elif is_legal(placed | {index}, after):
                        return True
        return False

    return None if is_legal(frozenset(), specification.initial()) else most


def states_after(
    calls: Sequence[Span], specification: Specification, order: Sequence[int]
) -> set[Hashable]:
    """Return the states that the calls of `order`, one after the other, may lead to.

    Only for specifications whose calls are atomic.
    """
    states = {specification.initial()}
    for index in order:
        states = {after for state in states for after in specification.step(state, calls[index])}
    return states


def respects(order: Sequence[int], before: Before) -> bool:
    """Return whether each call of `order` comes once, and after those that come before it."""
    placed: set[int] = set()
    for index in order:
        if index in placed or not placed.issuperset(before[index]):
            return False
        placed.add(index)
    return True
