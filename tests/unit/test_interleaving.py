"""A program is admitted only if the model alone gets through it, whatever the interleaving."""

from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stress.drawing import programs
from stress.interleaving import Offence, offending, restrained
from stress.model import Model, NotAllowed, operation, result_of
from stress.program import PREFIX, Earlier, Invocation, Program, Results
from stress.reference import START, Reference
from tests.machines.prey import (
    CounterModel,
    HandoverModel,
    LockModel,
    MailboxModel,
    PairModel,
    PileModel,
    SlotsModel,
    TriesModel,
)


def program(prefix: str, *threads: str) -> Program:
    """Return the program of these calls without arguments, which are parted by spaces."""
    calls = [tuple(Invocation(f, ()) for f in own.split()) for own in (prefix, *threads)]
    return Program(calls[0], tuple(calls[1:]))


class Door(Model[Any]):
    """Opened once, used while it is open."""

    opened: bool = False

    @operation
    def open(self) -> None:
        """Open it, which must be shut."""
        self.require(not self.opened)
        self.opened = True

    @operation
    def use(self) -> None:
        """Go through."""
        self.require(self.opened)


class Relay(Model[Any]):
    """Two steps between which anybody may come, and a handover that is waited for."""

    baton: str | None = None
    laps: int = 0

    @operation
    def pass_on(self) -> Any:
        """Leave the baton, and wait until somebody has taken it."""
        self.require(self.baton != self.caller)
        self.wait_until(self.baton is None)
        self.baton = f"of {self.caller}"
        yield
        self.wait_until(self.baton != f"of {self.caller}")
        self.laps += 1
        return self.laps

    @operation
    def take(self) -> str:
        """Wait for a baton, and take it."""
        self.wait_until(self.baton is not None)
        found, self.baton = str(self.baton), None
        return found


class Tickets(Model[Any]):
    """Drawn, and given back: by whom, is known from the result."""

    out: tuple[int, ...] = ()

    @operation
    def draw(self) -> int | None:
        """Draw one, or be refused."""
        if self.choose((False, True)):
            return None
        ticket = len(self.out) + 1
        self.out = (*self.out, ticket)
        return ticket

    @operation(ticket=result_of("draw"))
    def give_back(self, ticket: int) -> None:
        """Give one back that is out."""
        self.require(ticket in self.out)
        self.out = tuple(0 if each == ticket else each for each in self.out)


# Which programs are admitted


@pytest.mark.parametrize(
    ("model", "admitted"),
    [
        (LockModel, program("", "acquire release", "acquire release")),
        (LockModel, program("acquire release", "acquire")),
        (Door, program("open", "use use", "use")),
        (Door, program("", "open use")),
        (Relay, program("", "pass_on", "take")),
        (CounterModel, program("increment", "increment", "increment")),
        (CounterModel, program("")),
    ],
)
def test_program_that_gets_through_is_admitted(model: type[Model[Any]], admitted: Program) -> None:
    """Nothing is left out of what can be done in every order."""
    assert offending(Reference(model()), admitted) is None


@pytest.mark.parametrize(
    ("model", "refused", "offence"),
    [
        (LockModel, program("", "acquire", "acquire"), "waits for ever"),
        (LockModel, program("acquire", "acquire release"), "waits for ever"),
        (LockModel, program("acquire acquire"), "must not be called"),
        (LockModel, program("", "release"), "must not be called"),
        (Door, program("", "open", "use"), "must not be called"),
        (Door, program("", "open", "open"), "must not be called"),
        (Relay, program("pass_on", "take"), "waits for ever"),
        (Relay, program("", "pass_on", "take", "take"), "waits for ever"),
    ],
)
def test_program_that_may_not_get_through_is_refused(
    model: type[Model[Any]], refused: Program, offence: str
) -> None:
    """One interleaving in which a call waits for ever, or must not be made, is enough."""
    found = offending(Reference(model()), refused)

    assert isinstance(found, Offence)
    assert found.why == offence
    calls = dict(refused.lists())[found.thread]
    assert 0 <= found.place < len(calls)


def test_reference_to_a_refusal_is_skipped() -> None:
    """Giving back a ticket that was refused is skipped; doing it twice is once too many."""
    draw = Invocation("draw", ())
    back = Invocation("give_back", (Earlier(PREFIX, 0),))

    assert offending(Reference(Tickets()), Program((draw,), ((back,), (draw,)))) is None
    found = offending(Reference(Tickets()), Program((draw,), ((back,), (back,))))
    assert found is not None
    assert found.why == "must not be called"


@pytest.mark.slow
def test_too_many_states_refuse_a_program() -> None:
    """A model that leaves too much open is no reason to search for ever."""

    class Open(Model[Any]):
        seen: tuple[int, ...] = ()

        @operation
        def look(self) -> None:
            self.require(True)  # noqa: FBT003
            self.seen = (*self.seen, self.choose(range(30)))

    found = offending(Reference(Open()), program("", "look look", "look look", "look"))

    assert found is not None
    assert (found.thread, found.place, found.why) == (0, 1, "is one too many")


# Which models have to be searched


