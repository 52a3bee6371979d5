"""The simulated machine: threads as greenlets of one OS thread, each standing at its next step.

A thread runs ordinary Python up to its next step, and stands there until the search has decided
what the step does.  Going back to an earlier execution means running all threads again from the
start, in an order in which every read comes after the write it reads; what each step did is then
looked up, and a thread that asks for another step than before is nondeterministic.  Data that
threads share properly without a `Sync` (a list guarded by a lock) is therefore right, too.

Greenlets are used again, a few for all executions.  One that is abandoned in the middle is
unwound at once: its steps raise `AbandonedThread`, so that no ``finally`` of it takes a step.
"""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, NamedTuple, NoReturn

from greenlet import getcurrent, greenlet

from stress.explore.calls import Listener
from stress.explore.graph import INITIAL, UNSET, Event, Graph
from stress.explore.growth import HALTED
from stress.explore.naming import place_of
from stress.explore.steps import Kind, Step
from stress.verdict import NoVerdictError

GARBAGE: Final = 200_000
"""Objects after which garbage is collected, between two executions: a collection on a
free-threaded build does not see all that a greenlet in mid-execution refers to."""


_NOTHING: Final = Step(Kind.STUCK)
"""What a greenlet hands over when its thread was abandoned."""


class AbandonedThread(BaseException):
    """The execution is over; unwind."""


class NondeterminismError(NoVerdictError):
    """A thread did not repeat itself when the beginning of an execution was run again.

    `where` is the place in the source that it came to now, and `source` that line.
    """

    def __init__(self, message: str, where: str = "", source: str = "") -> None:
        super().__init__(message)
        self.where = where
        self.source = source


class TooManyThreadsError(RuntimeError):
    """The program has more threads than the machine was made for."""


class Moment(NamedTuple):
    """A point in a thread, between two of its events."""

    tick: int
    """Greater than that of every moment before it in this run: one of many possible orders."""
    thread: int
    position: int
    """How many events the thread had taken."""


class Location:
    """A word, a cell or a lock: what it is and what it is called."""

    __slots__ = ("kind", "name", "value")

    def __init__(self, kind: str, name: str, value: Any) -> None:
        self.kind = kind
        self.name = name
        self.value = value


class SimulatedThread:
    """A thread of one execution."""

    __slots__ = ("children", "created", "function", "greenlet", "index", "name", "number", "paused",
                 "script", "spurious", "step", "stop")  # fmt: skip

    def __init__(self, number: int, name: str, function: Callable[[], object]) -> None:
        self.number = number
        self.name = name
        self.function = function
        self.greenlet: Any = None
        self.script: tuple[Event, ...] = ()
        """The events to repeat, up to `stop`."""
        self.index = 0
        """How many events it has taken."""
        self.stop = 0
        self.step: Step | None = None
        self.children = 0
        self.created = 0
        self.spurious = 0
        """How many times it has woken spuriously."""
        self.paused: Any = None
        """The state of the thread when it paused last (see `stress.explore.awaiting`)."""


