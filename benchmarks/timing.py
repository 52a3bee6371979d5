"""Threads that start together, make the same number of calls each, and are timed as one.

>>> def bind(me):
...     return lambda calls: [pow(me, 2) for _ in range(calls)]
>>> with Crew({"power": bind}, 2) as crew:
...     timing = crew.timed("power", threads=2, calls=10)
>>> timing.threads, timing.calls, timing.wall > 0
(2, 10, True)
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Final, Self

from registrar.sync import native
from stress.host import Host
from stress.threads.barrier import BrokenBarrierError, SpinBarrier

WARM_UP: Final = 200
"""Calls that a thread makes of a subject before the first that is timed."""

QUIET: Final = 0.95
"""The share of its core that a thread must have had for its time to tell anything."""

PATIENCE: Final = 4
"""How often a timing that was not quiet is repeated."""

type Body = Callable[[int], object]
"""Makes as many calls as it is told."""

type Bind = Callable[[int], Body]
"""Called once in each thread with its number: what it makes then is the thread's own."""


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


class Crew:
    """Threads that bind each of `subjects` once and live as long as the benchmark.

    New threads for every timing would be simpler, but an interpreter without a GIL keeps what
    it learns about a function by thread, and a new thread has it to learn again.
    """

    def __init__(self, subjects: Mapping[str, Bind], size: int) -> None:
        self._subjects = subjects
        self._jobs: list[SimpleQueue[Job | None]] = [SimpleQueue() for _ in range(size)]
        self._ended: SimpleQueue[Span | BaseException] = SimpleQueue()
        self._workers = [native.spawn(partial(self._work, me)) for me in range(size)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for jobs in self._jobs:
            jobs.put(None)
        for worker in self._workers:
            worker.join()

    def timed(self, subject: str, threads: int, calls: int) -> Timing:
        """Time the first `threads` of the crew; raise what one of them raises."""
        barrier = SpinBarrier(threads)
        for jobs in self._jobs[:threads]:
            jobs.put((subject, calls, barrier))
        ended = [self._ended.get() for _ in range(threads)]
        spans = [end for end in ended if not isinstance(end, BaseException)]
        errors = [end for end in ended if isinstance(end, BaseException)]
        for error in errors:
            if not isinstance(error, BrokenBarrierError):  # whoever broke it says why
                raise error
        wall = max(end for _, end, _ in spans) - min(start for start, _, _ in spans)
        return Timing(threads, calls, wall, sum(processor for *_, processor in spans))

    def _work(self, me: int) -> None:
        bodies: dict[str, Body] = {}
        for subject, calls, barrier in iter(self._jobs[me].get, None):
            try:
                if subject not in bodies:
                    bodies[subject] = self._subjects[subject](me)
                    bodies[subject](WARM_UP)
                self._ended.put(_span(bodies[subject], calls, barrier))
            except BaseException as error:  # noqa: BLE001  (`timed` raises it)
                barrier.abort()
                self._ended.put(error)


type Job = tuple[str, int, SpinBarrier]
"""A subject, how many calls of it, and where its threads meet before them."""

type Span = tuple[int, int, int]
"""When a thread started and ended, and how long it ran by the system's account."""


def _span(body: Body, calls: int, barrier: SpinBarrier) -> Span:
    barrier.wait()
    before, start = time.thread_time_ns(), time.perf_counter_ns()
    body(calls)
    end, after = time.perf_counter_ns(), time.thread_time_ns()
    return start, end, after - before


def in_turns(
    subjects: Mapping[str, Bind], threads: Sequence[int], calls: int, seconds: float
) -> list[Turn]:
    """Time all `subjects` with all numbers of `threads`, turn after turn, for about `seconds`."""
    turns: list[Turn] = []
    end = time.monotonic() + seconds
    with Crew(subjects, max(threads)) as crew:
        while not turns or time.monotonic() < end:
            sources = [(name, count) for name in subjects for count in threads]
            turns.append({source: _quietly_timed(crew, *source, calls) for source in sources})
    return turns


def _quietly_timed(crew: Crew, subject: str, threads: int, calls: int) -> Timing:
    """Time again what other work disturbed, a few times, so that whole turns are quiet."""
    timing = crew.timed(subject, threads, calls)
    for _ in range(PATIENCE if threads <= cores() else 0):
        if timing.quiet:
            break
        timing = crew.timed(subject, threads, calls)
    return timing


def cores() -> int:
    """Return how many threads of Python can run at once here."""
    host = Host.of_this_process()
    return 1 if host.gil else host.cores
