"""From a violation to its file and back: what is found is saved, and found in the file again."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stress import cli, failures, provenance
from stress.report.telling import told
from tests.reports.test_schemas import check
from tests.unit.recorded import BROKEN, CASE, HISTORY, MISMATCH

pytestmark = pytest.mark.slow


def stress(*words: object) -> Result:
    """Return what a command came to, in this process."""
    return CliRunner().invoke(cli.main, [*map(str, words)])


def words_of(text: str) -> str:
    """Return `text` without line breaks, so that its wrapping does not matter."""
    return " ".join(text.split())


@pytest.mark.threads
@pytest.mark.parametrize("engine", ["threads", "sequential"])
def test_violation_is_saved_and_replays(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that finds a fault has status 1, and its file replays to what the run printed."""
    monkeypatch.chdir(tmp_path)
    done = stress("run", "registrar:end-rounded-down", "--for", "20", "--engine", engine)
    files = [*Path(".stress/failures").iterdir()]

    assert done.exit_code == 1
    assert files
    for file in files:
        again = stress("replay", file, "--json")
        assert again.exit_code == 1
        assert file.name in words_of(done.stdout).replace(" ", "")
        replayed, saved = json.loads(again.stdout), told(failures.load(file), file)
        assert (replayed["verdict"], replayed["changes"]) == ("failed", [])
        assert (replayed["report"]["title"], replayed["report"]["why"]) == (saved.title, saved.why)
        assert set(saved.title.split()) <= set(done.stdout.split())  # a title is wrapped
    report = json.loads(Path(".stress/report.json").read_text())
    assert (report["verdict"], bool(report["violations"])) == ("failed", True)


def test_replay_rejects_empty_history(tmp_path: Path) -> None:
    """A history without a call proves nothing, so it is wrong usage (2) and never a pass."""
    done = stress("replay", failures.save(BROKEN | {"history": []}, tmp_path))

    assert done.exit_code == 2
    assert "the history is empty" in done.output


@pytest.mark.parametrize(
    ("failure", "says"),
    [(BROKEN, "✗ thread 0: register(0x1000, 0x1) = Ok, but"), (MISMATCH, "✗ register((0, 1))")],
)
def test_replay_judges_by_evidence(tmp_path: Path, failure: dict[str, Any], says: str) -> None:
    """A replay looks at the history or takes the steps, and not at what was said of them."""
    done = stress("replay", failures.save(failure, tmp_path))

    assert done.exit_code == 1
    assert done.stdout.startswith(says)
    assert "as it was" not in done.stdout


