"""What shows each mutant of a subject: a small program, as which failure, under which memory."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.explore.programs import MEMORIES

type Case = tuple[str, str]
"""The name of a mutant, and a memory model."""


class Prey[S](NamedTuple):
    """Which shape shows a mutant, as what, and under which memory models."""

    shape: S
    kinds: str
    """Of failures: one, or several with "or" between them."""
    memories: Sequence[str]


def shown(prey: Mapping[str, Prey[Any]]) -> list[Case]:
    """Return each mutant with each memory model that shows it."""
    return [(name, memory) for name in prey for memory in prey[name].memories]


def hidden(prey: Mapping[str, Prey[Any]]) -> list[Case]:
    """Return each mutant with each memory model that is too strong to show it."""
    return [
        (name, memory) for name in prey for memory in MEMORIES if memory not in prey[name].memories
    ]
