"""MemoryLayout: section 2 of registrar-rules.md, layout files, and this machine's map.

Long, because each rule, probed fact and refusal has its test here.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrar.layout import LayoutFileError, LayoutUnavailable, MemoryLayout
from registrar.ranges import PAGE_SIZE, MemoryRange

GIB, TIB = 1 << 30, 1 << 40
MAX = MemoryRange.MAX_ADDRESS
BAD_RANGES = "invalid memory or MMIO ranges"

type Ranges = list[MemoryRange]


def gib(*ends: tuple[int, int]) -> Ranges:
    """Return ranges whose ends are given in GiB."""
    return [MemoryRange(start * GIB, end * GIB) for start, end in ends]


def pages(*ends: tuple[int, int]) -> Ranges:
    """Return ranges whose ends are given as page numbers."""
    return [MemoryRange(start * PAGE_SIZE, end * PAGE_SIZE) for start, end in ends]


def page_set(*ranges: MemoryRange) -> set[int]:
    """Return the numbers of all pages in the ranges."""
    return {page for item in ranges for page in range(item.start_4k_gpn, item.end_4k_gpn)}


@contextmanager
def refuses(text: str, because: str = "") -> Iterator[None]:
    """Expect a ValueError whose first line is the text, followed by why and what to do."""
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        yield
    what, why, instead = str(caught.value).splitlines()
    assert what == text
    assert why.startswith("  ")
    assert because in why
    assert instead.startswith("  ")


# Placed by size


def test_layout_returns_ram_around_the_gaps() -> None:
    """1 TiB around gaps at 1 and 3 GiB lies in three pieces and ends at 1 TiB + 2 GiB."""
    layout = MemoryLayout(TIB, gib((1, 2), (3, 4)))

    assert layout.ram == tuple(gib((0, 1), (2, 3), (4, 1026)))
    assert layout.mmio == tuple(gib((1, 2), (3, 4)))
    assert layout.vtl2_range is None
    assert layout.ram_size == TIB
    assert layout.end_of_ram == TIB + 2 * GIB
    assert layout.end_of_ram_or_mmio == TIB + 2 * GIB


def test_layout_returns_the_rest_after_the_last_gap() -> None:
    """The seed's test layout has a third piece, as long as its first gap [PROBED]."""
    first, second = MemoryRange(0x10000, 0x20000), MemoryRange(TIB, 2 * TIB)
    layout = MemoryLayout(TIB, [first, second])

    assert layout.ram == (
        MemoryRange(0, 0x10000),
        MemoryRange(0x20000, TIB),
        MemoryRange(2 * TIB, 2 * TIB + 0x10000),
    )
    assert layout.end_of_ram == 2 * TIB + 0x10000


def test_layout_allows_no_gaps() -> None:
    """Without gaps the RAM is one piece from address 0 (D7)."""
    layout = MemoryLayout(3 * GIB, [])

    assert layout.ram == tuple(gib((0, 3)))
    assert layout.mmio == ()


def test_layout_never_places_more_than_needed() -> None:
    """RAM that ends where a gap starts is one piece, and unused gaps are kept [PROBED]."""
    layout = MemoryLayout(GIB, gib((1, 2), (2, 3), (5, 6)))

    assert layout.ram == tuple(gib((0, 1)))
    assert layout.mmio == tuple(gib((1, 2), (2, 3), (5, 6)))
    assert layout.end_of_ram == GIB
    assert layout.end_of_ram_or_mmio == 6 * GIB


def test_end_of_ram_or_mmio_rejects_layouts_without_gaps() -> None:
    """The end of RAM or gaps is refused where there are no gaps, as the original panics."""
    layout = MemoryLayout(GIB, [])
    with refuses("the layout has no gaps"):
        _ = layout.end_of_ram_or_mmio


@pytest.mark.parametrize("size", [0, 1, TIB + 1, TIB - 1])
def test_layout_rejects_bad_sizes(size: int) -> None:
    """No memory, and parts of a page, are refused."""
    with refuses("invalid memory size", f"{size:#x} bytes"):
        MemoryLayout(size, [])


@pytest.mark.parametrize("size", [True, 4096.0, "4096", None])
def test_layout_rejects_sizes_that_are_no_integers(size: Any) -> None:
    """A size that is no integer is a TypeError (D6)."""
    with pytest.raises(TypeError, match="ram_size is"):
        MemoryLayout(size, [])


