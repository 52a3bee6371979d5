"""`stress explore`, `resume`, `orders`, `run --engine explore`: what they say, and their status."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stress import cli
from stress.explore import engine
from stress.explore.search.estimate import Estimate
from stress.report.summary import RunSummary
from stress.verdict import Verdict

SCENARIOS = """
import time
from registrar.sync import ACQUIRE, RELAXED, RELEASE, SEQ_CST


def published(sync, order=RELEASE):
    data, ready = sync.cell(0), sync.word(0)

    def writer():
        data.write(42)
        ready.store(1, order)

    def reader():
        if ready.load(SEQ_CST):
            assert data.read() == 42

    return writer, reader


def racy(sync):
    return published(sync, RELAXED)


def spinning(sync, order=RELAXED):
    data, ready, turns = sync.word(), sync.word(), sync.word()

    def writer():
        data.store(1, RELAXED)
        ready.store(1, order)

    def reader():
        if ready.load(ACQUIRE):
            while not data.load(RELAXED):
                turns.fetch_add(1, RELAXED)

    return writer, reader


def patient(sync):
    return spinning(sync, RELEASE)


def sleepy(sync):
    word = sync.word()

    def thread():
        time.sleep(0)
        word.load(RELAXED)

    return thread


def large(sync):
    x, y = sync.word(1), sync.word(1)

    def thread(mine, other):
        def run():
            for _ in range(9):
                mine.store(mine.load(RELAXED) + other.load(RELAXED), RELAXED)

        return run

    return thread(x, y), thread(y, x)


def small(sync):
    word = sync.word()
    yield (lambda: word.fetch_add(1, RELAXED),) * 4
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with the scenarios."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "programs.py").write_text(SCENARIOS)
    return tmp_path


def stress(*words: str) -> Result:
    """Return what ``stress`` came to, in this process."""
    return CliRunner().invoke(cli.main, words)


def test_explore_says_what_a_pass_means() -> None:
    """A scenario without a failing execution is ok, with how many there are."""
    done = stress("explore", "programs.py::published", "--json")

    assert (done.exit_code, json.loads(done.stdout)["executions"]) == (0, 2)
    assert "no execution of this program under rc11 fails" in " ".join(done.stderr.split())


def test_explore_draws_failing_execution_that_replays() -> None:
    """A failing execution is drawn and saved, and the command it prints draws it again."""
    done = stress("explore", "programs.py::racy")
    [saved] = Path(".stress/failures").iterdir()
    again = stress("replay", str(saved))

    assert (done.exit_code, again.exit_code) == (1, 1)
    assert f"stress replay {saved}" in done.stdout
    assert "reader reads data while writer writes there" in again.stdout


@pytest.mark.parametrize("memory", ["sc", "tso"])
def test_explore_takes_memory_model(memory: str) -> None:
    """Under a strong model a relaxed publication passes, and the report names the model."""
    done = stress("explore", "programs.py::racy", "--memory", memory)

    assert done.exit_code == 0
    assert f"every execution under {memory}" in done.stdout


@pytest.mark.parametrize("search", ["random", "pct"])
def test_explore_draws_executions(search: str) -> None:
    """What is drawn and does not fail is ok, and others are not excluded."""
    done = stress("explore", "programs.py::published", "--search", search, "--executions", "50")

    assert done.exit_code == 0
    assert "others are not excluded" in " ".join(done.stdout.split())


def test_drawing_goes_on_past_the_first_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many executions are drawn as were asked for, however long that takes."""
    monkeypatch.setattr("stress.report.exploration.SOON", 0.0)
    done = stress("explore", "programs.py::published", "--search", "random", "--json")

    assert (done.exit_code, json.loads(done.stdout)["executions"]) == (0, 10_000)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["explore", "programs.py::nothing"], "has no function nothing"),
        (["explore", "nowhere.py::racy"], "nowhere.py is not there"),
        (["explore", "../programs.py::racy"], "not below the current directory"),
        (["explore", "registrar/nothing"], "has no scenario 'nothing'"),
        (["explore", "registrar:nothing/same-chunk"], "has no fault 'nothing'"),
        (["explore", "programs.py::sleepy"], "calls time.sleep"),
        (["explore", "programs.py::racy", "--memory", "power"], "'power' is not one of"),
        (["explore", "programs.py::racy", "--executions", "0"], "not in the range"),
        (["resume", "programs.py"], "cannot be gone on from"),
        (["resume", "nowhere.json"], "cannot be gone on from"),
        (["orders", "nothing"], "no model 'nothing'"),
    ],
    ids=lambda each: each if isinstance(each, str) else "-".join(each[:2]),
)
def test_wrong_usage_is_status_2(words: list[str], message: str) -> None:
    """What cannot be found or explored is wrong usage, with the reason and no traceback."""
    done = stress(*words)

    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_bound_is_unknown_and_goes_on() -> None:
    """An exploration that met its bound is unknown, and is gone on with from its file."""
    done = stress("explore", "programs.py::small", "--executions", "10")
    [saved] = Path(".stress").glob("*.unfinished.json")
    more = stress("resume", str(saved), "--json")

    assert done.exit_code == 3
    assert f"stress resume {saved}" in done.stdout
    assert (more.exit_code, json.loads(more.stdout)["executions"]) == (0, 24)


@pytest.mark.slow
def test_interrupt_leaves_file_to_resume_from() -> None:
    """Ctrl-C ends with the report so far, status 3, and a file; from it the exploration goes on."""
    command = [sys.executable, "-m", "stress", "explore", "programs.py::large"]
    running = subprocess.Popen(  # noqa: S603  (our own command)
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert running.stdout is not None
    while "executions" not in running.stdout.readline():  # the estimate: it is under way
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    [saved] = Path(".stress").glob("*.unfinished.json")
    before = json.loads(saved.read_text())["found"]["executions"]
    more = stress("resume", str(saved), "--for", "0.5", "--json")

    assert running.returncode == 3
    assert "it was interrupted" in " ".join(said.split())
    assert json.loads(more.stdout)["executions"] > before > 0
    assert more.exit_code == 3


def test_interrupt_during_estimate_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the size is being estimated loses nothing: there is a file to go on from."""

    def interrupted(*_: object, **__: object) -> Estimate:
        signal.raise_signal(signal.SIGINT)
        return Estimate(1.0, 0.0, 1)

    monkeypatch.setattr("stress.report.exploration.estimate", interrupted)
    monkeypatch.setattr("stress.report.exploration.SOON", 0.1)
    done = stress("explore", "programs.py::large")
    [saved] = Path(".stress").glob("*.unfinished.json")

    assert done.exit_code == 3
    assert json.loads(saved.read_text())["found"]["executions"] > 0


