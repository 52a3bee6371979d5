"""``python -m benchmarks [NAME ...]``: run benchmarks and print their tables.

Exit status: 0 measured, whatever came out; 2 wrong usage.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import click
from rich.console import Console

from benchmarks import campaign, judge, machines, monitors, recording, register
from benchmarks import explore as table_of_explorations
from benchmarks import faults as table_of_faults
from stress.duration import Duration
from stress.host import Host
from stress.report import text

SHORT: Final = ("register", "recording")
"""What runs unasked: the others take five minutes or more."""
LONG: Final = ("faults", "explore", "judge", "monitors", "machines", "campaign")

type Benchmark = tuple[Callable[[], Any], Callable[[Any, Console], None]]
"""Measures, and prints the table of what came of it."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice([*SHORT, *LONG]))
@click.option(
    "--for",
    "seconds",
    type=Duration(),
    default="30",
    show_default=True,
    help="How long to measure: recording and campaign once, register with the GIL off and on.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="How many runs of each fault in each engine; histories of a kind; searches of a mutant.",
)
@click.option(
    "--budget",
    type=Duration(),
    default="30",
    show_default=True,
    help="How long a run may look for a fault.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(table_of_faults.ALL),
    help="Only this fault; may be given more than once.  [default: all]",
)
@click.option(
    "--python",
    multiple=True,
    help="An interpreter to try for the peers of explore; may be given more than once.",
)
@click.option(
    "--kills",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How often a process of a campaign is killed after it was measured.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(  # noqa: PLR0913  (one parameter an option)
    *,
    names: tuple[str, ...],
    seconds: float,
    seeds: int,
    budget: float,
    faults: tuple[str, ...],
    python: tuple[str, ...],
    kills: int,
    as_json: bool,
) -> None:
    """Run benchmarks: register and recording by default.

    The others take minutes each: faults, explore, judge, monitors, machines, campaign.

    Performance is measured, not asserted: the exit status is 0 whatever comes out.
    """
    console, progress = text.console(stderr=as_json), text.console(stderr=True)
    host = Host.of_this_process()
    benchmarks: dict[str, Benchmark] = {
        "register": (lambda: register.run(seconds), register.show),
        "recording": (lambda: recording.run(seconds), recording.show),
        "faults": (
            lambda: table_of_faults.run(faults or table_of_faults.ALL, seeds, budget, progress),
            table_of_faults.show,
        ),
        "explore": (
            lambda: table_of_explorations.run(host.cores, progress, list(python) or None),
            table_of_explorations.show,
        ),
        "judge": (lambda: judge.run(progress, seeds), judge.show),
        "monitors": (lambda: monitors.run(progress), monitors.show),
        "campaign": (lambda: campaign.run(seconds, kills), campaign.show),
        "machines": (lambda: machines.run(progress, seeds), machines.show),
    }
    console.print(f"{host.interpreter}, {host.cores} cores", highlight=False)
    found: dict[str, Any] = {"interpreter": host.interpreter, "cores": host.cores}
    for name in names or SHORT:
        console.print(f"\n{name}", style="bold")
        run, show = benchmarks[name]
        found[name] = run()
        show(found[name], console)
    if as_json:
        click.echo(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
