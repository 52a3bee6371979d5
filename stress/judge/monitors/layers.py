"""How many layers lie over each of many places, as layers are taken away one by one.

>>> layers = Layers([2, 1, 1, 3])
>>> layers.take(0, 2)
>>> list(layers.bare()), list(layers.bare())
([1], [])
>>> layers.take(0, 4)
>>> list(layers.bare())
[0, 2]

A tree over the places: each node keeps by how much the least of its places exceeds what its
ancestors say, so one of two siblings keeps 0, and a path of zeros leads from the root to a place
that is bare.  Taking a layer from a range and finding a bare place each take log n steps.  (The
bottom-up layout, in which node *i* has the children 2i and 2i + 1, is common knowledge.)
"""

from collections.abc import Iterator, Sequence
from typing import Final

FAR: Final = 1 << 60
"""More layers than there are: a place that is of no interest, or no more."""


class Layers:
    """The numbers of layers over places that are numbered from 0."""

    def __init__(self, counts: Sequence[int]) -> None:
        self._size = 1 << (len(counts) + 1).bit_length()
        """Leaves: the first and the last are borders that belong to no place."""
        leaves = [FAR, *counts]
        self._node = [0] * self._size + leaves + [FAR] * (self._size - len(leaves))
        for parent in range(self._size - 1, 0, -1):
            self._settle(parent)

    def take(self, start: int, stop: int) -> None:
        """Take one layer from each place from `start` on, before `stop`."""
        node = self._node
        left, right = self._size + start, self._size + stop + 1
        while left ^ right != 1:
            if not left & 1:
                node[left + 1] -= 1
            if right & 1:
                node[right - 1] -= 1
            left >>= 1
            right >>= 1
            self._settle(left)
            self._settle(right)
        self._climb(left >> 1)

    def bare(self) -> Iterator[int]:
        """Yield each place that has become bare, once."""
        node = self._node
        while node[1] == 0:
            leaf = 1
            while leaf < self._size:
                leaf *= 2
                if node[leaf]:
                    leaf += 1
            node[leaf] = FAR
            self._climb(leaf >> 1)
            yield leaf - self._size - 1

    def _settle(self, parent: int) -> int:
        """Let the parent say what its children both say; return how much that is."""
        node = self._node
        left, right = node[2 * parent], node[2 * parent + 1]
        least = min(left, right)
        if least:
            node[2 * parent] = left - least
            node[2 * parent + 1] = right - least
            node[parent] += least
        return least

    def _climb(self, parent: int) -> None:
        while parent and self._settle(parent):
            parent >>= 1
