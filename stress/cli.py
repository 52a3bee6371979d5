"""The command line: `stress list`, `run` and `replay`; others are in modules of their own.

Exit status: 0 ok, 1 a check failed, 2 wrong usage, 3 unknown.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stress import failures, registry, sequential
from stress.duration import Duration
from stress.explore import engine as explored
from stress.explore import record
from stress.explore.command import explore, orders, resume
from stress.history import from_json_lines
from stress.host import Host
from stress.litmus import library
from stress.litmus.command import litmus
from stress.report import lanes, text
from stress.report.progress import watching
from stress.report.summary import RunSummary, Summary
from stress.threads import supervisor
from stress.threads.child import Order
from stress.verdict import Verdict

PATIENCE: Final = 20.0
"""Seconds after which real threads that do not get on count as hanging."""


def _refuse(error: Exception) -> NoReturn:
    """End with status 2 and what `error` says."""
    raise click.UsageError(str(error)) from error


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn what only wrong usage can raise into a usage error."""
    try:
        yield
    except (registry.UnknownModelError, ValueError, OSError, TypeError) as error:
        _refuse(error)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="registrar-stress")
def main() -> None:
    """Try to prove concurrent Python wrong, and say exactly what a pass means."""


for command in (explore, litmus, orders, resume):
    main.add_command(command)


@main.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_models(*, as_json: bool) -> None:
    """List the models, their faults and scenarios, the engines, and the litmus tests."""
    found = {name: registry.offered(name) for name in registry.names()}
    scenarios = {name: list(kind(None).scenarios()) for name, kind in found.items()}
    tests = library.names()
    if as_json:
        models = [
            {
                "name": name,
                "summary": kind.summary,
                "faults": dict(kind.faults),
                "scenarios": scenarios[name],
            }
            for name, kind in found.items()
        ]
        listed = {"models": models, "engines": text.ENGINES, "litmus": tests}
        click.echo(json.dumps(listed, indent=1))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("model", no_wrap=True)
    table.add_column("what it is")
    for name, kind in found.items():
        table.add_row(name, kind.summary)
        for fault, summary in kind.faults.items():
            table.add_row(f"{name}:{fault}", f"[dim]{summary}[/dim]")
    console = text.console()
    console.print(table)
    console.print("\nengines", style="dim")
    for name, summary in text.ENGINES.items():
        console.print(f"{name}: {summary}")
    for name, offered in scenarios.items():
        console.print(f"\nscenarios of {name}, for stress explore {name}/SCENARIO", style="dim")
        console.print(", ".join(offered), highlight=False)
    console.print("\nlitmus tests, for stress litmus TEST", style="dim")
    console.print(", ".join(tests), highlight=False)


@main.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--engine",
    type=click.Choice([*text.ENGINES, "all"]),
    default="threads",
    show_default=True,
    help="What runs the model; all of them share the time.",
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
    show_default=True,
    help="Where failures and the report are saved.",
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
    as_json: bool,
) -> None:
    """Stress MODELs (default: all) and report what broke, or what a pass is worth.

    A fault is run as MODEL:FAULT.  Ctrl-C ends the run with the report so far.
    """
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    options = {
        name: value for name, value in {"layout": layout, "backend": backend}.items() if value
    }
    engines = list(text.ENGINES) if engine == "all" else [engine]
    names = models or tuple(registry.names())
    if not names:
        raise click.UsageError(
            "no model is installed, so there is nothing to run.\n"
            "  Install this project, or a package that offers models: pip install -e ."
        )
    if options and engine in ("sequential", "explore"):
        raise click.UsageError(
            f"--{next(iter(options))} is for real threads; the other engines have their own "
            f"layouts and need no kernel.  Leave it out, or take --engine threads."
        )
    with _usage_errors():
        for name in names:
            registry.find(name).threads(**options)
        failures.check_writable(out)
    console = text.console(stderr=as_json)
    summary = Summary(Host.of_this_process(), seed)
    share = seconds / len(names) / len(engines)
    for name, kind in product(names, engines):
        with watching(f"{name}, {text.ENGINES[kind]}", share, console) as watch:
            summary.runs.append(
                _run_threads(Order(name, options, seed, share, threads, PATIENCE), watch)
                if kind == "threads"
                else _run_sequential(name, share, seed, watch)
                if kind == "sequential"
                else _run_explored(name, share, watch)
            )
        if summary.runs[-1].interrupted:
            break
    saved: dict[int, list[Path]] = {}
    try:
        _save(summary, options, out, saved)
    finally:  # what a run found is shown also where it cannot be saved
        text.show(summary, saved, console)
        if as_json:
            click.echo(json.dumps(summary.to_json(), indent=1))
    sys.exit(summary.verdict.exit_code)