@pytest.mark.parametrize("size", [-PAGE_SIZE, 1 << 64])
def test_layout_rejects_sizes_beyond_u64(size: int) -> None:
    """A negative size, or one of more than 64 bits, is a ValueError (D6)."""
    with refuses(f"ram_size is {size:#x}, outside 0x0-0xffffffffffffffff"):
        MemoryLayout(size, [])


@pytest.mark.parametrize(
    ("gaps", "why"),
    [
        (gib((3, 4), (1, 2)), "gaps[1], 0x40000000-0x80000000, starts before"),
        (gib((1, 3), (2, 4)), "gaps[1], 0x80000000-0x100000000, starts before"),
        (gib((1, 2), (1, 2)), "gaps[1], 0x40000000-0x80000000, starts before"),
        (gib((1, 1)), "gaps[0], 0x40000000-0x40000000, is empty"),
        (gib((0, 1)), "No RAM fits before gaps[0], 0x0-0x40000000"),
        (gib((1, 2), (2, 3)), "No RAM fits before gaps[1], 0x80000000-0xc0000000"),
    ],
)
def test_layout_rejects_bad_gaps(gaps: Ranges, why: str) -> None:
    """Gaps that are empty, unsorted, overlapping, at 0 or touching are refused [PROBED]."""
    with refuses(BAD_RANGES, why):
        MemoryLayout(TIB, gaps)


@pytest.mark.parametrize(
    ("size", "gaps"),
    [
        (MAX, [MemoryRange(0x1000, 0x2000)]),
        ((1 << 64) - 2 * PAGE_SIZE, [MemoryRange(0x1000, 0x3000)]),
        (2 * PAGE_SIZE, [MemoryRange(PAGE_SIZE, MAX)]),
    ],
)
def test_layout_rejects_memory_that_does_not_fit(size: int, gaps: Ranges) -> None:
    """RAM that gaps push past MAX_ADDRESS is refused, not cut off."""
    with refuses("memory does not fit"):
        MemoryLayout(size, gaps)


def test_layout_allows_memory_up_to_max_address() -> None:
    """RAM may end at MAX_ADDRESS."""
    assert MemoryLayout(MAX, []).end_of_ram == MAX
    assert MemoryLayout(MAX - 0x1000, [MemoryRange(0x1000, 0x2000)]).end_of_ram == MAX


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=5))
def test_layout_always_fills_pages_from_the_bottom(size: int, steps: list[tuple[int, int]]) -> None:
    """RAM is the lowest pages outside the gaps, unless none lies before a gap it passes."""
    position, gaps, room = 0, [], []
    for free, taken in steps:
        gaps.append((position + free, position + free + taken))
        room.append(free)
        position += free + taken
    outside = sorted(set(range(position + size)) - page_set(*pages(*gaps)))[:size]
    reached = [free for free, (start, _) in zip(room, gaps, strict=True) if start <= outside[-1]]
    if 0 in reached:
        with refuses(BAD_RANGES, "No RAM fits before"):
            MemoryLayout(size * PAGE_SIZE, pages(*gaps))
        return
    layout = MemoryLayout(size * PAGE_SIZE, pages(*gaps))

    assert page_set(*layout.ram) == set(outside)
    assert layout.ram_size == size * PAGE_SIZE
    assert layout.mmio == tuple(pages(*gaps))
    assert all(not piece.is_empty for piece in layout.ram)


# The range of VTL2


@pytest.mark.parametrize("vtl2", gib((1, 2), (2, 4), (5, 6), (8, 9)))
def test_vtl2_range_allows_holes_and_what_lies_above(vtl2: MemoryRange) -> None:
    """A VTL2 range above the RAM, between gaps or beyond, is kept and is not RAM [PROBED]."""
    layout = MemoryLayout(GIB, gib((4, 5), (6, 7)), vtl2)

    assert layout.vtl2_range == vtl2
    assert layout.ram == tuple(gib((0, 1)))
    assert layout.ram_size == layout.end_of_ram == GIB


