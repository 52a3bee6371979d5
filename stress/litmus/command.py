"""The command `stress litmus`: explore litmus tests, and compare with what the library knows.

Exit status: 0 all were read and explored, 1 a data race nobody expected or a verdict that is not
the library's, 2 wrong usage or a line that cannot be read, 3 an exploration was not completed.
Every file is read before the first is explored, so a status of 2 means that nothing was printed
but why.
"""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, NamedTuple

import click

from stress.commands.completion import litmus_tests
from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import Search
from stress.explore.litmus import LitmusTask
from stress.litmus import library
from stress.litmus.lexer import LitmusSyntaxError
from stress.litmus.observation import Observation
from stress.litmus.parser import parse_file
from stress.litmus.program import LitmusTest
from stress.report import text
from stress.report.exploration import explored_with_news
from stress.verdict import Verdict

MEMORIES: Final = ("sc", "tso", "rc11")
SEQUENCES: Final = ("c++20", "c++11")
UNREADABLE: Final = 2

type Memory = Literal["sc", "tso", "rc11"]
type Sequence = Literal["c++20", "c++11"]


class Asked(NamedTuple):
    """A test to explore, and its place in the library if it is from there."""

    test: LitmusTest
    entry: library.Entry | None


@click.command()
@click.argument("tests", nargs=-1, metavar="[NAME|FILE.litmus]...", shell_complete=litmus_tests)
@click.option(
    "--memory",
    type=click.Choice(MEMORIES),
    default="rc11",
    show_default=True,
    help="What loads may read: sequential consistency, x86's buffers, or C11's orders.",
)
@click.option(
    "--release-sequence",
    type=click.Choice(SEQUENCES),
    default="c++20",
    show_default=True,
    help="Of rc11: c++11 adds later stores of the releasing thread.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, help="How many processes."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list of objects.")
def litmus(
    *, tests: tuple[str, ...], memory: Memory, release_sequence: Sequence, jobs: int, as_json: bool
) -> None:
    """Explore every execution of litmus TESTs (default: the whole library).

    A test is the name of one in the library, or a file in herd7's C litmus format whose name ends
    in .litmus.  What is printed is what herd7 prints, and a line on the exploration.

    \b
    stress litmus SB MP+rel+acq --memory tso    two of the library, as on x86
    stress litmus my-test.litmus                one of your own
    """  # noqa: D301  (click knows \b, and not its spelling)
    asked = _read(tests or _whole_library())
    objects, verdicts = [], []
    for test, entry in asked:
        explored = explore_test(test, memory=memory, release_sequence=release_sequence, jobs=jobs)
        seen = Observation(test, memory, explored)
        if as_json:
            objects.append(seen.to_json())
        else:
            click.echo(f"{seen}\n")
        expected = entry.expected(memory, release_sequence) if entry else library.Expected()
        verdicts.append(_judged(seen, expected, explored.verdict, in_library=entry is not None))
        if explored.interrupted:
            break
    if as_json:
        click.echo(json.dumps(objects, indent=1))
    sys.exit(Verdict.worst(verdicts).exit_code)


def explore_test(test: LitmusTest, memory: str, release_sequence: str, jobs: int) -> Exploration:
    """Explore `test`; where that takes long, say on standard error how it goes."""
    task = LitmusTask(test, memory, release_sequence)
    console = text.console(stderr=True)
    return explored_with_news(task, Bounds(), Search(), jobs, test.name, console).found


def _read(words: Iterable[str]) -> list[Asked]:
    """Read every test, or say of each that cannot be read why, and end with status 2."""
    asked, errors = [], []
    for word in words:
        try:
            asked.append(_found(word))
        except (LitmusSyntaxError, library.UnknownTestError, library.LibraryError) as error:
            errors.append(str(error))
        except OSError as error:
            errors.append(
                f"{word}: cannot be read: {error.strerror or error}.\n"
                f"  Name a file in herd7's C litmus format, or a test of the library."
            )
    if errors:
        click.echo("\n".join(f"Error: {error}" for error in errors), err=True)
        sys.exit(UNREADABLE)
    return asked


def _found(word: str) -> Asked:
    """Return the test in the file `word`, or the library's test of that name."""
    if word.endswith(".litmus") or os.sep in word:
        return Asked(parse_file(Path(word)), None)
    entry = library.find(word)
    return Asked(entry.test(), entry)


def _whole_library() -> list[str]:
    """Return the names of all tests of the library; a usage error if there is none."""
    try:
        names = library.names()
    except library.LibraryError as error:
        raise click.UsageError(str(error)) from error
    if not names:
        raise click.UsageError(
            "no litmus test is installed, so there is nothing to explore.\n"
            "  Name a .litmus file, or install a package that offers tests: pip install -e ."
        )
    return names


def _judged(
    seen: Observation, expected: library.Expected, explored: Verdict, *, in_library: bool
) -> Verdict:
    """Return the verdict on one test, and say on standard error what it is if it is not OK."""
    name, memory = seen.test.name, seen.memory
    if explored is Verdict.UNKNOWN and (expected.races or not seen.explored.races):
        click.echo(
            f"? {name} under {memory}: not every execution was explored\n"
            f"  What is printed holds of those that were, and is no verdict.\n"
            f"  Let it finish, perhaps with more --jobs.",
            err=True,
        )
        return Verdict.UNKNOWN
    missed = expected.missed(seen)
    if missed is None:
        return Verdict.OK
    why = (
        f"  The library says otherwise, and it was not made from what the explorer finds.\n"
        f"  See the states:  stress litmus {name} --memory {memory}"
        if in_library
        else "  C11 gives a program with a data race no meaning, so its verdict is worth nothing.\n"
        "  Make the accesses atomic, or order them."
    )
    click.echo(f"✗ {name} under {memory}: {missed}\n{why}", err=True)
    return Verdict.FAILED
