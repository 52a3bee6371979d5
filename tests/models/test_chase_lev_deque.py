"""The Chase-Lev deque: explored by hand-written programs, held against its model, run for real."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.chase_lev_deque import ABORT, HALF, ChaseLevDeque, ChaseLevDequeModel
from registrar.sync import RELAXED, native
from stress.explore.exploration import Bounds
from stress.explore.explorer import Explorer
from stress.explore.performance import Performance
from stress.explore.scenario import Scenario, ScenarioTask, explored
from stress.program import Invocation, Program
from stress.verdict import Verdict
from tests.explore.programs import MEMORIES, failure
from tests.models.prey import Prey, hidden, shown


class Shape(NamedTuple):
    """A deque of two holds so many items; its owner pushes (+) and pops (-), thieves steal."""

    held: int
    owner: str
    thieves: tuple[int, ...]
    """How often each steals."""


PUBLISHED: Final = Shape(0, "+", (1,))
"""One item is pushed and stolen."""
LAST: Final = Shape(1, "-", (1,))
"""Owner and thief are after the same item."""
RACE: Final = Shape(2, "-", (2,))
"""The owner pops one of two items, and a thief is after both."""
BELOW: Final = Shape(0, "++-", (2,))
"""A thief may take the first item, and see only what a pop stored after the second."""
REFUSALS: Final = Shape(1, "++", (2,))
"""A push may be refused, and a thief, but not both in one execution."""
REUSED: Final = Shape(2, "+", (1,))
"""The slot of an item that is stolen is written again."""
THIEVES: Final = Shape(2, "-", (1, 1))
"""Two thieves and the owner are after two items."""
SHAPES: Final = (PUBLISHED, LAST, RACE, BELOW, REFUSALS, REUSED)
"""The shapes that are explored in a moment."""


class Users:
    """The threads that use `deque`; ``data`` of an item is written before it is pushed."""

    def __init__(self, deque: ChaseLevDeque, sync: Any) -> None:
        self._deque = deque
        self._data = [sync.cell(None) for _ in range(6)]
        self.pushed = list[int]()
        self.taken = list[int]()
        self.refused = set[str]()

    def own(self, calls: str) -> None:
        """Push the next item (+), pop (-)."""
        for call in calls:
            if call == "-":
                self._take(self._deque.pop())
                continue
            item = len(self.pushed) + 1
            self._data[item].write(item)
            if self._deque.push(item):
                self.pushed.append(item)
            else:
                self.refused.add("push")

    def steal(self, times: int) -> None:
        """Steal so many times."""
        for _ in range(times):
            item = self._deque.steal()
            if item is None:
                self.refused.add("steal")
            self._take(item)

    def _take(self, item: int | str | None) -> None:
        if isinstance(item, int):
            assert self._data[item].read() == item, f"item {item} was never pushed"
            self.taken.append(item)


def stealing(subject: Callable[..., ChaseLevDeque], shape: Shape) -> Scenario:
    """Return the scenario of `shape`: what is pushed is taken once, and whole.

    In `REFUSALS` a push and a steal are not refused both: it would be full for one, empty for one.
    """

    def scenario(sync: Any) -> Any:
        users = Users(subject(sync, size=2), sync)
        users.own("+" * shape.held)
        yield (
            partial(users.own, shape.owner),
            *(partial(users.steal, times) for times in shape.thieves),
        )
        if shape == REFUSALS:
            assert users.refused != {"push", "steal"}, "full and empty at once"
        users.own("---")
        assert sorted(users.taken) == users.pushed

    return scenario


@pytest.mark.parametrize(
    ("shape", "executions"),
    [
        pytest.param(PUBLISHED, (2, 2, 2), id="published"),
        pytest.param(LAST, (7, 7, 7), id="last"),
        pytest.param(RACE, (13, 13, 13), id="race"),
        pytest.param(BELOW, (38, 38, 38), id="below"),
        pytest.param(REFUSALS, (19, 20, 20), id="refusals"),
        pytest.param(REUSED, (3, 3, 3), id="reused"),
        pytest.param(THIEVES, (54, 54, 58), id="thieves", marks=pytest.mark.slow),
    ],
)
def test_deque_keeps_items(shape: Shape, executions: tuple[int, ...]) -> None:
    """Every item is taken once, with what was done before its push, under every memory model."""
    for memory, expected in zip(MEMORIES, executions, strict=True):
        found = explored(stealing(ChaseLevDeque, shape), memory=memory)
        assert (found.verdict, found.executions) == (Verdict.OK, expected)


PREY: Final = {
    "relaxed-publication": Prey(PUBLISHED, "race", ["rc11"]),
    "release-store": Prey(BELOW, "race", ["rc11"]),
    "no-pop-fence": Prey(RACE, "assertion", ["tso", "rc11"]),
    "no-steal-fence": Prey(RACE, "assertion", ["rc11"]),
    "no-refusal-fence": Prey(REFUSALS, "assertion", ["tso", "rc11"]),
    "late-read": Prey(REUSED, "assertion or race", MEMORIES),
    "stored-top": Prey(LAST, "assertion", MEMORIES),
    "uncontested-pop": Prey(LAST, "assertion", MEMORIES),
    "unsigned": Prey(LAST, "assertion", MEMORIES),
}


@pytest.mark.parametrize(("name", "memory"), shown(PREY))
def test_explorer_finds_mutant(name: str, memory: str) -> None:
    """A mutant shows under each memory model that its fault needs."""
    shape, kinds, _ = PREY[name]
    kind = failure(stealing(ChaseLevDequeModel.mutants[name], shape), memory)

    assert kind in kinds.split(" or ")


@pytest.mark.parametrize(("name", "memory"), hidden(PREY))
def test_stronger_memory_hides_mutant(name: str, memory: str) -> None:
    """A fault of orders shows in no program here where memory is stronger than it needs."""
    for shape in SHAPES:
        assert failure(stealing(ChaseLevDequeModel.mutants[name], shape), memory) is None


def test_release_store_sufficed_in_cpp11() -> None:
    """With the release sequences of C++11 the fence in a push may be a release store."""
    scenario = stealing(ChaseLevDequeModel.mutants["release-store"], BELOW)
    task = ScenarioTask(scenario, release_sequence="c++11")

    assert Explorer(task, Bounds()).run().verdict is Verdict.OK


def test_every_mutant_is_prey() -> None:
    """The table above names every mutant of the model."""
    assert PREY.keys() == ChaseLevDequeModel.mutants.keys()


@pytest.mark.slow
@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", ChaseLevDequeModel.equivalents)
def test_equivalent_never_fails(name: str, memory: str) -> None:
    """What differs and is right is not accused."""
    for shape in SHAPES:
        assert failure(stealing(ChaseLevDequeModel.equivalents[name], shape), memory) is None


# The model

PUSHES: Final = Invocation("push", (1,)), Invocation("push", (2,))
POP: Final = Invocation("pop", ())
STEAL: Final = Invocation("steal", ())


@pytest.mark.parametrize(
    "program",
    [
        *ChaseLevDequeModel.programs.values(),
        Program(PUSHES, ((POP, POP), (STEAL, STEAL))),
        pytest.param(Program(PUSHES, ((POP,), (STEAL,), (STEAL,))), marks=pytest.mark.slow),
        pytest.param(
            Program(PUSHES, ((POP, *PUSHES), (STEAL, STEAL), (STEAL,))), marks=pytest.mark.slow
        ),
    ],
    ids=str,
)
def test_model_permits_every_execution(program: Program) -> None:
    """Calls ordered by happens-before alone are linearizable, those that abort apart."""
    assert failure(Performance(ChaseLevDequeModel, program)) is None


def test_abort_of_thread_alone_is_refused() -> None:
    """The model does not let a steal abort where no other thread can have taken the item."""

    class Timid(ChaseLevDeque):
        def steal(self) -> Any:
            return ABORT

    model = ChaseLevDequeModel.of(Timid)
    found = explored(Performance(model, Program((*PUSHES, STEAL), ((POP,), (POP,)))))

    assert found.failure is not None
    assert "steal() = 'abort' cannot be placed" in found.failure.message


@settings(max_examples=50)
@given(st.sampled_from([0, HALF - 1, 2 * HALF - 1]), st.lists(st.sampled_from("+-s"), max_size=20))
def test_deque_agrees_with_list(start: int, calls: list[str]) -> None:
    """Called by one thread it is a list of two places, also where its counters wrap."""
    deque = ChaseLevDeque(size=2)
    for word in (deque._top, deque._bottom):
        word.store(start, RELAXED)
    items = list[int]()
    for item, call in enumerate(calls, 1):
        if call == "+":
            assert deque.push(item) == (len(items) < 2)
            items = [*items, item][:2]
        elif call == "-":
            assert deque.pop() == (items.pop() if items else None)
        else:
            assert deque.steal() == (items.pop(0) if items else None)


@pytest.mark.parametrize("size", [-1, 0, 3, 12])
def test_deque_rejects_other_sizes(size: int) -> None:
    """A size is a power of two."""
    with pytest.raises(ValueError, match="power of two"):
        ChaseLevDeque(size=size)


# Real threads


@pytest.mark.threads
def test_real_threads_take_every_item_once() -> None:
    """An owner and two thieves take a thousand items from a deque of four, each item once."""
    deque = ChaseLevDeque(size=4)
    taken: list[list[int]] = [[], [], []]
    done = native.word(0)

    def own() -> None:
        for item in range(1, 1001):
            while not deque.push(item):
                note(0, deque.pop())
        while (left := deque.pop()) is not None:
            note(0, left)
        done.store(1, RELAXED)

    def steal(thief: int) -> None:
        while not done.load(RELAXED):
            note(thief, deque.steal())

    def note(thread: int, item: Any) -> None:
        if isinstance(item, int):
            taken[thread].append(item)

    handles = [native.spawn(own), *(native.spawn(partial(steal, thief)) for thief in (1, 2))]
    for handle in handles:
        handle.join()

    assert sorted(chain(*taken)) == list(range(1, 1001))
