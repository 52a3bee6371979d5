r"""A report with nothing in it that a terminal, or a reader, could take for something else.

>>> neutral("\x1b[31mred\n")
'\\x1b[31mred\\n'

Data may come from a stranger's file.  What is not printed as one character in one column is
escaped: control characters, those that turn the direction of a line, and wide ones, which would
push the columns apart.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from rich.cells import get_character_cell_size

from stress.report.failure import Report

LONGEST: Final = 1_200
"""Characters of one text that are shown."""
KEEPS_LINES: Final = "stacks"
"""The field whose texts have several lines."""


def neutral(text: str) -> str:
    """Return `text` with all escaped that is not one visible character in one column."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each
        if each.isprintable() and get_character_cell_size(each) == 1
        else each.encode("unicode_escape").decode()
        for each in text
    )


def shortened(text: str) -> str:
    """Return `text`, or its beginning and how much more there is."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({len(text) - LONGEST:,} more characters)"


def neutralised(report: Report, spell: Callable[[str], str]) -> Report:
    """Return `report` with each text in it neutral, not too long, and spelled by `spell`."""

    def made(text: str) -> str:
        return spell(neutral(shortened(text)))

    stacks = ["\n".join(map(made, stack.split("\n"))) for stack in report.stacks]
    found: Report = _mapped(report, made)
    return replace(found, stacks=stacks)


def _mapped(value: Any, made: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return made(value)
    if isinstance(value, list):
        return [_mapped(each, made) for each in value]
    if isinstance(value, dict):
        return {_mapped(key, made): _mapped(each, made) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            each.name: _mapped(getattr(value, each.name), made)
            for each in fields(value)
            if each.name != "source"  # a line of code is not shown
        }
        return replace(value, **changed)
    return value
