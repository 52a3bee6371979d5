"""What this machine can show and what it cannot, and what to do about it.

>>> what = {reading.name for reading in readings(models=())}
>>> {"GIL", "cores", "processor", "words", "clock"} <= what
True

Each reading is taken now, in this process, and is tried where trying is possible: a kernel backend
is asked to do its work, a word is made, the clock is read.
"""

import importlib.util
import os
import platform
import re
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import psutil

from registrar.sync import ACQ_REL, native
from stress import registry
from stress.host import Host
from stress.threads.shift import Shift, ShiftPlan

PATIENCE: Final = 20.0
"""Seconds after which threads that do not get on count as hanging."""
BUSY: Final = 0.25
"""Share of the cores that others may use before it is worth a word."""
TSO: Final = (
    "Total store order: the only thing it shows late is a store of another thread.  A missing "
    "acquire or release seldom breaks anything here."
)
WEAK: Final = (
    "Loads and stores are reordered for real, so real threads can meet a missing acquire or "
    "release; seldom, and never all that C11 permits."
)
PROCESSORS: Final = {
    **dict.fromkeys(("x86_64", "amd64", "i386", "i486", "i586", "i686"), ("TSO", TSO)),
    "s390x": ("TSO", TSO),
    **dict.fromkeys(("aarch64", "arm64"), ("weak, multi-copy atomic", WEAK)),
    "riscv64": ("weak, multi-copy atomic", WEAK),
    **dict.fromkeys(("ppc64le", "ppc64"), ("weak, not multi-copy atomic", WEAK)),
}
"""What each processor may do with loads and stores, by the name the system gives it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One fact of this machine."""

    name: str
    found: str
    meaning: str
    """What can be shown here because of it, or cannot."""
    advice: str = ""
    """What to do about it; empty where nothing need be done."""
    state: Literal["ok", "limited", "missing"] = "ok"


def readings(models: Sequence[str]) -> Iterator[Reading]:
    """Yield what there is to know; `models` are those whose own options are tried."""
    yield _gil()
    yield _cores()
    yield _load()
    yield _processor()
    yield _words()
    yield _clock()
    for name in models:
        yield from _options(name)
    yield from _limits()
    yield _folder()
    yield _cluster()


def _gil() -> Reading:
    host = Host.of_this_process()
    if not host.gil:
        return Reading("GIL", f"off, {host.interpreter}", "Threads run in parallel.")
    kind = "on, though the build can do without" if "free" in host.interpreter else "on"
    return Reading(
        "GIL",
        f"{kind}, {host.interpreter}",
        "One thread runs at a time: real threads prove nothing.  The explorer and the state "
        "machines work as well as anywhere.",
        "Take a free-threaded build (python3.14t), without PYTHON_GIL=1 or -X gil=1.",
        "missing",
    )


def _cores() -> Reading:
    allowed, all_of_them = Host.of_this_process().cores, os.cpu_count() or 1
    quota = _quota()
    found = f"{allowed} of {all_of_them}" + (f", {quota:g} by quota" if quota else "")
    if allowed < 2:  # noqa: PLR2004
        return Reading(
            "cores",
            found,
            "No two threads run at once: real threads prove nothing.",
            "Allow this process two or more (taskset, cpuset, container limits).",
            "missing",
        )
    if quota and quota < allowed:
        return Reading(
            "cores",
            found,
            "Threads are stopped where the quota is used up, all at once: fewer of them meet.",
            "Raise the quota (--cpus, CPUQuota) to the number of cores, or run for longer.",
            "limited",
        )
    return Reading("cores", found, f"{allowed} threads run at once; more take turns.")


