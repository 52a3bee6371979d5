"""Once: explored by hand-written programs, held against its model, run on real threads."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.once import Once, OnceModel, Poisoned, Refused, call
from registrar.sync import native
from stress.explore.scenario import Scenario, explored
from stress.verdict import Verdict
from tests.explore.programs import MEMORIES, failure

type Values = tuple[int | None, ...]
"""What the initialisers of each call make; None: they fail."""
type Program = tuple[Values, ...]

SUCCESS: Final[Program] = ((1,), (2,))
FAILURE: Final[Program] = ((None,), (1,))
THREE: Final[Program] = ((1,), (2,), (3,))
THREE_FAILURE: Final[Program] = ((None,), (2,), (3,))
TWICE: Final[Program] = ((1, 2), (None, 3))


def outcome(once: Once[int], value: int | None) -> int | type[Exception]:
    """Return what a call returns, or the type of what it raises."""
    try:
        return call(once, value)
    except (Poisoned, Refused) as error:
        return type(error)


def calling(subject: Callable[..., Any], program: Program) -> Scenario:
    """Return the scenario in which each thread calls, one value after the other.

    All is as if one call had come first: it decides, and everyone else is told.
    """

    def scenario(sync: Any) -> Any:
        once = subject(sync)
        outcomes: list[list[int | type[Exception]]] = [[] for _ in program]

        def thread(number: int) -> Callable[[], None]:
            def run() -> None:
                for value in program[number]:
                    outcomes[number].append(outcome(once, value))

            return run

        yield tuple(map(thread, range(len(program))))
        found = [each for own in outcomes for each in own]
        values = {value for own in program for value in own}
        if Refused in found:
            assert found.count(Refused) == 1
            assert found.count(Poisoned) == len(found) - 1
        else:
            assert len(set(found)) == 1
            assert found[0] in values

    return scenario


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(
    ("program", "executions"),
    [(SUCCESS, 10), (FAILURE, 10), (THREE, 147), (THREE_FAILURE, 156), (TWICE, 20)],
    ids=["success", "failure", "three", "three-failure", "twice"],
)
def test_once_never_fails(program: Program, executions: int, memory: str) -> None:
    """One initialiser runs, its value is whole for all, and its failure is told to all."""
    found = explored(calling(Once, program), memory=memory)

    assert (found.verdict, found.executions) == (Verdict.OK, executions)


@pytest.mark.parametrize("program", [SUCCESS, FAILURE], ids=["success", "failure"])
def test_once_survives_spurious_wake_up(program: Program) -> None:
    """Who wakes without being notified asks again, and waits again."""
    assert failure(calling(Once, program), spurious=1) is None


STRONG: Final[dict[str, tuple[Program, str]]] = {
    "no-recheck": (SUCCESS, "race"),
    "early-complete": (SUCCESS, "race"),
    "forgotten-poison": (FAILURE, "assertion"),
    "unannounced-failure": (FAILURE, "lost wake-up"),
    "one-notified": (THREE, "lost wake-up"),
}
"""Mutants that taking turns shows: by which program, as what."""
WEAK: Final = ("relaxed-store", "relaxed-load")
"""Mutants that only weak memory shows."""


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", STRONG)
def test_explorer_finds_mutant(name: str, memory: str) -> None:
    """A fault in what is done shows under every memory model."""
    program, kind = STRONG[name]

    assert failure(calling(OnceModel.mutants[name], program), memory) == kind


@pytest.mark.parametrize("name", WEAK)
def test_only_weak_memory_finds_mutant(name: str) -> None:
    """Without a release or an acquire the value races, and no program shows it under sc or tso."""
    mutant = OnceModel.mutants[name]

    assert failure(calling(mutant, SUCCESS), "rc11") == "race"
    for program in (SUCCESS, FAILURE, THREE, TWICE):
        assert failure(calling(mutant, program), "sc") is None
        assert failure(calling(mutant, program), "tso") is None


def test_two_threads_miss_single_notification() -> None:
    """It takes two who wait to show that only one is woken."""
    assert failure(calling(OnceModel.mutants["one-notified"], SUCCESS)) is None


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", OnceModel.equivalents)
def test_equivalent_never_fails(name: str, memory: str) -> None:
    """What differs and is right is not accused."""
    for program in (SUCCESS, FAILURE, THREE, TWICE):
        assert failure(calling(OnceModel.equivalents[name], program), memory) is None


def test_every_mutant_has_program() -> None:
    """The tables above name every mutant of the model."""
    assert STRONG.keys() | set(WEAK) == OnceModel.mutants.keys()


# One thread


@settings(max_examples=50)
@given(st.lists(st.none() | st.integers(1, 3), max_size=6))
def test_model_and_once_agree_step_by_step(values: list[int | None]) -> None:
    """Called by one thread Once answers, or raises, as the model does."""
    model = OnceModel()
    once = model.make(native)
    for value in values:
        try:
            expected = model.call(value)
        except (Poisoned, Refused) as error:
            with pytest.raises(type(error)):
                call(once, value)
        else:
            assert call(once, value) == expected


def test_any_exception_poisons() -> None:
    """An interrupt in the initialiser poisons as well: nobody knows how far it came."""
    once = Once[int](native)

    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once.call(interrupted)
    with pytest.raises(Poisoned, match="never tried again"):
        once.call(lambda: 1)


# Real threads


@pytest.mark.threads
@pytest.mark.parametrize("value", [7, None], ids=["success", "failure"])
def test_real_threads_share_one_outcome(value: int | None) -> None:
    """Of four threads one initialises, and all find its value, or that it failed."""
    for _ in range(50):
        once = Once[int](native)
        outcomes: list[Any] = [None] * 4

        def thread(number: int, once: Once[int] = once, found: list[Any] = outcomes) -> None:
            found[number] = outcome(once, value)

        handles = [native.spawn(partial(thread, number)) for number in range(4)]
        for handle in handles:
            handle.join()

        if value is None:
            assert (outcomes.count(Refused), outcomes.count(Poisoned)) == (1, 3)
        else:
            assert outcomes == [value] * 4
