"""Fields of a saved failure, which a stranger may have written: one of a wrong type is not there.

>>> text_of({"model": "registrar", "seed": 7}, "model"), text_of({"seed": 7}, "seed")
('registrar', '')
>>> rows_of({"violations": [{"rule": "I1"}, "?"]}, "violations")
[{'rule': 'I1'}]
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import GenericAlias, UnionType
from typing import Any, get_args, get_origin, get_type_hints


def text_of(saved: Mapping[str, Any], name: str) -> str:
    """Return a text, or "" where there is none."""
    value = saved.get(name)
    return value if isinstance(value, str) else ""


def texts_of(saved: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a list."""
    value = saved.get(name)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def row_of(saved: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object, or an empty one where there is none."""
    value = saved.get(name)
    return value if isinstance(value, Mapping) else {}


def rows_of(saved: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list."""
    value = saved.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def is_sound(value: Any, kind: Any = None) -> bool:
    """Return whether all fields of a dataclass, and of those in it, are of the types they declare.

    >>> from stress.report.failure import Outcome
    >>> is_sound(Outcome("0, 1", 7, "allowed")), is_sound(Outcome("0, 1", "7", "allowed"))
    (True, False)
    """
    if kind is None or (isinstance(kind, type) and is_dataclass(kind)):
        kind = kind or type(value)
        hints = get_type_hints(kind)
        return isinstance(value, kind) and all(
            is_sound(getattr(value, each.name), hints[each.name]) for each in fields(kind)
        )
    if isinstance(kind, UnionType):
        return any(is_sound(value, each) for each in get_args(kind))
    if isinstance(kind, GenericAlias) or get_origin(kind) in {list, dict}:
        inner = get_args(kind)
        if get_origin(kind) is list:
            return isinstance(value, list) and all(is_sound(each, inner[0]) for each in value)
        return isinstance(value, dict) and all(
            is_sound(key, inner[0]) and is_sound(each, inner[1]) for key, each in value.items()
        )
    if isinstance(kind, type):
        return type(value) is kind  # True is no number here
    return value in get_args(kind)  # of a Literal
