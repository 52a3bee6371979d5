"""The MPSC queue: explored by hand-written programs, held against its model, run for real."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mpsc_queue import BUSY, ELEMENTS, MpscQueue, MpscQueueModel, Popped, receive, send
from registrar.sync import native
from stress.explore.performance import Performance
from stress.explore.scenario import Scenario, explored
from stress.program import Invocation, Program
from stress.verdict import Verdict
from tests.explore.programs import MEMORIES, failure
from tests.models.prey import Prey, hidden, shown

MOST: Final = 4
"""Calls of a thread: the elements of thread 0 are 1 to 4, of thread 1 they are 5 to 8, ..."""
type Shape = tuple[str, ...]
"""What each thread does: + pushes an element of its own, - pops, @ pushes what was popped last.

One thread alone pops.
"""

PAIR: Final = ("+", "--")
"""One element is handed over, and the stub comes behind it."""
TWO: Final = ("++", "--")
"""Of two elements the first leaves without the stub."""
RIVALS: Final = ("+", "+", "--")
"""Two producers at once."""
BEHIND: Final = ("+", "+-")
"""The consumer pushes, too, perhaps behind a producer that has yet to link its element."""
AGAIN: Final = ("+", "+-@-")
"""The consumer pushes again what it has popped."""
SHAPES: Final = (PAIR, TWO, BEHIND, AGAIN)
"""The shapes that are explored in a moment."""


class Users:
    """The threads that use `queue`, and what they have pushed and popped."""

    def __init__(self, queue: MpscQueue) -> None:
        self._queue = queue
        self.pushed = list[int]()
        self.popped = list[int]()

    def run(self, first: int, calls: str) -> None:
        """Make `calls`; `first` is the first element of the thread."""
        mine = set[int]()
        for element, call in enumerate(calls, first):
            if call == "-":
                self.pop(mine)
            elif call == "+":
                self._push(element)
                mine.add(element)
            elif self.popped:
                self._push(self.popped[-1])

    def pop(self, mine: set[int]) -> Popped:
        """Pop an element; AssertionError if there is none though one of `mine` was not popped."""
        element = self._queue.pop()
        receive(self._queue, (), element)
        if isinstance(element, int):
            self.popped.append(element)
        assert element is not None or mine <= {*self.popped}, "what was pushed is not there"
        return element

    def _push(self, element: int) -> None:
        send(self._queue, element)
        self.pushed.append(element)


def handing_over(subject: Callable[..., MpscQueue], shape: Shape) -> Scenario:
    """Return the scenario of `shape`: each element is popped as often as it was pushed, whole.

    The elements of a thread come in the order of its pushes.  Who has pushed an element that was
    never popped is not told that there is none, and nobody is told BUSY when all have ended.
    """

    def scenario(sync: Any) -> Any:
        users = Users(subject(sync, elements=MOST * len(shape)))
        yield tuple(
            partial(users.run, MOST * thread + 1, calls) for thread, calls in enumerate(shape)
        )
        while (element := users.pop({*users.pushed})) is not None:
            assert element != BUSY, "everything is linked, and out of reach all the same"
        assert sorted(users.popped) == sorted(users.pushed)
        first = dict.fromkeys(users.popped)
        assert sorted(first, key=_thread) == sorted(first), f"popped as {users.popped}"

    return scenario


def _thread(element: int) -> int:
    return (element - 1) // MOST


@pytest.mark.parametrize(
    ("shape", "interleavings", "executions"),
    [
        pytest.param(PAIR, 6, 6, id="pair"),
        pytest.param(TWO, 26, 27, id="two"),
        pytest.param(RIVALS, 54, 54, id="rivals", marks=pytest.mark.slow),
        pytest.param(BEHIND, 7, 7, id="behind"),
        pytest.param(AGAIN, 16, 16, id="again"),
    ],
)
def test_queue_hands_over(shape: Shape, interleavings: int, executions: int) -> None:
    """Elements are popped once each; weak memory adds at most an execution, and none that fails."""
    for memory in MEMORIES:
        found = explored(handing_over(MpscQueue, shape), memory=memory)
        expected = executions if memory == "rc11" else interleavings
        assert (found.verdict, found.executions) == (Verdict.OK, expected)


PREY: Final = {
    "relaxed-link": Prey(TWO, "race", ["rc11"]),
    "relaxed-link-load": Prey(TWO, "race", ["rc11"]),
    "relaxed-exchange": Prey(BEHIND, "assertion", ["rc11"]),
    "late-reset": Prey(BEHIND, "assertion", MEMORIES),
    "load-and-store": Prey(BEHIND, "assertion", MEMORIES),
    "empty-for-busy": Prey(BEHIND, "assertion", MEMORIES),
    "stored-stub": Prey(TWO, "assertion", MEMORIES),
}


@pytest.mark.parametrize(("name", "memory"), shown(PREY))
def test_explorer_finds_mutant(name: str, memory: str) -> None:
    """A mutant shows under each memory model that its fault needs."""
    shape, kind, _ = PREY[name]

    assert failure(handing_over(MpscQueueModel.mutants[name], shape), memory) == kind


@pytest.mark.parametrize(("name", "memory"), hidden(PREY))
def test_stronger_memory_hides_mutant(name: str, memory: str) -> None:
    """A fault of orders shows in no program here where memory is stronger than it needs."""
    for shape in SHAPES:
        assert failure(handing_over(MpscQueueModel.mutants[name], shape), memory) is None


@pytest.mark.parametrize("name", ["relaxed-link", "relaxed-link-load"])
def test_last_element_needs_no_link(name: str) -> None:
    """Of one element alone a relaxed link shows nothing: putting the stub behind it acquires."""
    assert failure(handing_over(MpscQueueModel.mutants[name], PAIR)) is None


def test_every_mutant_is_prey() -> None:
    """The table above names every mutant of the model."""
    assert PREY.keys() == MpscQueueModel.mutants.keys()


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", MpscQueueModel.equivalents)
def test_equivalent_never_fails(name: str, memory: str) -> None:
    """What differs and is right is not accused."""
    for shape in SHAPES:
        assert failure(handing_over(MpscQueueModel.equivalents[name], shape), memory) is None


# The model

PUSHES: Final = tuple(Invocation("push", (element,)) for element in range(1, ELEMENTS + 1))
POPS: Final = (Invocation("pop", ()),) * 3


@pytest.mark.parametrize(
    "program",
    [
        Program((), (PUSHES[:2], POPS[:2])),
        Program((), (PUSHES[:1], (PUSHES[1], *POPS[:2]))),
        Program(PUSHES[:1], (PUSHES[1:2], PUSHES[2:3], POPS[:2])),
        pytest.param(Program((), (PUSHES[:1], PUSHES[1:2], POPS)), marks=pytest.mark.slow),
        pytest.param(Program((), (PUSHES[:2], PUSHES[2:3], POPS)), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_model_permits_every_execution(program: Program) -> None:
    """Calls ordered by happens-before alone are linearizable, a push in two atomic steps."""
    assert failure(Performance(MpscQueueModel, program)) is None


def test_busy_where_nobody_pushes_is_refused() -> None:
    """The model does not let a queue say BUSY when no push is under way."""

    class Evasive(MpscQueue):
        def pop(self) -> Any:
            popped = super().pop()
            return popped if popped is None else BUSY

    found = explored(Performance(MpscQueueModel.of(Evasive), Program(PUSHES[:1], (POPS[:1],))))

    assert found.failure is not None
    assert "pop() = 'busy' cannot be placed" in found.failure.message


@settings(max_examples=50)
@given(st.lists(st.integers(0, ELEMENTS), max_size=20))
def test_queue_agrees_with_list(calls: list[int]) -> None:
    """Called by one thread it is a list, and never BUSY; 0 pops, others are pushed if not in it."""
    queue = MpscQueue(elements=ELEMENTS)
    items = list[int]()
    for element in calls:
        if element == 0:
            popped = queue.pop()
            receive(queue, (), popped)
            assert popped == (items.pop(0) if items else None)
        elif element not in items:
            send(queue, element)
            items.append(element)


# Real threads


@pytest.mark.threads
def test_real_threads_hand_over() -> None:
    """Three producers push elements of their own, and each producer's are popped in order."""
    each = 200
    queue = MpscQueue(elements=3 * each)
    popped = list[int]()

    def producer(thread: int) -> None:
        for element in range(thread * each + 1, thread * each + each + 1):
            send(queue, element)

    def consumer() -> None:
        while len(popped) < 3 * each:
            element = queue.pop()
            receive(queue, (), element)
            if isinstance(element, int):
                popped.append(element)
            else:
                native.pause()

    handles = [native.spawn(consumer), *(native.spawn(partial(producer, n)) for n in range(3))]
    for handle in handles:
        handle.join()

    assert sorted(popped, key=lambda element: (element - 1) // each) == list(range(1, 3 * each + 1))
