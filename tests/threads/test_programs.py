"""Programs of a model on real threads: what fails is a finding, and nothing ends the search."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from registrar.sync import Sync, native
from stress import registry
from stress.cli import main
from stress.concurrent import ConcurrentMachine
from stress.history import from_json_lines
from stress.model import Model, ModelError, operation
from stress.program import PREFIX, Earlier, Invocation, Program
from stress.threads import engine
from stress.threads.performance import Performances, rejudge
from stress.threads.programs import ThreadedPrograms
from stress.threads.shift import Shift, ShiftPlan
from stress.verdict import NoVerdictError
from tests.machines import prey
from tests.machines.prey import FILE, Counter, CounterModel, PileModel

pytestmark = [pytest.mark.threads, pytest.mark.slow]

INCREMENT = (Invocation("increment", ()),)
TWO = Program((), (INCREMENT, INCREMENT))
PATIENCE = 1.0
"""Seconds until threads that stand still hang."""


def call(f: str, *arguments: Any) -> Invocation:
    """Return a call."""
    return Invocation(f, arguments)


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


# In one process


def shift_of(model: type[Model[Any]], program: Program, slots: int = 4) -> Shift:
    """Return a shift of real threads that has run `program` in so many instances, twice."""
    threads = max(1, len(program.threads))
    plan = ShiftPlan("7", threads, 2, pinned=False, pauses=0)
    shift = Shift(plan, Performances(model, [program], slots).stage(Random(7), threads))
    shift.start()
    assert shift.join(100)
    return shift


def rules(model: type[Model[Any]], program: Program) -> set[tuple[str, str]]:
    """Return the rules that are broken, with the first lines of why."""
    shift = shift_of(model, program)
    assert shift.errors == []
    return {
        (each.rule, each.message.splitlines()[0])
        for finding in shift.findings
        for each in finding.judgement.violations
    }


def test_every_call_is_made_and_noted() -> None:
    """The prefix by the main thread, then each thread its own, and then what comes at the end."""
    back = call("put", Earlier(PREFIX, 0))
    program = Program((call("take"),), ((back, call("take")), (call("take"), call("take"))))

    class Kept(PileModel):
        def violations(self, history: Any, precedence: Any) -> Any:
            del precedence
            seen.append([(each.process, each.f, each.arguments) for each in history])
            return []

    seen: list[list[Any]] = []
    shift = shift_of(Kept, program)

    assert shift.findings == []
    assert len(seen) == shift.census.instances == 8
    for history in seen:
        assert history[0] == ("main", "take", ())
        assert history[-1] == ("main", "last", ())
        assert [each for each in history if each[0] == 0] == [(0, "put", (3,)), (0, "take", ())]
        assert [each for each in history if each[0] == 1] == [(1, "take", ())] * 2


def test_call_that_refers_to_nothing_is_left_out() -> None:
    """A plate that was not taken is not put back."""
    empty = Program((call("take"),) * 4, ((call("put", Earlier(PREFIX, 3)),), (call("take"),)))

    assert rules(PileModel, empty) == set()


class Raising(Counter):
    """Raises at the second increment."""

    def increment(self) -> int:
        """Add one, or raise."""
        found = super().increment()
        if found:
            raise LookupError("too many")
        return found


class Leaving(Counter):
    """Ends the process at the second increment."""

    def increment(self) -> int:
        """Add one, or leave."""
        found = super().increment()
        if found:
            sys.exit(0)
        return found


@pytest.mark.parametrize(
    ("program", "who"),
    [
        (Program(INCREMENT * 2, ()), "main"),
        (Program(INCREMENT, (INCREMENT,)), "thread 0"),
        (Program((), (INCREMENT * 2,)), "thread 0"),
    ],
)
def test_undeclared_exception_is_a_finding(program: Program, who: str) -> None:
    """In the prefix as in a thread: by whom, of what, and that nobody declared it."""
    raised = f"{who}: increment() raised LookupError: too many, which the model does not declare"
    left = f"{who}: increment() raised ExitsError: it would have ended the process: SystemExit(0)"

    assert rules(CounterModel.of(Raising), program) == {("exception", raised)}
    [(rule, message)] = rules(CounterModel.of(Leaving), program)
    assert (rule, message.partition(", which")[0]) == ("exception", left)


class Ending(CounterModel):
    """A counter that is asked at the end."""

    @operation(at_end=True, perform=lambda subject: subject.increment())
    def last(self) -> int:
        """Add one more."""
        self.value += 1
        return self.value - 1


def test_undeclared_exception_at_the_end_is_a_finding() -> None:
    """Nobody is left to overlap it, and it is one all the same."""
    [(rule, message)] = rules(Ending.of(Raising), Program((), (INCREMENT,)))

    assert rule == "exception"
    assert message.startswith("main: last() raised LookupError: too many")


@pytest.mark.parametrize("program", [Program(INCREMENT, ()), Program((), (INCREMENT,))])
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (AssertionError("not mapped"), "after increment: not mapped"),
        (AssertionError(), "after increment: what follows the call fails"),
        (IndexError("no page"), "after increment: IndexError: no page"),
    ],
)
def test_effect_that_fails_is_a_finding(program: Program, error: Exception, why: str) -> None:
    """What follows a call is told with the call it follows."""

    def then(*_: Any) -> None:
        raise error

    class Followed(CounterModel):
        @operation(then=then)
        def increment(self) -> int:
            self.value += 1
            return self.value - 1

    assert rules(Followed, program) == {("effect", why)}


@pytest.mark.parametrize("program", [Program(INCREMENT, ()), TWO])
def test_mistake_of_the_model_is_no_finding(program: Program) -> None:
    """What breaks while it judges, or cannot be made, is the model's."""

    class Wrong(CounterModel):
        @operation
        def increment(self) -> int:
            return 1 // 0

    def hungry(_: Sync) -> Counter:
        raise OSError("no kernel")

    for model, why in ((Wrong, "ZeroDivisionError"), (CounterModel.of(hungry), "no kernel")):
        shift = shift_of(model, program)
        assert shift.findings == []
        assert isinstance(shift.errors[0], ModelError)
        assert why in str(shift.errors[0])


