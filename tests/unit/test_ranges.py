"""MemoryRange and the algebra of ranges: section 1 of registrar-rules.md.

Long, because each rule, probed fact and error text of that section has its test here.  The
properties draw small page numbers and compare with plain sets of pages.
"""

import copy
import pickle
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, dataclass
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrar.ranges import (
    PAGE_SIZE,
    Both,
    Left,
    MemoryRange,
    Neither,
    Right,
    aligned_subranges,
    flatten_ranges,
    merge_adjacent_ranges,
    overlapping_ranges,
    subtract_ranges,
    walk_ranges,
)

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MAX = MemoryRange.MAX_ADDRESS
U64_MAX = (1 << 64) - 1
LAST_PAGE = 12  # the properties draw page numbers up to this one

type Ranges = list[MemoryRange]


@dataclass(frozen=True)
class Index:
    """An integer of somebody else's, as numpy has them."""

    value: int

    def __index__(self) -> int:
        return self.value


def mib(*ends: tuple[int, int]) -> Ranges:
    """Return ranges whose ends are given in MiB."""
    return [MemoryRange(start * MIB, end * MIB) for start, end in ends]


def pages(*ends: tuple[int, int]) -> Ranges:
    """Return ranges whose ends are given as page numbers."""
    return [MemoryRange(start * PAGE_SIZE, end * PAGE_SIZE) for start, end in ends]


def page_set(*ranges: MemoryRange) -> set[int]:
    """Return the numbers of all pages in the ranges."""
    return {page for item in ranges for page in range(item.start_4k_gpn, item.end_4k_gpn)}


@contextmanager
def refuses(text: str) -> Iterator[None]:
    """Expect a ValueError whose first line is the text, followed by why and what to do."""
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        yield
    what, why, instead = str(caught.value).splitlines()
    assert what == text
    assert why.startswith("  ")
    assert instead.startswith("  ")


class Source[T]:
    """An iterable that counts what was pulled from it."""

    def __init__(self, items: Iterable[T]) -> None:
        self.items = list(items)
        self.pulled = 0

    def __iter__(self) -> Iterator[T]:
        for item in self.items:
            self.pulled += 1
            yield item


def driven[T](results: Iterator[T]) -> tuple[list[T], str]:
    """Return what an iterator yields, and the text of the error that ends it."""
    seen: list[T] = []
    try:
        seen.extend(results)  # keeps what came before an error
    except ValueError as error:
        return seen, str(error).splitlines()[0]
    return seen, ""


def one_range(last: int = LAST_PAGE) -> st.SearchStrategy[MemoryRange]:
    """Draw any range on small page numbers, empty ones included."""
    ends = st.tuples(st.integers(0, last), st.integers(0, last))
    return ends.map(lambda pair: pages((min(pair), max(pair)))[0])


@st.composite
def ordered(draw: st.DrawFn) -> Ranges:
    """Draw a list in good order: gaps, touching ranges and empty ranges."""
    position, drawn = 0, []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)))):
        drawn.append((position + gap, position + gap + length))
        position += gap + length
    return pages(*drawn)


def any_order() -> st.SearchStrategy[Ranges]:
    """Draw a list that is in good order, nearly, or not at all."""
    return st.one_of(
        ordered(),
        st.lists(one_range(), max_size=5),
        st.lists(one_range(), max_size=5).map(sorted),
        ordered().flatmap(st.permutations).map(list),
    )


# A range


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (1, 2, "Its start is 0x1 past"),
        (0x1001, 0x1000, "Its start is 0x1 past"),
        (0, 0xFFF, "Its end is 0xfff past"),
        (0x2000, 0x1001, "Its end is 0x1 past"),
        (0x2000, 0x1000, "It ends before it starts"),
    ],
)
def test_range_rejects_bad_ends_in_order(start: int, end: int, why: str) -> None:
    """The start's alignment is checked first, then the end's, then their order."""
    text = f"unaligned or invalid memory range: {start:#x}-{end:#x}"
    with refuses(text):
        MemoryRange(start, end)
    with pytest.raises(ValueError, match=f"\n  {why}"):
        MemoryRange(start, end)


@pytest.mark.parametrize("value", [True, False, 4096.0, "0x1000", None, b"\0", 4096j])
def test_range_rejects_whatever_is_no_integer(value: Any) -> None:
    """A bool, a float, a string or None is a TypeError at either end (D6)."""
    with pytest.raises(TypeError, match=re.escape(f"start is {value!r}, of type")):
        MemoryRange(value, 0)
    with pytest.raises(TypeError, match=re.escape(f"end is {value!r}, of type")):
        MemoryRange(0, value)


@pytest.mark.parametrize("value", [-1, -PAGE_SIZE, 1 << 64, 1 << 80])
def test_range_rejects_integers_beyond_u64(value: int) -> None:
    """A negative number, or one of more than 64 bits, is a ValueError at either end (D6)."""
    with refuses(f"start is {value:#x}, outside 0x0-0xffffffffffffffff"):
        MemoryRange(value, 0)
    with refuses(f"end is {value:#x}, outside 0x0-0xffffffffffffffff"):
        MemoryRange(0, value)


