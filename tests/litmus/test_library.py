"""The library: what it offers, what it expects, and that every model meets it."""

import importlib.metadata
import importlib.resources
from itertools import pairwise
from pathlib import Path

import pytest

from stress.explore.litmus import explore_test
from stress.litmus import library
from stress.litmus.library import Entry, Expected, LibraryError, UnknownTestError
from stress.litmus.observation import Observation
from stress.litmus.program import LitmusTest

MODELS = ("sc", "tso", "rc11")
FAMILIES = ("MP", "SB", "LB", "IRIW+sc", "ISA2+rlx", "WRC+rlx", "R", "S", "2+2W", "RWC", "Z6.U")


@pytest.mark.slow
@pytest.mark.parametrize("memory", [*MODELS, "rc11 c++11"])
def test_library_meets_every_expectation(memory: str) -> None:
    """Under each memory model every test of the library comes to what is expected of it."""
    model, _, sequence = memory.partition(" ")
    missed = {}
    for name in library.names():
        entry = library.find(name)
        test = entry.test()
        explored = explore_test(test, model, sequence or library.DEFAULT_SEQUENCE)
        expected = entry.expected(model, sequence or library.DEFAULT_SEQUENCE)
        missed[name] = expected.missed(Observation(test, memory, explored))

    assert {name: how for name, how in missed.items() if how} == {}


def test_library_has_the_classics() -> None:
    """The library is not small, and has the best known tests."""
    assert len(library.names()) >= 60
    assert set(FAMILIES) <= set(library.names())


@pytest.mark.parametrize("name", library.names())
def test_expectation_widens_with_the_model(name: str) -> None:
    """What sc allows tso allows, and what tso allows rc11 allows; so counts never shrink."""
    entry = library.find(name)
    expected = [entry.expected(memory) for memory in MODELS]
    counts = [found.executions for found in expected if found.executions]
    answers = [found.observation for found in expected if found.observation]
    changes = set(pairwise(answers))

    assert {*MODELS} <= {*entry.expectations}
    assert counts == sorted(counts)
    assert all(after in (before, "Sometimes") for before, after in changes)
    assert [found.races for found in expected] == sorted(found.races for found in expected)


class Found:
    """An exploration that came to one execution without a race."""

    executions, blocked, seconds = 1, 0, 0.0

    def __init__(self, test: LitmusTest, races: int = 0) -> None:
        self.races = races
        self.states = {(0,) * len(test.observed): 1}


MISSED = {
    "nothing expected": (Expected(), 0, None),
    "met": (Expected("Never", 1), 0, None),
    "another answer": (Expected("Always"), 0, "observation Never, expected Always"),
    "another count": (Expected(executions=3), 0, "executions 1, expected 3"),
    "both": (
        Expected("Always", 3),
        0,
        "observation Never, expected Always; executions 1, expected 3",
    ),
    "a race": (Expected("Never"), 2, "2 executions with a data race, expected none"),
    "an expected race": (Expected(races=True), 2, None),
    "no race": (Expected(races=True), 0, "0 executions with a data race, expected some"),
}


@pytest.mark.parametrize(("expected", "races", "missed"), MISSED.values(), ids=MISSED)
def test_expectation_tells_differences(expected: Expected, races: int, missed: str | None) -> None:
    """An expectation names what differs from it, and how."""
    test = library.find("MP").test()

    assert expected.missed(Observation(test, "rc11", Found(test, races))) == missed


def test_find_rejects_unknown_name_with_similar_ones() -> None:
    """A name that nobody offers is refused with those that it may be meant for."""
    with pytest.raises(UnknownTestError, match=r"there is no litmus test 'mp\+rell\+acq'") as error:
        library.find("mp+rell+acq")

    assert "MP+rel+acq" in str(error.value).split("Similar: ")[1]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let two packages offer `tmp_path` and its subfolder as litmus tests."""
    folders = {"one": tmp_path, "two": tmp_path / "two"}
    folders["two"].mkdir()
    points = [importlib.metadata.EntryPoint(name, name, library.GROUP) for name in folders]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    monkeypatch.setattr(importlib.resources, "files", folders.__getitem__)
    library._entries.cache_clear()
    monkeypatch.setattr(library, "_entries", library._entries.__wrapped__)
    return tmp_path


def test_find_returns_test_of_package(offer: Path) -> None:
    """A file that a package offers is a test of its name, with what is expected of it."""
    (offer / "One.litmus").write_text("C One {} P0 (int* x) { *x = 1; } forall (x=1)")
    (offer / "expected.toml").write_text('[One]\nsc = { observation = "Always" }')
    found = library.find("One")

    assert library.names() == ["One"]
    assert isinstance(found, Entry)
    assert found.test().name == "One"
    assert (found.expected("sc"), found.expected("tso")) == (Expected("Always"), Expected())


BROKEN = {
    "no TOML": ("[One", "cannot be read"),
    "a word it does not know": ("[One]\nsc = { sometimes = 1 }", "sometimes"),
    "no table": ("One = 1", "cannot be read"),
    "no UTF-8": (b"\xff", "cannot be read"),
    "a test it has not": ("[Two]\nsc = {}", "expects something of Two"),
}


@pytest.mark.parametrize(("content", "why"), BROKEN.values(), ids=BROKEN)
def test_library_rejects_broken_expectations(offer: Path, content: str | bytes, why: str) -> None:
    """Expectations that cannot be used are refused with the file and why."""
    expected = offer / "expected.toml"
    expected.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(LibraryError, match=why) as error:
        library.names()
    assert str(expected) in str(error.value)


def test_library_rejects_two_tests_of_one_name(offer: Path) -> None:
    """Two packages cannot offer tests of the same name."""
    for folder in (offer, offer / "two"):
        (folder / "One.litmus").write_text("C One {} P0 () {}")

    with pytest.raises(LibraryError, match="two packages offer the litmus test 'One'"):
        library.names()
