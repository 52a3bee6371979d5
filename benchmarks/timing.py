"""Threads that start together, make the same number of calls each, and are timed as one.

>>> def bind(me):
...     return lambda calls: [pow(me, 2) for _ in range(calls)]
>>> timing = timed(bind, threads=2, calls=10)
>>> timing.threads, timing.calls, timing.wall > 0
(2, 10, True)
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from registrar.sync import native
from stress.host import Host
from stress.threads.barrier import BrokenBarrierError, SpinBarrier

WARM_UP: Final = 200
"""Calls that each thread makes before the start: it binds what is its own, and specialises."""

QUIET: Final = 0.95
"""The share of its core that a thread must have had for its time to tell anything."""

PATIENCE: Final = 4
"""How often a timing that was not quiet is repeated."""

type Body = Callable[[int], object]
"""Makes as many calls as it is told."""

type Bind = Callable[[int], Body]
"""Called in each thread with its number: what the body uses by then is the thread's own."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One measurement."""

    threads: int
    calls: int
    """How many each thread made."""
    wall: int
    """Nanoseconds from the first start to the last end."""
    processor: int
    """Nanoseconds that the threads ran in all, by the system's account."""

    @property
    def per_call(self) -> float:
        """Nanoseconds of wall time for one call of each thread: n threads do n calls in it."""
        return self.wall / self.calls

    @property
    def quiet(self) -> bool:
        """True where other work left the threads the cores that they can use."""
        return self.processor >= QUIET * self.wall * min(self.threads, cores())


type Turn = Mapping[tuple[str, int], Timing]
"""The timings of one turn, by subject and number of threads."""


def timed(bind: Bind, threads: int, calls: int) -> Timing:
    """Time `threads` threads that make `calls` calls each; raise what one of them raises."""
    barrier = SpinBarrier(threads)
    spans: list[tuple[int, int, int]] = []

    def work(me: int) -> None:
        try:
            body = bind(me)
            body(WARM_UP)
        except BaseException:
            barrier.abort()
            raise
        with suppress(BrokenBarrierError):  # whoever broke it says why
            barrier.wait()
        before, start = time.thread_time_ns(), time.perf_counter_ns()
        body(calls)
        end, after = time.perf_counter_ns(), time.thread_time_ns()
        spans.append((start, end, after - before))

    workers = [native.spawn(partial(work, me)) for me in range(threads)]
    for worker in workers:
        worker.join()
    wall = max(end for _, end, _ in spans) - min(start for start, _, _ in spans)
    return Timing(threads, calls, wall, sum(processor for *_, processor in spans))


def in_turns(
    subjects: Mapping[str, Bind], threads: Sequence[int], calls: int, seconds: float
) -> list[Turn]:
    """Time all `subjects` with all numbers of `threads`, turn after turn, for about `seconds`."""
    turns: list[Turn] = []
    end = time.monotonic() + seconds
    while not turns or time.monotonic() < end:
        turns.append(
            {
                (name, count): _quietly_timed(bind, count, calls)
                for name, bind in subjects.items()
                for count in threads
            }
        )
    return turns


def _quietly_timed(bind: Bind, threads: int, calls: int) -> Timing:
    """Time again what other work disturbed, a few times, so that whole turns are quiet."""
    timing = timed(bind, threads, calls)
    for _ in range(PATIENCE if threads <= cores() else 0):
        if timing.quiet:
            break
        timing = timed(bind, threads, calls)
    return timing


def cores() -> int:
    """Return how many threads of Python can run at once here."""
    host = Host.of_this_process()
    return 1 if host.gil else host.cores
