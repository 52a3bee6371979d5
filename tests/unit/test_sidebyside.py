"""One thread drives a subject and its reference side by side, call by call."""

import sys
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from registrar.sync import RELAXED, Sync
from stress.model import Model, ModelError, invariant, operation
from stress.program import PREFIX, Earlier, Invocation
from stress.sidebyside import SideBySide
from tests.machines.prey import (
    Counter,
    CounterModel,
    LockModel,
    MissedThree,
    PairModel,
    Pile,
    PileModel,
    Slots,
    SlotsModel,
    StrictTriesModel,
    Tries,
    TriesModel,
)


def call(f: str, *arguments: Any) -> Invocation:
    """Return a call."""
    return Invocation(f, arguments)


def messages(model: type[Model[Any]], *calls: Invocation) -> list[str | None]:
    """Return what was said of each call."""
    pair = SideBySide(model)
    return [pair.step(each) for each in calls]


class Odd(Model[Any]):
    """Asks its subject for one thing, and expects None of it."""

    doing: ClassVar[Callable[..., Any]]
    shown: ClassVar[Callable[..., object]] = staticmethod(lambda *_: None)

    @operation(perform=lambda subject: subject(), then=lambda subject, *_: subject.then())
    def act(self) -> None:
        """Expect nothing."""


def odd(doing: Callable[[Sync], object], then: Callable[[], object] = list) -> str | None:
    """Return what is said of a subject whose only operation does this, and whose effect that."""

    class Subject:
        def __init__(self, sync: Sync) -> None:
            self._sync = sync

        def __call__(self) -> object:
            return doing(self._sync)

        def then(self) -> None:
            then()

    [said] = messages(Odd.of(Subject), call("act"))
    return said


