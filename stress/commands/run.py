"""`stress run`: models in the engines, for a time, and what came of it."""

import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from traceback import format_exc
from typing import Any, Final

import click
from click.core import ParameterSource

from stress import failures, registry, sequential
from stress.commands import campaigns, completion
from stress.commands.usage import usage_errors
from stress.duration import Duration
from stress.evidence import completed
from stress.examination import examine
from stress.explore import engine as explored
from stress.host import Host
from stress.report import text
from stress.report.progress import watching
from stress.report.summary import RunSummary, Summary
from stress.threads import engine as concurrent
from stress.threads import supervisor
from stress.threads.child import Order
from stress.verdict import NoVerdictError

PATIENCE: Final = 20.0
"""Seconds after which real threads that do not get on count as hanging."""


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...", shell_complete=completion.models)
@click.option(
    "--engine",
    type=click.Choice([*text.ENGINES, "all"]),
    default="threads",
    help="What runs the model; all of them share the time.  [default: threads; of a campaign, all]",
)
@click.option(
    "--for",
    "seconds",
    type=Duration(),
    default="30",
    show_default=True,
    help="How long, in all: 30, 90s, 10m, 8h.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    help="How many threads.  [default: one a core, and sometimes two or three]",
)
@click.option(
    "--seed", type=click.IntRange(0), help="What to draw programs from.  [default: drawn]"
)
@click.option("--layout", help="Of the registrar: small, seed, host or a FILE.  [default: small]")
@click.option(
    "--backend", help="Of the registrar: mprotect, noreplace, mlock2.  [default: mprotect]"
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".stress"),
    help="The folder of a campaign, which `stress resume` goes on from.  [default: none; failures "
    "and the report are saved in .stress]",
)
@campaigns.jobs_option
@campaigns.scheduler_option
@click.option(
    "--corpus",
    metavar="DIR",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="An earlier campaign, or its failures, to start from.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(  # noqa: PLR0913  (one parameter an option)
    *,
    models: tuple[str, ...],
    engine: str,
    seconds: float,
    threads: int | None,
    seed: int | None,
    layout: str | None,
    backend: str | None,
    out: Path,
    jobs: int | None,
    scheduler: str | None,
    corpus: Path | None,
    as_json: bool,
) -> None:
    """Stress MODELs (default: all) and report what broke, or what a pass is worth.

    A fault is run as MODEL:FAULT.  Ctrl-C ends the run with the report so far.

    With --out, --jobs, --scheduler or --corpus it is a campaign: small cases of every engine,
    spread over processes or machines for as long as you like.  It goes on after a failure, shrinks
    and saves each different one once, and keeps all it has done in its folder; when it is killed,
    `stress resume DIR` goes on.

    \b
    stress run once --engine explore           a look, 30 s
    stress run --for 8h --out night            a campaign of all models, a process a core
    stress run --for 8h --out night --scheduler tcp://10.0.0.5:8786
    """  # noqa: D301  (click knows \b, and not its spelling)
    given = click.get_current_context().get_parameter_source
    campaign = any(
        given(name) is ParameterSource.COMMANDLINE
        for name in ("out", "jobs", "scheduler", "corpus")
    )
    if campaign and given("engine") is not ParameterSource.COMMANDLINE:
        engine = "all"
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    options = {
        name: value for name, value in {"layout": layout, "backend": backend}.items() if value
    }
    engines = list(text.ENGINES) if engine == "all" else [engine]
    names = models or tuple(filter(registry.has_own_threads if options else None, registry.names()))
    if not names:
        raise click.UsageError(
            "no model is installed, so there is nothing to run.\n"
            "  Install this project, or a package that offers models: pip install -e ."
        )
    if options and engine in ("sequential", "concurrent", "explore"):
        raise click.UsageError(
            f"--{next(iter(options))} is for real threads; the other engines have their own "
            f"layouts and need no kernel.  Leave it out, or take --engine threads."
        )
    with usage_errors():
        subjects = [registry.find(name) for name in names]
        if "threads" in engines:
            for subject in subjects:
                subject.threads(**options)
        if not campaign:
            failures.check_writable(out)
        for subject in subjects:
            if isinstance(subject, registry.ModelSubject):
                examine(subject.model)
    if campaign:
        plan = campaigns.plan_of(seed, names, engines, threads, options, seconds)
        with usage_errors():
            workers = campaigns.workers_of(plan, jobs, scheduler)
            folder = campaigns.begin(plan, out, seconds, corpus)
        campaigns.go_on(folder, workers, seconds, as_json=as_json)
    work = [
        Assignment(name, kind, seconds / len(names) / len(engines), seed, threads, options)
        for name, kind in product(names, engines)
    ]
    _look(work, seed, out, as_json=as_json)


