"""The command line: every command of `stress`.

Exit status: 0 ok, 1 a check failed, 2 wrong usage, 3 unknown.
"""

import click

from stress.commands.linearize import linearize
from stress.commands.listing import list_models
from stress.commands.mutants import mutants
from stress.commands.replay import replay
from stress.commands.run import run
from stress.explore.command import explore, orders, resume
from stress.litmus.command import litmus


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="registrar-stress")
def main() -> None:
    """Try to prove concurrent Python wrong, and say exactly what a pass means."""


for command in (explore, linearize, list_models, litmus, mutants, orders, replay, resume, run):
    main.add_command(command)
