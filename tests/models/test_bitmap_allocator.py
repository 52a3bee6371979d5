"""The bitmap allocator: explored by hand-written programs, held against its model, run for real."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bitmap_allocator import SLOTS, BitmapAllocator, BitmapAllocatorModel, use
from registrar.sync import native
from stress.explore.performance import Performance
from stress.explore.scenario import Scenario, explored
from stress.orders import weakenings
from stress.verdict import Verdict
from tests.explore.programs import MEMORIES, failure

CLAIM: Final = "claim"
type Step = str | int
"""A claim, or the release of a slot."""
type Program = tuple[tuple[Step, ...], ...]
"""What the main thread does first, and then what each thread does."""

TURNS: Final[Program] = ((), (CLAIM, 0), (CLAIM, 0))
"""Two threads claim a slot and release slot 0, if that is what they got."""
REPLACED: Final[Program] = ((CLAIM, CLAIM, 0), (CLAIM, CLAIM), (1,))
"""One thread claims two slots while another releases its own in the same word."""
SECOND_WORD: Final[Program] = ((CLAIM, CLAIM), (CLAIM,), (0,))
"""The first word is full, and a slot of it is released meanwhile."""
EXCHANGED: Final[Program] = ((CLAIM, CLAIM, CLAIM), (0, CLAIM), (2, CLAIM))
"""Two threads release a slot each, and then claim one: two at most are owned when they do."""
SCATTERED: Final[Program] = ((CLAIM, CLAIM, CLAIM, 0), (2, CLAIM), (CLAIM,))
"""One thread releases and claims, another claims: two at most are owned when they do."""
THREE: Final[Program] = ((), (CLAIM, 0), (CLAIM,), (CLAIM,))
"""Three threads claim a slot each, and the first releases slot 0, if that is what it got."""


def allocating(subject: Callable[..., Any], program: Program) -> Scenario:
    """Return the scenario of `program`, in which no claim may be refused: a slot is always free.

    Who owns a slot uses its record.  A thread releases a slot only if it owns it; what the main
    thread claimed belongs to whichever thread releases it.
    """

    def scenario(sync: Any) -> Any:
        records = subject(sync, slots=SLOTS, slots_per_word=2)
        shared = set[int]()

        def thread(steps: tuple[Step, ...], owned: set[int]) -> Callable[[], None]:
            def run() -> None:
                for step in steps:
                    if isinstance(step, str):
                        slot = records.claim()
                        assert slot is not None, "refused, although a slot is free"
                        assert slot not in owned, f"slot {slot} twice"
                        use(records, (), slot)
                        owned.add(slot)
                    elif step in owned or step in shared:
                        records.release(step)
                        owned.discard(step)

            return run

        prefix, *threads = program
        thread(prefix, shared)()
        yield tuple(thread(steps, set()) for steps in threads)

    return scenario


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(
    ("program", "executions"),
    [(TURNS, 12), (REPLACED, 4), (SECOND_WORD, 2), (EXCHANGED, 5), (SCATTERED, 4), (THREE, 134)],
    ids=["turns", "replaced", "second-word", "exchanged", "scattered", "three"],
)
def test_allocator_never_fails(program: Program, executions: int, memory: str) -> None:
    """A slot has one owner, who sees what the last one wrote, and no claim is refused in vain."""
    found = explored(allocating(BitmapAllocator, program), memory=memory)

    assert (found.verdict, found.executions) == (Verdict.OK, executions)


STRONG: Final[dict[str, tuple[Program, str]]] = {
    "ignored-old-value": (TURNS, "race"),
    "stored-release": (REPLACED, "assertion"),
    "round-robin": (SCATTERED, "assertion"),
    "first-word-only": (SECOND_WORD, "assertion"),
}
"""Mutants that taking turns shows: by which program, as what."""
WEAK: Final[dict[str, tuple[Program, str]]] = {
    "relaxed-release": (TURNS, "race"),
    "relaxed-claim": (TURNS, "race"),
    "unpublished-claim": (EXCHANGED, "assertion"),
    "relaxed-scan": (EXCHANGED, "assertion"),
}
"""Mutants that only weak memory shows."""


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", STRONG)
def test_explorer_finds_mutant(name: str, memory: str) -> None:
    """A fault in what is done shows under every memory model."""
    program, kind = STRONG[name]

    assert failure(allocating(BitmapAllocatorModel.mutants[name], program), memory) == kind


@pytest.mark.parametrize("name", WEAK)
def test_only_weak_memory_finds_mutant(name: str) -> None:
    """A fault in an order shows under rc11, and in no program here under sc or tso."""
    program, kind = WEAK[name]
    mutant = BitmapAllocatorModel.mutants[name]

    assert failure(allocating(mutant, program), "rc11") == kind
    for other in (TURNS, REPLACED, SECOND_WORD, EXCHANGED, SCATTERED):
        assert failure(allocating(mutant, other), "sc") is None
        assert failure(allocating(mutant, other), "tso") is None


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", BitmapAllocatorModel.equivalents)
def test_equivalent_never_fails(name: str, memory: str) -> None:
    """What differs and is right is not accused."""
    for program in (TURNS, REPLACED, SECOND_WORD, EXCHANGED, SCATTERED):
        equivalent = BitmapAllocatorModel.equivalents[name]
        assert failure(allocating(equivalent, program), memory) is None


def test_every_mutant_has_program() -> None:
    """The tables above name every mutant of the model."""
    assert STRONG.keys() | WEAK.keys() == BitmapAllocatorModel.mutants.keys()


# The model

SHOWN: Final = {
    "turns": ["relaxed-release", "relaxed-claim"],
    "refused-meanwhile": ["unpublished-claim", "relaxed-scan"],
    "always-one-free": ["stored-release", "round-robin"],
}
"""What each of the model's own programs is there to show."""


