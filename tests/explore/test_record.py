"""A saved failure of the explorer is carried out again, exactly, by `stress replay`."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from registrar.sync import RELAXED
from stress import failures
from stress.cli import main
from stress.explore.record import NotReplayedError, again, report_of
from stress.explore.scenario import ScenarioTask, explored
from stress.report.telling import told
from stress.report.written import written
from tests.explore.racing import CODE, TARGET, saved_race, write


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the saved failure of the scenario, in whose folder the test runs."""
    monkeypatch.chdir(tmp_path)
    write()
    return saved_race()


def changed(before: str, after: str) -> None:
    """Change the scenario."""
    assert before in CODE
    write(CODE.replace(before, after))


def replayed(file: Path, *options: str) -> Result:
    """Run `stress replay`."""
    return CliRunner().invoke(main, ["replay", str(file), *options])


def test_saved_failure_says_all_that_replaying_it_takes(file: Path) -> None:
    """Model, bounds and schedule are in it, and the report can be drawn from it alone."""
    saved = failures.load(file)

    assert (saved["kind"], saved["engine"], saved["model"]) == ("execution", "explore", TARGET)
    assert saved["violations"] == [{"rule": "race", "message": "writer and reader race for data"}]
    assert (saved["memory"], saved["release_sequence"]) == ("rc11", "c++20")
    assert (saved["steps"], saved["spurious"], saved["target"]) == (2000, 0, TARGET)
    assert saved["schedule"][2:] == [
        *("1 store", "1 store", "1 end", "0 join", "2 load from 1.1", "2 load from 1.0")
    ]
    trace = again(saved, file)
    assert trace is not None
    assert trace.to_json() == {**saved["trace"], "saved": "out/" + file.name}
    assert str(Path.cwd()) not in file.read_text(encoding="utf-8")


def test_replay_draws_the_failure_again(file: Path) -> None:
    """The report is the one that was printed when it was found, and the exit status 1."""
    result = replayed(file)

    assert result.output == written(told(failures.load(file), file))
    assert result.exit_code == 1


def test_replay_draws_in_ascii(file: Path) -> None:
    """What a terminal cannot show need not be printed."""
    result = replayed(file, "--ascii")

    assert result.output.isascii()
    assert "X reader reads data while writer writes there" in result.output


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ready.store(1, RELAXED)", "ready.store(1, RELEASE)"),
        ("data, ready = sync.cell(0)", "data, ready = sync.cell(7)"),
    ],
)
def test_replay_says_whether_it_still_fails(file: Path, before: str, after: str) -> None:
    """Mended, the same steps are no failure any more; changed elsewhere, they still are."""
    changed(before, after)
    result = replayed(file, "--trust")

    if "RELEASE" in after:
        assert "does not fail any more" in result.output
        assert result.exit_code == 0
    else:
        assert "reader reads data while writer writes there" in result.output
        assert result.exit_code == 1


def test_replay_says_that_the_memory_model_forbids_it_now(file: Path) -> None:
    """An execution that cannot happen is no failure either."""
    saved = failures.load(file)
    saved["schedule"][-1] = "2 load from initial"
    changed("ready.store(1, RELAXED)", "ready.store(1, RELEASE)")
    result = replayed(failures.save(saved, Path("out")), "--trust")

    assert "does not fail any more" in result.output
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("data.write(written)", "pass", "step 4 of the schedule"),
        ("def scenario", "def another", "has no function scenario"),
        ("from registrar.sync", "from registrar.nothing", "cannot be imported"),
        ("return writer, reader", "return writer", "wants thread 'main', which now"),
    ],
)
def test_replay_says_why_the_schedule_does_not_fit(
    file: Path, before: str, after: str, why: str
) -> None:
    """A scenario that has changed is wrong usage, and the reason is said."""
    changed(before, after)
    result = replayed(file, "--trust")

    assert why in result.output
    assert result.exit_code == 2


def test_replay_says_that_the_scenario_is_not_deterministic(file: Path) -> None:
    """One that changes from run to run cannot be told of."""
    changed("data.write(written)", "data.write(count.pop())")
    text = Path("test_it.py").read_text(encoding="utf-8")
    write(f"count = [1, 2, 3]\n{text}")
    result = replayed(file, "--trust")

    assert "took another step" in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize("field", ["schedule", "target", "memory", "trace"])
def test_replay_refuses_a_damaged_file(file: Path, field: str) -> None:
    """A file without one of the fields is no reason to fail in some other way."""
    saved = failures.load(file)
    del saved[field]
    file.write_text(json.dumps(saved), encoding="utf-8")
    result = replayed(file)

    assert f"it has no field {field}" in result.output
    assert result.exit_code == 2


def test_failure_that_does_not_happen_again_is_not_reported() -> None:
    """What depends on how often it was run is told as that, not as a failure."""
    runs: list[int] = []

    def scenario(sync: Any) -> Any:
        word = sync.word()
        runs.append(1)
        fails = len(runs) <= 2

        def thread() -> None:
            word.load(RELAXED)
            assert not fails

        return thread

    found = explored(scenario)

    assert found.failure is not None
    with pytest.raises(NotReplayedError, match="did not happen again"):
        report_of(ScenarioTask(scenario), found, "")


def test_fingerprint_survives_what_moves_lines(file: Path) -> None:
    """Lines may move and programs be found by other seeds; another function is another fault."""
    prints = {failures.load(file)["fingerprint"]}
    for code in (f"\n\n{CODE}", CODE.replace("data.write(written)", "data.write(7)")):
        write(code)
        prints.add(failures.load(saved_race())["fingerprint"])

    assert len(prints) == 1
    changed("def reader", "def another")
    write(CODE.replace("reader", "another"))
    assert failures.load(saved_race())["fingerprint"] not in prints


def test_replay_refuses_a_crowd_of_threads(file: Path) -> None:
    """A scenario that starts more threads than are explored is none that was."""
    changed("return writer, reader", "return (writer,) * 100")
    saved = failures.load(file) | {"schedule": ["0 spawn"] * 100}
    result = replayed(failures.save(saved, Path("out")), "--trust")

    assert result.exit_code == 2
    assert "starts more than 64 threads" in result.output
