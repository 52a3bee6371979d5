"""The beginning of an execution as plain data: to be taken up by another process, or another day.

It is a schedule, and what the search knows besides: in which order it added the events, and which
acquisitions it must not undo.

>>> Prefix.from_json(Prefix.empty().to_json())
Prefix(schedule=(), half=None, order=(), fixed=())
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

from stress.explore.graph import Event, Graph
from stress.explore.growth import Program
from stress.explore.memory.model import MemoryModel
from stress.explore.schedule import (
    ScheduleMismatchError,
    choice_of,
    in_turn,
    numbering,
    schedule_of,
)
from stress.explore.search.replay import Replay
from stress.explore.steps import Kind

type Name = tuple[int, int]
"""An event: the number of its thread in the schedule, and its own in the thread."""


@dataclass(frozen=True)
class Prefix:
    """The beginning of an execution."""

    schedule: tuple[str, ...]
    half: str | None
    """A read-modify-write of which only the read has been carried out."""
    order: tuple[Name, ...]
    """All events in the order in which the search added them."""
    fixed: tuple[Name, ...]
    """Acquisitions that took the place of others, which the search does not undo."""

    @classmethod
    def empty(cls) -> Self:
        """Return the beginning of all executions."""
        return cls((), None, (), ())

    def to_json(self) -> dict[str, Any]:
        """Return the prefix as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the prefix that `to_json` gave; ScheduleMismatchError where it is damaged."""
        try:
            order, fixed = (
                tuple((int(thread), int(index)) for thread, index in saved[key])
                for key in ("order", "fixed")
            )
            return cls(tuple(saved["schedule"]), saved["half"], order, fixed)
        except (KeyError, TypeError, ValueError) as error:
            raise ScheduleMismatchError(
                f"the beginning of an execution is damaged: {error!r}.\n"
                f"  Somebody changed the file, or another version wrote it.\n"
                f"  Explore from the start again."
            ) from error


def prefix_of(graph: Graph) -> Prefix:
    """Return `graph` as plain data."""
    numbers = numbering(graph)

    def name(event: Event) -> Name:
        return numbers[event.thread], event.index

    half = None
    if graph.urgent >= 0:
        present = {event.bit for event in in_turn(graph)}
        half = str(choice_of(graph, graph.threads[graph.urgent][-1], present, numbers))
    return Prefix(
        tuple(schedule_of(graph)),
        half,
        tuple(map(name, graph.order)),
        tuple(name(event) for event in graph.order if event.fixed and event.kind is Kind.LOCK),
    )


def regrown(program: Program, model: MemoryModel, prefix: Prefix) -> Graph:
    """Return the graph that `prefix` was made of; ScheduleMismatchError if it does not fit."""
    replay = Replay(program, model, prefix.schedule)
    graph = next(replay.complete())
    if prefix.half is not None:
        replay.half(graph, prefix.half)
    numbers = numbering(graph)
    events = {(numbers[event.thread], event.index): event for event in graph.order}
    if events.keys() != set(prefix.order):
        raise ScheduleMismatchError(
            "the beginning of an execution does not have the events it was saved with.\n"
            "  The scenario has changed since.  Explore from the start again."
        )
    graph.order = tuple(events[name] for name in prefix.order)
    for name in prefix.fixed:
        events[name].fixed = True
    return graph
