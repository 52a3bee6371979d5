"""What one case of the registrar fixes: a layout, an offset, and which pieces are refused.

>>> ram = [MemoryRange(0x3000, 0x9000), MemoryRange(0x80000000, 0x80001000)]
>>> case = RegistrarCase(MemoryLayout.from_ranges(ram, []), 1 << 50, frozenset(ram[:1]))
>>> case.chunk_count, case.pieces(0), case.chunks(0x7FFFFFFF, 2)
(2, (MemoryRange(0x3000, 0x9000),), range(0, 2))

Written from the rules (registrar-rules.md), which are cited by number, and not from the code they
are held against.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from operator import attrgetter
from typing import Any, Final

from registrar import GRANULARITY, MemoryLayout, MemoryRange

PAGE: Final = 0x1000

type Request = tuple[Any, Any]
"""An address and a length; Any, because what is no integer is drawn too (D6)."""

WRONG_USAGE: Final = (TypeError, ValueError, OverflowError, IndexError)
"""What a request that is refused for what it asks raises (D6, D1, D2)."""


@dataclass(frozen=True)
class RegistrarCase:
    """What is the same for all calls of a case; addresses and the offset are in bytes.

    ``refused`` holds pieces as `pieces` gives them, without the offset.  ``about`` are the chunks
    that requests are drawn about, where these are few.  The backend is called ``as_object`` or as
    a function, and refuses by raising, or by ``returning`` something (D8).  Raises ValueError for
    an offset no registrar takes (D3) and for a refused range that is no piece.

    What is asked of a case is worked out once.
    """

    layout: MemoryLayout
    offset: int
    refused: frozenset[MemoryRange]
    about: tuple[int, ...] = ()
    as_object: bool = False
    returning: bool = False

    def __post_init__(self) -> None:
        highest = MemoryRange.MAX_ADDRESS - self.layout.end_of_ram
        if self.offset % PAGE or not 0 <= self.offset <= highest:
            raise ValueError(f"offset {self.offset:#x} is no page from 0 to {highest:#x} (D3)")
        for piece in self.refused:
            if piece not in self.pieces(piece.start // GRANULARITY):
                raise ValueError(f"{piece} is no piece: it is never refused as a whole")

    @cached_property
    def chunk_count(self) -> int:
        """How many chunks reach from 0 to the end of the last RAM (section 3)."""
        return -(-self.layout.end_of_ram // GRANULARITY)

    def pieces(self, chunk: int) -> tuple[MemoryRange, ...]:
        """Return the RAM of `chunk`, one piece for each RAM range it meets (E6), ascending."""
        found = self._pieces.get(chunk)
        if found is None:
            start, end = chunk * GRANULARITY, (chunk + 1) * GRANULARITY
            first = bisect_right(self.layout.ram, start, key=attrgetter("end"))
            met = takewhile(lambda ram: ram.start < end, islice(self.layout.ram, first, None))
            found = tuple(MemoryRange(max(ram.start, start), min(ram.end, end)) for ram in met)
            self._pieces[chunk] = found
        return found

    @cached_property
    def all_pieces(self) -> tuple[MemoryRange, ...]:
        """Every piece of every chunk, ascending."""
        return tuple(piece for chunk in range(self.chunk_count) for piece in self.pieces(chunk))

    def shifted(self, piece: MemoryRange) -> MemoryRange:
        """Return `piece` as the backend is told it (E14)."""
        found = self._shifted.get(piece)
        if found is None:
            found = MemoryRange(piece.start + self.offset, piece.end + self.offset)
            self._shifted[piece] = found
        return found

    def told(self, chunk: int) -> tuple[tuple[int, int], ...]:
        """Return where the pieces of `chunk` start and end, as the backend is told them."""
        found = self._told.get(chunk)
        if found is None:
            shifted = map(self.shifted, self.pieces(chunk))
            found = self._told[chunk] = tuple((each.start, each.end) for each in shifted)
        return found

    def chunks(self, address: Any, length: Any) -> range:
        """Return the chunks a request touches (R1, E1, E2).

        Raises TypeError or ValueError (D6), OverflowError (D1), IndexError (D2), in this order.
        """
        whole = type(address) is type(length) is int
        found = self._chunks.get((address, length)) if whole else None
        if found is None:
            found = self._worked_out(address, length)
            self._chunks[address, length] = found
        return found

    def _worked_out(self, address: Any, length: Any) -> range:
        for number in (address, length):
            if not isinstance(number, int):
                raise TypeError("D6: an address and a length are integers")
            if number < 0:
                raise ValueError("D6: an address and a length are 0 or more")
        if address + length + 0xFFF >= 1 << 64:
            raise OverflowError("D1: the request ends past 2**64")
        first_page, end_page = address // PAGE, (address + length + 0xFFF) // PAGE
        chunks = range(first_page * PAGE // GRANULARITY, -(-end_page * PAGE // GRANULARITY))
        if chunks and chunks[-1] >= self.chunk_count:
            raise IndexError("D2: the request reaches past the last chunk")
        return chunks

    @cached_property
    def _pieces(self) -> dict[int, tuple[MemoryRange, ...]]:
        return {}

    @cached_property
    def _told(self) -> dict[int, tuple[tuple[int, int], ...]]:
        return {}

    @cached_property
    def _chunks(self) -> dict[Request, range]:
        return {}

    @cached_property
    def _shifted(self) -> dict[MemoryRange, MemoryRange]:
        return {}

    def to_json(self) -> dict[str, Any]:
        """Return the case as JSON, addresses in hexadecimal; a VTL2 range is not kept."""
        return {
            "ram": _spelled(self.layout.ram),
            "gaps": _spelled(self.layout.mmio),
            "offset": hex(self.offset),
            "refused": _spelled(sorted(self.refused)),
            "about": list(self.about),
            "as_object": self.as_object,
            "returning": self.returning,
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "RegistrarCase":
        """Return the case that `to_json` gave; ValueError where `saved` is damaged."""
        try:
            ram, gaps, refused = (_read(saved[key]) for key in ("ram", "gaps", "refused"))
            return cls(
                layout=MemoryLayout.from_ranges(ram, gaps),
                offset=int(saved["offset"], 16),
                refused=frozenset(refused),
                about=tuple(map(int, saved.get("about", ()))),
                as_object=bool(saved.get("as_object")),
                returning=bool(saved.get("returning")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the saved case is damaged: {error!r}\n"
                f"  It has lists of [start, end] named ram, gaps and refused, and an offset;\n"
                f'  every address is a string such as "0x1000".  Save it again.'
            ) from error


def _spelled(ranges: Iterable[MemoryRange]) -> list[list[str]]:
    return [[hex(item.start), hex(item.end)] for item in ranges]


def _read(ranges: list[list[str]]) -> list[MemoryRange]:
    return [MemoryRange(int(start, 16), int(end, 16)) for start, end in ranges]
