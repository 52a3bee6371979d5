"""`stress linearize`: judge a recorded history by a sequential specification or a model.

Exit status: 0 ok, 1 illegal, 2 wrong usage or a line that does not fit, 3 unknown.
"""

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
from rich.text import Text

from stress.commands.criterion import Criterion, named
from stress.commands.usage import usage_errors
from stress.duration import Duration
from stress.judge import report
from stress.judge.builtin import SPECIFICATIONS
from stress.judge.jepsen import Recorded, lines_of, read
from stress.judge.judgement import Judgement
from stress.judge.vocabulary import mismatching
from stress.report import text
from stress.report.page import as_ascii
from stress.verdict import Verdict

WORDS: Final = {Verdict.OK: "ok", Verdict.FAILED: "illegal", Verdict.UNKNOWN: "unknown"}
COMPARED: Final = "cas-register"
"""The specification that has a cas, which can fail."""


@click.command()
@click.argument("history", type=click.File("rb"))
@click.option(
    "--model",
    required=True,
    metavar="NAME",
    help=f"One of {', '.join(SPECIFICATIONS)}; or a model: a name that `stress list` shows, or "
    f"FILE.py::CLASS.",
)
@click.option(
    "--budget",
    type=Duration(),
    default="50",
    show_default=True,
    help="How long to search; what is not decided then is unknown.",
)
@click.option(
    "--failed-cas",
    type=click.Choice(["dropped", "mismatch"]),
    default="dropped",
    show_default=True,
    help="A failed cas took no effect, or saw that the value was not the old one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def linearize(
    *, history: BinaryIO, model: str, budget: float, failed_cas: str, as_json: bool
) -> None:
    """Judge whether one order of the calls in HISTORY agrees with a model and with the clock.

    HISTORY is a file, or - for standard input, of one JSON object a line, as Jepsen writes them:
    process, type (invoke, ok, fail or info), f, value and, if you like, time and index.
    Entries of processes that are not numbers are skipped.

    \b
    models and their operations: value at invoke -> at ok
      register        read: null -> v; write: v -> v
      cas-register    as register; cas: [old, new] -> the same
      mutex           acquire, release: null -> null
      set             add, remove: x -> [x, changed]; contains: x -> [x, bool]
      counter         add: n -> n; read: null -> n
      fetch-counter   increment: null -> old value
      queue           enqueue: x -> x; dequeue: null -> x, or null when empty
      stack           push: x -> x; pop: null -> x, or null when empty
      priority-queue  insert: x -> x; delete-min: null -> x, or null when empty
      kv              per key: get: null -> v; put, append: v -> v

    Any other model says itself which operations there are.  Their value at invoke is null, the one
    argument, or a list of the arguments; at ok it is the result.  At fail it is the exception, if
    those count as results: its name, or a list of its name and a list of its arguments.  A model
    with cases cannot judge, since a history does not say which case was its own.
    """  # noqa: D301  (click knows \b, and not its spelling)
    if failed_cas == "mismatch" and model != COMPARED:
        raise click.UsageError(
            f"--failed-cas mismatch is about a cas, and {model} has none.\n"
            f"  Leave it out, or judge by --model {COMPARED}."
        )
    with usage_errors():
        criterion = named(model)
        vocabulary = criterion.vocabulary
        if failed_cas == "mismatch":
            vocabulary = mismatching(vocabulary)
        recorded = read(lines_of(history), vocabulary)
        judgement = criterion.judge(recorded.calls, budget)
    if as_json:
        click.echo(json.dumps(_to_json(recorded, judgement)))
    else:
        _show(_source(history), model, recorded, judgement, criterion)
    sys.exit(judgement.verdict.exit_code)


def _to_json(recorded: Recorded, judgement: Judgement) -> dict[str, Any]:
    """Return the judgement; calls are numbered from 0 in the order of their invocations.

    Calls that failed were dropped, and have no number.
    """
    witness: Any = judgement.order
    if judgement.verdict is Verdict.FAILED:
        witness = {"prefix": judgement.order, "misfit": judgement.misfit}
    return {
        "verdict": WORDS[judgement.verdict],
        "operations": len(recorded.calls),
        "skipped": recorded.skipped,
        "steps": judgement.steps,
        "seconds": round(judgement.seconds, 6),
        "by": judgement.by,
        "witness": witness,
    }


def _source(file: BinaryIO) -> str:
    name = getattr(file, "name", "<stdin>")
    return "standard input" if name == "<stdin>" else Path(name).name


def _show(
    source: str,
    model: str,
    recorded: Recorded,
    judgement: Judgement,
    criterion: Criterion,
) -> None:
    console = text.console()
    specification, order = criterion.specification, criterion.order
    page = "\n".join(report.lines(source, model, recorded, judgement, specification, order))
    page = page.encode(errors="backslashreplace").decode()  # a value may be half a character
    if not (console.encoding or "").startswith("utf"):
        page = as_ascii(page)
    painted = Text(page)
    painted.highlight_regex(r"\A.*", text.STYLES[judgement.verdict])
    painted.highlight_regex(
        r"(?m)^(history|judged|unknown|longest legal order|cannot be placed) ", "dim"
    )
    console.print(painted, soft_wrap=True)
