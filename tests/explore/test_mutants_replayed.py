"""Every mutant's failure is saved, is checked to replay, and replays from its file."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from models.registrar_faults import EXPLORED_FAULTS, FAULTS
from stress import failures, registry
from stress.cli import main
from stress.concurrent import ConcurrentMachine
from stress.evidence import completed
from stress.explore.engine import saved_failure
from stress.explore.exploration import Bounds
from stress.explore.programs import ExploredPrograms
from stress.explore.record import as_json, report_of
from stress.explore.scenario import ScenarioTask, explored
from stress.explore.target import NamedScenario

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
OTHERS = [
    f"{model}:{next(iter(registry.model_of(model).mutants))}"
    for model in registry.names()
    if model != "registrar"
]
"""One of each model: to search for all of them takes minutes."""
PRINTS: dict[str, str] = {}
"""The fingerprints seen so far, by whose they are."""


def replays(saved: Path) -> bool:
    """Return whether `stress replay` shows the failure in a file again."""
    done = CliRunner().invoke(main, ["replay", str(saved)])
    assert done.exit_code == 1, done.output
    return done.stdout.startswith("✗ ")


@pytest.mark.parametrize("fault", FAULTS | EXPLORED_FAULTS)
def test_failure_of_a_registrar_mutant_replays(fault: str, tmp_path: Path) -> None:
    """Its own programs show the fault, and no other has its fingerprint."""
    name = f"registrar:{fault}"
    for program in registry.find(name).scenarios():
        target = f"{name}/{program}"
        task = ScenarioTask(NamedScenario(target))
        found = explored(task.scenario, bounds=Bounds(executions=5))
        if found.failure is not None:
            break
    trace = report_of(task, found, target)
    failure = completed(as_json(task, found, trace, target))

    assert failure["checked"].endswith("failed in the same way.")
    assert failure["tried"] or failure["tried_note"]
    assert failure["model"] == name
    assert trace.kind != "race" or len(trace.conflict) == 2
    assert PRINTS.setdefault(failure["fingerprint"], fault) == fault
    assert replays(failures.save(failure, tmp_path))


@pytest.mark.parametrize("name", OTHERS)
def test_failure_of_a_drawn_program_replays(name: str, tmp_path: Path) -> None:
    """A program that was drawn, and is not shrunk here, is found again by what is saved of it."""
    model = registry.model_of(name)
    machine = ConcurrentMachine(model, ExploredPrograms(model, "rc11"))
    run = machine.search(0, 120.0, lambda _: None, shrink=False)
    assert run.program is not None
    failure = completed(saved_failure(name, model, run.program, "rc11", run.failure))

    assert failure["checked"].endswith("failed in the same way.")
    assert replays(failures.save(failure, tmp_path))
