"""What a thread must see at a step: of each word and cell, the oldest write it may still read.

Nothing older can be read there, anything newer may.  It is asked of the memory model, of the
execution as it was when the step was taken.
"""

from typing import Final

from stress.explore.graph import INITIAL, READS, WRITES, Event
from stress.explore.memory.model import MemoryModel
from stress.explore.steps import Kind, Step
from stress.explore.told import Told

MOST: Final = 4_000
"""Entries that the views of an execution have together; of a larger one there are none."""


def views_of(told: Told, model: MemoryModel) -> dict[int, dict[int, Event]]:
    """Return for each event that is told, by its bit, the oldest write it may read of a location.

    Only words and cells that the execution uses have an entry.
    """
    accesses = [each for each in told.events if each.kind in READS or each.kind in WRITES]
    locations = sorted({each.location for each in accesses})
    if len(locations) * len(told.events) > MOST:
        return {}
    firsts = [spawn.state if spawn is not None else None for spawn in told.graph.born]
    found: dict[int, dict[int, Event]] = {}
    before = INITIAL
    told_of = {event.bit for event in told.events}
    for event in told.order:
        if event.bit in told_of:
            graph = told.graph.restricted(before, firsts)
            found[event.bit] = view = {}
            for location in locations:
                if graph.writes[location]:
                    step = Step(Kind.LOAD, location, order=0)
                    place = model.floor(graph, event.thread, step)
                    view[location] = graph.writes[location][place]
        before |= event.bit
    return found
