"""The sequential state machine of a model, for Hypothesis: its operations are the rules.

>>> from hypothesis import strategies as st
>>> from stress.model import Model, operation
>>> class Bag:
...     def __init__(self, sync):
...         self._items = []
...
...     def add(self, item):
...         self._items = [*self._items[-1:], item]
...
...     def size(self):
...         return len(self._items)
>>> class BagModel(Model):
...     subject = Bag
...     items: int = 0
...
...     @operation(item=st.integers(0, 9))
...     def add(self, item):
...         self.items += 1
...
...     @operation
...     def size(self):
...         return self.items
>>> machine = sequential(BagModel)
>>> try:
...     run_state_machine_as_test(machine, settings=settings(database=None, derandomize=True))
... except AssertionError as error:
...     print(str(error).splitlines()[0])
size()
>>> [call["f"] for call in machine.last_failure["calls"]]
['add', 'add', 'add', 'size']

One thread calls the subject and the reference side by side.  A rule of its own repeats one of the
last calls, which random arguments seldom do.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from stress.drawing import BACK, argument, invocation
from stress.explore.guard import NoStepError, watched
from stress.model import Model
from stress.operation import Operation, ResultOf
from stress.program import PREFIX, Earlier, Invocation, Program, ProgramError
from stress.sidebyside import SideBySide

__all__ = ["SequentialMachine", "rerun", "run_state_machine_as_test", "sequential", "settings"]


PATIENCE: Final = 10.0
"""Seconds that a call may take."""


class StandsStill(BaseException):
    """A call does not return: it waits for something that is none of its `Sync`, or loops.

    No Exception, as Hypothesis would try it again and again.
    """


def ending() -> AbstractContextManager[None]:
    """Return what surrounds runs of machines, so that a call that does not return `StandsStill`s.

    Only in the main thread, which is woken by a signal.
    """
    return watched(lambda: SequentialMachine.taken, PATIENCE, [])


class SequentialMachine(RuleBasedStateMachine):
    """Runs a subject and its reference side by side, and compares them after every call."""

    model: ClassVar[type[Model[Any]]]
    last_failure: ClassVar[dict[str, Any] | None] = None
    """The run that failed last, for `rerun`: Hypothesis ends with the smallest."""
    taken: ClassVar[int] = 0
    """How many calls all machines have made, by which the watchdog sees that they get on."""

    def begin(self, case: Any) -> None:
        """Make a subject for `case`."""
        self._bound = self.model(case)
        self._pair = SideBySide(self.model, case)
        self._bound.earlier = self._calls = list[Invocation]()
        self._strategies: dict[tuple[str, str], st.SearchStrategy[Any]] = {}

    def strategy(self, own: Operation, name: str) -> st.SearchStrategy[Any]:
        """Return the strategy for an argument of an operation, which may depend on the case."""
        key = own.name, name
        if key not in self._strategies:
            self._strategies[key] = argument(self._bound, own, name)
        return self._strategies[key]

    def call(self, own: Operation, drawn: Mapping[str, Any]) -> None:
        """Call an operation with what was drawn for it."""
        arguments = []
        for name, given in own.arguments.items():
            value = drawn[name]
            if isinstance(given, ResultOf):
                value = self._earlier(given, value)
                if value is None:
                    return
            arguments.append(value)
        self._take(invocation(self._bound, own, tuple(arguments)))

    def _earlier(self, reference: ResultOf, back: int) -> Earlier | None:
        used = {each for call in self._calls for each in call.arguments} if reference.once else ()
        there = [
            Earlier(PREFIX, place)
            for place, call in enumerate(self._calls)
            if call.f == reference.operation and Earlier(PREFIX, place) not in used
        ]
        return there[-1 - back % len(there)] if there else None

    @rule(back=BACK)
    def again(self, back: int) -> None:
        """Make one of the last calls once more."""
        if self._calls:
            call = self._calls[-1 - back % len(self._calls)]
            if not any(isinstance(each, Earlier) for each in call.arguments):
                self._take(call)

    def _take(self, call: Invocation) -> None:
        SequentialMachine.taken += 1
        self._calls.append(call)
        try:
            message = self._pair.step(call)
        except NoStepError as error:
            self._note_failure(f"{call}\n  observed  no end: {error}")
            raise StandsStill from error
        if message:
            self._note_failure(message)
            raise AssertionError(message)

    def _note_failure(self, message: str) -> None:
        program = Program(tuple(self._calls), (), self._bound.case)
        saved = program.to_json(self.model)
        type(self).last_failure = {
            "calls": saved.pop("prefix"),
            **({"case": saved["case"]} if "case" in saved else {}),
            "message": message,
        }


def sequential(model: type[Model[Any]]) -> type[SequentialMachine]:
    """Return the state machine of `model`."""
    # No attribute is called like this, so an operation may have any name.
    rules = {f"operation {own.name}": _rule(own) for own in model.operations()}
    cases = st.none() if model.cases is None else model.cases
    begin = initialize(case=cases)(SequentialMachine.begin)
    name = f"{model.__name__.removesuffix('Model')}Machine"
    return type(name, (SequentialMachine,), {"model": model, "begin": begin, **rules})


def _rule(own: Operation) -> Callable[..., None]:
    def take(self: SequentialMachine, **drawn: Any) -> None:
        self.call(own, drawn)

    take.__name__ = own.name
    drawn: dict[str, Any] = {name: _drawn(own, name) for name in own.arguments}
    decorate: Callable[..., Any] = rule(**drawn)
    made: Callable[..., None] = decorate(take)
    return made


def _drawn(own: Operation, name: str) -> st.SearchStrategy[Any]:
    given = own.arguments[name]
    if isinstance(given, st.SearchStrategy):
        return given

    def strategy(machine: Any) -> st.SearchStrategy[Any]:
        found: st.SearchStrategy[Any] = machine.strategy(own, name)
        return found

    return st.runner().flatmap(strategy)


def rerun(model: type[Model[Any]], saved: Mapping[str, Any]) -> str | None:
    """Make the calls of a failed machine again; return how they fail, if they do.

    ProgramError where `saved` is damaged.
    """
    if not isinstance(saved.get("calls"), list):
        raise ProgramError(
            "the saved failure is damaged: it has no list of calls.\n  Save it again."
        )
    program = Program.from_json(model, {**saved, "prefix": saved["calls"], "threads": []})
    pair = SideBySide(model, program.case)
    taken: list[Invocation] = []
    try:
        with watched(lambda: len(taken), PATIENCE, []):
            for call in program.prefix:
                taken.append(call)
                if message := pair.step(call):
                    return message
    except NoStepError as error:
        return str(error)
    return None
