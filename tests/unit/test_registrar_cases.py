"""What is drawn for the registrar: cases and requests, and cases as JSON."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from models.registrar import RegistrarModel
from models.registrar_case import RegistrarCase, Request
from models.registrar_drawing import cases, requests, small_cases
from registrar import GRANULARITY, MemoryLayout, MemoryRange

G = GRANULARITY
PIECES = [MemoryRange(0, 0x1000), MemoryRange(0x2000, G), MemoryRange(G, G + 0x1000)]
CASE = RegistrarCase(MemoryLayout.from_ranges(PIECES, []), 1 << 50, frozenset(PIECES[1:2]))


@given(st.one_of(cases(), small_cases()))
def test_case_survives_json(case: RegistrarCase) -> None:
    """A case written as JSON and read again is the same case."""
    assert RegistrarCase.from_json(json.loads(json.dumps(case.to_json()))) == case


@pytest.mark.parametrize(
    "damage",
    [
        {"ram": []},
        {"ram": [["0x0"]]},
        {"ram": [["0x0", "0x1001"]]},
        {"ram": [[0, 4096]]},
        {"ram": None},
        {"gaps": [["0x0", "0x1000"]]},
        {"offset": "one page"},
        {"offset": "0x1"},
        {"offset": "-0x1000"},
        {"offset": "0xfffffffffffff000"},
        {"offset": None},
        {"refused": [["0x0", "0x2000"]]},
        {"refused": [["0x2000", "0x3000"]]},
        {"refused": "0x0-0x1000"},
        {"about": 1},
        {"about": ["first"]},
    ],
)
def test_from_json_rejects_damaged_case(damage: dict[str, Any]) -> None:
    """A damaged case is a ValueError that says what a good one has."""
    with pytest.raises(ValueError, match="the saved case is damaged"):
        RegistrarCase.from_json(CASE.to_json() | damage)


@pytest.mark.parametrize("missing", ["ram", "gaps", "offset", "refused"])
def test_from_json_rejects_case_without(missing: str) -> None:
    """A case without one of its four parts is a ValueError."""
    saved = copy.copy(CASE.to_json())
    del saved[missing]

    with pytest.raises(ValueError, match=missing):
        RegistrarCase.from_json(saved)


@given(cases())
def test_pieces_tile_ram(case: RegistrarCase) -> None:
    """The pieces of all chunks, end to end, are the RAM, each within its chunk (R3c)."""
    joined: list[tuple[int, int]] = []
    starts = {ram.start for ram in case.layout.ram}
    for chunk in range(case.chunk_count):
        for piece in case.pieces(chunk):
            assert chunk * G <= piece.start < piece.end <= (chunk + 1) * G
            start = piece.start if piece.start in starts else joined.pop()[0]
            joined.append((start, piece.end))

    assert joined == [(ram.start, ram.end) for ram in case.layout.ram]


def test_what_was_asked_once_is_worked_out_alike() -> None:
    """A number that is no integer is refused, though an equal integer was not (D6)."""
    assert CASE.chunks(0, 1) is CASE.chunks(0, 1)
    with pytest.raises(TypeError, match="D6"):
        CASE.chunks(0, 1.0)


def gap_within_chunk(case: RegistrarCase) -> bool:
    """Return whether two pieces of a chunk are apart."""
    return any(
        before.end < after.start and before.end // G == after.start // G
        for before, after in zip(case.layout.ram, case.layout.ram[1:], strict=False)
    )


def touching_within_chunk(case: RegistrarCase) -> bool:
    """Return whether two pieces of a chunk touch."""
    return any(
        before.end == after.start and before.end % G
        for before, after in zip(case.layout.ram, case.layout.ram[1:], strict=False)
    )


SEARCH = settings(max_examples=2000, database=None, phases=[Phase.generate])
type Kind = Callable[[RegistrarCase], bool]
CASES: dict[str, Kind] = {
    "one chunk": lambda case: case.chunk_count == 1,
    "three words": lambda case: case.chunk_count > 128,
    "a chunk without RAM": lambda case: not case.pieces(0),
    "a gap within a chunk": gap_within_chunk,
    "touching ranges within a chunk": touching_within_chunk,
    "an offset inside a chunk": lambda case: case.offset % G != 0,
    "no offset": lambda case: case.offset == 0,
    "the largest offset": lambda case: (
        case.offset + case.layout.end_of_ram == MemoryRange.MAX_ADDRESS
    ),
    "two refused pieces": lambda case: len(case.refused) > 1,
    "a refused second piece": lambda case: any(
        case.pieces(piece.start // G)[0] != piece for piece in case.refused
    ),
    "a gap above the RAM": lambda case: any(
        gap.start >= case.layout.end_of_ram for gap in case.layout.mmio
    ),
    "a backend that is an object": lambda case: case.as_object,
    "a backend that refuses by returning": lambda case: case.returning,
}
SMALL_CASES: dict[str, Kind] = {
    "one chunk": lambda case: case.about == (0,),
    "three chunks": lambda case: case.about == (0, 1, 2),
    "two words": lambda case: case.about == (0, 64),
    "a chunk without RAM": lambda case: not case.pieces(0),
    "a gap within a chunk": gap_within_chunk,
    "touching ranges within a chunk": touching_within_chunk,
    "two refused pieces": lambda case: len(case.refused) == 2,
}


@pytest.mark.parametrize("name", CASES)
def test_cases_include(name: str) -> None:
    """Among 2000 drawn cases there is each kind that the rules tell apart."""
    find(cases(), CASES[name], settings=SEARCH)


@pytest.mark.parametrize("name", SMALL_CASES)
def test_small_cases_include(name: str) -> None:
    """Among 2000 cases for several threads there is each kind in which they meet otherwise."""
    find(small_cases(), SMALL_CASES[name], settings=SEARCH)


def outcome(drawn: tuple[RegistrarCase, Request]) -> str:
    """Return what a first request comes to."""
    case, request = drawn
    expected = RegistrarModel(case).answer(request)
    if expected.error != "Ok":
        return expected.error
    chunks = len(case.chunks(*request))
    return f"Ok, {'no chunk' if not chunks else 'one chunk' if chunks == 1 else 'chunks'}"


def with_requests(
    drawn: st.SearchStrategy[RegistrarCase],
) -> st.SearchStrategy[tuple[RegistrarCase, Request]]:
    """Draw a request for each case."""
    return drawn.flatmap(lambda case: st.tuples(st.just(case), requests(case)))


@pytest.mark.parametrize(
    "wanted",
    [
        "TypeError",
        "ValueError",
        "OverflowError",
        "IndexError",
        "RegistrationError",
        "Ok, no chunk",
        "Ok, one chunk",
        "Ok, chunks",
    ],
)
def test_requests_include(wanted: str) -> None:
    """Among 2000 drawn requests there is one for each error of section 0, and each kind of Ok."""
    find(with_requests(cases()), lambda pair: outcome(pair) == wanted, settings=SEARCH)


@pytest.mark.parametrize(
    "wanted", ["RegistrationError", "Ok, no chunk", "Ok, one chunk", "Ok, chunks"]
)
def test_requests_of_small_cases_include(wanted: str) -> None:
    """Among 2000 requests of small cases there is one that is refused, and each kind of Ok."""
    find(with_requests(small_cases()), lambda pair: outcome(pair) == wanted, settings=SEARCH)


@given(with_requests(small_cases()))
def test_requests_of_small_cases_stay_among_their_chunks(
    drawn: tuple[RegistrarCase, Request],
) -> None:
    """Requests of a small case ask for the chunks that it is about, and for no others."""
    case, request = drawn

    assert {*case.chunks(*request)} <= {*case.about}
