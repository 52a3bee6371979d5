"""`stress replay`: a saved failure, again."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from stress import failures, registry
from stress.commands.usage import usage_errors
from stress.explore import record
from stress.history import from_json_lines
from stress.program import Program
from stress.report import lanes, text
from stress.threads.programs import ThreadedPrograms
from stress.verdict import Verdict


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--ascii", "as_ascii", is_flag=True, help="Draw an execution in ASCII.")
def replay(file: Path, *, as_ascii: bool) -> None:
    """Judge the saved failure in FILE again.

    A recorded history is judged as it was recorded; a failed state machine takes its steps again;
    an explored execution is carried out again, exactly, and drawn; a program that crashed or hung
    on real threads is run on them again.
    """
    console = text.console()
    with usage_errors():
        failure = failures.load(file)
        try:
            if failure["kind"] == record.KIND:
                found = _executed_again(failure, file, console, as_ascii=as_ascii)
            else:
                found = _judged_again(registry.find(failure["model"]), failure)
        except (KeyError, IndexError, AttributeError, TypeError) as error:
            raise failures.FailureFileError(
                f"{file} is damaged: {error!r}.\n"
                f"  Somebody changed it, or another version wrote it.  Find the failure again:  "
                f"stress run"
            ) from error
        except NotAgainError as error:
            console.print(str(error), style="yellow", markup=False)
            sys.exit(Verdict.UNKNOWN.exit_code)
    for message in found:
        console.print(message)
    if not found:
        console.print("It does not fail any more: the rules or the subject have changed.")
    sys.exit((Verdict.FAILED if found else Verdict.OK).exit_code)


def _executed_again(
    failure: dict[str, Any], file: Path, console: Console, *, as_ascii: bool
) -> list[Text]:
    """Return the report of an execution, if it still fails."""
    trace = record.again(failure, file)
    if trace is None:
        if not failure["schedule"]:
            raise ValueError("the schedule is empty, and nothing says what fails: save it again")
        return []
    as_ascii = as_ascii or not (console.encoding or "").startswith("utf")
    width = min(console.width, lanes.WIDTH)
    report = lanes.render(trace, width, ascii=as_ascii)
    return [lanes.painted(report.removesuffix("\n"))]


def _judged_again(subject: registry.Subject, failure: dict[str, Any]) -> list[Text]:
    if failure["kind"] == "mismatch":
        message = subject.rerun(failure["saved"])
        if message is None and not failure["saved"]["calls"]:
            raise ValueError("the list of calls is empty, and no call is no fault: save it again")
        return [_marked(message)] if message else []
    told = {violation["rule"] for violation in failure["violations"]}
    if failure["kind"] == "invariant" and told != {"effect"}:
        history = from_json_lines(failure["history"])
        if not history:
            raise ValueError("the history is empty, and no call breaks no rule: save it again")
        return [
            _marked(f"{violation.rule}  {violation.message}")
            for violation in subject.rejudge(failure["parameters"], history)
        ]
    if "prefix" in failure.get("parameters", {}):
        return _run_again(failure)
    again = f"stress run {failure['model']} --seed {failure.get('run_seed')}"
    raise ValueError(
        f"a {failure['kind']} left no history to judge.\n"
        f"  Run the same programs again, on real threads, which may meet differently:  {again}"
    )


def _run_again(failure: dict[str, Any]) -> list[Text]:
    """Run the program of a failure that left no history again, on real threads."""
    name = failure["model"]
    model = registry.model_of(name)
    program = Program.from_json(model, failure["parameters"])
    with ThreadedPrograms(name, model) as engine:
        found = engine.failure(program, shrinking=True)
    if found is None:
        raise NotAgainError(
            f"{program} did not fail in {engine.executions:,} runs on real threads.\n"
            f"  That does not say that it cannot: threads meet differently every time."
        )
    return [_marked(f"{each['rule']}  {each['message']}") for each in found["violations"]]


class NotAgainError(Exception):
    """A failure that real threads met did not come again, which says nothing."""


def _marked(message: str) -> Text:
    return Text(f"✗ {message}", "red")
