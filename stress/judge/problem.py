"""What is searched: calls, the order they have to respect, and a specification.

Both searches, `stress.judge.wgl` and `stress.judge.levels`, place calls one after the other.  Which
calls may come next they ask an `Order`, so they serve real time (`stress.judge.realtime`) and
happens-before (`stress.judge.partial_order`) alike.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from stress.history import Span
from stress.judge.specification import Partial


class Order[Position: Hashable](Protocol):
    """Which calls may come next when some are placed; calls have numbers."""

    @property
    def first(self) -> Position:
        """The position in which no call is placed."""

    @property
    def indexes(self) -> Sequence[int]:
        """The place of each number in the history."""

    @property
    def due(self) -> int:
        """How many calls have to be placed: those that ended."""

    def moves(self, position: Position) -> list[int]:
        """Return the numbers of the calls that may come next, the first to try last.

        The list is the caller's: what was tried is popped.
        """

    def after(self, position: Position, number: int) -> Position:
        """Return the position after the call `number` is placed, too."""

    def is_whole(self, position: Position) -> bool:
        """Return whether every call is placed that has to be."""

    def waiting(self, position: Position) -> int | None:
        """Return the number of a call that has to be placed yet; one that may be now, if any."""


type Path = tuple[Path, int] | None
"""The calls placed, the last first: what paths have in common is kept once."""


@dataclass(frozen=True, slots=True)
class Problem[Position: Hashable]:
    """Whether there is a legal order of `calls`, which are in the order of their numbers."""

    order: Order[Position]
    calls: Sequence[Span]
    step: Callable[[Any, Span], Sequence[Hashable | Partial]]
    state: Hashable
    """The state before the first call."""
    final: Callable[[Any], bool] | None = None
    """Whether a legal order may end in a state; None: in any."""

    def accepts(self, position: Position, state: Hashable) -> bool:
        """Return whether a legal order may end here."""
        return self.order.is_whole(position) and (self.final is None or self.final(state))


def placed(path: Path) -> list[int]:
    """Return the numbers of the calls of a path, the first first.

    >>> placed(((None, 4), 2))
    [4, 2]
    """
    found = []
    while path is not None:
        path, number = path
        found.append(number)
    return found[::-1]
