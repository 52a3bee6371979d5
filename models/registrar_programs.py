"""The programs the registrar is verified with: drawn by hand, and a strategy that draws more.

>>> for name in ("same-chunk", "crossing-words", "refused-between", "counted"):
...     print(f"{name:16} {PROGRAMS[name]}")
same-chunk       0 ‖ 0
crossing-words   0; 64 ‖ 64; 0
refused-between  0-2 ‖ 2
counted          0; 1 ‖ ?; ?

Each is small enough that the explorer visits every execution: two threads or three, one request
or two each.  What they are about is how requests meet: in a chunk, in a word of the bitmap (64
chunks share one), in the mutex alone; in a chunk with several pieces, with none, with one that is
refused.
"""

from typing import Final

from hypothesis import strategies as st

from models.registrar import RegistrarCase
from models.registrar_explored import Call, Program
from models.registrar_history import Request
from registrar import GRANULARITY, PAGE_SIZE, MemoryLayout, MemoryRange

OFFSET: Final = 1 << 50
HALF: Final = GRANULARITY // 2
FAR: Final = 64
"""The first chunk of the second word of the bitmap."""


def _ram(*ends: tuple[float, float]) -> list[MemoryRange]:
    """Return RAM ranges whose ends are given in chunks."""
    return [MemoryRange(int(start * GRANULARITY), int(end * GRANULARITY)) for start, end in ends]


def _case(ram: list[MemoryRange], *refused: MemoryRange) -> RegistrarCase:
    return RegistrarCase(MemoryLayout.from_ranges(ram, []), OFFSET, frozenset(refused))


WHOLE: Final = _case(_ram((0, 4)))
"""Four chunks in one word, one piece each."""
WORDS: Final = _case(_ram((0, 2), (FAR, FAR + 1)))
"""Two chunks in the first word of the bitmap, one in the second."""
SPLIT: Final = _case(_ram((0, 0.5), (0.5, 1.75), (3, 4)))
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


def ask(first: int, last: int | None = None) -> Request:
    """Return a request from the middle of chunk `first` to that of chunk `last`, or for a byte."""
    address = first * GRANULARITY + HALF
    return address, 1 if last is None else (last - first) * GRANULARITY


ACROSS: Final[Request] = (GRANULARITY - 1, 2)
"""Two bytes: the last of chunk 0 and the first of chunk 1."""


def _program(case: RegistrarCase, *threads: list[Call]) -> Program:
    return Program(case, tuple(map(tuple, threads)))


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
    "counted": _program(WHOLE, [ask(0), ask(1)], [None, None]),
    "counted-first": _program(WHOLE, [ask(0)], [None, ask(0)]),
    "counted-words": _program(WORDS, [ask(0), ask(FAR)], [None, None]),
    # three threads
    "three-same-chunk": _program(WHOLE, [ask(0)], [ask(0)], [ask(0)]),
    "three-same-word": _program(WHOLE, [ask(0)], [ask(1)], [ask(2)]),
    "three-overlapping": _program(WHOLE, [ask(0, 1)], [ask(1, 2)], [ask(0, 2)]),
    "three-words": _program(WORDS, [ask(0)], [ask(FAR)], [ask(0), ask(FAR)]),
    "three-refused": _program(ONE_REFUSED, [ask(1)], [ask(0, 1)], [ask(1), ask(0)]),
    "three-refused-lower": _program(
        TWO_REFUSED, [ask(0, 2), ask(2)], [ask(2), ask(1)], [ask(1), ask(0)]
    ),
    "three-counted": _program(WORDS, [ask(0)], [ask(FAR)], [None, None]),
    "three-crossing": _program(WHOLE, [ask(0), ask(1)], [ask(1), ask(2)], [ask(2), ask(0)]),
    "three-meeting": _program(WHOLE, [ask(0), ask(1)], [ask(1), ask(0)], [ask(0), ask(1)]),
}
"""The programs by name, small ones first."""


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw two or three threads with a call or two each, about the same few chunks."""
    far = draw(st.booleans())
    hot = [0, FAR] if far else [0, 1, 2][: draw(st.integers(1, 3))]
    ram = [piece for chunk in hot for piece in draw(_pieces(chunk))]
    ram += _ram((hot[-1] + 1, hot[-1] + 1.25))  # so that every chunk is inside the layout
    plain = _case(ram)
    pieces = [piece for chunk in hot for piece in plain.pieces(chunk)]
    refused = draw(st.sets(st.sampled_from(pieces), max_size=2)) if pieces else set()
    calls = st.one_of(_requests(hot), st.none())
    threads = draw(st.lists(st.lists(calls, min_size=1, max_size=2), min_size=2, max_size=3))
    return _program(_case(ram, *refused), *threads)


def _pieces(chunk: int) -> st.SearchStrategy[list[MemoryRange]]:
    """Draw the RAM of `chunk`: all of it, an end, two pieces that touch or do not, or none."""
    shapes: list[list[tuple[float, float]]] = [
        [(0, 1)],
        [(0.5, 1)],
        [(0, 0.5), (0.5, 1)],
        [(0, 0.25), (0.75, 1)],
        [],
    ]
    return st.sampled_from(shapes).map(
        lambda shape: _ram(*((chunk + start, chunk + end) for start, end in shape))
    )


def _requests(hot: list[int]) -> st.SearchStrategy[Request]:
    """Draw requests for a byte, a page or nothing in a hot chunk, or for all up to the last one."""
    single = st.tuples(st.sampled_from(hot), st.sampled_from([0, 1, PAGE_SIZE])).map(
        lambda drawn: (drawn[0] * GRANULARITY, drawn[1])
    )
    if hot[-1] == FAR or len(hot) == 1:
        return single
    wide = st.sampled_from(hot[:-1]).map(lambda first: ask(first, hot[-1]))
    return st.one_of(single, wide)
