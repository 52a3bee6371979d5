"""How the calls of the built-in specifications look in Jepsen's lines, and what does not.

>>> queue = VOCABULARIES["queue"]()
>>> queue["enqueue"].arguments({"value": [1, 2]})
((1, 2),)
>>> queue["dequeue"].arguments({"value": 3})
Traceback (most recent call last):
stress.judge.vocabulary.ShapeError: it is called with 3, and takes no value: leave it null
>>> VOCABULARIES["set"]()["add"].result(("x",), {"value": ["x", True]})
('x', True)

A line is the object that `json` read; arguments and results are as `stress.judge.builtin` says.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from stress.judge.values import from_json, spelled
from stress.report.page import cut

type Line = dict[str, Any]
type Arguments = tuple[Any, ...]


class ShapeError(ValueError):
    """The value of a line is not what its operation takes or returns; the text says why."""


class Word(NamedTuple):
    """One operation."""

    f: str
    arguments: Callable[[Line], Arguments]
    """Reads an invocation."""
    result: Callable[[Arguments, Line], Any]
    """Reads an "ok"; takes the arguments of its invocation, too."""
    failure: Callable[[Arguments, Line], Any] | None = None
    """Reads a "fail" where that is a result; None: it says that the call took no effect."""


type Vocabulary = Mapping[str, Word]


LONGEST: Final = 60
"""Characters that are shown of a value that does not fit."""


def _said(value: Any) -> str:
    """Return a value as JSON spells it, or the beginning of that."""
    return cut(spelled(value), LONGEST, str)


# Invocations


def _nothing(line: Line) -> Arguments:
    if (value := line.get("value")) is not None:
        raise ShapeError(f"it is called with {_said(value)}, and takes no value: leave it null")
    return ()


def _anything(line: Line) -> Arguments:
    if "value" not in line:
        raise ShapeError("it is called without a value, and takes one: give it as value")
    return (from_json(line["value"]),)


def _something(line: Line) -> Arguments:
    if line.get("value") is None:
        raise ShapeError("it puts null in, which stands for empty: number the values instead")
    return (from_json(line["value"]),)


def _whole_number(line: Line) -> Arguments:
    value = line.get("value")
    if type(value) is not int:
        raise ShapeError(f"it is called with {_said(value)}, and takes a whole number")
    return (value,)


def _pair(line: Line) -> Arguments:
    match line.get("value"):
        case [old, new]:
            return from_json(old), from_json(new)
        case value:
            raise ShapeError(f"it is called with {_said(value)}, and takes [old, new]")


def _key(line: Line) -> Arguments:
    if "key" not in line:
        raise ShapeError("it names no key: give it in the line, beside the value, as key")
    return (from_json(line["key"]),)


def _key_alone(line: Line) -> Arguments:
    _nothing(line)
    return _key(line)


def _key_and_anything(line: Line) -> Arguments:
    return *_key(line), *_anything(line)


def _key_and_text(line: Line) -> Arguments:
    if type(value := line.get("value")) is not str:
        raise ShapeError(f"it appends {_said(value)}, and only strings can be")
    return *_key(line), value


class _Comparable:
    """Reads what is inserted into a priority queue: all numbers, or all strings."""

    def __init__(self) -> None:
        self._kind: type | None = None

    def __call__(self, line: Line) -> Arguments:
        value = line.get("value")
        kind = {int: float, float: float, str: str}.get(type(value))
        if kind is None:
            raise ShapeError(
                f"it inserts {_said(value)}, and only numbers and strings have an order"
            )
        self._kind = self._kind or kind
        if kind is not self._kind:
            raise ShapeError(
                f"it inserts {_said(value)}, and strings have no order among numbers: insert either"
            )
        return (value,)


# Results


def _given(arguments: Arguments, line: Line) -> Any:
    """Return the last argument, which is the result."""
    value, given = line.get("value"), arguments[-1]
    if value is not given and from_json(value) != given:
        raise ShapeError(
            f"it returns {_said(value)}, and was called with {_said(given)}, which it has to return"
        )
    return given


def _given_pair(arguments: Arguments, line: Line) -> Any:
    return _given((arguments,), line)


def _null(_: Arguments, line: Line) -> None:
    if (value := line.get("value")) is not None:
        raise ShapeError(f"it returns {_said(value)}, and has nothing to return")


def _found(_: Arguments, line: Line) -> Any:
    if "value" not in line:
        raise ShapeError("it returns without a value: give it as value, null if there is none")
    return from_json(line["value"])


def _counted(_: Arguments, line: Line) -> int:
    value = line.get("value")
    if type(value) is not int:
        raise ShapeError(f"it returns {_said(value)}, and has to return a number")
    return value


def _seen(arguments: Arguments, line: Line) -> tuple[Any, bool]:
    match line.get("value"):
        case [x, bool() as seen] if from_json(x) == arguments[0]:
            return arguments[0], seen
        case value:
            raise ShapeError(
                f"it returns {_said(value)}, and has to return "
                f"[{_said(arguments[0])}, true or false]"
            )


# The operations


def mismatching(vocabulary: Vocabulary) -> Vocabulary:
    """Return the same where a failed cas took effect: it saw that the value was not the old one."""
    return {**vocabulary, "cas": vocabulary["cas"]._replace(failure=lambda *_: None)}


def _words(*words: Word) -> Callable[[], Vocabulary]:
    table = {word.f: word for word in words}
    return lambda: table


def _container(insertion: str, removal: str) -> Callable[[], Vocabulary]:
    return _words(Word(insertion, _something, _given), Word(removal, _nothing, _found))


def _priority_queue() -> Vocabulary:
    insert = Word("insert", _Comparable(), _given)
    return {"insert": insert, "delete-min": Word("delete-min", _nothing, _found)}


_READ: Final = Word("read", _nothing, _found)
_WRITE: Final = Word("write", _anything, _given)

VOCABULARIES: Final[Mapping[str, Callable[[], Vocabulary]]] = {
    "register": _words(_READ, _WRITE),
    "cas-register": _words(_READ, _WRITE, Word("cas", _pair, _given_pair)),
    "mutex": _words(Word("acquire", _nothing, _null), Word("release", _nothing, _null)),
    "set": _words(*(Word(f, _anything, _seen) for f in ("add", "remove", "contains"))),
    "counter": _words(Word("add", _whole_number, _given), Word("read", _nothing, _counted)),
    "fetch-counter": _words(Word("increment", _nothing, _counted)),
    "queue": _container("enqueue", "dequeue"),
    "stack": _container("push", "pop"),
    "priority-queue": _priority_queue,
    "kv": _words(
        Word("get", _key_alone, _found),
        Word("put", _key_and_anything, _given),
        Word("append", _key_and_text, _given),
    ),
}
"""What makes the vocabulary for reading one history, by the names of the specifications."""
