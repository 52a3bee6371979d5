"""The Treiber stack: explored by hand-written programs, held against its model, run for real."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.treiber_stack import NODE, NONE, TAG, NodeStack, TreiberStack, TreiberStackModel
from registrar.sync import ACQUIRE, RELAXED, native
from stress.explore.exploration import Bounds
from stress.explore.explorer import Search
from stress.explore.performance import Performance
from stress.explore.scenario import Scenario, explored
from stress.program import Invocation, Program
from stress.verdict import Verdict
from tests.explore.programs import MEMORIES, failure
from tests.models.prey import Prey, hidden, shown


class Shape(NamedTuple):
    """A stack of so many nodes holds so many values; each thread pushes (+) and pops (-)."""

    nodes: int
    held: int
    threads: tuple[str, ...]


PAIR: Final = Shape(2, 1, ("+", "-"))
"""One thread pushes while another pops."""
REUSE: Final = Shape(1, 1, ("-", "+"))
"""The one node there is goes from one thread to the other."""
REFUSALS: Final = Shape(2, 1, ("++", "--"))
"""Both threads may be refused, but not both in one execution."""
TURNS: Final = Shape(1, 0, ("+-", "-+"))
"""Two threads use the one node in turns."""
THREE: Final = Shape(2, 1, ("+", "-", "-"))
"""Two threads pop while a third pushes."""
ABA: Final = Shape(2, 2, ("-", "-+", "-"))
"""A thread pops while two others take both nodes, and push the upper one again."""
SHAPES: Final = (PAIR, REUSE, REFUSALS, TURNS)
"""The shapes that are explored in a moment."""


def calling(subject: Callable[..., Any], shape: Shape) -> Scenario:
    """Return the scenario of `shape`: what is pushed is popped once.

    In `REFUSALS` a push and a pop are not refused both: it would be full for one, empty for one.
    """

    def scenario(sync: Any) -> Any:
        stack = subject(sync, nodes=shape.nodes)
        pushed, popped = list[str](), list[str]()
        refused = set[str]()

        def run(calls: str, name: str) -> None:
            for number, call in enumerate(calls):
                value = f"{name}.{number}"
                result = stack.push(value) if call == "+" else stack.pop()
                if call == "+" and result:
                    pushed.append(value)
                elif result:
                    popped.append(result)
                else:
                    refused.add(call)

        run("+" * shape.held, "held")
        yield tuple(
            partial(run, calls, f"thread {each}") for each, calls in enumerate(shape.threads)
        )
        if shape == REFUSALS:
            assert refused != {"+", "-"}, "full and empty at once"
        run("-" * 4, "end")
        assert sorted(popped) == sorted(pushed)

    return scenario


@pytest.mark.parametrize(
    ("shape", "interleavings", "executions"),
    [
        pytest.param(PAIR, 7, 8, id="pair"),
        pytest.param(REUSE, 3, 3, id="reuse"),
        pytest.param(REFUSALS, 129, 212, id="refusals", marks=pytest.mark.slow),
        pytest.param(TURNS, 63, 63, id="turns", marks=pytest.mark.slow),
        pytest.param(THREE, 304, 372, id="three", marks=pytest.mark.slow),
    ],
)
def test_stack_keeps_values(shape: Shape, interleavings: int, executions: int) -> None:
    """Every value is popped once; weak memory adds executions, and none that fails."""
    for memory in MEMORIES:
        found = explored(calling(TreiberStack, shape), memory=memory)
        expected = executions if memory == "rc11" else interleavings
        assert (found.verdict, found.executions) == (Verdict.OK, expected)


PREY: Final = {
    "untagged": Prey(ABA, "assertion", MEMORIES),
    "relaxed-push": Prey(PAIR, "race", ["rc11"]),
    "relaxed-pop": Prey(REFUSALS, "assertion", ["rc11"]),
    "no-fence": Prey(REFUSALS, "assertion", ["rc11"]),
    "early-free": Prey(REUSE, "race", MEMORIES),
}


@pytest.mark.parametrize(("name", "memory"), shown(PREY))
def test_explorer_finds_mutant(name: str, memory: str) -> None:
    """A mutant shows under each memory model that its fault needs."""
    shape, kind, _ = PREY[name]

    assert failure(calling(TreiberStackModel.mutants[name], shape), memory) == kind


@pytest.mark.slow
@pytest.mark.parametrize(("name", "memory"), hidden(PREY))
def test_stronger_memory_hides_mutant(name: str, memory: str) -> None:
    """A fault of orders shows in no program here where memory is stronger than it needs."""
    for shape in SHAPES:
        assert failure(calling(TreiberStackModel.mutants[name], shape), memory) is None


def test_every_mutant_is_prey() -> None:
    """The table above names every mutant of the model."""
    assert PREY.keys() == TreiberStackModel.mutants.keys()


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", TreiberStackModel.equivalents)
def test_equivalent_never_fails(name: str, memory: str) -> None:
    """What differs and is right is not accused."""
    for shape in (PAIR, REUSE):
        assert failure(calling(TreiberStackModel.equivalents[name], shape), memory) is None


@pytest.mark.slow
@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", TreiberStackModel.equivalents)
def test_equivalent_survives_aba(name: str, memory: str) -> None:
    """What differs and is right survives, as far as it is explored, what the untagged does not."""
    subject = TreiberStackModel.equivalents[name]
    found = explored(calling(subject, ABA), memory=memory, bounds=Bounds(executions=500))

    assert found.failure is None


# The model

PUSH: Final = Invocation("push", (1,))
POP: Final = Invocation("pop", ())
CONTRADICTION: Final = Program((PUSH,), ((POP,), (PUSH, PUSH), (PUSH, PUSH, POP)))
"""One thread pops, one pushes twice; and a third may find the stack full, and then empty."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        Program((PUSH,), ((PUSH, PUSH), (POP, POP))),
        Program((), ((PUSH, POP), (PUSH, POP))),
        Program((PUSH, PUSH), ((POP, PUSH), (POP, PUSH))),
        Program((PUSH,), ((PUSH,), (PUSH,), (POP,))),
    ],
    ids=str,
)
def test_model_permits_every_execution(program: Program) -> None:
    """Calls ordered by happens-before alone are linearizable, each in two atomic steps."""
    assert failure(Performance(TreiberStackModel, program)) is None