def test_range_allows_foreign_integers() -> None:
    """An object with __index__ is an integer, and the range keeps a plain int of it."""
    item = MemoryRange(Index(0x1000), Index(0x2000))

    assert item == MemoryRange(0x1000, 0x2000)
    assert type(item.start) is type(item.end) is int


def test_range_allows_emptiness_anywhere() -> None:
    """An empty range keeps its address: 0x1000-0x1000 is neither EMPTY nor 0x2000-0x2000."""
    assert MemoryRange(0x1000, 0x1000).is_empty
    assert MemoryRange(0x1000, 0x1000) != MemoryRange.EMPTY
    assert MemoryRange(0x1000, 0x1000) != MemoryRange(0x2000, 0x2000)
    assert MemoryRange(MAX, MAX).is_empty
    assert not MemoryRange(0, 0x1000).is_empty


def test_constants_return_their_values() -> None:
    """A page has 4096 bytes, EMPTY is 0x0-0x0, MAX_ADDRESS the largest aligned u64."""
    assert PAGE_SIZE == 4096
    assert str(MemoryRange.EMPTY) == "0x0-0x0"
    assert hex(MAX) == "0xfffffffffffff000"


def test_range_prints_both_ends_in_hexadecimal() -> None:
    """A range prints as start-end in hexadecimal."""
    assert str(MemoryRange(0, 0x1000)) == "0x0-0x1000"
    assert str(MemoryRange(0, MAX)) == "0x0-0xfffffffffffff000"


@given(one_range())
def test_repr_always_evaluates_back(item: MemoryRange) -> None:
    """The repr is an expression that makes an equal range."""
    assert eval(repr(item), {"MemoryRange": MemoryRange}) == item  # noqa: S307


@given(one_range())
def test_range_survives_pickle_and_copy(item: MemoryRange) -> None:
    """A pickled, copied or deep-copied range equals the original."""
    assert pickle.loads(pickle.dumps(item)) == item  # noqa: S301
    assert copy.copy(item) == copy.deepcopy(item) == item


@pytest.mark.parametrize("name", ["start", "end"])
def test_range_rejects_assignment(name: str) -> None:
    """Neither end can be set or deleted once the range is made."""
    item = MemoryRange(0, 0x1000)
    with pytest.raises(FrozenInstanceError):
        setattr(item, name, 0)
    with pytest.raises(FrozenInstanceError):
        delattr(item, name)
    assert not hasattr(item, "__dict__")


def test_range_has_no_len() -> None:
    """len() is refused, since Python could not give it for the upper half of the lengths."""
    with pytest.raises(TypeError, match="has no len"):
        len(MemoryRange(0, MAX))  # type: ignore[arg-type]
    assert MemoryRange(0, MAX).length == MAX


@given(one_range(), one_range())
def test_ranges_always_compare_as_pairs(a: MemoryRange, b: MemoryRange) -> None:
    """Ranges compare by start, then by end, and equal ones have equal hashes."""
    pair_a, pair_b = (a.start, a.end), (b.start, b.end)

    assert (a < b, a <= b, a == b, a >= b, a > b) == (
        pair_a < pair_b,
        pair_a <= pair_b,
        pair_a == pair_b,
        pair_a >= pair_b,
        pair_a > pair_b,
    )
    assert len({a, b}) == len({pair_a, pair_b})


def test_range_never_equals_a_tuple() -> None:
    """A range is not equal to the pair of its ends, nor ordered with it."""
    pair: object = (0, 0x1000)
    assert pair != MemoryRange(0, 0x1000)
    with pytest.raises(TypeError):
        _ = MemoryRange(0, 0x1000) < (0, 0x1000)  # type: ignore[operator]


def test_range_returns_its_measures() -> None:
    """Length is in bytes, page counts in pages, the last page of 2 MiB perhaps in part."""
    item = MemoryRange(3 * MIB, 8 * MIB)

    assert item.length == 5 * MIB
    assert item.page_count_4k == 1280
    assert item.page_count_2m == 3
    assert (item.start_4k_gpn, item.end_4k_gpn) == (768, 2048)


@pytest.mark.parametrize(
    ("length", "count"), [(0, 0), (PAGE_SIZE, 1), (2 * MIB, 1), (2 * MIB + PAGE_SIZE, 2)]
)
def test_page_count_2m_rounds_up(length: int, count: int) -> None:
    """A part of a page of 2 MiB counts as one."""
    assert MemoryRange(PAGE_SIZE, PAGE_SIZE + length).page_count_2m == count


# Making a range from others' units