@pytest.mark.parametrize(
    ("vtl2", "why"),
    [
        (MemoryRange(0, GIB), "starts before the end of"),
        (MemoryRange(GIB // 2, GIB), "vtl2_range, 0x20000000-0x40000000, starts before"),
        (MemoryRange(GIB, 2 * GIB), "starts before the end of"),
        (MemoryRange(2 * GIB, 4 * GIB), "starts before the end of"),
        (MemoryRange(9 * GIB, 9 * GIB), "vtl2_range, 0x240000000-0x240000000, is empty"),
    ],
)
def test_vtl2_range_rejects_ram_and_gaps(vtl2: MemoryRange, why: str) -> None:
    """A VTL2 range that is empty, or shares a byte with RAM or a gap, is refused."""
    with refuses(BAD_RANGES, why):
        MemoryLayout(2 * GIB, gib((1, 2), (6, 7)), vtl2)


@given(st.integers(1, 8), st.integers(0, 12), st.integers(1, 4))
def test_vtl2_range_never_lies_below_the_end_of_ram(size: int, start: int, length: int) -> None:
    """Each VTL2 range that is accepted starts at or above the end of RAM [PROBED]."""
    gaps = pages((2, 3), (5, 7))
    vtl2 = pages((start, start + length))[0]
    plain = MemoryLayout(size * PAGE_SIZE, gaps)
    if page_set(vtl2) & page_set(*plain.ram, *gaps):
        with refuses(BAD_RANGES):
            MemoryLayout(size * PAGE_SIZE, gaps, vtl2)
    else:
        assert MemoryLayout(size * PAGE_SIZE, gaps, vtl2).vtl2_range == vtl2
        assert vtl2.start >= plain.end_of_ram


# From ranges


def test_from_ranges_returns_exactly_these() -> None:
    """RAM and gaps are kept as given; RAM that touches, split between nodes, stays apart."""
    layout = MemoryLayout.from_ranges(iter(gib((0, 1), (1, 2), (4, 5))), iter(gib((2, 3))))

    assert layout.ram == tuple(gib((0, 1), (1, 2), (4, 5)))
    assert layout.mmio == tuple(gib((2, 3)))
    assert layout.vtl2_range is None
    assert layout.ram_size == 3 * GIB
    assert layout.end_of_ram == layout.end_of_ram_or_mmio == 5 * GIB


def test_from_ranges_allows_gaps_at_zero_and_touching() -> None:
    """Gaps that are given with the RAM may start at 0 and touch."""
    assert MemoryLayout.from_ranges(gib((2, 3)), gib((0, 1), (1, 2))).mmio == tuple(
        gib((0, 1), (1, 2))
    )


@pytest.mark.parametrize(
    ("ram", "gaps", "why"),
    [
        ([], [], "There is no RAM"),
        ([], gib((1, 2)), "There is no RAM"),
        ([], gib((3, 4), (1, 2)), "gaps[1], 0x40000000-0x80000000, starts before"),
        (gib((0, 1)), gib((3, 4), (1, 2)), "gaps[1], 0x40000000-0x80000000, starts before"),
        (
            [MemoryRange(0, GIB + (1 << 20))],
            gib((1, 2), (3, 4)),
            "gaps[0], 0x40000000-0x80000000, starts before the end of ram[0], 0x0-0x40100000",
        ),
        (gib((1, 2), (0, 1)), [], "ram[1], 0x0-0x40000000, starts before"),
        (gib((0, 2), (1, 3)), [], "ram[1], 0x40000000-0xc0000000, starts before"),
        (gib((0, 1), (2, 2)), [], "ram[1], 0x80000000-0x80000000, is empty"),
        (gib((0, 1)), gib((2, 2)), "gaps[0], 0x80000000-0x80000000, is empty"),
    ],
)
def test_from_ranges_rejects_bad_ranges(ram: Ranges, gaps: Ranges, why: str) -> None:
    """No RAM, and ranges that are empty, unsorted or overlapping, are refused."""
    with refuses(BAD_RANGES, why):
        MemoryLayout.from_ranges(ram, gaps)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda item: MemoryLayout(GIB, [item]), "gaps[0]"),
        (lambda item: MemoryLayout(GIB, [], item), "vtl2_range"),
        (lambda item: MemoryLayout.from_ranges([item], []), "ram[0]"),
        (lambda item: MemoryLayout.from_ranges(gib((0, 1)), [item]), "gaps[0]"),
    ],
    ids=["new gaps", "new vtl2", "ranges ram", "ranges gaps"],
)
def test_layout_rejects_other_than_ranges(make: Callable[[Any], object], name: str) -> None:
    """A tuple in place of a MemoryRange is a TypeError that says where."""
    with pytest.raises(TypeError, match=re.escape(f"{name} is (0, 4096), of type tuple")):
        make((0, 4096))


# As a value


