"""One execution again: a graph grown along a saved schedule, with nothing left to choose.

Every choice is held against what the threads ask for now and against the memory model.  So a
schedule fits exactly if the execution it was made from can still happen.
"""

from collections.abc import Iterator, Sequence

from stress.explore.graph import INITIAL, WRITES, Event, Graph
from stress.explore.growth import Growth, Program
from stress.explore.memory.model import MemoryModel
from stress.explore.schedule import Choice, ScheduleMismatchError
from stress.explore.steps import Kind, Step


class ForbiddenChoiceError(ScheduleMismatchError):
    """The memory model does not permit what the schedule chose: stronger orders, for instance."""


class Replay:
    """Carries out `schedule` on `program` under `model`."""

    def __init__(self, program: Program, model: MemoryModel, schedule: Sequence[str]) -> None:
        self.growth = Growth(program, model)
        self._program = program
        self._model = model
        self._schedule = [Choice.read(line) for line in schedule]
        self._threads = [0]
        """The number of each thread, in the order in which they were started."""
        self._number = 0

    def complete(self) -> Iterator[Graph]:
        """Yield the execution, live: its threads stand at the steps where the schedule ends."""
        graph = self._program.beginning()
        self._threads = list(range(len(graph.threads)))
        for self._number, choice in enumerate(self._schedule, 1):  # noqa: B020  (for the errors)
            self._advance(graph, choice)
        yield graph

    def _advance(self, graph: Graph, choice: Choice) -> None:
        if choice.thread >= len(self._threads):
            raise self._mismatch(choice, "which has not been started")
        thread = self._threads[choice.thread]
        step = graph.pending[thread]
        if step is None:
            raise self._mismatch(choice, "which has ended")
        if step.kind is not choice.kind or not self.growth.enabled(graph, thread):
            now = self._program.described(step)
            cannot = "" if step.kind is not choice.kind else ", which cannot be carried out"
            raise self._mismatch(choice, f"which now asks for {now}{cannot}")
        if step.kind <= Kind.COMPARE_EXCHANGE and step.kind is not Kind.STORE:
            event = self._read(graph, thread, step, choice)
        elif step.kind in WRITES:
            event = self._write(graph, thread, step, choice)
        else:
            event = self._other(graph, thread, step, choice)
        if not self._model.consistent(graph):
            raise self._forbidden(choice, step)
        event.after = self._program.resume(graph, event)
        graph.pending[thread] = event.after

    def half(self, graph: Graph, line: str) -> None:
        """Carry out the read of a read-modify-write, whose write is the next step."""
        choice = Choice.read(line)
        step = graph.pending[self.thread(choice)]
        assert step is not None
        self.growth.add_read(graph, self._reading(graph, self.thread(choice), step, choice))

    def thread(self, choice: Choice) -> int:
        """Return the thread that `choice` is of, in this program."""
        return self._threads[choice.thread]

    def _reading(self, graph: Graph, thread: int, step: Step, choice: Choice) -> Event:
        place = self._place(graph, step, choice)
        if place < self._model.floor(graph, thread, step):
            raise self._forbidden(choice, step)
        source = graph.writes[step.location][place]
        return self.growth.read(graph, thread, step, source, fail=choice.fails)

    def _read(self, graph: Graph, thread: int, step: Step, choice: Choice) -> Event:
        event = self._reading(graph, thread, step, choice)
        self.growth.add_read(graph, event)
        if event.kind is Kind.LOAD:
            return event
        modify = event.after
        assert modify is not None
        return self._write(graph, thread, modify, Choice(choice.thread, Kind.MODIFY))

    def _write(self, graph: Graph, thread: int, step: Step, choice: Choice) -> Event:
        event = self.growth.write(graph, thread, step)
        places = self.growth.places(graph, event)
        place = places[-1] if places else -1
        if choice.event is not None:
            place = self._place(graph, step, choice) + 1
        if place not in places:
            raise self._forbidden(choice, step)
        self.growth.add_write(graph, event, place)
        return event

    def _other(self, graph: Graph, thread: int, step: Step, choice: Choice) -> Event:
        if step.kind is Kind.LOCK or step.kind is Kind.UNLOCK:
            make = self.growth.lock if step.kind is Kind.LOCK else self.growth.unlock
            event = make(graph, thread, step)
            self.growth.add_to_lock(graph, event)
            return event
        event = self.growth.other(graph, thread, step)
        if step.kind is Kind.SPAWN:
            self._threads.append(step.location)
        elif step.kind is Kind.CHOOSE:
            if choice.value >= step.location:
                raise self._mismatch(choice, f"which has {step.location} alternatives there")
            event.value = choice.value
            event.fixed = choice.value > 0
        self.growth.append(graph, event)
        return event

    def _place(self, graph: Graph, step: Step, choice: Choice) -> int:
        """Return where in modification order the write stands that `choice` names."""
        thread, index = choice.event or (-1, 0)
        writes = graph.writes[step.location]
        for place, write in enumerate(writes):
            if thread < 0 and write.bit == INITIAL:
                return place
            if 0 <= thread < len(self._threads) and (
                (write.thread, write.index) == (self._threads[thread], index)
            ):
                return place
        asked = self._program.described(step)
        raise self._mismatch(choice, f"which now asks for {asked}: that is another location")

    # Errors

    def _mismatch(self, choice: Choice, why: str) -> ScheduleMismatchError:
        return ScheduleMismatchError(
            f"step {self._number} of the schedule, '{choice}', wants {self._name(choice)}, {why}.\n"
            f"  The scenario has changed since the schedule was saved.\n"
            f"  Explore it again; if it still fails, that saves a schedule that fits."
        )

    def _forbidden(self, choice: Choice, step: Step) -> ForbiddenChoiceError:
        return ForbiddenChoiceError(
            f"step {self._number} of the schedule, '{choice}', wants {self._name(choice)} at "
            f"{self._program.described(step)} to see or overwrite what it may not.\n"
            f"  The memory orders around it are stronger than when the schedule was saved, so this "
            f"execution cannot happen.\n"
            f"  Explore the scenario again to know that no other fails."
        )

    def _name(self, choice: Choice) -> str:
        if choice.thread >= len(self._threads):
            return f"thread {choice.thread}"
        return f"thread {self._program.names[self._threads[choice.thread]]!r}"
