"""Where a machine's RAM lies: a size with gaps for devices, ranges, a file, or this machine.

>>> layout = MemoryLayout(0x40000000, [MemoryRange(0x10000, 0x20000)])
>>> [str(piece) for piece in layout.ram]
['0x0-0x10000', '0x20000-0x40010000']
>>> hex(layout.end_of_ram)
'0x40010000'

Rules: section 2 of registrar-rules.md, in the version that needs no gaps (D7).  Its errors and
panics are ``ValueError`` here, and the first line of such an error is the rule's text.  One
text has no use, "vtl2 range is below end of ram": below the end of RAM that was placed by its
size, every byte is RAM or gap already, so a range there is refused for sharing it.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, SupportsIndex, final

from registrar.ranges import PAGE_SIZE, MemoryRange, flatten_ranges, u64

_EXAMPLE = '{"ram": [["0x0", "0x10000"], [131072, 2147483648]], "gaps": [["0x10000", 131072]]}'
_SHOWN = 60  # characters of a refused JSON value that an error shows


class LayoutUnavailable(OSError):  # noqa: N818 -- a state, as the report words it
    """No source of this machine's memory map can be read; the message says why, for each."""


class LayoutFileError(ValueError):
    """A layout file is refused; the message says where in it, why, and what to write."""


