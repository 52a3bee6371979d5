"""A model of every way to go wrong that is no violation: each is a fault by name.

The supervisor's child finds it as it finds any model, by entry point (see `test_supervisor`).
"""

import ctypes
import os
import resource
import signal
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from models.registrar_case import RegistrarCase
from models.registrar_threads import RegistrarStage, RegistrarThreads
from registrar import GRANULARITY, MemoryLayout, MemoryRegistrar
from registrar.backends import MprotectBackend
from stress.history import Span
from stress.threads.observed import ObservedSync
from stress.threads.subject import Judgement, Record, Step, ThreadModel, Violation

_lock = threading.Lock()


def steady(slot: int) -> int:
    """Return `slot`."""
    return slot


def never_release(_: int) -> None:
    """Take the lock and want it again."""
    _lock.acquire()
    _lock.acquire()


def read_nothing(_: int) -> None:
    """Read the byte at address 0, which kills the interpreter."""
    with _lock:  # a second thread that dies would cut short what the first says
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        ctypes.string_at(0)


def be_killed(_: int) -> None:
    """Die of SIGKILL, as by the kernel that runs out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave(_: int) -> None:
    """End the process."""
    os._exit(7)


def chatter(_: int) -> None:
    """Write what is no report, and no text, to where the reports go."""
    os.write(1, b"chatter \xff\n")


STEPS: Mapping[str, Callable[[int], object]] = {
    "hang": never_release,
    "segfault": read_nothing,
    "killed": be_killed,
    "leave": leave,
    "chatter": chatter,
}


class Misbehaving:
    """The `stress.registry.Subject` named ``misbehaving``, well-behaved without a fault."""

    summary: ClassVar[str] = "what can go wrong beside a violation"
    faults: ClassVar[Mapping[str, str]] = {
        **{name: (step.__doc__ or "").splitlines()[0] for name, step in STEPS.items()},
        "stage": "Raises when a stage is set.",
        "prepare": "Raises when an instance is made.",
        "silent": "Never gets its first stage set.",
        "starved": "A registrar whose kernel has room for one chunk.",
    }

    def __init__(self, fault: str | None) -> None:
        self._fault = fault or ""

    def threads(self, *, layout: str = os.devnull) -> ThreadModel:
        """Return the model; `layout` is a file that gets a line, the process, for each stage."""
        if self._fault == "starved":
            return StarvedRegistrar()
        return Model(self._fault, Path(layout))

    def machine(self) -> type[RuleBasedStateMachine]:
        """Have none."""
        raise NotImplementedError

    def rejudge(self, parameters: Mapping[str, Any], history: Sequence[Span]) -> list[Violation]:
        """Have no rules."""
        raise NotImplementedError

    def rerun(self, saved: Mapping[str, Any]) -> str | None:
        """Have no machine."""
        raise NotImplementedError


class Model:
    """The model for real threads, which is its own stage."""

    slots = 2

    def __init__(self, fault: str, note: Path) -> None:
        self._fault = fault
        self._note = note
        self._threads = 0

    def stage(self, random: Random, threads: int) -> "Model":
        """Return itself, unless this is where it goes wrong."""
        assert isinstance(random, Random)
        with self._note.open("a") as note:
            note.write(f"{os.getpid()}\n")
        if self._fault == "stage":
            raise LookupError("no stage today")
        if self._fault == "silent":
            threading.Event().wait()
        self._threads = threads
        return self

    def instance(self, slot: int, random: Random, sync: ObservedSync) -> "Program":
        """Return a program, unless this is where it goes wrong."""
        assert isinstance(random, Random)
        assert sync.taken == []
        if self._fault == "prepare":
            raise LookupError("no instance today")
        step = STEPS.get(self._fault, steady)
        return Program([[Step(step.__name__, (slot,), step, None, 0)]] * self._threads)

    def close(self) -> None:
        """Hold nothing."""


class Program:
    """One call for each thread, all on the same key."""

    def __init__(self, steps: Sequence[Sequence[Step]]) -> None:
        self.steps = steps

    def keys(self, step: Step) -> Collection[str]:
        """Return the same for all."""
        return [step.f]

    def judge(self, records: Sequence[Sequence[Record]]) -> Judgement:
        """Find nothing."""
        assert records
        return Judgement([])

    def to_json(self) -> dict[str, Any]:
        """Have no parameters."""
        return {}


class StarvedRegistrar(RegistrarThreads):
    """The registrar, in a process that may map one chunk to write to and not two."""

    def stage(self, random: Random, threads: int) -> RegistrarStage:
        """Return a stage of whole chunks, with room for one and a half."""
        assert isinstance(random, Random)
        fields = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        used = int(fields["VmData"].split()[0]) << 10
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (used + 3 * GRANULARITY // 2, hard))
        case = RegistrarCase(MemoryLayout(4 * GRANULARITY, []), 0, frozenset())
        return RegistrarStage(MemoryRegistrar, MprotectBackend, case, threads)
