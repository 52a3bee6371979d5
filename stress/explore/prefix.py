"""The beginning of an execution as plain data, to be taken up elsewhere or later."""

from dataclasses import dataclass

from stress.explore.graph import Graph
from stress.explore.growth import Program
from stress.explore.memory.model import MemoryModel


@dataclass(frozen=True)
class Prefix:
    """A beginning."""

    @classmethod
    def empty(cls) -> "Prefix":
        return cls()


def prefix_of(program: Program, graph: Graph) -> Prefix:
    raise NotImplementedError


def regrown(program: Program, model: MemoryModel, prefix: Prefix) -> Graph:
    raise NotImplementedError
