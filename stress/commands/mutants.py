"""`stress mutants`: the kill matrix."""

import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console

from stress import failures, registry
from stress.commands import completion
from stress.commands.usage import usage_errors
from stress.duration import Duration
from stress.examination import examine
from stress.host import Host
from stress.mutants import COLUMNS, Row, as_json, fill, rows
from stress.report import kill_matrix, text
from stress.report.failure import Report
from stress.report.survivors import survivor
from stress.verdict import Verdict


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...", shell_complete=completion.models)
@click.option(
    "--for",
    "seconds",
    type=Duration(),
    default="2",
    show_default=True,
    help="How long each engine may take with each subject: 2, 10s, 1m.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="What to draw programs from.")  # fmt: skip
@click.option("--markdown", is_flag=True, help="Print a table in Markdown, as in the README.")
@click.option("--html", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write one self-contained page.")  # fmt: skip
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write JUnit XML, for a CI system.")  # fmt: skip
@click.option("--json", "as_json_", is_flag=True, help="Print one JSON object.")
def mutants(  # noqa: PLR0913  (one parameter an option)
    *,
    models: tuple[str, ...],
    seconds: float,
    seed: int,
    markdown: bool,
    html: Path | None,
    junit: Path | None,
    as_json_: bool,
) -> None:
    """Show which engine kills which mutant of MODELs (default: all), each within its time.

    Correct subjects, and equivalents that differ from them and are right all the same, must survive
    everywhere, and every mutant must be killed by one engine at least; else the status is 1.
    Ctrl-C ends it with the subjects so far.

    \b
    stress mutants once --for 5          one model, 5 seconds a cell
    stress mutants --html matrix.html    all of them, as a page
    """  # noqa: D301  (click knows \b, and not its spelling)
    with usage_errors():
        names = models or tuple(registry.names())
        asked = list(rows(names))
        for name in names:
            examine(registry.model_of(name))
        for file in (html, junit):
            if file is not None:
                failures.check_writable(file.parent)
    console = text.console(stderr=as_json_ or markdown)
    host = Host.of_this_process()
    started = time.monotonic()
    done = _filled(asked, seconds, seed, console)
    verdict = Verdict.worst(row.verdict for row in done)
    if len(done) < len(asked):
        verdict = Verdict.worst([verdict, Verdict.UNKNOWN])
        console.print(f"Interrupted: {len(done)} of {len(asked)} subjects were tried.\n")
    console.print(kill_matrix.table(done), highlight=False)
    took = time.monotonic() - started
    console.print(kill_matrix.conclusion(done, host, seconds, seed, took), highlight=False)
    survivors = _survivors(done, seconds, seed)
    for each in survivors:
        console.print()
        text.show_report(each, console)
    with usage_errors():
        if html:
            from stress.report.html import page  # noqa: PLC0415  (loads libraries)

            failures.write(html, page("The kill matrix", reports=survivors, matrix=done))
        if junit:
            from stress.report.junit import of_matrix, save  # noqa: PLC0415

            save(of_matrix(done, seconds, seed), junit)
    if markdown:
        click.echo(kill_matrix.markdown(done))
    if as_json_:
        click.echo(json.dumps({"verdict": verdict.value, **as_json(done)}, indent=1))
    sys.exit(verdict.exit_code)


def _filled(asked: Sequence[Row], seconds: float, seed: int, console: Console) -> list[Row]:
    """Return the rows with their cells, until Ctrl-C."""
    done: list[Row] = []
    with console.status("") as status, suppress(KeyboardInterrupt):
        for row in asked:
            who = f"{len(done)} of {len(asked)}: {row.model} {row.name}"
            for column in COLUMNS:
                status.update(f"{who}, {column}")
                fill(row, column, seconds, seed)
            done.append(row)
    return done


def _survivors(done: Sequence[Row], seconds: float, seed: int) -> list[Report]:
    """Return a report of each mutant that no engine killed."""
    return [
        survivor(row, seconds, seed)
        for row in done
        if row.kind == "mutant" and row.verdict is Verdict.FAILED
    ]