@dataclass(frozen=True)
class Assignment:
    """What one engine is to do with one model."""

    model: str
    engine: str
    seconds: float
    seed: int
    threads: int | None
    options: dict[str, str]


def _look(work: Sequence[Assignment], seed: int, out: Path, *, as_json: bool) -> None:
    """Do `work` in this process, show and save what came of it, and end with its status."""
    console = text.console(stderr=as_json)
    summary = Summary(Host.of_this_process(), seed)
    for each in work:
        title = f"{each.model}, {text.ENGINES[each.engine]}"
        with watching(title, each.seconds, console) as watch:
            summary.runs.append(_done(each, watch))
        if summary.runs[-1].interrupted:
            break
    saved: dict[int, list[Path]] = {}
    try:
        _save(summary, work[0].options, out, saved)
    finally:  # what a run found is shown also where it cannot be saved
        text.show(summary, saved, console)
        if as_json:
            click.echo(json.dumps(summary.to_json(), indent=1))
    sys.exit(summary.verdict.exit_code)


def _done(given: Assignment, watch: Callable[[Any], None]) -> RunSummary:
    """Return what an engine came to; what keeps it from a verdict hides nothing of the others."""
    try:
        return _ENGINES[given.engine](given, watch)
    except (NoVerdictError, registry.UnknownModelError) as error:
        return RunSummary(given.model, given.engine, 0, doubts=[str(error)])
    except Exception:  # noqa: BLE001  (of the harness: it is told whole)
        return RunSummary(
            given.model, given.engine, 0, doubts=[f"The harness failed: {format_exc()}"]
        )


def _threads(given: Assignment, watch: Callable[[Any], None]) -> RunSummary:
    host = Host.of_this_process()
    order = Order(given.model, given.options, given.seed, given.seconds, given.threads, PATIENCE)
    outcome = supervisor.run(order, watch)
    return RunSummary.of_threads(order.model, order.threads or max(host.cores, 2), outcome, host)


def _sequential(given: Assignment, watch: Callable[[Any], None]) -> RunSummary:
    machine = registry.find(given.model).machine()
    done = sequential.run(machine, given.seconds, given.seed, watch)
    return RunSummary.of_sequential(given.model, done)


def _concurrent(given: Assignment, watch: Callable[[Any], None]) -> RunSummary:
    done = concurrent.run(given.model, given.threads, given.seconds, given.seed, PATIENCE, watch)
    return RunSummary.of_concurrent(given.model, done, Host.of_this_process())


def _explored(given: Assignment, watch: Callable[[Any], None]) -> RunSummary:
    done = explored.run(given.model, given.seconds, given.seed, watch)
    return RunSummary.of_explored(given.model, done)


_ENGINES: Final[dict[str, Callable[[Assignment, Callable[[Any], None]], RunSummary]]] = {
    "threads": _threads,
    "sequential": _sequential,
    "concurrent": _concurrent,
    "explore": _explored,
}


def _save(
    summary: Summary, options: dict[str, str], out: Path, saved: dict[int, list[Path]]
) -> None:
    """Save the failures and the report; note the files of each run's failures, by its place."""
    with usage_errors():
        for place, done in enumerate(summary.runs):
            origin = {
                "model": done.model,
                "engine": done.engine,
                "options": options,
                "interpreter": summary.host.interpreter,
                "run_seed": summary.seed,
            }
            done.failures = [completed(origin | failure) for failure in done.failures]
            for failure in done.failures:
                path = failures.save(failure, out / "failures")
                saved.setdefault(place, []).append(path)
        failures.write(out / "report.json", json.dumps(summary.to_json(), indent=1))