@pytest.mark.parametrize(
    ("start", "end", "bounds"),
    [
        (5, 5, (0, 0x1000)),
        (0, 0, (0, 0)),
        (0x1000, 0x1000, (0x1000, 0x1000)),
        (0x1001, 0x1002, (0x1000, 0x2000)),
        (0, U64_MAX - PAGE_SIZE - 1, (0, MAX)),
    ],
)
def test_bounding_returns_whole_pages_around(start: int, end: int, bounds: tuple[int, int]) -> None:
    """Bounding rounds outwards, even around no byte, up to the strict limit [PROBED]."""
    assert MemoryRange.bounding(start, end) == MemoryRange(*bounds)


@pytest.mark.parametrize(
    ("start", "end"), [(0, U64_MAX - PAGE_SIZE), (0, U64_MAX), (6, 5), (0x1000, 0)]
)
def test_bounding_rejects_order_and_limit(start: int, end: int) -> None:
    """Bounding refuses an end at 2**64 - 1 - 4096 or above [PROBED], or below the start."""
    with refuses(f"no range bounds {start:#x}-{end:#x}"):
        MemoryRange.bounding(start, end)


@given(st.integers(0, 50_000), st.integers(0, 50_000))
def test_bounding_always_returns_the_smallest(start: int, length: int) -> None:
    """Bounding holds every byte, and one page less at either side would not."""
    item = MemoryRange.bounding(start, start + length)

    assert item.start <= start < item.start + PAGE_SIZE
    assert item.end - PAGE_SIZE < start + length <= item.end


def test_from_4k_gpn_range_returns_pages_by_number() -> None:
    """Page n starts at n * 4096, up to the last page number, 2**52 - 1."""
    last = (1 << 52) - 1

    assert MemoryRange.from_4k_gpn_range(1, 3) == MemoryRange(0x1000, 0x3000)
    assert MemoryRange.from_4k_gpn_range(0, last) == MemoryRange(0, MAX)


@pytest.mark.parametrize("ends", [(0, 1 << 52), (1 << 52, 1 << 52), (1 << 60, 0)])
def test_from_4k_gpn_range_rejects_big_numbers(ends: tuple[int, int]) -> None:
    """A page number above 2**52 - 1 has no address."""
    with refuses(f"no range has the page numbers {ends[0]:#x}-{ends[1]:#x}"):
        MemoryRange.from_4k_gpn_range(*ends)


def test_from_4k_gpn_range_rejects_descending_numbers() -> None:
    """Page numbers in descending order fail as their addresses do."""
    with refuses("unaligned or invalid memory range: 0x2000-0x1000"):
        MemoryRange.from_4k_gpn_range(2, 1)


# Alignment


def test_alignment_returns_the_largest_power() -> None:
    """Alignment is that of the worse end, after the base is added to both."""
    assert MemoryRange(2 * MIB, 4 * MIB).alignment() == 2 * MIB
    assert MemoryRange(2 * MIB, 4 * MIB + PAGE_SIZE).alignment() == PAGE_SIZE
    assert MemoryRange(0, GIB).alignment() == GIB
    assert MemoryRange(0, 0).alignment(0x2000) == 0x2000
    assert MemoryRange(2 * MIB - PAGE_SIZE, 4 * MIB - PAGE_SIZE).alignment(PAGE_SIZE) == 2 * MIB
    assert MemoryRange(0, PAGE_SIZE).alignment(1) == 1


@given(one_range(), st.integers(0, 3 * PAGE_SIZE))
def test_alignment_always_divides_both_ends(item: MemoryRange, base: int) -> None:
    """Alignment divides both sums, and twice as much does not."""
    start, end = base + item.start, base + item.end
    if not start and not end:
        return
    power = item.alignment(base)

    assert power.bit_count() == 1
    assert start % power == end % power == 0
    assert start % (2 * power) or end % (2 * power)


def test_alignment_rejects_zero() -> None:
    """0x0-0x0 at base 0 has no alignment: the original shifts by 64 there [PROBED]."""
    with refuses("the alignment of 0x0-0x0 at base 0x0 is not a 64-bit number"):
        MemoryRange.EMPTY.alignment()


def test_alignment_rejects_sums_beyond_u64() -> None:
    """A base that pushes the end past 64 bits is refused."""
    with refuses("base + end of 0x0-0x2000 is 0x10000000000000fff, outside 0x0-0x" + "f" * 16):
        MemoryRange(0, 0x2000).alignment(U64_MAX - 0x1000)


@pytest.mark.parametrize(
    ("given_ends", "unit", "ends"),
    [
        ((0, 0), MIB, (0, 0)),
        ((0, MIB), MIB, (0, MIB)),
        ((4 * KIB, MIB + 4 * KIB), MIB, (MIB, MIB)),
        ((MIB, 5 * MIB), 2 * MIB, (2 * MIB, 4 * MIB)),
        ((4 * KIB, 8 * KIB), MIB, (0, 0)),
        ((4 * KIB, 8 * KIB), 1, (4 * KIB, 8 * KIB)),
        ((MAX - PAGE_SIZE, MAX), 1 << 63, (0, 0)),
        ((MAX, MAX), PAGE_SIZE, (MAX, MAX)),
    ],
)
def test_aligned_subrange_returns_the_inside(
    given_ends: tuple[int, int], unit: int, ends: tuple[int, int]
) -> None:
    """The start is rounded up and the end down, without a limit; EMPTY if they cross."""
    assert MemoryRange(*given_ends).aligned_subrange(unit) == MemoryRange(*ends)


