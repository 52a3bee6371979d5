"""What a monitor answers, and the values that it can tell apart.

>>> distinguishable("a"), distinguishable((1, "b")), distinguishable(True)
(True, True, False)
"""

import math
from enum import Enum
from typing import Any, NamedTuple


class Finding(NamedTuple):
    """The answer of a monitor; calls are named by their indexes in the history."""

    legal: bool
    order: tuple[int, ...] | None
    """Legal: a legal order of all calls that returned, and of the open ones that took effect.
    Illegal: a legal order of the calls that had returned before `misfit` did, where one is known:
    calls that were running then may be in it, with what they returned later."""
    misfit: int | None
    """Illegal: the call at whose return the history became so, if those that were running then
    return what they returned later.  Where open removals have a say, it may have been so before,
    or no call is known."""


class Misfit(NamedTuple):
    """When a history became illegal; the smallest is the first."""

    instant: int
    call: int


def distinguishable(value: Any) -> bool:
    """Return whether `value` equals, as a key of a dict, only what it should.

    False for a bool (True is 1 to Python, and is not to JSON), for NaN, and for what is not plain
    data: a history with such a value does not qualify.
    """
    kind = value.__class__
    if kind is int or kind is str or value is None:
        return True
    if kind is float:
        return not math.isnan(value)
    if kind is tuple or kind is frozenset:
        return all(map(distinguishable, value))
    return issubclass(kind, Enum) and not issubclass(kind, (int, float, str))


def same(result: Any, argument: Any) -> bool:
    """Return whether a call returned what it was given, as an insertion does."""
    return result is argument or (result == argument and result.__class__ is argument.__class__)
