"""The supervisor: whatever becomes of its child, the run ends, and says how."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from stress import cli
from stress.threads import process, supervisor
from stress.threads.child import Order
from stress.threads.supervisor import ThreadsRun

HERE = Path(__file__).parent

pytestmark = [pytest.mark.threads, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the model ``misbehaving`` installed, for this process and its children."""
    folder = tmp_path / "misbehaving-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: misbehaving\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(
        "[stress.models]\nmisbehaving = misbehaving:Misbehaving\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(HERE)]))
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)


def run_of(model: str, *, seconds: float = 60.0, patience: float = 60.0) -> ThreadsRun:
    """Return what a run of `model` with two threads came to."""
    return supervisor.run(Order(model, {}, 1, seconds, 2, patience), lambda _: None)


def cli_of(*words: str) -> tuple[int, str]:
    """Return the exit status of a command, and all it printed, on lines of any length."""
    done = CliRunner(env={"COLUMNS": "500"}).invoke(cli.main, words)
    return done.exit_code, " ".join(done.output.split())


def test_run_ends_when_its_time_is_up() -> None:
    """A model that behaves is run until its time is up, and nothing is found."""
    run = run_of("misbehaving", seconds=0.5)

    assert (run.findings, run.errors, run.interrupted) == ([], [], False)
    assert run.seconds >= 0.5
    assert run.census.calls == 2 * run.census.instances > 0


def test_hang_is_found_with_all_stacks() -> None:
    """Calls that do not return are named, and every thread's stack is shown."""
    run = run_of("misbehaving:hang", patience=2.0)
    (finding,) = run.findings
    (violation,) = finding["violations"]
    stacks = "\n".join(finding["stacks"])

    assert (finding["kind"], violation["rule"]) == ("hang", "hang")
    assert violation["message"].count("in never_release(0)") == 2
    assert "MainThread" in stacks
    for worker in ("worker 0", "worker 1"):
        assert worker in violation["message"]
        assert worker in stacks
    assert stacks.count("in never_release") == 2


def test_silent_child_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that says nothing in time is ended, and its silence is a hang."""
    monkeypatch.setattr(process, "GRACE", 1.0)
    run = run_of("misbehaving:silent", patience=1.0)
    (finding,) = run.findings

    assert finding["kind"] == "hang"
    assert "the child process is silent" in finding["violations"][0]["message"]


def test_crash_is_found_with_its_signal() -> None:
    """An interpreter that dies is a finding: the signal's name, and where it came."""
    run = run_of("misbehaving:segfault")
    (finding,) = run.findings

    assert finding["kind"] == "crash"
    assert "died of SIGSEGV" in finding["violations"][0]["message"]
    assert "in read_nothing" in "".join(finding["stacks"])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("misbehaving:stage", "LookupError: no stage today"),
        ("misbehaving:prepare", "LookupError: no instance today"),
        ("misbehaving:killed", "SIGKILL"),
        ("misbehaving:leave", "status 7"),
        ("misbehaving:nosuch", "has no fault 'nosuch'"),
    ],
)
def test_failure_of_harness_is_no_finding(model: str, reason: str) -> None:
    """A model that raises, or a child that is ended from outside, accuses nobody."""
    run = run_of(model)

    assert run.findings == []
    assert any(reason in error for error in run.errors)


def test_noise_in_report_is_told_once() -> None:
    """What a library prints among the reports, text or not, is told, and ends nothing."""
    run = run_of("misbehaving:chatter", seconds=0.1)
    (error,) = run.errors

    assert "chatter" in error
    assert run.findings == []
    assert run.census.calls > 0


def test_starved_kernel_is_unknown() -> None:
    """A kernel that runs out of room refuses unasked, so the run is unknown and not failed."""
    status, output = cli_of("run", "misbehaving:starved", "--for", "0.2")

    assert status == 3
    assert "instances prove nothing: the kernel ran out: ENOMEM" in output
    assert "broken 0 violations" in output


def test_failure_of_harness_is_unknown() -> None:
    """A run whose model raises has status 3, and says what was raised."""
    status, output = cli_of("run", "misbehaving:stage")

    assert status == 3
    assert "LookupError: no stage today" in output
    assert "unknown" in output


def test_crash_is_saved_and_not_replayed(tmp_path: Path) -> None:
    """A crash has status 1 and is saved; its file says that there is nothing to judge again."""
    status, output = cli_of("run", "misbehaving:segfault", "--seed", "5")
    (file,) = (tmp_path / ".stress" / "failures").iterdir()

    assert status == 1
    assert "died of SIGSEGV" in output
    status, output = cli_of("replay", str(file))
    assert status == 3
    assert "A crash left no history to judge" in output
    assert "stress run misbehaving:segfault --engine threads --seed 5" in output


def eventually(fact: Callable[[], bool]) -> None:
    """Wait until `fact` holds, at most 100 seconds."""
    deadline = time.monotonic() + 100
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Return whether this process is there, and no zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start two runs of ten minutes in all; give the process, and that of its child."""
    stages = tmp_path / "stages"
    stages.touch()
    command = [sys.executable, "-m", "stress", "run", "misbehaving", "misbehaving:hang"]
    options = ["--for", "600", "--layout", str(stages)]
    with subprocess.Popen(  # noqa: S603
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a group of its own, as a shell gives to a command
    ) as run:
        try:
            eventually(lambda: len(stages.read_text().splitlines()) > 1)
            yield run, int(stages.read_text().splitlines()[0])
        finally:
            run.kill()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_interrupt_ends_run_with_report(endless: tuple[subprocess.Popen[str], int]) -> None:
    """Ctrl-C ends the command: a report so far, status 3, no second run, and no child left."""
    run, child = endless
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to all of the group
    output, _ = run.communicate(timeout=100)

    assert run.returncode == 3
    assert "The run was interrupted before its time was up." in output
    assert output.count("verdict") == 1
    assert "Traceback" not in output
    assert not is_running(child)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_child_ends_with_its_supervisor(endless: tuple[subprocess.Popen[str], int]) -> None:
    """A child whose supervisor is killed ends by itself."""
    run, child = endless
    run.kill()
    run.wait()

    eventually(lambda: not is_running(child))
