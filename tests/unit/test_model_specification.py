"""A model as the judge asks it: with the monitor of its datatype, its keys and its steps."""

from hypothesis import strategies as st

from stress.history import Span
from stress.judge.linearizability import linearize
from stress.model import Model, operation
from stress.reference import ModelSpecification, Reference
from stress.verdict import Verdict


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
