"""What all adapters share: it runs in a peer's environment, with the standard library alone.

python -m benchmarks.peers.with_ploom "lost update" 2
{"version": "0.1.1", "python": "...", "found": true, "seconds_to_first_failure": 1.9, ...}
"""

import importlib.metadata
import json
import platform
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

PROGRAMS: Final = (
    "lost update",
    "lazy initialisation",
    "ABBA deadlock",
    "three philosophers",
    "lost wake-up",
)
HUNTS: Final = 5  # the median of so many is the time to the first failure
ENOUGH: Final = 10.0  # seconds of hunting after which no further hunt is begun


@dataclass(frozen=True, slots=True)
class Adapted:
    """One program in a peer's idiom."""

    hunt: Callable[[int], bool]
    """Explore the broken version with a seed until the first failure; tell if there was one."""
    count: Callable[[], int]
    """Explore the sound version, for a moment or to its end, and return how many schedules."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a peer made of one program."""

    found: bool
    """In every hunt."""
    seconds_to_first_failure: float | None
    schedules_per_second: float | None
    """Of the sound version."""
    note: str


def main(package: str, programs: Mapping[str, Adapted | str]) -> None:
    """Measure the program named on the command line, and print what came of it as JSON.

    Where `programs` has a text, it says why the peer cannot express the program.
    """
    name, seconds = sys.argv[1], float(sys.argv[2])
    adapted = programs[name]
    if isinstance(adapted, str):
        found = Measured(False, None, None, adapted)  # noqa: FBT003  (in the order of the fields)
    else:
        found = measured(adapted, seconds)
    about = {"version": importlib.metadata.version(package), "python": build()}
    print(json.dumps({**about, **asdict(found)}))


def build() -> str:
    """Return which Python this is."""
    threading = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with the GIL"
    return f"{platform.python_implementation()} {platform.python_version()}, {threading}"


def measured(adapted: Adapted, seconds: float) -> Measured:
    """Hunt for the first failure some times; then count schedules for at least `seconds`."""
    times: list[float] = []
    found = True
    while found and len(times) < HUNTS and sum(times) < ENOUGH:
        start = time.perf_counter()
        found = adapted.hunt(len(times) + 1)
        times.append(time.perf_counter() - start)
    schedules, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < seconds:
        schedules += adapted.count()
    first = median(times) if found else None
    return Measured(found, first, schedules / taken if taken else None, adapted.note)
