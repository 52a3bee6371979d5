"""`stress report`: saved failures shown again, and nothing done but that."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stress import failures
from stress.cli import main
from tests.reports.samples import KINDS, history, race


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stress(*words: object) -> Result:
    """Return what a command came to, in this process."""
    return CliRunner().invoke(main, ["report", *map(str, words)])


def test_file_is_shown_as_the_run_showed_it() -> None:
    """Title, replay command and evidence, with status 0: it was shown."""
    path = failures.save(race(), Path("failures"))
    result = stress(path)

    assert result.exit_code == 0
    assert "✗ thread 1 reads items while thread 0 writes there" in result.stdout
    assert f"stress replay {path}" in result.stdout


def test_ascii_is_ascii() -> None:
    """What a terminal cannot show need not be printed."""
    path = failures.save(race(), Path("failures"))

    assert stress(path, "--ascii").stdout.isascii()


@pytest.mark.parametrize("given", ["out", "out/failures", "."])
def test_folder_is_shown_whole_with_an_index(given: str) -> None:
    """An output folder, its folder of failures, or one above several of them."""
    for make in (race, history):
        failures.save(make(), Path("out/failures"))
    Path("out/report.json").write_text("{}", encoding="utf-8")
    result = stress(given)

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split()[:3] == ["saved", "kind", "model"]
    assert result.stdout.count("✗ thread 1 reads items") == 1
    assert result.stdout.count("✗ get() of thread 2") == 1


def test_folder_without_failures_says_so() -> None:
    """A run that found nothing leaves nothing to show, and that is no error."""
    Path("out/failures").mkdir(parents=True)
    result = stress("out")

    assert (result.exit_code, result.stdout) == (0, "No failure is saved there.\n")


def test_files_are_written_from_the_same_failures() -> None:
    """A page and JUnit XML; and JSON on standard output."""
    for make in KINDS.values():
        failures.save(make(), Path("failures"))
    result = stress("failures", "--html", "page.html", "--junit", "junit.xml", "--json")

    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["reports"]) == len(KINDS)
    assert "thread 1 reads items while thread 0 writes there" in Path("page.html").read_text(
        encoding="utf-8"
    )
    assert Path("junit.xml").read_text(encoding="utf-8").count("<testcase") == len(KINDS)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it is not JSON"),
        ("[]", "format"),
        (json.dumps({"format": 2}), "has no field"),
        (json.dumps(race() | {"trace": {"kind": "race"}}), "it.json"),
        (json.dumps(history() | {"history": ["{"]}), "it.json"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_nothing_is_written(content: str, why: str) -> None:
    """One file of several that is damaged: status 2, which file it is, and no page without it."""
    failures.save(race(), Path("failures"))
    Path("failures/it.json").write_text(content, encoding="utf-8")
    result = stress("failures", "--html", "page.html", "--junit", "junit.xml")

    assert result.exit_code == 2
    assert "it.json" in result.stderr
    assert why in result.stderr
    assert not result.stdout
    assert not Path("page.html").exists()
    assert not Path("junit.xml").exists()


def test_what_is_not_there_is_an_error() -> None:
    """A name that nobody saved: status 2."""
    result = stress("nowhere.json")

    assert result.exit_code == 2
    assert "nowhere.json is not a saved failure" in result.stderr


def test_where_nothing_can_be_written_is_an_error() -> None:
    """A folder that is none: status 2, and what to do."""
    path = failures.save(race(), Path("failures"))
    Path("file").write_text("", encoding="utf-8")
    result = stress(path, "--html", "file/page.html")

    assert result.exit_code == 2
    assert "page.html" in result.stderr


def test_nothing_of_a_failure_is_carried_out() -> None:
    """A model that is no model, a target that would be imported: they are words."""
    Path("trap.py").write_text('raise SystemExit("sprung")', encoding="utf-8")
    failure = race() | {"model": "trap.py::Model", "target": "trap.py::scenario"}
    path = failures.save(failure, Path("failures"))
    result = stress(path)

    assert result.exit_code == 0
    assert "sprung" not in result.output
