"""A program that failed on real threads is looked for in the explorer, which says what it found."""

from pathlib import Path

import pytest

from stress import registry
from stress.explore.explanation import explained
from stress.explore.record import again
from stress.program import Invocation, Program
from tests.machines.prey import (
    FILE,
    AbortingCounter,
    BlockedCounter,
    MishapModel,
    OwnersCounter,
    RareCounter,
)

INCREMENT = (Invocation("increment", ()),)
TWO = Program((), (INCREMENT, INCREMENT))
MESSAGE = Program((), ((Invocation("put", (1,)),), (Invocation("get", ()),)))
TRANSFERS = Program((), tuple((Invocation("transfer", (each,)),) for each in range(2)))


@pytest.mark.parametrize(
    ("name", "program", "memory", "kind"),
    [
        ("CounterModel:lost-update", TWO, "sc", "linearizability"),
        ("MailboxModel:relaxed-put", MESSAGE, "rc11", "linearizability"),
        ("AccountsModel:crossed-locks", TRANSFERS, "sc", "deadlock"),
        ("MishapModel:endless", TWO, "sc", "livelock"),
    ],
)
def test_strongest_memory_model_that_shows_it_is_named(
    name: str, program: Program, memory: str, kind: str
) -> None:
    """What the first shows needs no reordering; the execution is there, and replays."""
    found = explained(f"{FILE}::{name}", registry.model_of(f"{FILE}::{name}"), program)

    assert found.failure is not None
    assert found.failure["memory"] == memory
    assert found.failure["violations"][0]["rule"] == kind
    assert f"The explorer found it under {memory}, in execution " in found.sentence
    trace = again(found.failure, Path("unsaved"))
    assert trace is not None
    assert trace.kind == kind


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        (
            OwnersCounter,
            "The explorer did not find it, in all 2 executions under sc, all 2 executions under",
        ),
        (RareCounter, "The explorer cannot carry it out.  What was recorded stands."),
        (BlockedCounter, "The explorer cannot carry it out.  What was recorded stands."),
    ],
)
def test_what_is_not_found_is_said(subject: type, why: str) -> None:
    """Real identities, chance and real waits are not the explorer's: the record stays."""
    found = explained(f"{FILE}::MishapModel", MishapModel.of(subject), TWO)

    assert found.failure is None
    assert found.sentence.startswith(why)
    assert "What was recorded stands." in found.sentence


def test_reason_why_it_cannot_be_carried_out_is_said() -> None:
    """The call that leaves the machine is named."""
    found = explained(f"{FILE}::MishapModel", MishapModel.of(BlockedCounter), TWO)

    assert "calls threading.Event.wait, in 'increment'" in found.sentence


def test_crash_is_not_carried_out_here() -> None:
    """What ended one interpreter would end this one as well."""
    model = MishapModel.of(AbortingCounter)
    found = explained(f"{FILE}::MishapModel:aborting", model, TWO, "crash")

    assert found.failure is None
    assert "What was recorded stands." in found.sentence


@pytest.mark.slow
def test_sample_is_called_one() -> None:
    """Where not all executions were visited, that is said."""
    program = Program((), (INCREMENT * 3,) * 3)
    found = explained(f"{FILE}::MishapModel:owners", MishapModel.of(OwnersCounter), program)

    assert "some, at random, 600 executions under sc" in found.sentence
