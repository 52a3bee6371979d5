"""How fast the search judges, and in how much memory: no monitor helps it here.

Each row is measured in a process of its own, on histories that `tests.judge.histories` makes: dense
ones, in which every process is always inside a call.  Illegal ones have one result exchanged, and
may be legal all the same.

Reach of issue 4: 500,000 model steps a second; a dense queue history of 200 calls by 8 threads:
legal in 3 s, illegal decided or unknown in 60 s, in less than 2 GB; a million lines read and judged
in 1 GB.

``python -m benchmarks judge`` measures all rows, in about a quarter of an hour;
``python -m benchmarks.judge [--seeds 10] [ROW...]`` those that are named.  Steps are by processor
time: the machine may be shared.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from stress.history import Span
from stress.judge.builtin import SPECIFICATIONS
from stress.judge.jepsen import lines_of, read
from stress.judge.linearizability import linearize
from stress.judge.vocabulary import VOCABULARIES
from stress.report import text
from stress.verdict import Verdict
from tests.judge.histories import legal, mutated

BUDGET: Final = 60.0


class Row(NamedTuple):
    """What is judged, and how often."""

    model: str
    history: Callable[[int], list[Span]]
    """Makes one from a seed."""
    histories: int | None = None
    """How many; None: as many as there are seeds."""


class Measured(NamedTuple):
    """One history."""

    verdict: str
    calls: int
    steps: int
    seconds: float
    processor: float
    """Seconds that this process ran: other work may have had the core in between."""


def _dense(model: str, *, few: int | None = None, illegal: bool = False) -> Row:
    def history(seed: int) -> list[Span]:
        calls = legal(model, Random(seed), calls=200, processes=8, few=few)
        return mutated(calls, Random(seed)) if illegal else calls

    return Row(model, history)


def _like_etcd(seed: int) -> list[Span]:
    """Return 80 calls of five clients to a register, of which about one in eight never returned."""
    return legal("cas-register", Random(seed), calls=80, processes=5, few=5, opened=1 / 8)


def _long(model: str, calls: int, processes: int) -> Callable[[int], list[Span]]:
    return lambda seed: legal(model, Random(seed), calls=calls, processes=processes, few=5)


ROWS: Final[dict[str, Row]] = {
    "queue": _dense("queue"),
    "queue-illegal": _dense("queue", illegal=True),
    "queue-few-values": _dense("queue", few=10),
    "queue-few-values-illegal": _dense("queue", few=10, illegal=True),
    "stack": _dense("stack"),
    "stack-illegal": _dense("stack", illegal=True),
    "priority-queue-illegal": _dense("priority-queue", illegal=True),
    "etcd": Row("cas-register", _like_etcd, 102),
    "kv": Row("kv", _long("kv", 1_700, 50)),
} | {
    f"{model}-long": Row(model, _long(model, 20_000, 4), 1)
    for model in ("register", "cas-register", "mutex", "counter", "fetch-counter", "priority-queue")
}
CALLS: Final = 1_000_000
MILLION: Final = "million"
"""The row that reads a million calls from a file and judges them."""


def measure(row: Row, seeds: int) -> list[Measured]:
    """Judge the histories of `row`, by search alone."""
    found = []
    for seed in range(1, (row.histories or seeds) + 1):
        history = row.history(seed)
        began = time.process_time()
        judgement = linearize(history, SPECIFICATIONS[row.model], budget=BUDGET, monitors=False)
        processor = time.process_time() - began
        verdict = {Verdict.FAILED: "illegal"}.get(judgement.verdict, judgement.verdict.value)
        measured = Measured(verdict, len(history), judgement.steps, judgement.seconds, processor)
        found.append(measured)
    return found


def measure_million(path: str) -> list[Measured]:
    """Read the history in a file, and judge it: reading is included in the time."""
    began = time.monotonic(), time.process_time()
    with open(path, "rb") as file:  # noqa: PTH123  (the file of a child)
        recorded = read(lines_of(file), VOCABULARIES["counter"]())
    judgement = linearize(recorded.calls, SPECIFICATIONS["counter"], budget=600)
    seconds, processor = time.monotonic() - began[0], time.process_time() - began[1]
    verdict, calls = judgement.verdict.value, len(recorded.calls)
    return [Measured(verdict, calls, judgement.steps, seconds, processor)]


def lines(calls: Sequence[Span]) -> Iterator[str]:
    """Yield a history of a counter as lines of Jepsen."""
    instants = [(call.start, call, "invoke", (*call.arguments, None)[0]) for call in calls]
    instants += [(call.end, call, "ok", call.result) for call in calls if call.outcome == "ok"]
    instants.sort(key=lambda instant: instant[0])
    for instant, call, kind, value in instants:
        entry = {"process": call.process, "type": kind, "f": call.f, "value": value}
        yield json.dumps(entry | {"time": instant}) + "\n"


def in_child(name: str, seeds: int, path: str = "") -> tuple[list[Measured], int]:
    """Measure a row in a process of its own; return its peak memory in bytes, too."""
    command = [sys.executable, "-m", "benchmarks.judge", "--child", name, "--seeds", str(seeds)]
    done = subprocess.run(  # noqa: S603  (this very program)
        command, env=os.environ | {"HISTORY": path}, check=True, capture_output=True
    )
    found = json.loads(done.stdout)
    return [Measured(*each) for each in found["measured"]], found["peak"]


def _child(name: str, seeds: int) -> dict[str, Any]:
    million = name == MILLION
    found = measure_million(os.environ["HISTORY"]) if million else measure(ROWS[name], seeds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"measured": found, "peak": peak}


def run(
    console: Console, seeds: int, rows: Sequence[str] = (), calls: int = CALLS
) -> dict[str, Any]:
    """Return a row for each of `rows` (none: of all); the longest history has `calls` calls."""
    found = []
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for name in rows or (*ROWS, MILLION):
            console.print(f"  {name}", style="dim", highlight=False)
            if name == MILLION:
                history = legal("counter", Random(1), calls=calls, processes=4, few=5)
                file.writelines(lines(history))
                file.flush()
                del history
            found.append({"row": name, **_summed(*in_child(name, seeds, file.name))})
    return {"rows": found}


def _summed(found: Sequence[Measured], peak: int) -> dict[str, Any]:
    """Return what the histories of a row came to."""
    seconds = sorted(each.seconds for each in found)
    processor = sum(each.processor for each in found)
    return {
        "calls": sum(each.calls for each in found),
        "verdicts": dict(Counter(each.verdict for each in found)),
        "median_seconds": seconds[len(seconds) // 2],
        "longest_seconds": seconds[-1],
        "processor_seconds": processor / len(found),
        "steps_a_processor_second": sum(each.steps for each in found) / processor,
        "peak_bytes": peak,
    }


def show(found: dict[str, Any], console: Console) -> None:
    """Print the table."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("histories", no_wrap=True)
    headings = "calls", "verdicts", "median s", "longest s", "CPU s", "steps a CPU s", "peak MB"
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in found["rows"]:
        table.add_row(
            row["row"],
            f"{row['calls']:,}",
            ", ".join(f"{row['verdicts'][each]} {each}" for each in sorted(row["verdicts"])),
            f"{row['median_seconds']:.2f}",
            f"{row['longest_seconds']:.2f}",
            f"{row['processor_seconds']:.2f}",
            f"{row['steps_a_processor_second']:,.0f}",
            f"{row['peak_bytes'] / 1e6:,.0f}",
        )
    console.print(table)


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice([*ROWS, MILLION]))
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True)
@click.option("--child", type=click.Choice([*ROWS, MILLION]), hidden=True)
def main(*, rows: tuple[str, ...], seeds: int, child: str | None) -> None:
    """Measure ROWS of the table (default: all)."""
    if child:
        click.echo(json.dumps(_child(child, seeds)))
    else:
        show(run(text.console(stderr=True), seeds, rows), text.console())


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.judge")
