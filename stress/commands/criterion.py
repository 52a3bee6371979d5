"""What `--model` of `stress linearize` names: what a recorded history is judged by.

That is one of the judge's own specifications, or a `stress.model.Model`.  The value of a line is
then null, the one argument or a list of the arguments at the invocation; at "ok" the result; and at
"fail", where exceptions are results, the name of the one raised, or a list of its name and a list
of its arguments.

>>> once = named("once")
>>> word = once.vocabulary["call"]
>>> word.arguments({"value": 3}), word.result((3,), {"value": 3})
((3,), 3)
>>> word.failure((None,), {"value": "Poisoned"})
Raised(error='Poisoned', arguments=())
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from stress import datatype, registry
from stress.drawing import drawn
from stress.history import Span
from stress.judge.builtin import SPECIFICATIONS
from stress.judge.judgement import Judgement
from stress.judge.linearizability import linearize, program_order
from stress.judge.specification import Specification
from stress.judge.values import DEEPEST
from stress.judge.vocabulary import VOCABULARIES, Arguments, Line, ShapeError, Vocabulary, Word
from stress.model import Model
from stress.model_specification import ModelSpecification
from stress.operation import Operation
from stress.reference import Raised, Reference

ORDERS: Final = {"real-time": "clock", "sequential": "each process"}
"""What an order has to agree with, besides the model."""
SEED, PROGRAMS, THREADS = 0, 20, 2
"""What is drawn to see whether a model is of the datatype that it names."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """What the calls of one history are judged by."""

    specification: Specification
    vocabulary: Vocabulary
    """Reads its operations."""
    consistency: str = "real-time"
    stepwise: frozenset[str] = frozenset()
    """Operations of several atomic steps."""

    @property
    def order(self) -> str:
        """What an order of the calls has to agree with, besides the model."""
        return ORDERS[self.consistency]

    def judge(self, calls: Sequence[Span], budget: float) -> Judgement:
        """Judge `calls`, in `budget` seconds; ValueError where a history cannot tell enough."""
        self._check_processes(calls)
        predecessors = program_order(calls) if self.consistency == "sequential" else None
        return linearize(calls, self.specification, predecessors=predecessors, budget=budget)

    def _check_processes(self, calls: Sequence[Span]) -> None:
        """Raise ValueError where a process calls while steps of its own may be left to take."""
        opened: dict[int | str, Span] = {}
        for call in calls if self.stepwise else ():
            if call.process in opened:
                raise ValueError(
                    f"process {call.process} calls {call.f} after a {opened[call.process].f} that "
                    f"never ended.\n"
                    f"  That takes several atomic steps, some of which may come later, and a "
                    f"process takes the steps of one call at a time.\n"
                    f"  Give what goes on calling another number, as Jepsen does."
                )
            if call.outcome == "info" and call.f in self.stepwise:
                opened[call.process] = call


def named(name: str) -> Criterion:
    """Return what `name` names; the judge's own specifications come first.

    UnknownModelError or ValueError, saying which there are, if there is none; ValueError for a
    model that no history says enough for.
    """
    if name in SPECIFICATIONS:
        return Criterion(SPECIFICATIONS[name], VOCABULARIES[name]())
    try:
        model = registry.model_of(name)
    except registry.BrokenModelError:
        raise
    except registry.UnknownModelError as error:
        raise registry.UnknownModelError(
            f"{error}\n  The judge's own ones are {', '.join(SPECIFICATIONS)}."
        ) from error
    return of_model(name, model)


def of_model(name: str, model: type[Model[Any]]) -> Criterion:
    """Return what judges by `model`; ValueError if it depends on a case, which is not recorded.

    ModelError if it is not of the datatype that it names.
    """
    if model.cases is not None or model.small_cases is not None:
        raise ValueError(
            f"{name} permits one thing in one case and another in the next, and a history does "
            f"not say which case was its own.\n"
            f"  Judge it by a model that has no cases."
        )
    if model.datatype is not None:  # then a monitor may judge, which does not know the model
        datatype.check(model, drawn(model, SEED, PROGRAMS, THREADS))
    operations = model.operations()
    return Criterion(
        ModelSpecification(Reference(model())),
        {each.name: _word(each) for each in operations},
        model.consistency,
        frozenset(each.name for each in operations if each.stepwise),
    )


def _word(operation: Operation) -> Word:
    """Return how the calls of `operation` look in the lines of a history."""
    return Word(
        operation.name,
        _reader_of_arguments(tuple(operation.arguments)),
        _result,
        partial(_raised, operation) if operation.raises else None,
    )


def _reader_of_arguments(parameters: tuple[str, ...]) -> Callable[[Line], Arguments]:
    names = ", ".join(parameters)

    def read(line: Line) -> Arguments:
        value = line.get("value")
        if not parameters:
            if value is not None:
                raise ShapeError("it is called with a value, and takes none: leave it null")
            return ()
        if "value" not in line:
            raise ShapeError(f"it is called without a value, and takes {names}: give it as value")
        if len(parameters) == 1:
            return (_plain(value),)
        if not isinstance(value, list) or len(value) != len(parameters):
            raise ShapeError(
                f"it takes {len(parameters)} arguments: give [{names}] as value, in this order"
            )
        return tuple(map(_plain, value))

    return read


def _result(_: Arguments, line: Line) -> Any:
    if "value" not in line:
        raise ShapeError("it returns without a value: give it as value, null if there is none")
    return _plain(line["value"])


class Untold(tuple[Any, ...]):
    """The arguments of an exception of which only the name is told: they may be any."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = tuple.__hash__


def _raised(operation: Operation, _: Arguments, line: Line) -> Raised:
    """Return the exception that a "fail" tells of."""
    match line.get("value"):
        case str() as error:
            return Raised(error, Untold())
        case [str() as error, list() | None as arguments]:
            return Raised(error, tuple(map(_plain, arguments or ())) or None)
    known = ", ".join(each.__name__ for each in operation.raises)
    raise ShapeError(
        f"it fails, and does not say how: give the name of what it raised as value, or its name "
        f"and a list of its arguments.\n"
        f"  It may raise {known}.  A call that certainly took no effect is left out of the history"
    )


def _plain(value: Any, room: int = DEEPEST) -> Any:
    """Return a value that `json` read as models know it: lists as tuples.

    ShapeError for an object, which no model takes or returns; RecursionError where lists are nested
    more deeply than `room`.
    """
    if isinstance(value, Mapping):
        raise ShapeError("an object is no value of a model: those are null, booleans, numbers, "
                         "strings and lists")  # fmt: skip
    if not isinstance(value, list):
        return value
    if not room:
        raise RecursionError
    return tuple([_plain(each, room - 1) for each in value])
