"""What a queue or a stack cannot become any more, by when its values are taken out.

A value that is behind another leaves after it.  Where the one is known to have left before the call
that takes the other began, no order of the calls to come mends that, and a search need not find it
out by trying them all.  The monitors rest on the same fact; this serves the histories that they
leave to a search, since an open call may have taken anything or a value was put in twice.

>>> calls = [
...     Span(0, "dequeue", (), 0, 10, "ok", "a"),
...     Span(0, "dequeue", (), 20, 30, "ok", "b"),
...     Span(1, "enqueue", ("a",), 0, 40, "ok", "a"),
...     Span(2, "enqueue", ("b",), 0, 40, "ok", "b"),
... ]
>>> is_hopeless = of_queue(calls)
>>> is_hopeless is not None and [is_hopeless(queue) for queue in [("a", "b"), ("b", "a")]]
[False, True]
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from stress.history import Span

type States = tuple[Hashable, ...]
type IsHopeless = Callable[[States], bool]
"""Whether a state leads to no legal order of the calls of a history."""
type Foresight = Callable[[Sequence[Span]], IsHopeless | None]


def of_queue(calls: Sequence[Span]) -> IsHopeless | None:
    """Return what tells hopeless queues, the next to leave first; None where none is known."""
    leaving = _Leaving(calls)
    return leaving.is_hopeless if leaving.latest else None


def of_stack(calls: Sequence[Span]) -> IsHopeless | None:
    """Return what tells hopeless stacks, the next to leave last; None where none is known."""
    is_hopeless = of_queue(calls)
    return None if is_hopeless is None else lambda state: is_hopeless(state[::-1])


class _Leaving:
    """When values can leave at the earliest, and have to have left."""

    def __init__(self, calls: Sequence[Span]) -> None:
        self._earliest: dict[Hashable, float] = {}
        self.latest: dict[Hashable, float] = {}
        """Only of values that calls have taken out as often as others can have put them in."""
        inserted = Counter(call.arguments[0] for call in calls if call.arguments)
        removed = Counter[Hashable]()
        unknown = math.inf
        for call in calls:
            if call.arguments:
                continue
            if call.outcome == "info":
                unknown = min(unknown, call.start)
            elif (value := call.result) is not None:
                removed[value] += 1
                self._earliest[value] = min(self._earliest.get(value, math.inf), call.start)
                self.latest[value] = max(self.latest.get(value, -math.inf), call.end)
        for value, count in inserted.items():
            known = -math.inf if value is None else self._earliest.get(value, math.inf)
            self._earliest[value] = min(known, unknown)
            if removed[value] < count:
                self.latest.pop(value, None)

    def is_hopeless(self, leaving: States) -> bool:
        """Return whether values cannot leave in this order."""
        now = -math.inf
        for value in leaving:
            if self.latest.get(value, math.inf) < now:
                return True
            now = max(now, self._earliest[value])
        return False