def raising(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises `error`."""

    def act(*_: Any) -> None:
        raise error

    return act


# Call by call


def test_subject_that_agrees_is_left_alone() -> None:
    """Nothing is said of what the model permits."""
    assert messages(CounterModel, *[call("increment")] * 5) == [None] * 5
    assert messages(PairModel, call("both"), call("one"), call("both")) == [None] * 3


def test_difference_is_told() -> None:
    """What was observed, and what the model allows."""
    said = messages(CounterModel.of(MissedThree), *[call("increment")] * 3)

    assert said == [None, None, "increment()\n  observed  3\n  allowed   2"]


def test_calls_that_may_not_be_made_are_left_out() -> None:
    """What is forbidden, what would wait, and what refers to nothing, the subject never sees."""
    calls = [call("release"), call("acquire"), call("acquire"), call("release"), call("acquire")]
    assert messages(LockModel, *calls) == [None] * 5

    class Seen(Pile):
        def put(self, plate: int) -> None:
            assert plate in {1, 2, 3}
            super().put(plate)

    plates = [call("take") for _ in range(4)] + [call("put", Earlier(PREFIX, 3))]
    assert messages(PileModel.of(Seen), *plates) == [None] * 5


def test_references_are_to_results_of_the_subject() -> None:
    """What was returned before is handed in again."""
    calls = [call("take"), call("take"), call("put", Earlier(PREFIX, 0)), call("take")]

    assert messages(PileModel, *calls) == [None] * 4


def test_every_state_that_explains_what_was_seen_is_kept() -> None:
    """A choice is known by what follows from it, and may be known only later."""

    class Coin:
        def __init__(self, sync: Sync) -> None:
            assert sync is not None
            self.up = 3

        def throw(self) -> None: ...

        def look(self) -> int:
            return self.up

    class CoinModel(Model[Coin]):
        subject = Coin
        up: int = 0

        @operation
        def throw(self) -> None:
            self.up = self.choose((1, 2, 3))

        @operation
        def look(self) -> int:
            return self.up

    class Changing(Coin):
        def look(self) -> int:
            self.up -= 1
            return self.up + 1

    assert messages(CoinModel, call("throw"), call("look"), call("look")) == [None] * 3
    *_, last = messages(CoinModel.of(Changing), call("throw"), call("look"), call("look"))
    assert last == "look()\n  observed  2\n  allowed   3"
    assert messages(TriesModel, *[call("attempt")] * 3) == [None] * 3
    assert messages(SlotsModel, *[call("claim")] * 3) == [None] * 3

    class Third(Slots):
        def claim(self) -> int:
            return 2

    [said] = messages(SlotsModel.of(Third), call("claim"))
    assert said == "claim()\n  observed  2\n  allowed   0 or 1 or None"


class Refusing(Tries):
    """Refuses for no reason."""

    def attempt(self) -> int | None:
        """Do nothing."""
        return None


def test_choice_that_is_not_declared_is_a_difference() -> None:
    """A subject may choose only what the model leaves to it."""
    assert messages(TriesModel.of(Refusing), call("attempt")) == [None]
    assert messages(StrictTriesModel.of(Refusing), call("attempt")) == [
        "attempt()\n  observed  None\n  allowed   0"
    ]


@pytest.mark.parametrize(
    ("doing", "observed"),
    [
        (raising(KeyError("x")), "KeyError(\"'x'\")"),
        (raising(AssertionError("no")), "AssertionError('no')"),
        (lambda _: sys.exit(0), "ExitsError("),
        (lambda _: [1], "'[1]'"),
        (lambda _: object, "class 'object'"),
        (lambda sync: sync.condition(sync.lock()).wait(), "WaitsForEverError('it waits"),
        (lambda sync: [sync.pause() for _ in range(10**9)], "WaitsForEverError('it paused"),
        (lambda _: threading_is_missing, "NameError"),  # type: ignore[name-defined]  # noqa: F821
    ],
)
def test_whatever_the_subject_does_is_observed(doing: Any, observed: str) -> None:
    """An exception nobody declared, the end of the process, an endless wait: none gets away."""
    said = odd(doing)

    assert said is not None
    assert said.startswith("act()\n  observed  ")
    assert observed in said
    assert said.endswith("\n  allowed   None")


@pytest.mark.parametrize(
    ("then", "rule"),
    [
        (raising(AssertionError("not mapped")), "not mapped"),
        (raising(AssertionError()), "what follows a call fails"),
        (raising(IndexError("no page")), "IndexError: no page"),
    ],
)
def test_what_follows_a_call_may_fail(then: Callable[..., Any], rule: str) -> None:
    """The result was right, and what it promised does not hold."""
    assert odd(lambda _: None, then) == (
        f"act()\n  observed  None\n  allowed   None\n  rule      {rule}"
    )


def test_invariants_are_asked_after_every_call() -> None:
    """One that fails is named, with what it says; one that breaks is, too."""

    class Checked(CounterModel):
        limit: ClassVar[int] = 2

        @invariant
        def small(self, subject: Counter) -> None:
            assert subject._value.load(RELAXED) == self.value
            assert self.value <= self.limit, f"{self.value} is too much"

    class Broken(CounterModel):
        @invariant
        def known(self, subject: Any) -> None:
            assert subject.nosuch

    *fine, last = messages(Checked, *[call("increment")] * 3)
    assert fine == [None, None]
    assert last is not None
    assert last.startswith("increment()\n  observed  2\n  allowed   2\n  rule      small: 3 is too")
    [said] = messages(Broken, call("increment"))
    assert said is not None
    assert "rule      known: AttributeError: " in said


def test_subject_that_cannot_be_made_is_the_models_mistake() -> None:
    """The error says so, and what a subject is called with."""

    class Hungry(Counter):
        def __init__(self, sync: Sync) -> None:
            super().__init__(sync)
            raise OSError("no kernel")

    with pytest.raises(ModelError, match=r"(?s)its subject cannot be made: OSError: no kernel.*\n"):
        SideBySide(CounterModel.of(Hungry))
