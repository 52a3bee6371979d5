"""What one process still has to explore: graphs at hand, and beginnings to be regrown.

A beginning is regrown only when it is its turn, so work that is handed on untouched costs nothing.
"""

from collections.abc import Iterator, Sequence

from stress.explore.graph import Graph
from stress.explore.growth import Program
from stress.explore.memory.model import MemoryModel
from stress.explore.prefix import Prefix, prefix_of, regrown
from stress.explore.search.trust import TruSt


class Frontier:
    """The work of exploring `program` from `beginnings`, the first of them first."""

    def __init__(self, program: Program, model: MemoryModel, beginnings: Sequence[Prefix]) -> None:
        self._program = program
        self._model = model
        self._search = TruSt(program, model)
        self._waiting = [prefix for prefix in reversed(beginnings) if prefix != Prefix.empty()]
        if len(self._waiting) == len(beginnings):
            self._search.stack.clear()

    def complete(self) -> Iterator[Graph]:
        """Yield every execution that cannot go on; stop at any time, and ask what is `left`."""
        stack = self._search.stack
        while stack or self._waiting:
            if not stack:
                stack.append(regrown(self._program, self._model, self._waiting.pop()))
            yield from self._search.complete()

    def left(self) -> list[Prefix]:
        """Return the beginnings of all that has not been visited."""
        return [*map(prefix_of, self._search.stack), *reversed(self._waiting)]