@given(one_range(), st.integers(0, 16).map(lambda shift: 1 << shift))
def test_aligned_subrange_always_spans_the_multiples(item: MemoryRange, unit: int) -> None:
    """It reaches from the first multiple in the range, ends included, to the last one."""
    multiples = [place for place in range(0, item.end + 1, unit) if place >= item.start]
    expected = MemoryRange(multiples[0], multiples[-1]) if multiples else MemoryRange.EMPTY

    assert item.aligned_subrange(unit) == expected


@pytest.mark.parametrize("unit", [0, 3, MIB - 1, MIB + PAGE_SIZE])
def test_aligned_subrange_rejects_other_units(unit: int) -> None:
    """An alignment that is no power of two is refused."""
    with refuses(f"alignment {unit:#x} is not a power of two"):
        MemoryRange(0, MIB).aligned_subrange(unit)


# Two ranges, or a range and an address


@given(one_range(), one_range())
def test_ranges_overlap_iff_they_share_a_page(a: MemoryRange, b: MemoryRange) -> None:
    """Ranges with bytes overlap exactly if they share a page, whichever is asked."""
    assert a.overlaps(b) == b.overlaps(a)
    if not a.is_empty and not b.is_empty:
        assert a.overlaps(b) == bool(page_set(a) & page_set(b))


def test_empty_range_overlaps_from_inside_only() -> None:
    """An empty range overlaps what it lies strictly inside, not what it touches."""
    whole = MemoryRange(0x1000, 0x3000)

    assert whole.overlaps(MemoryRange(0x2000, 0x2000))
    assert MemoryRange(0x2000, 0x2000).overlaps(whole)
    assert not whole.overlaps(MemoryRange(0x1000, 0x1000))
    assert not whole.overlaps(MemoryRange(0x3000, 0x3000))
    assert not MemoryRange.EMPTY.overlaps(MemoryRange.EMPTY)


@given(one_range(), one_range())
def test_range_contains_iff_no_page_is_missing(a: MemoryRange, b: MemoryRange) -> None:
    """A range contains one with bytes exactly if it has all its pages."""
    if not b.is_empty:
        assert a.contains(b) == (page_set(b) <= page_set(a))


def test_range_contains_empty_ranges_at_its_edges() -> None:
    """An empty range is contained at either edge and inside, but not elsewhere."""
    whole = MemoryRange(0x1000, 0x3000)
    inside = [whole.contains(MemoryRange(place, place)) for place in range(0, 0x5000, 0x1000)]

    assert inside == [False, True, True, True, False]


@given(one_range(), st.integers(0, (LAST_PAGE + 1) * PAGE_SIZE))
def test_offset_of_returns_none_outside(item: MemoryRange, address: int) -> None:
    """The offset is the distance from the start if the address is contained, else None."""
    inside = address // PAGE_SIZE in page_set(item)

    assert item.contains_address(address) == inside
    assert item.offset_of(address) == (address - item.start if inside else None)


@given(one_range(), one_range())
def test_intersection_always_holds_the_shared_pages(a: MemoryRange, b: MemoryRange) -> None:
    """The intersection has exactly the pages that both have, whichever is asked."""
    assert page_set(a.intersection(b)) == page_set(a) & page_set(b)
    assert a.intersection(b) == b.intersection(a)


def test_intersection_returns_where_ranges_touch() -> None:
    """Touching ranges intersect in an empty range at that address, distant ones in EMPTY."""
    first, second, third = pages((1, 2), (2, 3), (3, 4))

    assert first.intersection(second) == MemoryRange(0x2000, 0x2000)
    assert first.intersection(third) == MemoryRange.EMPTY


@given(one_range(), st.integers(0, LAST_PAGE))
def test_split_at_offset_returns_both_halves(item: MemoryRange, page: int) -> None:
    """The halves meet at the offset and are the range again; beyond the length is refused."""
    offset = page * PAGE_SIZE
    if offset > item.length:
        with refuses(f"cannot split {item} at offset {offset:#x}"):
            item.split_at_offset(offset)
        return
    first, second = item.split_at_offset(offset)

    assert (first.start, second.end) == (item.start, item.end)
    assert first.end == second.start == item.start + offset