@pytest.mark.parametrize(
    ("program", "mutant"), [(program, mutant) for program in SHOWN for mutant in SHOWN[program]]
)
def test_program_of_model_shows_mutant(program: str, mutant: str) -> None:
    """The programs that the explorer visits first, and that orders are weakened in, show faults."""
    model = BitmapAllocatorModel.of(BitmapAllocatorModel.mutants[mutant])

    assert failure(Performance(model, model.programs[program])) is not None


@pytest.mark.parametrize("program", BitmapAllocatorModel.programs)
def test_program_of_model_passes(program: str) -> None:
    """The allocator as it is fails in none of them."""
    assert (
        failure(Performance(BitmapAllocatorModel, BitmapAllocatorModel.programs[program])) is None
    )


def test_orders_find_every_order_load_bearing() -> None:
    """None of the orders can be weaker, that of the release included."""
    scenarios = {
        name: Performance(BitmapAllocatorModel, program)
        for name, program in BitmapAllocatorModel.programs.items()
    }

    assert [each.load_bearing for each in weakenings(scenarios)] == [True] * 3


# One thread


@settings(max_examples=50)
@given(st.lists(st.none() | st.integers(0, SLOTS - 1), max_size=20))
def test_model_and_allocator_agree_step_by_step(steps: list[int | None]) -> None:
    """Called by one thread the allocator answers as the model does: the lowest slot, or None."""
    model = BitmapAllocatorModel()
    records = model.make(native)
    for slot in steps:
        if slot is None:
            assert model.claim() == records.claim()
        elif slot in model.owned:
            model.release(slot)
            records.release(slot)


def test_claim_spans_words() -> None:
    """A hundred slots are claimed in order, and the one that is released comes next."""
    records = BitmapAllocator(native, slots=100)

    assert [records.claim() for _ in range(101)] == [*range(100), None]
    records.release(77)
    assert (records.claim(), records.claim()) == (77, None)


@pytest.mark.parametrize(("slots", "slots_per_word"), [(-1, 1), (1, 0), (1, 65)])
def test_allocator_rejects_impossible_sizes(slots: int, slots_per_word: int) -> None:
    """No bitmap has fewer than no slots, or words of other than 1 to 64."""
    with pytest.raises(ValueError, match="to a word"):
        BitmapAllocator(native, slots=slots, slots_per_word=slots_per_word)


def test_allocator_without_slots_refuses() -> None:
    """Of no slots none is free."""
    assert BitmapAllocator(native, slots=0).claim() is None


# Real threads


@pytest.mark.threads
def test_real_threads_exclude_each_other() -> None:
    """Four threads that share three slots never find another's mark in their record."""
    records = BitmapAllocator(native, slots=SLOTS, slots_per_word=2)
    claims = [0] * 4

    def thread(number: int) -> None:
        for _ in range(300):
            slot = records.claim()
            use(records, (), slot)
            if slot is not None:
                claims[number] += 1
                records.release(slot)

    handles = [native.spawn(partial(thread, number)) for number in range(4)]
    for handle in handles:
        handle.join()

    assert sum(record.read() for record in records.records) == sum(claims)
