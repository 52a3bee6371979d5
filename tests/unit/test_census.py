"""The census: which calls met, on hand-made notes, and sums that add up."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.threads.census import Census, contended, meetings, overlapped
from stress.threads.observed import Taken
from stress.threads.subject import Judgement, Record, Step


class Keyed:
    """An instance whose steps name their keys as arguments."""

    steps: Sequence[Sequence[Step]] = ()

    def keys(self, step: Step) -> Collection[str]:
        """Return the step's arguments."""
        return step.arguments

    def judge(self, records: Sequence[Sequence[Record]]) -> Judgement:
        """Never called here."""
        raise NotImplementedError(records)

    def to_json(self) -> dict[str, Any]:
        """Never called here."""
        raise NotImplementedError


def call(start: int, end: int, *keys: str) -> Record:
    """Return the record of a call on `keys`."""
    return Record(Step("call", keys, lambda: None, None, 0), start, end, None, None)


OVERLAPS: dict[str, tuple[list[list[Record]], int]] = {
    "two at once": ([[call(10, 20, "a")], [call(15, 30, "a")]], 2),
    "one within the other": ([[call(10, 40, "a")], [call(15, 30, "a")]], 2),
    "one after the other": ([[call(10, 20, "a")], [call(25, 30, "a")]], 0),
    "touching instants": ([[call(10, 20, "a")], [call(20, 30, "a")]], 0),
    "different keys": ([[call(10, 20, "a")], [call(15, 30, "b")]], 0),
    "one key of several": ([[call(10, 20, "a", "b")], [call(15, 30, "b", "c")]], 2),
    "no keys": ([[call(10, 20)], [call(15, 30)]], 0),
    "the same thread": ([[call(10, 20, "a"), call(15, 30, "a")]], 0),
    "one meets two": ([[call(10, 40, "a")], [call(15, 20, "a"), call(25, 30, "a")]], 3),
    "three at once": ([[call(10, 40, "a")], [call(12, 42, "a")], [call(14, 44, "a")]], 3),
    "two of three": ([[call(10, 20, "a")], [call(12, 22, "a")], [call(50, 60, "a")]], 2),
    "nobody": ([[], []], 0),
}


@pytest.mark.parametrize(("records", "expected"), OVERLAPS.values(), ids=OVERLAPS)
def test_overlapped_counts_calls_that_met(records: list[list[Record]], expected: int) -> None:
    """A call counts once if another thread was for a while inside a call on the same key."""
    assert overlapped(Keyed(), records) == expected


def test_meetings_say_which_call_began_first() -> None:
    """Of two calls that overlapped on a key, the census has the names in the order they began."""
    push = Record(Step("push", ("a",), lambda: None, None, 0), 10, 20, None, None)
    pop = Record(Step("pop", ("a",), lambda: None, None, 0), 15, 30, None, None)
    other = Record(Step("pop", ("b",), lambda: None, None, 0), 16, 30, None, None)

    assert meetings(Keyed(), [[push], [pop], [other]]) == (2, frozenset({"calls: push → pop"}))


def taken(process: int, asked: int, released: int, name: str = "mutex") -> Taken:
    """Return an ownership that came half-way between asking and releasing."""
    return Taken(name, process, asked, (asked + released) // 2, released)


CONTENTIONS: dict[str, tuple[list[Taken], int]] = {
    "asked while owned": ([taken(0, 10, 30), taken(1, 25, 50)], 2),
    "asked while asked": ([taken(0, 10, 30), taken(1, 11, 50)], 2),
    "asked afterwards": ([taken(0, 10, 30), taken(1, 31, 50)], 0),
    "touching instants": ([taken(0, 10, 30), taken(1, 30, 50)], 0),
    "different locks": ([taken(0, 10, 30), taken(1, 11, 50, "other")], 0),
    "the same thread": ([taken(0, 10, 30), taken(0, 11, 50)], 0),
    "a queue of three": ([taken(0, 10, 30), taken(1, 12, 50), taken(2, 40, 60)], 3),
    "two of three": ([taken(0, 10, 30), taken(1, 12, 50), taken(2, 50, 60)], 2),
    "nobody": ([], 0),
}


@pytest.mark.parametrize(("notes", "expected"), CONTENTIONS.values(), ids=CONTENTIONS)
def test_contended_counts_ownerships_that_met(notes: list[Taken], expected: int) -> None:
    """An ownership counts if, from asking to release, another thread wanted or had the lock."""
    assert contended(notes) == expected


counts = st.integers(0, 1 << 40)
counters = st.dictionaries(st.text(max_size=3), st.integers(1, 99), max_size=3).map(Counter)
censuses = st.builds(
    Census,
    instances=counts,
    calls=counts,
    overlapped=counts,
    contended=counts,
    violations=counts,
    unknown=counters,
    counts=counters,
    met=st.sets(st.text(max_size=3)),
)


@pytest.mark.slow
@settings(max_examples=30)
@given(censuses)
def test_census_returns_whole_from_json(census: Census) -> None:
    """A census that was sent as JSON is the same census."""
    assert Census.from_json(json.loads(json.dumps(census.to_json()))) == census


@pytest.mark.slow
@settings(max_examples=30)
@given(censuses, censuses)
def test_census_adds_every_field(one: Census, other: Census) -> None:
    """The sum of two censuses has the sum of each field, whichever comes first."""
    forwards, backwards = Census(), Census()
    for total, parts in ((forwards, (one, other)), (backwards, (other, one))):
        for part in parts:
            total.add(part)

    assert forwards == backwards
    assert forwards.met == one.met | other.met
    for name, amount in forwards.to_json().items():
        assert name == "met" or amount == getattr(one, name) + getattr(other, name)
