"""A history taken apart into calls that have to do with each other, and orders put together again.

Herlihy and Wing's locality (section 3.2): a history is linearizable if, for each object, the calls
of that object are.  Horn and Kroening's P-compositionality says the same of the parts of one
object, such as the elements of a set and the keys of a map.  Both hold of real-time order only.

>>> from stress.judge.builtin import SPECIFICATIONS
>>> history = [
...     Span(0, "put", ("x", "1"), 0, 40, "ok", "1"),
...     Span(1, "put", ("y", "2"), 0, 10, "ok", "2"),
...     Span(1, "get", ("x",), 20, 30, "ok", ""),
... ]
>>> taken_apart(history, SPECIFICATIONS["kv"])
[[0, 2], [1]]
>>> put_together([[2, 0], [1]], history)
[1, 2, 0]
"""

import heapq
from collections.abc import Hashable, Sequence

from stress.history import Span
from stress.judge.specification import Specification


def taken_apart(history: Sequence[Span], specification: Specification) -> list[list[int]]:
    """Return the indexes of calls that have to do with each other, together."""
    parts: dict[Hashable, list[int]] = {}
    for index, call in enumerate(history):
        key = specification.key(call)
        if key is None:
            return [list(range(len(history)))]
        parts.setdefault(key, []).append(index)
    return list(parts.values()) or [[]]


def are_elements(
    parts: Sequence[list[int]], history: Sequence[Span], specification: Specification
) -> bool:
    """Return whether the parts are the elements of one set: its monitor takes them together.

    One by one would do, too, but half a million elements of three calls each take their time.
    """
    if specification.datatype != "set":
        return False
    for call in history:
        word = specification.canonical(call)
        key = specification.key(call)
        if word is None or word.arguments not in (key, (key,)):
            return False
    return len(parts) > 1


def put_together(
    orders: Sequence[Sequence[int] | None], history: Sequence[Span]
) -> Sequence[int] | None:
    """Return one legal order of calls made from those of the parts.

    What comes next is always the first call left of the part in which that began earliest.  No
    other call left can have returned before it began: it would come after a call that began later,
    in a part whose order agrees with the clock.
    """
    known = [order for order in orders if order is not None]
    if len(known) < len(orders):
        return None
    if len(known) == 1:
        return known[0]
    return list(heapq.merge(*known, key=lambda index: history[index].start))
