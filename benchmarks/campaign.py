"""What a campaign makes of the cores, what its book-keeping costs, and what a kill loses.

    python -m benchmarks campaign --for 1h            cores busy, book-keeping, memory over time
    python -m benchmarks campaign --kills 50          the same, and so many kills at random moments

The reach of issue 5: cores busy over 90 %, book-keeping under 5 %, no growth of memory, and a kill
of any process at any moment loses at most the cases in flight.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from stress import registry
from stress.campaign.coordinator import Coordinator, News
from stress.campaign.folder import Folder
from stress.campaign.plan import Plan
from stress.campaign.workers import Processes
from stress.commands.campaigns import begin
from stress.coverage import Pairs
from stress.host import Host

BUSY: Final = 0.90
BOOKS: Final = 0.05
GROWTH: Final = 0.02
"""The share of its memory by which a campaign that does not grow may grow in the second half."""
MARK: Final = "STRESS_BENCHMARK"
"""The variable in the environment by which processes of a campaign are found."""
LONGEST: Final = 6.0
"""Seconds after which a process is killed, at most."""
GONE: Final = 10.0
"""Seconds in which all other processes of a killed coordinator have to end."""


@dataclass(frozen=True)
class Measured:
    """A campaign, measured."""

    wall: float
    cores: int
    cases: int
    executions: int
    pairs: int
    failures: int
    workers: float
    """Processor seconds of the workers, and of the processes that they started."""
    coordinator: float
    """Processor seconds of this process."""
    waited: float
    """The share of their time in which the workers had nothing to do."""
    idle: float
    """The share of the machine's time in which nobody used it, other work included."""
    memory: list[tuple[float, int]]
    """KiB, by seconds."""

    @property
    def busy(self) -> float:
        """The share of all cores that the campaign used."""
        return (self.workers + self.coordinator) / (self.wall * self.cores)

    @property
    def books(self) -> float:
        """The share of all cores that the coordinator used."""
        return self.coordinator / (self.wall * self.cores)

    @property
    def growth(self) -> float:
        """By how much the memory of the last quarter is above that of the second, as a share."""
        quarter = len(self.memory) // 4
        if not quarter:
            return 0.0
        second, last = self.memory[quarter : 2 * quarter], self.memory[-quarter:]
        before, after = (sum(kib for _, kib in each) / len(each) for each in (second, last))
        return after / before - 1


@dataclass(frozen=True)
class Killed:
    """One kill, and what it came to."""

    whom: str
    after: float
    before: int
    """Cases that were committed when it was killed, as the folder says."""
    left: int
    """Processes that did not end."""
    lost: int
    """Committed cases that were not there any more."""
    sound: bool
    """Whether the folder opened, and the campaign went on from it."""


def run(seconds: float, kills: int = 0, seed: int = 0) -> dict[str, Any]:
    """Measure a campaign of all models for so long, and then so many kills."""
    with tempfile.TemporaryDirectory() as name:
        found: dict[str, Any] = {"campaign": _as_json(measured(Path(name) / "night", seconds))}
        found["kills"] = [asdict(each) for each in killed(Path(name) / "killed", kills, seed)]
    return found


def measured(path: Path, seconds: float, models: Sequence[str] = ()) -> Measured:
    """Run a campaign in the folder `path` for so long, and measure it."""
    cores = Host.of_this_process().cores
    plan = Plan("bench", 1, tuple(models) or tuple(registry.names()))
    folder = begin(plan, path, seconds, None)
    own = psutil.Process()
    spent: dict[int, float] = {}
    waited = 0.0

    def look(news: News) -> None:
        nonlocal waited
        if news.seconds < seconds:  # then they come to an end, one after another
            waited = 1 - news.busy
        for process in own.children(recursive=True):
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            spent[process.pid] = max(spent.get(process.pid, 0.0), times.user + times.system)

    with folder:
        coordinator = Coordinator(folder, Processes(cores, plan), seconds)
        coordinator.watch = look
        before, started = own.cpu_times(), time.monotonic()
        psutil.cpu_times_percent()
        coordinator.run()
        wall, after = time.monotonic() - started, own.cpu_times()
        books = coordinator.books
        return Measured(
            wall,
            cores,
            books.cases,
            books.executions,
            sum(Pairs.of(seen).seen for seen in books.seen.values()),
            len(books.findings),
            sum(spent.values()),
            after.user + after.system - before.user - before.system,
            waited,
            psutil.cpu_times_percent().idle / 100,
            [(sample.seconds, sample.memory) for sample in folder.samples()],
        )


