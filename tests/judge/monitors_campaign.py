"""The monitors against a search, on random small histories, for as many as you like.

    python -m tests.judge.monitors_campaign --datatype queue --histories 1000000 --seed 1

A history is made legal, with calls at random instants, and then spoilt, or not: results exchanged
or replaced, instants moved, calls left open.  The monitor must come to the verdict of the search.
Its order must be legal; and at the misfit of an illegal history, and no earlier, the history must
have become illegal.  The first disagreement ends it, is made as small as leaving out calls makes
it, and is printed.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import click

from stress.history import Span
from stress.judge.builtin import SPECIFICATIONS
from stress.judge.linearizability import linearize
from stress.judge.monitors import Finding, monitor
from stress.verdict import Verdict
from tests.judge.brute_force import DATATYPES, linearizable, refutation

type Search = Callable[[str, Sequence[Span]], bool]

VOCABULARY: Final[Mapping[str, tuple[str, ...]]] = {
    "register": ("write", "read", "read"),
    "set": ("add", "remove", "contains"),
    "fetch-counter": ("increment",),
    "queue": ("enqueue", "dequeue"),
    "stack": ("push", "pop"),
    "priority-queue": ("insert", "delete-min"),
}
"""The operations of each datatype; of those that put values in, the first does."""

CONTAINERS: Final = ("queue", "stack", "priority-queue")


# Histories


def random_history(datatype: str, draw: random.Random, most: int = 9) -> list[Span]:
    """Return a history of two calls or more, legal or not."""
    calls = draw.randint(2, most)
    length = draw.choice((1, 2, 3, 4, 8, 12))
    instants: list[tuple[float, int, int]] = []
    for start in draw.choices(range(draw.choice((1, 2, 3, 4)) * calls), k=calls):
        end = start + draw.randrange(length)
        instants.append((draw.uniform(start, end), start, end))
    history = _performed(datatype, sorted(instants), draw)
    for _ in range(draw.choice((0, 1, 3, 5, 7, 9))):
        _spoil(datatype, history, draw)
    if draw.random() < 1 / 4:
        draw.shuffle(history)
    return history


def _performed(
    datatype: str, instants: Sequence[tuple[float, int, int]], draw: random.Random
) -> list[Span]:
    """Return calls with the results that they have in this order."""
    state, step = DATATYPES[datatype]
    names = VOCABULARY[datatype]
    values = draw.sample(range(1, len(instants) + 4), k=len(instants))
    if datatype == "set":
        values = draw.choices(range(draw.choice((1, 2, 3))), k=len(instants))
    elif draw.random() < 1 / 32:
        values[0] = values[-1]
    history: list[Span] = []
    for process, (_, start, end) in enumerate(instants):
        f = draw.choice(names)
        arguments = (values[process],) if datatype == "set" or f == names[0] != "increment" else ()
        state, result = step(state, f, arguments)
        history.append(Span(process, f, arguments, start, end, "ok", result))
    return history


def _spoil(datatype: str, history: list[Span], draw: random.Random) -> None:
    """Change something of one call, or exchange something of two."""
    one, other = draw.choices(range(len(history)), k=2)
    call = history[one]
    match draw.randrange(6):
        case 0 if datatype not in CONTAINERS or call.arguments or draw.random() < 1 / 4:
            history[one] = call._replace(end=call.start, outcome="info", result=None)
        case 1:
            delay = draw.randint(-4, 4)
            history[one] = call._replace(start=call.start + delay, end=call.end + delay)
        case 2:
            history[one] = call._replace(end=call.start)
        case 3:
            start, end = history[other].start, history[other].end
            history[other] = history[other]._replace(start=call.start, end=call.end)
            history[one] = call._replace(start=start, end=end)
        case _ if call.outcome == "ok":
            history[one] = call._replace(result=_other_result(datatype, call, history, draw))


def _other_result(datatype: str, call: Span, history: Sequence[Span], draw: random.Random) -> Any:
    """Return a result for `call` that another has, or might have."""
    if datatype == "set":
        return call.arguments[0], not call.result[1]
    if datatype == "fetch-counter":
        return max(0, call.result + draw.choice((-2, -1, 1, 2)))
    if call.arguments:
        return call.result
    known = [other.arguments[0] for other in history if other.arguments]
    return draw.choice([*known, None, 99 if draw.random() < 1 / 8 else None])


# Agreement


def searched(datatype: str, history: Sequence[Span]) -> bool:
    """Return whether the judge's general search finds a legal order."""
    found = linearize(history, SPECIFICATIONS[datatype], monitors=False)
    assert found.verdict is not Verdict.UNKNOWN
    return found.verdict is Verdict.OK


SEARCHES: Final[Mapping[str, Search]] = {"brute force": linearizable, "wgl": searched}
"""What the monitors are compared with, by name."""


