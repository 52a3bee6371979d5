"""`stress list`: what there is to run."""

import json

import click
from rich.table import Table

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
    tests = library.names()
    if as_json:
        models = [
            {
                "name": name,
                "summary": offer.summary,
                "faults": dict(offer.faults),
                "scenarios": scenarios[name],
            }
            for name, offer in found.items()
        ]
        listed = {"models": models, "engines": text.ENGINES, "litmus": tests}
        click.echo(json.dumps(listed, indent=1))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("model", no_wrap=True)
    table.add_column("what it is")
    for name, offer in found.items():
        table.add_row(name, offer.summary)
        for fault, summary in offer.faults.items():
            table.add_row(f"{name}:{fault}", f"[dim]{summary}[/dim]")
    console = text.console()
    console.print(table)
    for message in broken:
        console.print(message, style="red", markup=False)
    console.print("\nengines", style="dim")
    for name, summary in text.ENGINES.items():
        console.print(f"{name}: {summary}")
    for name, offered in scenarios.items():
        console.print(f"\nscenarios of {name}, for stress explore {name}/SCENARIO", style="dim")
        console.print(", ".join(offered), highlight=False)
    console.print("\nlitmus tests, for stress litmus TEST", style="dim")
    console.print(", ".join(tests), highlight=False)