class Machine:
    """Runs `main`, which is given the machine, as thread 0; `stride` is the most threads there are.

    A thread that takes more than `bound` steps stands at a step of kind BOUND for ever.
    """

    halts_on_race = True
    listener: Listener | None = None
    """Told of the calls of the subject, where somebody wants to know."""

    def __init__(self, main: Callable[[], object], *, stride: int = 8, bound: int = 2_000) -> None:
        self.stride = stride
        self.turns = [0]
        """The threads by who started them, and as which of its children."""
        self.bound = bound
        self.locations: list[Location] = []
        self.plain: list[bool] = []
        self._names: list[str] = []
        self.steps = 0
        """How many times a thread has run to a step: grows as long as anything moves."""
        self.current: SimulatedThread
        self.watch: Callable[[SimulatedThread, Event], None] | None = None
        """Called at every step that is repeated: how a report learns of source lines."""
        self._main = main
        self._location_numbers: dict[tuple[int, int], int] = {}
        self._thread_numbers: dict[tuple[int, int], int] = {(-1, 0): 0}
        self._paths: list[tuple[int, ...]] = [()]
        self._threads: dict[int, SimulatedThread] = {}
        self._contents: dict[int, Any] = {}
        self._pool: list[Any] = []
        self._hub: Any = None
        self._graph: Graph | None = None
        self._abandoned = False
        self._ticks = 0
        self.error: BaseException | None = None
        """Why the exploration cannot go on."""

    # What threads call

    def step(self, step: Step) -> Event:
        """Take a step of the current thread, and return the event it became."""
        thread = self.current
        index = thread.index
        if index < thread.stop:
            event = thread.script[index]
            if not event.step.same(step):  # type: ignore[union-attr]
                self._give_up(self._differs(thread, event.step, step))
            if self.watch is not None:
                self.watch(thread, event)
            if step.kind <= Kind.COMPARE_EXCHANGE and event.kind not in (Kind.LOAD, Kind.STORE):
                thread.index = index + 2  # the read and the write of one step
            else:
                thread.index = index + 1
                if event.kind is Kind.STORE or event.kind is Kind.CREATE:
                    self._contents[event.bit] = step.value
            return event
        if self._abandoned:
            raise AbandonedThread
        if index >= self.bound:
            step = Step(Kind.BOUND)
        found: Event = self._hub.switch(step)
        return found

    def content(self, read: Event) -> Any:
        """Return the object that a read of a cell reads in this execution."""
        write = read.rf
        assert write is not None
        return self._contents[write.bit if write.bit != INITIAL else -1 - read.location]

    def new_location(self, kind: str, name: str, value: Any) -> int:
        """Make a word, cell or lock, and return its number: the same in every execution."""
        thread = self.current
        key = thread.number, thread.created
        thread.created += 1
        number = self._location_numbers.setdefault(key, len(self.locations))
        if number == len(self.locations):
            self.locations.append(Location(kind, name, value))
            self.plain.append(kind == "cell")
        if thread.number == 0 and thread.step is None and thread.index == 0:
            known = self.locations[number].value
            if isinstance(value, int) and known != value:
                self._give_up(
                    NondeterminismError(
                        f"{name or kind} begins with {value!r} in one execution and {known!r} in "
                        f"another.\n  A scenario must do the same every time; what differs here?"
                    )
                )
            self._contents[-1 - number] = value
        else:
            self.step(Step(Kind.CREATE, number, value=value))
        return number

    def new_thread(self, name: str, function: Callable[[], object]) -> int:
        """Start `function` as a thread, and return its number: the same in every execution."""
        parent = self.current
        key = parent.number, parent.children
        parent.children += 1
        number = self._thread_numbers.setdefault(key, len(self._thread_numbers))
        if number >= self.stride:
            self._give_up(TooManyThreadsError())
        if number == len(self._paths):
            self._paths.append((*self._paths[parent.number], key[1]))
            self.turns = sorted(range(number + 1), key=self._paths.__getitem__)
        while len(self._names) <= number:
            self._names.append("")
        self._names[number] = name
        self._threads[number] = SimulatedThread(number, name, function)
        self.step(Step(Kind.SPAWN, number))
        return number

    def taken(self, since: int) -> list[Event]:
        """Return the events of the current thread from number `since` on."""
        thread = self.current
        if self._graph is None:
            return []
        return list(self._graph.threads[thread.number][since : thread.index])

    @property
    def position(self) -> tuple[int, int]:
        """The current thread, and how many events it has taken."""
        return self.current.number, self.current.index

    @property
    def graph(self) -> Graph:
        """The execution so far."""
        return self._graph or Graph()

    def moment(self) -> "Moment":
        """Return where the current thread stands, to be compared when the execution is over."""
        self._ticks += 1
        return Moment(self._ticks, self.current.number, self.current.index)

    def happens_before(self, one: "Moment", other: "Moment") -> bool:
        """Return whether whatever followed `one` in its thread happens before `other`.

        Two moments of different threads are ordered only if something that the first thread did
        after its moment is visible to the second before its own.
        """
        if one.thread == other.thread:
            return one.tick < other.tick
        graph = self._graph
        assert graph is not None
        events = graph.threads[one.thread]
        last = graph.born[other.thread]  # whoever starts a thread is visible to it
        if other.position:
            last = graph.threads[other.thread][other.position - 1]
        if last is None or one.position >= len(events):
            return False
        return last.hb & events[one.position].bit != 0

    def standing(self) -> dict[int, FrameType]:
        """Return the innermost frame of every thread that stands at a step."""
        threads = self._threads.items()
        return {number: each.greenlet.gr_frame for number, each in threads if each.greenlet}

    # What the search calls

    def beginning(self) -> Graph:
        """Run thread 0 to its first step; what it made before is there from the beginning."""
        self._start_over()
        first = self._start(self._threads[0])
        graph = Graph()
        for location in self.locations:
            graph.add_location(location.value)
        graph.add_thread(None, first)
        return graph

    def restore(self, graph: Graph) -> None:
        """Run all threads again, up to where `graph` leaves them."""
        self._start_over()
        self._graph = graph
        threads = self._threads
        steps: dict[int, Step | None] = {0: self._start(threads[0])}
        for number, stop in repeatable(graph):
            thread = threads[number]
            events = graph.threads[number]
            step = steps[number]
            event = events[thread.index]
            if step is None or not event.step.same(step):  # type: ignore[union-attr]
                raise self._differs(thread, event.step, step)
            if self.watch is not None:
                self.watch(thread, event)
            thread.script, thread.stop = events, stop
            if event.kind is Kind.SPAWN:
                child = threads[step.location]
                steps[step.location] = event.state = self._start(child)
            step = steps[number] = self._go(thread, step, event)
            if step is not None and step.kind is Kind.END and thread.index < stop:
                steps[number] = None
        for number, step in steps.items():
            self._stand(graph, threads[number], step)

    def _stand(self, graph: Graph, thread: SimulatedThread, step: Step | None) -> None:
        """Let `thread` stand at `step` in `graph`, where it must stand if it did before."""
        events = graph.threads[thread.number]
        if events:
            last = events[-1]
            if last.kind is Kind.UPDATE or last.kind is Kind.COMPARE_EXCHANGE:
                return  # its write is still to come
            if last.after is UNSET:
                last.after = step
            elif not _alike(last.after, step):
                raise self._differs(thread, last.after, step)
        graph.pending[thread.number] = step

    def resume(self, graph: Graph, event: Event) -> Step | None:
        """Let the thread of `event`, its newest, run to its next step."""
        thread = self._threads[event.thread]
        step = event.step
        assert step is not None
        read = event
        if event.kind is Kind.MODIFY:
            read = graph.threads[event.thread][event.index - 1]
        elif event.kind is Kind.SPAWN:
            child = self._threads[step.location]
            event.state = graph.pending[step.location] = self._start(child)
        thread.stop = 0
        self._graph = graph
        return self._go(thread, step, read)

    # Greenlets

    def _go(self, thread: SimulatedThread, step: Step, event: Event) -> Step | None:
        """Tell `thread` what its step became, and return its next step."""
        if step.kind is Kind.STORE or step.kind is Kind.CREATE:
            self._contents[event.bit] = step.value
        thread.index = event.index + 1
        if event.kind is Kind.UPDATE or event.kind is Kind.COMPARE_EXCHANGE:
            thread.index += 1
        if step.kind is Kind.END:
            return None
        return self._switch(thread, event)

    def _start(self, thread: SimulatedThread) -> Step:
        """Let `thread` run to its first step."""
        if not self._pool:
            self._pool.append(greenlet(self._serve))
        thread.greenlet = self._pool.pop()
        return self._switch(thread, thread)

    def _switch(self, thread: SimulatedThread, message: Any) -> Step:
        self.current = thread
        self.steps += 1
        step: Step = thread.greenlet.switch(message)
        thread.step = step
        if step.kind is Kind.END or step.kind is Kind.FAIL or step is _NOTHING:
            self._pool.append(thread.greenlet)
            thread.greenlet = None
            if step.kind is Kind.FAIL and self._graph is not None:
                self._graph.urgent = HALTED
        if self.error is not None:
            raise self.error
        return step

    def _serve(self, thread: SimulatedThread) -> NoReturn:
        """Run one thread after another."""
        while True:
            try:
                thread.function()
                answer = Step(Kind.END)
            except AbandonedThread:
                answer = _NOTHING
            except (KeyboardInterrupt, SystemExit, NoVerdictError) as error:
                self.error, answer = error, _NOTHING
            except BaseException as error:  # noqa: BLE001  (pytest.fail raises a BaseException)
                answer = Step(Kind.FAIL, value=error)
            thread = self._hub.switch(answer)

    def _start_over(self) -> None:
        """Unwind what is left of the last execution, and make thread 0 anew."""
        self._hub = getcurrent()
        self.abandon()
        if gc.get_count()[0] > GARBAGE:
            gc.collect()
        self._graph = None
        self._ticks = 0
        self._names[:1] = ["main"]
        self._threads[0] = SimulatedThread(0, "main", self._main)

    def abandon(self) -> None:
        """Unwind every thread that stands at a step."""
        self._abandoned = True
        for thread in self._threads.values():
            if thread.greenlet is not None:
                self.current = thread
                thread.greenlet.parent = self._hub
                thread.greenlet.throw(AbandonedThread)
                self._pool.append(thread.greenlet)
        self._abandoned = False
        self.error = None
        self._threads.clear()
        self._contents.clear()

    def release(self) -> None:
        """End the greenlets that wait to be used again.

        Each refers to the machine, and on a free-threaded build such a cycle is never collected.
        """
        while self._pool:
            idle = self._pool.pop()
            idle.parent = getcurrent()
            idle.throw()

    def _give_up(self, error: Exception) -> NoReturn:
        """End the exploration with `error`, whatever the thread catches."""
        self.error = error
        raise AbandonedThread

    def _differs(self, thread: SimulatedThread, before: Step | None, now: Step | None) -> Exception:
        frame: FrameType | None = None
        if thread.greenlet is not None:
            here = thread.greenlet is getcurrent()
            frame = sys._getframe(1) if here else thread.greenlet.gr_frame  # noqa: SLF001
        place = place_of(frame)
        at = f", at {place.where}" if place.where else ""
        return NondeterminismError(
            f"thread {thread.name!r} took another step than in the execution before: step "
            f"{thread.index} was {self.described(before)} and is now {self.described(now)}{at}.\n"
            f"  A scenario is run many times and must do the same whenever it reads the same: no "
            f"order of a set, no id(), no state kept between executions.\n"
            f"  Make whatever it uses anew inside the scenario.",
            place.where,
            place.source,
        )

    @property
    def names(self) -> list[str]:
        """What the threads are called: after their functions."""
        return self._names

    def called(self, location: int) -> str:
        """Return what a location is called: by its name, or by its kind and number."""
        found = self.locations[location]
        return found.name or f"{found.kind} {location}"

    def described(self, step: Step | None) -> str:
        """Return `step` in words."""
        if step is None:
            return "no step: it had ended"
        if step.kind in (Kind.END, Kind.FAIL):
            return f"its end ({step.value!r})" if step.value is not None else "its end"
        where = ""
        if 0 <= step.location < len(self.locations) and step.kind not in (Kind.SPAWN, Kind.JOIN):
            where = f" of {self.called(step.location)}"
        value = f" ({step.value!r})" if isinstance(step.value, int) else ""
        return f"{step.kind.name.lower()}{where}{value}"


