"""A model is refused in its own words where it cannot be, and tells what it was declared with."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from registrar.sync import native
from stress.model import (
    Model,
    ModelError,
    NotAllowed,
    Waits,
    first_line,
    invariant,
    operation,
    result_of,
)
from stress.plain import is_plain, plain
from tests.machines.prey import CounterModel, LostUpdate, PileModel


def declare(**attributes: Any) -> type[Model[Any]]:
    """Return a model of this name and these attributes; annotated, those that are no functions."""
    state = {name: Any for name, value in attributes.items() if not callable(value)}
    return type("Odd", (Model,), {"__annotations__": state, **attributes})


def named(name: str, *parameters: str) -> Callable[..., None]:
    """Return a function of this name with these parameters, besides ``self``."""
    code = f"def {name}({', '.join(['self', *parameters])}): pass"
    found: dict[str, Any] = {}
    exec(code, found)  # noqa: S102  (the parameters are the test's)
    made: Callable[..., None] = found[name]
    return made


# What is declared


def test_operations_come_in_order_of_definition() -> None:
    """An operation has the name of its method, and what it was declared with."""
    take, put, last = PileModel.operations()

    assert [take.name, put.name, last.name] == ["take", "put", "last"]
    assert (take.at_end, last.at_end) == (False, True)
    assert list(put.arguments) == ["plate"]
    assert not take.stepwise
    assert take.concurrent


def test_model_of_another_subject_is_otherwise_the_same() -> None:
    """A mutant is judged by the model of the original."""
    other = CounterModel.of(LostUpdate)

    assert (other.subject, other.original) == (LostUpdate, CounterModel)
    assert [each.body for each in other.operations()] == [
        each.body for each in CounterModel.operations()
    ]
    assert isinstance(other().make(native), LostUpdate)


def test_state_is_what_is_annotated_and_no_class_variable() -> None:
    """The fields are those that a program changes; a ClassVar belongs to the model."""

    class Both(Model[Any]):
        shared: ClassVar[int] = 1
        own: int = 2

    class More(Both):
        further: tuple[int, ...] = ()

    assert Both.fields() == ("own",)
    assert More.fields() == ("own", "further")


def test_operation_of_a_base_class_can_be_replaced() -> None:
    """The last definition of an operation is the one that counts."""

    class Tens(CounterModel):
        @operation
        def increment(self) -> int:
            return 10

    [own] = Tens.operations()

    assert own.body(Tens()) == 10


def test_operation_replaced_by_an_undeclared_method_is_refused() -> None:
    """A method that hides an operation is no operation itself, which nobody would notice."""
    with pytest.raises(ModelError, match=r"(?s)Odd\.increment .*@operation"):
        type("Odd", (CounterModel,), {"increment": lambda _: 10})


def test_invariants_are_named() -> None:
    """What is asserted at rest is found by its name, once."""

    class Checked(CounterModel):
        @invariant
        def positive(self, subject: Any) -> None:
            assert subject is not None

    class Again(Checked):
        @invariant
        def positive(self, subject: Any) -> None:
            assert subject

    assert Checked.invariants() == ["positive"]
    assert Again.invariants() == ["positive"]


def test_summary_is_the_first_line_of_the_model_itself() -> None:
    """A model that says nothing of itself is not described by the words of `Model`."""

    class Silent(Model[Any]):
        pass

    assert CounterModel.summary() == "A counter that answers what it was."
    assert Silent.summary() == ""
    assert first_line(LostUpdate).startswith("The increment is a load and a store")


# What a body says


def test_body_says_what_it_requires_and_waits_for() -> None:
    """A condition that holds is nothing; one that does not ends the call."""
    model = CounterModel()
    model.require(1)
    model.wait_until("yes")

    with pytest.raises(NotAllowed):
        model.require(())
    with pytest.raises(Waits):
        model.wait_until(0)


def test_choices_are_all_the_ways_to_choose() -> None:
    """Later choices may depend on earlier ones, and none is left out or made twice."""
    model = CounterModel()
    made = []
    for _ in model.choices():
        first = model.choose("ab")
        made.append((first, model.choose((1, 2, 3)) if first == "a" else model.choose((4,))))

    assert made == [("a", 1), ("a", 2), ("a", 3), ("b", 4)]


def test_nothing_to_choose_from_is_refused() -> None:
    """A choice of nothing is no waiting: the model says what it means."""
    model = CounterModel()

    with pytest.raises(ModelError, match=r"nothing to choose from\.\n.*wait_until"):
        model.choose([])


# What is plain


@pytest.mark.parametrize("value", [None, True, 7, 0.5, "x", (), (1, ("a", None))])
def test_plain_data_comes_back_from_json(value: Any) -> None:
    """Numbers, strings and tuples of them are what arguments and results are made of."""
    assert is_plain(value)
    assert plain([value]) == (value,)


@pytest.mark.parametrize("value", [[1], {1}, {}, b"x", object(), (1, [2]), frozenset()])
def test_what_could_change_is_not_plain(value: Any) -> None:
    """Whatever could change in place, or cannot be saved, is refused wherever it comes up."""
    assert not is_plain(value)


# What is refused when the class is made


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"items": []}, "the state of Odd cannot be remembered: mutable default"),
        ({"items": {}}, "the state of Odd cannot be remembered: mutable default"),
        ({"items": bytearray()}, "the state of Odd cannot be remembered: mutable default"),
        ({"items": ([],)}, r"Odd\.items is \(\[\],\), which has no hash"),
        ({"caller": 3}, r"Odd\.caller hides an attribute of Model"),
        (
            {"consistency": "eventual"},
            r"Odd\.consistency is 'eventual'\.\n  It is one of real-time",
        ),
    ],
)
def test_impossible_state_is_refused(attributes: dict[str, Any], why: str) -> None:
    """A state that could change under the judge's hands, or that is no state."""
    with pytest.raises(ModelError, match=why) as refused:
        declare(**attributes)
    assert "\n  " in str(refused.value)