@pytest.mark.parametrize("offset", [1, 0xFFF, 0x1001, 0x3000])
def test_split_at_offset_rejects_bad_offsets(offset: int) -> None:
    """An offset within a page, or past the end, is refused."""
    with refuses(f"cannot split 0x1000-0x3000 at offset {offset:#x}"):
        MemoryRange(0x1000, 0x3000).split_at_offset(offset)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda value: MemoryRange.bounding(value, 0), id="bounding start"),
        pytest.param(lambda value: MemoryRange.bounding(0, value), id="bounding end"),
        pytest.param(lambda value: MemoryRange.from_4k_gpn_range(value, 0), id="gpn start"),
        pytest.param(lambda value: MemoryRange.from_4k_gpn_range(0, value), id="gpn end"),
        MemoryRange(0, 0x1000).alignment,
        MemoryRange(0, 0x1000).aligned_subrange,
        MemoryRange(0, 0x1000).contains_address,
        MemoryRange(0, 0x1000).offset_of,
        MemoryRange(0, 0x1000).split_at_offset,
        pytest.param(lambda value: aligned_subranges(MemoryRange.EMPTY, value), id="offset"),
        pytest.param(lambda value: aligned_subranges(MemoryRange.EMPTY, 0, value), id="limit"),
    ],
)
def test_arguments_reject_other_than_u64(ask: Callable[[Any], object]) -> None:
    """Every address, size and page number is checked as D6 wants it, when it is given."""
    for value in (True, 4096.0, "0x1000"):
        with pytest.raises(TypeError, match="only an integer has a meaning here"):
            ask(value)
    for number in (-PAGE_SIZE, 1 << 64):
        with pytest.raises(ValueError, match="outside 0x0-0xffffffffffffffff"):
            ask(number)


# Tiling by large pages


@pytest.mark.parametrize(
    ("edges", "offset"),
    [
        ([0, 4 * KIB], 0),
        ([0, 2 * MIB], 0),
        ([0, GIB], 0),
        ([6 * MIB, 12 * MIB, 12 * MIB + 4 * KIB], 0),
        ([5 * MIB + 400 * KIB, 6 * MIB, 12 * MIB, 12 * MIB + 400 * KIB], 0),
        (
            [
                GIB + 501 * MIB,
                GIB + 502 * MIB,
                2 * GIB,
                3 * GIB,
                3 * GIB + 502 * MIB,
                3 * GIB + 503 * MIB,
            ],
            0,
        ),
        ([4 * MIB + 8 * KIB, 6 * MIB + 8 * KIB], 2 * MIB - 8 * KIB),
        ([4 * MIB + 8 * KIB, 6 * MIB + 8 * KIB], 0),
        ([0x1000, 0x1000], 0),
    ],
)
def test_aligned_subranges_return_the_tiling(edges: list[int], offset: int) -> None:
    """A range is cut at these edges and no other, judged at its address plus the offset."""
    tiles = aligned_subranges(MemoryRange(edges[0], edges[-1]), offset)

    assert list(tiles) == [MemoryRange(*ends) for ends in pairwise(edges) if ends[0] < ends[1]]


def test_aligned_subranges_return_alignment_by_offset() -> None:
    """A piece at 4 MiB + 8 KiB is aligned to 2 MiB with the offset that completes it."""
    whole, offset = MemoryRange(4 * MIB + 8 * KIB, 6 * MIB + 8 * KIB), 2 * MIB - 8 * KIB

    assert [tile.alignment(offset) for tile in aligned_subranges(whole, offset)] == [2 * MIB]
    assert [tile.alignment() for tile in aligned_subranges(whole)] == [8 * KIB]


def test_aligned_subranges_return_pieces_at_any_offset() -> None:
    """An offset that pushes addresses past 64 bits still only shifts where pieces are cut."""
    offset = (1 << 64) - 2 * MIB + PAGE_SIZE
    edges = [0, 2 * MIB - PAGE_SIZE, 4 * MIB - PAGE_SIZE, 5 * MIB]

    assert list(aligned_subranges(MemoryRange(0, 5 * MIB), offset)) == [
        MemoryRange(*ends) for ends in pairwise(edges)
    ]


@given(st.integers(0, 2100), st.integers(0, 2100), st.integers(0, 2100))
def test_aligned_subranges_always_keep_large_pages_whole(
    start: int, length: int, offset: int
) -> None:
    """Neighbouring MiB share a piece exactly if the largest page that fits is of one size."""

    def largest_page(place: int) -> int:
        for size in (1024, 2):
            first = (place + offset) // size * size - offset
            if start <= first and first + size <= start + length:
                return size
        return 0

    expected: list[tuple[int, int]] = []
    for _, run in groupby(range(start, start + length), key=largest_page):
        places = list(run)
        expected.append((places[0], places[-1] + 1))
    whole = MemoryRange(start * MIB, (start + length) * MIB)

    assert list(aligned_subranges(whole, offset * MIB)) == mib(*expected)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(1, 50))
