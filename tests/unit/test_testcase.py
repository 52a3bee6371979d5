"""A model as tests: pytest runs them, by engine, and prints under a failure how it comes about."""

import re
import subprocess
import sys
import unittest
from collections import Counter
from pathlib import Path

import pytest

from stress import sequential
from stress.concurrent import ConcurrentMachine
from stress.host import Host
from stress.pytest_plugin import options
from stress.testcase import ModelTestCase
from stress.threads import supervisor
from stress.threads.census import Census
from stress.threads.supervisor import ThreadsRun
from tests.machines.prey import CounterModel

pytestmark = [pytest.mark.slow, pytest.mark.threads]

MODEL = """
from hypothesis import settings, strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from registrar.sync import RELAXED
from stress.model import Model, operation

examples = DirectoryBasedExampleDatabase(".hypothesis/examples")  # under CI there would be none
settings.register_profile("few", max_examples=15, database=examples, derandomize=False)
settings.load_profile("few")

class Counter:
    def __init__(self, sync):
        self._word = sync.word(name="value")

    def increment(self):
        return self._word.fetch_add(1, RELAXED)

class LostUpdate(Counter):
    def increment(self):
        found = self._word.load(RELAXED)
        self._word.store(found + 1, RELAXED)
        return found

class CounterModel(Model):
    subject = Counter
    value: int = 0

    @operation
    def increment(self):
        self.value += 1
        return self.value - 1

class LostUpdateModel(CounterModel):
    subject = LostUpdate
"""
STRICT = """
[tool.pytest]
strict = true
addopts = ["--import-mode=importlib"]
filterwarnings = ["error"]
"""
COUNTING = """
import pytest
from stress.concurrent import ConcurrentMachine

attempt = ConcurrentMachine.attempt

@pytest.fixture(autouse=True)
def _counted(monkeypatch):
    def counted(self, program):
        with open("attempts.txt", "a") as file:
            print(self.run.drawn, program, file=file)
        attempt(self, program)

    monkeypatch.setattr(ConcurrentMachine, "attempt", counted)
"""


class Folder:
    """A folder with a test file, in which pytest is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pyproject.toml").write_text(STRICT, encoding="utf-8")
        self.write("TestCounter = CounterModel.TestCase")

    def write(self, code: str, model: str = MODEL) -> None:
        """Write the file: a model, and `code` after it."""
        (self.folder / "test_it.py").write_text(f"{model}\n{code}\n", encoding="utf-8")

    def run(self, *words: str, status: int | None = None) -> str:
        """Return what pytest prints; fail unless it ends with `status`, if one is given."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def tests(tmp_path: Path) -> Folder:
    """Return a folder with the tests of a correct counter."""
    return Folder(tmp_path)


def counts(printed: str) -> dict[str, int]:
    """Return pytest's last line as numbers."""
    return {
        word: int(number) for number, word in re.findall(r"(\d+) (\w+)", printed.splitlines()[-1])
    }


def test_every_model_has_tests_of_its_own() -> None:
    """One for each engine, made when they are asked for."""
    case = CounterModel.TestCase

    assert issubclass(case, ModelTestCase)
    assert case.model is CounterModel
    names = [name for name in dir(case) if name.startswith("test_")]
    assert names == ["test_concurrent", "test_explore", "test_sequential", "test_threads"]


def test_correct_subject_passes(tests: Folder) -> None:
    """Four tests; where real threads prove nothing, two of them say so."""
    found = counts(tests.run(status=0))
    doubtful = 2 * bool(Host.of_this_process().doubts())

    assert found["passed"] == 4 - doubtful
    assert found.get("skipped", 0) == doubtful


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("explore", {"explore"}),
        ("sequential or explore", {"sequential", "explore"}),
        ("not threads and not concurrent", {"sequential", "explore"}),
    ],
)
def test_engines_are_chosen_by_marker(tests: Folder, expression: str, chosen: set[str]) -> None:
    """With the name of an engine, under the strictest configuration."""
    printed = tests.run("-m", expression, "--collect-only", "-q", status=0)

    assert set(re.findall(r"(?m)^test_it\.py::TestCounter::test_(\w+)$", printed)) == chosen
    assert f"{4 - len(chosen)} deselected" in printed


def test_markers_are_listed(tests: Folder) -> None:
    """What they select is said."""
    printed = tests.run("--markers", status=0)

    for name in ("sequential", "threads", "concurrent", "explore"):
        assert f"@pytest.mark.{name}: " in printed


