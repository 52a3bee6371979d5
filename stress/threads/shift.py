"""A shift: N threads prepare a stride of independent instances, sweep it in step, judge it, again.

    thread 0   prepare 0 2 4 ┃ sweep 0 1 2 3 4 5 ┃ judge 0 2 4 ┃ prepare ...
    thread 1   prepare 1 3 5 ┃ sweep 0 1 2 3 4 5 ┃ judge 1 3 5 ┃ prepare ...
                             barrier             barrier       barrier

In the sweep a thread that comes to an instance first waits for the others, but not for long
(`PATIENCE` looks): that keeps them close without making them march, so they meet in ever new
ways, and a thread that has lost its core holds nobody up.

Ordering
========

A slot of a list is written by one thread between two barriers and read by others only after the
second (see `barrier`), so lists of plain objects are enough.

Progress
========

A thread that raises aborts the barrier, and all threads of the shift end.  A call that never
returns leaves the others at the barrier; the child process watches for that from outside.
"""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from registrar.sync import native
from stress.threads.barrier import SPINS, BrokenBarrierError, SpinBarrier
from stress.threads.census import Census, contended, meetings
from stress.threads.observed import ObservedSync, clock, worker
from stress.threads.subject import Instance, Judgement, Record, Stage, Step

PATIENCE: Final = 2 * SPINS
"""How many looks a thread waits for the others at an instance: half spinning, half yielding."""

type Noted = tuple[Step, int, int, Any, Any]
"""A `Record` before it has a name for its fields, which takes longer than the rest of noting."""

LONGEST_PAUSE: Final = 200
"""In turns of an empty loop: about as long as a short call."""


@dataclass(frozen=True, slots=True)
class ShiftPlan:
    """How a shift runs; all of it follows from the seed and the number of the shift."""

    seed: str
    threads: int
    strides: int
    pinned: bool
    """Whether each thread stays on one core."""
    pauses: int
    """The longest random pause, in turns of an empty loop."""

    @classmethod
    def drawn(cls, seed: int, number: int, cores: int, threads: int | None) -> "ShiftPlan":
        """Return the plan of shift `number`: as many threads as cores, and sometimes more."""
        random = Random(f"{seed}/{number}")
        crowded = random.randrange(4) == 0
        return cls(
            seed=f"{seed}/{number}",
            threads=threads or (random.choice([2, 3]) * cores if crowded else max(cores, 2)),
            strides=2,
            pinned=random.choice([False, True]),
            pauses=random.choice([0, LONGEST_PAUSE // 10, LONGEST_PAUSE]),
        )


@dataclass(slots=True)
class Finding:
    """An instance whose history breaks a rule, with where it comes from."""

    seed: str
    parameters: dict[str, Any]
    judgement: Judgement


@dataclass
class Shift:
    """One shift of `plan` on `stage`; ``run`` returns when it is over."""

    plan: ShiftPlan
    stage: Stage
    census: Census = field(default_factory=Census)
    findings: list[Finding] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    doing: list[Step | None] = field(init=False)
    """For each thread, the call it is in: for whoever has to report a hang."""

    def __post_init__(self) -> None:
        count = self.plan.threads
        slots = self.stage.slots
        self.doing = [None] * count
        self._barrier = SpinBarrier(count)
        self._instances: list[Instance | None] = [None] * slots
        self._syncs: list[ObservedSync | None] = [None] * slots
        self._noted: list[list[list[Noted]]] = [[] for _ in range(slots)]
        self._reached = [0] * count
        self._totals = [Census() for _ in range(count)]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads."""
        self._threads = [
            threading.Thread(target=self._work, args=(me,), name=f"worker {me}", daemon=True)
            for me in range(self.plan.threads)
        ]
        for thread in self._threads:
            thread.start()

    def join(self, patience: float) -> bool:
        """Wait for all threads to end; return False once none has moved for `patience` seconds.

        A machine that is busy or stalled for long lets them move too late, but not stand still.
        """
        since, seen = clock(), self._moves()
        for thread in self._threads:
            while thread.is_alive():
                thread.join(min(patience, 0.1))
                if seen != (seen := self._moves()):
                    since = clock()
                elif clock() - since > patience * 1e9:
                    return False
        for total in self._totals:
            self.census.add(total)
        return True

    def _moves(self) -> list[int]:
        """Return what changes whenever a thread begins or ends a call, or comes to an instance."""
        return [*self._reached, *map(id, self.doing), *(total.instances for total in self._totals)]

    def _work(self, me: int) -> None:
        try:
            worker.process = me
            if self.plan.pinned:
                _pin(me)
            for stride in range(self.plan.strides):
                self._prepare(me, stride)
                self._barrier.wait()
                self._sweep(me)
                self._barrier.wait()
                self._judge(me, stride)
                self._reached[me] = 0
                self._barrier.wait()
                if self.findings:  # nobody adds to it between this barrier and the next
                    return
        except BrokenBarrierError:
            pass
        except BaseException as error:  # noqa: BLE001  (the child process reports it)
            self.errors.append(error)
            self._barrier.abort()

    def _prepare(self, me: int, stride: int) -> None:
        for slot in self._share(me):
            random = Random(f"{self.plan.seed}/{stride}/{slot}")
            sync = ObservedSync(native, random, self.plan.pauses)
            self._instances[slot] = self.stage.instance(slot, random, sync)
            self._syncs[slot] = sync
            self._noted[slot] = [[] for _ in range(self.plan.threads)]

    def _sweep(self, me: int) -> None:
        reached, instances, noted = self._reached, self._instances, self._noted
        for slot in range(self.stage.slots):
            reached[me] = slot
            for look in range(PATIENCE):
                if min(reached) >= slot:
                    break
                if look > SPINS:
                    native.pause()
            instance = instances[slot]
            assert instance is not None  # prepared before the barrier
            self.perform(me, instance.steps[me], noted[slot][me].append)
        reached[me] = self.stage.slots

    def perform(self, me: int, steps: Iterable[Step], note: Callable[[Noted], None]) -> None:
        """Take `steps` as thread `me` and note each, as cheaply as can be."""
        for step in steps:
            self.doing[me] = step
            _, arguments, function, prove, pause, _ = step
            for _ in range(pause):
                """Let the other threads get ahead."""
            result: Any
            start = clock()
            try:
                result = function(*arguments)
                end = clock()
            except Exception as error:  # noqa: BLE001  (a result like any other: the judge decides)
                end, proof = clock(), None
                result = error.with_traceback(None)
            else:
                proof = prove() if prove else None
            note((step, start, end, result, proof))
        self.doing[me] = None

    def _judge(self, me: int, stride: int) -> None:
        total = self._totals[me]
        for slot in self._share(me):
            instance, sync = self._instances[slot], self._syncs[slot]
            records = [list(map(Record._make, own)) for own in self._noted[slot]]
            assert instance is not None
            assert sync is not None
            total.instances += 1
            total.calls += sum(map(len, records))
            count, pairs = meetings(instance, records)
            total.overlapped += count
            total.met |= pairs
            total.contended += contended(sync.taken)
            judgement = instance.judge(records)
            total.unknown.update(judgement.unknown)
            total.counts.update(judgement.counts)
            if judgement.violations:
                total.violations += len(judgement.violations)
                seed = f"{self.plan.seed}/{stride}/{slot}"
                self.findings.append(Finding(seed, instance.to_json(), judgement))

    def _share(self, me: int) -> range:
        return range(me, self.stage.slots, self.plan.threads)


def _pin(me: int) -> None:
    """Keep the calling thread on one core, if the system can (Linux: 0 is this thread)."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[me % len(cores)]})
