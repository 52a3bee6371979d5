"""`stress replay --debug` stops in the frame that takes a step, `--verbose` prints every step."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stress import failures
from stress.cli import main
from tests.explore.racing import CODE, saved_race, write
from tests.reports.test_schemas import check


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the saved failure of the scenario, in whose folder the test runs."""
    monkeypatch.chdir(tmp_path)
    write()
    return saved_race()


def replayed(file: Path, *options: str) -> Result:
    """Run `stress replay`."""
    return CliRunner().invoke(main, ["replay", str(file), *options])


def debugged(file: Path, step: str, typed: str) -> subprocess.CompletedProcess[str]:
    """Run `stress replay --debug` in a process of its own, and type."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "stress", "replay", str(file), "--debug", step],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_debugger_stops_in_the_frame_of_the_step(file: Path) -> None:
    """The stack and the variables are those of the user's code; c goes on to the report."""
    done = debugged(file, "1", "w\np written\nc\n")

    assert "data.write(written)" in done.stdout
    assert "test_it.py(10)writer()" in done.stdout
    assert "42" in done.stdout.split("(step)")[2]
    assert done.returncode == 1
    assert "while writer writes there" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_debugger_stops_at_every_step(file: Path, step: int) -> None:
    """Each number of the report is a place to stop at."""
    lines = ["data.write(written)", "ready.store(1, RELAXED)", "ready.load(ACQUIRE)", "data.read()"]
    done = debugged(file, str(step), "c\n")

    assert f"-> {lines[step - 1]}" in done.stdout.replace("flag = ", "")
    assert done.returncode == 1


@pytest.mark.slow
def test_debugger_may_look_at_the_clock(file: Path) -> None:
    """What a scenario must not do, whoever looks around may."""
    done = debugged(file, "2", "p time.monotonic() > 0\np ready\nc\n")

    assert "(step) True" in done.stdout
    assert done.returncode == 1


@pytest.mark.slow
def test_debugger_does_not_leave_the_schedule(file: Path) -> None:
    """The next line may be another thread's: that is said, and it is still there."""
    done = debugged(file, "2", "n\ns\np written\nc\n")

    assert done.stdout.count("The schedule says which thread goes on.") == 2
    assert "(step) 42" in done.stdout
    assert done.returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("said", ["q\n", ""])
def test_debugger_that_is_left_knows_nothing(file: Path, said: str) -> None:
    """Quitting, or the end of the input, ends it with status 3."""
    assert debugged(file, "2", said).returncode == 3


def test_debugger_names_the_steps_there_are(file: Path) -> None:
    """A step that is not there is wrong usage."""
    done = replayed(file, "--debug", "99")

    assert done.exit_code == 2
    assert "there is no step 99: the execution has steps 1 to 4" in done.output


def test_verbose_prints_every_step_with_its_line(file: Path) -> None:
    """Number, thread, what, value, order, what it read, where, and the line of source."""
    lines = replayed(file, "--verbose").output.splitlines()

    assert lines[1].split() == [
        *("2", "writer", "ready", "←", "1", "relaxed"),
        *("test_it.py:11", "ready.store(1,", "RELAXED)"),
    ]
    assert "from step 2" in lines[2]
    assert lines[3].split()[:3] == ["4", "reader", "data"]


def test_verbose_prints_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls the subject is told, before the steps of the call."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    runner.invoke(main, ["explore", "registrar:no-recheck/same-chunk"])
    [file] = Path(".stress/failures").iterdir()
    lines = replayed(file, "--verbose").output.splitlines()

    assert lines[0].strip().startswith("thread 0 calls register((")
    assert any(line.strip().startswith("thread 0 gets Ok") for line in lines)


def test_replay_prints_json(file: Path) -> None:
    """One object on stdout: verdict, what changed, and the report as data."""
    done = replayed(file, "--json")
    found = json.loads(done.stdout)

    check("replay", found)
    assert (found["verdict"], found["changes"]) == ("failed", [])
    assert [step["number"] for step in found["report"]["trace"]["steps"]] == [1, 2, 3, 4]
    assert found["report"]["tried"][0]["change"] == "step 2   relaxed → release"


# Whom a file may name


def test_strangers_file_imports_nothing(file: Path) -> None:
    """A file of the reader's is not imported on the word of a failure: it would be run."""
    Path("wipe.py").write_text("open('owned', 'w').close()\ndef scenario(sync): ...\n")
    saved = failures.load(file)
    for change in (
        {"target": "wipe.py::scenario"},
        {"target": "wipe.py::scenario", "sources": {"wipe.py": "0" * 64}},
        {"model": "wipe.py::Model"},
        {"model": "wipe.py::Model", "kind": "hang"},
    ):
        done = replayed(failures.save(saved | change, Path("out")))

        assert done.exit_code == 2
        assert "wipe.py" in done.output
        assert "--trust" in done.output
        assert not Path("owned").exists()


def test_trusted_file_is_imported(file: Path) -> None:
    """Named on the command line, or unchanged since it was saved, it is run."""
    assert replayed(file).exit_code == 1
    write(f"{CODE}\n# a comment\n")
    refused, trusted = replayed(file), replayed(file, "--trust")

    assert (refused.exit_code, trusted.exit_code) == (2, 1)
    assert "test_it.py has changed since this was saved" in trusted.stderr


@pytest.mark.parametrize("target", ["/etc/passwd.py::x", "../x.py::y", "out/../../x.py::y"])
def test_file_elsewhere_is_never_imported(file: Path, target: str) -> None:
    """What is not below the current directory stays there, trusted or not."""
    saved = failures.load(file)
    done = replayed(failures.save(saved | {"target": target}, Path("out")), "--trust")

    assert done.exit_code == 2
    assert "is not below the current directory" in " ".join(done.output.split())


# A scenario that does not do the same every time

WHIMS = """
from registrar.sync import RELAXED
count = []

def scenario(sync):
    count.append(1)
    words = [sync.word(name="even"), sync.word(name="odd")]

    def thread():
        words[len(count) % 2].store(1, RELAXED)

    return thread, thread
"""


def test_nondeterminism_is_a_finding_without_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which step differed, what it was and where is told and saved; the status is 3, not 2."""
    monkeypatch.chdir(tmp_path)
    Path("whims.py").write_text(WHIMS, encoding="utf-8")
    done = CliRunner().invoke(main, ["explore", "whims.py::scenario"])
    [file] = Path(".stress/failures").iterdir()
    saved = failures.load(file)

    assert (done.exit_code, saved["kind"]) == (3, "nondeterminism")
    assert "took another step than in the execution before" in " ".join(done.output.split())
    assert "whims.py:10" in done.output
    assert {"even", "odd"} <= set(saved["violations"][0]["message"].replace(",", "").split())
    again = replayed(file)
    assert again.exit_code == 3
    assert "It still does not do the same." in again.output
