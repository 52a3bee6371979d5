"""A program that failed on real threads, in the explorer: how it fails, step by step.

The memory models are tried from the strongest on.  So what is found under the first needs nothing
but the order of the steps, and what only the last shows needs a machine that reorders.
"""

from dataclasses import dataclass
from typing import Any, Final

from stress.explore.engine import saved_failure
from stress.explore.programs import ExploredPrograms
from stress.model import Model
from stress.program import Program
from stress.verdict import NoVerdictError

MEMORIES: Final = ("sc", "tso", "rc11")


@dataclass(frozen=True)
class Explanation:
    """What the explorer made of a program."""

    failure: dict[str, Any] | None
    """The execution that fails, as it is saved; None if none was found."""
    sentence: str


def handed_over(
    name: str, model: type[Model[Any]], program: Program, found: dict[str, Any]
) -> dict[str, Any]:
    """Return what is saved of `program`, which failed on real threads as `found` tells.

    The execution that the explorer finds, with what was recorded beside it; else that alone.
    """
    explanation = explained(name, model, program, found["kind"])
    recorded = as_recorded(program, found, explanation.sentence)
    if explanation.failure is None:
        return recorded
    return explanation.failure | {"recorded": recorded}


def as_recorded(program: Program, found: dict[str, Any], sentence: str) -> dict[str, Any]:
    """Return what real threads found of `program`, and what the explorer had to say of it."""
    return found | {"program": str(program), "explained": sentence}


def explained(name: str, model: type[Model[Any]], program: Program, kind: str = "") -> Explanation:
    """Look for an execution of `program` on the model called `name` that fails.

    `kind` is how it failed: what ends the interpreter is not carried out in this one.
    """
    if kind == "crash":
        return Explanation(
            None,
            "The explorer was not asked: what ends the interpreter would end it, too.  What was "
            "recorded stands.",
        )
    tried = []
    for memory in MEMORIES:
        engine = ExploredPrograms(model, memory)
        try:
            found = engine.failure(program, shrinking=False)
            failure = None
            if found is not None:
                failure = saved_failure(name, model, program, memory, found)
        except NoVerdictError as error:
            return Explanation(
                None, f"The explorer cannot carry it out.  What was recorded stands.\n{error}"
            )
        if failure is not None:
            sentence = (
                f"The explorer found it under {memory}, in execution {engine.executions:,}: this "
                f"is how it can happen."
            )
            return Explanation(failure, sentence)
        every = "all" if engine.explored_wholly else "some, at random,"
        tried.append(f"{every} {engine.executions:,} executions under {memory}")
    return Explanation(
        None,
        f"The explorer did not find it, in {', '.join(tried)}.  What was recorded stands.",
    )
