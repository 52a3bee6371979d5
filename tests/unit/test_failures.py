"""Failures as files: whole or not at all, and read back with suspicion."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress import failures
from stress.failures import FailureFileError, OutputError

FAILURE = {"kind": "hang", "model": "registrar", "engine": "threads", "violations": []}


def whole_files(folder: Path) -> dict[str, str]:
    """Return every file in `folder` by name, with what it holds."""
    return {path.name: path.read_text() for path in folder.iterdir()}


@settings(max_examples=20)
@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_failure_loads_as_it_was_saved(
    tmp_path_factory: pytest.TempPathFactory, evidence: dict[str, Any]
) -> None:
    """`load` returns what `save` was given, and the format."""
    failure = FAILURE | {"saved": evidence}
    path = failures.save(failure, tmp_path_factory.mktemp("out"))

    assert failures.load(path) == {"format": failures.FORMAT} | failure


def test_save_names_file_by_content(tmp_path: Path) -> None:
    """Equal failures share a file, different ones have a file each."""
    first = failures.save(FAILURE, tmp_path)

    assert failures.save(dict(FAILURE), tmp_path) == first
    assert failures.save(FAILURE | {"kind": "crash"}, tmp_path) != first
    assert len(whole_files(tmp_path)) == 2


def test_save_makes_missing_folders(tmp_path: Path) -> None:
    """The folder of a failure need not exist."""
    assert failures.save(FAILURE, tmp_path / "a" / "b").is_file()


def test_write_replaces_content(tmp_path: Path) -> None:
    """`write` replaces what the file held, and leaves no other file behind."""
    path = tmp_path / "report.json"
    failures.write(path, "old")
    failures.write(path, "new")

    assert whole_files(tmp_path) == {"report.json": "new"}


def test_write_never_shows_half_a_file(tmp_path: Path) -> None:
    """Whoever has the old file open goes on reading the old file: it is replaced, not changed."""
    path = tmp_path / "report.json"
    failures.write(path, "old")
    with path.open() as old:
        failures.write(path, "new")

        assert old.read() == "old"


def test_write_keeps_old_file_when_it_fails(tmp_path: Path) -> None:
    """What cannot be written as text leaves the old file, and nothing half written."""
    path = tmp_path / "report.json"
    failures.write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        failures.write(path, "new \ud800")

    assert whole_files(tmp_path) == {"report.json": "old"}


@pytest.mark.parametrize("attempt", [failures.check_writable, lambda out: failures.save({}, out)])
def test_unwritable_folder_raises_output_error(tmp_path: Path, attempt: Any) -> None:
    """A folder that cannot be made is refused with what, why and what to do."""
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(OutputError, match=r"(?s)cannot write .*file/out: .+--out"):
        attempt(file / "out")

    assert whole_files(tmp_path) == {"file": "mine"}


def test_check_writable_leaves_nothing_behind(tmp_path: Path) -> None:
    """Asking whether a folder can be written leaves it empty."""
    failures.check_writable(tmp_path / "out")

    assert whole_files(tmp_path / "out") == {}


FULL_DISK = """
import resource, sys
from pathlib import Path
from stress import failures

out = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for attempt in (
    lambda: failures.save({"history": ["line"] * 1000}, out),
    lambda: failures.write(out / "report.json", "new" * 1000),
    lambda: failures.check_writable(out),
):
    try:
        attempt()
    except failures.OutputError as error:
        print(error)
"""


@pytest.mark.slow
def test_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """Where a file cannot grow, all three ways to write say why and leave the folder as it was."""
    (tmp_path / "report.json").write_text("old")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FULL_DISK, tmp_path],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )

    assert done.stdout.count(f"in {tmp_path}: File too large.\n  Nothing was left half") == 3
    assert whole_files(tmp_path) == {"report.json": "old"}


SAVED = json.dumps({"format": failures.FORMAT, **FAILURE}).encode()
FOREIGN = {
    "empty": b"",
    "cut short": SAVED[:-1],
    "not text": b"\x89PNG\r\n\x1a\n\xff",
    "another JSON": b'{"verdict": "ok"}',
    "no object": b"[1]",
    "another format": SAVED.replace(b'"format": 1', b'"format": 2'),
    "no kind": SAVED.replace(b'"kind"', b'"sort"'),
    "nested too deeply": b"[" * 1_000_000,
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_load_rejects_foreign_file(tmp_path: Path, content: bytes) -> None:
    """A file that is no saved failure is refused once, with what, why and what to do."""
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(FailureFileError, match=r"some\.json is not a saved failure: ") as refusal:
        failures.load(path)

    assert str(refusal.value).count("is not a saved failure") == 1
    assert "stress run" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "why"), [("missing.json", "No such file"), (".", "Is a directory")]
)
def test_load_rejects_what_is_no_file(tmp_path: Path, name: str, why: str) -> None:
    """A path without a file is refused in the system's words."""
    with pytest.raises(FailureFileError, match=why):
        failures.load(tmp_path / name)


@pytest.mark.slow
def test_load_rejects_huge_file(tmp_path: Path) -> None:
    """A file above the limit is refused for its size alone."""
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(FailureFileError, match=r"huge\.json is not .* 64 MiB"):
        failures.load(path)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_load_rejects_endless_device() -> None:
    """A device that never ends is read no further than the limit."""
    with pytest.raises(FailureFileError, match="larger than"):
        failures.load(Path("/dev/zero"))
