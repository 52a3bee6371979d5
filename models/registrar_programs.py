"""The programs the registrar is verified with.

>>> for name in ("same-chunk", "crossing-words", "refused-between", "counted"):
...     print(f"{name:16} {outlined(PROGRAMS[name])}")
same-chunk       0 ‖ 0
crossing-words   0; 64 ‖ 64; 0
refused-between  0-2 ‖ 2
counted          0; 1 ‖ ?; ?

Each is small enough that the explorer visits every execution: two threads or three, one request
or two each.  What they are about is how requests meet: in a chunk, in a word of the bitmap (64
chunks share one), in the mutex alone; in a chunk with several pieces, with none, with one that is
refused.  Hypothesis draws more (`models.registrar_drawing`).
"""

from typing import Final

from models.registrar_case import RegistrarCase
from models.registrar_drawing import OFFSET, WORD, ram_of
from registrar import GRANULARITY, MemoryLayout, MemoryRange
from stress.program import Invocation, Program

HALF: Final = GRANULARITY // 2
FAR: Final = WORD
"""The first chunk of the second word of the bitmap."""
COUNT: Final = Invocation("count", ())


def _case(ram: list[MemoryRange], *refused: MemoryRange) -> RegistrarCase:
    return RegistrarCase(MemoryLayout.from_ranges(ram, []), OFFSET, frozenset(refused))


WHOLE: Final = _case(ram_of((0, 4)))
"""Four chunks in one word, one piece each."""
WORDS: Final = _case(ram_of((0, 2), (FAR, FAR + 1)))
"""Two chunks in the first word of the bitmap, one in the second."""
SPLIT: Final = _case(ram_of((0, 0.5), (0.5, 1.75), (3, 4)))
"""Chunk 0 has two pieces (as of two NUMA nodes), chunk 1 ends early, chunk 2 has no RAM."""

_LOW, _HIGH = SPLIT.pieces(0)
SECOND_REFUSED: Final = _case(list(SPLIT.layout.ram), _HIGH)
"""As `SPLIT`; the second piece of chunk 0 is refused (E7)."""
FIRST_REFUSED: Final = _case(list(SPLIT.layout.ram), _LOW)
"""As `SPLIT`; the first piece of chunk 0 is refused."""
ONE_REFUSED: Final = _case(list(WHOLE.layout.ram), *WHOLE.pieces(1))
"""As `WHOLE`; chunk 1 is refused."""
TWO_REFUSED: Final = _case(list(WHOLE.layout.ram), *WHOLE.pieces(0), *WHOLE.pieces(1))
"""As `WHOLE`; chunks 0 and 1 are refused."""
WORDS_REFUSED: Final = _case(list(WORDS.layout.ram), *WORDS.pieces(FAR))
"""As `WORDS`; the chunk in the second word is refused."""


def asking(*request: int) -> Invocation:
    """Return the call that makes a request: for an address, and a length."""
    return Invocation("register", (request,))


def ask(first: int, last: int | None = None) -> Invocation:
    """Return a request from the middle of chunk `first` to that of chunk `last`, or for a byte."""
    length = 1 if last is None else (last - first) * GRANULARITY
    return asking(first * GRANULARITY + HALF, length)


ACROSS: Final = asking(GRANULARITY - 1, 2)
"""For two bytes: the last of chunk 0 and the first of chunk 1."""


def _program(case: RegistrarCase, *threads: list[Invocation]) -> Program:
    return Program((), tuple(map(tuple, threads)), case)


PROGRAMS: Final[dict[str, Program]] = {
    # two threads, one request each
    "same-chunk": _program(WHOLE, [ask(0)], [ask(0)]),
    "same-word": _program(WHOLE, [ask(0)], [ask(1)]),
    "other-word": _program(WORDS, [ask(0)], [ask(FAR)]),
    "split-chunk": _program(SPLIT, [ask(0)], [ask(0)]),
    "empty-chunk": _program(SPLIT, [ask(2)], [ask(2)]),
    "several-chunks": _program(WHOLE, [ask(0, 1)], [ask(1)]),
    "overlapping": _program(WHOLE, [ask(0, 1)], [ask(1, 2)]),
    "across": _program(WHOLE, [ACROSS], [ACROSS]),
    "refused": _program(ONE_REFUSED, [ask(1)], [ask(1)]),
    "refused-first-piece": _program(FIRST_REFUSED, [ask(0)], [ask(0)]),
    "refused-second-piece": _program(SECOND_REFUSED, [ask(0)], [ask(0)]),
    "refused-between": _program(ONE_REFUSED, [ask(0, 2)], [ask(2)]),
    # two threads, two requests
    "crossing": _program(WHOLE, [ask(0), ask(1)], [ask(1), ask(0)]),
    "crossing-words": _program(WORDS, [ask(0), ask(FAR)], [ask(FAR), ask(0)]),
    "widening": _program(WHOLE, [ask(0), ask(0, 2)], [ask(2), ask(1, 2)]),
    "refused-lower": _program(TWO_REFUSED, [ask(1), ask(0)], [ask(0, 2), ask(2)]),
    "refused-word": _program(WORDS_REFUSED, [ask(FAR), ask(0)], [ask(0), ask(FAR)]),
    "counted": _program(WHOLE, [ask(0), ask(1)], [COUNT, COUNT]),
    "counted-first": _program(WHOLE, [ask(0)], [COUNT, ask(0)]),
    "counted-words": _program(WORDS, [ask(0), ask(FAR)], [COUNT, COUNT]),
    # three threads
    "three-same-chunk": _program(WHOLE, [ask(0)], [ask(0)], [ask(0)]),
    "three-same-word": _program(WHOLE, [ask(0)], [ask(1)], [ask(2)]),
    "three-overlapping": _program(WHOLE, [ask(0, 1)], [ask(1, 2)], [ask(0, 2)]),
    "three-words": _program(WORDS, [ask(0)], [ask(FAR)], [ask(0), ask(FAR)]),
    "three-refused": _program(ONE_REFUSED, [ask(1)], [ask(0, 1)], [ask(1), ask(0)]),
    "three-refused-lower": _program(
        TWO_REFUSED, [ask(0, 2), ask(2)], [ask(2), ask(1)], [ask(1), ask(0)]
    ),
    "three-counted": _program(WORDS, [ask(0)], [ask(FAR)], [COUNT, COUNT]),
    "three-crossing": _program(WHOLE, [ask(0), ask(1)], [ask(1), ask(2)], [ask(2), ask(0)]),
    "three-meeting": _program(WHOLE, [ask(0), ask(1)], [ask(1), ask(0)], [ask(0), ask(1)]),
}
"""The programs by name, small ones first."""


def outlined(program: Program) -> str:
    """Return the chunks each call of each thread asks for; "?" is a call of ``count``."""
    case: RegistrarCase = program.case

    def chunks(call: Invocation) -> str:
        if call == COUNT:
            return "?"
        asked = case.chunks(*call.arguments[0])
        return "-".join(str(chunk) for chunk in (*asked[:1], *asked[1:][-1:])) or "none"

    return " ‖ ".join("; ".join(map(chunks, own)) for own in program.threads)
