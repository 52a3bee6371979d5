"""Programs of a model in a child process: what fails is a finding, and nothing ends the search."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stress import registry
from stress.history import from_json_lines
from stress.model import ModelError
from stress.program import Invocation, Program
from stress.threads.performance import rejudge
from stress.threads.programs import ThreadedPrograms
from stress.verdict import NoVerdictError
from tests.machines import prey
from tests.machines.prey import FILE, CounterModel

pytestmark = [pytest.mark.threads, pytest.mark.slow]

INCREMENT = (Invocation("increment", ()),)
TWO = Program((), (INCREMENT, INCREMENT))
PATIENCE = 1.0
"""Seconds until threads that stand still hang."""


@pytest.fixture
def trying() -> Iterator[Callable[[str], ThreadedPrograms]]:
    """Give what tries programs of the model of such a name, until the test is over."""
    opened: list[ThreadedPrograms] = []

    def started(name: str) -> ThreadedPrograms:
        full = name if "::" in name else f"{FILE}::{name}"
        opened.append(ThreadedPrograms(full, registry.model_of(full), PATIENCE))
        return opened[-1].__enter__()

    yield started
    for each in opened:
        each.__exit__(None, None, None)


Trying = Callable[[str], ThreadedPrograms]


def test_lost_update_is_found(trying: Trying) -> None:
    """Real threads meet, now and then, and the history is kept."""
    tried = trying("CounterModel:lost-update")
    found = next(
        found for _ in range(200) if (found := tried.failure(TWO, shrinking=True)) is not None
    )
    history = from_json_lines(found["history"])

    assert found["kind"] == "invariant"
    assert [each["rule"] for each in found["violations"]] == ["linearizability"]
    assert [each.result for each in history] == [0, 0]
    assert found["parameters"] == TWO.to_json(CounterModel)
    assert rejudge(CounterModel, found["parameters"], history)
    assert tried.census.overlapped
    assert tried.executions == tried.census.instances > 0


def test_correct_subject_passes(trying: Trying) -> None:
    """Many times, with calls that overlap; more often while something is made smaller."""
    tried = trying("CounterModel")

    assert tried.failure(TWO, shrinking=False) is None
    before = tried.executions
    assert tried.failure(TWO, shrinking=True) is None
    assert tried.executions - before > 5 * before
    assert tried.failure(Program((), ()), shrinking=False) is None
    assert tried.failure(Program(INCREMENT * 3, ()), shrinking=False) is None


def test_crash_is_a_finding_and_the_search_goes_on(trying: Trying) -> None:
    """The signal is told and the stack of the thread; the next program has a new child."""
    tried = trying("MishapModel:aborting")
    for program in (TWO, Program(INCREMENT * 2, ()), Program((), (INCREMENT * 2,))):
        found = tried.failure(program, shrinking=False)
        assert found is not None
        assert (found["kind"], found["violations"][0]["rule"]) == ("crash", "crash")
        assert "the interpreter died of SIGABRT" in found["violations"][0]["message"]
        assert "in increment" in "".join(found["stacks"])
        assert found["parameters"] == program.to_json(CounterModel)
        assert tried.failure(Program((), (INCREMENT,)), shrinking=False) is None


@pytest.mark.parametrize("fault", ["endless", "blocked"])
def test_hang_is_a_finding_and_the_search_goes_on(trying: Trying, fault: str) -> None:
    """The deadline finds it, with every thread's stack; in the prefix, too."""
    tried = trying(f"MishapModel:{fault}")
    found = tried.failure(TWO, shrinking=False)
    assert found is not None
    assert (found["kind"], found["violations"][0]["rule"]) == ("hang", "hang")
    assert "did not return in time: worker" in found["violations"][0]["message"]
    assert "in increment" in found["violations"][0]["message"]
    assert "in increment" in "".join(found["stacks"])
    assert tried.failure(Program((), (INCREMENT,)), shrinking=False) is None

    found = tried.failure(Program(INCREMENT * 2, ()), shrinking=False)
    assert found is not None
    assert found["kind"] == "hang"
    assert "a call of the prefix" in found["violations"][0]["message"]
    assert "in increment" in "".join(found["stacks"])
    assert tried.failure(Program((), (INCREMENT,)), shrinking=False) is None


