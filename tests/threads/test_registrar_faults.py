"""The prey: real threads find every deliberate fault, and accuse the correct registrar of none.

The child's work is done in this process: what it reports is read as the supervisor reads it.
"""

import json
import logging
from dataclasses import asdict
from io import StringIO
from threading import Event

import pytest

from models.registrar import RegistrarModel
from models.registrar_equivalents import EQUIVALENTS
from models.registrar_faults import EXPLORED_FAULTS, FAULTS
from models.registrar_threads import RegistrarThreads
from registrar.backends import BACKENDS
from stress import registry
from stress.history import from_json_lines
from stress.host import Host
from stress.report.summary import RunSummary
from stress.threads import child
from stress.threads.supervisor import ThreadsRun
from stress.verdict import Verdict

pytestmark = [pytest.mark.threads, pytest.mark.slow]

BUDGET = 90.0
"""Seconds to find a fault in: nearly always under one, but a busy machine may have few to give."""

PREY = {
    "early-publish": "I1",
    "publish-before-last-piece": "I1",
    "no-recheck": "I2",
    "forgotten-failure": "I7",
    "failed-and-registered": "I3",
    "unlocked-update": "I2",
    "unlocked-callback": "I2",
    "wrong-word": "I2",
    "end-rounded-down": "I1",
    "unshifted-piece": "I9",
    "early-return": "I1",
    "one-chunk-further": "I9",
}
"""Each fault, and a rule that it breaks whenever it shows."""


@pytest.fixture(autouse=True)
def _silent(caplog: pytest.LogCaptureFixture) -> None:
    """Keep pytest's log handler, and its lock, out of the races: `stress run` has none."""
    caplog.set_level(logging.CRITICAL, "registrar")


def run_of(model: RegistrarThreads, seconds: float) -> ThreadsRun:
    """Return what a run of `model` comes to: it ends with the first shift that finds something."""
    report, run = StringIO(), ThreadsRun()
    order = child.Order("registrar", {}, 1, seconds, None, patience=100.0)
    child.work(order, model, report, Event())
    for line in report.getvalue().splitlines():
        run.hear(json.loads(line))
    return run


def verdict_of(run: ThreadsRun, host: Host) -> Verdict:
    """Return the verdict that a report of `run` on `host` would give."""
    return RunSummary.of_threads("registrar", 2, run, host).verdict


def test_every_fault_is_prey() -> None:
    """No fault of the registrar is left out here, but those that only the explorer shows."""
    assert PREY.keys() == FAULTS.keys()
    assert RegistrarModel.mutants.keys() == FAULTS.keys() | EXPLORED_FAULTS.keys()
    offered = registry.offered("registrar").faults
    assert offered.keys() == RegistrarModel.mutants.keys() | EQUIVALENTS.keys()


@pytest.mark.parametrize(("fault", "rule"), PREY.items())
def test_threads_find_fault(fault: str, rule: str) -> None:
    """The fault is found within its budget, under its rule, and again in the saved history.

    Where threads cannot run in parallel it may stay hidden, but the run does not pass.
    """
    model, host = RegistrarThreads(FAULTS[fault]), Host.of_this_process()
    run = run_of(model, BUDGET)
    if host.doubts() and not run.findings:
        assert verdict_of(run, host) is Verdict.UNKNOWN
        return

    assert verdict_of(run, host) is Verdict.FAILED
    found = [violation for finding in run.findings for violation in finding["violations"]]
    assert rule in {violation["rule"] for violation in found}
    for finding in run.findings:
        history = from_json_lines(finding["history"])
        again = registry.find(f"registrar:{fault}").rejudge(finding["parameters"], history)
        assert [asdict(violation) for violation in again] == finding["violations"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_never_accuse_registrar(backend: str) -> None:
    """The correct registrar breaks no rule on any kernel backend that this machine permits."""
    host = Host.of_this_process()
    try:
        run = run_of(RegistrarThreads(backend=backend), 3.0)
    except OSError as refusal:
        pytest.skip(f"{backend} is not permitted here: {refusal}")
    assert run.findings == []
    assert run.errors == []
    if run.census.unknown:
        pytest.skip(f"{backend} is not permitted here: {[*run.census.unknown]}")
    assert run.census.counts["callbacks"] > run.census.counts["failures_injected"] > 0
    assert verdict_of(run, host) is (Verdict.UNKNOWN if host.doubts() else Verdict.OK)


@pytest.mark.parametrize("layout", ["seed", "small"])
def test_threads_run_layout(layout: str) -> None:
    """Layouts of 2 TiB and of a few chunks are run alike."""
    run = run_of(RegistrarThreads(layout=layout), 0.1)

    assert run.findings == []
    assert run.errors == []
    assert run.census.calls > 0
