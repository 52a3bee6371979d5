"""The ticket lock: explored by hand-written programs, held against its model, run for real."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ticket_lock import TicketLock, TicketLockModel, bump
from registrar.sync import RELAXED, native
from stress.explore.scenario import Scenario, explored
from stress.verdict import Verdict
from tests.explore.programs import MEMORIES, failure


def bumping(subject: Callable[..., Any], *rounds: int) -> Scenario:
    """Return the scenario in which each thread adds one under the lock, so many times."""

    def scenario(sync: Any) -> Any:
        lock = subject(sync, 0)

        def thread(count: int) -> Callable[[], None]:
            def run() -> None:
                for _ in range(count):
                    with lock:
                        bump(lock)

            return run

        yield tuple(map(thread, rounds))
        assert lock.content.read() == sum(rounds)

    return scenario


@pytest.mark.parametrize(
    ("rounds", "memory", "executions"),
    [
        ((1, 1), "sc", 4),
        ((1, 1), "tso", 4),
        ((1, 1), "rc11", 4),
        ((2, 1), "sc", 8),
        ((2, 1), "tso", 8),
        ((2, 1), "rc11", 9),
        ((1, 1, 1), "sc", 36),
        ((1, 1, 1), "tso", 36),
        ((1, 1, 1), "rc11", 36),
    ],
)
def test_lock_never_fails(rounds: tuple[int, ...], memory: str, executions: int) -> None:
    """No addition is lost, and nobody waits for ever."""
    found = explored(bumping(TicketLock, *rounds), memory=memory)

    assert (found.verdict, found.executions) == (Verdict.OK, executions)


@pytest.mark.parametrize("memory", MEMORIES)
def test_lock_serves_in_order_of_tickets(memory: str) -> None:
    """Who drew a ticket while the lock was taken gets it before who drew one later (K2)."""

    def scenario(sync: Any) -> Any:
        lock = TicketLock(sync, 0)
        order: list[int] = []

        def after(tickets: int) -> None:
            while lock._tickets.load(RELAXED) != tickets:
                sync.pause()

        def thread(ticket: int) -> Callable[[], None]:
            def run() -> None:
                after(ticket)
                with lock:
                    order.append(ticket)

            return run

        def owner() -> None:
            after(3)
            lock.release()

        lock.acquire()
        yield owner, thread(1), thread(2)
        assert order == [1, 2]

    assert failure(scenario, memory) is None


STRONG: Final = {
    "stored-ticket": "livelock",
    "asked-once": "race",
    "forgotten-waiters": "livelock",
}
"""Mutants that taking turns shows: as what."""
WEAK: Final = ("relaxed-release", "relaxed-await", "acquiring-ticket")
"""Mutants that only weak memory shows."""


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", STRONG)
def test_explorer_finds_mutant(name: str, memory: str) -> None:
    """A fault in what is done shows under every memory model, with two threads."""
    assert failure(bumping(TicketLockModel.mutants[name], 1, 1), memory) == STRONG[name]


@pytest.mark.parametrize("name", WEAK)
def test_only_weak_memory_finds_mutant(name: str) -> None:
    """Without a release or an acquire the content races, and nothing shows it under sc or tso."""
    mutant = TicketLockModel.mutants[name]

    assert failure(bumping(mutant, 1, 1), "rc11") == "race"
    for rounds in ((1, 1), (2, 1), (1, 1, 1)):
        assert failure(bumping(mutant, *rounds), "sc") is None
        assert failure(bumping(mutant, *rounds), "tso") is None


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", TicketLockModel.equivalents)
def test_equivalent_never_fails(name: str, memory: str) -> None:
    """What differs and is right is not accused."""
    for rounds in ((1, 1), (2, 1), (1, 1, 1)):
        assert failure(bumping(TicketLockModel.equivalents[name], *rounds), memory) is None


def test_every_mutant_has_program() -> None:
    """The tables above name every mutant of the model."""
    assert STRONG.keys() | set(WEAK) == TicketLockModel.mutants.keys()


# One thread


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["acquire", "release", "bump"]), max_size=20))
def test_model_and_lock_agree_step_by_step(names: list[str]) -> None:
    """Called by one thread, as the model permits, the lock never waits and counts as it does."""
    model = TicketLockModel()
    lock = model.make(native)
    operations = {each.name: each for each in model.operations()}
    for name in names:
        if (name == "acquire") == (model.owner is None):
            expected = getattr(model, name)()
            assert operations[name].call(lock, ()) == expected


def test_tickets_come_round() -> None:
    """After ticket 2**64 - 1 comes ticket 0."""
    lock = TicketLock(native, "content")
    for word in (lock._tickets, lock._serving):
        word.store(2**64 - 1, RELAXED)

    for _ in range(2):
        with lock:
            assert lock.content.read() == "content"
    assert lock._serving.load(RELAXED) == 1


# Real threads


@pytest.mark.threads
def test_real_threads_lose_no_addition() -> None:
    """Three threads that each add one under the lock add up."""
    lock = TicketLock[int](native, 0)

    def thread() -> None:
        for _ in range(100):
            with lock:
                bump(lock)

    handles = [native.spawn(thread) for _ in range(3)]
    for handle in handles:
        handle.join()

    assert lock.content.read() == 300
