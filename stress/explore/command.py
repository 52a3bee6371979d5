"""The commands `stress explore` and `stress orders`, and how `stress resume` explores on."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from stress import failures
from stress.commands import completion
from stress.duration import Duration
from stress.evidence import completed
from stress.explore import record
from stress.explore.exploration import Bounds
from stress.explore.explorer import SAMPLES, SEARCHES, Explorer, Search
from stress.explore.guard import ForbiddenCallError, NoStepError
from stress.explore.machine import NondeterminismError, TooManyThreadsError
from stress.explore.memory import MODELS
from stress.explore.record import NotReplayedError, report_of
from stress.explore.scenario import ScenarioTask
from stress.explore.target import NamedScenario, find, scenarios_of
from stress.explore.unfinished import Unfinished
from stress.orders import BrokenAsWrittenError, UnexploredError, weakenings
from stress.report import exploration as report
from stress.report import orders as table_of_orders
from stress.report import text
from stress.verdict import Verdict

WRONG_USAGE: Final = (
    ForbiddenCallError,
    LookupError,
    NoStepError,
    NondeterminismError,
    NotReplayedError,
    OSError,
    TooManyThreadsError,
    ValueError,
)
"""What a scenario that cannot be explored, or is not there, comes to: no verdict."""

memory_option: Final[Callable[[Any], Any]] = click.option(
    "--memory",
    type=click.Choice(list(MODELS)),
    default="rc11",
    show_default=True,
    help="What loads may read: sequential consistency, x86's buffers, or C11's orders.",
)
jobs_option: Final[Callable[[Any], Any]] = click.option(
    "--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, help="How many processes."
)
out_option: Final[Callable[[Any], Any]] = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".stress"),
    show_default=True,
    help="Where failures are saved, and what is unfinished.",
)


@click.command()
@click.argument("target", shell_complete=completion.scenarios)
@memory_option
@click.option(
    "--search",
    type=click.Choice(SEARCHES),
    default="exhaustive",
    show_default=True,
    help=f"Visit every execution, or draw some ({SAMPLES:,} unless --executions says otherwise).",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For drawing.")
@click.option("--executions", type=click.IntRange(1), help="Stop at so many.")
@click.option("--for", "seconds", type=Duration(), help="Stop after so long: 30, 90s, 10m, 8h.")
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=Bounds.steps,
    show_default=True,
    help="How many steps a thread may take.",
)
@click.option(
    "--spurious",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How often each thread may wake up unasked.",
)
@jobs_option
@out_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explore(  # noqa: PLR0913  (one parameter an option)
    *,
    target: str,
    memory: str,
    search: str,
    seed: int,
    executions: int | None,
    seconds: float | None,
    steps: int,
    spurious: int,
    jobs: int,
    out: Path,
    as_json: bool,
) -> None:
    """Explore the scenario TARGET: every schedule, and every read the memory model permits.

    TARGET is a function in a file below the current directory (tests/test_queue.py::test_pop), or
    a scenario of a model (registrar/same-chunk, registrar:no-recheck/same-chunk).  Ctrl-C ends the
    exploration with the report so far, and a file that `stress resume` goes on from.

    \b
    stress explore registrar/same-chunk                        every execution, C11's orders
    stress explore tests/test_queue.py::test_pop --memory tso  as x86 would
    stress explore treiber-stack/aba --search pct --seed 1     some, with few preemptions
    """  # noqa: D301  (click knows \b, and not its spelling)
    chosen = Search(search, seed)
    bounds = Bounds(executions, seconds, steps)
    task = ScenarioTask(NamedScenario(target), memory, steps, spurious)
    console = text.console(stderr=as_json)
    try:
        find(target)
        failures.check_writable(out)
        done = report.explored_with_news(task, bounds, chosen, jobs, target, console)
        _end(done, task, chosen, target, out, as_json=as_json)
    except (NondeterminismError, NotReplayedError) as error:
        failure = completed(record.nondeterminism(task, error, target))
        path = failures.save(failure, out / "failures")
        text.show_failure(failure, path, console)
        sys.exit(Verdict.UNKNOWN.exit_code)
    except WRONG_USAGE as error:
        raise click.UsageError(str(error)) from error


def go_on(path: Path, seconds: float | None, jobs: int, out: Path, *, as_json: bool) -> None:
    """Go on with the exploration that was interrupted and saved at `path`, and end with its status.

    It goes on to the end, or for `seconds`; what is left then is saved again.
    """
    console = text.console(stderr=as_json)
    try:
        saved = Unfinished.load(path, seconds)
        done = report.going_on(
            saved.task, saved.bounds, jobs, saved.explorer(), saved.target, console
        )
        _end(done, saved.task, Search(), saved.target, out, as_json=as_json)
    except WRONG_USAGE as error:
        raise click.UsageError(str(error)) from error


def _end(  # noqa: PLR0913
    done: Explorer, task: ScenarioTask, search: Search, target: str, out: Path, *, as_json: bool
) -> None:
    """Show what an exploration came to, save what is to be saved, and end with its status."""
    found = done.found
    console = text.console(stderr=as_json)
    console.print(report.shown(target, task.memory, search, found), highlight=False)
    if found.failure is not None:
        trace = report_of(task, found, target)
        failure = completed(record.as_json(task, found, trace, target))
        path = failures.save(failure, out / "failures")
        text.show_failure(failure, path, console)
    elif found.verdict is Verdict.UNKNOWN and done.left:
        path = Unfinished(target, task, done.bounds, found, done.left).save(out)
        console.print(f"go on       stress resume {path}", highlight=False)
    if as_json:
        click.echo(json.dumps(report.to_json(target, task.memory, search, found), indent=1))
    sys.exit(found.verdict.exit_code)


@click.command()
@click.argument("model", shell_complete=completion.scenarios)
@memory_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def orders(*, model: str, memory: str, as_json: bool) -> None:
    """Find which memory orders of MODEL are load-bearing.

    Every atomic access is weakened, alone and then together with others, and all the programs of
    the model are explored each time.  MODEL may also be one scenario, as `stress explore` takes it.

    \b
    stress orders registrar               all accesses of a model
    stress orders registrar/same-chunk    those of one scenario
    """  # noqa: D301  (click knows \b, and not its spelling)
    console = text.console(stderr=as_json)
    try:
        scenarios = scenarios_of(model)
        with console.status("") as status:
            found = weakenings(scenarios, memory=memory, watch=status.update)
    except BrokenAsWrittenError as error:
        console.print(f"✗ {model}: {error}", style="red", markup=False)
        sys.exit(Verdict.FAILED.exit_code)
    except UnexploredError as error:
        console.print(f"? {model}: {error}", style="yellow", markup=False)
        sys.exit(Verdict.UNKNOWN.exit_code)
    except WRONG_USAGE as error:
        raise click.UsageError(str(error)) from error
    console.print(table_of_orders.table(found), highlight=False)
    bearing = sum(each.load_bearing and bool(each.broke) for each in found)
    console.print(
        f"\n{len(found)} atomic accesses under {memory}, {bearing} of them load-bearing: nothing "
        f"weaker passes in {len(scenarios)} program{'s' * (len(scenarios) != 1)}.",
        highlight=False,
    )
    undecided = sum(bool(each.undecided) for each in found)
    if undecided:
        console.print(
            f"? {undecided} of them {'is' if undecided == 1 else 'are'} undecided: a program was "
            f"not explored to its end with a weaker order, so nothing is known of it.",
            style="yellow",
            highlight=False,
        )
    if as_json:
        click.echo(json.dumps(table_of_orders.to_json(found), indent=1))
    sys.exit((Verdict.UNKNOWN if undecided else Verdict.OK).exit_code)
