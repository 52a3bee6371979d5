"""The engine `concurrent`: what real threads find is made smaller, and handed to the explorer."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stress import registry
from stress.cli import main
from stress.concurrent import ConcurrentMachine
from stress.history import from_json_lines
from stress.program import Invocation, Program
from stress.threads import engine, process
from stress.threads.process import Attendant
from stress.threads.programs import SHIFTS, SLOTS, ThreadedPrograms
from tests.machines.prey import FILE

pytestmark = [pytest.mark.threads, pytest.mark.slow]

INCREMENT = (Invocation("increment", ()),)
TWO = Program((), (INCREMENT, INCREMENT))
PATIENCE = 1.0
"""Seconds until threads that stand still hang."""


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
    outcomes = recorded["outcomes"]
    for each in outcomes:
        one, other = each["seen"].split(" ‖ ")
        assert (each["verdict"] == "forbidden") is (one == other), each
    assert outcomes[0]["verdict"] == "forbidden"
    assert sum(each["count"] for each in outcomes) % SLOTS == 0


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


def test_engine_without_a_verdict_hides_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The explorer refuses chance; what real threads found is shown and saved all the same."""
    shutil.copy(FILE, tmp_path / "copied_prey.py")
    monkeypatch.chdir(tmp_path)
    name = "copied_prey.py::MishapModel:rare"
    words = ["run", name, "--engine", "all", "--for", "20", "--seed", "1"]
    done = CliRunner().invoke(main, words)
    printed = " ".join(done.output.split())

    assert done.exit_code == 1
    assert "✗ " in printed
    assert "longest legal order" in printed
    assert "unknown because" in printed
    assert "calls random.Random.randrange" in printed
    assert list((tmp_path / ".stress" / "failures").iterdir())


def test_child_that_is_killed_ends_the_search_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody else ended it: no finding, and no pass."""
    asked = Attendant.ask

    def doomed(self: Attendant, order: Any) -> Any:
        messages = asked(self, order)
        assert self._child is not None
        os.kill(self._child._process.pid, signal.SIGKILL)
        return messages

    monkeypatch.setattr(Attendant, "ask", doomed)
    done = run_of("CounterModel", 5.0)

    assert done.failure is None
    assert "ended with status -9" in done.error


def test_child_that_has_done_enough_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its heap has grown; what it was asked last is answered before."""
    monkeypatch.setattr(process, "ORDERS", 2)
    name = f"{FILE}::CounterModel"
    children = []
    with ThreadedPrograms(name, registry.model_of(name), PATIENCE) as tried:
        for _ in range(5):
            assert tried.failure(TWO, shrinking=False) is None
            child = tried._kept._child
            assert child is not None
            children.append(child._process.pid)

    assert children[0] == children[1] != children[2] == children[3] != children[4]
    assert tried.census.instances == 5 * SHIFTS * SLOTS
