"""Nights: what a folder of nights remembers, and what it refuses."""

import json
from pathlib import Path

import pytest

from stress.nights import Nights, NightsError, Shard, checked_name

RACE = "00112233445566aa"
HANG = "00112233445566bb"


def shard(
    *fingerprints: str, seen: tuple[str, ...] = ("a", "b"), mended: tuple[str, ...] = ()
) -> Shard:
    """Return what a campaign of ten seconds came to."""
    found = {each: f"failure {each}" for each in fingerprints}
    coverage = {("once", "explore"): dict.fromkeys(seen, 7)}
    return Shard(10.0, 100, coverage, found, frozenset(mended))


def test_nights_add_up_shards() -> None:
    """A night is the sum of its shards; a failure that two of them saw is one."""
    nights = Nights()
    new = nights.add("1", [shard(RACE), shard(RACE, HANG, seen=("b", "c"))])
    [night] = nights.nights

    assert sorted(new) == [RACE, HANG]
    assert (night.seconds, night.executions, night.coverage) == (20.0, 200, 3)
    assert (night.failures, night.new) == (2, 2)


def test_nights_know_what_an_earlier_night_found() -> None:
    """What an earlier night found is not new; it is noted who saw it last."""
    nights = Nights()
    nights.add("1", [shard(RACE)])

    assert nights.add("2", [shard(RACE, HANG)]) == [HANG]
    assert nights.known[RACE].first == "1"
    assert nights.known[RACE].last == "2"
    assert nights.known[RACE].nights == 2


def test_nights_take_a_night_again_in_its_place() -> None:
    """A night that is gathered twice is there once, and what was new in it still is."""
    nights = Nights()
    nights.add("1", [shard(RACE)])
    again = nights.add("1", [shard(RACE)])

    assert again == [RACE]
    assert len(nights.nights) == 1
    assert nights.known[RACE].nights == 1


def test_nights_tell_what_was_mended() -> None:
    """What is replayed and does not fail any more is mended since then, until it fails again."""
    nights = Nights()
    nights.add("1", [shard(RACE, HANG)])
    nights.add("2", [shard(mended=(RACE, HANG)), shard(HANG)])

    assert nights.known[RACE].mended == "2"
    assert nights.known[HANG].mended == ""
    nights.add("3", [shard(RACE)])
    assert nights.known[RACE].mended == ""


def test_nights_keep_the_seed_that_came_first() -> None:
    """An interleaving keeps the seed of the case that showed it first."""
    nights = Nights()
    nights.add("1", [shard(seen=("a",))])
    later = Shard(1.0, 1, {("once", "explore"): {"a": 9, "b": None}}, {}, frozenset())
    nights.add("2", [later])

    assert nights.coverage == {("once", "explore"): {"a": 7, "b": None}}


def test_nights_come_back_as_they_were_saved(tmp_path: Path) -> None:
    """What is saved is what is loaded."""
    nights = Nights()
    nights.add("1", [shard(RACE)])
    nights.add("2", [shard()])
    nights.save(tmp_path / "nights")

    assert Nights.load(tmp_path / "nights") == nights


def test_nights_begin_with_nothing(tmp_path: Path) -> None:
    """Where there is no folder, or an empty one, nothing is remembered."""
    (tmp_path / "empty").mkdir()

    assert Nights.load(tmp_path / "none") == Nights()
    assert Nights.load(tmp_path / "empty") == Nights()


def test_nights_trend_shows_the_last() -> None:
    """The table has a row a night, the oldest left out."""
    nights = Nights()
    for number in range(20):
        nights.add(str(number), [shard()])

    assert nights.trend(most=3).count("\n") == 5
    assert "| 19 |" in nights.trend(most=3)
    assert "| 16 |" not in nights.trend(most=3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b'{"format": 2}',
        b'{"format": 1}',
        b'{"format": 1, "nights": 3, "known": {}}',
        b'{"format": 1, "nights": [{"name": "1"}], "known": {}}',
        b'{"format": 1, "nights": [], "known": {"../../etc/passwd": {}}}',
        b'{"format": 1, "nights": [], "known": []}',
    ],
)
def test_nights_refuse_what_is_damaged(content: bytes, tmp_path: Path) -> None:
    """A damaged file is refused, in words that say which, and nothing is changed."""
    Nights().save(tmp_path)
    (tmp_path / "nights.json").write_bytes(content)

    with pytest.raises(NightsError, match=r"nights.json"):
        Nights.load(tmp_path)
    assert (tmp_path / "nights.json").read_bytes() == content


def test_nights_refuse_a_folder_of_something_else(tmp_path: Path) -> None:
    """A folder that holds something else is not taken for nights without a past."""
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(NightsError, match="remembers no nights"):
        Nights.load(tmp_path)


def test_nights_refuse_a_lost_half(tmp_path: Path) -> None:
    """Where one of the two files is gone, the other is no beginning."""
    nights = Nights()
    nights.add("1", [shard(RACE)])
    nights.save(tmp_path)
    (tmp_path / "coverage.json").unlink()

    with pytest.raises(NightsError):
        Nights.load(tmp_path)


@pytest.mark.parametrize("name", ["", "a" * 65, "../1", "| a |", "two\nlines", "-x", "[b](c)"])
def test_nights_refuse_what_is_no_name(name: str) -> None:
    """A name is a cell of a table and may be part of a path: what could break either is none."""
    with pytest.raises(NightsError, match="no name"):
        checked_name(name)


def test_nights_take_numbers_and_dates() -> None:
    """The usual names of nights are names."""
    for name in ("1", "2026-11-22", "night 7", json.dumps(7)):
        assert checked_name(name) == name
