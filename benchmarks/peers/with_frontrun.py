"""The five programs for frontrun: any Python, watched at every bytecode; one of each kind of order.

It runs under frontrun's own command, which prepares the process: ``python -m frontrun.cli``.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import frontrun  # type: ignore[import-not-found]

from benchmarks.peers.adapter import Adapted, main


class State:
    """What the threads share, made anew for each schedule."""

    sound = False

    def __init__(self) -> None:
        self.value = 0
        self.thing: object = None
        self.made: list[object] = []
        self.woken = False
        self.lock: AbstractContextManager[Any] = threading.Lock() if self.sound else nullcontext()
        self.a, self.b, self.c = threading.Lock(), threading.Lock(), threading.Lock()
        self.condition = threading.Condition()


class Sound(State):
    """The same for the sound versions."""

    sound = True


def bump(state: State) -> None:
    """Increment."""
    with state.lock:
        state.value += 1


def get(state: State) -> None:
    """Make the one thing if there is none."""
    with state.lock:
        if state.thing is None:
            state.thing = object()
            state.made.append(state.thing)


def take_ab(state: State) -> None:
    """Hold two locks for a moment."""
    with state.a, state.b:
        pass


def take_bc(state: State) -> None:
    """Hold two locks for a moment."""
    with state.b, state.c:
        pass


def take_ba(state: State) -> None:
    """Hold two locks for a moment, taken in the other order where broken."""
    first, second = (state.a, state.b) if state.sound else (state.b, state.a)
    with first, second:
        pass


def take_ca(state: State) -> None:
    """Hold two locks for a moment, taken in the other order where broken."""
    first, second = (state.a, state.c) if state.sound else (state.c, state.a)
    with first, second:
        pass


def wait(state: State) -> None:
    """Wait until notified."""
    with state.condition:
        if not state.sound:
            state.condition.wait()
        while state.sound and not state.value:
            state.condition.wait()
    state.woken = True


def notify(state: State) -> None:
    """Notify, and leave word of it."""
    with state.condition:
        state.value = 1
        state.condition.notify()


def adapted(
    *workers: Callable[[State], None],
    holds: Callable[[State], bool] = lambda _: True,
    note: str = "",
    **options: object,
) -> Adapted:
    """Return how frontrun explores a program; when it counts, it comes to an end each time."""

    def explored(setup: type[State]) -> Any:
        return frontrun.explore(
            setup=setup, workers=workers, invariant=holds, reproduce_on_failure=0, **options
        )

    return Adapted(
        hunt=lambda _: explored(State).property_holds is False,
        count=lambda: int(explored(Sound).num_explored),
        note=note,
    )


if __name__ == "__main__":
    programs = {
        "lost update": adapted(bump, bump, holds=lambda state: state.value == 2),  # noqa: PLR2004
        "lazy initialisation": adapted(get, get, holds=lambda state: len(state.made) == 1),
        "ABBA deadlock": adapted(take_ab, take_ba),
        "three philosophers": adapted(take_ab, take_bc, take_ca),
        "lost wake-up": adapted(  # on the real clock, waiting is inconclusive in every schedule
            wait,
            notify,
            holds=lambda state: state.woken,
            note="with clock='virtual'; found only where the notifier is listed first",
            clock="virtual",
        ),
    }
    main("frontrun", programs)