class _AcquirePop(NodeStack):
    """A pop acquires, but does not release."""

    def pop(self) -> int:
        found = self._look()
        while found & NODE != NONE or (found := self._look_again()) & NODE != NONE:
            head = (found & ~NODE) + TAG | self._links[found & NODE].load(RELAXED)
            popped, seen = self._head.compare_exchange(found, head, ACQUIRE, ACQUIRE)
            if popped:
                return found & NODE
            found = seen
        return NONE


class AcquirePop(TreiberStack[int]):
    """A stack whose values are published as they must, and its pops in no order."""

    node_stack = _AcquirePop


def test_pop_that_only_acquires_contradicts() -> None:
    """A thread that finds no free node, behind two pushes, finds the stack empty all the same."""
    found = explored(Performance(TreiberStackModel.of(AcquirePop), CONTRADICTION))

    assert found.failure is not None
    assert "pop() = None" in found.failure.message


@pytest.mark.slow
@pytest.mark.parametrize("search", ["random", "pct"])
def test_pop_that_releases_too_never_contradicts(search: str) -> None:
    """In executions that are drawn of the same program the stack as it is does not fail."""
    scenario = Performance(TreiberStackModel, CONTRADICTION)
    found = explored(scenario, bounds=Bounds(executions=100), search=Search(search))

    assert found.failure is None


@settings(max_examples=50)
@given(st.lists(st.none() | st.integers(1), max_size=20))
def test_model_and_stack_agree_step_by_step(calls: list[int | None]) -> None:
    """Called by one thread the stack answers as a list of two places does; None is a pop."""
    stack = TreiberStackModel().make(native)
    items = list[int]()
    for value in calls:
        if value is None:
            assert stack.pop() == (items.pop() if items else None)
        else:
            assert stack.push(value) == (len(items) < 2)
            items = [*items, value][:2]


def test_tag_counts_every_change() -> None:
    """A push and a pop leave the same node on top, and a head that is another."""
    stack = NodeStack([native.word(NONE), native.word(NONE)], top=0)
    before = stack._head.load(RELAXED)
    stack.push(1)
    assert stack.pop() == 1
    after = stack._head.load(RELAXED)

    assert (before & NODE, after & NODE) == (0, 0)
    assert after - before == 2 * TAG


def test_tag_wraps() -> None:
    """After 2**32 changes of the head the stack goes on as before."""
    stack = NodeStack([native.word(NONE)], top=NONE | (TAG - 1) * TAG)
    stack.push(0)

    assert stack._head.load(RELAXED) == 0
    assert (stack.pop(), stack.pop()) == (0, NONE)


def test_stack_without_nodes_refuses() -> None:
    """Where there is no node, nothing is pushed and nothing popped."""
    stack = TreiberStack[int](nodes=0)

    assert (stack.push(1), stack.pop()) == (False, None)


@pytest.mark.parametrize("nodes", [-1, 1 << 32])
def test_stack_rejects_impossible_numbers_of_nodes(nodes: int) -> None:
    """The number of a node fits 32 bits, and one is left to say that there is none."""
    with pytest.raises(ValueError, match="fewer than"):
        TreiberStack(nodes=nodes)


# Real threads


@pytest.mark.threads
def test_real_threads_keep_values() -> None:
    """Four threads push and pop on a stack of three nodes: what was pushed is popped once."""
    stack = TreiberStack[int](nodes=3)
    pushed: list[list[int]] = [[] for _ in range(4)]
    popped: list[list[int]] = [[] for _ in range(4)]

    def run(thread: int) -> None:
        for number in range(300):
            value = thread * 1000 + number + 1
            if stack.push(value):
                pushed[thread].append(value)
            taken = stack.pop()
            if taken is not None:
                popped[thread].append(taken)

    handles = [native.spawn(partial(run, thread)) for thread in range(4)]
    for handle in handles:
        handle.join()
    while (value := stack.pop()) is not None:
        popped[0].append(value)

    assert sorted(chain(*popped)) == sorted(chain(*pushed))