class Helped(Model[Any]):
    """Its requirement is in a method of its own."""

    full: bool = False

    @property
    def space(self) -> bool:
        """Whether there is room; asking where there is none is wrong."""
        self.require(not self.full)
        return True

    @operation
    def fill(self) -> None:
        """Fill it, once."""
        self.full = self.space


def must_be(model: Model[Any], condition: object) -> None:
    """Require it of a model."""
    model.require(condition)


class HelpedFromOutside(Model[Any]):
    """Its requirement is in a function outside."""

    full: bool = False

    @operation
    def fill(self) -> None:
        """Fill it, once."""
        must_be(self, not self.full)
        self.full = True


class HelpedByInnerFunction(Model[Any]):
    """Its requirement is in a function inside."""

    full: bool = False

    @operation
    def fill(self) -> None:
        """Fill it, once."""

        def check() -> None:
            self.require(not self.full)

        check()
        self.full = True


class HelpedByName(Model[Any]):
    """Its requirement is asked for by name."""

    full: bool = False
    rule: ClassVar[str] = "require"

    @operation
    def fill(self) -> None:
        """Fill it, once."""
        getattr(self, self.rule)(not self.full)
        self.full = True


class Requiring:
    """Requires what a model says, for those that derive from both."""

    def must_be_empty(self) -> None:
        """Require it."""
        assert isinstance(self, HelpedByMixin)
        self.require(not self.full)


class HelpedByMixin(Model[Any], Requiring):
    """Its requirement is in a class that comes after `Model`."""

    full: bool = False

    @operation
    def fill(self) -> None:
        """Fill it, once."""
        self.must_be_empty()
        self.full = True


class Rules:
    """Has a rule."""

    def hold(self, model: Model[Any], condition: object) -> None:
        """Require a condition."""
        model.require(condition)


RULES = Rules()


class HelpedByObject(Model[Any]):
    """Its requirement is in a method of something else."""

    full: bool = False

    @operation
    def fill(self) -> None:
        """Fill it, once."""
        RULES.hold(self, not self.full)
        self.full = True


HELPED = (
    Helped,
    HelpedFromOutside,
    HelpedByInnerFunction,
    HelpedByName,
    HelpedByMixin,
    HelpedByObject,
)


@pytest.mark.parametrize("model", HELPED)
@given(data=st.data())
@settings(max_examples=30, phases=[Phase.generate])
def test_requirement_is_found_wherever_it_is(model: type[Model[Any]], data: st.DataObject) -> None:
    """A program does not break what is required in a method, or function, of some other kind."""
    drawn = data.draw(programs(model))

    assert drawn.calls <= 1


@pytest.mark.parametrize("model", [CounterModel, PairModel, PileModel, TriesModel, HandoverModel])
def test_models_without_restraint_are_not_searched(model: type[Model[Any]]) -> None:
    """What requires nothing and never waits needs no search, which takes time."""
    assert not restrained(model)


@pytest.mark.parametrize("model", [LockModel, MailboxModel, SlotsModel, Door, Relay, Tickets])
def test_restrained_models_are_searched(model: type[Model[Any]]) -> None:
    """What requires something, or waits, is."""
    assert restrained(model)


# By brute force


def walk(model: type[Model[Any]], drawn: Program, random: Random) -> None:
    """Go through `drawn` in one random interleaving; fail where a call is in the way."""
    reference = Reference(model(drawn.case))
    state = reference.initial()
    results = Results.of(drawn)
    places = dict.fromkeys(dict(drawn.lists()), 0)
    trails: dict[int, Any] = dict.fromkeys(places, START)
    lists = dict(drawn.lists())
    while True:
        if places[PREFIX] < len(drawn.prefix):
            left = [PREFIX]
        else:
            left = [thread for thread, own in lists.items() if places[thread] < len(own)]
        if not left:
            return
        random.shuffle(left)
        for thread in left:
            call = lists[thread][places[thread]]
            arguments = results.resolved(call.arguments)
            if arguments is None:
                places[thread] += 1
                break
            caller = "main" if thread == PREFIX else thread
            outcomes = reference.outcomes(state, caller, call.f, arguments, trails[thread])
            if outcomes:
                outcome = random.choice(outcomes)
                state, trails[thread] = outcome.state, outcome.trail or START
                if outcome.trail is None:
                    if outcome.returned:
                        results.note(thread, places[thread], outcome.result)
                    places[thread] += 1
                break
        else:
            pytest.fail(f"{drawn} stands still in {state}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [LockModel, MailboxModel, SlotsModel, Door, Relay, Tickets, Helped, HelpedByName]
)
def test_no_admitted_program_is_in_its_own_way(model: type[Model[Any]]) -> None:
    """On random walks through what is drawn, nothing stands still and nothing is forbidden."""

    @given(programs(model), st.randoms(use_true_random=False))
    @settings(max_examples=60, phases=[Phase.generate], deadline=None)
    def check(drawn: Program, random: Random) -> None:
        for _ in range(20):
            try:
                walk(model, drawn, random)
            except NotAllowed:
                pytest.fail(f"{drawn} makes a call that must not be made")

    check()