def disagreement(
    datatype: str, history: Sequence[Span], search: Search = linearizable
) -> tuple[Finding | None, str]:
    """Return what the monitor finds, and what is wrong with that, if anything."""
    try:
        found = monitor(datatype, history)
    except Exception as error:  # noqa: BLE001 - whatever it is, the history that raises it is news
        return None, f"the monitor raises {error!r}"
    if found is None:
        return None, ""
    legal = search(datatype, history)
    if found.legal != legal:
        return found, f"the monitor says {found.legal}, the search {legal}"
    wrong = _wrong_order(datatype, history, found) or _wrong_misfit(datatype, history, found)
    return found, wrong


def _wrong_order(datatype: str, history: Sequence[Span], found: Finding) -> str:
    if found.order is None:
        asked = found.legal or not _removals_are_open(datatype, history)
        return "there is no order" if asked else ""
    until = None if found.misfit is None else history[found.misfit].end
    wrong = refutation(datatype, history, found.order, until)
    return f"order {found.order}: {wrong}" if wrong else ""


def _wrong_misfit(datatype: str, history: Sequence[Span], found: Finding) -> str:
    if found.legal:
        return "" if found.misfit is None else f"there is a misfit, {found.misfit}"
    if found.misfit is None:
        return "" if _removals_are_open(datatype, history) else "there is no misfit"
    instant = history[found.misfit].end
    if history[found.misfit].outcome != "ok":
        return f"the misfit {found.misfit} never returned"
    if linearizable(datatype, *_cut(datatype, history, instant)):
        return f"with the return of {found.misfit}, the history is legal"
    return ""


def _removals_are_open(datatype: str, history: Sequence[Span]) -> bool:
    return datatype in CONTAINERS and any(
        call.outcome == "info" and not call.arguments for call in history
    )


def _cut(datatype: str, history: Sequence[Span], instant: int) -> tuple[list[Span], set[int]]:
    """Return the history up to the returns at an instant, and the calls that run then.

    Of two calls that took the same, the one that returns later does not count before it has.
    """
    cut: list[Span] = []
    running: set[int] = set()
    for call in history:
        if call.start > instant:
            continue
        if call.outcome == "ok" and call.end > instant:
            if not call.arguments and datatype != "register" and _taken(call, history):
                continue
            running.add(len(cut))
        cut.append(call)
    return cut, running


def _taken(call: Span, history: Sequence[Span]) -> bool:
    return any(
        other.f == call.f
        and other.result == call.result
        and (other.end, other.start) < (call.end, call.start)
        for other in history
        if other.outcome == "ok"
    )


def shrunk(datatype: str, history: Sequence[Span], search: Search = linearizable) -> list[Span]:
    """Return the history without all calls that it disagrees without."""
    for place in range(len(history)):
        smaller = [*history[:place], *history[place + 1 :]]
        if disagreement(datatype, smaller, search)[1]:
            return shrunk(datatype, smaller, search)
    return list(history)


def compare(
    datatype: str, histories: int, seed: int, most: int = 9, search: Search = linearizable
) -> tuple[Counter[str], str]:
    """Return how many histories were legal, illegal and not qualified; and a disagreement."""
    draw = random.Random(f"{seed}:{datatype}")
    counts: Counter[str] = Counter()
    for number in range(histories):
        history = random_history(datatype, draw, most)
        found, wrong = disagreement(datatype, history, search)
        if wrong:
            small = shrunk(datatype, history, search)
            wrong = disagreement(datatype, small, search)[1]
            return counts, "\n".join([f"{datatype} {number}: {wrong}", *map(repr, small)])
        verdict = "not qualified" if found is None else "legal" if found.legal else "illegal"
        some_open = any(call.outcome == "info" for call in history)
        counts[f"{verdict}, some calls open" if some_open else verdict] += 1
    return counts, ""


@click.command(help=__doc__)
@click.option("--datatype", type=click.Choice(list(VOCABULARY)), required=True)
@click.option("--histories", default=10_000, help="How many to compare.")
@click.option("--seed", default=1, help="Draw the histories of this seed.")
@click.option("--calls", default=9, help="The most calls that a history has.")
@click.option("--search", type=click.Choice(list(SEARCHES)), default="wgl", help="Who is right.")
def campaign(datatype: str, histories: int, seed: int, calls: int, search: str) -> None:
    """Compare, and print how many histories had which verdict."""
    began = time.monotonic()
    counts, wrong = compare(datatype, histories, seed, calls, SEARCHES[search])
    seconds = time.monotonic() - began
    click.echo(
        f"{datatype}, seed {seed}: {counts.total():,} histories by {search} in {seconds:.0f} s"
    )
    for verdict, count in sorted(counts.items()):
        click.echo(f"{count / counts.total():8.1%}  {verdict}")
    click.echo(wrong or "no disagreement")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    campaign()
