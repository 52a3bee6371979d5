"""The child process that runs one program after another on real threads, each many times.

    {"model": "once", "patience": 20, "program": {...},
     "shifts": 4, "slots": 96, "seed": "7"}                            on its input
    {"census": {...}, "gil": false}                                    what a program came to
    {"finding": {...}}, {"hang": {...}} or {"error": "..."}            before it, where it fails

Where no program is given, the child runs one shift of the model, and reports it as
`stress.threads.child` does.

A thread that never comes back cannot be ended, so after a hang the child ends itself.
"""

import faulthandler
import functools
import json
import os
import sys
import traceback
from random import Random
from typing import Any, Final, TextIO

from stress import registry
from stress.host import Host, gil_enabled
from stress.model import Model
from stress.program import Program
from stress.sourcefile import TargetError
from stress.threads.census import Census
from stress.threads.child import hang_of, report_of, say, smallest, tell
from stress.threads.lifeline import end_with_parent
from stress.threads.outcomes import Tally, outcomes
from stress.threads.performance import Performances
from stress.threads.shift import LONGEST_PAUSE, Shift, ShiftPlan
from stress.verdict import NoVerdictError

_find: Final = functools.cache(registry.find)
_model_of: Final = functools.cache(registry.model_of)


def main() -> None:
    """Run as the child: orders from standard input, reports to standard output."""
    faulthandler.enable()
    end_with_parent()
    report = sys.stdout
    sys.stdout = sys.stderr  # whatever a model prints is no report
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if "program" in order:
                model = _model_of(order["model"])
                carried_out(model, order, order["patience"], report)
            else:
                worked(order, report)
        except Exception as error:  # noqa: BLE001  (told to whoever asked)
            say(report, error=_told(error), census={}, gil=False)


def worked(order: dict[str, Any], report: TextIO) -> None:
    """Run one shift of a model that is told how to by its seed alone."""
    model = _find(order["model"]).threads(**order["options"])
    plan = ShiftPlan.drawn(order["seed"], 0, Host.of_this_process().cores, order["threads"])
    stage = model.stage(Random(plan.seed), plan.threads)
    shift = Shift(plan, stage)
    shift.start()
    if not shift.join(order["patience"]):
        say(report, hang=hang_of(shift))
        os._exit(0)  # the threads that hang cannot be ended any other way
    stage.close()
    tell(report, 0, shift)


def carried_out(
    model: type[Model[Any]], order: dict[str, Any], patience: float, report: TextIO
) -> None:
    """Run a program in several shifts, until one finds something."""
    program = Program.from_json(model, order["program"])
    census, tallies = Census(), list[Tally]()
    for number in range(order["shifts"]):
        plan = _plan(f"{order['seed']}/{number}", max(1, len(program.threads)))
        stage = Performances(model, [program], order["slots"]).stage(
            Random(plan.seed), plan.threads
        )
        shift = Shift(plan, stage)
        shift.start()
        if not shift.join(patience):
            say(report, hang=hang_of(shift), census=census.to_json(), gil=gil_enabled())
            os._exit(0)  # the threads that hang cannot be ended any other way
        stage.close()
        census.add(shift.census)
        tallies += stage.tallies
        for error in shift.errors[:1]:
            say(report, error=_told(error))
        for finding in smallest(shift.findings)[:1]:
            say(report, finding=report_of(finding) | {"outcomes": outcomes(tallies)})
        if shift.errors or shift.findings:
            break
    say(report, census=census.to_json(), gil=gil_enabled())


def _told(error: BaseException) -> str:
    """Return what is wrong with a model in its own words, and else where the harness failed."""
    if isinstance(error, NoVerdictError | registry.UnknownModelError | TargetError):
        return str(error)
    return "".join(traceback.format_exception(error))


def _plan(seed: str, threads: int) -> ShiftPlan:
    """Return the plan of a shift with so many threads, pinned or not, with or without pauses."""
    random = Random(seed)
    crowded = threads > Host.of_this_process().cores
    pauses = random.choice([0, LONGEST_PAUSE // 10, LONGEST_PAUSE])
    return ShiftPlan(seed, threads, 1, random.choice([False, not crowded]), pauses)


if __name__ == "__main__":
    main()
