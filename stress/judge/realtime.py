"""Which calls may come next in real-time order: those that began before any other returned.

Of the calls not yet placed, the one that returns first has to come before every call that begins
after that, so the calls that may come next are those that begin no later.  Wing & Gong and Lowe
find them by walking a doubly linked list of calls and returns as far as the first return, and lift
a call out of it when it is placed.  Here calls are numbered by the order of their returns
instead.  Then the first return is that of the first number not yet placed, the *base*; what may
come next is known for each base beforehand; and what was placed is the base and a set of few bits,
those beyond it.  That is one int, so undoing is forgetting, and a set of a million calls takes no
more room than one of ten.

>>> calls = [
...     Span(0, "a", (), 0, 9, "ok", None),
...     Span(1, "b", (), 1, 2, "ok", None),
...     Span(1, "c", (), 3, 4, "ok", None),
... ]
>>> order = RealTime(calls)
>>> [calls[order.indexes[number]].f for number in order.moves(order.first)]
['a', 'b']
>>> after = order.after(order.first, 0)
>>> [calls[order.indexes[number]].f for number in order.moves(after)]
['a', 'c']

Several calls and returns at one instant are concurrent: there, calls come before returns.  An open
call returns after all others and need not be placed.
"""

from bisect import bisect_right
from collections.abc import Sequence

from stress.history import Span


class RealTime:
    """The orders of `calls` that respect real time, call by call.

    Calls are numbered by the order of their returns, open calls last.
    """

    first = 0
    """The position where nothing is placed."""

    def __init__(self, calls: Sequence[Span]) -> None:
        ended = [index for index, call in enumerate(calls) if call.outcome != "info"]
        ended.sort(key=lambda index: calls[index].end)
        opened = [index for index, call in enumerate(calls) if call.outcome == "info"]
        opened.sort(key=lambda index: calls[index].start)
        self.indexes = [*ended, *opened]
        """The place of each number in the history."""
        self.due = len(ended)
        """How many calls have to be placed."""
        self._starts = [calls[index].start for index in ended]
        self._ends = [calls[index].end for index in ended]
        self._begun = sorted(range(self.due), key=self._starts.__getitem__)
        self._opened = [calls[index].start for index in opened]
        self._low = self.due.bit_length()
        """A position has the base in this many low bits; then a bit for each open call, then one
        for each call from the base on."""
        self._base = (1 << self._low) - 1
        self._ahead = self._low + len(opened)
        self._reach: list[tuple[int, ...]] = []
        """For each base, the calls that begin no later than it returns, and return no earlier."""
        self._known = 0
        """How many have begun by the last of those."""

    def moves(self, position: int) -> list[int]:
        """Return the numbers of the calls that may come next, the one that returns first last."""
        base = position & self._base
        reach = self._reach[base] if base < len(self._reach) else self._extended(base)
        ahead = position >> self._ahead
        if ahead:
            found = [number for number in reach if not ahead >> number - base & 1]
        else:
            found = list(reach)
        if self._opened:
            return [*self._open_moves(position, base), *found]
        return found

    def after(self, position: int, number: int) -> int:
        """Return the position after the call `number` is placed, too."""
        base = position & self._base
        if number >= self.due:
            return position | 1 << self._low + number - self.due
        if number != base:
            return position | 1 << self._ahead + number - base
        ahead = position >> self._ahead
        if not ahead:
            return position + 1
        ahead |= 1
        placed = (~ahead & ahead + 1).bit_length() - 1
        opened = position & (1 << self._ahead) - (1 << self._low)
        return ahead >> placed << self._ahead | opened | base + placed

    def is_whole(self, position: int) -> bool:
        """Return whether every call is placed that has to be."""
        return position & self._base == self.due

    def waiting(self, position: int) -> int | None:
        """Return the number of the call that returns first of those not placed."""
        base = position & self._base
        return base if base < self.due else None

    def _open_moves(self, position: int, base: int) -> list[int]:
        begun = (
            bisect_right(self._opened, self._ends[base]) if base < self.due else len(self._opened)
        )
        placed = position >> self._low
        return [self.due + place for place in range(begun) if not placed >> place & 1]

    def _extended(self, base: int) -> tuple[int, ...]:
        """Work out what may come next up to `base`: a search gets there in small steps."""
        reach, begun = self._reach, self._begun
        while len(reach) <= base:
            at = len(reach)
            pending = reach[-1][:-1] if at else ()  # the last was the base before
            known = self._known
            if at < self.due:
                end = self._ends[at]
                while known < self.due and self._starts[begun[known]] <= end:
                    known += 1
            if known > self._known:
                pending = tuple(sorted([*pending, *begun[self._known : known]], reverse=True))
                self._known = known
            reach.append(pending)
        return reach[base]
