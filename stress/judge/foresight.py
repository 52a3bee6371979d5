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
>>> is_hopeless(("a", "b")), is_hopeless(("b", "a"))
(False, True)
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

from stress.history import Span

type States = tuple[Hashable, ...]
type Foresight = Callable[[Sequence[Span]], Callable[[States], bool]]
"""Returns, for the calls of a history, whether a state can lead to no legal order of them."""


def of_queue(calls: Sequence[Span]) -> Callable[[States], bool]:
    """Return whether a queue, the next to leave first, is hopeless in a history of `calls`."""
    return _Leaving(calls).is_hopeless


def of_stack(calls: Sequence[Span]) -> Callable[[States], bool]:
    """Return whether a stack, the next to leave last, is hopeless in a history of `calls`."""
    is_hopeless = _Leaving(calls).is_hopeless
    return lambda state: is_hopeless(reversed(state))


class _Leaving:
    """When values can leave at the earliest, and have to have left."""

    def __init__(self, calls: Sequence[Span]) -> None:
        self._earliest: dict[Hashable, float] = {}
        self._latest: dict[Hashable, float] = {}
        """Only of values put in once: of two, any may be the one that is taken."""
        inserted = Counter(call.arguments[0] for call in calls if call.arguments)
        unknown = math.inf
        for call in calls:
            if call.arguments:
                continue
            if call.outcome == "info":
                unknown = min(unknown, call.start)
            else:
                value = call.result
                self._earliest[value] = min(self._earliest.get(value, math.inf), call.start)
                if inserted[value] == 1:
                    self._latest[value] = call.end
        for value in inserted:
            self._earliest[value] = min(self._earliest.get(value, math.inf), unknown)

    def is_hopeless(self, leaving: Iterable[Hashable]) -> bool:
        """Return whether values that leave in this order cannot."""
        now = -math.inf
        for value in leaving:
            if self._latest.get(value, math.inf) < now:
                return True
            now = max(now, self._earliest[value])
        return False
