"""The engine `concurrent` of `stress run`: drawn programs on real threads, shrunk and explained.

A program that fails is made smaller, and then handed to the explorer, which finds the interleaving
for certain, if it has one.  What was recorded is kept as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from stress import registry
from stress.concurrent import ConcurrentMachine, ConcurrentRun
from stress.explore.explanation import as_recorded, handed_over
from stress.model import Model
from stress.program import Program
from stress.threads.census import Census
from stress.threads.programs import ThreadedPrograms
from stress.verdict import NoVerdictError

UNASKED: Final = "The explorer had no time to look for it.  What was recorded stands."


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
    *,
    shrink: bool = True,
) -> ConcurrentThreadsRun:
    """Run drawn programs of the model called `name` until one fails, or the time is up.

    What failed is made smaller and explained, unless `shrink` is False.
    """
    model = registry.model_of(name)
    done = ConcurrentThreadsRun()
    with ThreadedPrograms(name, model, patience) as engine:

        def told(run: ConcurrentRun) -> None:
            done.drawn, done.seconds = run, run.seconds
            done.census, done.gil = engine.census, engine.gil
            watch(done)

        machine = ConcurrentMachine(model, engine, threads)
        try:
            machine.search(seed, seconds, told, shrink=shrink)
        except NoVerdictError as error:
            done.error = str(error)
        told(machine.run)
    found, program = machine.run.failure, machine.run.program
    if found is not None and program is not None:
        done.failure = as_recorded(program, found, UNASKED)
        if shrink:
            _explain(done, name, model, program)
    return done


def _explain(
    done: ConcurrentThreadsRun, name: str, model: type[Model[Any]], program: Program
) -> None:
    """Have the explorer look how `program` fails; Ctrl-C ends that, and loses nothing."""
    try:
        done.failure = handed_over(name, model, program, done.drawn.failure)
    except KeyboardInterrupt:
        done.drawn.interrupted = True
