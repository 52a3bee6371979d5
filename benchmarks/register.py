"""What `register()` costs on a registered chunk, beside what it is made of.

    register()           the whole: arguments, chunks, bit, word
    word.load(ACQUIRE)   our word
    C function           what every way to the word ends in, through ctypes, a buffer a thread
    public API           `atomics.atomic(...).load`, which ends in the same function
    Python loop          as long as register(), sharing nothing: what threads can gain at best

All of them load the same word.  Each is measured with the GIL off, where the build allows that,
and with the GIL on, in processes of their own.  Reaches: `register()` costs at most 2 us more
than the C function, and two threads gain at least 80 % of what they gain in the Python loop.
"""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any, Final

import atomics
from rich.console import Console

from benchmarks.figures import Figure, Reach, figures, reach, show_figures, show_reaches
from benchmarks.timing import Bind, Body, Crew, Turn, cores, in_turns
from registrar import GRANULARITY, MemoryLayout, MemoryRange, MemoryRegistrar
from registrar.sync import ACQUIRE
from stress.host import Host

CALLS: Final = 500
"""Calls a thread in one timing: short enough that other work often leaves it alone."""

THREADS: Final = (1, 2, 4)
ADDRESS: Final = 3 * GRANULARITY + 0x1234
CHUNKS: Final = 8

MOST_OVER_C: Final = 2.0
LEAST_GAIN: Final = 0.8
"""The reaches of issue 2."""

REGISTER: Final = "register()"
LOAD: Final = "word.load(ACQUIRE)"
C_FUNCTION: Final = "C function"
PUBLIC: Final = "public API"
LOOP: Final = "Python loop"


def run(seconds: float) -> list[dict[str, Any]]:
    """Measure for `seconds` with the GIL off, if it can be, and for `seconds` with it on."""
    found = [_measured_apart(seconds, {})]
    if not found[0]["gil"]:
        found.append(_measured_apart(seconds, {"PYTHON_GIL": "1"}))
    return found


def _measured_apart(seconds: float, variables: dict[str, str]) -> dict[str, Any]:
    """Measure in a child process: whether there is a GIL is settled when a process starts."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    child = subprocess.run(  # noqa: S603  (this interpreter, this module)
        [sys.executable, "-m", "benchmarks.register", str(seconds)],
        env=inherited | variables,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(child.stdout)
    return measured


def measure(seconds: float) -> dict[str, Any]:
    """Measure for `seconds` in this process, with the GIL as it is."""
    registrar = registered()
    subjects = {
        LOOP: _loops(_length_of(_calls_register(registrar))),
        REGISTER: _calls_register(registrar),
        C_FUNCTION: _calls_c_function(registrar),
        LOAD: _calls_load(registrar),
        PUBLIC: _calls_public_api(registrar),
    }
    turns = in_turns(subjects, THREADS, CALLS, seconds)
    return {
        "gil": Host.of_this_process().gil,
        "turns": len(turns),
        "figures": [asdict(figure) for figure in figures(turns)],
        "reaches": [asdict(item) for item in _reaches(turns)],
    }


def registered() -> MemoryRegistrar:
    """Return a registrar whose chunks are all registered."""

    def accept(piece: MemoryRange) -> None:
        """Register nothing: what is measured comes after."""

    registrar = MemoryRegistrar(MemoryLayout(CHUNKS * GRANULARITY, []), 0, accept)
    registrar.register(0, CHUNKS * GRANULARITY)
    return registrar


def _calls_register(registrar: MemoryRegistrar) -> Bind:
    def bind(_: int) -> Body:
        def body(calls: int) -> None:
            shared, address = registrar, ADDRESS + 1  # an int of the thread's own, as a caller's
            for _ in range(calls):
                shared.register(address, 1)

        return body

    return bind


def _calls_load(registrar: MemoryRegistrar) -> Bind:
    word = registrar._registered._words[0]  # noqa: SLF001  (the word that register() loads)

    def bind(_: int) -> Body:
        def body(calls: int) -> None:
            shared = word
            for _ in range(calls):
                shared.load(ACQUIRE)

        return body

    return bind


def _atom(registrar: MemoryRegistrar) -> Any:
    """Return the `atomics` object that is the word."""
    word: Any = registrar._registered._words[0]  # noqa: SLF001
    return word._atom  # noqa: SLF001


def _calls_c_function(registrar: MemoryRegistrar) -> Bind:
    from atomics._impl.patomic import Patomic  # noqa: PLC0415  (private)

    atom = _atom(registrar)

    def bind(_: int) -> Body:
        load = Patomic.ops(8).fp_load
        buffer = ctypes.create_string_buffer(8)
        at, result = ctypes.c_void_p(atom._address).value, ctypes.addressof(buffer)  # noqa: SLF001

        def body(calls: int) -> None:
            for _ in range(calls):
                load(at, 2, result)
            assert buffer.raw != bytes(8)  # the buffer lives, and a bit was seen

        return body

    return bind


def _calls_public_api(registrar: MemoryRegistrar) -> Bind:
    atom = _atom(registrar)

    def bind(_: int) -> Body:
        def body(calls: int) -> None:
            shared, order = atom, atomics.MemoryOrder.ACQUIRE
            for _ in range(calls):
                shared.load(order)

        return body

    return bind


def _loops(length: int) -> Bind:
    def bind(_: int) -> Body:
        def body(calls: int) -> None:
            number = 1
            for _ in range(calls):
                for _ in range(length):
                    number = number * 5 + 1 & 0xFF  # small integers have no counts

        return body

    return bind


def _length_of(bind: Bind) -> int:
    """Return the length at which the Python loop takes about as long as a call of `bind`."""
    with Crew({REGISTER: bind, LOOP: _loops(100)}, 1) as crew:
        pairs = [[crew.timed(name, 1, CALLS).wall for name in (REGISTER, LOOP)] for _ in range(9)]
    return max(1, round(median(100 * whole / hundred for whole, hundred in pairs)))


def _reaches(turns: Sequence[Turn]) -> list[Reach]:
    cost = reach(
        turns,
        "us more than the C function (at most 2)",
        [(REGISTER, 1), (C_FUNCTION, 1)],
        lambda turn: (turn[REGISTER, 1] - turn[C_FUNCTION, 1]) / 1000,
        lambda microseconds: microseconds <= MOST_OVER_C,
    )
    if cores() == 1:
        return [cost]
    gain = reach(
        turns,
        "of what 2 threads gain in the loop (at least 0.8)",
        [(subject, threads) for subject in (REGISTER, LOOP) for threads in (1, 2)],
        lambda turn: turn[REGISTER, 1] / turn[REGISTER, 2] * turn[LOOP, 2] / turn[LOOP, 1],
        lambda share: share >= LEAST_GAIN,
    )
    return [cost, gain]


def show(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print a table for each state of the GIL."""
    for state in found:
        title = f"register() on a registered chunk, GIL {'on' if state['gil'] else 'off'}"
        rows = [Figure(**figure) for figure in state["figures"]]
        show_figures(rows, title, state["turns"], console)
        show_reaches([Reach(**item) for item in state["reaches"]], console)


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