def test_fewer_threads_than_asked_for_are_enough() -> None:
    """A program leaves the other threads of a stage idle; one thread makes no second one."""
    plan = ShiftPlan("7", 4, 1, pinned=False, pauses=5)
    shift = Shift(plan, Performances(CounterModel, [TWO], 4).stage(Random(7), 4))
    shift.start()
    assert shift.join(100)
    assert (shift.errors, shift.findings, shift.census.calls) == ([], [], 8)

    stage = Performances(CounterModel).stage(Random(1), 1)
    for slot in range(20):
        instance = stage.instance(slot, Random(slot), native)  # type: ignore[arg-type]
        assert len(instance.steps) == 1


def test_recorded_history_is_judged_again() -> None:
    """By the model of today: of the fault it is wrong, and what was mended is right."""

    class Wide(CounterModel):
        @operation
        def increment(self) -> Any:
            self.value += 1
            return self.value - 1, (None, "x")

    lines = (
        '{"process": 0, "type": "invoke", "f": "increment", "value": [], "time": 1}',
        '{"process": 0, "type": "ok", "f": "increment", "value": [0, [null, "x"]], "time": 2}',
    )
    program = Program((), (INCREMENT,))
    history = from_json_lines(lines)

    assert rejudge(Wide, program.to_json(Wide), history) == []
    [found] = rejudge(CounterModel, program.to_json(CounterModel), history)
    assert found.rule == "linearizability"


# In a child process


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


# The search


def run_of(name: str, seconds: float = 60.0, seed: int = 1) -> engine.ConcurrentThreadsRun:
    """Return what the engine came to, with two threads at most."""
    return engine.run(f"{FILE}::{name}", 2, seconds, seed, PATIENCE, lambda _: None)


