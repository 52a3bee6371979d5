"""The monitors against a search, on every small history.

    python -m tests.judge.monitors_exhaustive --datatype queue --calls 6

Two histories are the same to a judge if the same calls come before the same others, so there is
one for each multiset of calls and each interval order on them: instants are taken in turns, some
calls begin, some return, some begin, and so on.  Every call has every result that it may, or stays
open.  Values that are put in are 1, 2 and 3, each at most once, and no others are; where values can
be renamed, some renamings are left out.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, combinations_with_replacement, product, repeat
from typing import Any, NamedTuple

import click

from stress.history import Outcome, Span
from tests.judge.brute_force import linearizable
from tests.judge.monitors_campaign import SEARCHES, VOCABULARY, Search, disagreement

type Indexes = frozenset[int]


class Call(NamedTuple):
    """A call without instants."""

    f: str
    arguments: tuple[Any, ...]
    outcome: Outcome
    result: Any


def histories(datatype: str, calls: int, values: int = 3) -> Iterator[list[Span]]:
    """Yield all histories of that many calls, on that many values at most."""
    for each in multisets(datatype, calls, values):
        yield from Interleaving(each).histories()


# Which calls


def multisets(datatype: str, calls: int, values: int) -> Iterator[tuple[Call, ...]]:
    """Yield the calls of each history of that many, like ones next to each other."""
    if datatype == "set":
        yield from combinations_with_replacement(_of_set(values), calls)
    elif datatype == "fetch-counter":
        yield from combinations_with_replacement(_of_counter(calls), calls)
    else:
        for size in range(min(calls, values) + 1):
            yield from _of_values(datatype, calls, tuple(range(1, size + 1)))


def _of_set(values: int) -> Iterator[Call]:
    """Yield all calls on some elements, but for open ones without an effect."""
    for value, f in product(range(1, values + 1), VOCABULARY["set"]):
        for changed in (False, True):
            yield Call(f, (value,), "ok", (value, changed))
        if f != "contains":
            yield Call(f, (value,), "info", None)


def _of_counter(calls: int) -> Iterator[Call]:
    """Yield an increment for each result there can be, one more, and an open one."""
    for result in range(calls + 1):
        yield Call("increment", (), "ok", result)
    yield Call("increment", (), "info", None)


def _of_values(datatype: str, calls: int, values: Sequence[int]) -> Iterator[tuple[Call, ...]]:
    """Yield the calls of histories that put each of these values in."""
    insertion, removal = VOCABULARY[datatype][:2]
    taken = [Call(removal, (), "ok", value) for value in (*values, None)]
    if datatype != "register":  # what an open read sees makes no difference
        taken.append(Call(removal, (), "info", None))
    for rest in combinations_with_replacement(taken, calls - len(values)):
        takers = [sum(call.result == value for call in rest) for value in values]
        for returned in product((False, True), repeat=len(values)):
            profiles = list(zip(returned, takers, strict=True))
            if datatype == "priority-queue" or profiles == sorted(profiles):
                yield (*map(_insertion, repeat(insertion), values, returned), *rest)


def _insertion(f: str, value: int, returned: bool) -> Call:  # noqa: FBT001
    return Call(f, (value,), "ok", value) if returned else Call(f, (value,), "info", None)


# When they are called


class Interleaving:
    """Calls with instants, once for each order that these can come in.

    Like calls begin in the order in which they are given.
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = calls
        self.starts, self.ends = [0] * len(calls), [0] * len(calls)
        self.returning = {index for index, call in enumerate(calls) if call.outcome == "ok"}
        self.after = {
            index: index - 1 for index in range(1, len(calls)) if calls[index] == calls[index - 1]
        }

    def histories(self) -> Iterator[list[Span]]:
        """Yield all of them."""
        yield from self._begin(frozenset(range(len(self.calls))), frozenset(), 0)

    def _begin(self, waiting: Indexes, running: Indexes, now: int) -> Iterator[list[Span]]:
        """Yield the histories in which some calls begin now."""
        for some in _some(waiting):
            left = waiting - some
            if not any(self.after.get(index) in left for index in some):
                for index in some:
                    self.starts[index] = self.ends[index] = now
                yield from self._end(left, running | (some & self.returning), now + 1)

    def _end(self, waiting: Indexes, running: Indexes, now: int) -> Iterator[list[Span]]:
        """Yield the histories in which some calls return now."""
        if not running and not waiting:
            yield self._history()
        for some in _some(running):
            for index in some:
                self.ends[index] = now
            if waiting:
                yield from self._begin(waiting, running - some, now + 1)
            elif some == running:
                yield self._history()

    def _history(self) -> list[Span]:
        return [
            Span(index, call.f, call.arguments, self.starts[index], self.ends[index], *call[2:])
            for index, call in enumerate(self.calls)
        ]


def _some(indexes: Indexes) -> Iterator[Indexes]:
    """Yield all sets of some of them, but not of none."""
    sizes = range(1, len(indexes) + 1)
    return map(frozenset, chain.from_iterable(combinations(indexes, size) for size in sizes))


# Agreement


def compare(
    datatype: str, calls: int, values: int, search: Search = linearizable
) -> tuple[Counter[str], str]:
    """Return how many histories were legal, illegal and not qualified; and a disagreement."""
    counts: Counter[str] = Counter()
    for history in histories(datatype, calls, values):
        found, wrong = disagreement(datatype, history, search)
        if wrong:
            return counts, "\n".join([wrong, *map(repr, history)])
        counts["not qualified" if found is None else "legal" if found.legal else "illegal"] += 1
    return counts, ""


@click.command(help=__doc__)
@click.option("--datatype", type=click.Choice(list(VOCABULARY)), required=True)
@click.option("--calls", default=5, help="How many calls a history has.")
@click.option("--values", default=3, help="How many values it has at most.")
@click.option("--search", type=click.Choice(list(SEARCHES)), default="wgl", help="Who is right.")
def exhaustive(datatype: str, calls: int, values: int, search: str) -> None:
    """Compare, and print how many histories had which verdict."""
    began = time.monotonic()
    counts, wrong = compare(datatype, calls, values, SEARCHES[search])
    seconds = time.monotonic() - began
    click.echo(
        f"{datatype}, {calls} calls: {counts.total():,} histories by {search} in {seconds:.0f} s"
    )
    for verdict, count in sorted(counts.items()):
        click.echo(f"{count / counts.total():8.1%}  {verdict}")
    click.echo(wrong or "no disagreement")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    exhaustive()
