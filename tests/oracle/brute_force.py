"""Count the consistent executions of a litmus test by trying everything.

For every way to run the threads (`unfold`), every modification order of every location, in all
combinations; what counts is what the axioms of the model accept. An execution in which plain
accesses race is counted like any other, and once more in `races`.

What is left out early is left out for time alone, and `prune=False` tries it, too: two RMWs of
one write, an RMW not right after its source, and a modification order against

    rf? ; (before restricted to one location) ; (rf^-1)?      among writes, but for the identity

where before is po, or hb in rc11. In one line these are the four shapes of coherence (write to
write, write to read, read to write, read to read): any of them against mo is a cycle.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, permutations, product
from typing import Literal

from stress.litmus.program import LitmusTest, Location, Register

from .axioms import RC11, Candidate, Model, ReleaseSequence, SequentialConsistency, TotalStoreOrder
from .relation import Relation, Set, identity, members, set_of
from .unfold import Graph, candidate, unfold

type Memory = Literal["sc", "tso", "rc11"]
type Outcome = tuple[int, ...]
"""The values of ``test.observed``, in order."""


@dataclass
class Result:
    """How many executions are consistent, how many of these are racy, and what they end in."""

    executions: int = 0
    races: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)


def executions(
    test: LitmusTest,
    memory: Memory,
    release_sequence: ReleaseSequence = "c++20",
    *,
    prune: bool = True,
) -> Result:
    """Return the numbers of consistent executions, racy ones, and outcomes."""
    result = Result()
    for graph in unfold(test, prune=prune):
        c = candidate(graph)
        model = judge(c, memory, release_sequence)
        for orders in modification_orders(c, model.order, prune=prune):
            mo = Relation.of(len(c.events), chain(*(combinations(each, 2) for each in orders)))
            if not model.consistent(mo):
                continue
            result.executions += 1
            result.races += model.racy()
            result.outcomes[outcome(test, graph, c, orders)] += 1
    return result


def judge(c: Candidate, memory: Memory, release_sequence: ReleaseSequence) -> Model:
    """Return the model named, for one candidate."""
    match memory:
        case "sc":
            return SequentialConsistency(c)
        case "tso":
            return TotalStoreOrder(c)
        case "rc11":
            return RC11(c, release_sequence)


def modification_orders(
    c: Candidate, before: Relation, *, prune: bool
) -> Iterator[tuple[Sequence[int], ...]]:
    """Yield an order of the writes of each location, the initial one first, in every way."""
    locations: dict[str | None, list[int]] = {}
    for write in members(c.writes):
        locations.setdefault(c.events[write].location, []).append(write)
    if not prune:
        return product(
            *([(w[0], *rest) for rest in permutations(w[1:])] for w in locations.values())
        )
    read = c.rf.optional()
    forced = (read @ (before & c.same_location) @ read.inverse()) & c.between(c.writes, c.writes)
    first = (forced - identity(len(c.events), c.writes)).inverse()
    source = {update: write for write, update in (c.rf @ c.rmw).pairs()}
    return product(*(linear_orders(set_of(w), first, source) for w in locations.values()))


def linear_orders(
    left: Set, first: Relation, source: Mapping[int, int], placed: tuple[int, ...] = ()
) -> Iterator[tuple[int, ...]]:
    """Yield the orders of the writes `left` with `first` of each before it, RMWs after sources."""
    if not left:
        yield placed
    last = placed[-1] if placed else None
    due = [write for write in members(left) if write in source and source[write] == last]
    for write in due or members(left):
        alone = write not in source or source[write] == last
        if alone and not first.rows[write] & left:
            yield from linear_orders(left & ~(1 << write), first, source, (*placed, write))


def outcome(
    test: LitmusTest, graph: Graph, c: Candidate, orders: Sequence[Sequence[int]]
) -> Outcome:
    """Return the final values of what the test observes."""
    memory = {c.events[order[-1]].location: c.events[order[-1]].value for order in orders}
    _, *threads = graph
    values = []
    for term in test.observed:
        match term:
            case Register(thread, name):
                values.append(threads[thread].thread.local(name))
            case Location(name):
                values.append(memory[name])
    return tuple(values)
