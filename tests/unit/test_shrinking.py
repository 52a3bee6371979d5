"""What fails is made smaller call by call, and what refers to a call goes with it."""

import re
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings

from stress.drawing import programs
from stress.program import PREFIX, Earlier, Invocation, Program
from stress.shrinking import candidates, shrunk
from tests.machines.prey import PileModel


def call(text: str) -> Invocation:
    """Return a call: ``f``, or ``f@thread.place`` of the result of another."""
    f, _, earlier = text.partition("@")
    if not earlier:
        return Invocation(f, ())
    thread, _, place = earlier.partition(".")
    return Invocation(f, (Earlier(PREFIX if thread == "p" else int(thread), int(place)),))


def program(prefix: str, *threads: str) -> Program:
    """Return the program of these calls, which are parted by spaces."""
    lists = [tuple(map(call, own.split())) for own in (prefix, *threads)]
    return Program(lists[0], tuple(lists[1:]))


def smallest(start: Program, fails: Callable[[str], bool]) -> str:
    """Return what `start` shrinks to, where it fails by how it reads."""
    return str(shrunk(start, lambda each: fails(str(each))))


BIG = program("a b", "c d e", "f g h", "i")


def test_program_of_which_nothing_can_be_left_out_stays() -> None:
    """Where every smaller one passes, the program is the answer."""
    assert shrunk(BIG, lambda _: False) is BIG


def test_only_what_fails_is_left() -> None:
    """Threads and calls that make no difference are gone."""
    assert smallest(BIG, lambda shown: "d" in shown and "h" in shown) == "d(); h()"
    assert smallest(BIG, lambda shown: "‖" in shown and "h" in shown).count("(") == 2
    assert smallest(BIG, lambda shown: "a" in shown) == "a()"
    assert smallest(BIG, lambda _: True) == ""


def test_fewer_threads_come_before_fewer_calls() -> None:
    """What needs no thread of its own is moved to the prefix, in the order of its thread."""

    def fails(shown: str) -> bool:
        return all(each in shown for each in "cdefgh") and "‖" in shown

    assert smallest(BIG, fails) == "c(); d(); e(); f() ┃ h() ‖ g()"


def test_call_of_the_prefix_takes_the_place_of_another() -> None:
    """Where neither can simply go: a thread does what the prefix did, with one call less."""
    start = program("a", "b", "a put@p.0 put@1.0")
    wanted = "b() ‖ a(); a(); put(<result 0 of thread 1>)"

    assert smallest(start, lambda shown: shown in {str(start), wanted}) == wanted


def test_call_whose_result_others_use_stays_in_the_prefix() -> None:
    """A thread cannot use what another one got."""
    start = program("a", "put@p.0 c", "put@p.0 d")

    assert all("result 0 of prefix" in str(each) for each in candidates(start) if each.calls == 4
               and "put" in str(each))  # fmt: skip


def test_one_thread_is_no_thread() -> None:
    """What one thread does alone the main thread can do."""
    assert smallest(program("", "a b"), lambda shown: "a(); b()" in shown) == "a(); b()"
    assert shrunk(program("", "a b"), lambda each: each.calls == 2).threads == ()


def test_call_that_refers_goes_with_what_it_refers_to() -> None:
    """No reference is left to a call that is gone; the others are numbered anew."""
    start = program("a a", "x put@p.1", "put@p.0 a put@1.1")

    assert smallest(start, lambda shown: shown.count("put") == 3).count("a()") == 3
    only = shrunk(start, lambda each: "put" in str(each))
    assert only.calls == 2
    assert "result 0 of prefix" in str(only)


def test_references_follow_a_call_into_the_prefix() -> None:
    """A call whose result is used later can be moved there, and is still referred to."""
    start = program("", "a put@0.0", "b")
    moved = [str(each) for each in candidates(start)]

    assert "a() ┃ put(<result 0 of prefix>) ‖ b()" in moved
    assert "a(); put(<result 0 of prefix>) ┃ b()" in moved
    assert "put(<result 0 of thread 0>)" not in "".join(moved[:1])


def test_threads_are_numbered_anew() -> None:
    """References into a thread follow it when one before it goes."""
    start = program("", "x", "a put@1.0", "y")

    assert smallest(start, lambda shown: "put" in shown and "‖" in shown) in {
        "a(); put(<result 0 of thread 0>) ‖ y()",
        "x() ‖ a(); put(<result 0 of thread 1>)",
        "a() ┃ put(<result 0 of prefix>) ‖ y()",
        "a() ┃ x() ‖ put(<result 0 of prefix>)",
    }


def test_two_threads_become_one() -> None:
    """What needs two threads is told of two, in whatever order their calls have to come."""
    start = program("", "a put@0.0", "b", "c")

    def fails(shown: str) -> bool:
        return re.search(r"a.*b.*put.*‖ c", shown) is not None

    assert smallest(start, fails) == "a(); b() ┃ put(<result 0 of prefix>) ‖ c()"
    assert all(
        len(each.threads) == 2
        for each in candidates(start)
        if each.calls == 4 and ("a(); b(); put" in str(each))
    )


def test_case_is_kept() -> None:
    """Smaller programs are of the same case."""
    start = Program((), BIG.threads, "case")

    assert all(each.case == "case" for each in candidates(start))


@pytest.mark.slow
@given(programs(PileModel))
@settings(max_examples=50, phases=[Phase.generate])
def test_candidates_are_smaller_programs(start: Program) -> None:
    """Each is a program of the model, no larger, and less concurrent or of fewer calls."""
    for each in candidates(start):
        each.check(PileModel)
        at_once, before = (sum(map(len, own.threads)) for own in (each, start))

        assert each.calls <= start.calls
        assert (each.calls, at_once, len(each.threads)) < (start.calls, before, len(start.threads))
        assert all(each.threads)


@pytest.mark.slow
@given(programs(PileModel))
@settings(max_examples=30, phases=[Phase.generate])
def test_shrinking_comes_to_an_end(start: Program) -> None:
    """Whatever fails, in the end nothing smaller does."""

    def fails(each: Program) -> bool:
        return hash(str(each)) % 3 > 0

    end = shrunk(start, fails)

    assert not any(map(fails, candidates(end)))