def _alike(before: Step | None, now: Step | None) -> bool:
    if before is None or now is None:
        return before is now
    return now.same(before)


def repeatable(graph: Graph) -> list[tuple[int, int]]:
    """Return an order in which the events of `graph` can be repeated: a thread, and how far.

    Every event comes after what is before it in (po | asw | rf)+; otherwise the order is the one
    they were added in, and a thread goes on as long as it can.
    """
    threads, born = graph.threads, graph.born
    done = [0] * len(threads)
    found: list[tuple[int, int]] = []
    for added in graph.order:
        wanted = [(added.thread, added.index)]
        while wanted:
            thread, index = wanted[-1]
            if done[thread] > index:
                wanted.pop()
                continue
            event = threads[thread][done[thread]]
            source = event.rf
            if source is not None and source.thread >= 0 and done[source.thread] <= source.index:
                wanted.append((source.thread, source.index))
                continue
            spawn = born[thread]
            if event.index == 0 and spawn is not None and done[spawn.thread] <= spawn.index:
                wanted.append((spawn.thread, spawn.index))
                continue
            done[thread] += 1
            if event.kind is Kind.UPDATE or event.kind is Kind.COMPARE_EXCHANGE:
                if event.index + 1 == len(threads[thread]):
                    wanted.clear()  # its write is still to come
                    continue
                done[thread] += 1
            if (
                found
                and found[-1][0] == thread
                and event.kind is not Kind.SPAWN
                and threads[thread][found[-1][1] - 1].kind is not Kind.SPAWN
            ):
                found[-1] = thread, done[thread]
            else:
                found.append((thread, done[thread]))
    return found