def test_interleaving_is_printed_under_the_test(tests: Folder) -> None:
    """The smallest program, its execution in lanes, why it fails, and how it is replayed."""
    tests.write("TestLost = LostUpdateModel.TestCase")
    printed = tests.run("-m", "explore", status=1)

    assert "test_it.py::LostUpdateModel: increment() ‖ increment()" in printed
    assert re.search(r"✗ increment\(\) of thread \d came to 0, and not to 1", printed)
    assert re.search(r"thread 0 +thread 1 +where", printed)
    assert "value ← 1  relaxed" in printed
    assert re.search(r"why .*overwrites what step \d wrote", printed)
    assert "_drawn_by_hypothesis" not in printed  # of the harness nothing
    [saved] = (tests.folder / ".stress" / "failures").iterdir()
    assert saved.name in printed
    replayed = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "stress", "replay", str(saved.relative_to(tests.folder))],
        cwd=tests.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert replayed.returncode == 1
    assert "came to 0, and not to 1" in replayed.stdout


def test_real_threads_hand_over_to_the_explorer(tests: Folder) -> None:
    """Under what fails on real threads stands how, and what was recorded."""
    tests.write("TestLost = LostUpdateModel.TestCase")
    printed = tests.run(
        "-m", "concurrent", "--stress-time", "60", "--stress-threads", "2", status=1
    )

    assert "as real threads met it" in printed
    assert "The explorer found it under sc" in " ".join(printed.replace("E  ", "").split())
    assert re.search(r"thread 0 +thread 1 +where", printed)


def test_database_makes_the_next_run_fail_at_once(tests: Folder) -> None:
    """What failed is tried first, and its saved schedule is, too."""
    (tests.folder / "conftest.py").write_text(COUNTING, encoding="utf-8")
    tests.write("TestLost = LostUpdateModel.TestCase")
    attempts = tests.folder / "attempts.txt"

    tests.run("-m", "explore", status=1)
    first = attempts.read_text(encoding="utf-8").splitlines()
    attempts.unlink()
    tests.run("-m", "explore", status=1)
    second = attempts.read_text(encoding="utf-8").splitlines()

    assert (tests.folder / ".hypothesis" / "examples").exists()
    assert second[0] == "0 increment() ‖ increment()"
    assert len(second) <= len(first)


def test_workers_share_the_tests(tests: Folder) -> None:
    """pytest-xdist runs them in several processes."""
    tests.write("TestCounter = CounterModel.TestCase\nTestLost = LostUpdateModel.TestCase")
    printed = tests.run("-n", "2", "-m", "sequential or explore", status=1)

    assert counts(printed) == counts(printed) | {"failed": 1, "passed": 3}
    assert "test_it.py::LostUpdateModel: increment() ‖ increment()" in printed


def test_options_are_heeded(tests: Folder) -> None:
    """Time, seed, threads and executions; without the plug-in, the tests run as they are."""
    (tests.folder / "conftest.py").write_text(COUNTING, encoding="utf-8")
    options = ["-m", "explore", "--stress-executions", "2", "--stress-threads", "1"]
    attempts = tests.folder / "attempts.txt"
    drawn = []
    for seed in ("3", "3", "4"):
        tests.run(*options, "--stress-time", "1", "--stress-seed", seed, status=0)
        drawn.append(attempts.read_text(encoding="utf-8").splitlines()[:20])
        attempts.unlink()

    shortest = min(map(len, drawn))  # a busy machine gets to few in its time
    once, again, other = (each[:shortest] for each in drawn)
    assert once == again != other
    assert "‖" not in "".join(map(str, drawn))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--stress-time", "soon"], "--stress-time: "),
        (["--stress-time", "-3"], "--stress-time"),
        (["--stress-threads", "0"], "--stress-threads 0: give 1 or more"),
        (["--stress-threads", "two"], "--stress-threads"),
        (["--stress-executions", "-1"], "--stress-executions -1: give 1 or more"),
        (["--stress-seed", "x"], "--stress-seed"),
    ],
)
def test_wrong_option_is_wrong_usage(tests: Folder, options: list[str], why: str) -> None:
    """Nothing runs, and pytest ends with the status of a usage error."""
    printed = tests.run(*options, status=4)

    assert why in printed
    assert "Traceback" not in printed
    assert "passed" not in printed


def settled(engine: str) -> unittest.TestResult:
    """Return what the test of an engine on the counter comes to, in this process."""
    result = unittest.TestResult()
    CounterModel.TestCase(f"test_{engine}").run(result)
    return result


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (ThreadsRun(gil=True, census=Census(overlapped=9)), "The GIL is on"),
        (ThreadsRun(census=Census(overlapped=9, unknown=Counter(odd=3))), "3 instances prove"),
        (ThreadsRun(), "No call overlapped another"),
    ],
)
def test_threads_that_prove_nothing_are_skipped(
    monkeypatch: pytest.MonkeyPatch, run: ThreadsRun, why: str
) -> None:
    """Whatever makes `stress run` unknown makes a test no pass."""
    monkeypatch.setattr(supervisor, "run", lambda *_: run)
    monkeypatch.setattr(Host, "doubts", lambda self: ["The GIL is on"] if self.gil else [])
    result = settled("threads")

    [(_, reason)] = result.skipped
    assert reason.startswith("UNKNOWN: ")
    assert why in reason or Host.of_this_process().gil


