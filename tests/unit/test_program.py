"""A program is saved and read back as it was; what is none is refused, whatever it is."""

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.drawing import programs
from stress.model import Model, operation
from stress.program import (
    PREFIX,
    Earlier,
    Invocation,
    Program,
    ProgramError,
    Results,
)
from tests.machines.prey import CounterModel, MailboxModel, PileModel

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
"""What arguments are made of."""


class Anything(Model[Any]):
    """Takes what it is given, in a case of its own."""

    cases: ClassVar = PLAIN

    @operation(value=PLAIN, other=PLAIN)
    def take(self, value: Any, other: Any) -> None:
        """Take it."""


def increments(*numbers: int) -> Program:
    """Return the program of so many increments in the prefix, and in each thread."""
    increment = Invocation("increment", ())
    prefix, *threads = [(increment,) * number for number in numbers]
    return Program(prefix, tuple(threads))


@pytest.mark.slow
@pytest.mark.parametrize("model", [Anything, MailboxModel, PileModel])
def test_program_comes_back_from_json(model: type[Model[Any]]) -> None:
    """Whatever is drawn is the same after it was written as text and read."""

    @given(programs(model))
    def check(program: Program) -> None:
        text = json.dumps(program.to_json(model))
        again = Program.from_json(model, json.loads(text))

        assert again == program
        assert repr(again) == repr(program)
        assert json.dumps(again.to_json(model)) == text

    check()


def test_program_is_shown_as_its_calls() -> None:
    """The prefix comes before a bar, threads stand side by side, references say to what."""
    put = Invocation("put", (Earlier(PREFIX, 0),))
    take = Invocation("take", ())

    assert str(increments(1, 2, 1)) == "increment() ┃ increment(); increment() ‖ increment()"
    assert str(increments(0, 1)) == "increment()"
    assert str(increments(2)) == "increment(); increment()"
    assert str(Program((), ())) == ""
    assert str(Program((take,), ((put,),))) == "take() ┃ put(<result 0 of prefix>)"
    assert str(Program((), ((take, put),))) == "take(); put(<result 0 of prefix>)"
    assert increments(1, 2, 1).calls == 4


def call(f: Any = "put", arguments: Any = ()) -> dict[str, Any]:
    """Return a call as it is saved."""
    return {"f": f, "arguments": list(arguments)}


TAKE = call("take")
DAMAGED: list[Any] = [
    None,
    [],
    "program",
    {},
    {"prefix": []},
    {"prefix": 7, "threads": []},
    {"prefix": [], "threads": {"f": 1}},
    {"prefix": ["put"], "threads": []},
    {"prefix": [{"f": "take"}], "threads": []},
    {"prefix": [call(["take"])], "threads": []},
    {"prefix": [{"f": "take", "arguments": "()"}], "threads": []},
    {"prefix": [call(arguments=[{"thread": 0}])], "threads": []},
    {"prefix": [call(arguments=[{"thread": "x", "place": 0}])], "threads": []},
    {"prefix": [call(arguments=[[{"a": 1}]])], "threads": []},
    {"prefix": [], "threads": [[TAKE], 7]},
]
FOREIGN: list[Any] = [
    {"prefix": [call("nosuch")], "threads": []},
    {"prefix": [call("take", [1])], "threads": []},
    {"prefix": [], "threads": [[call("put")]]},
    {"prefix": [call("put", [{"thread": PREFIX, "place": 0}])], "threads": []},
    {"prefix": [TAKE, call("put", [{"thread": PREFIX, "place": -1}])], "threads": []},
    {"prefix": [TAKE], "threads": [[call("put", [{"thread": PREFIX, "place": 1}])]]},
    {"prefix": [], "threads": [[TAKE], [call("put", [{"thread": 0, "place": 0}])]]},
    {"prefix": [], "threads": [[call("put", [{"thread": 0, "place": 1}]), TAKE]]},
]


@pytest.mark.parametrize("saved", DAMAGED)
def test_damaged_program_is_refused(saved: Any) -> None:
    """The error says what a program looks like."""
    with pytest.raises(ProgramError, match=r"(?s)is damaged.*\n.*prefix and threads.*\n.*again"):
        Program.from_json(PileModel, saved)


@pytest.mark.parametrize("saved", FOREIGN)
def test_program_of_another_model_is_refused(saved: Any) -> None:
    """Calls of what the model does not have, and references to what is not before them."""
    with pytest.raises(ProgramError, match=r"(put|take|nosuch)\(.*\n  "):
        Program.from_json(PileModel, saved)


JSON = st.recursive(
    st.none() | st.integers(-2, 2) | st.sampled_from(["take", "put", "f", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["f", "arguments", "thread", "place", "prefix", "threads", "case"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.fixed_dictionaries({"prefix": JSON, "threads": JSON}) | JSON)
def test_whatever_is_read_is_a_program_or_refused(saved: Any) -> None:
    """Nothing a file may hold leads to another error."""
    try:
        program = Program.from_json(PileModel, saved)
    except ProgramError:
        return
    program.check(PileModel)


def test_case_is_read_by_the_model() -> None:
    """What a model makes of a case is its own business; what it refuses is damaged."""

    class Sized(CounterModel):
        cases = st.integers(0, 3)

        @classmethod
        def case_from_json(cls, saved: Any) -> int:
            if saved not in range(4):
                raise ValueError(f"no size: {saved}")
            return int(saved)

    program = Program((), (), 3)
    saved = program.to_json(Sized)

    assert Program.from_json(Sized, saved) == program
    with pytest.raises(ProgramError, match="no size: 7"):
        Program.from_json(Sized, saved | {"case": 7})
    with pytest.raises(ProgramError, match="damaged"):
        Program.from_json(Sized, {"prefix": [], "threads": []})


# Results


def test_references_are_resolved() -> None:
    """An argument is the result that was noted for the call it refers to."""
    results = Results({PREFIX: 2, 0: 1})
    results.note(PREFIX, 1, "b")
    results.note(0, 0, 7)

    assert results.resolved((1, Earlier(0, 0), Earlier(PREFIX, 1))) == (1, 7, "b")
    assert results.resolved(()) == ()


def test_reference_to_no_result_skips_the_call() -> None:
    """None, or what was never noted, is nothing to go on with; a plain None is an argument."""
    results = Results.of(increments(1, 1))

    assert results.resolved((Earlier(PREFIX, 0),)) is None
    results.note(PREFIX, 0, None)
    assert results.resolved((1, Earlier(PREFIX, 0))) is None
    results.note(PREFIX, 0, 0)
    assert results.resolved((None, Earlier(PREFIX, 0))) == (None, 0)


def test_results_grow_with_the_calls_of_a_thread() -> None:
    """Where it is not known beforehand how many there will be."""
    results = Results({PREFIX: 0})
    for result in "ab":
        results.begin(PREFIX)
        results.note(PREFIX, -1, result)

    assert results.resolved((Earlier(PREFIX, 0), Earlier(PREFIX, 1))) == ("a", "b")