FILE_OF_ONES_OWN = """
import os, signal, sys
from stress.model import Model, operation
import neighbour

class Subject:
    def __init__(self, sync):
        self._word = sync.word()
    def increment(self):
        return self._word.fetch_add(1, neighbour.ORDER)

class Killed(Subject):
    def increment(self):
        os.kill(os.getpid(), signal.SIGKILL)

class Leaving(Subject):
    def increment(self):
        os._exit(0)

class Chatty(Subject):
    def increment(self):
        print("hello")
        os.write(1, b"not JSON\\n")
        return super().increment()

class TestedModel(Model):
    subject = Subject
    mutants = {"killed": Killed, "leaving": Leaving, "chatty": Chatty}
    value: int = 0

    @operation
    def increment(self):
        self.value += 1
        return self.value - 1

class Wrong(TestedModel):
    @operation
    def increment(self):
        return 1 // 0

class Namespace:
    class Inner(TestedModel):
        pass
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Write a file with models in a folder of its own, go there, and give its name."""
    (tmp_path / "tests").mkdir()
    name = f"tests/test_{tmp_path.name}.py"
    (tmp_path / name).write_text(FILE_OF_ONES_OWN, encoding="utf-8")
    neighbour = tmp_path / "tests" / "neighbour.py"
    neighbour.write_text("from registrar.sync import RELAXED as ORDER", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield name
    sys.modules.pop("neighbour", None)


def test_model_in_a_test_file_is_found_by_the_child(trying: Trying, own: str) -> None:
    """With what is beside it, and also inside of another class."""
    for name in ("TestedModel", "Namespace.Inner"):
        tried = trying(f"{own}::{name}")

        assert tried.failure(TWO, shrinking=False) is None
        assert tried.executions > 0
        assert registry.name_of(tried.model) == f"{own}::{name}"


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("TestedModel:killed", "ended with status -9"),
        ("TestedModel:leaving", "ended with status 0"),
        ("TestedModel:chatty", "wrote what is no report: 'not JSON"),
        ("Wrong", "Wrong.increment() raised ZeroDivisionError: "),
    ],
)
def test_what_says_nothing_of_the_subject_is_told(
    trying: Trying, own: str, model: str, why: str
) -> None:
    """A child that somebody ended, or that left, and a wrong model: no finding, and no pass."""
    tried = trying(f"{own}::{model}")
    for _ in range(2):
        with pytest.raises(NoVerdictError) as told:
            tried.failure(TWO, shrinking=False)

        assert why in str(told.value)
        assert "Traceback" not in str(told.value)


def test_file_that_was_broken_since_is_told(trying: Trying, own: str) -> None:
    """What the child cannot import, it says in one sentence."""
    tried = trying(f"{own}::TestedModel")
    Path(own).write_text("import nothing_of_this_name", encoding="utf-8")

    with pytest.raises(NoVerdictError, match=r"(?s)cannot be imported: ModuleNotFoundError.*Mend"):
        tried.failure(TWO, shrinking=False)


def test_model_that_no_other_process_finds_is_refused() -> None:
    """A class inside a function, and a subject that is none of the model's own."""

    class Inside(CounterModel):
        """A counter."""

    with pytest.raises(ModelError, match=r"Inside cannot be found by another process.*\n  Define"):
        registry.name_of(Inside)
    with pytest.raises(ModelError, match=r"cannot be found by another process.*\n  "):
        registry.name_of(CounterModel.of(prey.RareCounter))
    assert registry.name_of(CounterModel.of(prey.LostUpdate)) == f"{FILE}::CounterModel:lost-update"
