"""What interleavings were seen: which of two steps, or calls, of different threads came first.

>>> seen = {key("head", "push store", "pop load"), key("head", "pop load", "push store")}
>>> Pairs.of(seen | {key("tail", "push store", "pop load")})
Pairs(seen=2, both=1)

A pair of which one order alone was seen may hide a fault in the other.  No count of pairs says
that all was seen: there is no telling how many there are.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]+|\d+")
_ORDER: Final = " → "
_PLACE: Final = ": "
LONGEST: Final = 300
"""Characters of a key; names of locations are the subject's own."""


def alike(name: str) -> str:
    """Return `name` without numbers, so that the words of an array are one place."""
    return _NUMBER.sub("#", name)


def key(place: str, first: str, second: str) -> str:
    """Return what stands for `first` before `second`, both at `place`."""
    return f"{place}{_PLACE}{first}{_ORDER}{second}"[:LONGEST]


class Pairs(NamedTuple):
    """How many pairs were seen, and how many of them in both orders."""

    seen: int
    both: int

    @classmethod
    def of(cls, keys: Iterable[str]) -> Self:
        """Count the pairs of which `keys` are orders."""
        known = set(keys)
        seen = both = 0
        for each in known:
            other = _reversed(each)
            if other == each or (other in known and each < other):
                seen, both = seen + 1, both + 1
            elif other not in known:
                seen += 1
        return cls(seen, both)

    def __str__(self) -> str:
        return f"{self.seen:,} pairs, {self.both:,} in both orders"


def _reversed(found: str) -> str:
    place, _, steps = found.rpartition(_PLACE)
    first, _, second = steps.partition(_ORDER)
    return key(place, second, first)
