"""The built-in sequential specifications: what they accept, what they refuse, what is open."""

from random import Random
from typing import Any

import pytest

from stress.history import Outcome, Span
from stress.judge.builtin import SPECIFICATIONS
from stress.judge.monitors import MONITORS
from stress.judge.values import Truth
from stress.judge.vocabulary import VOCABULARIES
from tests.judge.histories import CERTAIN, SUBJECTS, legal


def call(f: str, *arguments: Any, result: Any = None, outcome: Outcome = "ok") -> Span:
    """Return a call at some time."""
    return Span(0, f, arguments, 0, 1, outcome, result)


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_specification_accepts_what_plain_python_returns(name: str) -> None:
    """The calls of one thread on a plain Python object are legal, one after the other."""
    for seed in range(20):
        for few in (None, 3):
            state = SPECIFICATIONS[name].initial()
            for each in legal(name, Random(seed), calls=50, processes=1, few=few):
                (state,) = SPECIFICATIONS[name].step(state, each)


@pytest.mark.parametrize("name", sorted(set(SPECIFICATIONS) - {"mutex"}))
def test_specification_refuses_other_results(name: str) -> None:
    """What a plain Python object does not return has no place there."""
    specification, state = SPECIFICATIONS[name], SPECIFICATIONS[name].initial()
    refused = 0
    history = legal(name, Random(1), calls=60, processes=1, few=3)
    for each in history:
        for other in history:
            tells = each.f not in CERTAIN and not (name == "counter" and each.f == "add")
            if tells and each.outcome == "ok" and other.result != each.result:
                assert not specification.step(state, each._replace(result=other.result))
                refused += 1
        (state,) = specification.step(state, each)
    assert refused > 20


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_open_call_has_any_result(name: str) -> None:
    """An open call has the effect of one that returned, wherever that has a place."""
    specification, state = SPECIFICATIONS[name], SPECIFICATIONS[name].initial()
    for each in legal(name, Random(2), calls=60, processes=1, few=3):
        after = specification.step(state, each)
        left_open = each._replace(outcome="info", result=None)
        if each.outcome == "ok":
            assert specification.step(state, left_open) == after
        (state,) = after


def test_mutex_waits_and_knows_no_owner() -> None:
    """It is acquired when free and released when held, by whomever."""
    mutex = SPECIFICATIONS["mutex"]

    (held,) = mutex.step(mutex.initial(), call("acquire"))

    assert not mutex.step(held, call("acquire"))
    assert not mutex.step(held, call("acquire", outcome="info"))
    assert mutex.step(held, call("release")._replace(process=7)) == (mutex.initial(),)
    assert not mutex.step(mutex.initial(), call("release"))


def test_failed_cas_saw_another_value() -> None:
    """It leaves the register as it is, and has no place where it would have succeeded."""
    register = SPECIFICATIONS["cas-register"]
    failed = call("cas", 1, 2, outcome="fail")

    assert register.step(3, failed) == (3,)
    assert not register.step(1, failed)


def test_open_cas_may_fail() -> None:
    """It changes the register only where that holds the old value."""
    register = SPECIFICATIONS["cas-register"]

    assert register.step(1, call("cas", 1, 2, outcome="info")) == (2,)
    assert register.step(3, call("cas", 1, 2, outcome="info")) == (3,)


def test_truth_is_not_one() -> None:
    """JSON's true and 1 are two elements of a set; 1 and 1.0 are one."""
    elements = SPECIFICATIONS["set"]
    (one,) = elements.step(elements.initial(), call("add", 1, result=(1, True)))

    assert not elements.step(one, call("contains", Truth.TRUE, result=(Truth.TRUE, True)))
    assert elements.step(one, call("contains", 1.0, result=(1.0, True)))


def test_nothing_is_appended_to_what_is_no_text() -> None:
    """After a number was put, an append has no place."""
    texts = SPECIFICATIONS["kv"]
    (number,) = texts.step(texts.initial(), call("put", "k", 5, result=5))

    assert not texts.step(number, call("append", "k", "x", result="x"))
    assert texts.step(number, call("append", "other", "x", result="x"))


@pytest.mark.parametrize("name", sorted(set(SPECIFICATIONS) - {"cas-register"}))
def test_no_other_operation_fails(name: str) -> None:
    """A call that raised has no place, whatever the state."""
    specification, state = SPECIFICATIONS[name], SPECIFICATIONS[name].initial()
    for each in legal(name, Random(3), calls=20, processes=1, few=3):
        assert not specification.step(state, each._replace(outcome="fail"))
        (state,) = specification.step(state, each)


def test_tables_name_the_same_specifications() -> None:
    """What can be judged can be read and drawn, and every monitor belongs to a specification."""
    assert list(SPECIFICATIONS) == list(VOCABULARIES) == list(SUBJECTS)
    assert {each.datatype for each in SPECIFICATIONS.values()} == {None, *MONITORS}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_vocabulary_has_the_operations_of_its_specification(name: str) -> None:
    """The operations that are drawn are those that are read, and monitors know some of them."""
    drawn = {each.f for each in legal(name, Random(4), calls=200, processes=2)}

    assert drawn == set(VOCABULARIES[name]())
    assert SPECIFICATIONS[name].monitored <= drawn