def test_replay_says_when_nothing_fails(tmp_path: Path) -> None:
    """A failure of a subject that has been mended since has status 0."""
    mended = MISMATCH | {"model": "registrar"}
    done = stress("replay", failures.save(mended, tmp_path))

    assert done.exit_code == 0
    assert "does not fail any more" in done.stdout


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"model": "nosuch"}, "there is no model 'nosuch'"),
        ({"model": "registrar:nosuch"}, "has no fault 'nosuch'"),
        ({"history": HISTORY[1:]}, "line 1: process 0 returns without a call"),
        ({"parameters": {}}, "the saved case is damaged"),
        ({"parameters": CASE | {"offset": "0x1"}}, "is no page"),
    ],
)
def test_replay_rejects_what_cannot_be_judged(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    """A failure without what a judge needs is refused, saying what is wrong; status 2."""
    done = stress("replay", failures.save(BROKEN | change, tmp_path))

    assert done.exit_code == 2
    assert why in words_of(done.stderr)


def test_replay_rejects_missing_file(tmp_path: Path) -> None:
    """A file that is not there is wrong usage."""
    done = stress("replay", tmp_path / "missing.json")

    assert done.exit_code == 2
    assert "missing.json is not a saved failure: No such file" in words_of(done.stderr)


JUNK: list[Any] = [None, 0, -1, 1.5, "", "x", "0x", [], [[]], {}, [None], {"x": 1}, True]
junk = st.sampled_from(JUNK)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([BROKEN, MISMATCH]), st.data())
def test_replay_survives_any_damage(
    tmp_path: Path, failure: dict[str, Any], data: st.DataObject
) -> None:
    """Whatever one value of the file becomes, a replay judges it or refuses it, and never falls."""
    damaged = json.loads(json.dumps(failure))
    holder: Any = damaged
    key: Any = data.draw(st.sampled_from(sorted(damaged)))
    while isinstance(holder[key], dict | list) and holder[key] and data.draw(st.booleans()):
        holder = holder[key]
        keys = sorted(holder) if isinstance(holder, dict) else range(len(holder))
        key = data.draw(st.sampled_from(keys))
    holder[key] = data.draw(junk)
    file = tmp_path / "damaged.json"
    file.write_text(json.dumps({"format": failures.FORMAT} | damaged))
    done = stress("replay", file)

    assert isinstance(done.exception, SystemExit | None), done.exc_info
    assert done.exit_code in {0, 1, 2}
    assert done.exit_code != 2 or done.stderr


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1), st.sampled_from(["process", "type", "f", "value", "time"]), junk)
def test_replay_survives_damaged_history(
    tmp_path: Path, line: int, field: str, value: object
) -> None:
    """Whatever a field of the history becomes, a replay judges it or refuses it."""
    lines = [json.loads(text) for text in HISTORY]
    lines[line][field] = value
    damaged = BROKEN | {"history": [json.dumps(entry) for entry in lines]}
    done = stress("replay", failures.save(damaged, tmp_path))

    assert isinstance(done.exception, SystemExit | None), done.exc_info
    assert done.exit_code in {0, 1, 2}


