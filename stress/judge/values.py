"""Values of JSON as states need them: hashable, and different where JSON says they are.

>>> from_json([1, None, "a", {"b": [2]}])
(1, None, 'a', frozenset({('b', (2,))}))
>>> from_json(True) == from_json(1), from_json(1) == from_json(1.0)
(False, True)
>>> spelled(from_json([True, {"b": [2]}]))
'[true, {"b": [2]}]'

To Python, True is 1.  To JSON it is not, so a truth value is a `Truth` here.
"""

import enum
import json
from collections.abc import Hashable
from typing import Any, Final

DEEPEST: Final = 100
"""How deeply lists and objects may be nested: whoever compares or prints them goes as deep."""


class Truth(enum.Enum):
    """True or false as a value that is written, read, put in or taken out."""

    FALSE = False
    TRUE = True


def from_json(value: Any, room: int = DEEPEST) -> Hashable:
    """Return a value that `json` read: lists as tuples, objects as sets of pairs.

    RecursionError where they are nested more deeply than `room`.
    """
    kind = type(value)
    if kind is int or kind is str or value is None or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return Truth(value)
    if not room:
        raise RecursionError
    if kind is list:
        return tuple([from_json(each, room - 1) for each in value])
    return frozenset([(name, from_json(each, room - 1)) for name, each in value.items()])


def spelled(value: Any) -> str:
    """Return a value as JSON spells it; results of a set have plain bools."""
    return json.dumps(_to_json(value), ensure_ascii=False)


def _to_json(value: Any) -> Any:
    if isinstance(value, Truth):
        return value.value
    if isinstance(value, tuple):
        return [_to_json(each) for each in value]
    if isinstance(value, frozenset):
        return {name: _to_json(each) for name, each in sorted(value, key=lambda pair: pair[0])}
    return value
