"""Campaigns on the command line: begun by `stress run`, gone on with by `stress resume`."""

import hashlib
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from stress import failures, provenance, registry
from stress.campaign.books import Books
from stress.campaign.coordinator import Coordinator
from stress.campaign.corpus import Corpus
from stress.campaign.ending import Ending
from stress.campaign.folder import Folder, sources
from stress.campaign.plan import First, Plan
from stress.campaign.suspects import Suspects
from stress.campaign.workers import Processes, Workers, WorkersLostError
from stress.commands.usage import usage_errors
from stress.host import Host
from stress.report import campaign as report
from stress.report import text
from stress.report.progress import campaigning
from stress.verdict import Verdict

SHORTEST: Final = 5.0
"""Seconds that a case may take at least, however short the campaign."""

jobs_option: Final[Callable[[Any], Any]] = click.option(
    "--jobs", type=click.IntRange(1, 1024), help="Processes of a campaign.  [default: one a core]"
)
scheduler_option: Final[Callable[[Any], Any]] = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Of Dask: its workers do the work of a campaign.  It is trusted: whoever reaches it can "
    "run anything here and there.",
)


def begin(plan: Plan, out: Path, seconds: float, corpus: Path | None) -> Folder:
    """Make the folder of a new campaign, with what there is to know before."""
    known = Corpus({}) if corpus is None else Corpus.at(corpus, plan.models)
    own = tuple(
        First(model, "explore", program)
        for model in plan.models
        if "explore" in plan.engines
        for program in offered(model)
    )
    seeds = tuple(each for each in known.first if each.engine in plan.engines)
    plan = Plan(**{**vars(plan), "first": (*own, *seeds)})
    folder = Folder.create(out, plan)
    with folder.ledger.writing():
        folder.ledger.note({"allowed": repr(seconds)})
        folder.ledger.add_coverage((*each, -1) for each in known.coverage)
    books = Books(folder)
    for number, path in known.failures.items():
        books.enter_known(number, failures.load(path), "")
    return folder


def offered(model: str) -> Collection[str]:
    """Return the names of the programs that were drawn by hand for `model`."""
    scenarios: Callable[[], Collection[str]] = getattr(registry.find(model), "scenarios", tuple)
    return scenarios()


def plan_of(  # noqa: PLR0913, PLR0917  (all that decides what the cases are)
    seed: int,
    models: Iterable[str],
    engines: Iterable[str],
    threads: int | None,
    options: Mapping[str, str],
    seconds: float,
) -> Plan:
    """Return the plan of a campaign that is given `seconds`.

    Its id follows from all but these, so that the same seed has the same cases.
    """
    asked = seed, tuple(dict.fromkeys(models)), tuple(engines), threads, dict(options)
    name = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]
    return Plan(name, *asked, cap=min(Plan.cap, max(SHORTEST, seconds / 4)))


def workers_of(plan: Plan, jobs: int | None, scheduler: str | None) -> Workers:
    """Return who does the work; a usage error where nobody can."""
    if scheduler is None:
        return Processes(jobs or Host.of_this_process().cores, plan)
    if jobs is not None:
        raise click.UsageError(
            "--jobs is for processes of this machine, and --scheduler for those of a cluster.\n"
            "  Leave one of them out: a cluster has the workers that were started for it."
        )
    from stress.campaign.cluster import Cluster  # noqa: PLC0415  (an extra)

    return Cluster(scheduler)


def go_on(
    folder: Folder,
    workers: Workers,
    seconds: float,
    *,
    as_json: bool,
) -> None:
    """Go on with a campaign for `seconds` in all, show what it came to, and end with its status."""
    console = text.console(stderr=as_json)
    host = Host.of_this_process()
    with folder:
        console.print(f"campaign {folder.plan.campaign} in {folder.path}", highlight=False)
        coordinator = Coordinator(folder, workers, seconds)
        lost = ""
        with usage_errors(), campaigning(console) as coordinator.watch:
            try:
                coordinator.run()
            except WorkersLostError as error:
                lost = str(error)
            except (failures.OutputError, sqlite3.Error) as error:
                lost = (
                    f"The campaign cannot be written any more: {error}.\n"
                    f"  What was committed before is there.  Free some space, and go on."
                )
        interrupted = coordinator.interrupted or bool(lost)
        ending = Ending.of(coordinator.books, host, interrupted=interrupted)
        report.show(ending.summary, ending.saved, console)
        for note in [*ending.notes, *[lost] * bool(lost)]:
            console.print(note, style="yellow", markup=False, highlight=False)
        extra = "".join(f" {name}" for name in folder.plan.models if "::" in name)
        for name in ("report.html", "report.xml", "report.json"):
            console.print(f"report   {folder.path / name}", highlight=False, markup=False)
        console.print(f"go on    stress resume {folder.path}{extra}", highlight=False, markup=False)
        if as_json:
            click.echo(json.dumps(ending.to_json(coordinator.books), indent=1))
        with usage_errors():
            ending.write(coordinator.books)
    sys.exit(ending.summary.verdict.exit_code)