def test_replay_rejects_what_was_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No calls and no steps do not fail, which says nothing of the subject; status 2."""
    monkeypatch.chdir(tmp_path)
    stress("run", "once:relaxed-store", "--engine", "explore", "--for", "20")
    [file] = Path(".stress/failures").iterdir()
    execution = json.loads(file.read_text(encoding="utf-8"))
    saved: dict[str, Any] = {**MISMATCH["saved"], "calls": []}
    for number, emptied in enumerate(({**MISMATCH, "saved": saved}, execution | {"schedule": []})):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps({"format": failures.FORMAT, **emptied}), encoding="utf-8")
        done = stress("replay", path)

        assert done.exit_code == 2
        assert "is empty" in done.stderr


HANG: dict[str, Any] = {
    "kind": "hang",
    "model": "registrar",
    "engine": "threads",
    "run_seed": 7,
    "violations": [{"rule": "hang", "message": "did not return in time: worker 0 in register(0)"}],
    "calls": ["worker 0 in register(0)"],
    "stacks": ['worker 0\n  File "stack.py", line 31, in pop\n    self._lock.acquire()\n'],
}


@pytest.mark.parametrize("kind", ["hang", "crash"])
def test_replay_does_not_know_what_left_nothing(tmp_path: Path, kind: str) -> None:
    """What left no history and no program is shown, with how to meet it again; status 3."""
    done = stress("replay", failures.save(HANG | {"kind": kind}, tmp_path))

    assert done.exit_code == 3
    assert f"A {kind} left no history to judge, and no program." in words_of(done.stdout)
    assert "stress run registrar --engine threads --seed 7" in words_of(done.stdout)
    assert "does not fail any more" not in done.stdout


def test_replay_runs_the_program_of_a_crash_again(tmp_path: Path) -> None:
    """That it does not come again on real threads says nothing: status 3, and not 0."""
    program = {"prefix": [], "threads": [[{"f": "pop", "arguments": []}]]}
    crash = HANG | {"kind": "crash", "model": "treiber-stack", "parameters": program}
    done = stress("replay", failures.save(crash, tmp_path))

    assert done.exit_code == 3
    assert "That does not say that it cannot" in words_of(done.stdout)


def test_replay_hands_recorded_calls_to_the_explorer(tmp_path: Path) -> None:
    """A history is judged, and the calls in it are explored: both are told of."""
    first = [line.replace("[4096, 1]", "[0, 1]") for line in HISTORY]
    faulty = BROKEN | {"model": "registrar:end-rounded-down", "history": first}
    done = stress("replay", failures.save(faulty, tmp_path), "--json")
    found = json.loads(done.stdout)

    check("replay", found)
    assert (done.exit_code, found["verdict"]) == (1, "failed")
    assert "The explorer found it under sc" in found["said"][0]
    assert found["explored"][0]["trace"]["steps"]
    right = json.loads(stress("replay", failures.save(BROKEN, tmp_path), "--json").stdout)
    assert "The explorer did not find it" in right["said"][0]
    assert right["explored"] == []


def test_replay_says_what_has_changed(tmp_path: Path) -> None:
    """Version, interpreter and sources are compared, and it goes on."""
    digest = provenance.current_digest("models/registrar.py")
    older = MISMATCH | {
        "version": "0.0.1",
        "interpreter": "CPython 3.9.1 (GIL build, sparc)",
        "sources": {"models/registrar.py": "0" * 64, "gone.py": "1" * 64},
    }
    done = stress("replay", failures.save(older, tmp_path))
    now = f"replayed with CPython {platform.python_version()}"

    assert done.exit_code == 1
    assert "! models/registrar.py has changed since this was saved" in done.stderr
    assert "! gone.py, which it ran, is not there any more" in done.stderr
    assert f"! saved with CPython 3.9.1, {now}" in words_of(done.stderr)
    assert "! saved by registrar-stress 0.0.1, this is " in done.stderr
    same = MISMATCH | {"sources": {"models/registrar.py": digest}}
    assert stress("replay", failures.save(same, tmp_path)).stderr == ""


@pytest.mark.parametrize("options", [["--verbose"], ["--debug", "1"]])
def test_replay_has_no_steps_of_what_was_recorded(tmp_path: Path, options: list[str]) -> None:
    """Only an explored execution has steps to print or to stop at."""
    done = stress("replay", failures.save(BROKEN, tmp_path), *options)

    assert done.exit_code == 2
    assert "steps of an explored execution" in words_of(done.stderr)


def test_replay_never_calls_unseen_rules_mended(tmp_path: Path) -> None:
    """What is asked of a subject at rest is in no history: it is run again, and may be unknown."""
    program = {"prefix": [], "threads": [[{"f": "pop", "arguments": []}]]}
    effect = {
        "kind": "invariant",
        "model": "treiber-stack",
        "engine": "concurrent",
        "violations": [{"rule": "effect", "message": "after pop: the node was freed"}],
        "parameters": program,
        "history": HISTORY,
    }
    done = stress("replay", failures.save(effect, tmp_path))

    assert done.exit_code == 3
    assert "does not fail any more" not in done.stdout


def test_replay_escapes_what_a_terminal_would_obey(tmp_path: Path) -> None:
    """Neither escape sequences nor markup of a stranger's file reach the terminal as such."""
    message = "\x1b]0;owned\x07[bold]register((0, 1))[/bold]\u202e"
    hostile = HANG | {
        "violations": [{"rule": "hang", "message": message}],
        "stacks": [f"{message}\n"],
        "calls": [message],
        "parameters": {"layout": message},
        "explained": message,
    }
    done = stress("replay", failures.save(hostile, tmp_path))

    assert done.exit_code == 3
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output
    assert "[bold]register" in done.output


@pytest.mark.parametrize(
    "threads",
    [[[{"f": "pop", "arguments": []}]] * 10_000, [[{"f": "pop", "arguments": []}] * 5_000]],
)
@pytest.mark.parametrize("kind", ["crash", "hang"])
def test_replay_starts_no_crowd_of_threads(tmp_path: Path, threads: list[Any], kind: str) -> None:
    """A program that no run draws is none that failed: it is refused before it runs."""
    program = {"prefix": [], "threads": threads}
    hostile = HANG | {"kind": kind, "model": "treiber-stack", "parameters": program}
    done = stress("replay", failures.save(hostile, tmp_path))

    assert done.exit_code == 2
    assert "so it is none that failed" in words_of(done.stderr)