def test_aligned_subranges_never_exceed_the_limit(
    start: int, length: int, offset: int, limit: int
) -> None:
    """The pieces tile the range, each the first tile of as many bytes as the limit."""
    whole = MemoryRange(start * MIB, (start + length) * MIB)
    tiles = list(aligned_subranges(whole, offset * MIB, limit * MIB))

    assert list(flatten_ranges(tiles)) == ([whole] if length else [])
    for tile in tiles:
        window = MemoryRange(tile.start, min(tile.start + limit * MIB, whole.end))
        assert tile == next(aligned_subranges(window, offset * MIB))


@pytest.mark.parametrize(("offset", "limit"), [(1, None), (0, 0), (0, 1), (0, 0x1001)])
def test_aligned_subranges_reject_parts_of_pages(offset: int, limit: int | None) -> None:
    """An unaligned offset, an unaligned limit and a limit of 0 are refused at the call."""
    with pytest.raises(ValueError, match="cannot tile 0x0-0x1000 at offset"):
        aligned_subranges(MemoryRange(0, 0x1000), offset, limit)


# Walking two lists

L = mib((0, 4), (8, 12), (12, 12), (16, 20), (24, 32), (40, 48))
R = mib((2, 6), (10, 11), (11, 11), (11, 13), (15, 22), (26, 30))


def test_walk_returns_the_documented_pieces() -> None:
    """The walk covers 0 to MAX_ADDRESS, cut at every end, and never joins pieces."""
    left = zip(mib((1, 4), (8, 12)), ["first", "second"], strict=True)
    right = zip(mib((2, 9), (9, 10)), [1000, 2000], strict=True)

    assert list(walk_ranges(left, right)) == [
        (MemoryRange(0, MIB), Neither()),
        (MemoryRange(MIB, 2 * MIB), Left("first")),
        (MemoryRange(2 * MIB, 4 * MIB), Both("first", 1000)),
        (MemoryRange(4 * MIB, 8 * MIB), Right(1000)),
        (MemoryRange(8 * MIB, 9 * MIB), Both("second", 1000)),
        (MemoryRange(9 * MIB, 10 * MIB), Both("second", 2000)),
        (MemoryRange(10 * MIB, 12 * MIB), Left("second")),
        (MemoryRange(12 * MIB, MAX), Neither()),
    ]


def test_walk_returns_everything_for_no_ranges() -> None:
    """Without ranges the walk is one piece that neither side covers."""
    assert list(walk_ranges((), ())) == [(MemoryRange(0, MAX), Neither())]


def test_overlapping_returns_the_shared_pieces() -> None:
    """The pieces both lists cover, one per pair of ranges, empty ranges skipped."""
    shared = mib((2, 4), (10, 11), (11, 12), (16, 20), (26, 30))

    assert list(overlapping_ranges(L, R)) == list(overlapping_ranges(R, L)) == shared


def test_overlapping_never_joins_pieces() -> None:
    """A range across two that touch yields two pieces [PROBED]."""
    halves = [MemoryRange(0, GIB), MemoryRange(GIB, 2 * GIB)]

    assert list(overlapping_ranges([MemoryRange(0, 2 * GIB)], halves)) == halves


def test_subtract_returns_the_rest_of_the_left() -> None:
    """The pieces only the left list covers."""
    rest = mib((0, 2), (8, 10), (24, 26), (30, 32), (40, 48))

    assert list(subtract_ranges(L, R)) == rest


@pytest.mark.parametrize("combine", [overlapping_ranges, subtract_ranges])
@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        (mib((1, 2), (0, 1)), mib((3, 4)), "left not sorted"),
        (mib((1, 2), (0, 1)), mib((1, 2)), "left not sorted"),
        (mib((1, 2), (3, 4)), mib((0, 1), (0, 1)), "right not sorted"),
        (mib((1, 2), (3, 4)), mib((1, 2), (1, 2)), "right not sorted"),
        (mib((0, 2), (1, 3)), [], "left not sorted"),
        (mib((0, 4), (1, 2)), [], "left not sorted"),
        (mib((0, 2), (1, 1)), [], "left not sorted"),
        (mib((0, 1), (0, 1)), mib((0, 1), (0, 1)), "left not sorted"),
    ],
)
def test_walk_rejects_bad_order(
    combine: Callable[[Ranges, Ranges], Iterator[MemoryRange]],
    left: Ranges,
    right: Ranges,
    text: str,
) -> None:
    """Unsorted, overlapping, equal and contained ranges fail alike, the left side first."""
    with refuses(text):
        list(combine(left, right))


def test_walk_allows_equal_starts_after_emptiness() -> None:
    """Two ranges may start together if the first is empty, and may touch."""
    left = mib((1, 1), (1, 2), (2, 3))

    assert list(overlapping_ranges(left, mib((0, 9)))) == left[1:]