def _quota() -> float:
    """Return how many cores' worth of time the control group allows; 0 where it does not say."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return 0.0 if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return 0.0


def _load() -> Reading:
    cores = Host.of_this_process().cores
    busy = psutil.cpu_percent(interval=0.3) / 100
    found = f"{busy:.0%} of all cores are in use"
    if busy > BUSY:
        return Reading(
            "load",
            found,
            "Threads lose their cores to others: times mean little, and hangs are told late.",
            "Wait until the machine is quiet before you measure; checking may go on.",
            "limited",
        )
    return Reading("load", found, f"The {cores} cores are there for the threads.")


def _processor() -> Reading:
    machine = platform.machine()
    known = PROCESSORS.get(machine.lower())
    explore = "stress run MODEL --engine explore  visits what C11 permits, on any machine."
    if known is None:
        return Reading("processor", machine, "Its memory model is not known here.", explore)
    model, meaning = known
    return Reading("processor", f"{machine}: {model}", meaning, explore, "limited")


def _words() -> Reading:
    try:
        word = native.word(1)
        word.fetch_add(1, ACQ_REL)
    except Exception as error:  # noqa: BLE001  (whatever it is, there are no words)
        return Reading(
            "words",
            f"{type(error).__name__}: {error}",
            "There are no genuine atomic words, so no subject runs on real threads.",
            "Install the package atomics for this processor.",
            "missing",
        )
    return Reading("words", "64 bits, lock-free", "Subjects run on genuine atomic words.")


def _clock() -> Reading:
    instants = [time.perf_counter_ns() for _ in range(20_000)]
    steps = sorted(later - one for one, later in pairwise(instants))
    usual, coarse = steps[len(steps) // 2], sum(step == 0 for step in steps) > len(steps) // 2
    found = "coarser than a call" if coarse else f"{usual} ns from one reading to the next"
    if coarse:
        return Reading(
            "clock",
            found,
            "Calls that follow each other count as overlapping: fewer faults are seen.",
            "Take a machine whose clock is finer (a virtual one may offer a better source).",
            "limited",
        )
    return Reading("clock", found, "Calls further apart than that are known to be in order.")


def _options(name: str) -> Iterator[Reading]:
    """Yield how each option that the model called `name` has for real threads works here."""
    try:
        threads: Any = registry.find(name).threads()
    except (registry.UnknownModelError, ValueError, OSError) as error:
        yield Reading(name, str(error).partition("\n")[0], "It does not run.", state="missing")
        return
    for option, choices in getattr(threads, "choices", {}).items():
        wrong = {choice: _wrong_with(name, option, choice) for choice in choices}
        works = [choice for choice, why in wrong.items() if not why]
        if works:
            yield Reading(
                f"{name} --{option}", ", ".join(works), "Tried just now, with a few calls each."
            )
        for choice in choices:
            if wrong[choice]:
                cannot = "It cannot be had here."
                yield Reading(f"{name} --{option}", choice, cannot, wrong[choice], "limited")


def _wrong_with(name: str, option: str, choice: str) -> str:
    """Return why real threads cannot run the model with an option; "" where they just did."""
    try:
        stage = registry.find(name).threads(**{option: choice}).stage(Random(0), 2)
    except (ValueError, OSError) as error:
        return str(error)
    shift = Shift(ShiftPlan("doctor", 2, 1, pinned=False, pauses=0), stage)
    shift.start()
    if not shift.join(PATIENCE):
        return f"its calls did not return within {PATIENCE:.0f} s"
    stage.close()
    troubles: list[object] = [*shift.errors, *shift.census.unknown]
    troubles += [
        f"{violation.rule}: {violation.message}"
        for finding in shift.findings
        for violation in finding.judgement.violations
    ]
    return str(troubles[0]) if troubles else ""


def _limits() -> Iterator[Reading]:
    kinds: tuple[tuple[str, int, Callable[[int], str], str, int], ...] = (
        ("address space", resource.RLIMIT_AS, _bytes, "ulimit -v", 1 << 46),
        ("locked memory", resource.RLIMIT_MEMLOCK, _bytes, "ulimit -l", 64 << 10),
        ("processes", resource.RLIMIT_NPROC, str, "ulimit -u", 256),
    )
    enough = []
    for name, kind, shown, command, wanted in kinds:
        limit, _ = resource.getrlimit(kind)
        if limit == resource.RLIM_INFINITY or limit >= wanted:
            spelled = "no limit" if limit == resource.RLIM_INFINITY else shown(limit)
            enough.append(f"{name} {spelled}")
        else:
            why = f"At least {shown(wanted)} are wanted."
            yield Reading(name, shown(limit), why, f"Raise it: {command}", "limited")
    free = psutil.virtual_memory().available
    if free < 1 << 30:
        why = "Processes may be killed for want of it."
        yield Reading("memory", f"{_bytes(free)} free", why, "Give fewer --jobs.", "limited")
    else:
        enough.append(f"memory {_bytes(free)} free")
    if enough:
        yield Reading("limits", ", ".join(enough), "That is enough.")


def _bytes(number: int) -> str:
    """Return a number of bytes in the largest unit that leaves it above 1.

    >>> _bytes(8 << 20)
    '8 MiB'
    """
    unit = min(max(number.bit_length() - 1, 0) // 10, 4)
    return f"{number / (1 << 10 * unit):.3g} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[unit]}"


def _folder() -> Reading:
    here = Path.cwd()
    if not os.access(here, os.W_OK):
        return Reading(
            "this folder",
            "cannot be written",
            "Failures cannot be saved in .stress.",
            "Go elsewhere, or name a folder with --out.",
            "missing",
        )
    free = shutil.disk_usage(here).free
    small = free < 100 << 20
    return Reading(
        "this folder",
        f"{_bytes(free)} are free",
        "A campaign may fill it." if small else "Failures and campaigns are saved in .stress.",
        "Free some space, or name another folder with --out." if small else "",
        "limited" if small else "ok",
    )


def _cluster() -> Reading:
    if importlib.util.find_spec("distributed") is None:
        return Reading(
            "cluster",
            "Dask distributed is not installed",
            "Campaigns run on this machine alone.",
            "For many machines: pip install 'registrar-stress[cluster]'",
            "limited",
        )
    version = importlib.metadata.version("distributed")
    held = re.match(r"\d+\.\d+", platform.python_version())
    return Reading(
        "cluster",
        f"Dask distributed {version}",
        f"Campaigns can run on many machines: stress run --scheduler ADDRESS, with Python "
        f"{held[0] if held else sys.version} there, too.",
    )
