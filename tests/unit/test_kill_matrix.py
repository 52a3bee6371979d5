"""The kill matrix: which engine kills what, and that nothing right is accused."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stress import mutants as matrix
from stress.cli import main
from stress.host import Host
from stress.mutants import COLUMNS, Cell, Row, as_json, fill, rows
from stress.registry import UnknownModelError
from stress.report import kill_matrix
from stress.threads import supervisor
from stress.threads.census import Census
from stress.threads.supervisor import ThreadsRun
from stress.verdict import NoVerdictError, Verdict
from tests.machines.prey import FILE

COUNTER = f"{FILE}::CounterModel"
SURVIVED = Cell(False, 2.0, 1_000)  # noqa: FBT003
KILLED = Cell(True, 0.25, 17)  # noqa: FBT003
UNSURE = Cell(False, 2.0, 0, "no call overlapped")  # noqa: FBT003


def row(kind: str, *killers: str, doubt: str = "") -> Row:
    """Return a row of which these columns kill the subject, and one is in doubt."""
    cells = {
        column: KILLED if column in killers else UNSURE if column == doubt else SURVIVED
        for column in COLUMNS
    }
    return Row("counter", "counter" if kind == "correct" else "other", kind, "It counts.", cells)


def printed_by(*words: str) -> Result:
    """Return what `stress mutants` prints, on wide lines."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["mutants", *words])


# What a row comes to


@pytest.mark.parametrize(
    ("kind", "killers", "doubt", "verdict"),
    [
        ("correct", [], "", Verdict.OK),
        ("correct", ["threads"], "", Verdict.FAILED),
        ("correct", [], "threads", Verdict.UNKNOWN),
        ("mutant", ["explore-rc11"], "", Verdict.OK),
        ("mutant", ["explore-rc11"], "threads", Verdict.OK),
        ("mutant", [], "", Verdict.FAILED),
        ("mutant", [], "threads", Verdict.FAILED),
        ("equivalent", [], "", Verdict.OK),
        ("equivalent", ["sequential"], "", Verdict.FAILED),
        ("equivalent", ["sequential"], "threads", Verdict.FAILED),
    ],
)
def test_row_is_judged_by_its_kind(
    kind: str, killers: list[str], doubt: str, verdict: Verdict
) -> None:
    """A mutant has to be killed by one engine; what is right has to survive everywhere."""
    assert row(kind, *killers, doubt=doubt).verdict is verdict


def test_rows_are_the_subjects_of_a_model() -> None:
    """The correct one, then the mutants, then the equivalents, each with what it is."""
    found = list(rows([COUNTER]))

    assert [(each.name, each.kind) for each in found] == [
        ("CounterModel", "correct"),
        ("lost-update", "mutant"),
        ("missed-three", "mutant"),
        ("stronger-increment", "equivalent"),
    ]
    assert all(each.summary for each in found)
    assert found[3].summary.startswith("The increment is sequentially consistent: nobody can tell")


def test_unknown_model_has_no_rows() -> None:
    """It is refused before anything runs."""
    with pytest.raises(UnknownModelError):
        list(rows(["nosuch"]))


def test_engine_without_a_verdict_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever prevents an engine from saying anything is noted, and the others go on."""

    def broken(*_: object) -> Cell:
        raise NoVerdictError("no judge today")

    engines = dict.fromkeys(COLUMNS, lambda *_: SURVIVED)
    monkeypatch.setattr(matrix, "_ENGINES", engines | {"threads": broken})
    [correct, *_] = rows([COUNTER])
    for column in COLUMNS:
        fill(correct, column, 1.0, 0)

    assert list(correct.cells) == list(COLUMNS)
    assert correct.cells["threads"].doubt == "no judge today"
    assert correct.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"gil": True}, "The GIL is on"),
        ({"census": Census(overlapped=9, unknown=Counter(odd=3))}, "3 instances prove nothing"),
        ({"errors": ["no kernel"]}, "no kernel"),
    ],
)
def test_threads_that_prove_nothing_are_in_doubt(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], why: str
) -> None:
    """What makes a run unknown makes a cell doubtful."""
    done = ThreadsRun(**{"census": Census(overlapped=9)} | changes)
    monkeypatch.setattr(supervisor, "run", lambda *_: done)
    [correct, *_] = rows([COUNTER])
    fill(correct, "threads", 1.0, 0)

    assert why in correct.cells["threads"].doubt
    assert correct.verdict is Verdict.UNKNOWN


def test_matrix_is_written_for_readers_and_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A page shows the table and each survivor; the XML has a case for each subject."""
    monkeypatch.setattr(matrix, "_ENGINES", dict.fromkeys(COLUMNS, lambda *_: SURVIVED))
    html, junit = tmp_path / "matrix.html", tmp_path / "matrix.xml"
    done = printed_by(COUNTER, "--html", str(html), "--junit", str(junit))
    page = html.read_text(encoding="utf-8")

    assert done.exit_code == 1
    assert "lost-update" in page
    assert "survives" in page
    assert junit.read_text(encoding="utf-8").count("<testcase ") == 4


@pytest.mark.parametrize("option", ["--html", "--junit"])
def test_matrix_that_cannot_be_written_is_not_begun(option: str, tmp_path: Path) -> None:
    """Where a file cannot be written, nothing is run for it first; status 2."""
    file = tmp_path / "file"
    file.write_text("in the way")
    done = printed_by(COUNTER, option, str(file / "matrix"))

    assert done.exit_code == 2
    assert "cannot write" in done.output


