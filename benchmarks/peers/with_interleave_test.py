"""The five programs for interleave-test: any Python, switched at every bytecode, at random."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, Final

import interleave_test as it  # type: ignore[import-not-found]

from benchmarks.peers.adapter import Adapted, main

BATCH: Final = 20  # schedules between two looks at the clock


class Box:
    """Plain data that threads share."""

    value: int = 0
    made: object = None


def together(*functions: Callable[[], object]) -> None:
    """Run each in a thread, and wait for all."""
    for thread in [it.spawn(function) for function in functions]:
        thread.join()


def lost_update(*, sound: bool) -> None:
    """Both increment; no increment may be lost."""
    box, lock = Box(), it.Lock() if sound else nullcontext()

    def bump() -> None:
        with lock:
            box.value += 1

    together(bump, bump)
    assert box.value == 2  # noqa: PLR2004


def lazy_initialisation(*, sound: bool) -> None:
    """Both want the one thing; it may be made once."""
    box, made, lock = Box(), [], it.Lock() if sound else nullcontext()

    def get() -> None:
        with lock:
            if box.made is None:
                box.made = object()
                made.append(box.made)

    together(get, get)
    assert len(made) == 1


def take(first: Any, second: Any) -> None:
    """Hold two locks for a moment."""
    with first, second:
        pass


def abba(*, sound: bool) -> None:
    """Each takes both locks."""
    a, b = it.Lock(), it.Lock()
    together(partial(take, a, b), partial(take, a, b) if sound else partial(take, b, a))


def philosophers(*, sound: bool) -> None:
    """Three take two forks of three each."""
    a, b, c = it.Lock(), it.Lock(), it.Lock()
    last = partial(take, a, c) if sound else partial(take, c, a)
    together(partial(take, a, b), partial(take, b, c), last)


def wake_up(*, sound: bool) -> None:
    """One waits until notified by the other."""
    box, condition = Box(), it.Condition()

    def waiter() -> None:
        with condition:
            if not sound:
                condition.wait()
            while sound and not box.value:
                condition.wait()

    def notifier() -> None:
        with condition:
            box.value = 1
            condition.notify()

    together(waiter, notifier)


def adapted(program: Callable[..., None]) -> Adapted:
    """Return how interleave-test explores `program`."""

    def explored(seed: int | None, iterations: int, *, sound: bool) -> Any:
        def model() -> None:
            program(sound=sound)

        return it.explore(model, iterations=iterations, seed=seed, raise_on_failure=False)

    return Adapted(
        hunt=lambda seed: not explored(seed, sys.maxsize, sound=False).ok,
        count=lambda: int(explored(None, BATCH, sound=True).schedules_run),
    )


if __name__ == "__main__":
    programs = {
        "lost update": adapted(lost_update),
        "lazy initialisation": adapted(lazy_initialisation),
        "ABBA deadlock": adapted(abba),
        "three philosophers": adapted(philosophers),
        "lost wake-up": adapted(wake_up),
    }
    main("interleave-test", programs)
