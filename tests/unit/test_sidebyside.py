"""One thread drives a subject and its reference side by side: by hand, and by Hypothesis."""

import sys
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from registrar.sync import ACQUIRE, RELAXED, RELEASE, Sync
from stress import machines, sequential
from stress.model import Model, ModelError, invariant, operation
from stress.program import PREFIX, Earlier, Invocation, ProgramError
from stress.sidebyside import SideBySide
from tests.machines.prey import (
    BlockedCounter,
    Counter,
    CounterModel,
    EndlessCounter,
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


# Hypothesis drives


def failure(model: type[Model[Any]], seed: int = 0) -> dict[str, Any]:
    """Return the smallest run of the machine of `model` that fails."""
    run = sequential.run(machines.sequential(model), 100, seed, lambda _: None)
    assert run.failure is not None
    return run.failure


def calls_of(saved: dict[str, Any]) -> list[str]:
    """Return the calls of a saved run, for reading."""
    return [f"{each['f']}({', '.join(map(str, each['arguments']))})" for each in saved["calls"]]


class Queue:
    """A queue of numbers that forgets the third."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync
        self.items: tuple[int, ...] = ()

    def put(self, item: int) -> None:
        """Put it last."""
        self.items = (*self.items, item)[:2] if item > 4 else (*self.items, item)

    def get(self) -> int | None:
        """Take the first."""
        found, self.items = next(iter(self.items), None), self.items[1:]
        return found


class QueueModel(Model[Queue]):
    """A queue."""

    subject = Queue
    items: tuple[int, ...] = ()

    @operation(item=st.integers(0, 100))
    def put(self, item: int) -> None:
        """Put it last."""
        self.items = (*self.items, item)

    @operation
    def get(self) -> int | None:
        """Take the first."""
        found, self.items = next(iter(self.items), None), self.items[1:]
        return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_machine_finds_the_smallest_run(seed: int) -> None:
    """As few calls as can be, with the smallest arguments."""
    assert calls_of(failure(CounterModel.of(MissedThree), seed)) == ["increment()"] * 3
    found = failure(QueueModel, seed)
    assert sorted(calls_of(found)) == ["get()", "get()", "get()", "put(0)", "put(0)", "put(5)"]
    assert found["message"].startswith("get()\n  observed  None\n  allowed   5")


class Untaken(Pile):
    """Loses a plate that was taken twice."""

    def put(self, plate: int) -> None:
        """Put it back, or, if it is the second, do not."""
        if plate != 2:
            super().put(plate)


@pytest.mark.slow
def test_machine_refers_to_results() -> None:
    """The smallest run hands in what another call returned."""
    found = calls_of(failure(PileModel.of(Untaken)))

    assert [each.replace("last", "take") for each in found] == [
        *("take()", "take()"),
        f"put({{'thread': {PREFIX}, 'place': 1}})",
        "take()",
    ]


@pytest.mark.slow
def test_machine_reports_what_waits_for_ever() -> None:
    """A wait that the model does not declare fails, and hangs nothing."""
    found = failure(CounterModel.of(EndlessCounter))

    assert calls_of(found) == ["increment()"] * 2
    assert "WaitsForEverError('it paused" in found["message"]


@pytest.mark.slow
def test_machine_finds_nothing_in_a_correct_subject() -> None:
    """What is right passes, whatever it is made of."""
    for model in (LockModel, PileModel, SlotsModel):
        run = sequential.run(machines.sequential(model), 0.1, 0, lambda _: None)

        assert run.failure is None
        assert run.examples >= 100


@pytest.mark.slow
def test_machine_does_the_same_for_the_same_seed() -> None:
    """Twice the same search, and the same failure; `rerun` comes to it again."""
    first, second = failure(QueueModel, 7), failure(QueueModel, 7)

    assert first == second
    assert machines.rerun(QueueModel, first) == first["message"]


class Mended(Queue):
    """A queue that forgets nothing."""

    def put(self, item: int) -> None:
        """Put it last."""
        self.items = (*self.items, item)


@pytest.mark.slow
def test_rerun_of_what_was_mended_finds_nothing() -> None:
    """The same calls, which no longer fail."""
    assert machines.rerun(QueueModel.of(Mended), failure(QueueModel)) is None


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"calls": None},
        {"calls": "put"},
        {"calls": [{"f": "put"}]},
        {"calls": [{"f": "put", "arguments": []}]},
        {"calls": [{"f": "nosuch", "arguments": []}]},
        {"calls": [7]},
    ],
)
def test_rerun_refuses_a_damaged_run(saved: dict[str, Any]) -> None:
    """What is no run of this machine is told apart from one that passes."""
    with pytest.raises(ProgramError):
        machines.rerun(QueueModel, saved)


def test_case_is_saved_with_the_run() -> None:
    """A run that fails in one case alone fails in it again."""

    class Sized(CounterModel):
        cases: ClassVar = st.integers(0, 3)

        @operation
        def increment(self) -> int:
            self.value += 1
            return self.value - int(self.case != 2)

    found = failure(Sized)

    assert found["case"] == 2
    assert machines.rerun(Sized, found) == found["message"]
    assert machines.rerun(Sized, found | {"case": 1}) is None


class Transaction:
    """Has methods that are called like those of the machine."""

    def __init__(self, sync: Sync) -> None:
        self._word = sync.word(0)

    def begin(self) -> int:
        """Begin one."""
        return self._word.fetch_add(1, RELEASE)

    def call(self) -> int:
        """Return how many there are."""
        return self._word.load(ACQUIRE)

    again = strategy = teardown = check_invariants = bundle = call


class TransactionModel(Model[Transaction]):
    """Transactions: a name of an operation is nobody else's business."""

    subject = Transaction
    count: int = 0

    @operation
    def begin(self) -> int:
        """Begin one."""
        self.count += 1
        return self.count - 1

    @operation
    def call(self) -> int:
        """Return how many there are."""
        return self.count

    @operation
    def again(self) -> int:
        """Return how many there are."""
        return self.count

    @operation
    def strategy(self) -> int:
        """Return how many there are."""
        return self.count

    @operation
    def teardown(self) -> int:
        """Return how many there are."""
        return self.count - (self.count > 2)

    @operation
    def check_invariants(self) -> int:
        """Return how many there are."""
        return self.count


@pytest.mark.slow
def test_operations_may_be_called_like_methods_of_the_machine() -> None:
    """They are called, and what is wrong with them is found."""
    found = failure(TransactionModel)

    assert calls_of(found) == ["begin()"] * 3 + ["teardown()"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "why"),
    [
        (lambda _: 3, "what value is drawn from is 3"),
        (st.just([1]), r"value was drawn as \[1\]"),
        (st.just(0), r"Wrong\.other\(0\) returned \[0\]"),
        (st.just(1) | st.just([1]), r"was drawn as \[1\]|Wrong\.other\(1\) returned"),
    ],
)
def test_machine_reports_what_is_wrong_with_the_model(given: Any, why: str) -> None:
    """An error of the model is one, and no failure of the subject."""

    class Wrong(Model[Any]):
        subject = Queue

        @operation(perform=lambda *_: None, value=given)
        def other(self, value: Any) -> Any:
            return [value]

    with pytest.raises(ModelError, match=why):
        sequential.run(machines.sequential(Wrong), 10, 0, lambda _: None)


class Deaf(Counter):
    """Waits in Python, where no `Sync` sees it."""

    def increment(self) -> int:
        """Add one, or loop."""
        found = super().increment()
        while found > 1:
            """Spin."""
        return found


@pytest.mark.slow
@pytest.mark.parametrize(("subject", "calls"), [(BlockedCounter, 2), (Deaf, 3)])
def test_wait_that_no_sync_sees_is_found(
    monkeypatch: pytest.MonkeyPatch, subject: Any, calls: int
) -> None:
    """An event of the interpreter's own, and a loop: the watchdog says where, and nothing hangs."""
    monkeypatch.setattr(machines, "PATIENCE", 1.0)
    model = CounterModel.of(subject)
    found = failure(model)

    assert len(found["calls"]) >= calls
    assert found["message"].startswith("increment()\n  observed  no end: No step for 1 s")
    assert "in 'increment'" in found["message"]
    assert "No step for 1 s" in str(machines.rerun(model, found))