@final
@dataclass(frozen=True, slots=True, init=False)
class MemoryLayout:
    """RAM, device gaps, and at most one range kept for VTL2, which share no byte.

    ``ram`` and ``mmio`` are ascending tuples; ranges that touch stay apart.  Layouts are
    immutable, hashable, and equal if all three fields are.
    """

    ram: tuple[MemoryRange, ...]
    mmio: tuple[MemoryRange, ...]
    vtl2_range: MemoryRange | None

    def __init__(
        self,
        ram_size: SupportsIndex,
        gaps: Iterable[MemoryRange],
        vtl2_range: MemoryRange | None = None,
    ) -> None:
        """Place ``ram_size`` bytes from address 0 upwards, around the gaps.

        Gaps above the RAM are kept.  Below its end, some RAM must fit before each gap: none may
        start at 0 or touch another.  ``vtl2_range`` may lie anywhere else, and is not RAM.

        Raises ``ValueError``: "invalid memory size" unless ``ram_size`` is a positive multiple
        of 4096; "invalid memory or MMIO ranges" if a range is empty, out of order or shared;
        "memory does not fit" if it would pass ``MemoryRange.MAX_ADDRESS``.
        """
        size = u64(ram_size, "ram_size")
        if not size or size % PAGE_SIZE:
            raise ValueError(
                f"invalid memory size\n  {size:#x} bytes are not one or more whole pages.\n"
                f"  Give a positive multiple of {PAGE_SIZE:#x}."
            )
        mmio = tuple(gaps)
        _check(_labelled("gaps", mmio))
        _fill(self, tuple(_placed(size, mmio)), mmio, vtl2_range)

    @classmethod
    def from_ranges(cls, ram: Iterable[MemoryRange], gaps: Iterable[MemoryRange]) -> Self:
        """Return the layout with exactly these ranges, each list ascending.

        Raises ``ValueError``, "invalid memory or MMIO ranges", if there is no RAM, or if a
        range is empty, out of order or shares a byte with another.
        """
        layout = cls.__new__(cls)
        pieces, mmio = tuple(ram), tuple(gaps)
        _check(_labelled("ram", pieces))
        _check(_labelled("gaps", mmio))
        _fill(layout, pieces, mmio, None)
        return layout

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read the layout that a JSON file describes: what ``--layout FILE`` reads.

        An object with ``ram`` and perhaps ``gaps``, lists of [start, end], as for
        ``from_ranges``.  An address is an integer or a string of hexadecimal digits after "0x".

        Raises ``LayoutFileError`` for anything else, unreadable files included.
        """
        try:
            ram, gaps = _parsed(Path(path).read_bytes().decode("utf-8-sig"))
            return cls.from_ranges(ram, gaps)
        except (OSError, ValueError, RecursionError) as error:
            raise LayoutFileError(
                f"layout file {os.fspath(path)}: {_reason(error)}\n  Write, for example: {_EXAMPLE}"
            ) from error

    @classmethod
    def of_this_machine(cls, root: Path = Path("/")) -> Self:
        """Read where the RAM of this machine lies, in whole pages; no gaps are known.

        From the first of these below ``root`` that can be read: ``proc/iomem``, which shows
        addresses to root only; ``sys/firmware/memmap``, what the firmware said at boot;
        ``sys/devices/system/memory``, coarse: blocks of 128 MiB or more, holes included.
        Ranges that touch are joined.

        Raises ``LayoutUnavailable``, an ``OSError``, if none can.
        """
        refusals = []
        for place, spans in _SOURCES.items():
            try:
                return cls.from_ranges(_whole_pages(spans(root / place)), ())
            except (OSError, ValueError) as error:
                refusals.append(f"  {root / place}: {_reason(error)}\n")
        raise LayoutUnavailable(
            f"this machine's memory map cannot be read\n{''.join(refusals)}"
            f"  Run as root on Linux, or describe a layout in a file: --layout FILE."
        )

    @property
    def ram_size(self) -> int:
        """How many bytes of RAM."""
        return sum(piece.length for piece in self.ram)

    @property
    def end_of_ram(self) -> int:
        """The first address past the last RAM, in bytes."""
        return self.ram[-1].end

    @property
    def end_of_ram_or_mmio(self) -> int:
        """The first address past the last RAM and the last gap, in bytes.

        Raises ``ValueError`` if there are no gaps.
        """
        if not self.mmio:
            raise ValueError(
                "the layout has no gaps\n"
                "  The end of RAM or gaps is defined only where there are both.\n"
                "  Use end_of_ram."
            )
        return max(self.mmio[-1].end, self.end_of_ram)


def _fill(
    layout: MemoryLayout,
    ram: tuple[MemoryRange, ...],
    mmio: tuple[MemoryRange, ...],
    vtl2_range: MemoryRange | None,
) -> None:
    """Set the fields of a layout, once no two ranges among them share a byte."""
    vtl2 = [] if vtl2_range is None else [_label("vtl2_range", vtl2_range)]
    _check(sorted([*_labelled("ram", ram), *_labelled("gaps", mmio), *vtl2]))
    if not ram:
        raise _bad_ranges("There is no RAM.")
    object.__setattr__(layout, "ram", ram)
    object.__setattr__(layout, "mmio", mmio)
    object.__setattr__(layout, "vtl2_range", vtl2_range)


def _placed(size: int, gaps: Iterable[MemoryRange]) -> Iterator[MemoryRange]:
    """Yield ``size`` bytes of RAM from address 0 upwards: before, between and after gaps."""
    position = 0
    for index, gap in enumerate(gaps):
        if not size:
            return
        if gap.start == position:
            raise _bad_ranges(f"No RAM fits before gaps[{index}], {gap}.")
        piece = MemoryRange(position, min(position + size, gap.start))
        yield piece
        size -= piece.length
        position = gap.end
    if position + size > MemoryRange.MAX_ADDRESS:
        raise ValueError(
            f"memory does not fit\n  {size:#x} of its bytes would start at {position:#x} and"
            f" pass {MemoryRange.MAX_ADDRESS:#x}.\n  Give less memory, or lower gaps."
        )
    if size:
        yield MemoryRange(position, position + size)


def _labelled(name: str, ranges: Iterable[MemoryRange]) -> Iterator[tuple[MemoryRange, str]]:
    """Return the ranges of a list, each with what an error calls it."""
    return (_label(f"{name}[{index}]", item) for index, item in enumerate(ranges))


def _label(name: str, item: MemoryRange) -> tuple[MemoryRange, str]:
    """Return a range with what an error calls it."""
    if not isinstance(item, MemoryRange):
        raise TypeError(
            f"{name} is {item!r}, of type {type(item).__name__}\n"
            f"  A layout is made of ranges of whole pages.\n"
            f"  Give MemoryRange(start, end)."
        )
    return item, f"{name}, {item},"


def _check(labelled: Iterable[tuple[MemoryRange, str]]) -> None:
    """Raise unless the ranges hold bytes, ascend, and share none."""
    position, before = 0, ""
    for item, label in labelled:
        if item.is_empty:
            raise _bad_ranges(f"{label} is empty.")
        if item.start < position:
            raise _bad_ranges(f"{label} starts before the end of {before} which comes first.")
        position, before = item.end, label


def _bad_ranges(why: str) -> ValueError:
    """Return the error for ranges that make no layout."""
    return ValueError(
        f"invalid memory or MMIO ranges\n  {why}\n"
        f"  Give ascending ranges that hold bytes and share none, RAM among them."
    )


def _parsed(text: str) -> tuple[list[MemoryRange], list[MemoryRange]]:
    """Return the RAM and the gaps that a layout file's text gives."""
    if not text.strip():
        raise ValueError("it is empty\n  A layout is a JSON object.")
    match json.loads(text, object_pairs_hook=_without_duplicates):
        case {"ram": ram, "gaps": gaps, **unknown}:
            pass
        case {"ram": ram, **unknown}:
            gaps = []
        case {}:
            raise ValueError("ram is missing\n  A layout without RAM has nothing to register.")
        case other:
            raise ValueError(f"it is {_shown(other)}\n  A layout is a JSON object.")
    for key in unknown:
        raise ValueError(f"{_shown(key)} is an unknown key\n  A layout has ram and gaps only.")
    return _ranges("ram", ram), _ranges("gaps", gaps)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, unless a key given twice would hide what it said before."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"an object has a key twice: {', '.join(key for key, _ in pairs)}")
    return found


