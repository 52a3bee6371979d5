"""The five programs for ploom: steps are operations of its cells and locks; all orders, in turn."""

import logging
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import ploom  # type: ignore[import-not-found]

from benchmarks.peers.adapter import Adapted, main


def together(*functions: Callable[[], object]) -> None:
    """Run each in a thread, and wait for all."""
    threads = [ploom.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def lost_update(*, sound: bool) -> None:
    """Both increment; no increment may be lost."""
    cell, lock = ploom.SharedCell(0), ploom.Lock() if sound else nullcontext()

    def bump() -> None:
        with lock:
            cell.write(cell.read() + 1)

    together(bump, bump)
    assert cell.read() == 2  # noqa: PLR2004


def lazy_initialisation(*, sound: bool) -> None:
    """Both want the one thing; it may be made once."""
    cell, made, lock = ploom.SharedCell(None), [], ploom.Lock() if sound else nullcontext()

    def get() -> None:
        with lock:
            if cell.read() is None:
                made.append(1)
                cell.write(1)

    together(get, get)
    assert len(made) == 1


def take(first: Any, second: Any) -> None:
    """Hold two locks for a moment."""
    with first, second:
        pass


def abba(*, sound: bool) -> None:
    """Each takes both locks."""
    a, b = ploom.Lock(), ploom.Lock()
    together(partial(take, a, b), partial(take, a, b) if sound else partial(take, b, a))


def philosophers(*, sound: bool) -> None:
    """Three take two forks of three each."""
    a, b, c = ploom.Lock(), ploom.Lock(), ploom.Lock()
    last = partial(take, a, c) if sound else partial(take, c, a)
    together(partial(take, a, b), partial(take, b, c), last)


def adapted(program: Callable[..., None]) -> Adapted:
    """Return how ploom explores `program`; ten schedules at a time when it counts."""

    def hunt(_: int) -> bool:
        config = ploom.Config(max_executions=sys.maxsize, timeout=1e6, minimize_executions=0)
        try:
            with tempfile.TemporaryDirectory() as traces:
                broken = partial(program, sound=False)
                ploom.check(broken, config=config, trace_dir=Path(traces))
        except ploom.ModelCheckError:
            return True
        return False

    def count() -> int:
        config = ploom.Config(max_executions=10)
        try:
            done = ploom.check(partial(program, sound=True), config=config)
        except ploom.IncompleteExplorationError as error:
            done = error.statistics
        return int(done.executions)

    return Adapted(hunt, count)


if __name__ == "__main__":
    logging.disable()  # it logs where it saved each failure
    programs: dict[str, Adapted | str] = {
        "lost update": adapted(lost_update),
        "lazy initialisation": adapted(lazy_initialisation),
        "ABBA deadlock": adapted(abba),
        "three philosophers": adapted(philosophers),
        "lost wake-up": "ploom has no condition variables",
    }
    main("ploom", programs)