def test_interrupted_matrix_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends it, the subjects so far are shown, and nothing has survived for less time."""
    runs = iter([ThreadsRun(census=Census(overlapped=9)), ThreadsRun(interrupted=True)])
    engines = dict.fromkeys(COLUMNS, lambda *_: SURVIVED) | {"threads": matrix._threads}
    monkeypatch.setattr(matrix, "_ENGINES", engines)
    monkeypatch.setattr(supervisor, "run", lambda *_: next(runs))
    done = printed_by(COUNTER, "--json")

    assert done.exit_code == 3
    assert "Interrupted: 1 of 4 subjects were tried." in done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == "unknown"
    assert [each["name"] for each in found["subjects"]] == ["CounterModel"]


# How it is shown


def test_matrix_is_json() -> None:
    """As the issue says: subjects, kinds, and a cell for each column."""
    found = as_json([row("mutant", "explore-sc"), row("correct", doubt="threads")])
    mutant, correct = found["subjects"]

    assert set(found) == {"subjects"}
    assert (mutant["model"], mutant["name"], mutant["kind"]) == ("counter", "other", "mutant")
    assert list(mutant["cells"]) == list(COLUMNS)
    assert mutant["cells"]["explore-sc"] == {"killed": True, "seconds": 0.25, "executions": 17}
    assert mutant["cells"]["threads"] == {"killed": False, "seconds": 2.0, "executions": 1_000}
    assert correct["cells"]["threads"]["doubt"] == "no call overlapped"


def test_matrix_is_markdown() -> None:
    """A table with a line for each subject, a cross where it was killed."""
    shown = kill_matrix.markdown(
        [row("correct"), row("mutant", "explore-sc"), row("equivalent", doubt="threads")]
    )

    assert shown.splitlines() == [
        "| subject | sequential | threads | concurrent | explore-sc | explore-tso | explore-rc11 |",
        "|---|---|---|---|---|---|---|",
        "| **counter** | · | · | · | · | · | · |",
        "| `other` | · | · | · | ✗ 0.25 s | · | · |",
        "| `other`, equivalent | · | ? | · | · | · | · |",
    ]


# On real prey


@pytest.mark.slow
@pytest.mark.threads
def test_mutants_are_killed_and_the_rest_survives() -> None:
    """Each mutant by an engine at least, nothing right by any; unknown if threads prove nothing."""
    done = printed_by(COUNTER, "--for", "1", "--seed", "3", "--json")
    found = json.loads(done.stdout)
    subjects = {each["name"]: each for each in found["subjects"]}
    killers = {
        name: [column for column, cell in each["cells"].items() if cell["killed"]]
        for name, each in subjects.items()
    }

    doubtful = bool(Host.of_this_process().doubts())
    assert done.exit_code == (3 if doubtful else 0), done.output
    assert found["verdict"] == ("unknown" if doubtful else "ok")
    assert [each["kind"] for each in subjects.values()] == [
        *("correct", "mutant", "mutant", "equivalent"),
    ]
    assert killers["CounterModel"] == killers["stronger-increment"] == []
    assert set(killers["lost-update"]) >= {"explore-sc", "explore-tso", "explore-rc11"}
    assert "sequential" not in killers["lost-update"]
    assert set(killers["missed-three"]) >= {"sequential", "explore-sc", "explore-rc11"}
    for each in subjects.values():
        assert each["model"] == COUNTER
        assert list(each["cells"]) == list(COLUMNS)
        for cell in each["cells"].values():
            assert cell.keys() >= {"killed", "seconds", "executions"}
            assert cell["executions"] > 0
            assert 0 <= cell["seconds"] < 60


@pytest.mark.slow
@pytest.mark.threads
def test_survivor_and_impostor_are_failures() -> None:
    """Status 1: a mutant that nobody killed, and an equivalent that somebody did."""
    done = printed_by(f"{FILE}::WronglyAccusedModel", "--for", "0.5", "--markdown")

    printed = " ".join(done.output.split())

    assert done.exit_code == 1, done.output
    assert "survivor was killed by no engine: The increment is sequentially" in printed
    assert "impostor is right, and was accused: The increment is a load and a store" in printed
    assert "0 of 1 mutants killed; 1 of 2 correct subjects and equivalents survive" in printed
    assert re.search(r"\| `impostor`, equivalent \|.*✗ [\d.]+ s", done.stdout)
    assert "| `survivor` | · |" in done.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nosuch"], "there is no model 'nosuch'"),
        (["once:no-recheck"], "'once:no-recheck' is a row of the matrix of once. Name the model"),
        ([f"{FILE}::NoSuchModel"], "has no model NoSuchModel"),
        (["tests/nosuch.py::Model"], "tests/nosuch.py is not there"),
        ([COUNTER, "--for", "never"], "never"),
        ([COUNTER, "--seed", "-1"], "--seed"),
    ],
)
def test_wrong_usage_is_refused(words: list[str], why: str) -> None:
    """Status 2, before anything runs."""
    done = printed_by(*words)

    assert done.exit_code == 2
    assert why in " ".join(done.output.split())
