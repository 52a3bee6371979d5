"""A program that failed in the explorer is saved with its schedule, replays, and is tried first."""

import json
from pathlib import Path
from typing import Final

import pytest

from stress import failures
from stress.explore.engine import saved_failure
from stress.explore.programs import ExploredPrograms
from stress.explore.record import ScheduleEndsError, again
from stress.program import Earlier, Invocation, Program
from tests.machines.prey import FILE, PileModel, TaglessPile

pytestmark = pytest.mark.slow
NAME: Final = f"{FILE}::PileModel:tagless"
MODEL: Final = PileModel.of(TaglessPile)
TAKE: Final = Invocation("take", ())
PROGRAM: Final = Program((), ((TAKE,), (TAKE, TAKE, Invocation("put", (Earlier(1, 0),)))))
"""The smallest that fails: what `test_concurrent` finds."""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return the file of a failure of the pile without tags."""
    found = ExploredPrograms(MODEL).failure(PROGRAM, shrinking=False)
    assert found is not None
    return failures.save(saved_failure(NAME, MODEL, PROGRAM, "rc11", found), tmp_path)


def test_failure_is_saved_and_replays(saved: Path) -> None:
    """Its file has the program and the schedule, and is carried out again, exactly."""
    content = failures.load(saved)
    trace = again(content, saved)

    assert content["target"] == f"{NAME}/" + json.dumps(PROGRAM.to_json(MODEL))
    assert trace is not None
    assert trace.to_json() == content["trace"] | {"saved": trace.saved}
    assert str(PROGRAM) in trace.scenario


def test_schedule_that_was_cut_is_refused(saved: Path) -> None:
    """Where threads can go on, nothing is known of how it ends: the subject is not mended."""
    content = failures.load(saved)
    whole = content["schedule"]
    for length in range(len(whole)):
        content["schedule"] = whole[:length]
        with pytest.raises(ScheduleEndsError, match=f"ends after {length} steps"):
            again(content, saved)


def test_saved_schedule_is_tried_first(saved: Path) -> None:
    """One execution is enough next time, and a damaged file beside it is no obstacle."""
    (saved.parent / "damaged.json").write_text("{", encoding="utf-8")
    (saved.parent / "other.json").write_text('{"format": 1}', encoding="utf-8")

    engine = ExploredPrograms(MODEL, failures=saved.parent)
    found = engine.failure(PROGRAM, shrinking=False)
    assert found is not None
    assert found.failure is not None
    assert engine.executions == 1
    assert list(found.failure.schedule) == failures.load(saved)["schedule"]

    stronger = ExploredPrograms(MODEL, "sc", failures=saved.parent)
    stronger.failure(PROGRAM, shrinking=False)
    assert stronger.executions > 1


def test_saved_schedule_of_a_mended_subject_is_no_failure(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fail any more is explored as if nothing had been saved."""
    monkeypatch.setattr(TaglessPile, "TAG", 8)
    engine = ExploredPrograms(MODEL, failures=saved.parent)

    assert engine.failure(PROGRAM, shrinking=False) is None
    assert engine.explored_wholly == 1
