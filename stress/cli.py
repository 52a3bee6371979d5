"""The command line: every command of `stress`.

Exit status: 0 ok, 1 a check failed, 2 wrong usage, 3 unknown.
"""

import sys
import traceback
from typing import Any, Final, override

import click

from stress.commands.completion import completion
from stress.commands.doctor import doctor
from stress.commands.gather import gather
from stress.commands.linearize import linearize
from stress.commands.listing import list_models
from stress.commands.mutants import mutants
from stress.commands.replay import replay
from stress.commands.report import report
from stress.commands.resume import resume
from stress.commands.run import run
from stress.explore.command import explore, orders
from stress.litmus.command import litmus
from stress.verdict import Verdict

SECTIONS: Final = {
    "Try to prove it wrong": {
        run: "Stress models in the engines, for a time.",
        explore: "Every execution of one small program, under a memory model.",
        mutants: "The kill matrix: can the checks fail at all?",
        orders: "Which memory orders are load-bearing?",
        linearize: "Judge a history that was recorded elsewhere.",
        litmus: "Litmus tests, as herd7 runs them.",
    },
    "Look at what was found": {
        replay: "A saved failure, again, exactly; or step by step in pdb.",
        report: "Saved failures as text, one HTML page, JUnit XML or JSON.",
    },
    "Long runs": {
        resume: "Go on with a campaign or an exploration that was ended.",
        gather: "The campaigns of a night, added to the nights before.",
    },
    "What there is": {
        list_models: "Models, their faults and scenarios, engines, litmus tests.",
        doctor: "What this machine can and cannot show.",
        completion: "Let a shell complete names.",
    },
}
"""The commands, each with one line for ``stress --help``."""


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

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by what they are for."""
        for heading, commands in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(str(each.name), line) for each, line in commands.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 92},
    epilog="""
    \b
    A first look:
      stress run                                          every model on real threads, 30 seconds
      stress run registrar:relaxed-set --engine explore   a fault that x86 cannot show
      stress replay .stress/failures/FILE.json            what it saved, again

    Exit status: 0 ok, 1 a check failed, 2 wrong usage, 3 unknown.
    """,
)
@click.version_option(package_name="registrar-stress")
def main() -> None:
    """Try to prove concurrent Python wrong, and say exactly what a pass means."""


for section in SECTIONS.values():
    for command in section:
        main.add_command(command)