def test_resume_refuses_changed_scenario() -> None:
    """A file that fits its scenario no more is refused."""
    stress("explore", "programs.py::small", "--executions", "10")
    [saved] = Path(".stress").glob("*.unfinished.json")
    renamed = json.loads(saved.read_text()) | {"target": "programs.py::published"}
    saved.write_text(json.dumps(renamed))
    done = stress("resume", str(saved))

    assert done.exit_code == 2
    assert "has changed since" in done.stderr


def test_orders_prints_what_each_access_needs() -> None:
    """An over-strong load is shown with the order it needs, and what broke below it."""
    done = stress("orders", "programs.py::published", "--json")
    [store, load] = json.loads(done.stdout)

    assert done.exit_code == 0
    assert (store["operation"], store["written"], store["weakest"]) == (
        "store",
        "release",
        ["release"],
    )
    assert (load["written"], load["weakest"]) == ("seq_cst", ["acquire"])
    assert load["broke"] == {"relaxed": "race in programs.py::published"}


def test_orders_refuses_broken_subject() -> None:
    """A subject that fails as it is written is a failed check: there is nothing to weaken."""
    done = stress("orders", "programs.py::racy")

    assert done.exit_code == 1
    assert "race in programs.py::racy" in done.stdout


def test_orders_does_not_know_what_is_not_explored_to_its_end() -> None:
    """Such an order is no fault, and no reason to call a stronger one load-bearing."""
    done = stress("orders", "programs.py::patient", "--json")
    store = json.loads(done.stdout)[1]

    assert done.exit_code == 3
    assert (store["written"], store["weakest"], store["broke"]) == ("release", ["release"], {})
    assert list(store["undecided"]) == ["relaxed"]
    assert "0 of them load-bearing" in done.stderr
    assert "2 of them are undecided" in done.stderr

    unexplored = stress("orders", "programs.py::spinning")
    assert unexplored.exit_code == 3
    assert "programs.py::spinning is not explored" in unexplored.stdout


def test_run_explores_programs_of_model() -> None:
    """`stress run --engine explore` explores every program of a model."""
    done = stress("run", "registrar", "--engine", "explore", "--for", "20", "--json")
    [run] = json.loads(done.stdout)["runs"]

    assert (done.exit_code, run["engine"], run["verdict"]) == (0, "explore", "ok")
    assert run["executions"] > run["examples"] > 20


def test_run_saves_failing_execution() -> None:
    """A fault of a model ends as failed, and what is saved replays."""
    done = stress("run", "registrar:relaxed-set", "--engine", "explore")
    [saved] = Path(".stress/failures").iterdir()

    assert done.exit_code == 1
    assert stress("replay", str(saved)).exit_code == 1


@pytest.mark.parametrize("model", ["registrar", "once"])
def test_run_without_end_is_unknown(model: str) -> None:
    """A model without the time for its programs, drawn by hand or not, is unknown, and says why."""
    run = engine.run(model, 1e-6, 0, lambda _: None)
    summary = RunSummary.of_explored(model, run)

    assert summary.verdict is Verdict.UNKNOWN
    assert summary.doubts


def test_failures_hold_no_absolute_path(folder: Path) -> None:
    """What is saved names no folder of the machine it was saved on."""
    stress("explore", "programs.py::racy")
    [saved] = Path(".stress/failures").iterdir()

    assert str(folder) not in saved.read_text()
    assert os.sep + "home" not in saved.read_text()