def _run_threads(order: Order, watch: Callable[[Any], None]) -> RunSummary:
    host = Host.of_this_process()
    outcome = supervisor.run(order, watch)
    return RunSummary.of_threads(order.model, order.threads or max(host.cores, 2), outcome, host)


def _run_sequential(
    name: str, seconds: float, seed: int, watch: Callable[[Any], None]
) -> RunSummary:
    machine = registry.find(name).machine()
    return RunSummary.of_sequential(name, sequential.run(machine, seconds, seed, watch))


def _run_explored(name: str, seconds: float, watch: Callable[[Any], None]) -> RunSummary:
    programs = registry.find(name).scenarios()
    return RunSummary.of_explored(name, explored.run(name, programs, seconds, watch))


def _save(
    summary: Summary, options: dict[str, str], out: Path, saved: dict[int, list[Path]]
) -> None:
    """Save the failures and the report; note the files of each run's failures, by its place."""
    with _usage_errors():
        for place, done in enumerate(summary.runs):
            origin = {
                "model": done.model,
                "engine": done.engine,
                "options": options,
                "interpreter": summary.host.interpreter,
                "run_seed": summary.seed,
            }
            for failure in done.failures:
                path = failures.save(origin | failure, out / "failures")
                saved.setdefault(place, []).append(path)
        failures.write(out / "report.json", json.dumps(summary.to_json(), indent=1))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--ascii", "as_ascii", is_flag=True, help="Draw an execution in ASCII.")
def replay(file: Path, *, as_ascii: bool) -> None:
    """Judge the saved failure in FILE again.

    A recorded history is judged as it was recorded; a failed state machine takes its steps again;
    an explored execution is carried out again, exactly, and drawn.
    """
    console = text.console()
    with _usage_errors():
        failure = failures.load(file)
        try:
            if failure["kind"] == record.KIND:
                found = _executed_again(failure, file, console, as_ascii=as_ascii)
            else:
                found = _judged_again(registry.find(failure["model"]), failure)
        except (KeyError, IndexError, AttributeError, TypeError) as error:
            raise failures.FailureFileError(
                f"{file} is damaged: {error!r}.\n"
                f"  Somebody changed it, or another version wrote it.  Find the failure again:  "
                f"stress run"
            ) from error
    for message in found:
        console.print(message)
    if not found:
        console.print("It does not fail any more: the rules or the subject have changed.")
    sys.exit((Verdict.FAILED if found else Verdict.OK).exit_code)


def _executed_again(
    failure: dict[str, Any], file: Path, console: Console, *, as_ascii: bool
) -> list[Text]:
    """Return the report of an execution, if it still fails."""
    trace = record.again(failure, file)
    if trace is None:
        return []
    as_ascii = as_ascii or not (console.encoding or "").startswith("utf")
    width = min(console.width, lanes.WIDTH)
    report = lanes.render(trace, width, ascii=as_ascii)
    return [lanes.painted(report.removesuffix("\n"))]


def _judged_again(subject: registry.Subject, failure: dict[str, Any]) -> list[Text]:
    if failure["kind"] == "mismatch":
        message = subject.rerun(failure["saved"])
        return [_marked(message)] if message else []
    if failure["kind"] == "invariant":
        history = from_json_lines(failure["history"])
        if not history:
            raise ValueError("the history is empty, and no call breaks no rule: save it again")
        return [
            _marked(f"{violation.rule}  {violation.message}")
            for violation in subject.rejudge(failure["parameters"], history)
        ]
    again = f"stress run {failure['model']} --seed {failure.get('run_seed')}"
    raise ValueError(
        f"a {failure['kind']} left no history to judge.\n"
        f"  Run the same programs again, on real threads, which may meet differently:  {again}"
    )


def _marked(message: str) -> Text:
    return Text(f"✗ {message}", "red")
