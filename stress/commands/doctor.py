"""`stress doctor`: what this machine can show."""

import json
import sys
from dataclasses import asdict
from typing import Final

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stress import registry
from stress.doctor import Reading, readings
from stress.report import text
from stress.verdict import Verdict

SIGNS: Final = {"ok": ("✓", "green"), "limited": ("!", "yellow"), "missing": ("✗", "red")}
NEEDED: Final = ("GIL", "cores", "words")
"""Without these, a run of real threads proves nothing."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(*, as_json: bool) -> None:
    """Say what this machine can and cannot show, and what to do about it.

    Takes a few seconds: what can be tried is tried.  The status is 0 where real threads run in
    parallel, and 3 where a run of them would prove nothing.
    """
    console = text.console(stderr=as_json)
    with console.status("reading"):
        found = list(readings(registry.names()))
    lacking = [each.name for each in found if each.state == "missing" and each.name in NEEDED]
    verdict = Verdict.UNKNOWN if lacking else Verdict.OK
    if as_json:
        whole = {"verdict": verdict.value, "readings": [asdict(each) for each in found]}
        click.echo(json.dumps(whole, indent=1))
        sys.exit(verdict.exit_code)
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in (1, 20):
        table.add_column(no_wrap=True, min_width=width)
    table.add_column(overflow="fold")
    for each in found:
        sign, style = SIGNS[each.state]
        table.add_row(Text(sign, style), Text(each.name, "bold"), _told(each))
    console.print(Padding(table, (0, 0, 1, 0)))
    if lacking:
        why = f"A run of real threads proves nothing here: see {' and '.join(lacking)}."
        console.print(Text(f"? {why}", "yellow"))
    else:
        console.print(Text("Real threads run in parallel here."))
    sys.exit(verdict.exit_code)


def _told(reading: Reading) -> Text:
    told = Text(f"{reading.found}\n") + Text(reading.meaning, "dim")
    return told + Text(f"\n→ {reading.advice}") if reading.advice else told
