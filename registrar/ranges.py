"""Ranges of physical memory, in whole 4 KiB pages, and the algebra of lists of them.

A range is half-open, so neighbours share an address but no byte:

>>> ram = [MemoryRange(0x0, 0x10000), MemoryRange(0x20000, 0x80000000)]
>>> request = MemoryRange(0x8000, 0x30000)
>>> [str(piece) for piece in overlapping_ranges([request], ram)]
['0x8000-0x10000', '0x20000-0x30000']
>>> [str(piece) for piece in subtract_ranges([request], ram)]
['0x10000-0x20000']

Rules: section 1 of docs/registrar-rules.md.  Its panics are ``ValueError`` here (D7), and the first
line of such an error is the rule's text; the lines below it say why, and what to do.

Laziness
========

The functions that take lists of ranges read them one element at a time, and only as far as
their own results are read.  An element is checked when it is pulled, never before: a list in
bad order yields whatever comes before the fault, then raises.
"""

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, ClassVar, Self, SupportsIndex, final

PAGE_SIZE = 4096

_HUGE_PAGE = 2 << 20
_GIANT_PAGE = 1 << 30
_U64_MAX = (1 << 64) - 1


def u64(value: SupportsIndex, name: str) -> int:
    """Return ``value`` as an int, if it fits 64 unsigned bits (D6); errors say ``name``.

    Whatever ``operator.index`` accepts is an integer, numpy's among them, except ``bool``.
    Raises ``TypeError`` for anything else, ``ValueError`` below 0 or at 2**64 and above.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(
            f"{name} is {value!r}, of type {type(value).__name__}\n"
            f"  It counts bytes or pages, so only an integer has a meaning here.\n"
            f"  Convert it first, deciding yourself how to round."
        )
    number = operator.index(value)
    if not 0 <= number <= _U64_MAX:
        raise ValueError(
            f"{name} is {number:#x}, outside 0x0-{_U64_MAX:#x}\n"
            f"  Physical addresses and sizes are unsigned 64-bit numbers.\n"
            f"  Give a number in that interval."
        )
    return number


@final
@dataclass(frozen=True, slots=True, order=True, init=False, repr=False)
class MemoryRange:
    """The bytes from ``start`` up to, not including, ``end``: physical addresses, in bytes.

    Both are multiples of 4096 and ``start <= end``, else ``ValueError``.  An empty range may be
    anywhere and is not normalised: 0x1000-0x1000 differs from ``EMPTY``.  Ranges are immutable,
    hashable, and ordered by start, then by end.  There is no ``len()``, which Python keeps
    below 2**63; use ``length``.  Every address, size or page number passes through ``u64``.

    >>> MemoryRange(0x1000, 0x3000)
    MemoryRange(0x1000, 0x3000)
    >>> print(MemoryRange(0x1000, 0x3000))
    0x1000-0x3000
    """

    start: int
    end: int

    EMPTY: ClassVar["MemoryRange"]
    MAX_ADDRESS: ClassVar[int] = _U64_MAX - (PAGE_SIZE - 1)
    """The largest address that can start or end a range: 0xffff_ffff_ffff_f000."""

    def __init__(self, start: SupportsIndex, end: SupportsIndex) -> None:
        """Refuse, in this order: an unaligned start, an unaligned end, an end below start."""
        first, last = u64(start, "start"), u64(end, "end")
        if first % PAGE_SIZE:
            raise _refusal(first, last, f"Its start is {first % PAGE_SIZE:#x} past a page.")
        if last % PAGE_SIZE:
            raise _refusal(first, last, f"Its end is {last % PAGE_SIZE:#x} past a page.")
        if first > last:
            raise _refusal(first, last, "It ends before it starts.")
        object.__setattr__(self, "start", first)
        object.__setattr__(self, "end", last)

    @classmethod
    def bounding(cls, start: SupportsIndex, end: SupportsIndex) -> Self:
        """Return the smallest range that holds every byte from ``start`` up to ``end``.

        ``bounding(5, 5)`` is 0x0-0x1000: the rounding is outwards even around no byte at all.
        Raises ``ValueError`` if ``end < start`` or ``end >= 2**64 - 1 - 4096``.
        """
        first, last = u64(start, "start"), u64(end, "end")
        limit = _U64_MAX - PAGE_SIZE
        if first > last or last >= limit:
            raise ValueError(
                f"no range bounds {first:#x}-{last:#x}\n"
                f"  The end must not be below the start, and must be below {limit:#x}.\n"
                f"  Give the lower address first, and an end below that limit."
            )
        return cls(first // PAGE_SIZE * PAGE_SIZE, -(-last // PAGE_SIZE) * PAGE_SIZE)

    @classmethod
    def from_4k_gpn_range(cls, start: SupportsIndex, end: SupportsIndex) -> Self:
        """Return the pages numbered ``start`` up to, not including, ``end``.

        Raises ``ValueError`` for a number above 2**52 - 1, or if ``end < start``.
        """
        first, last = u64(start, "start"), u64(end, "end")
        limit = _U64_MAX // PAGE_SIZE
        if max(first, last) > limit:
            raise ValueError(
                f"no range has the page numbers {first:#x}-{last:#x}\n"
                f"  A page number above {limit:#x} has no 64-bit address.\n"
                f"  Give page numbers, that is, addresses divided by {PAGE_SIZE}."
            )
        return cls(first * PAGE_SIZE, last * PAGE_SIZE)

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.end - self.start

    @property
    def is_empty(self) -> bool:
        """Whether it holds no byte."""
        return self.start == self.end

    @property
    def page_count_4k(self) -> int:
        """How many pages of 4 KiB."""
        return self.length // PAGE_SIZE

    @property
    def page_count_2m(self) -> int:
        """How many pages of 2 MiB would have as many bytes, the last perhaps only in part."""
        return -(-self.length // _HUGE_PAGE)

    @property
    def start_4k_gpn(self) -> int:
        """The number of its first 4 KiB page."""
        return self.start // PAGE_SIZE

    @property
    def end_4k_gpn(self) -> int:
        """The number of the first 4 KiB page after it."""
        return self.end // PAGE_SIZE

    def alignment(self, base: SupportsIndex = 0) -> int:
        """Return the largest power of two that divides both ends plus ``base``.

        Raises ``ValueError`` if both sums are 0, which every power of two divides, and if a sum
        needs more than 64 bits.
        """
        origin = u64(base, "base")
        u64(origin + self.end, f"base + end of {self}")
        bits = (origin + self.start) | (origin + self.end)
        if not bits:
            raise ValueError(
                "the alignment of 0x0-0x0 at base 0x0 is not a 64-bit number\n"
                "  Every power of two divides 0, so none is the largest.\n"
                "  Ask is_empty first."
            )
        return bits & -bits

    def aligned_subrange(self, alignment: SupportsIndex) -> "MemoryRange":
        """Return the largest part whose ends are multiples of ``alignment``, a power of two.

        ``EMPTY`` if there is none.  Where one multiple lies inside and no second, it is the
        empty range there.  Raises ``ValueError`` if ``alignment`` is no power of two.
        """
        unit = u64(alignment, "alignment")
        if unit.bit_count() != 1:
            raise ValueError(
                f"alignment {unit:#x} is not a power of two\n"
                f"  Address bits can only be rounded to a power of two.\n"
                f"  Give one, such as {_HUGE_PAGE:#x}."
            )
        first, last = _up(self.start, unit), _down(self.end, unit)
        return MemoryRange(first, last) if first <= last else MemoryRange.EMPTY

    def overlaps(self, other: "MemoryRange") -> bool:
        """Return whether each starts before the other ends.

        For ranges with bytes: whether they share one.  An empty range overlaps a range that it
        lies strictly inside, but not one whose edge it lies on.
        """
        return self.end > other.start and self.start < other.end

    def contains(self, other: "MemoryRange") -> bool:
        """Return whether ``other`` starts and ends no further out than this one."""
        return self.start <= other.start and self.end >= other.end

    def contains_address(self, address: SupportsIndex) -> bool:
        """Return whether the byte at ``address`` is one of these."""
        return self.start <= u64(address, "address") < self.end

    def offset_of(self, address: SupportsIndex) -> int | None:
        """Return how many bytes ``address`` lies past the start; None if not contained."""
        place = u64(address, "address")
        return place - self.start if self.contains_address(place) else None

    def intersection(self, other: "MemoryRange") -> "MemoryRange":
        """Return the bytes that both hold: where they only touch, the empty range there.

        ``EMPTY`` where they do not touch either.
        """
        first, last = max(self.start, other.start), min(self.end, other.end)
        return MemoryRange(first, last) if first <= last else MemoryRange.EMPTY

    def split_at_offset(self, offset: SupportsIndex) -> tuple["MemoryRange", "MemoryRange"]:
        """Return the first ``offset`` bytes, and the rest.

        Raises ``ValueError`` if ``offset`` exceeds the length or is no multiple of 4096.
        """
        distance = u64(offset, "offset")
        if distance > self.length or distance % PAGE_SIZE:
            raise ValueError(
                f"cannot split {self} at offset {distance:#x}\n"
                f"  Both halves must be whole pages, and it has {self.length:#x} bytes.\n"
                f"  Give a multiple of {PAGE_SIZE:#x} up to {self.length:#x}."
            )
        middle = self.start + distance
        return MemoryRange(self.start, middle), MemoryRange(middle, self.end)

    def __str__(self) -> str:
        """Return both ends in hexadecimal, as every message shows a range."""
        return f"{self.start:#x}-{self.end:#x}"

    def __repr__(self) -> str:
        """Return the expression that makes it again."""
        return f"MemoryRange({self.start:#x}, {self.end:#x})"


MemoryRange.EMPTY = MemoryRange(0, 0)


def aligned_subranges(
    whole: MemoryRange, offset: SupportsIndex = 0, max_range_len: SupportsIndex | None = None
) -> Iterator[MemoryRange]:
    """Cut ``whole`` so that pages of 1 GiB and 2 MiB map as much of it as they can.

    A piece either consists of whole pages of one of these sizes, or holds none.  ``offset`` is
    added to an address before its alignment is judged; the pieces are not shifted.  A piece is
    chosen from the next ``max_range_len`` bytes, and the rest starts where it ends.  In bytes.

    >>> [str(piece) for piece in aligned_subranges(MemoryRange(0x3ff000, 0xa00000))]
    ['0x3ff000-0x400000', '0x400000-0xa00000']

    Raises ``ValueError``, at once, if ``offset`` is no multiple of 4096 or ``max_range_len`` no
    positive one.
    """
    shift = u64(offset, "offset")
    limit = _U64_MAX + 1 if max_range_len is None else u64(max_range_len, "max_range_len")
    if shift % PAGE_SIZE or limit % PAGE_SIZE or not limit:
        raise ValueError(
            f"cannot tile {whole} at offset {shift:#x} by at most {limit:#x} bytes\n"
            f"  Pieces are whole pages, so both must be multiples of {PAGE_SIZE:#x}.\n"
            f"  Round them, the length to at least one page."
        )
    return _tiles(whole, shift, limit)


def _tiles(whole: MemoryRange, shift: int, limit: int) -> Iterator[MemoryRange]:
    """Yield the pieces, from the first to the last."""
    start = whole.start
    while start < whole.end:
        end = _first_piece(start + shift, min(whole.end, start + limit) + shift) - shift
        yield MemoryRange(start, end)
        start = end


def _first_piece(start: int, end: int) -> int:
    """Return where the first piece ends: before the first large page, or after its run."""
    for size in (_GIANT_PAGE, _HUGE_PAGE):
        first, last = _up(start, size), _down(end, size)
        if start == first < last:
            return last
        if first < last:
            end = first
    return end


@dataclass(frozen=True, slots=True)
class Neither:
    """No range of either side covers the piece."""


@dataclass(frozen=True, slots=True)
class Left[T]:
    """Only a range of the left side covers the piece; its tag."""

    tag: T


@dataclass(frozen=True, slots=True)
class Right[U]:
    """Only a range of the right side covers the piece; its tag."""

    tag: U


@dataclass(frozen=True, slots=True)
class Both[T, U]:
    """A range of each side covers the piece; their tags."""

    left: T
    right: U


type Cover[T, U] = Neither | Left[T] | Right[U] | Both[T, U]

# Past a side's last range.  It is empty, so it covers nothing, and it ends where walks end.
_END = MemoryRange(MemoryRange.MAX_ADDRESS, MemoryRange.MAX_ADDRESS)
_BEYOND: tuple[MemoryRange, Any] = (_END, None)


def walk_ranges[T, U](
    left: Iterable[tuple[MemoryRange, T]], right: Iterable[tuple[MemoryRange, U]]
) -> Iterator[tuple[MemoryRange, Cover[T, U]]]:
    """Cut 0 to ``MAX_ADDRESS`` wherever a range of either side starts or ends.

    Each side is (range, tag) pairs in ascending order, without overlap; each piece comes with
    what covers it.  Neighbouring pieces are never joined.  Empty ranges are skipped, but must
    be in order too.  A side's next range is pulled when the walk reaches the end of the one
    before, and nothing is pulled after one that ends at ``MAX_ADDRESS``.

    Raises ``ValueError``, "left not sorted" or "right not sorted", if a range that is pulled
    starts before the walk's position.
    """
    lefts, rights = _in_order(left, "left"), _in_order(right, "right")
    (a, tag_a), (b, tag_b) = next(lefts, _BEYOND), next(rights, _BEYOND)
    position = 0
    while position < MemoryRange.MAX_ADDRESS:
        in_a, in_b = a.start <= position, b.start <= position
        edge = min(a.end if in_a else a.start, b.end if in_b else b.start)
        match in_a, in_b:
            case True, True:
                yield MemoryRange(position, edge), Both(tag_a, tag_b)
            case True, False:
                yield MemoryRange(position, edge), Left(tag_a)
            case False, True:
                yield MemoryRange(position, edge), Right(tag_b)
            case _:
                yield MemoryRange(position, edge), Neither()
        position = edge
        if a.end == position:
            a, tag_a = next(lefts, _BEYOND)
        if b.end == position:
            b, tag_b = next(rights, _BEYOND)


def overlapping_ranges(
    left: Iterable[MemoryRange], right: Iterable[MemoryRange]
) -> Iterator[MemoryRange]:
    """Yield the pieces of ``walk_ranges`` that both sides cover, ascending.

    One piece for each pair of ranges that share a byte: pieces that touch are not joined.  The
    walk goes on after the last piece, so both sides are read, and checked, to their ends.
    """
    lefts = _in_order(zip(left, repeat(None)), "left")
    rights = _in_order(zip(right, repeat(None)), "right")
    a, _ = next(lefts, _BEYOND)
    for b, _ in rights:
        while a.end < b.end:
            if b.start < a.end:
                yield MemoryRange(max(a.start, b.start), a.end)
            a, _ = next(lefts, _BEYOND)
        if a.start < b.end:
            yield MemoryRange(max(a.start, b.start), b.end)
        if a.end == b.end:
            a, _ = next(lefts, _BEYOND)
    for _ in lefts:
        pass


def subtract_ranges(
    left: Iterable[MemoryRange], right: Iterable[MemoryRange]
) -> Iterator[MemoryRange]:
    """Yield the pieces of ``walk_ranges`` that only the left side covers, none joined."""
    tagged = zip(left, repeat(None)), zip(right, repeat(None))
    return (piece for piece, cover in walk_ranges(*tagged) if isinstance(cover, Left))


def flatten_ranges(ranges: Iterable[MemoryRange]) -> Iterator[MemoryRange]:
    """Join ranges that overlap or touch.

    Raises ``ValueError``, "ranges are not sorted", if one starts before its predecessor does.
    """
    joined, below = None, 0
    for item in ranges:
        _check_start(item, below)
        below = item.start
        if joined is not None and item.start <= joined.end:
            joined = MemoryRange(joined.start, max(joined.end, item.end))
            continue
        if joined is not None:
            yield joined
        joined = item
    if joined is not None:
        yield joined


def merge_adjacent_ranges[T](
    ranges: Iterable[tuple[MemoryRange, T]],
) -> Iterator[tuple[MemoryRange, T]]:
    """Join ranges of (range, tag) pairs that touch and have equal tags.

    Raises ``ValueError``: "ranges are not sorted" if one starts before its predecessor does,
    else "ranges overlap" if it starts before its predecessor ends.
    """
    joined, below = None, 0
    for item, tag in ranges:
        _check_start(item, below)
        below = item.start
        if joined is None:
            joined = item, tag
            continue
        before, before_tag = joined
        if item.start < before.end:
            raise ValueError(
                f"ranges overlap\n  {item} starts inside {before}.\n"
                f"  Give ranges that share no byte, or use flatten_ranges."
            )
        if item.start == before.end and tag == before_tag:
            joined = MemoryRange(before.start, item.end), tag
        else:
            yield joined
            joined = item, tag
    if joined is not None:
        yield joined


def _in_order[T](
    ranges: Iterable[tuple[MemoryRange, T]], side: str
) -> Iterator[tuple[MemoryRange, T]]:
    """Yield a side's ranges that are not empty, each checked when it is pulled.

    A walk pulls when it reaches the end of the range before, so that end is its position.
    """
    position = 0
    for item, tag in ranges:
        if item.start < position:
            raise ValueError(
                f"{side} not sorted\n"
                f"  {item} starts before {position:#x}, where the range before it ends.\n"
                f"  Sort the ranges, and join those that overlap: flatten_ranges does."
            )
        if item.start < item.end:
            position = item.end
            yield item, tag
            if position == MemoryRange.MAX_ADDRESS:
                return


def _check_start(item: MemoryRange, below: int) -> None:
    """Raise if ``item`` starts below its predecessor's start."""
    if item.start < below:
        raise ValueError(
            f"ranges are not sorted\n  {item} comes after a range that starts at {below:#x}.\n"
            f"  Sort them first: sorted(ranges)."
        )


def _refusal(start: int, end: int, why: str) -> ValueError:
    """Return the error for ends that make no range."""
    return ValueError(
        f"unaligned or invalid memory range: {start:#x}-{end:#x}\n"
        f"  {why}  Ranges are whole pages of {PAGE_SIZE} bytes, in ascending order.\n"
        f"  Give the ends of pages, or round outwards with MemoryRange.bounding."
    )


def _down(address: int, unit: int) -> int:
    """Round ``address`` down to a multiple of ``unit``."""
    return address // unit * unit


def _up(address: int, unit: int) -> int:
    """Round ``address`` up to a multiple of ``unit``."""
    return -(-address // unit) * unit