def walk_by_pages(
    left: Ranges, right: Ranges
) -> tuple[dict[int, tuple[int | None, int | None]], str]:
    """Walk one page at a time: who covers each page, and the error that stops it."""
    queues = [list(enumerate(left)), list(enumerate(right))]
    current: list[tuple[int | None, MemoryRange]] = [(None, MemoryRange.EMPTY)] * 2
    covers: dict[int, tuple[int | None, int | None]] = {}
    for page in range(100):
        for side, queue in enumerate(queues):
            while current[side][1].end_4k_gpn <= page and queue:
                index, item = queue.pop(0)
                if item.start_4k_gpn < page:
                    return covers, ("left not sorted", "right not sorted")[side]
                current[side] = (index, item) if not item.is_empty else current[side]
        a, b = (index if page in page_set(item) else None for index, item in current)
        covers[page] = a, b
    return covers, ""


@given(any_order(), any_order())
def test_walk_always_agrees_with_pages(left: Ranges, right: Ranges) -> None:
    """Each page is covered as a walk page by page finds, up to the same error."""
    walk = walk_ranges(
        ((item, index) for index, item in enumerate(left)),
        ((item, index) for index, item in enumerate(right)),
    )
    pieces, text = driven(walk)
    covers, expected_text = walk_by_pages(left, right)
    seen: dict[int, tuple[int | None, int | None]] = {}
    for piece, cover in pieces:
        for page in range(piece.start_4k_gpn, min(piece.end_4k_gpn, 100)):
            match cover:
                case Both(a, b):
                    seen[page] = a, b
                case Left(a):
                    seen[page] = a, None
                case Right(b):
                    seen[page] = None, b
                case Neither():
                    seen[page] = None, None

    assert seen == covers
    assert text == expected_text
    assert all(not piece.is_empty for piece, _ in pieces)


@given(ordered(), ordered())
def test_walk_always_cuts_at_every_end_and_only_there(left: Ranges, right: Ranges) -> None:
    """The pieces' edges are 0, MAX_ADDRESS and the ends of all ranges that hold bytes."""
    pairs = ((item, None) for item in left), ((item, None) for item in right)
    pieces = [piece for piece, _ in walk_ranges(*pairs)]
    full = [item for item in left + right if not item.is_empty]
    ends = {item.start for item in full} | {item.end for item in full} | {0, MAX}

    assert [(piece.start, piece.end) for piece in pieces] == list(pairwise(sorted(ends)))


def reaching_max(ranges: Ranges) -> Ranges:
    """Stretch the last range to MAX_ADDRESS, and add one that is never reached."""
    return [*ranges[:-1], *(MemoryRange(item.start, MAX) for item in ranges[-1:]), *ranges[:1]]


@given(any_order() | any_order().map(reaching_max), any_order())
def test_overlap_and_difference_always_follow_the_walk(left: Ranges, right: Ranges) -> None:
    """Overlap and difference yield the walk's pieces, its errors, and pull what it pulls."""
    for combine, kind in ((overlapping_ranges, Both), (subtract_ranges, Left)):
        sources = Source(left), Source(right)
        tagged = Source((item, 0) for item in left), Source((item, 0) for item in right)
        pieces, text = driven(walk_ranges(*tagged))
        expected = [piece for piece, cover in pieces if isinstance(cover, kind)]

        assert driven(combine(*sources)) == (expected, text)
        assert [side.pulled for side in sources] == [side.pulled for side in tagged]


@given(ordered(), ordered())
def test_overlap_and_difference_always_share_out_the_left(left: Ranges, right: Ranges) -> None:
    """The overlap has the pages of both lists, the difference the left's other pages."""
    both, rest = list(overlapping_ranges(left, right)), list(subtract_ranges(left, right))

    assert page_set(*both) == page_set(*left) & page_set(*right)
    assert page_set(*rest) == page_set(*left) - page_set(*right)
    assert len(both) == sum(bool(page_set(a) & page_set(b)) for a in left for b in right)
    assert both == sorted(both)


# Laziness


def test_walk_never_pulls_before_it_is_driven() -> None:
    """A walk pulls nothing until asked, then one range a side, then one when its end is met."""
    left = Source((item, 0) for item in pages((1, 2), (0, 1)))
    right = Source((item, 0) for item in pages((5, 6)))
    walk = walk_ranges(left, right)
    pulled = [(left.pulled, right.pulled)]
    for _ in range(2):
        next(walk)
        pulled.append((left.pulled, right.pulled))

    assert pulled == [(0, 0), (1, 1), (1, 1)]
    with refuses("left not sorted"):
        next(walk)
    assert (left.pulled, right.pulled) == (2, 1)


def test_walk_misses_faults_past_the_end() -> None:
    """Nothing is pulled, so nothing is checked, after a range that ends at MAX_ADDRESS."""
    left = Source([MemoryRange(0, MAX), MemoryRange(0, MAX)])
    right = Source([MemoryRange(MAX - PAGE_SIZE, MAX), MemoryRange(0, 0x1000)])

    assert list(overlapping_ranges(left, right)) == [MemoryRange(MAX - PAGE_SIZE, MAX)]
    assert (left.pulled, right.pulled) == (1, 1)


