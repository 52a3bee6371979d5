"""The seqlock: explored by hand-written programs, held against its model, run on real threads."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.seqlock import Seqlock, SeqlockModel
from registrar.sync import RELAXED, native
from stress.explore.performance import Performance
from stress.explore.scenario import Scenario, explored
from stress.program import Invocation, Program
from stress.verdict import Verdict
from tests.explore.programs import MEMORIES, failure

type Step = int | str
"""What is written to both words, or the name of a method that reads them."""
type Steps = tuple[tuple[Step, ...], ...]
"""What each thread does."""

READ: Final = "read"
TRY: Final = "try_read"


def sharing(subject: Callable[..., Any], program: Steps) -> Scenario:
    """Return the scenario of `program`, in which both words are always written alike.

    What a thread reads is whole, was written by someone or is the first value, and is not the
    first value any more once the thread has written or read another.
    """
    written = {0, *(step for own in program for step in own if isinstance(step, int))}

    def scenario(sync: Any) -> Any:
        words = subject(sync, 2)

        def thread(steps: tuple[Step, ...]) -> Callable[[], None]:
            def run() -> None:
                known = False
                for step in steps:
                    if isinstance(step, int):
                        words.write((step, step))
                        known = True
                        continue
                    values = getattr(words, step)()
                    if values is not None:
                        first, second = values
                        assert first == second, f"half of {first} and half of {second}"
                        assert first in written
                        assert first or not known, "older than what is known"
                        known = known or first != 0

            return run

        yield tuple(map(thread, program))

    return scenario


PROGRAMS: Final[dict[str, Steps]] = {
    "write, read": ((1,), (READ,)),
    "write, try": ((1,), (TRY,)),
    "write, try twice": ((1,), (TRY, TRY)),
    "write twice, read": ((1, 2), (READ,)),
    "two write, try": ((1,), (2,), (TRY,)),
    "write, two read": ((1,), (READ,), (READ,)),
    "both write and read": ((1, READ), (2, READ)),
}


@pytest.mark.parametrize(
    ("name", "executions", "weak"),
    [
        ("write, read", 11, 11),
        ("write, try", 11, 11),
        ("write, try twice", 26, 26),
        ("write twice, read", 46, 48),
        ("two write, try", 74, 78),
        ("write, two read", 121, 121),
        ("both write and read", 22, 22),
    ],
)
def test_seqlock_never_fails(name: str, executions: int, weak: int) -> None:
    """What is read is whole and not out of date (Q1, Q2), under every memory model."""
    for memory in MEMORIES:
        found = explored(sharing(Seqlock, PROGRAMS[name]), memory=memory)
        expected = weak if memory == "rc11" else executions

        assert (found.verdict, found.executions) == (Verdict.OK, expected)


STRONG: Final = {
    "no-recheck": "write, try",
    "odd-read": "write, try",
    "bumped-after": "write, try",
    "unlocked-writers": "two write, try",
}
"""Mutants that taking turns shows: by which program."""
WEAK: Final = (
    "no-release-fence",
    "no-acquire-fence",
    "acquiring-recheck",
    "relaxed-end",
    "relaxed-beginning",
)
"""Mutants that only weak memory shows."""


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", STRONG)
def test_explorer_finds_mutant(name: str, memory: str) -> None:
    """A fault in what is done lets half a write be read, under every memory model."""
    mutant = SeqlockModel.mutants[name]

    assert failure(sharing(mutant, PROGRAMS[STRONG[name]]), memory) == "assertion"


@pytest.mark.parametrize("name", WEAK)
def test_only_weak_memory_finds_mutant(name: str) -> None:
    """Without a fence, a release or an acquire half a write is read, but never under sc or tso."""
    mutant = SeqlockModel.mutants[name]

    assert failure(sharing(mutant, PROGRAMS["write, try"]), "rc11") == "assertion"
    for program in ("write, try", "write twice, read", "both write and read"):
        assert failure(sharing(mutant, PROGRAMS[program]), "sc") is None
        assert failure(sharing(mutant, PROGRAMS[program]), "tso") is None


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", SeqlockModel.equivalents)
def test_equivalent_never_fails(name: str, memory: str) -> None:
    """What differs and is right is not accused."""
    for program in ("write, try twice", "write twice, read", "both write and read"):
        assert failure(sharing(SeqlockModel.equivalents[name], PROGRAMS[program]), memory) is None


def test_every_mutant_has_program() -> None:
    """The tables above name every mutant of the model."""
    assert STRONG.keys() | set(WEAK) == SeqlockModel.mutants.keys()


# The model


def test_refusal_of_thread_alone_is_refused() -> None:
    """The model does not let a try be in vain where nobody writes."""

    class Timid(Seqlock):
        def try_read(self) -> None:
            return None

    write = Invocation("write", ((1, 2),))
    program = Program((Invocation("try_read", ()),), ((write,), (write,)))
    found = explored(Performance(SeqlockModel.of(Timid), program))

    assert found.failure is not None
    assert "try_read() = None cannot be placed" in found.failure.message


# One thread


@settings(max_examples=50)
@given(st.lists(st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=10))
def test_model_and_seqlock_agree_step_by_step(steps: list[tuple[int, int] | None]) -> None:
    """Called by one thread the seqlock answers as the model does, and never None."""
    model = SeqlockModel()
    words = model.make(native)
    for values in steps:
        if values is None:
            assert model.read() == words.read()
            assert model.try_read() == words.try_read()
        else:
            model.write(values)
            words.write(values)


def test_sequence_comes_round() -> None:
    """After the last sequence comes the first, and what is read is whole."""
    words = Seqlock(native)
    words._sequence.store(2**64 - 2, RELAXED)

    words.write((1, 2))

    assert (words._sequence.load(RELAXED), words.read()) == (0, (1, 2))


def test_seqlock_rejects_other_width() -> None:
    """A write of fewer words than there are is refused, and none is written."""
    words = Seqlock(native, 3)

    with pytest.raises(ValueError, match="2 values for 3 words"):
        words.write((1, 2))
    assert words.read() == (0, 0, 0)


# Real threads


@pytest.mark.threads
def test_real_threads_read_what_one_wrote() -> None:
    """Two readers beside two writers only ever read two equal words."""
    words = Seqlock(native)
    halves: list[tuple[int, ...]] = []

    def write() -> None:
        for number in range(300):
            words.write((number, number))

    def read() -> None:
        for _ in range(300):
            values = words.read()
            if values[0] != values[1]:
                halves.append(values)

    handles = [native.spawn(function) for function in (write, read, write, read)]
    for handle in handles:
        handle.join()

    assert halves == []
