"""A failure made as small as it gets, checked, and made into what is saved.

That takes much longer than to find it.  So it is a job of its own, done once for failures that are
alike, and not for each.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from stress import registry, sequential
from stress.campaign.engines import EXAMPLES, MEMORY, Workshop, origin
from stress.campaign.plan import Case
from stress.concurrent import ConcurrentMachine, Engine, FailsError
from stress.explore.engine import saved_failure
from stress.explore.explanation import handed_over
from stress.explore.programs import ExploredPrograms
from stress.explore.record import KIND
from stress.program import Program
from stress.report.summary import mismatch
from stress.threads.programs import ThreadedPrograms
from stress.verdict import NoVerdictError

PATIENCE: Final = 60.0
"""Seconds after which a program that fails on real threads is not made smaller any more."""


def made_ready(shop: Workshop, case: Case, failure: dict[str, Any]) -> dict[str, Any]:
    """Return `failure`, which `case` met, smaller if it can be, and complete."""
    try:
        smaller = _smaller(shop, case, failure)
    except NoVerdictError as error:
        smaller = unrepeatable(failure, str(error))
    return completed(smaller | origin(shop.plan, case) | {"model": case.model})


def completed(failure: dict[str, Any]) -> dict[str, Any]:
    """Return `failure` with its fingerprint, what it ran on, and how it was checked."""
    from stress import evidence  # noqa: PLC0415  (it imports much, and only failures need it)

    return evidence.completed(failure)


def _smaller(shop: Workshop, case: Case, failure: dict[str, Any]) -> dict[str, Any]:
    if case.engine == "sequential":
        machine = registry.find(case.model).machine()
        again = sequential.round_of(
            machine, case.seed, sequential.SequentialRun(), EXAMPLES, shrink=True
        )
        return failure if again is None else mismatch(again)
    if case.engine == "explore" and failure["kind"] != KIND:
        return _smaller_explored(case, failure)
    if case.engine == "concurrent":
        return _smaller_threaded(shop, case, failure)
    return failure


def _smaller_explored(case: Case, failure: dict[str, Any]) -> dict[str, Any]:
    model = registry.model_of(case.model)
    machine = ConcurrentMachine(model, ExploredPrograms(model, MEMORY))
    try:
        machine.attempt(Program.from_json(model, failure["parameters"]))
    except FailsError:
        machine.shrink()
    program, found = machine.run.program, machine.run.failure
    if program is None:
        raise NoVerdictError("The program that failed passes when it is explored again.")
    return saved_failure(case.model, model, program, MEMORY, found)


def _smaller_threaded(shop: Workshop, case: Case, failure: dict[str, Any]) -> dict[str, Any]:
    model = registry.model_of(case.model)
    program = Program.from_json(model, failure["parameters"])
    if failure["kind"] != "hang":  # to try whether one hangs takes all its patience
        engine = ThreadedPrograms(case.model, model, shop.plan.patience, attendant=shop.attendant)
        machine = ConcurrentMachine(model, _Hurried(engine, time.monotonic() + PATIENCE))
        machine.shrink_known(program, failure)
        assert machine.run.program is not None
        program, failure = machine.run.program, machine.run.failure
    return handed_over(case.model, model, program, failure)


@dataclass
class _Hurried:
    """An engine that finds nothing once the time is up; what could not be tried passes."""

    engine: Engine
    until: float
    executions: int = 0

    def failure(self, program: Program, *, shrinking: bool) -> Any:
        if time.monotonic() > self.until:
            return None
        return self.engine.failure(program, shrinking=shrinking)


def unrepeatable(failure: dict[str, Any], why: str) -> dict[str, Any]:
    """Return what is saved of what failed once and cannot be carried out again."""
    if failure["kind"] in {"invariant", "mismatch", "crash", "hang", KIND}:
        return failure
    message = "\n".join(each["message"] for each in failure["violations"])
    violation = {"rule": failure["kind"], "message": f"{message}\n  {why}"}
    return failure | {"kind": "nondeterminism", "violations": [violation]}
