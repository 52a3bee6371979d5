"""The obvious repairs of an execution that fails, each explored again: what mends it, and what not.

    step 3   relaxed → release         holds in all 60 executions
    step 3   release fence before it   holds in all 114 executions
    step 4   acquire → seq_cst         fails in execution 2

First every access is made seq_cst.  What fails then is no matter of memory orders, and nothing
else is tried.  Else each atomic access that the execution meets is made one step stronger, or gets
a fence before or after it; where none of that suffices, two such changes are made together.

Every answer is an exhaustive exploration of the same program.  One that is not explored to its end
within `EXECUTIONS` is unknown, and never holds.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations, islice
from pathlib import Path
from typing import Any, Final, Literal

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST, MemoryOrder
from stress.explore.exploration import Bounds
from stress.explore.graph import Graph
from stress.explore.machine import Machine
from stress.explore.memory.model import MemoryModel
from stress.explore.record import repeated, task_of
from stress.explore.scenario import Scenario, ScenarioTask, explored
from stress.explore.told import Told, is_failed_exchange
from stress.explore.weakened import STRONGER, Fences, Site, WeakenedSync, Weakener
from stress.report.failure import Repair
from stress.verdict import NoVerdictError, Verdict

EXECUTIONS: Final = 2_000
"""Executions of a program with a change, at most."""
SECONDS: Final = 10.0
"""How long all of it goes on."""
NEAREST: Final = 3
"""Changes that do not mend it which are told of."""
PAIRS: Final = 16
"""Pairs of changes of one size that are tried, at most."""
STEPS_NAMED: Final = 3
"""Steps of one line of source that are named."""
ORDER, FENCE, FULL_FENCE = 1, 2, 3
"""How much of a change an order is, a release or acquire fence, and a seq_cst fence."""


@dataclass(slots=True)
class Attempts:
    """What was tried of a failure."""

    tried: list[Repair] = field(default_factory=list)
    """What holds, smallest first, then the nearest that do not."""
    note: str = ""
    """Why nothing, or not everything, was tried."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the source, at one access or two."""

    text: str
    where: str
    size: int
    orders: tuple[tuple[Site, MemoryOrder], ...] = ()
    fences: tuple[tuple[Site, Fences], ...] = ()

    def __and__(self, other: "Change") -> "Change":
        return Change(
            f"{self.text}, and {other.text}",
            self.where if self.where == other.where else f"{self.where}, {other.where}",
            self.size + other.size,
            self.orders + other.orders,
            self.fences + other.fences,
        )


def tried(failure: Mapping[str, Any]) -> Attempts:
    """Return which repairs of a saved execution hold, and which do not."""
    if failure["kind"] != "execution":
        return Attempts()
    if failure["memory"] == "sc":
        return Attempts(note="It fails when every access is seq_cst, so no memory order mends it.")
    if not failure["target"]:
        return Attempts(note="No repair was tried: nobody finds its scenario by a name.")
    try:
        return _Repairs(task_of(failure), failure["schedule"]).attempts()
    except (NoVerdictError, LookupError, ValueError, TypeError) as error:
        return Attempts(note=f"No repair could be tried: {str(error).partition('\n')[0]}")


class _Repairs:
    """Tries changes of the scenario of `task`, which fails by `schedule`."""

    def __init__(self, task: ScenarioTask, schedule: Sequence[str]) -> None:
        self._task = task
        self._until = time.monotonic() + SECONDS
        self._accesses = _accesses(task, schedule)

    def attempts(self) -> Attempts:
        """Try what may mend it."""
        verdict, executions = self._explored(Weakener({}, everywhere=SEQ_CST))
        if verdict is Verdict.FAILED:
            return Attempts(
                note="It fails with every access seq_cst as well, so no memory order mends it."
            )
        if verdict is Verdict.UNKNOWN:
            return Attempts(
                note=f"Whether memory orders could mend it is unknown: with every access seq_cst "
                f"{executions:,} executions do not fail, and there are more."
            )
        changes = sorted(self._changes(), key=lambda each: each.size)
        repairs = [self._tried(each) for each in changes if self._time_is_left()]
        found = Attempts()
        if not any(each.verdict == "holds" for each in repairs):
            pairs = self._pairs(changes)
            repairs += pairs
            others = "two together do" if pairs else "no two that were tried do either"
            found.note = f"No single change mends it; {others}."
            if any(each.verdict == "unknown" for each in repairs):
                found.note = f"Of what was explored: {found.note[:1].lower()}{found.note[1:]}"
        if not self._time_is_left():
            found.note += f"  Not all was tried: the time for it, {SECONDS:.0f} s, was up."
        found.note = found.note.strip()
        found.tried = _best(repairs)
        return found

    def _pairs(self, changes: list[Change]) -> list[Repair]:
        """Try two changes together, of different accesses; return the first pair that holds."""
        pairs = [
            pair
            for size in (ORDER, FENCE, FULL_FENCE)
            for pair in islice(_alike([each for each in changes if each.size == size]), PAIRS)
        ]
        for pair in pairs:
            if not self._time_is_left():
                break
            repair = self._tried(pair)
            if repair.verdict == "holds":
                return [repair]
        return []

    def _time_is_left(self) -> bool:
        return time.monotonic() < self._until

    def _tried(self, change: Change) -> Repair:
        verdict, executions = self._explored(Weakener(dict(change.orders), dict(change.fences)))
        words: dict[Verdict, Literal["holds", "fails", "unknown"]] = {
            Verdict.OK: "holds",
            Verdict.FAILED: "fails",
            Verdict.UNKNOWN: "unknown",
        }
        return Repair(change.text, change.where, words[verdict], executions, change.size)

    def _explored(self, weakener: Weakener) -> tuple[Verdict, int]:
        """Return the verdict on the scenario with other orders, and after how many executions."""
        bounds = Bounds(EXECUTIONS, max(0.1, self._until - time.monotonic()), self._task.steps)
        found = explored(
            partial(_with, self._task.scenario, weakener),
            memory=self._task.memory,
            bounds=bounds,
            spurious=self._task.spurious,
        )
        if found.interrupted:
            raise KeyboardInterrupt
        return found.verdict, found.executions

    def _changes(self) -> Iterator[Change]:
        """Yield each access that was met one step stronger, or with a fence beside it."""
        stronger = _TO_SEQ_CST if self._task.memory == "tso" else STRONGER
        for site, (written, steps) in self._accesses.items():
            named = _named(steps)
            where = f"{Path(site.file).name}:{site.line}"
            for order in stronger[site.kind].get(written, ()):
                text = f"{named}   {written.name.lower()} → {order.name.lower()}"
                yield Change(text, where, ORDER, orders=((site, order),))
            if site.operation in ("fence", "compare_exchange failing"):
                continue
            for fence, side, size in _fences(site, written, self._task.memory):
                text = f"{named}   {fence.name.lower()} fence {side} it"
                beside = Fences(**{side: fence})
                yield Change(text, where, size, fences=((site, beside),))


