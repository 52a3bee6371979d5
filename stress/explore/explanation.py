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

MEMORIES: Final = ("sc", "tso", "rc11")


@dataclass(frozen=True)
class Explanation:
    """What the explorer made of a program."""

    failure: dict[str, Any] | None
    """The execution that fails, as it is saved; None if none was found."""
    sentence: str


def explained(name: str, model: type[Model[Any]], program: Program) -> Explanation:
    """Look for an execution of `program` on the model called `name` that fails."""
    tried = []
    for memory in MEMORIES:
        engine = ExploredPrograms(model, memory)
        found = engine.failure(program, shrinking=False)
        if found is not None:
            failure = saved_failure(name, model, program, memory, found)
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
