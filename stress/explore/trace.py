"""A failing execution as it is told: plain data, for every kind of report and for a file.

`trace_of` repeats the execution once more, and `Trace` has what came of it: the steps in one order
with names, values and source lines; what was read, from which step, whether that synchronised,
what was already stale; where the threads stand in the end; and why that is so.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from stress.explore import why
from stress.explore.conflict import conflict_of
from stress.explore.graph import READS, WRITES, Event, Graph
from stress.explore.machine import Machine
from stress.explore.memory.model import MemoryModel
from stress.explore.naming import place_of_error
from stress.explore.steps import PLAIN, Kind, Step
from stress.explore.told import Told, is_failed_exchange
from stress.explore.view import views_of

HEX: Final = 1 << 16
"""From here on a number is more likely an address or a set of bits than a count."""
LONGEST: Final = 40
"""Characters of a value."""


@dataclass(slots=True)
class TraceStep:
    """One step, as a line of the report."""

    number: int
    thread: int
    """Its place in `Trace.threads`."""
    operation: str
    """load, store, update, compare-exchange, lock, unlock, wait, notify, fence, ..."""
    location: str = ""
    """The word, cell, lock or condition; the thread that is started or waited for."""
    old: str = ""
    """The value read."""
    new: str = ""
    """The value written."""
    wanted: str = ""
    """What a compare-exchange that failed expected; the same as `old` if it failed spuriously."""
    order: str = ""
    """Of memory; empty for what is not atomic."""
    reads: int | None = None
    """The step whose write it reads, or that a lock or a wake-up follows; 0: the beginning."""
    synchronizes: bool = False
    """Whether that step happens before what comes after this one."""
    stale: bool = False
    """Whether something newer was there: to be read, or that overwrites what it writes."""
    race: bool = False
    """Whether it is one of two racing accesses."""
    where: str = ""
    """``file.py:line``."""
    source: str = ""
    """That line."""
    function: str = ""
    """The function that the line is in."""
    call: int | None = None
    """Its place in `Trace.calls`, if it is a step of a call."""
    view: dict[str, str] = field(default_factory=dict)
    """For each location of the trace, the newest write that the thread must see here, such as
    ``1 (step 6)``: it may read that or anything newer."""


@dataclass(slots=True)
class TraceCall:
    """One call of the subject, around its steps."""

    thread: int
    """Its place in `Trace.threads`."""
    text: str
    """``register(0x1000, 1)``"""
    result: str
    """``Ok``; empty where it has not returned."""
    first: int
    """The number of the first step at or after its start."""
    last: int
    """The number of its last step; less than `first` where it has none that is told."""


@dataclass(slots=True)
class End:
    """Where a thread stands for good: it waits, or it failed."""

    thread: int
    """Its place in `Trace.threads`."""
    text: str
    where: str = ""
    failed: bool = False


@dataclass(slots=True)
class Trace:
    """An execution, and what is wrong with it."""

    kind: str
    """assertion, exception, race, deadlock, lost wake-up or livelock."""
    title: str
    """What is wrong, to be read aloud."""
    threads: list[str]
    steps: list[TraceStep]
    ends: list[End]
    observed: list[str]
    allowed: list[str]
    why: list[str]
    """Sentences, which name steps by number."""
    scenario: str = ""
    memory: str = ""
    found: str = ""
    """After how much exploration."""
    bounds: str = ""
    saved: str = ""
    """The file, once it is saved."""
    outside: list[int] = field(default_factory=list)
    """The threads all of whose steps come before or after those of all others."""
    calls: list[TraceCall] = field(default_factory=list)
    conflict: list[int] = field(default_factory=list)
    """The numbers of the two steps that conflict, where two do."""

    def to_json(self) -> dict[str, Any]:
        """Return the trace as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """Return the trace that `to_json` made."""
        values = dict(saved)
        values["steps"] = [TraceStep(**step) for step in saved["steps"]]
        values["ends"] = [End(**end) for end in saved["ends"]]
        values["calls"] = [TraceCall(**call) for call in saved.get("calls", [])]
        return cls(**values)


def trace_of(machine: Machine, graph: Graph, kind: str, model: MemoryModel) -> Trace:
    """Return the trace of `graph`, which fails by `kind`: `machine` repeats it once more."""
    memory = model.name
    told = Told(machine, graph)
    stands = told.blocked()
    ends = {thread: _end(told, thread, step) for thread, step in stands.items()}
    threads = [
        thread
        for thread in told.threads
        if (thread in ends and (ends[thread].text or thread))
        or any(event.thread == thread for event in told.events)
    ]
    places = {thread: place for place, thread in enumerate(threads)}
    steps = [_step(told, event, places) for event in told.events]
    for thread, end in ends.items():
        end.thread = places.get(thread, 0)
    story = why.story_of(told, kind, memory)
    _add_views(told, steps, model)
    return Trace(
        kind,
        story.title,
        [told.threads[thread] for thread in threads],
        steps,
        [end for end in ends.values() if end.text],
        story.observed,
        story.allowed,
        story.why,
        memory=memory,
        outside=_outside(steps, [*ends.values()], places.get(0)),
        calls=_calls(told, steps, places),
        conflict=conflict_of(told, kind),
    )


