"""Campaigns as one gives them: begun, gone on with, interrupted; and what their folder holds."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from stress.campaign.folder import DATABASE, Folder
from stress.campaign.ledger import Ledger
from stress.campaign.outcome import Outcome
from stress.cli import main
from stress.commands.campaigns import begin, plan_of

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "stress/schemas/run.schema.json"

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def stress(*words: Any) -> Result:
    """Run the command."""
    return CliRunner(env={"COLUMNS": "500"}).invoke(main, [str(word) for word in words])


def begun(*words: str) -> Result:
    """Begin a short campaign of the state machine, with one process."""
    return stress("run", *words, "--engine", "sequential", "--for", "2", "--jobs", "1",
                  "--out", "night", "--json")  # fmt: skip


def test_campaign_leaves_reports_and_goes_on() -> None:
    """Each form says the same; what goes on adds to it."""
    done = begun("spsc-ring")
    found = json.loads(done.stdout)

    assert done.exit_code == 0, done.output
    assert "go on    stress resume night" in done.stderr
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert found == json.loads(Path("night/report.json").read_text())
    assert found["campaign"]["cases"] == found["runs"][0]["cases"] > 0
    assert "<testsuite" in Path("night/report.xml").read_text()
    assert found["campaign"]["id"] in Path("night/report.html").read_text()

    more = stress("resume", "night", "--for", "1", "--jobs", "1", "--json")
    after = json.loads(more.stdout)

    assert more.exit_code == 0, more.output
    assert after["campaign"]["id"] == found["campaign"]["id"]
    assert after["campaign"]["cases"] > found["campaign"]["cases"]


def test_failure_is_found_replayed_and_known_to_the_next() -> None:
    """One file; the next campaign says whether it still fails, and it is not found twice."""
    done = begun("once:forgotten-poison")
    [file] = Path("night/failures").iterdir()
    found = json.loads(done.stdout)["campaign"]["failures"]

    assert done.exit_code == 1
    assert [(each["rule"], each["file"]) for each in found] == [
        ("mismatch", f"failures/{file.name}")
    ]
    assert found[0]["alike"] >= found[0]["times"] > 0
    assert stress("replay", file).exit_code == 1
    case = stress("resume", "night", "--case", found[0]["first_case"])
    assert case.exit_code == 1
    assert "✗ mismatch" in case.output

    shutil.move("night", "before")
    done = begun("once:forgotten-poison", "--corpus", "before")

    assert done.exit_code == 1
    assert "known from before, still fails" in done.stderr
    assert len([*Path("night/failures").iterdir()]) == 1

    shutil.move("night", "later")
    failure = json.loads(file.read_text() if file.exists() else
                         (Path("later/failures") / file.name).read_text())  # fmt: skip
    mended = Path("mended")
    mended.mkdir()
    (mended / "one.json").write_text(json.dumps(failure | {"model": "once"}))
    done = begun("once", "--corpus", "mended")

    assert done.exit_code == 0
    assert "known from before, is mended" in done.stderr


def test_known_failure_is_replayed_though_the_campaign_was_killed_before() -> None:
    """What a campaign takes over is in its folder from the beginning, answered or not."""
    begun("once:forgotten-poison")
    shutil.move("night", "before")
    plan = plan_of(2, ["once:forgotten-poison"], ["sequential"], None, {}, 2.0)
    with begin(plan, Path("night"), 2.0, Path("before")) as folder:
        [known] = folder.failures()
    done = stress("resume", "night", "--for", "1")

    assert known.is_unanswered
    assert done.exit_code == 1
    assert f"known from before, still fails ({known.fingerprint})" in " ".join(done.output.split())


def test_interrupt_ends_campaign_with_a_report() -> None:
    """Ctrl-C: the report so far, status 3, and a folder to go on from."""
    with subprocess.Popen(
        [sys.executable, "-m", "stress", "run", "spsc-ring", "--engine", "sequential", "--for",
         "600", "--out", "night"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as run:  # fmt: skip
        try:
            end = time.monotonic() + 60
            while not (Path("night") / DATABASE).exists() or not _cases():
                assert time.monotonic() < end
                time.sleep(0.1)
            os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all of the group
            output, _ = run.communicate(timeout=60)
        finally:
            run.kill()

    assert run.returncode == 3, output
    assert "The run was interrupted before its time was up." in output
    assert "go on    stress resume night" in output
    assert Path("night/report.html").exists()


def _cases() -> int:
    with Folder.open(Path("night")) as folder:
        return folder.cases


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("run", "once", "--jobs", "1", "--scheduler", "tcp://127.0.0.1:1"), "Leave one of them"),
        (("run", "once", "--corpus", "."), "--for 1"),
        (("resume", "nothing.json", "--case", "1"), "--case has no meaning here"),
        (("resume", "nothing.json", "once"), "Leave out once"),
        (("resume", ".", "--out", "other"), "--out has no meaning here"),
        (("resume", ".", "--case", "1"), f"it has no {DATABASE}"),
    ],
)
def test_wrong_usage_is_refused(words: tuple[str, ...], why: str) -> None:
    """Status 2, and nothing is written."""
    if why == "--for 1":
        Path("strange.txt").touch()
        why = "holds neither a campaign nor failures"
    before = sorted(Path.cwd().iterdir())
    done = stress(*words)

    assert done.exit_code == 2
    assert why in done.stderr
    assert sorted(Path.cwd().iterdir()) == before


def test_full_disk_is_refused() -> None:
    """Where nothing can be written, no campaign begins, and nothing is left."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "from stress.cli import main; main()"
    )
    done = subprocess.run(  # noqa: S603  (this interpreter)
        [sys.executable, "-c", code, "run", "once", "--for", "600", "--out", "night"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip

    assert done.returncode == 2, done.stderr
    assert f"cannot write {DATABASE} in night" in done.stderr
    assert "Free some space" in done.stderr
    assert [*Path("night").iterdir()] == []


def test_disk_that_fills_up_loses_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed is shown, and the verdict is unknown."""
    count = 0
    enter = Ledger.enter

    def fail(ledger: Ledger, outcome: Outcome) -> bool:
        nonlocal count
        count += 1
        if count > 3:
            raise sqlite3.OperationalError("database or disk is full")
        return enter(ledger, outcome)

    monkeypatch.setattr(Ledger, "enter", fail)
    done = begun("spsc-ring")

    assert done.exit_code == 3
    assert "cannot be written any more: database or disk is full" in done.stderr
    assert json.loads(done.stdout)["verdict"] == "unknown"
