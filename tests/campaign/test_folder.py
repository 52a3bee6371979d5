"""Folders of campaigns that are damaged, foreign, hostile or in use are refused, and left alone."""

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stress import provenance
from stress.campaign.engines import Workshop
from stress.campaign.folder import DATABASE, Folder, FolderError
from stress.cli import main
from tests.campaign.campaigns import campaign, plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of a campaign of which one case is done."""
    path = tmp_path_factory.mktemp("sound") / "night"
    planned = plan(engines=("sequential",))
    with campaign(path, planned, 0) as coordinator:
        coordinator.books.enter([Workshop(planned).done(planned.case(0))], [], 1.0)
        with coordinator.folder.ledger.writing():
            coordinator.folder.ledger.note({"allowed": "300.0"})
    return path


@pytest.fixture
def night(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, in the current directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sound, "night")
    return Path("night")


def stress(*words: Any) -> Result:
    """Run the command."""
    return CliRunner(env={"COLUMNS": "500"}).invoke(main, [str(word) for word in words])


def changed(night: Path, *statements: str) -> None:
    """Change the database."""
    connection = sqlite3.connect(night / DATABASE)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def noted(night: Path, name: str, value: Any) -> None:
    """Change a note in the database."""
    connection = sqlite3.connect(night / DATABASE)
    connection.execute("REPLACE INTO notes VALUES (?, ?)", (name, value))
    connection.commit()
    connection.close()


def planned_otherwise(**fields: Any) -> Callable[[Path], None]:
    """Return what changes fields of the plan in a folder."""

    def change(night: Path) -> None:
        saved = plan(engines=("sequential",)).to_json() | fields
        noted(night, "plan", json.dumps(saved))

    return change


def text(night: Path) -> None:
    """Put text in place of the database."""
    (night / DATABASE).write_text("x" * 9000)


def cut(night: Path) -> None:
    """Cut the database in the middle."""
    file = night / DATABASE
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def linked(night: Path) -> None:
    """Put a link in place of the database."""
    (night / DATABASE).rename("elsewhere")
    (night / DATABASE).symlink_to(Path("elsewhere").absolute())


def a_folder(night: Path) -> None:
    """Put a folder in place of the database."""
    (night / DATABASE).unlink()
    (night / DATABASE).mkdir()


def a_link_for_failures(night: Path) -> None:
    """Have failures go elsewhere."""
    Path("elsewhere").mkdir()
    (night / "failures").symlink_to(Path("elsewhere").absolute())


def a_journal_that_names_another_file(night: Path) -> None:
    """SQLite would delete the file that it names."""
    (night / f"{DATABASE}-journal").write_bytes(b"victim" + bytes.fromhex("d9d505f920a163d7"))


def a_write_ahead_log(night: Path) -> None:
    """Leave what no campaign leaves."""
    (night / f"{DATABASE}-wal").write_bytes(b"more")


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no folder": (shutil.rmtree, "cannot be gone on from"),
    "empty": (lambda night: (night / DATABASE).unlink(), f"it has no {DATABASE}"),
    "text": (text, "not a database"),
    "cut": (cut, "malformed|damaged"),
    "a link": (linked, "is not a file of its own"),
    "a folder in its place": (a_folder, "is not a file of its own"),
    "failures elsewhere": (a_link_for_failures, "failures is not a folder of its own"),
    "a journal of others": (a_journal_that_names_another_file, "names other files"),
    "a write-ahead log": (a_write_ahead_log, "not what a campaign leaves"),
    "newer": (lambda night: changed(night, "PRAGMA user_version = 2"), "it is of format 2"),
    "foreign": (
        lambda night: changed(night, "PRAGMA application_id = 7"),
        "a database of something else",
    ),
    "a trigger": (
        lambda night: changed(
            night,
            "CREATE TRIGGER t AFTER INSERT ON cases BEGIN DELETE FROM cases; END",
        ),
        "its tables are not those of a campaign",
    ),
    "a view": (
        lambda night: changed(night, "DROP TABLE sums", "CREATE VIEW sums AS SELECT 1"),
        "its tables are not those of a campaign",
    ),
    "no plan": (lambda night: noted(night, "plan", "[[["), "its plan is damaged"),
    "an engine that is none": (planned_otherwise(engines=["shell"]), "an engine that is none"),
    "a field too many": (planned_otherwise(command="true"), "its plan is damaged"),
    "no models": (planned_otherwise(models=[]), "its plan is damaged"),
    "a number that is none": (planned_otherwise(cap="1"), "its plan is damaged"),
    "a program in a file": (
        planned_otherwise(
            first=[
                {
                    "model": "spsc-ring",
                    "engine": "explore",
                    "program": "evil.py::f",
                    "seed": 0,
                }
            ]
        ),
        "its plan is damaged",
    ),
    "a model that is not there": (planned_otherwise(models=["nothing"]), "no model 'nothing'"),
    "a model in a file": (
        planned_otherwise(models=["evil.py::Model"]),
        "If you trust it, name it:  stress resume night evil.py::Model",
    ),
    "sums that are none": (
        lambda night: changed(night, "UPDATE sums SET value = '{}'"),
        "it is damaged: sums have other fields",
    ),
    "a failure outside": (
        lambda night: changed(
            night,
            "INSERT INTO failures VALUES ('../../evil', '', '', '', '', 1, 0, 0.0, '')",
        ),
        "a failure in it is named as none is",
    ),
    "a failure of a stranger": (
        lambda night: changed(
            night,
            "INSERT INTO pending VALUES (1, 0, 'c', "
            '\'{"kind": "execution", "target": "evil.py::f"}\')',
        ),
        "a failure in it is of none of its models",
    ),
}


def content(path: Path) -> dict[str, bytes]:
    """Return all files below `path`."""
    return {str(file): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


@pytest.mark.parametrize(("spoil", "why"), BAD.values(), ids=BAD)
def test_bad_folder_is_refused_and_left_as_it_is(
    night: Path, tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    """An error that says what, why and what to do; status 2; nothing is written or imported."""
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')")
    spoil(night)
    before = content(tmp_path)
    done = stress("resume", night)

    assert done.exit_code == 2, done.output
    error = done.stderr.partition("Error: ")[2]
    assert re.search(why, error), error
    assert len(error.strip().splitlines()) >= 2
    assert content(tmp_path) == before


def test_folder_in_use_is_refused(night: Path) -> None:
    """Two coordinators would do the same cases."""
    with Folder.open(night, going_on=True):
        done = stress("resume", night)
        with Folder.open(night) as folder:  # it can be read all the same
            assert folder.cases == 1

    assert done.exit_code == 2
    assert "another process goes on with the campaign" in done.stderr


def test_new_campaign_leaves_an_old_one_alone(night: Path) -> None:
    """A folder holds one campaign."""
    before = content(night)
    done = stress("run", "once", "--for", "1", "--out", night)

    assert done.exit_code == 2
    assert "holds a campaign already" in done.stderr
    assert "stress resume night" in done.stderr
    assert content(night) == before


def test_time_that_is_up_is_said(night: Path) -> None:
    """Nothing is left to go on with."""
    noted(night, "allowed", "1.0")
    done = stress("resume", night)

    assert done.exit_code == 2
    assert "Give it more:  stress resume night --for 1h" in done.stderr


def test_folder_tells_what_changed(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version, and other sources."""
    with Folder.open(night) as folder:
        assert folder.changes() == []
    monkeypatch.setattr(provenance, "version", lambda: "99.0")
    monkeypatch.setattr(
        "stress.campaign.folder.sources", lambda _: {"models/spsc_ring.py": "another"}
    )
    with Folder.open(night) as folder:
        version, source = folder.changes()

    assert "this is 99.0" in version
    assert source == "models/spsc_ring.py has changed since."


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_folder_that_is_read_only_can_be_read_alone(night: Path) -> None:
    """To go on with it, it has to be writable."""
    (night / DATABASE).chmod(0o444)
    night.chmod(0o555)
    with Folder.open(night) as folder:
        assert folder.cases == 1
    with pytest.raises(FolderError, match="readonly"), Folder.open(night, going_on=True):
        pass


@pytest.fixture(autouse=True)
def _writable(tmp_path: Path) -> Iterator[None]:
    """Let what was made read-only be removed."""
    yield
    for path in tmp_path.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
