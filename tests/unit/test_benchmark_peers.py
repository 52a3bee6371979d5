"""What the benchmark of other explorers says without any of them: times, rows, and reasons."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from benchmarks.peers import driver
from benchmarks.peers.adapter import PROGRAMS, Adapted, build, main, measured
from benchmarks.peers.driver import PEERS, FailedError, Interpreter, asked, measure, told

FOUND = {"found": True, "seconds_to_first_failure": 1.5, "schedules_per_second": 40.0, "note": ""}

# Adapters


def test_time_to_first_failure_is_a_median(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five hunts, with seeds 1 to 5, the median counts; then schedules are counted."""
    seeds: list[int] = []
    readings = iter([0, 3, 0, 1, 0, 2, 0, 1, 0, 3, 0, 0, 1, 2])
    monkeypatch.setattr("time.perf_counter", lambda: next(readings))

    def hunt(seed: int) -> bool:
        seeds.append(seed)
        return True

    found = measured(Adapted(hunt, lambda: 30), 2.0)
    monkeypatch.undo()

    assert seeds == [1, 2, 3, 4, 5]
    assert (found.found, found.seconds_to_first_failure) == (True, 2)
    assert found.schedules_per_second == 30


def test_hunt_without_failure_is_not_found() -> None:
    """One hunt that ends without a failure settles it: there is no time to a failure."""
    hunts = iter([True, False])
    found = measured(Adapted(lambda _: next(hunts), lambda: 1), 0.0)

    assert (found.found, found.seconds_to_first_failure) == (False, None)


def test_adapter_prints_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line has the version, the build, and why a program cannot be expressed."""
    monkeypatch.setattr(sys, "argv", ["with_peer", "lost wake-up", "0"])
    main("pytest", {"lost wake-up": "it has no condition variables"})
    (line,) = capsys.readouterr().out.splitlines()

    assert json.loads(line) == {
        "version": pytest.__version__,
        "python": build(),
        "found": False,
        "seconds_to_first_failure": None,
        "schedules_per_second": None,
        "note": "it has no condition variables",
    }


# The driver


def test_last_line_of_output_is_read() -> None:
    """What a peer prints before the line does not matter."""
    assert told(f"a warning\n{json.dumps(FOUND)}\n") == FOUND


@pytest.mark.parametrize("output", ["", "no JSON", "[1]", "{}"])
def test_other_output_is_refused(output: str) -> None:
    """What is no such line is quoted."""
    with pytest.raises(FailedError, match="the adapter told"):
        told(output)


def test_adapter_that_fails_found_nothing() -> None:
    """A peer that is not there, or does not end in time, found nothing, and the note says why."""
    missing = asked("ploom", sys.executable, "lost update", 0.0, 60.0)
    late = asked("ploom", sys.executable, "lost update", 0.0, 0.0)

    assert (missing["found"], missing["note"]) == (
        False,
        "ModuleNotFoundError: No module named 'ploom'",
    )
    assert (late["found"], late["note"]) == (False, "no answer within 0 s")


def test_interpreter_says_what_it_is() -> None:
    """An interpreter is known by its version and by where it really is."""
    found = Interpreter.named(sys.executable)

    assert found.version.startswith(".".join(map(str, sys.version_info[:3])))
    assert Path(found.path).is_file()


def test_peer_that_cannot_be_installed_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row has no programs; it tells why for each interpreter, also for one that is absent."""

    def refuse(*_: object) -> NoReturn:
        raise FailedError("on Python 3.14.2t, there are no usable wheels")

    monkeypatch.setattr(driver, "installed", refuse)
    absent = "/nonexistent/python"
    rows = measure(pythons=[sys.executable, absent])

    assert [row["peer"] for row in rows] == list(PEERS)
    for row in rows:
        assert (row["programs"], row["python"]) == ({}, None)
        no_wheels, no_python = row["refused"]
        assert no_wheels == "not installable here: on Python 3.14.2t, there are no usable wheels"
        assert no_python.startswith(f"not installable here: {absent} does not run here (")


def test_row_has_every_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first interpreter that a peer installs on is the one, and the row tells its version."""
    pythons: list[str] = []

    def answer(_: str, python: str, *__: object) -> dict[str, Any]:
        pythons.append(python)
        return {"version": "9.9", "python": "CPython", **FOUND}

    monkeypatch.setattr(driver, "installed", lambda *_: "/a/venv/bin/python")
    monkeypatch.setattr(driver, "asked", answer)
    row = measure(pythons=[sys.executable, "/nonexistent/python"])[0]

    assert row["programs"] == dict.fromkeys(PROGRAMS, FOUND)
    assert (row["version"], row["python"], row["refused"]) == ("9.9", "CPython", [])
    assert set(pythons) == {"/a/venv/bin/python"}
