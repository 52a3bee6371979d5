"""Programs are drawn as the model permits, and the same for the same seed, in every process."""

import re
from collections import Counter
from typing import Any, ClassVar

import pytest
from hypothesis import find, settings
from hypothesis import strategies as st

from stress.drawing import drawn, programs
from stress.model import Model, ModelError, operation, result_of
from stress.program import PREFIX, Earlier, Invocation, Program
from tests.machines.prey import (
    CounterModel,
    HandoverModel,
    LockModel,
    MailboxModel,
    PileModel,
    SlotsModel,
)
from tests.machines.processes import printed_by_processes
from tests.unit.test_interleaving import Door

ALONE = settings(database=None, derandomize=True)


def smallest(model: type[Model[Any]], wanted: str, **options: int) -> str:
    """Return the smallest program drawn that has all of `wanted` in it."""
    found = find(
        programs(model, **options),
        lambda program: all(each in str(program) for each in wanted.split()),
        settings=ALONE,
    )
    return str(found)


def references(program: Program) -> list[tuple[int, int, Earlier]]:
    """Return every reference in `program`, with the thread and the place it is made at."""
    return [
        (thread, place, argument)
        for thread, own in program.lists()
        for place, call in enumerate(own)
        for argument in call.arguments
        if isinstance(argument, Earlier)
    ]


# The same for the same seed


@pytest.mark.parametrize("model", [CounterModel, LockModel, MailboxModel, PileModel, SlotsModel])
@pytest.mark.slow
def test_drawing_follows_from_the_seed(model: type[Model[Any]]) -> None:
    """Twice the same programs; from another seed, others."""
    first = drawn(model, 5, 20, 3)

    assert drawn(model, 5, 20, 3) == first
    assert drawn(model, 6, 20, 3) != first


@pytest.mark.slow
def test_drawing_is_the_same_in_every_process() -> None:
    """What is left out of a draft does not hang on how strings are hashed."""
    printed = printed_by_processes(
        "from stress.drawing import drawn\n"
        "from tests.machines import prey\n"
        "from stress.interleaving import offending\n"
        "from stress.reference import Reference\n"
        "from tests.unit.test_drawing import GIVEN_TWICE, Names\n"
        "print(offending(Reference(Names()), GIVEN_TWICE))\n"
        "for model in (Names, prey.LockModel, prey.SlotsModel):\n"
        "    print(*drawn(model, 3, 30, 3), sep='\\n')",
        "145",
    )

    assert len(printed) == 1
    assert "acquire" in printed.pop()


# As the model permits


@pytest.mark.slow
def test_roles_are_respected() -> None:
    """No more threads than may have a role call what is for it, and no thread has two."""
    for program in drawn(HandoverModel, 1, 80, 4):
        own = [{call.f for call in thread} for thread in program.threads]

        assert all(len(each) == 1 for each in own)
        assert all(count == 1 for count in Counter(map(str, own)).values())


@pytest.mark.slow
def test_threads_and_calls_are_bounded() -> None:
    """At most as many as asked for; in between, all numbers are met."""
    found = drawn(CounterModel, 1, 100, 4)

    assert {2, 3, 4} <= {len(program.threads) for program in found} <= {0, 1, 2, 3, 4}
    assert {len(own) for program in found for own in program.threads} == {1, 2, 3}
    assert max(len(program.prefix) for program in found) == 3


@pytest.mark.slow
def test_one_thread_is_one_thread() -> None:
    """Who asks for one thread is given no program that needs another."""
    found = drawn(LockModel, 1, 50, 1)

    assert {len(program.threads) for program in found} == {0, 1}


@pytest.mark.slow
def test_references_are_to_calls_before_them() -> None:
    """In the prefix or the same thread, to the operation asked for; once, where it says so."""
    met = 0
    for program in drawn(PileModel, 1, 80, 3):
        calls = dict(program.lists())
        found = references(program)
        met += len(found)

        assert len({each for _, _, each in found}) == len(found)
        for thread, place, earlier in found:
            assert earlier.thread in {thread, PREFIX}
            assert earlier.thread != thread or earlier.place < place
            assert calls[earlier.thread][earlier.place].f == "take"
    assert met


@pytest.mark.slow
def test_reference_may_be_used_again_where_it_does_not_say_once() -> None:
    """A result is used as often as one likes, unless it is used up."""

    class Shelf(Model[Any]):
        size: int = 0

        @operation
        def add(self) -> int:
            self.size += 1
            return self.size

        @operation(place=result_of("add"))
        def look(self, place: int) -> bool:
            return place <= self.size

    twice = find(programs(Shelf), lambda program: str(program).count("look") == 2, settings=ALONE)

    one, other = [each for _, _, each in references(twice)]
    assert one == other


