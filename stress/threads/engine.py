"""The engine `concurrent` of `stress run`: drawn programs on real threads, shrunk and explained.

A program that fails is made smaller, and then handed to the explorer, which finds the interleaving
for certain, if it has one.  What was recorded is kept as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stress import registry
from stress.concurrent import ConcurrentMachine, ConcurrentRun
from stress.explore.explanation import explained
from stress.threads.census import Census
from stress.threads.programs import ThreadedPrograms
from stress.verdict import NoVerdictError


@dataclass
class ConcurrentThreadsRun:
    """What the concurrent machine came to on real threads."""

    seconds: float = 0.0
    drawn: ConcurrentRun = field(default_factory=ConcurrentRun)
    census: Census = field(default_factory=Census)
    gil: bool = False
    error: str = ""
    """Why the run proves nothing, where the harness or the model failed."""
    failure: dict[str, Any] | None = None
    """The smallest failure, as it is saved."""


def run(  # noqa: PLR0913, PLR0917  (one parameter an option)
    name: str,
    threads: int | None,
    seconds: float,
    seed: int,
    patience: float,
    watch: Callable[[ConcurrentThreadsRun], None],
) -> ConcurrentThreadsRun:
    """Run drawn programs of the model called `name` until one fails, or the time is up."""
    model = registry.model_of(name)
    done = ConcurrentThreadsRun()
    with ThreadedPrograms(name, model, patience) as engine:

        def told(run: ConcurrentRun) -> None:
            done.drawn, done.seconds = run, run.seconds
            done.census, done.gil = engine.census, engine.gil
            watch(done)

        machine = ConcurrentMachine(model, engine, threads)
        try:
            machine.search(seed, seconds, told)
        except NoVerdictError as error:
            done.error = str(error)
        told(machine.run)
    found, program = machine.run.failure, machine.run.program
    if found is not None and program is not None:
        explanation = explained(name, model, program, found["kind"])
        recorded = found | {"program": str(program), "explained": explanation.sentence}
        done.failure = recorded
        if explanation.failure is not None:
            done.failure = explanation.failure | {"recorded": recorded}
    return done