def _add_views(told: Told, steps: list[TraceStep], model: MemoryModel) -> None:
    """Say for each step what its thread must at least see there."""
    views = views_of(told, model)
    for event, step in zip(told.events, steps, strict=True):
        for location, write in views.get(event.bit, {}).items():
            number = told.numbers.get(write.bit)
            since = f"step {number}" if number else "initial"
            step.view[told.locations[location]] = f"{spelled(write.value)} ({since})"


def _calls(told: Told, steps: list[TraceStep], places: dict[int, int]) -> list[TraceCall]:
    """Return the calls of the threads that are told of, and note in `steps` whose they are."""
    found: list[TraceCall] = []
    for heard in told.calls.heard:
        if heard.thread not in places:
            continue
        mine = [each for each in told.events if each.thread == heard.thread]
        after = [told.numbers[each.bit] for each in mine if each.index >= heard.start]
        inside = [told.numbers[each.bit] for each in mine if told.call_of(each) is heard]
        first = after[0] if after else len(steps) + 1
        last = inside[-1] if inside else first - 1
        for number in inside:
            steps[number - 1].call = len(found)
        thread = places[heard.thread]
        found.append(TraceCall(thread, heard.text, heard.result, first, last))
    return found


def _outside(steps: list[TraceStep], ends: list[End], main: int | None) -> list[int]:
    """Return the main thread, if it acts only while no other does."""
    others = [step.number for step in steps if step.thread != main]
    if main is None or not others or any(end.thread != main and end.text for end in ends):
        return []
    mine = [step.number for step in steps if step.thread == main]
    return [] if any(others[0] < number < others[-1] for number in mine) else [main]


def _step(told: Told, event: Event, places: dict[int, int]) -> TraceStep:
    step = event.step
    assert step is not None
    place = told.places[event.bit]
    found = TraceStep(
        told.numbers[event.bit],
        places[event.thread],
        event.kind.name.lower(),
        where=place.where,
        source=place.source,
        function=place.function,
    )
    if event.kind in READS or event.kind in WRITES:
        _describe_access(told, event, step, found)
    else:
        _describe_other(told, event, found, place.call)
    order = step.failure if is_failed_exchange(event) else step.order
    found.order = why.ORDERS[order] if order != PLAIN else ""
    found.synchronizes = told.synchronizes(event)
    if event.rf is not None:
        source = event.rf
        found.reads = 0 if source.thread < 0 else told.numbers.get(source.bit)
    if found.reads is None:
        found.synchronizes = False
    races = told.graph.races
    found.race = bool(races) and event.bit & races[0] != 0
    return found


def _describe_access(told: Told, event: Event, step: Step, found: TraceStep) -> None:
    found.location = told.locations[event.location]
    found.stale = told.newer(event) is not None
    if event.kind in WRITES:
        found.new = spelled(event.value)
        return
    found.old = spelled(event.value)
    if event.kind is not Kind.LOAD:
        found.operation = "update" if event.kind is Kind.UPDATE else "compare-exchange"
        found.new = spelled(told.graph.threads[event.thread][event.index + 1].value)
    elif is_failed_exchange(event):
        found.operation = "failed compare-exchange"
        found.wanted = spelled(step.expected)


def _describe_other(told: Told, event: Event, found: TraceStep, call: str) -> None:
    step = event.step
    assert step is not None
    waits = call == "wait"
    match event.kind:
        case Kind.LOCK:
            found.operation = "relock" if waits else "lock"
            found.location = told.locations[event.location]
        case Kind.UNLOCK:
            found.operation = "wait" if waits else "unlock"
            found.location = told.locations[event.location]
        case Kind.WAIT:
            found.operation = "woken"
            found.location = told.objects[event.bit] or "condition"
        case Kind.CHOOSE:
            found.location = told.objects[event.bit] or "condition"
            woken = [told.threads[thread] for thread, _ in step.expected[event.value]]
            found.operation = "spurious wake-up" if waits else "notify"
            found.new = "" if waits else ", ".join(woken) or "nobody"
        case Kind.SPAWN | Kind.JOIN:
            found.location = told.threads[event.location]


def _end(told: Told, thread: int, step: Step) -> End:
    place = told.standing.get(thread)
    where = place.where if place else ""
    text = ""
    match step.kind:
        case Kind.FAIL:
            failed = place_of_error(step.value)
            if not hasattr(step.value, "observed"):  # else that tells of it
                text, where = why.failing(step.value, failed.source), failed.where
        case Kind.LOCK:
            text = f"waits for {told.locations[step.location]}"
        case Kind.WAIT:
            text = "waits to be notified"
        case Kind.STUCK:
            text = "loops for ever"
        case Kind.JOIN:
            text = f"waits for the end of {told.threads[step.location]}"
    if told.graph.races and step.kind is not Kind.FAIL:
        text = ""  # it could go on
    return End(thread, text, where, step.kind is Kind.FAIL)


def spelled(value: Any) -> str:
    """Return a value in the words of a report.

    >>> spelled(7), spelled(0x7000_0000), spelled("x" * 50)[-5:]
    ('7', '0x70000000', 'xxxx…')
    """
    if type(value) is int:
        return hex(value) if value >= HEX else str(value)
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value)).replace("\n", " ")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
