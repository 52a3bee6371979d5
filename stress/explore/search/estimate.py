"""How many executions there will be, guessed before they are visited.

Knuth, "Estimating the Efficiency of Backtrack Programs" (Mathematics of Computation, 1975): go down
the tree of the search at random; the product of the numbers of ways at each step estimates the
number of leaves, without bias.  The mean of many descents is what to trust, and its standard error
says how far.  A few descents lead to most of the leaves, so a mean of too few is rather too low.
"""

import math
import time
from dataclasses import dataclass
from random import Random

from stress.explore.growth import Program
from stress.explore.memory.model import MemoryModel
from stress.explore.search.trust import TruSt


@dataclass(frozen=True)
class Estimate:
    """About `executions` executions, give or take `error` (one standard error)."""

    executions: float
    error: float
    descents: int

    def __str__(self) -> str:
        if self.executions < 1:
            return "unknown"
        digits = max(0, math.floor(math.log10(self.executions)) - 1)
        return f"about {round(self.executions, -digits):,.0f}"


def estimate(
    program: Program, model: MemoryModel, random: Random, *, seconds: float, descents: int = 20_000
) -> Estimate:
    """Estimate the number of executions of `program`, for at most so long and so many descents."""
    deadline = time.perf_counter() + seconds
    sizes: list[float] = []
    while len(sizes) < descents and (not sizes or time.perf_counter() < deadline):
        sizes.append(_descend(TruSt(program, model), random))
    mean = math.fsum(sizes) / len(sizes)
    spread = math.fsum((size - mean) ** 2 for size in sizes)
    error = math.sqrt(spread / max(1, len(sizes) - 1) / len(sizes))
    return Estimate(mean, error, len(sizes))


def _descend(search: TruSt, random: Random) -> float:
    """Go down to one leaf; return how many there would be if all ways were like this one."""
    size = 1.0
    graph = search.stack.pop()
    search.restore(graph)
    while (thread := search.growth.runnable(graph)) >= 0:
        alive = search.advance(graph, thread)
        ways = len(search.stack) + alive
        if ways == 0:
            return 0.0
        size *= ways
        way = random.randrange(ways)
        if way < len(search.stack):
            graph = search.stack[way]
            search.stack.clear()
            search.restore(graph)
        search.stack.clear()
    return size
