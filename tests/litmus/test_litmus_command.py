"""The command `stress litmus`: what it explores, prints and refuses, and its exit status."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stress import cli
from stress.litmus import command, library
from stress.litmus.library import Expected
from stress.litmus.program import LitmusTest
from stress.verdict import Verdict

GOOD = "C Good { x=0; } P0 (int* x) { int r0 = *x; } exists (0:r0=1)"
BAD = "C Bad { x=0; }\nP0 (int* x) { while (1) { } }"


@dataclass
class Found:
    """What the stub of the explorer found."""

    states: Mapping[tuple[int, ...], int]
    races: int = 0
    executions: int = 1
    blocked: int = 0
    seconds: float = 0.0
    verdict: Verdict = Verdict.OK
    interrupted: bool = False


@dataclass
class Explorer:
    """A stub that finds zeros everywhere, and notes what it was asked."""

    races: int = 0
    interrupted: bool = False
    asked: list[tuple[str, str, str, int]] = field(default_factory=list)

    def __call__(
        self, test: LitmusTest, memory: str, release_sequence: str, jobs: int = 1
    ) -> Found:
        """Note what was asked, and find one execution that ends in zeros."""
        self.asked.append((test.name, memory, release_sequence, jobs))
        verdict = Verdict.UNKNOWN if self.interrupted else Verdict.OK
        states = Counter({(0,) * len(test.observed): 1})
        return Found(states, self.races, verdict=verdict, interrupted=self.interrupted)


@pytest.fixture
def explorer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Explorer:
    """Work in a folder with a good and a bad file, with a stub of the explorer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.litmus").write_text(GOOD)
    (tmp_path / "bad.litmus").write_text(BAD)
    stub = Explorer()
    monkeypatch.setattr(command, "explore_test", stub)
    return stub


def stress(*words: str) -> Result:
    """Return what ``stress litmus`` came to, in this process."""
    return CliRunner().invoke(cli.main, ["litmus", *words])


def test_litmus_prints_file(explorer: Explorer) -> None:
    """A file is explored under rc11 by default, and printed in plain lines, with status 0."""
    done = stress("good.litmus")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Test Good Allowed\nStates 1\n0:r0=0;\nNo\n")
    assert "Observation Good Never 0 1\n" in done.stdout
    assert explorer.asked == [("Good", "rc11", "c++20", 1)]


def test_litmus_hands_options_to_explorer(explorer: Explorer) -> None:
    """The memory model, the release sequences and the jobs are the explorer's."""
    stress("good.litmus", "--memory", "tso", "--release-sequence", "c++11", "--jobs", "3")

    assert explorer.asked == [("Good", "tso", "c++11", 3)]


def test_litmus_prints_json_in_order_given(explorer: Explorer) -> None:
    """``--json`` prints one list of objects, in the order of the tests on the line."""
    done = stress("SB", "good.litmus", "MP", "good.litmus", "--json")

    assert [found["name"] for found in json.loads(done.stdout)] == ["SB", "Good", "MP", "Good"]
    assert [name for name, *_ in explorer.asked] == ["SB", "Good", "MP", "Good"]


def test_litmus_explores_whole_library(explorer: Explorer) -> None:
    """Without a test the whole library is explored; what the stub finds there is missed."""
    done = stress("--json")

    assert [name for name, *_ in explorer.asked] == library.names()
    assert [found["name"] for found in json.loads(done.stdout)] == library.names()
    assert done.exit_code == 1
    assert "✗ CoWW under rc11: observation Never, expected Always" in done.stderr


def test_litmus_fails_on_race_in_file(explorer: Explorer) -> None:
    """A data race in a file of one's own has status 1, and is explained."""
    explorer.races = 2
    done = stress("good.litmus")

    assert done.exit_code == 1
    assert "Undef" in done.stdout.splitlines()
    assert "✗ Good under rc11: 2 executions with a data race, expected none\n" in done.stderr
    assert done.stderr.count("\n") == 3


def test_litmus_is_unknown_when_interrupted(explorer: Explorer) -> None:
    """An exploration that was not completed has status 3, and is the last one."""
    explorer.interrupted = True
    done = stress("MP", "good.litmus", "--json")

    assert done.exit_code == 3
    assert len(json.loads(done.stdout)) == len(explorer.asked) == 1
    assert "? MP under rc11: not every execution was explored\n" in done.stderr


def test_litmus_fails_on_race_before_interruption(explorer: Explorer) -> None:
    """A data race that was found stays found, however the exploration ended."""
    explorer.interrupted, explorer.races = True, 1

    assert stress("good.litmus").exit_code == 1


def test_litmus_passes_race_that_library_expects(explorer: Explorer) -> None:
    """A data race that the library expects is no failure; that it is not there is one."""
    explorer.races = 1
    expected = stress("MP+na")
    explorer.races = 0
    missing = stress("MP+na")

    assert (expected.exit_code, expected.stderr) == (0, "")
    assert missing.exit_code == 1
    assert "0 executions with a data race, expected some" in missing.stderr


def test_litmus_fails_on_missed_verdict(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verdict that is not the library's has status 1, and both verdicts are told."""
    assert stress("MP").exit_code == 1  # three executions are expected, the stub finds one
    assert explorer.asked
    monkeypatch.setattr(library.Entry, "expected", lambda *_: Expected("Never", 1))
    assert stress("MP").exit_code == 0
    monkeypatch.setattr(library.Entry, "expected", lambda *_: Expected("Always", 1))
    done = stress("MP", "--memory", "sc", "--json")

    assert done.exit_code == 1
    assert len(json.loads(done.stdout)) == 1
    assert "✗ MP under sc: observation Never, expected Always\n" in done.stderr


REFUSED = {
    "a line that cannot be read": ("good.litmus bad.litmus", "bad.litmus:2:15: found 'while'"),
    "an unknown name": ("good.litmus MPP", "there is no litmus test 'MPP'"),
    "a name like others": ("MP+rel+ack", "MP+rel+acq"),
    "a missing file": ("good.litmus none.litmus", "none.litmus: cannot be read: No such file"),
    "a folder": ("./", ": cannot be read: Is a directory"),
    "an unknown model": ("--memory power good.litmus", "'power' is not one of 'sc', 'tso', 'rc11'"),
    "no job": ("--jobs 0 good.litmus", "0 is not in the range"),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_litmus_rejects_wrong_usage(explorer: Explorer, words: str, message: str) -> None:
    """What cannot be read has status 2; nothing is explored or printed but why, and what to do."""
    done = stress(*words.split())

    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") >= 2
    assert explorer.asked == []


def test_litmus_tells_every_file_it_cannot_read(explorer: Explorer, tmp_path: Path) -> None:
    """All files are read before anything is explored, and all errors are told at once."""
    (tmp_path / "binary.litmus").write_bytes(b"C Test {}\n \xff")
    (tmp_path / "large.litmus").write_bytes(b"C" * (2 << 20))
    done = stress("bad.litmus", "binary.litmus", "large.litmus", "good.litmus")

    assert done.exit_code == 2
    assert explorer.asked == []
    for place in ("bad.litmus:2:15:", "binary.litmus:2:2: found the byte 0xff", "large.litmus:1:1"):
        assert f"Error: {place}" in done.stderr


def test_litmus_rejects_having_no_library(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no package offers a test, there is nothing to explore, which is wrong usage."""
    monkeypatch.setattr(library, "names", list)
    done = stress()

    assert done.exit_code == 2
    assert "no litmus test is installed" in done.stderr
    assert explorer.asked == []
