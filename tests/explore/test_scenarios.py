"""Scenarios that misbehave, and searches that draw: the explorer stays honest about both."""

from collections.abc import Callable
from typing import Any

import pytest

from registrar.sync import ACQUIRE, RELAXED, RELEASE, SEQ_CST
from stress.explore.exploration import Bounds
from stress.explore.explorer import Search
from stress.explore.machine import NondeterminismError
from stress.explore.scenario import explored
from stress.verdict import Verdict
from tests.explore.programs import (
    abba,
    failure,
    message_passing,
    spin_lock,
    store_buffering,
    waiting,
)

# The program misbehaves


def test_state_kept_between_executions_is_reported() -> None:
    """A program that does not repeat itself is nondeterministic, and both steps are named."""
    kept: list[int] = []

    def scenario(sync: Any) -> Any:
        word = sync.word()
        kept.append(0)
        return lambda: word.store(len(kept), RELAXED), lambda: word.load(RELAXED)

    with pytest.raises(NondeterminismError, match=r"was store .*\d.* and is now store .*\d"):
        explored(scenario)


def test_failure_swallowed_in_thread_is_still_nondeterminism() -> None:
    """Code that catches every Exception does not hide that it does not repeat itself."""
    kept: list[int] = []

    def scenario(sync: Any) -> Any:
        word = sync.word()
        kept.append(0)

        def thread() -> None:
            try:
                word.store(len(kept), RELAXED)
                word.load(RELAXED)
            except Exception:  # noqa: BLE001
                word.load(RELAXED)

        return thread, lambda: word.load(RELAXED)

    with pytest.raises(NondeterminismError):
        explored(scenario)


def test_abandoned_thread_takes_no_step() -> None:
    """A finally block of a thread that an execution leaves behind cannot take a step."""

    def scenario(sync: Any) -> Any:
        one, other = sync.lock(), sync.lock()
        word = sync.word()

        def thread(first: Any, second: Any) -> Callable[[], None]:
            def run() -> None:
                try:
                    with first, second:
                        pass
                finally:
                    word.store(1, RELAXED)

            return run

        return thread(one, other), thread(other, one)

    for _ in range(2):
        assert failure(scenario) == "deadlock"


def test_many_threads_are_explored() -> None:
    """Nine threads and the main one are more than the machine is first made for."""

    def scenario(sync: Any) -> Any:
        word = sync.word()
        yield (lambda: word.load(RELAXED),) * 9

    found = explored(scenario)

    assert (found.verdict, found.executions) == (Verdict.OK, 1)


def test_locations_made_by_threads_are_their_own() -> None:
    """A word that a thread makes while it runs, and hands over, is a location like any other."""

    def scenario(sync: Any) -> Any:
        slot, ready = sync.cell(None), sync.word()

        def maker() -> None:
            word = sync.word(7)
            word.fetch_add(1, RELAXED)
            slot.write(word)
            ready.store(1, RELEASE)

        def user() -> None:
            if ready.load(ACQUIRE):
                assert slot.read().fetch_add(1, RELAXED) == 8

        return maker, user

    found = explored(scenario)

    assert (found.verdict, found.executions) == (Verdict.OK, 2)


def test_objects_in_cells_belong_to_their_execution() -> None:
    """What is read from a cell is the object that this execution wrote, not one of an earlier."""

    def scenario(sync: Any) -> Any:
        slot, lock = sync.cell(None), sync.lock()
        mine = object()

        def writer() -> None:
            with lock:
                slot.write(mine)

        def reader() -> None:
            with lock:
                assert slot.read() in (None, mine)

        return writer, reader, reader

    assert failure(scenario) is None


# Searches that sample


@pytest.mark.parametrize("search", ["random", "pct"])
def test_sampling_finds_bugs(search: str) -> None:
    """Random walks and PCT find a race, a lost update, a deadlock and a lost wake-up."""
    for scenario, kind in [
        (message_passing(RELAXED), "race"),
        (store_buffering(RELAXED, RELAXED), "assertion"),
        (abba, "deadlock"),
        (waiting(recheck=False), "lost wake-up"),
    ]:
        assert failure(scenario, search=Search(search, 1), bounds=Bounds(500)) == kind


@pytest.mark.parametrize("search", ["random", "pct"])
def test_sampling_accuses_no_correct_program(search: str) -> None:
    """What is drawn is consistent: a correct program never fails."""
    for scenario in (message_passing(), store_buffering(SEQ_CST, SEQ_CST), spin_lock(3)):
        assert failure(scenario, search=Search(search, 1), bounds=Bounds(300)) is None
