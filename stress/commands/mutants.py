"""`stress mutants`: the kill matrix."""

import json
import sys
import time
from contextlib import suppress

import click

from stress import registry
from stress.commands import completion
from stress.commands.usage import usage_errors
from stress.duration import Duration
from stress.examination import examine
from stress.host import Host
from stress.mutants import COLUMNS, Row, as_json, fill, rows
from stress.report import kill_matrix, text
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
@click.option("--json", "as_json_", is_flag=True, help="Print one JSON object.")
def mutants(
    *, models: tuple[str, ...], seconds: float, seed: int, markdown: bool, as_json_: bool
) -> None:
    """Show which engine kills which mutant of MODELs (default: all), each within its time.

    Correct subjects, and equivalents that differ from them and are right all the same, must survive
    everywhere, and every mutant must be killed by one engine at least; else the status is 1.
    Ctrl-C ends it with the subjects so far.
    """
    with usage_errors():
        names = models or tuple(registry.names())
        asked = list(rows(names))
        for name in names:
            examine(registry.model_of(name))
    console = text.console(stderr=as_json_ or markdown)
    host = Host.of_this_process()
    started = time.monotonic()
    done: list[Row] = []
    with console.status("") as status, suppress(KeyboardInterrupt):
        for row in asked:
            who = f"{len(done)} of {len(asked)}: {row.model} {row.name}"
            for column in COLUMNS:
                status.update(f"{who}, {column}")
                fill(row, column, seconds, seed)
            done.append(row)
    verdict = Verdict.worst(row.verdict for row in done)
    if len(done) < len(asked):
        verdict = Verdict.worst([verdict, Verdict.UNKNOWN])
        console.print(f"Interrupted: {len(done)} of {len(asked)} subjects were tried.\n")
    console.print(kill_matrix.table(done), highlight=False)
    console.print(kill_matrix.conclusion(done, host, seconds, seed, time.monotonic() - started),
                  highlight=False)  # fmt: skip
    if markdown:
        click.echo(kill_matrix.markdown(done))
    if as_json_:
        click.echo(json.dumps({"verdict": verdict.value, **as_json(done)}, indent=1))
    sys.exit(verdict.exit_code)
