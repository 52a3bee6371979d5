"""The sequential machine: Hypothesis makes the calls, and the smallest run that fails is left."""

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from registrar.sync import ACQUIRE, RELEASE, Sync
from stress import machines, sequential
from stress.model import Model, ModelError, operation
from stress.program import PREFIX, ProgramError
from stress.verdict import NoVerdictError
from tests.machines.prey import (
    BlockedCounter,
    Counter,
    CounterModel,
    EndlessCounter,
    LockModel,
    MissedThree,
    Pile,
    PileModel,
    SlotsModel,
)


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


def test_rerun_of_what_was_mended_finds_nothing() -> None:
    """The same calls, which no longer fail."""
    puts = [{"f": "put", "arguments": [item]} for item in (0, 0, 5)]
    saved = {"calls": puts + [{"f": "get", "arguments": []}] * 3}

    assert machines.rerun(QueueModel, saved) == "get()\n  observed  None\n  allowed   5"
    assert machines.rerun(QueueModel.of(Mended), saved) is None


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


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (AssertionError("no such number"), "cannot draw its calls: AssertionError: no such number"),
        (ZeroDivisionError("by it"), "cannot draw its calls: ZeroDivisionError: by it"),
    ],
)
def test_strategy_that_fails_is_no_pass(error: Exception, why: str) -> None:
    """What prevents calls from being drawn is told: nothing was tried, so nothing is in order."""

    def failing(number: int) -> int:
        if number > 3:
            raise error
        return number

    class Numbers(Model[Any]):
        subject = Queue

        @operation(perform=lambda *_: None, number=st.integers(0, 9).map(failing))
        def other(self, number: int) -> None: ...

    with pytest.raises(NoVerdictError, match=rf"NumbersMachine {why}\.\n.*\.example\(\)"):
        sequential.run(machines.sequential(Numbers), 10, 0, lambda _: None)


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


@pytest.mark.slow
def test_wait_is_no_exception_that_the_model_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever counts as a result, the watchdog's error does not, and is met once."""
    monkeypatch.setattr(machines, "PATIENCE", 0.5)

    class Lenient(CounterModel):
        @operation(raises=(RuntimeError,))
        def increment(self) -> int:
            self.value += 1
            return self.value - 1

    assert "no end: No step" in failure(Lenient.of(BlockedCounter))["message"]
