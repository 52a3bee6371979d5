"""The SPSC ring: explored by hand-written programs, held against its model, run for real."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.spsc_ring import MASK, SIZE, SpscRing, SpscRingModel
from registrar.sync import RELAXED, native
from stress.explore.performance import Performance
from stress.explore.scenario import Scenario, explored
from stress.program import Invocation, Program
from stress.verdict import Verdict
from tests.explore.programs import MEMORIES, failure
from tests.models.prey import Prey, hidden, shown


class Shape(NamedTuple):
    """How many values a ring of `size` holds first, how many are then pushed, how often popped."""

    size: int
    held: int
    pushes: int
    pops: int


ONE: Final = Shape(2, 0, 1, 1)
"""One value is handed over."""
REUSED: Final = Shape(1, 0, 2, 1)
"""One cell is used twice."""
FULL: Final = Shape(1, 1, 1, 1)
"""The ring is full when it begins."""
BOTH: Final = Shape(2, 1, 2, 2)
"""Both threads may be turned away, but not both in one execution."""
LONG: Final = Shape(2, 0, 3, 3)
"""The producer goes round the ring."""
SHAPES: Final = (ONE, REUSED, FULL, BOTH)
"""The shapes that are explored in a moment."""


def handing_over(subject: Callable[..., Any], shape: Shape) -> Scenario:
    """Return the scenario of `shape`: what is popped is what was pushed, in this order.

    What the threads were told, refusals included, must have come about one call at a time.
    """

    def scenario(sync: Any) -> Any:
        ring = subject(sync, size=shape.size)
        held = [f"held {number}" for number in range(shape.held)]
        pushed = list[tuple[str, bool]]()
        popped = list[str | None]()
        assert all(ring.push(value) for value in held)

        def producer() -> None:
            for number in range(shape.pushes):
                value = f"pushed {number}"
                pushed.append((value, ring.push(value)))

        def consumer() -> None:
            for _ in range(shape.pops):
                popped.append(ring.pop())

        yield producer, consumer
        while (value := ring.pop()) is not None:
            popped.append(value)
        taken = [value for value in popped if value is not None]
        assert taken == [*held, *(value for value, accepted in pushed if accepted)]
        assert one_at_a_time(shape.size, held, pushed, popped), f"{pushed} and {popped}"

    return scenario


def one_at_a_time(
    size: int,
    held: list[str],
    pushed: Sequence[tuple[str, bool]],
    popped: Sequence[str | None],
) -> bool:
    """Return whether a ring that is called by one thread at a time may give these answers."""
    if not pushed and not popped:
        return True
    if pushed:
        value, accepted = pushed[0]
        after = [*held, value] if accepted else held
        if accepted == (len(held) < size) and one_at_a_time(size, after, pushed[1:], popped):
            return True
    if popped and popped[0] == (held[0] if held else None):
        return one_at_a_time(size, held[1:], pushed, popped[1:])
    return False


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(
    ("shape", "executions"),
    [(ONE, 2), (REUSED, 3), (FULL, 2), (BOTH, 8), (LONG, 28)],
    ids=["one", "reused", "full", "both", "long"],
)
def test_ring_hands_over(shape: Shape, executions: int, memory: str) -> None:
    """Values come out whole and in order, and weak memory adds not even an execution."""
    found = explored(handing_over(SpscRing, shape), memory=memory)

    assert (found.verdict, found.executions) == (Verdict.OK, executions)


PREY: Final = {
    "relaxed-tail-store": Prey(ONE, "race", ["rc11"]),
    "relaxed-tail-load": Prey(ONE, "race", ["rc11"]),
    "relaxed-head-store": Prey(FULL, "race", ["rc11"]),
    "relaxed-head-load": Prey(FULL, "race", ["rc11"]),
    "no-fence": Prey(BOTH, "assertion", ["tso", "rc11"]),
    "early-tail": Prey(ONE, "race", MEMORIES),
    "early-head": Prey(FULL, "race", MEMORIES),
    "one-too-many": Prey(FULL, "assertion", MEMORIES),
}


@pytest.mark.parametrize(("name", "memory"), shown(PREY))
def test_explorer_finds_mutant(name: str, memory: str) -> None:
    """A mutant shows under each memory model that its fault needs."""
    shape, kind, _ = PREY[name]

    assert failure(handing_over(SpscRingModel.mutants[name], shape), memory) == kind


@pytest.mark.parametrize(("name", "memory"), hidden(PREY))
def test_stronger_memory_hides_mutant(name: str, memory: str) -> None:
    """A fault of orders shows in no program here where memory is stronger than it needs."""
    for shape in SHAPES:
        assert failure(handing_over(SpscRingModel.mutants[name], shape), memory) is None


def test_every_mutant_is_prey() -> None:
    """The table above names every mutant of the model."""
    assert PREY.keys() == SpscRingModel.mutants.keys()


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", SpscRingModel.equivalents)
def test_equivalent_never_fails(name: str, memory: str) -> None:
    """What differs and is right is not accused."""
    for shape in SHAPES:
        assert failure(handing_over(SpscRingModel.equivalents[name], shape), memory) is None


# The model


@pytest.mark.parametrize("held", range(SIZE + 1))
def test_model_permits_every_execution(held: int) -> None:
    """Calls ordered by happens-before alone are linearizable, whatever the ring holds at first."""
    pushes = tuple(Invocation("push", (value,)) for value in (1, 2, 3))
    pops = (Invocation("pop", ()),) * 3
    program = Program(pushes[:held], (pushes, pops))

    assert failure(Performance(SpscRingModel, program)) is None


@pytest.mark.parametrize("name", SpscRingModel.mutants)
def test_program_of_model_shows_mutant(name: str) -> None:
    """The program that is visited first shows every fault, and none in the ring as it is."""
    program = SpscRingModel.programs["refusals"]

    assert failure(Performance(SpscRingModel.of(SpscRingModel.mutants[name]), program)) is not None
    assert failure(Performance(SpscRingModel, program)) is None


@settings(max_examples=50)
@given(st.lists(st.none() | st.integers(), max_size=20))
def test_model_and_ring_agree_step_by_step(calls: list[int | None]) -> None:
    """Called by one thread the ring answers as the model does; None is a pop."""
    model = SpscRingModel()
    ring = model.make(native)
    for value in calls:
        if value is None:
            assert ring.pop() == model.pop()
        else:
            assert ring.push(value) == model.push(value)


def test_counters_wrap() -> None:
    """After 2**64 pushes and pops the ring goes on as before."""
    ring = SpscRing[int](size=2)
    for word in (ring._tail, ring._head):
        word.store(MASK, RELAXED)
    ring._head_seen.write(MASK)
    ring._tail_seen.write(MASK)

    assert [ring.push(value) for value in (1, 2, 3)] == [True, True, False]
    assert [ring.pop() for _ in range(3)] == [1, 2, None]
    assert [ring.push(value) for value in (4, 5, 6)] == [True, True, False]


@pytest.mark.parametrize("size", [-1, 0, 3, 12])
def test_ring_rejects_other_sizes(size: int) -> None:
    """A size is a power of two."""
    with pytest.raises(ValueError, match="power of two"):
        SpscRing(size=size)


# Real threads


@pytest.mark.threads
def test_real_threads_hand_over() -> None:
    """A thousand values go through a ring of four between two threads, each once and in order."""
    ring = SpscRing[int](size=4)
    popped = list[int]()

    def producer() -> None:
        for value in range(1000):
            while not ring.push(value):
                native.pause()

    def consumer() -> None:
        while len(popped) < 1000:
            value = ring.pop()
            if value is None:
                native.pause()
            else:
                popped.append(value)

    for thread in (native.spawn(producer), native.spawn(consumer)):
        thread.join()

    assert popped == list(range(1000))
