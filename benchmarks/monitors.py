"""How fast the monitors judge, and in how much memory.

Each history is made and judged in a process of its own.  It is dense: 8 threads, each always inside
a call, that together make as many calls as the table says, half of which put values in (in a set,
add, remove and contains are as frequent, on a tenth as many elements).  It is legal; or two results
in its last tenth are exchanged, and then the call with which it became illegal is found, too.

Reach, at 1,000,000 calls: register, set, fetch-counter and queue in 20 s, stack and priority queue
in 120 s, reading the file included, in 1 GB.

``python -m benchmarks monitors`` measures all, in about five minutes;
``python -m benchmarks.monitors --most 10000`` the smaller ones alone.
"""

import heapq
import json
import resource
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from stress.history import Span
from stress.judge.monitors import MONITORS, monitor
from stress.report import text

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
THREADS: Final = 8
BUDGET: Final = 900.0
"""Seconds that one history may take, made and judged."""

type Effect = tuple[str, tuple[Any, ...], Any]
"""Operation, arguments and result."""

type Perform = Callable[[], Effect]
"""Performs the next call, now."""


# Histories


def dense(datatype: str, calls: int, seed: int = 1, threads: int = THREADS) -> list[Span]:
    """Return a legal history in which every thread is always inside a call."""
    draw = Random(seed)
    perform = SUBJECTS[datatype](draw, calls)
    history: list[Span] = []
    begun = list(range(threads))
    effects: dict[int, Effect] = {}
    now = threads
    while len(history) < calls:
        thread = draw.randrange(threads)
        if thread in effects:
            f, arguments, result = effects.pop(thread)
            history.append(Span(thread, f, arguments, begun[thread], now, "ok", result))
            begun[thread] = now + 1
        elif len(history) + len(effects) < calls:
            effects[thread] = perform()
        now += 2
    return history


def spoilt(history: list[Span]) -> list[Span]:
    """Return the history with two results exchanged in its last tenth, far from each other."""
    late = [
        index
        for index in range(len(history) * 9 // 10, len(history))
        if history[index].f not in PUT and history[index].result is not None
    ]
    found = list(history)
    one, other = late[len(late) // 3], late[len(late) * 2 // 3]
    if found[one].f in {"add", "remove", "contains"}:
        x, seen = found[one].result
        found[one] = found[one]._replace(result=(x, not seen))
    else:
        found[one] = history[one]._replace(result=history[other].result)
        found[other] = history[other]._replace(result=history[one].result)
    return found


def _register(draw: Random, _: int) -> Perform:
    value: int | None = None
    written = 0

    def perform() -> Effect:
        nonlocal value, written
        if draw.random() < 1 / 2:
            return "read", (), value
        value = written = written + 1
        return "write", (value,), value

    return perform


def _set(draw: Random, calls: int) -> Perform:
    elements: set[int] = set()

    def perform() -> Effect:
        x = draw.randrange(max(calls // 10, 1))
        f = draw.choice(("add", "remove", "contains"))
        known = x in elements
        if f == "add":
            elements.add(x)
        elif f == "remove":
            elements.discard(x)
        return f, (x,), (x, known is (f != "add"))

    return perform


def _fetch_counter(_: Random, calls: int) -> Perform:
    numbers = iter(range(calls))
    return lambda: ("increment", (), next(numbers))


def _container(
    insertion: str, removal: str, put: Callable[[Any, int], None], take: Callable[[Any], int]
) -> Callable[[Random, int], Perform]:
    def subject(draw: Random, calls: int) -> Perform:
        items: Any = deque() if removal == "dequeue" else []
        values = draw.sample(range(calls), k=calls)

        def perform() -> Effect:
            if draw.random() < 1 / 2:
                value = values.pop()
                put(items, value)
                return insertion, (value,), value
            return removal, (), take(items) if items else None

        return perform

    return subject


SUBJECTS: Final[dict[str, Callable[[Random, int], Perform]]] = {
    "register": _register,
    "set": _set,
    "fetch-counter": _fetch_counter,
    "queue": _container("enqueue", "dequeue", deque.append, deque.popleft),
    "stack": _container("push", "pop", list.append, list.pop),
    "priority-queue": _container("insert", "delete-min", heapq.heappush, heapq.heappop),
}
"""What is called, by datatype."""

PUT: Final = frozenset({"write", "enqueue", "push", "insert"})
"""Operations whose results say nothing."""


# Measurements


def one(datatype: str, calls: int, *, legal: bool) -> dict[str, Any]:
    """Judge a history here; return how long that took, and the peak memory of this process."""
    history = dense(datatype, calls)
    if not legal:
        history = spoilt(history)
    began, processor = time.perf_counter(), time.process_time()
    found = monitor(datatype, history)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    assert found is not None
    return {
        "datatype": datatype,
        "calls": calls,
        "legal": found.legal,
        "seconds": seconds,
        "processor_seconds": processor,
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _asked(datatype: str, calls: int, kind: str) -> dict[str, Any]:
    """Return what `one` returns in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.monitors", datatype, str(calls), kind]
    done = subprocess.run(  # noqa: S603  (our own module)
        command, capture_output=True, text=True, timeout=BUDGET, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def run(console: Console, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Return a row for each datatype, size and verdict."""
    rows = []
    for datatype in MONITORS:
        for calls in sizes:
            console.print(f"  {datatype}, {calls:,} calls", style="dim", highlight=False)
            rows += [_asked(datatype, calls, kind) for kind in ("legal", "illegal")]
    return {"histories": rows}


def show(found: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("datatype", no_wrap=True)
    for heading in ("calls", "verdict", "seconds", "of a core", "calls a second", "MiB"):
        table.add_column(heading, justify="right")
    for row in found["histories"]:
        table.add_row(
            row["datatype"],
            f"{row['calls']:,}",
            "legal" if row["legal"] else "illegal",
            f"{row['seconds']:.3f}",
            f"{row['processor_seconds']:.3f}",
            f"{row['calls'] / row['seconds']:,.0f}",
            f"{row['mebibytes']:.0f}",
        )
    console.print(table)


@click.command(help=__doc__)
@click.argument("asked", nargs=-1, metavar="[DATATYPE CALLS legal|illegal]")
@click.option("--most", default=SIZES[-1], help="Leave out sizes above this one.")
def main(asked: tuple[str, ...], most: int) -> None:
    """Print the table, or, asked for one history, its row as a JSON object."""
    if asked:
        datatype, calls, kind = asked
        click.echo(json.dumps(one(datatype, int(calls), legal=kind == "legal")))
    else:
        found = run(text.console(stderr=True), tuple(size for size in SIZES if size <= most))
        show(found, text.console())


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.monitors")
