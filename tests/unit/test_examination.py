"""What is wrong with a model is said before anything runs, in the model's words."""

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from registrar.sync import Sync
from stress import examination
from stress.examination import examine
from stress.model import Model, ModelError, operation, result_of
from stress.program import Invocation, Program
from stress.reference import Reference
from tests.machines.prey import (
    AccountsModel,
    CounterModel,
    HandoverModel,
    LockModel,
    MailboxModel,
    PairModel,
    PileModel,
    SlotsModel,
    TriesModel,
)

pytestmark = pytest.mark.slow
ACQUIRE, RELEASE = Invocation("acquire", ()), Invocation("release", ())


class Subject:
    """Does what it is asked."""

    def __init__(self, sync: Sync) -> None:
        self._sync = sync

    def act(self, value: Any = None) -> Any:
        """Return it."""
        return value

    def rest(self) -> None:
        """Do nothing."""


def examined(*, given: Any = None, **attributes: Any) -> None:
    """Examine a model of one operation, whose argument is drawn from `given`."""

    class Odd(Model[Any]):
        subject = Subject
        state: Any = 0

        @operation(value=st.none() if given is None else given)
        def act(self, value: Any) -> Any:
            return value

    examine(type("Odd", (Odd,), attributes))


@pytest.mark.parametrize(
    "model",
    [
        *(CounterModel, LockModel, MailboxModel, AccountsModel, PileModel, SlotsModel, PairModel),
        *(TriesModel, HandoverModel),
    ],
)
def test_sound_model_passes(model: type[Model[Any]]) -> None:
    """Nothing is wrong with it."""
    examine(model)


