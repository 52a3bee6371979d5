"""Failures as files: whole or not at all, and read back with suspicion."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
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
    "another sort of format": SAVED.replace(b'"format": 2', b'"format": "2"'),
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
    with pytest.raises(FailureFileError, match=r"huge\.json is not .* 16 MiB"):
        failures.load(path)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_load_rejects_endless_device() -> None:
    """A device that never ends is read no further than the limit."""
    with pytest.raises(FailureFileError, match="larger than"):
        failures.load(Path("/dev/zero"))


EXECUTION: dict[str, Any] = {
    "kind": "execution",
    "model": "registrar",
    "engine": "explore",
    "violations": [{"rule": "race", "message": "two threads race"}],
    "target": "registrar/same-chunk",
    "memory": "rc11",
    "release_sequence": "c++20",
    "steps": 2000,
    "spurious": 0,
    "schedule": ["0 spawn"],
    "trace": {
        "kind": "race",
        "title": "two threads race",
        "threads": ["one", "two"],
        "steps": [{"number": 1, "thread": 0, "operation": "store", "view": {"x": "0 (initial)"}}],
        "ends": [],
        "observed": [],
        "allowed": [],
        "why": [],
    },
}


def test_formats_of_other_versions_are_refused(tmp_path: Path) -> None:
    """The refusal names both formats, and says how to come by a file of this one."""
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"format": 1, **EXECUTION}))
    with pytest.raises(FailureFileError, match=r"format 1, .*format 2(?s:.*)stress run"):
        failures.load(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "joke"}, "kind is 'joke', which is none of execution"),
        ({"model": 7}, "model is 7, which is not of type string"),
        ({"model": "\x1b[31mred"}, r"model is '\x1b[31mred', which does not match"),
        ({"model": "left\u202eright"}, r"model is 'left\u202eright'"),
        ({"model": "x" * 100_000}, "longer than 2000 characters"),
        ({"engine": "\x00"}, "engine is"),
        ({"steps": 10**9}, "steps is 1000000000, which is more than"),
        ({"memory": "plan9"}, "memory is 'plan9', which is none of sc, tso, rc11"),
        ({"schedule": [1]}, "schedule[0] is 1"),
        ({"schedule": ["0 load"] * 1_000_000}, "which has more than 200000 items"),
        ({"schedule": ["0 load" * 1_000]}, "schedule[0] is '0 load0 load"),
        ({"sources": {"/etc/passwd": "0" * 64}}, "sources is '/etc/passwd'"),
        ({"sources": {"../secret.py": "0" * 64}}, "sources is '../secret.py'"),
        ({"sources": {"a.py": "?"}}, "sources.a.py is '?'"),
        ({"fingerprint": "../../x"}, "fingerprint is '../../x'"),
        ({"violations": []}, "violations is [], which has fewer than 1 items"),
        ({"violations": [{"rule": "I1"}]}, "it has no field message of violations[0]"),
        ({"tried": [{"change": "all"}]}, "it has no field where, verdict, executions, size"),
        ({"trace": {**EXECUTION["trace"], "conflict": [1, 2, 3]}}, "trace.conflict is [1, 2, 3]"),
        ({"trace": {**EXECUTION["trace"], "run": "code"}}, "trace is"),
        ({"trace": {**EXECUTION["trace"], "steps": [{"number": 1}]}}, "of trace.steps[0]"),
    ],
    ids=lambda each: each[:40] if isinstance(each, str) else "",
)
def test_load_holds_a_file_against_the_schema(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    """The first field that is not as it has to be is named, with its value and why."""
    path = failures.save(EXECUTION | change, tmp_path)
    with pytest.raises(FailureFileError) as refusal:
        failures.load(path)

    assert why in str(refusal.value)
    assert str(refusal.value).replace("\n", "").isprintable()
    assert len(str(refusal.value)) < 1_000


WHOLE = json.dumps({"format": failures.FORMAT, **EXECUTION, "lengths": {"schedule": 1}})
HOSTILE = {
    "a name twice": WHOLE.replace('"steps": 2000', '"steps": 2000, "steps": 1'),
    "not a number": WHOLE.replace('"steps": 2000', '"steps": NaN'),
    "infinity": WHOLE.replace('"steps": 2000', '"steps": 1e999'),
    "minus infinity": WHOLE.replace('"steps": 2000', '"steps": -Infinity'),
    "a number without end": WHOLE.replace('"steps": 2000', '"steps": ' + "9" * 1_000_000),
    "a fraction without end": WHOLE.replace('"steps": 2000', '"steps": 0.' + "9" * 1_000_000),
    "deep lists": WHOLE.replace('"steps": 2000', '"options": ' + "[" * 100_000 + "]" * 100_000),
    "deep objects": WHOLE.replace('"steps": 2000', '"x": ' + '{"x":' * 99 + "1" + "}" * 99),
    "many lists": WHOLE.replace('"steps": 2000', '"x": [' + "[]," * 2_000_000 + "1]"),
    "a text that does not end": WHOLE[:-1] + ', "x": "' + '\\"' * 1_000_000,
    "a lone surrogate as bytes": WHOLE.replace("registrar", "\ud800"),
    "a text instead of an object": '"format"',
    "a number": "2",
    "true": "true",
    "format is true": '{"format": true}',
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_load_refuses_what_would_cost_or_confuse(tmp_path: Path, content: str) -> None:
    """Neither size nor depth nor double meanings get further than one clear refusal."""
    path = tmp_path / "hostile.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(
        FailureFileError, match=r"hostile\.json is not a saved failure: "
    ) as refusal:
        failures.load(path)

    assert len(str(refusal.value)) < 1_000


@pytest.mark.parametrize("field", ["schedule", "history"])
def test_load_refuses_a_list_that_was_cut(tmp_path: Path, field: str) -> None:
    """What is left of a history or a schedule may fail no more, which would be a lie."""
    whole = EXECUTION | {"schedule": ["0 spawn"] * 3, "history": ["{}"] * 3}
    saved = json.loads(failures.save(whole, tmp_path).read_text())
    cut: list[list[str]] = [[], saved[field][:2], saved[field] * 2]
    for left in cut:
        path = tmp_path / "cut.json"
        path.write_text(json.dumps(saved | {field: left}))
        with pytest.raises(FailureFileError, match=r"damaged.*entries, and 3 were saved"):
            failures.load(path)
    path.write_text(json.dumps({name: saved[name] for name in saved if name != "lengths"}))
    with pytest.raises(FailureFileError, match="how many it had is not said"):
        failures.load(path)


def test_schema_is_published_and_describes_each_field() -> None:
    """It is one file, valid as a schema, which the documentation links to."""
    published = Path(__file__).parents[2] / "docs" / failures.SCHEMA
    schema = json.loads(published.read_text(encoding="utf-8"))

    assert published.resolve().parent.name == "schemas"
    jsonschema.Draft202012Validator.check_schema(schema)
    assert all("description" in field or "$ref" in field for field in schema["properties"].values())


def test_reading_failures_costs_nothing_where_there_are_none() -> None:
    """The library that checks schemas is imported when a failure is read, and not before."""
    code = "import sys, stress.cli, stress.pytest_plugin; print('jsonschema' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout == "False\n"