class Names(Model[Any]):
    """Each may be given and taken by whoever has not, in any order."""

    given: frozenset[str] = frozenset()

    @operation(name=st.sampled_from("abc"))
    def give(self, name: str) -> None:
        """Give it, once."""
        self.require(name not in self.given)
        self.given |= {name}

    @operation(name=st.sampled_from("abc"))
    def take(self, name: str) -> None:
        """Take what was given."""
        self.require(name in self.given)
        self.given -= {name}


GIVEN_TWICE = Program((), ((Invocation("give", ("a",)),),) * 3)


class Settable(Model[Any]):
    """Set up alone, used together."""

    size: int = 0

    @operation(alone=True, size=st.integers(1, 2))
    def resize(self, size: int) -> None:
        """Be of this size."""
        self.size = size

    @operation
    def look(self) -> int:
        """Return the size."""
        return self.size


@pytest.mark.slow
def test_what_is_done_alone_is_done_in_the_prefix() -> None:
    """Operations that nobody may overlap are called before there are threads, or by one alone."""
    found = drawn(Settable, 1, 50, 3)

    assert any("resize" in str(program) for program in found)
    for program in found:
        assert not any(call.f == "resize" for own in program.threads for call in own)


def test_model_without_concurrent_operations_has_programs() -> None:
    """Where nothing may be called at once, there is a prefix and no thread."""

    class Lone(Model[Any]):
        @operation(alone=True)
        def act(self) -> None: ...

    assert {len(program.threads) for program in drawn(Lone, 1, 20, 3)} == {0}


def test_calls_are_completed_by_what_lets_them_go_on() -> None:
    """A lock is not only acquired: who would wait for ever is helped by a release."""
    assert smallest(LockModel, "‖") == "acquire(); release() ‖ acquire(); release()"


@pytest.mark.slow
def test_completing_calls_comes_to_an_end() -> None:
    """Help that is in the way of another call is not offered for ever."""
    found = drawn(Door, 1, 50, 3)

    assert any("use" in str(program) for program in found)
    assert all(str(program).count("open") <= 1 for program in found)


def test_case_is_drawn_first() -> None:
    """Strategies may depend on the case, and the program keeps it."""

    class Sized(Model[Any]):
        cases: ClassVar = st.integers(1, 3)

        @operation(place=lambda model: st.just(model.case))
        def look(self, place: int) -> int:
            return place

    for program in drawn(Sized, 1, 30, 2):
        arguments = {call.arguments for _, own in program.lists() for call in own}
        assert arguments <= {(program.case,)}
        assert program.case in {1, 2, 3}


@pytest.mark.slow
def test_programs_get_smaller_to_the_smallest() -> None:
    """Hypothesis comes to the fewest calls with the smallest arguments."""
    calls = re.findall(r"\w+\(\d*\)", smallest(MailboxModel, "put get"))
    assert sorted(calls) == ["get()", "put(1)"]
    assert re.findall(r"\w+\(", smallest(PileModel, "put"))[-1:] == ["put("]
    assert smallest(PileModel, "put").count("put(") == 1
    smaller = find(programs(CounterModel), lambda program: program.calls > 2, settings=ALONE)
    assert smaller.calls == 3


# What is refused


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (3, r"what value is drawn from is 3\.\n  It is a Hypothesis strategy, a function"),
        (int, r"what value is drawn from is not known, as <class 'int'> raised TypeError: .*case"),
        (lambda model: model.csae, "what value is drawn from is not known.*AttributeError"),
        (lambda _: 3, r"what value is drawn from is 3\.\n"),
        (st.just([1]), r"value was drawn as \[1\]\.\n  Arguments are saved, and must not change"),
        (st.just((1, {})), r"value was drawn as \(1, \{\}\)\."),
        (st.builds(object), r"value was drawn as <object object"),
    ],
)
def test_impossible_argument_is_refused(given: Any, why: str) -> None:
    """What is no strategy, and what a subject could change in place, is told by its name."""

    class Odd(Model[Any]):
        @operation(value=given)
        def act(self, value: Any) -> None: ...

    with pytest.raises(ModelError, match=rf"(?s)Odd\.act: {why}"):
        drawn(Odd, 1, 20, 2)


def test_error_of_a_model_is_one_error() -> None:
    """Two mistakes in a model do not come in a group that nobody can read."""

    class Wrong(Model[Any]):
        @operation(value=st.sampled_from(["raise", "list", "wait"]))
        def act(self, value: str) -> Any:
            self.wait_until(value != "wait")
            if value == "raise":
                raise ValueError(value)
            return []

    with pytest.raises(ModelError, match=r"Wrong\.act\('(raise|list)'\)"):
        drawn(Wrong, 1, 50, 2)


def test_call_shows_what_it_is_made_of() -> None:
    """A drawn call is a name and plain arguments."""
    call = find(
        programs(MailboxModel),
        lambda program: any("put" in str(own) for own in program.threads),
        settings=ALONE,
    ).threads[0][0]

    assert call == Invocation("put", (1,))
