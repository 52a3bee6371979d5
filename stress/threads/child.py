"""The child process: runs shift after shift and reports each as one JSON line on its output.

It is a process of its own so that a crash of the interpreter, or a thread that never comes back,
ends the child and not the run.  It reads its `Order` as one JSON object from its input, and ends
when the time is up, when something is found, or when its input is closed.

    {"shift": 7, "threads": 2, "gil": false, "census": {...}, "memory": {...}}   after every shift
    {"finding": {...}}   an instance that breaks a rule
    {"hang": {...}}      a call that did not return in time
    {"error": "..."}     the harness itself failed
"""

import faulthandler
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, TextIO

from stress import registry
from stress.history import to_json_lines
from stress.host import Host, gil_enabled
from stress.reference import spelled
from stress.threads.lifeline import end_with_parent
from stress.threads.shift import Finding, Shift, ShiftPlan
from stress.threads.subject import Step, ThreadModel
from stress.verdict import NoVerdictError

MOST: Final = 5
"""How many findings of a shift are told; a bad fault makes hundreds, all alike."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the child is to do."""

    model: str
    options: Mapping[str, str]
    seed: int
    seconds: float
    threads: int | None
    patience: float
    """How long no thread may get on, in seconds, before the calls they are in count as hanging."""


def main() -> None:
    """Run as the child: the order from standard input, reports to standard output."""
    faulthandler.enable()
    end_with_parent()
    order = Order(**json.loads(sys.stdin.readline()))
    stop = threading.Event()
    threading.Thread(target=_watch_input, args=(stop,), daemon=True).start()
    report = sys.stdout
    sys.stdout = sys.stderr  # whatever a model prints is no report
    model = registry.find(order.model).threads(**order.options)
    work(order, model, report, stop)


def _watch_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def work(order: Order, model: ThreadModel, report: TextIO, stop: threading.Event) -> None:
    """Run shifts of `model` until the time is up, `stop` is set or something is found."""
    cores = Host.of_this_process().cores
    end = time.monotonic() + order.seconds
    number = 0
    while time.monotonic() < end and not stop.is_set():
        plan = ShiftPlan.drawn(order.seed, number, cores, order.threads)
        stage = model.stage(Random(plan.seed), plan.threads)
        shift = Shift(plan, stage)
        shift.start()
        if not shift.join(order.patience):
            say(report, hang=hang_of(shift))
            os._exit(0)  # the threads that hang cannot be ended any other way
        stage.close()
        tell(report, number, shift)
        if shift.errors or shift.findings:
            return
        number += 1


def tell(report: TextIO, number: int, shift: Shift) -> None:
    """Say what a shift came to."""
    for error in shift.errors:
        wrong = isinstance(error, NoVerdictError)  # the model is, and its words say all
        say(report, error=str(error) if wrong else "".join(traceback.format_exception(error)))
    for finding in smallest(shift.findings):
        say(report, finding=report_of(finding))
    say(
        report,
        shift=number,
        threads=shift.plan.threads,
        gil=gil_enabled(),
        census=shift.census.to_json(),
        memory=memory(),
    )


def say(report: TextIO, **message: Any) -> None:
    """Write one line of a report."""
    report.write(json.dumps(message) + "\n")
    report.flush()


def smallest(findings: list[Finding]) -> list[Finding]:
    """Return, for each set of rules broken together, the finding with the shortest history."""
    by_rules: dict[frozenset[str], Finding] = {}
    for finding in sorted(findings, key=lambda finding: -len(finding.judgement.history)):
        rules = frozenset(violation.rule for violation in finding.judgement.violations)
        by_rules[rules] = finding
    return sorted(by_rules.values(), key=lambda finding: len(finding.judgement.history))[:MOST]


def report_of(finding: Finding) -> dict[str, Any]:
    """Return what is told of an instance that breaks a rule."""
    return {
        "seed": finding.seed,
        "parameters": finding.parameters,
        "violations": [asdict(violation) for violation in finding.judgement.violations],
        "history": list(to_json_lines(finding.judgement.history)),
    }


def hang_of(shift: Shift) -> dict[str, Any]:
    """Say what each thread is doing; `sys._current_frames` stops the world to look."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return {
        "seed": shift.plan.seed,
        "calls": [
            f"worker {number} in {_told_of(step)}"
            for number, step in enumerate(shift.doing)
            if step is not None
        ],
        "stacks": [
            f"{names.get(identity, identity)}\n" + "".join(traceback.format_stack(frame))
            for identity, frame in sys._current_frames().items()  # noqa: SLF001
        ],
    }


def _told_of(step: Step) -> str:
    return step.told or f"{step.f}({', '.join(map(spelled, step.arguments))})"


def memory() -> dict[str, int]:
    """Return the resident set and the page tables of this process, in KiB, where Linux tells."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return {}
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return {name: int(fields[name].split()[0]) for name in ("VmRSS", "VmPTE") if name in fields}


if __name__ == "__main__":
    main()
