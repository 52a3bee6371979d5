"""Relations over events 0..n-1, as rows of bits, and the algebra that the axioms are written in.

>>> r = Relation.of(3, [(0, 1), (1, 2)])
>>> sorted((r @ r).pairs()), sorted(r.plus().pairs())
([(0, 2)], [(0, 1), (0, 2), (1, 2)])
>>> r.acyclic(), (r | r.inverse()).acyclic()
(True, False)

A set of events is a `Set`: an int with bit e for event e. ``identity(n, s)`` is the papers' [s].
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

type Set = int


def members(events: Set) -> Iterator[int]:
    """Yield the events of a set, smallest first."""
    while events:
        lowest = events & -events
        yield lowest.bit_length() - 1
        events ^= lowest


def set_of(events: Iterable[int]) -> Set:
    """Return the set of some events."""
    total = 0
    for event in events:
        total |= 1 << event
    return total


@dataclass(frozen=True)
class Relation:
    """Pairs of events: ``rows[a]`` is the set of all b with (a, b) in the relation."""

    rows: tuple[Set, ...]

    @classmethod
    def of(cls, n: int, pairs: Iterable[tuple[int, int]]) -> Self:
        """Return the relation of these pairs."""
        rows = [0] * n
        for a, b in pairs:
            rows[a] |= 1 << b
        return cls(tuple(rows))

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the pairs."""
        for a, row in enumerate(self.rows):
            for b in members(row):
                yield a, b

    def __contains__(self, pair: tuple[int, int]) -> bool:
        a, b = pair
        return bool(self.rows[a] >> b & 1)

    def __bool__(self) -> bool:
        return any(self.rows)

    def __or__(self, other: "Relation") -> "Relation":
        return Relation(tuple(a | b for a, b in zip(self.rows, other.rows, strict=True)))

    def __and__(self, other: "Relation") -> "Relation":
        return Relation(tuple(a & b for a, b in zip(self.rows, other.rows, strict=True)))

    def __sub__(self, other: "Relation") -> "Relation":
        return Relation(tuple(a & ~b for a, b in zip(self.rows, other.rows, strict=True)))

    def __matmul__(self, other: "Relation") -> "Relation":
        """Return the composition: ``a (r @ s) c`` where ``a r b`` and ``b s c`` for some b."""
        rows = []
        for row in self.rows:
            reached = 0
            for b in members(row):
                reached |= other.rows[b]
            rows.append(reached)
        return Relation(tuple(rows))

    def inverse(self) -> "Relation":
        """Return the pairs the other way round."""
        return Relation.of(len(self.rows), ((b, a) for a, b in self.pairs()))

    def optional(self) -> "Relation":
        """Return ``r?``: the relation and the identity."""
        return Relation(tuple(row | 1 << a for a, row in enumerate(self.rows)))

    def plus(self) -> "Relation":
        """Return the transitive closure (Warshall)."""
        rows = list(self.rows)
        for middle in range(len(rows)):
            for a, row in enumerate(rows):
                if row >> middle & 1:
                    rows[a] |= rows[middle]
        return Relation(tuple(rows))

    def star(self) -> "Relation":
        """Return the reflexive and transitive closure."""
        return self.plus().optional()

    def irreflexive(self) -> bool:
        """Return whether no event is related to itself."""
        return not any(row >> a & 1 for a, row in enumerate(self.rows))

    def acyclic(self) -> bool:
        """Return whether no event is related to itself along any path."""
        return self.plus().irreflexive()


def identity(n: int, events: Set) -> Relation:
    """Return [events]: each of these events with itself."""
    return Relation(tuple(events & 1 << a for a in range(n)))


def product(n: int, first: Set, second: Set) -> Relation:
    """Return every pair of an event of `first` and one of `second`."""
    return Relation(tuple(second if first >> a & 1 else 0 for a in range(n)))