def test_overlapping_always_drives_the_right_to_its_end() -> None:
    """Badly ordered ranges far above the left side's last one still fail."""
    overlaps = overlapping_ranges(pages((0, 1)), pages((0, 1), (7, 8), (6, 7)))

    assert next(overlaps) == MemoryRange(0, 0x1000)
    with refuses("right not sorted"):
        next(overlaps)


def test_overlapping_always_drives_the_left_to_its_end() -> None:
    """The left side is checked to its end too, even where the right side has no ranges."""
    with refuses("left not sorted"):
        list(overlapping_ranges(pages((1, 2), (0, 1)), ()))


@pytest.mark.parametrize("combine", [overlapping_ranges, subtract_ranges])
def test_overlap_and_difference_never_pull_undriven(
    combine: Callable[[Source[MemoryRange], Source[MemoryRange]], Iterator[MemoryRange]],
) -> None:
    """Calling pulls nothing, from lists in bad order neither."""
    left, right = Source(pages((1, 2), (0, 1))), Source(pages((1, 2), (0, 1)))
    combine(left, right)

    assert (left.pulled, right.pulled) == (0, 0)


# Joining one list


def test_flatten_returns_joined_ranges() -> None:
    """Overlapping and touching ranges become one; the others stay."""
    given_ranges = pages((0, 4), (5, 7), (6, 11), (13, 20), (20, 25), (22, 24), (35, 36))

    assert list(flatten_ranges(given_ranges)) == pages((0, 4), (5, 11), (13, 25), (35, 36))
    assert list(flatten_ranges([])) == []


def test_flatten_rejects_bad_order() -> None:
    """A range that starts below its predecessor is refused, once what came before is out."""
    flat = flatten_ranges(pages((0, 4), (5, 7), (3, 8)))

    assert next(flat) == MemoryRange(0, 0x4000)
    with refuses("ranges are not sorted"):
        next(flat)


@given(st.lists(one_range()))
def test_flatten_always_keeps_the_pages(ranges: Ranges) -> None:
    """Sorted ranges keep their pages, joined so that no two touch."""
    flat = list(flatten_ranges(sorted(ranges)))

    assert page_set(*flat) == page_set(*ranges)
    assert all(a.end < b.start for a, b in pairwise(flat))


@given(st.lists(one_range()))
def test_flatten_rejects_exactly_descending_starts(ranges: Ranges) -> None:
    """Flattening fails exactly if some range starts below the one before it."""
    text = driven(flatten_ranges(ranges))[1]

    assert bool(text) == any(b.start < a.start for a, b in pairwise(ranges))
    assert text in {"", "ranges are not sorted"}


def test_merge_returns_joined_neighbours_of_one_tag() -> None:
    """Touching ranges join if their tags are equal."""
    given_ranges = pages((0, 4), (5, 7), (7, 11), (11, 12), (13, 20), (20, 25), (35, 36))
    joined = pages((0, 4), (5, 11), (11, 12), (13, 25), (35, 36))

    assert list(merge_adjacent_ranges(zip(given_ranges, "RRRBRRB", strict=True))) == list(
        zip(joined, "RRBRB", strict=True)
    )
    assert list(merge_adjacent_ranges([])) == []


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        (pages((0, 4), (5, 7), (3, 8)), "ranges are not sorted"),
        (pages((0, 6), (5, 7), (9, 12)), "ranges overlap"),
    ],
)
def test_merge_rejects_bad_order_and_overlap(ranges: Ranges, text: str) -> None:
    """A start below the predecessor's start is bad order; below its end, an overlap."""
    with refuses(text):
        list(merge_adjacent_ranges((item, "R") for item in ranges))


def test_merge_rejects_what_it_peeks_at() -> None:
    """A range is checked before the one in front of it comes out, and no earlier."""
    source = Source((item, "R") for item in pages((0, 4), (5, 9), (8, 9), (0, 1)))
    merged = merge_adjacent_ranges(source)

    assert next(merged) == (MemoryRange(0, 0x4000), "R")
    assert source.pulled == 2
    with refuses("ranges overlap"):
        next(merged)
    assert source.pulled == 3


@given(ordered(), st.data())
def test_merge_always_keeps_the_tags_of_pages(ranges: Ranges, data: st.DataObject) -> None:
    """Every page keeps its tag, and no neighbours of equal tag still touch."""
    tags = data.draw(st.lists(st.booleans(), min_size=len(ranges), max_size=len(ranges)))
    tagged = list(zip(ranges, tags, strict=True))
    merged = list(merge_adjacent_ranges(tagged))

    def by_page(pairs: list[tuple[MemoryRange, bool]]) -> dict[int, bool]:
        return {page: tag for item, tag in pairs for page in page_set(item)}

    assert by_page(merged) == by_page(tagged)
    assert not any(a.end == b.start and s == t for (a, s), (b, t) in pairwise(merged))
