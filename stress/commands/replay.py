"""`stress replay`: a saved failure, again."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from stress import failures, provenance
from stress.commands.usage import usage_errors
from stress.explore import record
from stress.replay import Replayed, check_trusted, replayed
from stress.report import text
from stress.report.failure import Report
from stress.report.neutral import neutral
from stress.report.stepwise import stepwise
from stress.report.telling import told
from stress.verdict import Verdict

STYLES: Final = {Verdict.OK: "green", Verdict.FAILED: "red", Verdict.UNKNOWN: "yellow"}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--verbose", is_flag=True, help="Of an execution, print every step with its line.")
@click.option(
    "--debug", type=click.IntRange(1), metavar="STEP", help="Stop in pdb before that step."
)
@click.option(
    "--trust", is_flag=True, help="Import the file of yours that FILE names, as it is now."
)
@click.option("--ascii", "as_ascii", is_flag=True, help="Draw in ASCII.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(  # noqa: PLR0913  (one parameter an option)
    *, file: Path, verbose: bool, debug: int | None, trust: bool, as_ascii: bool, as_json: bool
) -> None:
    """Show the saved failure in FILE again, and say whether it still fails.

    An explored execution is carried out again, exactly; a recorded history is judged again, and
    its program handed to the explorer; a failed state machine takes its steps again; a program
    that crashed or hung on real threads is run on them again.

    \b
    stress replay .stress/failures/2f9c71ae.json --verbose
    stress replay .stress/failures/2f9c71ae.json --debug 4

    What has changed since it was saved is said first.  The status is 1 if it fails again, 0 if it
    does not any more, 3 if that cannot be told, and 2 if it cannot be replayed.
    """  # noqa: D301  (click knows \b, and not its spelling)
    console = text.console(stderr=as_json)
    with usage_errors():
        failure = failures.load(file)
        _check_options(failure, verbose=verbose, debug=debug)
        if not trust:
            check_trusted(failure, file)
        changes = provenance.changes(failure)
        for change in changes:
            Console(stderr=True).print(Text(f"! {neutral(change)}", "yellow"))
        found = _replayed(failure, file)
        if debug is not None and not _looked_around(failure, debug):
            sys.exit(Verdict.UNKNOWN.exit_code)
        report = told(found.failure, file)
        if verbose and report.trace is not None:
            for line in stepwise(report.trace):
                console.print(Text(line), soft_wrap=True)
            console.print()
    if found.verdict is not Verdict.OK:
        text.show_report(report, console, as_ascii=as_ascii)
    for beside in _beside(found):
        console.print()
        text.show_report(beside, console, as_ascii=as_ascii)
    for sentence in found.said:
        console.print(Text(neutral(sentence), STYLES[found.verdict]), soft_wrap=True)
    if as_json:
        click.echo(json.dumps(_json(found, report, changes), indent=1))
    sys.exit(found.verdict.exit_code)


def _check_options(failure: dict[str, Any], *, verbose: bool, debug: int | None) -> None:
    option = "--debug" if debug is not None else "--verbose" if verbose else ""
    if option and failure["kind"] != record.KIND:
        raise ValueError(
            f"{option} is for the steps of an explored execution, and this is a {failure['kind']}."
            f"\n  Leave it out.  If the explorer finds the same, that is saved as an execution."
        )


def _replayed(failure: dict[str, Any], file: Path) -> Replayed:
    try:
        return replayed(failure, file)
    except (KeyError, IndexError, AttributeError, TypeError) as error:
        raise failures.FailureFileError(
            f"{file} is damaged: {error!r}.\n"
            f"  Somebody changed it, or another version wrote it.  Find the failure again:  "
            f"stress run"
        ) from error


def _looked_around(failure: dict[str, Any], step: int) -> bool:
    """Stop before a step; return whether the debugger was then told to go on."""
    # Imported here because pdb takes longer than all of what most commands need.
    from stress.explore import debugging  # noqa: PLC0415

    try:
        debugging.debug(record.task_of(failure), failure["schedule"], step)
    except debugging.LeftError:
        return False
    return True


def _beside(found: Replayed) -> Iterator[Report]:
    """Yield the execution that the explorer found, if it found one."""
    if found.beside is not None:
        yield told(found.beside, None)


def _json(found: Replayed, report: Report, changes: list[str]) -> dict[str, Any]:
    return {
        "verdict": found.verdict.value,
        "changes": changes,
        "said": found.said,
        "report": report.to_json(),
        "explored": [each.to_json() for each in _beside(found)],
    }
