"""The command line: every command of `stress`.

Exit status: 0 ok, 1 a check failed, 2 wrong usage, 3 unknown.
"""

import sys
import traceback
from typing import Any, override

import click

from stress.commands.completion import completion
from stress.commands.doctor import doctor
from stress.commands.linearize import linearize
from stress.commands.listing import list_models
from stress.commands.mutants import mutants
from stress.commands.replay import replay
from stress.commands.run import run
from stress.explore.command import explore, orders, resume
from stress.litmus.command import litmus
from stress.verdict import Verdict


class Commands(click.Group):
    """Commands; one that ends without a verdict says so, and ends with the status of UNKNOWN."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Carry out a command."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted: there is no verdict.", err=True)
        except (BrokenPipeError, click.ClickException, click.exceptions.Exit):
            raise  # click shows them, or nobody reads any more
        except Exception:  # noqa: BLE001  (status 1 would say that a check failed)
            traceback.print_exc()
            click.echo("The harness itself failed, so there is no verdict.", err=True)
        sys.exit(Verdict.UNKNOWN.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="registrar-stress")
def main() -> None:
    """Try to prove concurrent Python wrong, and say exactly what a pass means."""


for command in (
    completion,
    doctor,
    explore,
    linearize,
    list_models,
    litmus,
    mutants,
    orders,
    replay,
    resume,
    run,
):
    main.add_command(command)
