"""A model as the judge asks it: with the monitor of its datatype, its keys and its steps."""

from typing import Any

import pytest
from hypothesis import strategies as st

from stress.history import Span
from stress.judge.linearizability import linearize
from stress.judge.specification import Partial
from stress.model import Model, operation
from stress.model_specification import ModelSpecification
from stress.reference import Reference
from stress.verdict import Verdict
from tests.machines.prey import CounterModel, LockModel, PairModel, TriesModel


class QueueModel(Model[None]):
    """A queue without bounds."""

    datatype = "queue"
    items: tuple[int, ...] = ()

    @operation(value=st.integers(), means="enqueue")
    def put(self, value: int) -> bool:
        """Put `value` in."""
        self.items = (*self.items, value)
        return True

    @operation(means="dequeue")
    def get(self) -> int | None:
        """Take the oldest value."""
        if not self.items:
            return None
        first, *rest = self.items
        self.items = tuple(rest)
        return first


class TagsModel(Model[None]):
    """A set that says what changed."""

    datatype = "set"
    tags: frozenset[str] = frozenset()

    @operation(tag=st.text(), means="add", key="tag")
    def add(self, tag: str) -> bool:
        """Add `tag`; say whether it is new."""
        new = tag not in self.tags
        self.tags |= {tag}
        return new

    @operation(tag=st.text(), means="contains", key="tag")
    def has(self, tag: str) -> bool:
        """Say whether `tag` is there."""
        return tag in self.tags


def _queue(*results: object) -> list[Span]:
    puts = [Span(0, "put", (n,), n * 10, n * 10 + 5, "ok", result=True) for n in (1, 2)]
    return puts + [
        Span(1, "get", (), 30 + at * 10, 35 + at * 10, "ok", result)
        for at, result in enumerate(results)
    ]


def test_monitor_judges_model_that_declares_its_datatype() -> None:
    """A queue that overtakes is illegal, one that does not is legal, and a monitor says so."""
    specification = ModelSpecification(Reference(QueueModel()))

    legal = linearize(_queue(1, 2, None), specification)
    illegal = linearize(_queue(2), specification)

    assert (legal.verdict, legal.by) == (Verdict.OK, "monitor")
    assert (illegal.verdict, illegal.misfit, illegal.by) == (Verdict.FAILED, 2, "monitor")


def test_search_judges_what_no_monitor_knows() -> None:
    """A put that answers False has no place in the monitor's vocabulary: the search refuses it."""
    history = [Span(0, "put", (1,), 0, 5, "ok", result=False)]
    judgement = linearize(history, ModelSpecification(Reference(QueueModel())))

    assert (judgement.verdict, judgement.by) == (Verdict.FAILED, "wgl")


@pytest.mark.parametrize(("result", "by"), [(True, "monitor"), (None, "wgl"), (1, "wgl")])
def test_monitor_takes_only_what_the_model_answers(*, result: object, by: str) -> None:
    """A put that answers None, or its argument, is not the model's, which answers True."""
    history = [Span(0, "put", (1,), 0, 5, "ok", result)]
    judgement = linearize(history, ModelSpecification(Reference(QueueModel())))

    assert judgement.by == by
    if result is None:
        assert judgement.verdict is Verdict.FAILED


def test_calls_with_different_keys_are_judged_apart() -> None:
    """Where every operation has a key, each key is judged by itself, with monitors or without."""
    history = [
        Span(0, "add", ("a",), 0, 5, "ok", result=True),
        Span(0, "add", ("b",), 6, 7, "ok", result=True),
        Span(1, "has", ("a",), 8, 9, "ok", result=False),
    ]
    specification = ModelSpecification(Reference(TagsModel()))

    for monitors in (True, False):
        judgement = linearize(history, specification, monitors=monitors)
        assert (judgement.verdict, judgement.misfit) == (Verdict.FAILED, 2)
    assert specification.key(history[1]) == "b"


# States and steps


def span(process: int | str, f: str, result: Any, outcome: Any = "ok") -> Span:
    """Return a call without arguments."""
    return Span(process, f, (), 0, 1, outcome, result)


def test_specification_steps_where_the_result_is_allowed() -> None:
    """A result that cannot be gives no state; nor does a call that must not be made, or waits."""
    counter = ModelSpecification(Reference(CounterModel()))
    lock = ModelSpecification(Reference(LockModel()))
    [held] = lock.step(lock.initial(), span(1, "acquire", None))

    assert counter.step(counter.initial(), span(0, "increment", 0)) == [((1,), ())]
    assert counter.step(counter.initial(), span(0, "increment", 1)) == []
    assert lock.step(held, span(0, "acquire", None)) == []
    assert list(lock.step(held, span(0, "release", None))) == []


def test_open_call_may_come_to_anything() -> None:
    """A call that never returned gives a state for every way to choose."""
    tries = ModelSpecification(Reference(TriesModel()))
    states = tries.step(tries.initial(), span(0, "attempt", None, "info"))

    assert {state[0] for state in states} == {(0,), (1,)}  # type: ignore[index]


def test_calls_under_way_are_part_of_the_state() -> None:
    """Two calls of several steps mingle; the order in which they began makes no difference."""
    pair = ModelSpecification(Reference(PairModel()))

    def stepped(*processes: int) -> Any:
        state: Any = pair.initial()
        for process in processes:
            [state] = pair.step(state, span(process, "both", 0, "info"))
            state = state.state if isinstance(state, Partial) else state
        return state

    assert stepped(0, 1)[0] == (2, 0)
    assert stepped(0, 0) == ((1, 1), ())
    assert stepped(0, 1, 1, 0) == stepped(1, 0, 0, 1) == ((2, 2), ())
    assert pair.finished(pair.initial(), span(0, "both", 0)) == [((1, 1), ())]
    assert pair.answers(pair.initial(), span(0, "both", 7)) == ["0"]


def test_key_is_that_of_every_operation_or_none() -> None:
    """Calls commute by a key only if each operation says which."""

    class Table(Model[Any]):
        values: tuple[int, ...] = (0, 0)

        @operation(slot=st.integers(0, 1), key="slot")
        def look(self, slot: int) -> int:
            return self.values[slot]

    class Counted(Table):
        @operation
        def size(self) -> int:
            return 2

    look = Span(0, "look", (1,), 0, 1, "ok", 0)

    assert ModelSpecification(Reference(Table())).key(look) == 1
    assert ModelSpecification(Reference(Counted())).key(look) is None