def test_layouts_compare_by_value() -> None:
    """Layouts with equal RAM, gaps and VTL2 range are equal, however they were made."""
    by_size = MemoryLayout(2 * GIB, gib((1, 2)))
    by_ranges = MemoryLayout.from_ranges(gib((0, 1), (2, 3)), gib((1, 2)))

    assert by_size == by_ranges
    assert hash(by_size) == hash(by_ranges)
    assert by_size != MemoryLayout(2 * GIB, gib((1, 2)), gib((7, 8))[0])
    assert by_size != MemoryLayout.from_ranges(gib((0, 1), (2, 3)), [])


@pytest.mark.parametrize("name", ["ram", "mmio", "vtl2_range"])
def test_layout_rejects_assignment(name: str) -> None:
    """No field can be set once the layout is made."""
    with pytest.raises(FrozenInstanceError):
        setattr(MemoryLayout(GIB, []), name, None)


# From a file


def test_from_file_returns_the_layout(tmp_path: Path) -> None:
    """Addresses are integers or 0x strings, and gaps may be left out."""
    file = tmp_path / "layout.json"
    file.write_text(
        '{"ram": [["0x0", "0x10000"], [131072, 2147483648]], "gaps": [["0X1F000", 131072]]}'
    )
    ram = [MemoryRange(0, 0x10000), MemoryRange(0x20000, 0x80000000)]

    assert MemoryLayout.from_file(file) == MemoryLayout.from_ranges(
        ram, [MemoryRange(0x1F000, 0x20000)]
    )
    file.write_text('\ufeff{"ram": [["0x0", "0x10000"]]}', encoding="utf-8")
    assert MemoryLayout.from_file(str(file)) == MemoryLayout(0x10000, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("{", "line 1, column 2 is not JSON: Expecting property name"),
        ('{"ram":\n [[0x0, 4096]]}', "line 2, column 5 is not JSON: Expecting"),
        ("[" * 100_000, "it is nested too deeply"),
        ("null", "it is null\n  A layout is a JSON object"),
        ("[[0, 4096]]", "it is [[0, 4096]]\n  A layout is a JSON object"),
        ("{}", "ram is missing"),
        ('{"gaps": []}', "ram is missing"),
        ('{"ram": [[0, 4096]], "mmio": []}', '"mmio" is an unknown key'),
        ('{"ram": [[0, 4096]], "gaps": [], "x": 1}', '"x" is an unknown key'),
        ('{"ram": [[0, 4096]], "ram": []}', "an object has a key twice: ram, ram"),
        ('{"ram": {}}', "ram is {}\n  It must be a list of [start, end]"),
        ('{"ram": [[0, 4096]], "gaps": null}', "gaps is null\n  It must be a list"),
        ('{"ram": "0x0-0x1000"}', 'ram is "0x0-0x1000"\n  It must be a list'),
        ('{"ram": [0, 4096]}', "ram[0] is 0\n  It must be [start, end]"),
        ('{"ram": [[0, 4096], [8192]]}', "ram[1] is [8192]\n  It must be [start, end]"),
        ('{"ram": [[0, 1, 2]]}', "ram[0] is [0, 1, 2]\n  It must be [start, end]"),
        ('{"ram": [[true, 4096]]}', "ram[0][0] is true\n  An address is"),
        ('{"ram": [[0, 4096.0]]}', "ram[0][1] is 4096.0\n  An address is"),
        ('{"ram": [[0, NaN]]}', "ram[0][1] is NaN\n  An address is"),
        ('{"ram": [[0, "4096"]]}', 'ram[0][1] is "4096"\n  An address is'),
        ('{"ram": [[0, "0x1_000"]]}', 'ram[0][1] is "0x1_000"\n  An address is'),
        ('{"ram": [[0, "0x1000 "]]}', 'ram[0][1] is "0x1000 "\n  An address is'),
        ('{"ram": [[0, "0x"]]}', 'ram[0][1] is "0x"\n  An address is'),
        ('{"ram": [[0, null]]}', "ram[0][1] is null\n  An address is"),
        ('{"ram": [[0, 4095]]}', "ram[0] is [0, 4095]: unaligned or invalid memory range: 0x0"),
        ('{"ram": [["0x2000", 4096]]}', 'ram[0] is ["0x2000", 4096]: unaligned or invalid'),
        ('{"ram": [[-4096, 0]]}', "ram[0] is [-4096, 0]: start is -0x1000, outside 0x0-0x"),
        ('{"ram": [[0, "0x1' + "0" * 16 + '"]]}', "end is 0x10000000000000000, outside"),
        ('{"ram": []}', "invalid memory or MMIO ranges\n  There is no RAM"),
        ('{"ram": [[0, 0]]}', "MMIO ranges\n  ram[0], 0x0-0x0, is empty"),
        ('{"ram": [[4096, 8192], [0, 4096]]}', "MMIO ranges\n  ram[1], 0x0-0x1000, starts"),
        ('{"ram": [[0, 8192]], "gaps": [[4096, 8192]]}', "gaps[0], 0x1000-0x2000, starts"),
        ('{"ram": "' + "x" * 99 + '"}', 'ram is "' + "x" * 59 + "...\n"),
    ],
    ids=range(35),
)
def test_from_file_rejects_bad_text(tmp_path: Path, text: str, message: str) -> None:
    """A refusal names the file, where in it, what is there and why, and shows an example."""
    file = tmp_path / "layout.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LayoutFileError, match=re.escape(message)) as caught:
        MemoryLayout.from_file(file)

    first, *why, last = str(caught.value).splitlines()
    assert first.startswith(f"layout file {file}: ")
    assert len(why) <= 1
    assert last.startswith('  Write, for example: {"ram": [["0x0", "0x10000"]')


