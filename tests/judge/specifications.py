"""Specifications that try what the built-in ones do not: choices, atomic steps, waiting."""

from collections.abc import Hashable, Sequence
from typing import Any

from stress.history import Span
from stress.judge.specification import Partial


class Plain:
    """No datatype, no keys."""

    datatype: str | None = None

    def key(self, call: Span) -> Hashable | None:  # noqa: ARG002
        """Return None: calls are not told apart."""
        return None

    def canonical(self, call: Span) -> Span | None:  # noqa: ARG002
        """Return None: there is no monitor."""
        return None


class Dice(Plain):
    """`roll` adds one, two or three, and does not say what; `total` tells the sum."""

    def initial(self) -> int:
        """Return the sum of nothing."""
        return 0

    def step(self, state: Any, call: Span) -> Sequence[int]:
        """Return the sums there may be."""
        if call.f == "roll":
            return [state + points for points in (1, 2, 3)]
        return [state] if call.outcome == "info" or call.result == state else []


class Halves(Plain):
    """`add` adds two, one after the other, and returns what was there before; `read` reads.

    The state is the number and the processes that are half way, with what they found.
    """

    def initial(self) -> tuple[int, frozenset[tuple[int | str, int]]]:
        """Return nought, and nobody half way."""
        return 0, frozenset()

    def step(self, state: Any, call: Span) -> Sequence[Hashable | Partial]:
        """Take one half of a step."""
        number, halves = state
        if call.f == "read":
            return [state] if call.outcome == "info" or call.result == number else []
        mine = [half for half in halves if half[0] == call.process]
        if not mine:
            return [Partial((number + 1, halves | {(call.process, number)}))]
        if call.outcome != "info" and call.result != mine[0][1]:
            return []
        return [(number + 1, halves - {mine[0]})]


class Endless(Plain):
    """`spin` takes atomic steps for ever, each to a state of its own."""

    def initial(self) -> int:
        """Return nought."""
        return 0

    def step(self, state: Any, call: Span) -> Sequence[Hashable | Partial]:  # noqa: ARG002
        """Take one more."""
        return [Partial(state + 1)]


class Circling(Endless):
    """`spin` takes atomic steps for ever, and comes by the same states again."""

    def step(self, state: Any, call: Span) -> Sequence[Hashable | Partial]:  # noqa: ARG002
        """Take one more."""
        return [Partial((state + 1) % 5)]
