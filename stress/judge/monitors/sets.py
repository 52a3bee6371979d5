"""Sets: any history of add, remove and contains, each element as often as it likes.

Calls on different elements commute, and real-time order is local, so each element is judged by
itself: it is a bit, which an add that changed it turns on and a remove that changed it turns off.
All other calls only *see* the bit, on (contains True, an add that changed nothing) or off.

Turn the bit as late as can be, by the call that is due first.  Wait until a call returns that has
no place yet.  If it sees what the bit is, or was at some instant since the call began, it gets its
place there.  Otherwise the bit must be turned now, by that call which returns first among those
that turn it and have begun; if the call that returns is to turn the bit itself, again and again
until it has.  If there is none that turns the bit, the history became illegal with this return.

Being late loses nothing: no legal order has turned the bit less often by any instant, since it must
show the same to the same calls; and of jobs with release times and deadlines, the one that is due
first may always go first (Horn, "Some Simple Scheduling Algorithms", 1974).  An open add or remove
may turn the bit, too, and is never due.

Source: Lee and Mathur (OOPSLA 2025) and Abdulla et al. (PLDI 2025) monitor sets to which no element
is added twice.  We differ: this is another algorithm, and needs no such thing.
"""

from array import array
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, Final

from stress.history import Span
from stress.judge.monitors.finding import Finding, distinguishable, same

OFF: Final = 0
ON: Final = 1
TURNS: Final = 2
"""Added to the side that a call turns the bit to, not to one that it sees."""
NOTHING: Final = 4
"""What an open contains does."""
SIDES: Final = {"add": ON, "remove": OFF, "contains": None}
"""To which side each operation turns a bit, None for neither."""


def judge(history: Sequence[Span]) -> Finding | None:
    """Return whether a history of a set is linearizable; None where it has other calls."""
    elements = Elements(history)
    return elements.judge() if elements.qualifies else None


class Bit:
    """One element, now."""

    __slots__ = ("left", "side", "turns")

    def __init__(self) -> None:
        self.side = OFF
        self.left: list[tuple[int, int] | None] = [None, None]
        """Of each side, when it was left last, and the place of the turn."""
        self.turns: tuple[list[int], list[int]] = ([], [])
        """To each side, the calls that have begun, by when they are due: a heap."""


class Elements:
    """The bits of a history, and the order in which its calls are placed."""

    def __init__(self, history: Sequence[Span]) -> None:
        self._history = history
        self._bits: list[Bit] = []
        self._does = bytearray()
        """Of each call, its bit and the side that it sees or turns to."""
        self.qualifies = self._gather()
        self._due: list[int] = []
        """Calls by their returns, then open ones."""
        self._calls: list[int] = []
        self._places = array("q")
        """Of each of these calls, where: a turn, and what is seen now, at an odd place, which
        grows; what was seen before a turn right before it."""
        self._placed = bytearray(len(history))

    def _gather(self) -> bool:
        """Find out what each call does; return whether that is possible."""
        bits: dict[Any, Bit] = {}
        for _, f, arguments, _, _, outcome, result in self._history:
            does = _does(f, arguments, outcome, result)
            if does is None:
                return False
            (element,) = arguments
            bit = bits.get(element)
            if bit is None:
                bit = bits[element] = Bit()
            self._bits.append(bit)
            self._does.append(does)
        return True

    def judge(self) -> Finding:
        """Place each call when it returns, at the latest."""
        history, does = self._history, self._does
        returned = [index for index, call in enumerate(history) if call.outcome == "ok"]
        returned.sort(key=lambda index: history[index].end)
        turns = [index for index, what in enumerate(does) if what & TURNS]
        turns.sort(key=lambda index: history[index].start, reverse=True)
        self._due = returned + [index for index in turns if history[index].outcome != "ok"]
        rank = array("q", bytes(8 * len(history)))
        for place, index in enumerate(self._due):
            rank[index] = place
        for index in returned:
            now = history[index].end
            while turns and history[turns[-1]].start <= now:
                turn = turns.pop()
                heappush(self._bits[turn].turns[does[turn] & ON], rank[turn])
            if not self._placed[index] and not self._place(index, now):
                return Finding(legal=False, order=self._order(), misfit=index)
        return Finding(legal=True, order=self._order(), misfit=None)

    def _place(self, index: int, now: int) -> bool:
        """Place a call that returns now; return whether there is a place."""
        bit, does = self._bits[index], self._does[index]
        if does & TURNS:
            while not self._placed[index]:
                if not self._turn(bit, now):
                    return False
            return True
        left = bit.left[does]
        if bit.side != does and left is not None and left[0] >= self._history[index].start:
            self._put(index, left[1] - 1)
            return True
        if bit.side == does or self._turn(bit, now):
            self._put(index, 2 * len(self._calls) + 1)
            return True
        return False

    def _turn(self, bit: Bit, now: int) -> bool:
        """Turn the bit, if there is a call that can."""
        able = bit.turns[1 - bit.side]
        if not able:
            return False
        place = 2 * len(self._calls) + 1
        self._put(self._due[heappop(able)], place)
        bit.left[bit.side] = now, place
        bit.side = 1 - bit.side
        return True

    def _put(self, index: int, place: int) -> None:
        self._placed[index] = True
        self._calls.append(index)
        self._places.append(place)

    def _order(self) -> tuple[int, ...]:
        calls = self._calls
        return tuple(
            calls[place] for place in sorted(range(len(calls)), key=self._places.__getitem__)
        )


def _does(f: str, arguments: tuple[Any, ...], outcome: str, result: Any) -> int | None:
    """Return what a call does, None for what is no call of a set."""
    if f not in SIDES or len(arguments) != 1 or outcome == "fail":
        return None
    (element,) = arguments
    if not distinguishable(element):
        return None
    side = SIDES[f]
    if outcome == "info":
        return NOTHING if side is None else side + TURNS
    match result:
        case (named, bool() as seen) if same(named, element):
            if side is None:
                return ON if seen else OFF
            return side + TURNS if seen else side
    return None
