"""What recording costs: workers of the real-thread engine on `register()`, recorded and not.

Recorded, each call goes through the engine's own loop (`stress.threads.shift`): two instants, a
`Record`, a note of what the thread is doing.  Not recorded, the same steps are only performed.
Reach: recorded, a call takes at most 1.4 times as long, with one thread and with two.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from random import Random
from typing import Any, Final

from rich.console import Console

from benchmarks.figures import Figure, Reach, figures, reach, show_figures, show_reaches
from benchmarks.register import ADDRESS, CALLS, THREADS, registered
from benchmarks.timing import Bind, Body, Turn, cores, in_turns
from models.registrar_threads import RegistrarThreads
from registrar import MemoryRegistrar
from stress.threads.shift import Noted, Shift, ShiftPlan
from stress.threads.subject import Step

RECORDED: Final = "recorded"
BARE: Final = "not recorded"
MOST: Final = max(THREADS)
MOST_TIMES: Final = 1.4
"""The reach of issue 2."""


def run(seconds: float) -> dict[str, Any]:
    """Measure for `seconds`."""
    registrar = registered()
    steps = [_steps(registrar, me) for me in range(MOST)]
    with closing(RegistrarThreads().stage(Random(0), MOST)) as stage:
        shift = Shift(ShiftPlan("recording", MOST, strides=1, pinned=False, pauses=0), stage)
        subjects = {BARE: _performs(steps), RECORDED: _records(shift, steps)}
        turns = in_turns(subjects, THREADS, CALLS, seconds)
    return {
        "turns": len(turns),
        "figures": [asdict(figure) for figure in figures(turns)],
        "reaches": [asdict(_reach(turns, threads)) for threads in THREADS if threads <= cores()],
    }


def _steps(registrar: MemoryRegistrar, me: int) -> list[Step]:
    """Return a thread's program: as many steps as one timing has calls."""
    return [
        Step("register", (ADDRESS + me + call, 1), registrar.register, None, 0)
        for call in range(CALLS)
    ]


def _performs(steps: Sequence[Sequence[Step]]) -> Bind:
    def bind(me: int) -> Body:
        def body(calls: int) -> None:
            for step in steps[me][:calls]:
                _, arguments, function, _, pause, _ = step
                for _ in range(pause):
                    """Pausing is no recording."""
                function(*arguments)

        return body

    return bind


def _records(shift: Shift, steps: Sequence[Sequence[Step]]) -> Bind:
    def bind(me: int) -> Body:
        def body(calls: int) -> None:
            noted: list[Noted] = []
            shift.perform(me, steps[me][:calls], noted.append)  # the very loop

        return body

    return bind


def _reach(turns: Sequence[Turn], threads: int) -> Reach:
    recorded, bare = (RECORDED, threads), (BARE, threads)
    return reach(
        turns,
        f"times as long when recorded, threads: {threads} (at most 1.4)",
        [recorded, bare],
        lambda turn: turn[recorded] / turn[bare],
        lambda times: times <= MOST_TIMES,
    )


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print the figures and whether the reaches are met."""
    rows = [Figure(**figure) for figure in found["figures"]]
    show_figures(rows, "a worker's call of register()", found["turns"], console)
    show_reaches([Reach(**item) for item in found["reaches"]], console)
