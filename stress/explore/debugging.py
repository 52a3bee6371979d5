"""An execution that is repeated up to one step, with `pdb` in the frame that takes it.

The threads are simulated, and who goes on is decided by the schedule: so the debugger looks, and
whatever it is told, the execution then goes on to its end, as it did.  Variables, the stack and
expressions are there; ``next`` and ``step`` are not, for the next line may be another thread's.
"""

import pdb  # noqa: T100  (it is what is offered)
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final

from greenlet import getcurrent

from stress.explore.graph import Event, Graph
from stress.explore.machine import Machine, SimulatedThread
from stress.explore.memory.model import MemoryModel
from stress.explore.naming import place_of
from stress.explore.record import repeated
from stress.explore.scenario import ScenarioTask
from stress.explore.told import Told

TAKING_STEPS: Final = frozenset(
    ["n", "next", "s", "step", "r", "return", "unt", "until", "j", "jump", "run", "restart"]
)
ELSEWHERE: Final = (
    "The schedule says which thread goes on.  c goes on to the end; --debug STEP stops at another."
)


class LeftError(Exception):
    """The debugger was told to quit."""


class Debugger(pdb.Pdb):
    """`pdb` in a frame that stands at a step."""

    def __init__(self) -> None:
        super().__init__(nosigint=True, readrc=False)
        self.prompt = "(step) "

    def look(self, frame: FrameType) -> None:
        """Read commands until one goes on; LeftError where one quits."""
        self.reset()
        self.interaction(frame, None)
        if self.quitting:
            raise LeftError

    def onecmd(self, line: str) -> bool:
        """Carry out a command, unless it would take the thread further than its step."""
        command = line.split(maxsplit=1)[:1]
        if command and command[0] in TAKING_STEPS:
            self.message(ELSEWHERE)
            return False
        return bool(super().onecmd(line))


def debug(task: ScenarioTask, schedule: Sequence[str], number: int) -> None:
    """Carry out `schedule` again, and stop before step `number`, as reports number them.

    ValueError where there is no such step, LeftError where the debugger was told to quit.
    """

    def tell(machine: Machine, _: MemoryModel, graph: Graph) -> None:
        told = Told(machine, graph)
        if not 1 <= number <= len(told.events):
            raise ValueError(
                f"there is no step {number}: the execution has steps 1 to {len(told.events)}.\n"
                f"  The report numbers them; give one of those to --debug."
            )
        _stop(machine, graph, told.events[number - 1])

    repeated(task, schedule, tell, guarded=False)


def _stop(machine: Machine, graph: Graph, wanted: Event) -> None:
    """Repeat `graph`, and look around where `wanted` is about to be taken."""
    left: list[LeftError] = []

    def watch(thread: SimulatedThread, event: Event) -> None:
        if event.bit != wanted.bit:
            return
        here = thread.greenlet is getcurrent()
        frame = sys._getframe(1) if here else thread.greenlet.gr_frame  # noqa: SLF001
        place = place_of(frame)
        if place.frame is not None:
            try:
                Debugger().look(place.frame)
            except LeftError as error:  # raised when no thread of the scenario can catch it
                left.append(error)

    machine.watch = watch
    try:
        machine.restore(graph)
    finally:
        machine.watch = None
    if left:
        raise left[0]
