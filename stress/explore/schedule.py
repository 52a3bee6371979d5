"""A schedule: one execution, as what each thread does in turn and which choice it met there.

>>> step = Choice.read("2 load from 1.1")
>>> step.thread, step.kind.name, step.event
(2, 'LOAD', (1, 1))

A step is a line of text, so that a saved schedule can be skimmed:

    0 spawn                           thread 0 takes a step that leaves no choice
    1 store                           a write, last in modification order
    2 store after 1.0                 a write, right after event 0 of thread 1
    2 load from initial               a read of the value the location began with
    2 load from 1.1                   a read of what event 1 of thread 1 wrote
    2 update from 1.1                 a read-modify-write; two events, one step
    2 compare_exchange fails 1.1      a weak one that read what it expected, and failed
    1 choose 1                        whom a notification wakes, and the like

Threads are numbered in the order in which the schedule starts them.  Every step comes after the
write it reads, so an execution can be grown along its schedule, never looking back; who gets a
lock next is whoever takes it next.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from stress.explore.graph import WRITES, Event, Graph
from stress.explore.machine import repeatable
from stress.explore.steps import Kind

_LINE: Final = re.compile(
    r"(?P<thread>\d+) (?P<kind>[a-z_]+)"
    r"(?: (?P<verb>from|after|fails) (?P<event>initial|\d+\.\d+)| (?P<value>\d+))?"
)


class ScheduleMismatchError(ValueError):
    """A schedule does not fit what the threads ask for: the scenario has changed, or the file."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One step of a schedule."""

    thread: int
    kind: Kind
    event: tuple[int, int] | None = None
    """The write that is read, or the predecessor in modification order; thread -1 is initial."""
    fails: bool = False
    """Whether a weak compare-exchange fails spuriously."""
    value: int = 0
    """Which alternative of a CHOOSE."""

    @classmethod
    def read(cls, line: object) -> Self:
        """Return the step that `line` spells; ScheduleMismatchError if it spells none."""
        match = _LINE.fullmatch(line) if isinstance(line, str) else None
        name = match["kind"].upper() if match else ""
        if match is None or name not in Kind.__members__:
            raise ScheduleMismatchError(
                f"{line!r} is no step of a schedule, such as '2 load from 1.1'.\n"
                f"  Somebody changed the file, or another version wrote it.\n"
                f"  Explore the scenario again; that saves the failure anew."
            )
        event = None
        if match["event"] == "initial":
            event = (-1, 0)
        elif match["event"]:
            thread, _, index = match["event"].partition(".")
            event = int(thread), int(index)
        return cls(
            int(match["thread"]),
            Kind[name],
            event,
            match["verb"] == "fails",
            int(match["value"] or 0),
        )

    def __str__(self) -> str:
        text = f"{self.thread} {self.kind.name.lower()}"
        if self.event is not None:
            thread, index = self.event
            verb = "fails" if self.fails else "after" if self.kind in WRITES else "from"
            return f"{text} {verb} {'initial' if thread < 0 else f'{thread}.{index}'}"
        return f"{text} {self.value}" if self.kind is Kind.CHOOSE else text


def in_turn(graph: Graph) -> Iterator[Event]:
    """Yield the events of `graph` in the order of its schedule."""
    done = [0] * len(graph.threads)
    for thread, stop in repeatable(graph):
        yield from graph.threads[thread][done[thread] : stop]
        done[thread] = stop


def numbering(graph: Graph) -> dict[int, int]:
    """Return the number that each thread has in the schedule of `graph`; -1 stays -1."""
    there = enumerate(zip(graph.born, graph.threads, strict=True))
    numbers = {-1: -1, 0: 0}
    numbers |= {thread: thread for thread, (spawn, events) in there if spawn is None and events}
    for event in in_turn(graph):
        if event.kind is Kind.SPAWN:
            numbers[event.location] = len(numbers) - 1
    return numbers


def schedule_of(graph: Graph) -> list[str]:
    """Return the schedule that grows `graph`."""
    numbers = numbering(graph)
    present: set[int] = set()
    found = []
    for event in in_turn(graph):
        if event.kind is not Kind.MODIFY:
            found.append(str(choice_of(graph, event, present, numbers)))
        present.add(event.bit)
    return found


def choice_of(graph: Graph, event: Event, present: set[int], numbers: dict[int, int]) -> Choice:
    """Return what `event` is in a schedule, after the events in the set `present`."""
    step = event.step
    assert step is not None
    thread = numbers[event.thread]
    if step.kind <= Kind.COMPARE_EXCHANGE and step.kind is not Kind.STORE:
        source = event.rf
        assert source is not None
        fails = step.kind > event.kind and event.value == step.expected
        return Choice(thread, step.kind, (numbers[source.thread], source.index), fails)
    if step.kind is Kind.STORE:
        writes = graph.writes[event.location]
        place = writes.index(event)
        if any(write.bit in present for write in writes[place + 1 :]):
            before = [write for write in writes[:place] if write.bit in present]
            previous = before[-1] if before else writes[0]
            return Choice(thread, step.kind, (numbers[previous.thread], previous.index))
    return Choice(thread, step.kind, value=event.value if step.kind is Kind.CHOOSE else 0)