def test_model_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found in order is not looked at again; what was not, is."""

    class Plain(CounterModel):
        """A counter like the other."""

    examine(Plain)
    monkeypatch.setattr(examination, "drawn", None)
    examine(Plain)
    for _ in range(2):
        with pytest.raises(ModelError, match="has no operations"):
            examine(type("Idle", (Model,), {}))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (st.nothing(), r"Odd\.act: value cannot be drawn from nothing\(\): .*\n  It never fits"),
        (st.integers().filter(lambda _: False), r"Odd\.act: value cannot be drawn from integers"),
        (st.integers(3, 1), r"Odd\.act: value cannot be drawn from .*InvalidArgument"),
        (st.sampled_from([]), r"Odd\.act: value cannot be drawn from .*\n  It never fits"),
        (st.none().map(lambda _: 1 // 0), "value cannot be drawn .*ZeroDivisionError"),
        (lambda _: st.nothing(), r"Odd\.act: value cannot be drawn from nothing"),
        ("abc", r"Odd\.act: what value is drawn from is 'abc'\.\n  It is a Hypothesis strategy"),
        (lambda model: model.nosuch, "what value is drawn from is not known.*AttributeError"),
        (st.lists(st.none()), r"Odd\.act: value was drawn as \[.*\n  Arguments are saved"),
    ],
)
def test_impossible_strategy_is_named(given: Any, why: str) -> None:
    """Which operation, which argument, and what to try."""
    with pytest.raises(ModelError, match=rf"(?s){why}"):
        examined(given=given)


def test_strategy_that_fails_late_is_told() -> None:
    """One that only sometimes fails is met when programs are drawn."""
    given = st.integers(0, 3).map(lambda number: 1 // (number != 3))

    with pytest.raises(ModelError, match=r"no program can be drawn for Odd: ZeroDivisionError"):
        examined(given=given)


def test_impossible_cases_are_named() -> None:
    """A case of which there is none."""
    with pytest.raises(ModelError, match=r"Odd: its cases cannot be drawn from nothing\(\)"):
        examined(cases=st.nothing())
    with pytest.raises(ModelError, match=r"Odd: its cases cannot be drawn from nothing\(\)"):
        examined(cases=st.nothing(), small_cases=st.just(1))


def test_model_without_operations_is_refused() -> None:
    """There is nothing to call."""
    with pytest.raises(ModelError, match=r"Idle has no operations.*\n  Put @operation before"):
        examine(type("Idle", (Model,), {"subject": Subject}))


def test_operation_that_the_subject_lacks_is_named() -> None:
    """With what the subject has instead."""

    class Misspelt(Model[Any]):
        subject = Subject

        @operation
        def atc(self) -> None: ...

    with pytest.raises(
        ModelError, match=r"Misspelt\.atc: .* Subject, has no method atc\.\n  It has act, rest\."
    ):
        examine(Misspelt)


def test_attribute_that_cannot_be_called_is_no_method() -> None:
    """A number of that name does not do."""

    class Numbered(Subject):
        rest = 3  # type: ignore[assignment]

    class Resting(Model[Any]):
        subject = Numbered

        @operation
        def rest(self) -> None: ...

    with pytest.raises(ModelError, match=r"Resting\.rest: .* has no method rest\."):
        examine(Resting)


class Unmade(Subject):
    """Takes more than a `Sync`."""

    def __init__(self, sync: Sync, size: int) -> None:
        super().__init__(sync)
        self.size = size


def failing(sync: Sync) -> Subject:
    """Make none."""
    raise OSError(f"no kernel for {type(sync).__name__}")


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"subject": Unmade}, r"TypeError: .*'size'"),
        ({"subject": failing}, "OSError: no kernel"),
        ({"subject": None}, "TypeError: 'NoneType'"),
    ],
)
def test_subject_that_cannot_be_made_is_told(attributes: dict[str, Any], why: str) -> None:
    """Why not, and what a subject is called with."""
    with pytest.raises(
        ModelError, match=rf"(?s)Odd: its subject cannot be made: {why}.*override make"
    ):
        examined(**attributes)


def test_missing_subject_is_told() -> None:
    """A model that names none."""

    class Alone(Model[Any]):
        @operation
        def act(self) -> None: ...

    with pytest.raises(ModelError, match="Alone: its subject cannot be made: AttributeError"):
        examine(Alone)


def test_operation_that_is_never_called_is_named() -> None:
    """What never holds, or waits for ever, or refers to nothing."""

    class Shut(Model[Any]):
        subject = Subject
        opened: bool = False

        @operation
        def rest(self) -> None: ...

    class Forbidden(Shut):
        @operation
        def act(self) -> None:
            self.require(self.opened)

    class Waiting(Shut):
        @operation
        def act(self) -> None:
            self.wait_until(self.opened)

    class Referring(Shut):
        @operation(value=result_of("act"))
        def act(self, value: Any) -> Any:
            return value

    for model in (Forbidden, Waiting, Referring):
        with pytest.raises(ModelError, match=rf"{model.__name__}\.act is called by none of \d+ p"):
            examine(model)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (lambda *_: 1 // 0, r"Odd\.act\(None\) raised ZeroDivisionError.*raises="),
        (lambda model, _: setattr(model, "state", []), r"Odd\.state became \[\] in Odd\.act"),
        (lambda *_: {}, r"Odd\.act\(None\) returned \{\}"),
        (lambda model, _: model.choose([]), "Odd has nothing to choose from"),
        (lambda *_: object(), r"Odd\.act\(None\) returned <object"),
    ],
)
def test_what_the_model_does_undeclared_is_told(body: Any, why: str) -> None:
    """Its own mistakes come up when it is walked through."""

    def act(self: Any, value: Any) -> Any:
        return body(self, value)

    with pytest.raises(ModelError, match=rf"(?s){why}"):
        examined(act=operation(value=st.none())(act))


def test_endless_steps_are_told() -> None:
    """A loop of yields is no wait, and the examination comes to an end."""

    class Spinning(Model[Any]):
        subject = Subject
        opened: bool = False

        @operation
        def act(self) -> Any:
            while not self.opened:
                yield

    with pytest.raises(ModelError, match=r"(?s)Spinning\.act\(\) takes more than .*wait_until"):
        examine(Spinning)


@pytest.mark.parametrize("lost", [-1, 0, 1])
def test_endless_loop_is_told(monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    """A body that loops without a step hangs nothing: the operation and the line are named.

    Threads that ran references before may have lost counts.
    """
    monkeypatch.setattr(examination, "PATIENCE", 0.3)
    monkeypatch.setattr(Reference, "ended", Reference.begun + lost)

    class Looping(Model[Any]):
        subject = Subject
        opened: bool = False

        @operation
        def act(self) -> None:
            while not self.opened:
                pass

    with pytest.raises(
        ModelError, match=r"(?s)Looping\.act\(\): No step .*py:\d+, in 'act'\.\n.*wait_until"
    ):
        examine(Looping)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (3, r" is 3\.\n  It is a stress"),
        (Program((Invocation("relaese", ()),), ()), r": relaese\(\) is no operation.*acquire\(\)"),
        (Program((), ((RELEASE,),)), r": release\(\) must not be called\."),
        (Program((ACQUIRE,), ((ACQUIRE,),)), r": acquire\(\) waits for ever\."),
    ],
)
def test_program_by_hand_that_is_none_is_told(program: Any, why: str) -> None:
    """Before an engine accuses the subject of what the program does wrong."""
    with pytest.raises(ModelError, match=rf"(?s)ByHand\.programs\['mine'\]{why}"):
        examine(type("ByHand", (LockModel,), {"programs": {"mine": program}}))


def test_sound_program_by_hand_passes() -> None:
    """Also one with too many states to be looked at."""

    class Open(Model[Any]):
        subject = Subject
        most_threads = 1
        most_calls = 1
        seen: tuple[int, ...] = ()
        programs: ClassVar = {"large": Program((), ((Invocation("rest", ()),) * 2,) * 3)}

        @operation
        def rest(self) -> None:
            self.require(True)  # noqa: FBT003
            if len(self.seen) < 5:
                self.seen = (*self.seen, self.choose(range(30)))

    examine(Open)


def test_missing_case_is_not_asked_for() -> None:
    """Cases are drawn before strategies that depend on them."""

    class Sized(Model[Any]):
        subject = Subject
        cases: ClassVar = st.integers(5, 6)

        @operation(value=lambda model: st.integers(0, model.case))
        def act(self, value: int) -> int:
            return value

    examine(Sized)
