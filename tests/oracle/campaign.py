"""The explorer against the oracle, on random programs, for as long as you like.

    python -m tests.oracle.campaign --seconds 600 --seed 1

Each program is judged under every memory model; the first disagreement of each ends it for
that model: it is made as small as leaving out instructions makes it, and printed with both sides'
numbers.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

import click

from stress.explore.litmus import explore_test
from stress.litmus.program import If, Instruction, LitmusTest

from .axioms import ReleaseSequence
from .brute_force import Memory, Result, executions
from .notation import program, text
from .random_programs import random_test

type Setting = tuple[Memory, ReleaseSequence]

SETTINGS: Final[tuple[Setting, ...]] = (
    ("rc11", "c++20"),
    ("rc11", "c++11"),
    ("tso", "c++20"),
    ("sc", "c++20"),
)
"""Release sequences make no difference outside rc11."""


def numbered(seed: int, number: int) -> LitmusTest:
    """Return one of the random programs of a seed."""
    return random_test(random.Random(f"{seed}:{number}"))


type Explorer = Callable[[LitmusTest, Setting], Result]


def explored(test: LitmusTest, setting: Setting) -> Result:
    """Return what the explorer finds, in the oracle's words."""
    found = explore_test(test, memory=setting[0], release_sequence=setting[1])
    return Result(found.executions, found.races, Counter(found.states))


def disagreement(test: LitmusTest, setting: Setting, explorer: Explorer = explored) -> str:
    """Return what the explorer and the oracle differ in, or nothing."""
    right = executions(test, *setting)
    try:
        found = explorer(test, setting)
    except Exception as error:  # noqa: BLE001 - whatever it is, the program that raises it is news
        return f"{text(test)}\n  under {setting}: explorer raises {type(error).__name__}: {error}"
    if found == right:
        return ""
    return "\n".join(
        [
            text(test),
            f"  under {', '.join(setting)}:   oracle   explorer",
            f"  executions          {right.executions:8} {found.executions:10}",
            f"  of them racy        {right.races:8} {found.races:10}",
            *(
                f"  {state!s:19} {right.outcomes[state]:8} {found.outcomes[state]:10}"
                for state in sorted(right.outcomes | found.outcomes)
                if right.outcomes[state] != found.outcomes[state]
            ),
            f"  (states are of {', '.join(map(str, test.observed))})",
        ]
    )


def shrunk(test: LitmusTest, setting: Setting, explorer: Explorer = explored) -> LitmusTest:
    """Return the test with all left out that it disagrees without."""
    for smaller in smaller_tests(test):
        if disagreement(smaller, setting, explorer):
            return shrunk(smaller, setting, explorer)
    return test


def smaller_tests(test: LitmusTest) -> Iterator[LitmusTest]:
    """Yield the test without one of its threads, and without one of its instructions."""
    for number, block in enumerate(test.threads):
        before, after = test.threads[:number], test.threads[number + 1 :]
        yield program(test.name, *before, *after, **test.initial)
        for smaller in smaller_blocks(block):
            yield program(test.name, *before, smaller, *after, **test.initial)


def smaller_blocks(block: tuple[Instruction, ...]) -> Iterator[tuple[Instruction, ...]]:
    """Yield the block without one instruction, or with one of the two blocks of an If."""
    for index, instruction in enumerate(block):
        before, after = block[:index], block[index + 1 :]
        yield (*before, *after)
        if isinstance(instruction, If):
            yield (*before, *instruction.then, *after)
            yield (*before, *instruction.otherwise, *after)


@click.command(help=__doc__)
@click.option("--seed", default=1, help="Draw the programs of this seed.")
@click.option("--seconds", default=60.0, help="Start no program after so long.")
def campaign(seed: int, seconds: float) -> None:
    """Compare until the time is up, or there is a disagreement in every setting."""
    end = time.monotonic() + seconds
    settings = list(SETTINGS)
    for number in count():
        if not settings or time.monotonic() > end:
            break
        test = numbered(seed, number)
        for setting in [each for each in settings if disagreement(test, each)]:
            settings.remove(setting)
            click.echo(f"seed {seed}, program {number}, shrunk:")
            click.echo(disagreement(shrunk(test, setting), setting))
    agreeing = "; ".join(", ".join(setting) for setting in settings) or "none"
    click.echo(f"seed {seed}: no disagreement on {number} programs under: {agreeing}")
    sys.exit(settings != list(SETTINGS))


if __name__ == "__main__":
    campaign()
