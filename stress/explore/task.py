"""What is explored: a program, a memory model, and what is wrong with an execution."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from stress.explore.exploration import Exploration
from stress.explore.graph import Graph
from stress.explore.memory.model import MemoryModel


class Task(Protocol):
    """What is explored.  To be explored by several processes it must be picklable."""

    def program(self) -> Any:
        """Return a new `stress.explore.growth.Program`."""

    def model(self) -> MemoryModel:
        """Return the memory model."""

    def guard(self, program: Any, /) -> AbstractContextManager[None]:
        """Return what surrounds an exploration, and refuses what cannot be explored."""

    def judge(self, program: Any, graph: Graph, found: Exploration, /) -> None:
        """Count an execution that cannot go on, and note what is wrong with it."""