def _ranges(name: str, value: object) -> list[MemoryRange]:
    """Return the ranges of a JSON list of [start, end]."""
    match value:
        case [*items]:
            return [_range(f"{name}[{index}]", item) for index, item in enumerate(items)]
    raise ValueError(f"{name} is {_shown(value)}\n  It must be a list of [start, end].")


def _range(where: str, value: object) -> MemoryRange:
    """Return the range of a JSON list of two addresses."""
    match value:
        case [start, end]:
            ends = _address(f"{where}[0]", start), _address(f"{where}[1]", end)
        case _:
            raise ValueError(f"{where} is {_shown(value)}\n  It must be [start, end].")
    try:
        return MemoryRange(*ends)
    except ValueError as error:
        raise ValueError(f"{where} is {_shown(value)}: {error}") from None


def _address(where: str, value: object) -> int:
    """Return a JSON integer, or the number of a string of hexadecimal digits after "0x"."""
    match value:
        case bool():
            pass
        case int():
            return value
        case str() if re.fullmatch(r"0[xX][0-9a-fA-F]+", value):
            return int(value, 16)
    raise ValueError(
        f"{where} is {_shown(value)}\n"
        f'  An address is an integer, or a string of hexadecimal digits after "0x".'
    )


def _shown(value: object) -> str:
    """Return a JSON value as a file spells it, shortened."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _reason(error: Exception) -> str:
    """Return what an error says, in the words of somebody who looks at the file."""
    match error:
        case UnicodeDecodeError():
            return f"byte {error.start} is not UTF-8 text"
        case json.JSONDecodeError():
            return f"line {error.lineno}, column {error.colno} is not JSON: {error.msg}"
        case RecursionError():
            return "it is nested too deeply\n  A layout has two levels of lists."
        case OSError():
            return error.strerror or str(error)
    return "\n".join(str(error).splitlines()[:2])


def _whole_pages(spans: Iterable[tuple[int, int]]) -> list[MemoryRange]:
    """Return the whole pages in spans of (first byte, last byte), sorted and joined."""
    ranges = []
    for first, last in spans:
        start = -(-first // PAGE_SIZE) * PAGE_SIZE
        end = (last + 1) // PAGE_SIZE * PAGE_SIZE
        if start < end:
            ranges.append(MemoryRange(start, min(end, MemoryRange.MAX_ADDRESS)))
    if not ranges:
        raise ValueError("it lists no System RAM")
    return list(flatten_ranges(sorted(ranges)))


def _iomem(file: Path) -> Iterator[tuple[int, int]]:
    """Yield the lines of /proc/iomem that are not indented and name System RAM."""
    line = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) : System RAM$", re.MULTILINE)
    for first, last in line.findall(file.read_text()):
        if not int(last, 16):
            raise ValueError("it shows zeros for addresses, as it does to all but root")
        yield int(first, 16), int(last, 16)


def _memmap(folder: Path) -> Iterator[tuple[int, int]]:
    """Yield the entries of /sys/firmware/memmap whose type is System RAM."""
    for entry in folder.iterdir():
        if (entry / "type").read_text().strip() == "System RAM":
            first, last = ((entry / name).read_text() for name in ("start", "end"))
            yield int(first, 16), int(last, 16)


def _blocks(folder: Path) -> Iterator[tuple[int, int]]:
    """Yield the memory blocks of /sys/devices/system/memory that are online."""
    size = int((folder / "block_size_bytes").read_text(), 16)
    for block in folder.glob("memory[0-9]*"):
        if (block / "state").read_text().strip() == "online":
            first = int((block / "phys_index").read_text(), 16) * size
            yield first, first + size - 1


_SOURCES = {
    "proc/iomem": _iomem,
    "sys/firmware/memmap": _memmap,
    "sys/devices/system/memory": _blocks,
}
