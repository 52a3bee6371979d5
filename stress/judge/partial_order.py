"""Which calls may come next where each has to come after a given set of others.

Happens-before of an explored execution is a partial order, and so is the order of sequential
consistency: no list of calls and returns can carry it.  Calls are put into chains, in each of which
every call has to come after the one before it; what was placed is then a number for each chain, and
what may come next is among the first calls left in them.  There are as many chains as processes, or
fewer, unless the order is loose.

>>> calls = [Span(0, "f", (), instant, instant, "ok", None) for instant in range(4)]
>>> order = PartialOrder([set(), {0}, set(), {0, 2}], calls)
>>> order.moves(order.first)
[2, 0]
>>> order.moves(order.after(order.first, 0))
[2, 1]
>>> order.moves(order.after(order.after(order.first, 0), 2))
[3, 1]
"""

import math
from collections.abc import Collection, Sequence

from stress.history import Span

type Position = tuple[int, ...]
"""How many calls of each chain are placed."""


class PartialOrder:
    """The orders in which each of `calls` comes after its `predecessors`, call by call.

    ValueError where a predecessor is no index of a call, or calls have to come after themselves.
    Instants order nothing, and yet calls that returned first are tried first: it is likely that
    they took effect first.
    """

    def __init__(self, predecessors: Sequence[Collection[int]], calls: Sequence[Span]) -> None:
        count = len(calls)
        due = [call.outcome != "info" for call in calls]
        returned = [math.inf if call.outcome == "info" else call.end for call in calls]
        self._late = [-end for end in returned]
        self.indexes = range(count)
        """The place of each number in the history: numbers are indexes here."""
        self.due = sum(due)
        """How many calls have to be placed."""
        self._due = due
        if len(predecessors) != count:
            raise ValueError(
                f"there are {count} calls and {len(predecessors)} sets of predecessors.\n"
                f"  Give one set for each call, in the order of the history."
            )
        sorted_calls = _sorted(predecessors)
        self._chains: list[list[int]] = []
        self._place = [(0, 0)] * count
        """Of each call: its chain, and how many are before it there."""
        last: dict[int, int] = {}
        for index in sorted_calls:
            ends = [last[before] for before in predecessors[index] if before in last]
            chain = min(ends, default=len(self._chains))
            if not ends:
                self._chains.append([])
            else:
                del last[self._chains[chain][-1]]
            self._place[index] = chain, len(self._chains[chain])
            self._chains[chain].append(index)
            last[index] = chain
        self._needs = [self._needed(index, predecessors[index]) for index in range(count)]
        self.first: Position = (0,) * len(self._chains)
        """The position where nothing is placed."""

    def moves(self, position: Position) -> list[int]:
        """Return the numbers of the calls that may come next, the one that returned first last."""
        found = []
        needs = self._needs
        for placed, chain in zip(position, self._chains, strict=True):
            if placed < len(chain):
                number = chain[placed]
                for other, least in needs[number]:
                    if position[other] < least:
                        break
                else:
                    found.append(number)
        if len(found) > 1:
            found.sort(key=self._late.__getitem__)
        return found

    def after(self, position: Position, number: int) -> Position:
        """Return the position after the call `number` is placed, too."""
        chain, place = self._place[number]
        return (*position[:chain], place + 1, *position[chain + 1 :])

    def is_whole(self, position: Position) -> bool:
        """Return whether every call is placed that has to be."""
        return not any(
            self._due[number]
            for placed, chain in zip(position, self._chains, strict=True)
            for number in chain[placed:]
        )

    def waiting(self, position: Position) -> int | None:
        """Return the number of a call that has to be placed yet, if possible one that may now."""
        left = [
            number
            for placed, chain in zip(position, self._chains, strict=True)
            for number in chain[placed:]
        ]
        candidates = [number for number in (*self.moves(position), *left) if self._due[number]]
        return candidates[0] if candidates else None

    def _needed(self, index: int, predecessors: Collection[int]) -> list[tuple[int, int]]:
        """Return how many calls have to be placed of other chains before the call `index`."""
        own, _ = self._place[index]
        least: dict[int, int] = {}
        for before in predecessors:
            chain, place = self._place[before]
            if chain != own:
                least[chain] = max(least.get(chain, 0), place + 1)
        return list(least.items())


def _sorted(predecessors: Sequence[Collection[int]]) -> list[int]:
    """Return all calls in an order in which each comes after its predecessors."""
    followers: list[list[int]] = [[] for _ in predecessors]
    missing = [len(set(before)) for before in predecessors]
    for index, each in enumerate(predecessors):
        for before in set(each):
            if not 0 <= before < len(followers):
                raise ValueError(
                    f"call {index} has the predecessor {before}, and there are calls 0 to "
                    f"{len(followers) - 1}.\n  Predecessors are indexes of calls of the history."
                )
            followers[before].append(index)
    found = [index for index, count in enumerate(missing) if not count]
    for index in found:
        for follower in followers[index]:
            missing[follower] -= 1
            if not missing[follower]:
                found.append(follower)
    if len(found) < len(followers):
        stuck = next(index for index, count in enumerate(missing) if count)
        raise ValueError(
            f"call {stuck} has to come after itself, or after calls that do.\n"
            f"  Predecessors make no circle: what comes first has none."
        )
    return found