def test_lost_update_is_shrunk_and_explained() -> None:
    """The report is of the explorer's execution, and keeps what real threads met."""
    done = run_of("CounterModel:lost-update")
    failure = done.failure

    assert failure is not None
    assert done.error == ""
    assert done.drawn.program is not None
    assert len(done.drawn.program.threads) == 2
    assert (failure["kind"], failure["memory"]) == ("execution", "sc")
    recorded = failure["recorded"]
    assert (recorded["kind"], recorded["program"]) == ("invariant", str(done.drawn.program))
    assert recorded["explained"].startswith("The explorer found it under sc, in execution ")
    assert from_json_lines(recorded["history"])


def test_sequential_fault_is_found_and_needs_one_thread() -> None:
    """Also where it moves into the prefix."""
    done = run_of("CounterModel:missed-three")

    assert done.drawn.program == Program(INCREMENT * 3, ())
    assert done.failure is not None
    assert done.failure["kind"] == "execution"


@pytest.mark.parametrize("fault", ["owners", "rare"])
def test_fault_of_real_threads_alone_keeps_the_record(fault: str) -> None:
    """Real identities and chance: the explorer says that it did not find it, or why it cannot."""
    done = run_of(f"MishapModel:{fault}")

    assert done.failure is not None
    assert done.failure["kind"] == "invariant"
    assert from_json_lines(done.failure["history"])
    assert done.failure["explained"].startswith("The explorer ")
    assert "What was recorded stands." in done.failure["explained"]


def test_crash_is_shrunk_in_ever_new_children() -> None:
    """The smallest program that ends the interpreter, which this one survives."""
    done = run_of("MishapModel:aborting")

    assert done.failure is not None
    assert done.failure["kind"] == "crash"
    assert done.drawn.program == Program(INCREMENT * 2, ())
    assert "The explorer was not asked" in done.failure["explained"]


def test_hang_is_found_and_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless wait is a livelock to the explorer."""
    monkeypatch.setattr("stress.concurrent.SHRINKING", 6.0)
    done = run_of("MishapModel:endless")

    assert done.failure is not None
    assert done.failure["recorded"]["kind"] == "hang"
    assert done.failure["violations"][0]["rule"] == "livelock"


def test_interrupted_explorer_loses_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the explorer looks for it ends the run, with what real threads met."""
    found = {"kind": "invariant", "violations": [{"rule": "linearizability", "message": "no"}]}

    def search(self: ConcurrentMachine, *_: Any, **__: Any) -> None:
        self.run.program, self.run.failure = TWO, found

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ConcurrentMachine, "search", search)
    monkeypatch.setattr(engine, "handed_over", interrupted)
    done = run_of("CounterModel")

    assert done.drawn.interrupted
    assert done.failure == found | {"program": str(TWO), "explained": engine.UNASKED}


def test_rare_fault_never_surprises_hypothesis() -> None:
    """It may go again while it is made smaller: what failed itself is told."""
    name = f"{FILE}::MishapModel:rare"
    model = registry.model_of(name)
    with ThreadedPrograms(name, model, PATIENCE) as tried:
        machine = ConcurrentMachine(model, tried, 2)
        run = machine.search(3, 60.0, lambda _: None)

    assert run.program is not None
    assert run.failure["parameters"] == run.program.to_json(model)


def test_engine_without_a_verdict_hides_no_finding(tmp_path: Path) -> None:
    """The explorer refuses chance; what real threads found is shown and saved all the same."""
    words = ["run", f"{FILE}::MishapModel:rare", "--engine", "all", "--for", "20", "--seed", "1"]
    done = CliRunner().invoke(main, [*words, "--out", str(tmp_path)])
    printed = " ".join(done.output.split())

    assert done.exit_code == 1
    assert "cannot be placed" in printed
    assert "unknown because" in printed
    assert "calls random.Random.randrange" in printed
    assert list((tmp_path / "failures").iterdir())


def test_child_that_is_killed_ends_the_search_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody else ended it: no finding, and no pass."""
    started = ThreadedPrograms._started

    def doomed(self: ThreadedPrograms) -> Any:
        child = started(self)
        os.kill(child._process.pid, signal.SIGKILL)
        return child

    monkeypatch.setattr(ThreadedPrograms, "_started", doomed)
    done = run_of("CounterModel", 5.0)

    assert done.failure is None
    assert "ended with status -9" in done.error