def test_state_without_a_beginning_is_refused() -> None:
    """An annotation alone does not say in which state everything begins."""
    with pytest.raises(
        ModelError, match=r"(?s)Odd\.items has no value to begin with\.\n  .*ClassVar"
    ):
        type("Odd", (Model,), {"__annotations__": {"items": int}})


@pytest.mark.parametrize(
    ("options", "parameters", "why"),
    [
        ({}, ["value"], r"takes \(value\), and has strategies for \(\)\.\n  Give one strategy"),
        ({"valeu": st.none()}, ["value"], r"takes \(value\), and has strategies for \(valeu\)"),
        ({"b": st.none(), "a": st.none()}, ["a", "b"], "in the same order"),
        ({"key": "slot", "value": st.none()}, ["value"], "has no parameter 'slot' to be its key"),
        ({"at_end": True, "value": st.none()}, ["value"], "called at the end, where nobody draws"),
        ({"key": st.none()}, ["key"], r"'key', which is an option of @operation\.\n.*another name"),
        ({"then": st.none()}, ["then"], "'then', which is an option of @operation"),
        ({"value": st.none()}, ["*", "value"], "takes value, and arguments are given by position"),
        ({}, ["*values"], r"takes \*values, and arguments"),
        ({"raises": "KeyError"}, [], r"has raises='KeyError'\.\n  It is a tuple of exceptions"),
        ({"raises": (KeyError, 3)}, [], "has raises="),
        ({"often": 0}, [], r"has often=0\.\n  It is a whole number"),
        ({"often": 1.5}, [], r"has often=1\.5"),
    ],
)
def test_impossible_operation_is_refused(
    options: dict[str, Any], parameters: list[str], why: str
) -> None:
    """An operation has a strategy for each of its parameters, and no other."""
    with pytest.raises(ModelError, match=rf"(?s)operation odd .*{why}"):
        operation(**options)(named("odd", *parameters))


def test_operation_without_self_is_refused() -> None:
    """Who forgets it is told, by the name of the operation."""

    def odd() -> None: ...

    with pytest.raises(ModelError, match=r"operation odd takes nothing.*\n.*def odd\(self\)"):
        operation(odd)


@pytest.mark.parametrize("body", [3, staticmethod(len), print])
def test_what_is_no_method_is_refused(body: Any) -> None:
    """An option by position, or another decorator's object, is no operation."""
    with pytest.raises(ModelError, match=r"@operation stands before .*\n  Put it before a def"):
        operation(body)


@pytest.mark.parametrize("given", [[0, 1], [()], [(0, 1)], ["a"]])
def test_arguments_at_the_end_are_tuples(given: Any) -> None:
    """What does not fit is the model's mistake, and no failure of the subject."""

    class Ending(Model[Any]):
        @operation(slot=st.none(), at_end=lambda _: given)
        def look(self, slot: int) -> None: ...

    [own] = Ending.operations()

    with pytest.raises(ModelError, match=r"look: at_end gave .*\n.* with \(slot\)"):
        own.endings(None)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"mutants": [LostUpdate]}, r"Odd\.mutants is \[.*\n  It is a dict"),
        ({"roles": {"owner"}}, r"Odd\.roles is \{'owner'\}\.\n  It is a dict"),
        (
            {"mutants": {"other": LostUpdate}, "equivalents": {"other": LostUpdate}},
            "Odd has a mutant and an equivalent called 'other'",
        ),
        ({"most_threads": 0}, r"Odd\.most_threads is 0\."),
        ({"most_calls": "many"}, r"Odd\.most_calls is 'many'\."),
    ],
)
def test_impossible_option_is_refused(attributes: dict[str, Any], why: str) -> None:
    """What a model says beside its state and operations is of the right kind."""
    with pytest.raises(ModelError, match=why):
        type("Odd", (CounterModel,), attributes)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"value": result_of("nosuch")}, r"takes the result of 'nosuch'.*\n  It has: odd"),
        ({"value": st.none(), "role": "owner"}, r"role 'owner'.*\n  Add it:  roles = "),
    ],
)
def test_unknown_reference_or_role_is_refused(options: dict[str, Any], why: str) -> None:
    """What an operation refers to has to be there."""
    with pytest.raises(ModelError, match=rf"(?s)operation odd .*{why}"):
        declare(odd=operation(**options)(named("odd", "value")))


@pytest.mark.parametrize("name", ["summary", "make", "choose", "caller", "fields"])
def test_operation_with_a_name_of_the_model_is_refused(name: str) -> None:
    """An operation must not replace what the harness asks of every model."""
    with pytest.raises(ModelError, match=rf"(?s)Odd\.{name} .*perform="):
        declare(**{name: operation(named(name))})