def test_from_file_rejects_other_encodings(tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused, with the first byte that shows it."""
    file = tmp_path / "layout.json"
    file.write_bytes(b'{"ram": \xff}')
    with pytest.raises(LayoutFileError, match="json: byte 8 is not UTF-8 text"):
        MemoryLayout.from_file(file)


def test_from_file_rejects_unreadable_paths(tmp_path: Path) -> None:
    """A missing file and a folder are refused as files, with the path and the reason."""
    with pytest.raises(LayoutFileError, match="absent: No such file or directory"):
        MemoryLayout.from_file(tmp_path / "absent")
    with pytest.raises(LayoutFileError, match=re.escape(f"{tmp_path}: Is a directory")):
        MemoryLayout.from_file(tmp_path)


def test_from_file_prints_an_example_that_it_accepts(tmp_path: Path) -> None:
    """The example in the refusal is itself a layout file."""
    file = tmp_path / "layout.json"
    file.touch()
    with pytest.raises(LayoutFileError) as caught:
        MemoryLayout.from_file(file)
    file.write_text(str(caught.value).rpartition("example: ")[2])

    assert MemoryLayout.from_file(file).ram_size == 0x10000 + 0x7FFE0000


# This machine

IOMEM = """\
00000000-00000fff : Reserved
00001000-0009fbff : System RAM
0009fc00-000fffff : Reserved
00100000-bfffffff : System RAM
  01000000-0220bb07 : Kernel code
c0000000-c0000fff : System RAM (boot alias)
d0000000-d0000fff : System RAM
d0001000-d0001fff : System RAM
e0000800-e00017ff : System RAM
eec00000-febfffff : Persistent Memory
  f0000000-f7ffffff : System RAM
100000000-63fffffff : System RAM
"""


def write(root: Path, files: dict[str, str]) -> None:
    """Make the files, and the folders they are in."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def memmap(*entries: tuple[str, str, str]) -> dict[str, str]:
    """Return the files of a firmware memory map."""
    return {
        f"sys/firmware/memmap/{index}/{name}": value + "\n"
        for index, entry in enumerate(entries)
        for name, value in zip(("start", "end", "type"), entry, strict=True)
    }


def blocks(size: str, *entries: tuple[str, str]) -> dict[str, str]:
    """Return the files of sysfs memory blocks, each with its index and its state."""
    folder = "sys/devices/system/memory"
    files = {f"{folder}/block_size_bytes": size + "\n", f"{folder}/probe": ""}
    for index, state in entries:
        files[f"{folder}/memory{int(index, 16)}/phys_index"] = index + "\n"
        files[f"{folder}/memory{int(index, 16)}/state"] = state + "\n"
    return files


def test_of_this_machine_returns_the_top_lines_of_iomem(tmp_path: Path) -> None:
    """Unindented System RAM lines count, rounded inwards to pages, joined where they touch."""
    write(tmp_path, {"proc/iomem": IOMEM})
    layout = MemoryLayout.of_this_machine(root=tmp_path)

    assert [str(piece) for piece in layout.ram] == [
        "0x1000-0x9f000",
        "0x100000-0xc0000000",
        "0xd0000000-0xd0002000",
        "0x100000000-0x640000000",
    ]
    assert layout.mmio == ()
    assert layout.vtl2_range is None


def test_of_this_machine_returns_ram_to_the_last_address(tmp_path: Path) -> None:
    """RAM up to the last byte of the address space ends at MAX_ADDRESS, a page earlier."""
    write(tmp_path, {"proc/iomem": "ffffffff00000000-ffffffffffffffff : System RAM\n"})

    assert MemoryLayout.of_this_machine(tmp_path).end_of_ram == MAX


def test_of_this_machine_returns_the_firmware_map_instead_of_zeros(tmp_path: Path) -> None:
    """Where iomem shows zeros the firmware's map is read, in the order of its addresses."""
    write(tmp_path, {"proc/iomem": re.sub("[0-9a-f]+-[0-9a-f]+", "00000000-00000000", IOMEM)})
    write(
        tmp_path,
        memmap(
            ("0x100000000", "0x63fffffff", "System RAM"),
            ("0x0", "0x9fbff", "System RAM"),
            ("0x9fc00", "0xfffff", "Reserved"),
            ("0x100000", "0xbfffffff", "System RAM"),
        ),
    )

    assert [str(piece) for piece in MemoryLayout.of_this_machine(tmp_path).ram] == [
        "0x0-0x9f000",
        "0x100000-0xc0000000",
        "0x100000000-0x640000000",
    ]


def test_of_this_machine_returns_the_blocks_that_are_online(tmp_path: Path) -> None:
    """Without iomem and firmware map, the memory blocks that are online are joined."""
    states = [("00000000", "online"), ("00000010", "online"), ("00000001", "online")]
    write(tmp_path, blocks("8000000", *states, ("00000002", "offline")))

    assert [str(piece) for piece in MemoryLayout.of_this_machine(tmp_path).ram] == [
        "0x0-0x10000000",
        "0x80000000-0x88000000",
    ]


@pytest.mark.parametrize(
    ("files", "reasons"),
    [
        ({}, ["No such file or directory"] * 3),
        (
            {"proc/iomem": IOMEM.replace("System RAM", "Reserved")}
            | memmap(("0x0", "0xfff", "Reserved"))
            | blocks("8000000", ("00000000", "offline")),
            ["it lists no System RAM"] * 3,
        ),
        (
            {"proc/iomem": "00000000-00000000 : System RAM\n"}
            | memmap(("zero", "0xfff", "System RAM"))
            | blocks("", ("00000000", "online")),
            [
                "it shows zeros for addresses, as it does to all but root",
                *["invalid literal"] * 2,
            ],
        ),
        (
            {"proc/iomem": "00000800-00001000 : System RAM\n"}
            | memmap(("0x800", "0x1ffe", "System RAM"))
            | {"sys/devices/system/memory/block_size_bytes": "8000000"},
            ["it lists no System RAM"] * 3,
        ),
    ],
    ids=["nothing", "no RAM", "nonsense", "parts of pages"],
)
def test_of_this_machine_raises_every_reason(
    tmp_path: Path, files: dict[str, str], reasons: list[str]
) -> None:
    """Where no source can be read, the error gives each one's reason and what to do."""
    write(tmp_path, files)
    with pytest.raises(LayoutUnavailable) as caught:
        MemoryLayout.of_this_machine(tmp_path)

    first, *tried, last = str(caught.value).splitlines()
    places = ["proc/iomem", "sys/firmware/memmap", "sys/devices/system/memory"]
    assert isinstance(caught.value, OSError)
    assert first == "this machine's memory map cannot be read"
    assert len(tried) == 3
    for line, place, reason in zip(tried, places, reasons, strict=True):
        assert line.startswith(f"  {tmp_path / place}: {reason}")
    assert last == "  Run as root on Linux, or describe a layout in a file: --layout FILE."


def test_of_this_machine_returns_a_real_map_or_says_why() -> None:
    """On the machine that runs this test there is RAM, or the error names three sources."""
    try:
        layout = MemoryLayout.of_this_machine()
    except LayoutUnavailable as error:
        reasons = str(error)
    else:
        reasons = ""
        assert layout.ram_size >= 16 << 20
        assert MemoryLayout.from_ranges(layout.ram, layout.mmio) == layout

    assert reasons.count("\n") in {0, 4}