def killed(path: Path, kills: int, seed: int) -> Iterable[Killed]:
    """Kill a process of a campaign in the folder `path` at random moments, again and again."""
    chance = random.Random(seed)
    for _ in range(kills):
        yield kill(path, chance.choice(("coordinator", "worker")), chance.uniform(0, LONGEST))


def kill(path: Path, whom: str, after: float, models: Sequence[str] = ("once",)) -> Killed:
    """Go on with the campaign in the folder `path`, and kill one of its processes.

    `after` is in seconds since it wrote first.
    """
    if path.exists():
        words = ["resume", str(path), "--for", "600", "--jobs", "2"]
    else:
        words = ["run", *models, "--for", "600", "--jobs", "2", "--out", str(path), "--seed", "1"]
    mark = f"{path.name}-{os.getpid()}-{time.monotonic_ns()}"
    process = subprocess.Popen(  # noqa: S603  (this interpreter)
        [sys.executable, "-m", "stress", *words],
        env={**os.environ, MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen = _committed(path)
    _wait_for_more(path, process, seen)
    time.sleep(after)
    victim = process.pid
    workers = [each.pid for each in _of(mark) if each.pid != process.pid]
    if whom == "worker" and workers:
        victim = random.Random(after).choice(workers)
    seen = _committed(path)
    os.kill(victim, signal.SIGKILL)
    if victim != process.pid:
        _wait_for_more(path, process, seen)  # it goes on without that worker
        seen = _committed(path)
        process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    left = _still_there(mark)
    now = _committed(path)
    return Killed(whom, after, len(seen), left, len(seen - now), process.returncode < 0)


def _committed(path: Path) -> set[int]:
    """Return the numbers of the cases that are committed in a folder."""
    if not path.exists():
        return set()
    with Folder.open(path) as folder:
        return folder.ledger.numbers()


def _wait_for_more(path: Path, process: "subprocess.Popen[str]", seen: set[int]) -> None:
    """Wait until more than `seen` is committed."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if path.joinpath("campaign.sqlite").exists() and _committed(path) - seen:
            return
        time.sleep(0.05)
    said = process.stderr.read() if process.poll() is not None and process.stderr else ""
    raise RuntimeError(f"the campaign does not go on: {said}")


def _of(mark: str) -> list[psutil.Process]:
    """Return the processes of the campaign with this mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _still_there(mark: str) -> int:
    """Return how many processes do not end, and end them."""
    end = time.monotonic() + GONE
    while (left := _of(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    for process in left:
        process.kill()
    return len(left)


def _as_json(found: Measured) -> dict[str, Any]:
    shares = {"busy": found.busy, "books": found.books, "growth": found.growth}
    return asdict(found) | {name: round(share, 4) for name, share in shares.items()}


def show(found: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    campaign = found["campaign"]
    memory = campaign["memory"]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "", "reach"):
        table.add_column(column)
    rows = (
        ("wall", f"{campaign['wall']:.0f} s, {campaign['cores']} cores", ""),
        ("cases", f"{campaign['cases']:,}", ""),
        ("executions", f"{campaign['executions']:,}", ""),
        ("coverage", f"{campaign['pairs']:,} pairs", ""),
        ("failures", f"{campaign['failures']}", ""),
        ("cores busy", f"{campaign['busy']:.1%}", _met(campaign["busy"] > BUSY)),
        ("  idle, of all", f"{campaign['idle']:.1%}", ""),
        ("book-keeping", f"{campaign['books']:.1%}", _met(campaign["books"] < BOOKS)),
        ("workers waited", f"{campaign['waited']:.1%}", _met(campaign["waited"] < BOOKS)),
        (
            "memory",
            f"{max(kib for _, kib in memory) >> 10} MiB at most, {campaign['growth']:+.1%}",
            _met(campaign["growth"] < GROWTH),
        ),
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)
    kills = found["kills"]
    if kills:
        sound = sum(each["sound"] and not each["lost"] for each in kills)
        left = sum(each["left"] for each in kills)
        console.print(
            f"{len(kills)} kills: {sound} times everything committed was there and the campaign "
            f"went on; {left} processes were left over"
        )


def _met(reached: bool) -> str:  # noqa: FBT001
    return "[green]met[/]" if reached else "[red]missed[/]"
