"""What is drawn for the registrar: cases and requests where the rules have their edges.

>>> from hypothesis import find, settings
>>> alone = settings(database=None, derandomize=True)
>>> case = find(small_cases(), lambda case: len(case.refused) == 2, settings=alone)
>>> case.about, [str(piece) for piece in sorted(case.refused)]
((0,), ['0x0-0x40000000', '0x40000000-0x80000000'])

One thread alone meets all there is (`cases`).  Several have to meet each other, so their layouts
(`small_cases`) have a few chunks that all requests are about, of one word of the bitmap or of two.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from hypothesis import strategies as st

from models.registrar_case import PAGE, RegistrarCase, Request
from registrar import GRANULARITY, MemoryLayout, MemoryRange

WORD: Final = 64
"""How many chunks share a word of the bitmap: a place where faults gather, not a rule."""
OFFSET: Final = 1 << 50
"""That of small cases."""

_ANCHORS: Final = (0, 1, 2, 3, 62, 63, 64, 65, 66, 126, 127, 128, 129, 140)
_FROM_ANCHOR: Final = (0, PAGE, GRANULARITY // 2, GRANULARITY - PAGE)
_PLACES: Final = [k * GRANULARITY + more for k in _ANCHORS for more in _FROM_ANCHOR]
_EDGES: Final = st.one_of(
    [
        st.lists(st.sampled_from(places), min_size=2, max_size=7, unique=True)
        for places in (_PLACES[:16], _PLACES[:36], _PLACES)
    ]
)
_LARGEST: Final = -1
_OFFSETS: Final = st.sampled_from((0, PAGE, GRANULARITY, 1 << 50, GRANULARITY + 3 * PAGE, _LARGEST))
_LENGTHS: Final = (1, 0, PAGE, PAGE + 1, GRANULARITY, 3 * GRANULARITY + 1)
_NO_LENGTHS: Final = (1 << 64, -1, 0.5)
_OUTSIDE: Final = (-1, 0.5, (1 << 63) + 1, (1 << 64) - PAGE, (1 << 64) - 1, 1 << 64)


@st.composite
def cases(draw: st.DrawFn) -> RegistrarCase:
    """Layouts of up to 141 chunks, with edges of RAM, gaps, pages, chunks and words together.

    RAM ranges may touch without being one, as those of NUMA nodes do.
    """
    spans = [MemoryRange(*ends) for ends in pairwise(sorted(draw(_EDGES)))]
    kinds = draw(st.integers(0, 63))  # one bit for each span: a gap
    ram = [span for bit, span in enumerate(spans) if not kinds >> bit & 1] or spans
    layout = MemoryLayout.from_ranges(ram, [span for span in spans if span not in ram])
    offset = draw(_OFFSETS)
    if offset == _LARGEST:
        offset = MemoryRange.MAX_ADDRESS - layout.end_of_ram
    plain = RegistrarCase(layout, offset, frozenset())
    pieces = [piece for chunk in _landmarks(plain) for piece in plain.pieces(chunk)]
    return RegistrarCase(
        layout,
        offset,
        refused=frozenset(draw(st.lists(st.sampled_from(pieces), max_size=3))),
        as_object=draw(st.booleans()),
        returning=draw(st.booleans()),
    )


@st.composite
def small_cases(draw: st.DrawFn) -> RegistrarCase:
    """Layouts with one to three chunks that requests are about, and at most two refused pieces."""
    about = draw(st.sampled_from([(0,), (0, 1), (0, 1, 2), (0, WORD)]))
    ram = [piece for chunk in about for piece in draw(_pieces(chunk))]
    ram += ram_of((about[-1] + 1, about[-1] + 1.25))  # so that every chunk is inside the layout
    layout = MemoryLayout.from_ranges(ram, [])
    plain = RegistrarCase(layout, OFFSET, frozenset())
    pieces = [piece for chunk in about for piece in plain.pieces(chunk)]
    refused = draw(st.sets(st.sampled_from(pieces), max_size=2)) if pieces else set()
    return RegistrarCase(layout, OFFSET, frozenset(refused), about)


def ram_of(*ends: tuple[float, float]) -> list[MemoryRange]:
    """Return RAM ranges whose ends are given in chunks."""
    return [MemoryRange(int(start * GRANULARITY), int(end * GRANULARITY)) for start, end in ends]


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
        lambda shape: ram_of(*((chunk + start, chunk + end) for start, end in shape))
    )


@lru_cache
def requests(case: RegistrarCase) -> st.SearchStrategy[Request]:
    """Draw requests about a few chunks, or anywhere, as `case` has it."""
    return _about(case.about) if case.about else _anywhere(case)


def _about(chunks: tuple[int, ...]) -> st.SearchStrategy[Request]:
    """Draw requests for a byte or nothing (E1) in one of `chunks`, or for all up to the last."""
    single = [(chunk * GRANULARITY, 1) for chunk in chunks]
    single += [(chunk * GRANULARITY + PAGE, 0) for chunk in chunks]
    single += [(0, 0)]  # no chunk
    last = chunks[-1] * GRANULARITY
    wide = [(chunk * GRANULARITY, last - chunk * GRANULARITY + 1) for chunk in chunks[:-1]]
    if last > len(chunks) * GRANULARITY:  # they are far apart
        return st.sampled_from(single)
    return st.one_of([st.sampled_from(each) for each in (single, wide) if each])


def _anywhere(case: RegistrarCase) -> st.SearchStrategy[Request]:
    """Draw addresses and lengths at and beside the edges of pages, chunks, words, RAM and gaps.

    Some reach past the end, some overflow, and a few are no addresses at all.
    """
    edges = {edge for ram in case.layout.ram for edge in (ram.start, ram.end)}
    edges.update((chunk + more) * GRANULARITY for chunk in _landmarks(case) for more in (0, 1))
    edges.add(-(-case.chunk_count // WORD) * WORD * GRANULARITY)
    inside = [
        edge + more for edge in sorted(edges) for more in (0, 1, -1, -PAGE) if edge + more >= 0
    ]
    extents = [(length, None) for length in (*_LENGTHS * (len(inside) // 8 + 1), *_NO_LENGTHS)]
    drawn = st.tuples(
        st.sampled_from([*inside, *_OUTSIDE]),
        st.sampled_from([*extents, *((0, end) for end in inside)]),
    )
    return drawn.map(_request_of)


def _request_of(drawn: tuple[Any, tuple[Any, Any]]) -> Request:
    """Return the request for an address and a length, or for the two ends of one."""
    address, (length, end) = drawn
    return (address, length) if end is None else (min(address, end), abs(end - address))


def _landmarks(case: RegistrarCase) -> list[int]:
    """Return the chunks at the edges of RAM and words, ascending."""
    chunks = {edge // GRANULARITY for ram in case.layout.ram for edge in (ram.start, ram.end - 1)}
    chunks.update(chunk for chunk in (0, 63, 64, 127, 128) if chunk < case.chunk_count)
    return sorted(chunks)
