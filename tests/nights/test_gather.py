"""`stress gather`: campaigns become a night, and what it cannot read changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from stress import failures
from stress.cli import main

type Gather = Callable[..., tuple[int, str]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a campaign that has found one failure."""
    folder = tmp_path_factory.mktemp("shard") / "night"
    words = ["run", "once:relaxed-store", "--engine", "explore", "--for", "3", "--seed", "1"]
    done = CliRunner().invoke(main, [*words, "--jobs", "1", "--out", str(folder)])
    assert done.exit_code == 1, done.output
    return folder


@pytest.fixture
def gather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gather:
    """Return the command, with its status and all that it prints, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def gathered(*words: object) -> tuple[int, str]:
        done = CliRunner(env={"COLUMNS": "300"}).invoke(main, ["gather", *map(str, words)])
        return done.exit_code, " ".join(done.output.split())

    return gathered


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder` by its name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_gather_tells_what_is_new(shard: Path, gather: Gather) -> None:
    """A failure becomes the text of an issue, whose first line replays it from where it is."""
    status, output = gather(shard, "--into", "nights", "--night", "1")
    [body] = Path("nights/new").glob("*.md")
    command, empty, fence, title, *_ = body.read_text(encoding="utf-8").splitlines()
    replayed = CliRunner().invoke(main, command.removeprefix("stress ").split())

    assert status == 1
    assert "1 of them new" in output
    assert command == f"stress replay nights/failures/{body.stem}.json"
    assert (empty, fence) == ("", "```text")
    assert "reads value" in title
    assert body.with_suffix(".title").read_text().endswith(f"[{body.stem}]\n")
    assert replayed.exit_code == 1, replayed.output


def test_gather_knows_it_the_night_after(shard: Path, gather: Gather) -> None:
    """What a night before has found is not new, and there is no text for another issue."""
    gather(shard, "--into", "nights", "--night", "1")
    status, output = gather(shard, "--into", "nights", "--night", "2")

    assert status == 1
    assert "0 of them new" in output
    assert [*Path("nights/new").iterdir()] == []
    assert Path("nights/trend.md").read_text().count("\n") == 4
    assert "From night to night" in Path("nights/report.html").read_text(encoding="utf-8")


def test_gather_leaves_out_what_it_cannot_read(shard: Path, gather: Gather, tmp_path: Path) -> None:
    """A shard that is damaged is told and left out; the rest of the night is kept."""
    wreck = tmp_path / "wreck"
    wreck.mkdir()
    (wreck / "campaign.sqlite").write_bytes(b"not a database" * 99)
    status, output = gather(shard, wreck, "--into", "nights", "--night", "1")

    assert status == 1  # it has met a failure; without one it would be 3
    assert "left out" in output
    assert "wreck" in output
    assert json.loads(Path("nights/nights.json").read_text())["nights"][0]["failures"] == 1


def test_gather_refuses_a_night_of_nothing(gather: Gather) -> None:
    """Where no shard can be read nothing is written."""
    status, output = gather("nowhere", "--into", "nights", "--night", "1")

    assert status == 2
    assert "nowhere" in output
    assert not Path("nights").exists()


@pytest.mark.parametrize("name", ["../1", "a|b", ""])
def test_gather_refuses_what_is_no_name(name: str, shard: Path, gather: Gather) -> None:
    """A name that would break a table or a path is refused, and nothing is written."""
    status, output = gather(shard, "--into", "nights", "--night", name)

    assert status == 2
    assert "is no name for a night" in output
    assert not Path("nights").exists()


def test_gather_refuses_damaged_nights(shard: Path, gather: Gather) -> None:
    """Nights that cannot be read are not begun anew over what there is."""
    gather(shard, "--into", "nights", "--night", "1")
    Path("nights/nights.json").write_text('{"format": 1, "nights": 7}')
    before = content(Path("nights"))
    status, output = gather(shard, "--into", "nights", "--night", "2")

    assert status == 2
    assert "nights.json is damaged" in output
    assert content(Path("nights")) == before


def test_gather_refuses_a_folder_of_something_else(shard: Path, gather: Gather) -> None:
    """A folder with other things in it is not taken for one of nights."""
    Path("nights").mkdir()
    Path("nights/thesis.txt").write_text("years of work")
    status, output = gather(shard, "--into", "nights", "--night", "1")

    assert status == 2
    assert "remembers no nights" in output
    assert content(Path("nights")) == {"thesis.txt": b"years of work"}


def test_gather_keeps_the_nights_where_it_cannot_write(
    shard: Path, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full, the nights are those of the night before."""
    gather(shard, "--into", "nights", "--night", "1")
    before = Path("nights/nights.json").read_bytes()

    def full(path: Path, text: str) -> None:
        raise failures.OutputError(f"cannot write {path.name}: no space ({len(text)} characters)")

    monkeypatch.setattr(failures, "write", full)
    status, output = gather(shard, "--into", "nights", "--night", "2")

    assert status == 2
    assert "no space" in output
    assert Path("nights/nights.json").read_bytes() == before


def test_night_begins_with_what_nights_know(shard: Path, gather: Gather) -> None:
    """The next campaign replays what is known, and takes its coverage and seeds over."""
    gather(shard, "--into", "nights", "--night", "1")
    words = ["run", "once:relaxed-store", "--engine", "explore", "--for", "3", "--seed", "2"]
    done = CliRunner(env={"COLUMNS": "300"}).invoke(
        main, [*words, "--jobs", "1", "--corpus", "nights", "--out", "night"]
    )
    status, output = gather("night", "--into", "nights", "--night", "2")

    assert done.exit_code == 1
    assert "known from before, still fails" in " ".join(done.output.split())
    assert status == 1
    assert "1 failures, 0 of them new" in output


def test_issue_text_survives_fences(shard: Path, gather: Gather) -> None:
    """The report is one block of Markdown, whatever is in it."""
    gather(shard, "--into", "nights", "--night", "1")
    [body] = Path("nights/new").glob("*.md")
    lines = body.read_text(encoding="utf-8").splitlines()

    assert lines[2].removesuffix("text") == lines[-1] == "```"
    assert not any("```" in line for line in lines[3:-1])
