"""How fast executions are explored, in how much memory, and how the Python peers compare.

Each program is explored to its end by a process of its own, with one job and with as many as there
are cores, in turn.  Peers run five small programs in their own environments, in the same run; ours
run beside them, broken ones exhaustively until they fail, sound ones at random.  What a peer calls
a schedule is here one execution drawn.

Reach: fib(6) as a litmus test within 40 s, 1.7 times faster with two jobs, and as Python within
60 s; 150 MiB a process; 50 times the schedules of interleave-test.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.peers.adapter import PROGRAMS as PEER_PROGRAMS
from benchmarks.peers.driver import measure
from benchmarks.scenarios import SCENARIOS, fib, lockinc
from models.registrar import RegistrarModel
from stress.explore.exploration import Bounds
from stress.explore.explorer import Explorer, Search
from stress.explore.litmus import LitmusTask
from stress.explore.performance import Performance
from stress.explore.scenario import ScenarioTask
from stress.explore.task import Task
from stress.litmus.parser import parse

FIB: Final = 6
DRAWN: Final = 10_000
"""Executions that are drawn of a sound program, to be compared with the schedules of a peer: an
exhaustive search would be done with it after a few."""
BUDGET: Final = 600.0
"""Seconds that one exploration may take."""


def _litmus(*threads: str, initial: str = "") -> Task:
    bodies = "\n".join(
        f"P{number} (atomic_int* x, atomic_int* y) {{ {body} }}"
        for number, body in enumerate(threads)
    )
    return LitmusTask(parse(f"C benchmark\n{{ {initial} }}\n{bodies}\nexists (x=0)\n"))


def _fib_litmus(rounds: int) -> Task:
    locals_ = "int a; int b; "
    load = "{} = atomic_load_explicit({}, memory_order_relaxed); "
    store = "atomic_store_explicit({}, a + b, memory_order_relaxed); "
    threads = (
        locals_ + (load.format("a", one) + load.format("b", other) + store.format(one)) * rounds
        for one, other in ("xy", "yx")
    )
    return _litmus(*threads, initial="x=1; y=1;")


def _ainc(threads: int) -> Task:
    return _litmus(*["atomic_fetch_add_explicit(x, 1, memory_order_acq_rel);"] * threads)


def _casrot(threads: int) -> Task:
    swap = (
        "int e = {}; atomic_compare_exchange_strong_explicit(x, &e, {}, "
        "memory_order_relaxed, memory_order_relaxed);"
    )
    return _litmus(*(swap.format(number, number + 1) for number in range(threads)))


def _iriw() -> Task:
    store = "atomic_store_explicit({}, 1, memory_order_release);"
    loads = (
        "int a = atomic_load_explicit({}, memory_order_acquire); "
        "int b = atomic_load_explicit({}, memory_order_acquire);"
    )
    return _litmus(
        store.format("x"), store.format("y"), loads.format("x", "y"), loads.format("y", "x")
    )


def _registrar() -> dict[str, Callable[[], Task]]:
    return {
        f"registrar: {name}": partial(ScenarioTask, Performance(RegistrarModel, program))
        for name, program in RegistrarModel.programs.items()
    }


TASKS: Final[dict[str, Callable[[], Task]]] = {
    "ainc(6)": partial(_ainc, 6),
    "lockinc(6) in Python": partial(ScenarioTask, partial(lockinc, 6)),
    "casrot(7)": partial(_casrot, 7),
    "IRIW": _iriw,
    f"fib({FIB})": partial(_fib_litmus, FIB),
    f"fib({FIB}) in Python": partial(ScenarioTask, partial(fib, FIB)),
    **_registrar(),
}
"""What is explored, by name."""


def one(name: str, jobs: int) -> dict[str, Any]:
    """Explore the program `name` here; return executions, seconds, and the peak memory in MiB."""
    if name in SCENARIOS:
        return _hunt(name)
    started = time.perf_counter()
    found = Explorer(TASKS[name](), Bounds()).run(Search(), jobs)
    seconds = time.perf_counter() - started
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "executions": found.executions,
        "verdict": found.verdict.value,
        "seconds": seconds,
        "mebibytes": peak / 1024,
    }


def _hunt(name: str) -> dict[str, Any]:
    """Return how soon the broken program `name` fails, and how fast the sound one is explored."""
    broken, sound = SCENARIOS[name]
    times = []
    for _ in range(5):
        started = time.perf_counter()
        found = Explorer(ScenarioTask(broken), Bounds()).run(Search(), 1)
        times.append(time.perf_counter() - started)
    started = time.perf_counter()
    drawn = Explorer(ScenarioTask(sound), Bounds(DRAWN)).run(Search("random"))
    return {
        "found": found.failure is not None,
        "seconds_to_first_failure": sorted(times)[2],
        "schedules_per_second": drawn.executions / (time.perf_counter() - started),
    }


def _asked(name: str, jobs: int) -> dict[str, Any]:
    """Return what `one` returns in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.explore", name, str(jobs)]
    done = subprocess.run(  # noqa: S603  (our own module)
        command, capture_output=True, text=True, timeout=BUDGET, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def run(cores: int, console: Console, pythons: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the rows of the programs, and of the peers on the first of `pythons` that fits."""
    rows = []
    for name in TASKS:
        for jobs in sorted({1, cores}):
            console.print(f"  {name}, {jobs} jobs", style="dim", highlight=False)
            rows.append({"program": name, "jobs": jobs, **_asked(name, jobs)})
    console.print("  peers", style="dim")
    ours = {name: _asked(name, 1) for name in PEER_PROGRAMS}
    return {"programs": rows, "ours": ours, "peers": measure(pythons=pythons or ())}


def show(found: dict[str, Any], console: Console) -> None:
    """Print both tables."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("program", no_wrap=True)
    for heading in ("jobs", "executions", "seconds", "a second", "MiB"):
        table.add_column(heading, justify="right")
    for row in found["programs"]:
        table.add_row(
            row["program"],
            str(row["jobs"]),
            f"{row['executions']:,}",
            f"{row['seconds']:.2f}",
            f"{row['executions'] / row['seconds']:,.0f}",
            f"{row['mebibytes']:.0f}",
        )
    console.print(table)
    console.print(_peer_table(found["ours"], found["peers"]))


def _peer_table(ours: dict[str, Any], peers: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(1, 2, 0, 0), header_style="dim")
    table.add_column("seconds to the first failure\nschedules a second", no_wrap=True)
    table.add_column("registrar-stress", justify="right")
    for peer in peers:
        table.add_column(
            f"{peer['peer']} {peer['version']}\n{peer['python'] or ''}", justify="right"
        )
    for program in PEER_PROGRAMS:
        answers = [ours[program], *(peer["programs"].get(program) for peer in peers)]
        table.add_row(program, *map(_told, answers))
    return table


def _told(answer: dict[str, Any] | None) -> str:
    if answer is None:
        return "not installed"
    soon, rate = answer["seconds_to_first_failure"], answer["schedules_per_second"]
    first = f"{soon:.4f}" if answer["found"] and soon is not None else "not found"
    return f"{first}\n{rate:,.1f}" if rate else first


if __name__ == "__main__":
    print(json.dumps(one(sys.argv[1], int(sys.argv[2]))))
