"""`stress list`: what there is to run."""

import json
from collections.abc import Iterable, Mapping

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stress import registry
from stress.litmus import library
from stress.report import text


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_models(*, as_json: bool) -> None:
    """List the models, their faults and scenarios, the engines, and the litmus tests."""
    found: dict[str, registry.Offer] = {}
    broken: list[str] = []
    for name in registry.names():
        try:
            found[name] = registry.offered(name)
        except registry.BrokenModelError as error:
            broken.append(str(error))
    scenarios = {name: list(offer(None).scenarios()) for name, offer in found.items()}
    if as_json:
        click.echo(json.dumps(_as_json(found, scenarios), indent=1))
        return
    console = text.console()
    for name, offer in found.items():
        _show(name, offer, scenarios[name], console)
    for message in broken:
        console.print(message, style="red", markup=False)
        console.print()
    _show_heading("engines", "stress run MODEL --engine ENGINE", console)
    _show_table(text.ENGINES, console)
    _show_heading("litmus tests", "stress litmus TEST", console)
    _show_names(library.names(), console)


def _as_json(
    found: Mapping[str, registry.Offer], scenarios: Mapping[str, list[str]]
) -> dict[str, object]:
    models = [
        {
            "name": name,
            "summary": offer.summary,
            "faults": dict(offer.faults),
            "scenarios": scenarios[name],
        }
        for name, offer in found.items()
    ]
    return {"models": models, "engines": text.ENGINES, "litmus": library.names()}


def _show(name: str, offer: registry.Offer, scenarios: list[str], console: Console) -> None:
    """Print a model: what it is, and what can be run under its name."""
    console.print(Text(name, "bold"))
    console.print(Padding(Text(offer.summary), (0, 0, 0, 2)))
    if offer.faults:
        _show_heading("  faults", f"stress run {name}:FAULT", console)
        _show_table(offer.faults, console)
    if scenarios:
        _show_heading("  scenarios", f"stress explore {name}/SCENARIO", console)
        _show_names(scenarios, console)
    console.print()


def _show_heading(what: str, command: str, console: Console) -> None:
    console.print(Text(f"{what}, for {command}", "dim"), soft_wrap=True)


def _show_table(rows: Mapping[str, str], console: Console) -> None:
    """Print names, and what each means, in two columns."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, meaning in rows.items():
        table.add_row(Text(name), Text(meaning))
    console.print(Padding(table, (0, 0, 0, 4)))


def _show_names(names: Iterable[str], console: Console) -> None:
    """Print names one after another; none is broken in two."""
    console.print(Padding(Text(", ".join(names)), (0, 0, 0, 4)))