def test_no_time_for_any_program_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that tried nothing is skipped, saying so."""
    monkeypatch.setattr(options, "seconds", 1e-9)
    result = settled("explore")

    assert [why for _, why in result.skipped] == [
        "UNKNOWN: No program was explored.  Allow more time."
    ]


@pytest.mark.parametrize("engine", ["sequential", "threads", "concurrent", "explore"])
def test_interrupt_is_no_pass(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """Ctrl-C ends pytest, also where the engine has noticed it itself."""
    threads = ThreadsRun(census=Census(overlapped=9), interrupted=True)
    monkeypatch.setattr(supervisor, "run", lambda *_: threads)
    interrupted = sequential.SequentialRun(interrupted=True)
    monkeypatch.setattr(sequential, "run", lambda *_: interrupted)
    monkeypatch.setattr(
        ConcurrentMachine,
        "search",
        lambda self, *_: setattr(self.run, "interrupted", True),
    )
    monkeypatch.setattr(options, "seconds", 1.0)

    with pytest.raises(KeyboardInterrupt):
        settled(engine)


OTHER_TESTS = """
class TestCounter(CounterModel.TestCase):
    def test_more(self):
        assert self.model is CounterModel
"""


def test_tests_may_be_added(tests: Folder) -> None:
    """What is no engine has no marker, and is a test like any other."""
    tests.write(OTHER_TESTS)
    printed = tests.run("-k", "more", status=0)

    assert counts(printed)["passed"] == 1


INSIDE = """
def made():
    class Inside(LostUpdateModel):
        pass
    class Three(CounterModel):
        class subject(Counter):
            def increment(self):
                found = super().increment()
                return found + (found > 1)
    return Inside.TestCase, Three.TestCase

TestInside, TestThree = made()
"""


def test_model_inside_a_function_fails_with_what_was_found(tests: Folder) -> None:
    """It cannot be replayed, nor found by other processes; its faults are told all the same."""
    tests.write(INSIDE)
    printed = tests.run(status=1)

    assert "increment() ‖ increment()" in printed
    assert "  observed  3\n" in printed
    assert "Inside cannot be found by another process" in printed
    assert counts(printed)["failed"] == 7

    again = tests.run("-m", "explore", status=1)  # what was saved is of nobody who has a name
    assert "increment() ‖ increment()" in again
    assert "ModelError" not in again


MISTAKES = """
class WrongModel(CounterModel):
    @operation
    def increment(self):
        return 1 // 0

class NeverModel(CounterModel):
    @operation(value=st.nothing())
    def increment(self, value):
        return value

TestWrong = WrongModel.TestCase
TestNever = NeverModel.TestCase
"""


def test_mistake_of_a_model_fails_every_test_with_its_words(tests: Folder) -> None:
    """Before anything runs."""
    tests.write(MISTAKES)
    printed = tests.run(status=1)

    assert counts(printed)["failed"] == 8
    assert printed.count("ModelError: WrongModel.increment() raised ZeroDivisionError") >= 4
    assert printed.count("ModelError: NeverModel.increment: value cannot be drawn") >= 4
    assert not (tests.folder / ".stress").exists()


MISHAPS = """
import os, resource

class Aborting(Counter):
    def increment(self):
        found = super().increment()
        if found == 1:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.abort()
        return found

class AbortingModel(CounterModel):
    subject = Aborting

TestAborting = AbortingModel.TestCase
"""


def test_crash_of_real_threads_is_a_failed_test(tests: Folder) -> None:
    """The interpreter that runs the tests survives."""
    tests.write(MISHAPS)
    printed = tests.run("-m", "threads or concurrent", status=1)

    assert counts(printed)["failed"] == 2
    assert printed.count("✗ the interpreter died of SIGABRT") >= 2
    assert "The explorer was not asked" in printed


MOODS = """
class Moody(Counter):
    MADE = []

    def increment(self):
        self.MADE.append(1)
        return super().increment() + (len(self.MADE) % 50 == 0)

class MoodyModel(CounterModel):
    subject = Moody

class Spinning(Counter):
    def increment(self):
        while self._word.load(RELAXED) < 5:
            pass

class SpinningModel(CounterModel):
    subject = Spinning

TestMoody = MoodyModel.TestCase
TestSpinning = SpinningModel.TestCase
"""


def test_whims_of_a_subject_are_told(tests: Folder) -> None:
    """What fails once is a failure, what cannot be repeated is told so, and no spin is a pass."""
    tests.write(MOODS)
    printed = tests.run("-m", "sequential or explore", status=1)

    said = " ".join(printed.replace("E  ", "").split())
    assert re.search(r"Its calls were made again, and (nothing differed|differ otherwise)", said)
    assert "Flaky" not in printed
    assert "WaitsForEverError" in printed
    assert "During handling of the above exception" not in printed
    assert counts(printed).get("passed", 0) == 0
