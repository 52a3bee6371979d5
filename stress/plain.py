"""Plain data: what arguments, results and states are made of, and what JSON makes of it.

>>> plain([1, ["a", None]])
(1, ('a', None))
>>> is_plain((1, ("a", None))), is_plain((1, []))
(True, False)
"""

from typing import Any, Final

PLAIN: Final = (type(None), bool, int, float, str)


def plain(value: Any) -> Any:
    """Return plain data read from JSON: with tuples for lists."""
    return tuple(map(plain, value)) if isinstance(value, list | tuple) else value


def is_hashable(value: object) -> bool:
    """Return whether `value`, with all that it holds, has a hash."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_plain(value: Any) -> bool:
    """Return whether `value` is None, a bool, a number, a string, or a tuple of such."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return isinstance(value, PLAIN)