def resume(  # noqa: PLR0913  (one parameter an option)
    path: Path,
    models: Sequence[str],
    *,
    seconds: float | None,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Go on with the campaign in the folder `path`."""
    console = text.console(stderr=as_json)
    with usage_errors():
        folder = Folder.open(path, going_on=True)
        try:
            _check_models(folder, models)
            allowed = _allowed(folder, seconds)
            workers = workers_of(folder.plan, jobs, scheduler)
        except BaseException:
            folder.close()
            raise
        for change in folder.changes():
            console.print(
                f"{change}  Cases may come to other things than before.", style="yellow",
                markup=False, highlight=False,
            )  # fmt: skip
        with folder.ledger.writing():
            folder.ledger.note(
                {
                    "allowed": repr(allowed),
                    "version": provenance.version(),
                    "sources": json.dumps(sources(folder.plan)),
                }
            )
    go_on(folder, workers, allowed, as_json=as_json)


def one_case(path: Path, models: Sequence[str], name: str) -> None:
    """Run one case of the campaign in `path` alone, say what it came to, and end with its status.

    Nothing is written.
    """
    with usage_errors(), Folder.open(path) as folder:
        _check_models(folder, models)
        plan = folder.plan
        case = plan.case(plan.number_of(name))
    console = text.console()
    console.print(f"case {case.id}: {case.model}, {case.engine}, seed {case.seed}", highlight=False)
    alone = Suspects(plan, plan.cap + plan.patience)
    alone.add([case.number])
    try:
        while not (found := alone.taken()):
            time.sleep(0.05)
    finally:
        alone.close()
    [outcome] = found
    for failure in outcome.failures:
        for violation in failure["violations"]:
            console.print(f"✗ {violation['rule']}  {violation['message']}", style="red",
                          markup=False, highlight=False)  # fmt: skip
        for stack in failure.get("stacks", []):
            console.print(stack, markup=False, highlight=False, soft_wrap=True)
    for error in outcome.sums.errors:
        console.print(f"? {error}", style="yellow", markup=False, highlight=False)
    if not outcome.failures and not outcome.sums.errors:
        console.print("It does not fail.")
    verdict = Verdict.UNKNOWN if outcome.sums.errors else Verdict.OK
    sys.exit((Verdict.FAILED if outcome.failures else verdict).exit_code)


def _check_models(folder: Folder, named: Sequence[str]) -> None:
    """Raise for models that are not there, and for those in files that nobody named.

    A folder may be a stranger's: what it names must not be imported for that alone.
    """
    strange = [name for name in folder.plan.models if "::" in name and name not in named]
    if strange:
        raise click.UsageError(
            f"the campaign in {folder.path} is of {', '.join(strange)}, in a file.\n"
            f"  A folder may come from anywhere, and going on with it would run that file.\n"
            f"  If you trust it, name it:  stress resume {folder.path} {' '.join(strange)}"
        )
    for name in named:
        if name not in folder.plan.models:
            raise click.UsageError(
                f"the campaign in {folder.path} is not of {name}, but of "
                f"{', '.join(folder.plan.models)}.\n"
                f"  Leave it out.  Other models need another campaign:  stress run {name} --out DIR"
            )
    for name in folder.plan.models:
        programs = offered(name)
        for first in folder.plan.first:
            if first.model == name and first.program and first.program not in programs:
                raise click.UsageError(
                    f"the campaign in {folder.path} has the program {first.program!r} of {name}, "
                    f"which is not there any more.\n"
                    f"  Begin another campaign:  stress run {name} --out DIR --corpus {folder.path}"
                )


def _allowed(folder: Folder, seconds: float | None) -> float:
    """Return for how many seconds in all the campaign may run."""
    allowed = float(folder.ledger.notes().get("allowed", "0"))
    if seconds is not None:
        return folder.seconds + seconds
    if folder.seconds >= allowed - 0.5 and not folder.ledger.pending():
        raise click.UsageError(
            f"the campaign in {folder.path} has run for the {allowed:g} s that it was given.\n"
            f"  Nothing is left to go on with.  Give it more:  stress resume {folder.path} --for 1h"
        )
    return allowed