def _alike(changes: list[Change]) -> Iterator[Change]:
    """Yield each two changes of different lines together."""
    for one, other in combinations(changes, 2):
        if one.where != other.where:
            yield one & other


_TO_SEQ_CST: Final = {
    kind: dict.fromkeys((RELAXED, ACQUIRE, RELEASE, ACQ_REL), (SEQ_CST,))
    for kind in ("load", "store", "update")
}
"""Under x86's buffers all orders below seq_cst are the same."""


def _fences(
    site: Site, written: MemoryOrder, memory: str
) -> Iterator[tuple[MemoryOrder, Literal["before", "after"], int]]:
    """Yield the fences that may help beside an access: which, where, and how much that is."""
    loads, stores = site.kind != "store", site.kind != "load"
    if memory != "tso":
        if stores and written in (RELAXED, ACQUIRE):
            yield RELEASE, "before", FENCE
        if loads and written in (RELAXED, RELEASE):
            yield ACQUIRE, "after", FENCE
    if site.kind == "store":
        yield SEQ_CST, "after", FULL_FENCE
    elif site.kind == "load":
        yield SEQ_CST, "before", FULL_FENCE


def _best(repairs: list[Repair]) -> list[Repair]:
    """Return what holds, smallest first, and after that some of what does not."""
    holding = [each for each in repairs if each.verdict == "holds"]
    others = [each for each in repairs if each.verdict != "holds"]
    others.sort(key=lambda each: (each.verdict, each.size, -each.executions))
    holding.sort(key=lambda each: (each.size, each.executions))
    return holding + others[:NEAREST]


def _named(steps: list[int]) -> str:
    """Return steps of one line of source.

    >>> _named([6]), _named([1, 2, 6, 7])
    ('step 6', 'steps 1, 2, 6, …')
    """
    more = ["…"] * (len(steps) > STEPS_NAMED)
    listed = ", ".join([*map(str, steps[:STEPS_NAMED]), *more])
    return f"step{'s' * (len(steps) > 1)} {listed}"


def _with(scenario: Scenario, weakener: Weakener, sync: Any) -> Any:
    return scenario(WeakenedSync(sync, weakener))


def _accesses(
    task: ScenarioTask, schedule: Sequence[str]
) -> dict[Site, tuple[MemoryOrder, list[int]]]:
    """Return the atomic accesses of an execution: what was written, and which steps they are."""
    weakener = Weakener({})
    watched = replace(task, scenario=partial(_with, task.scenario, weakener))

    def tell(machine: Machine, _: MemoryModel, graph: Graph) -> Told:
        weakener.watch = lambda site: sites.setdefault(machine.position, []).append(site)
        return Told(machine, graph)

    sites: dict[tuple[int, int], list[Site]] = {}
    told = repeated(watched, schedule, tell)
    found: dict[Site, tuple[MemoryOrder, list[int]]] = {}
    for event in told.events:
        for site in sites.get((event.thread, event.index), ()):
            failing = site.operation == "compare_exchange failing"
            if failing == is_failed_exchange(event) or not site.operation.startswith("compare"):
                found.setdefault(site, (weakener.written[site], []))[1].append(
                    told.numbers[event.bit]
                )
    return found
