"""The command line: what it refuses, what it prints, and its exit status."""

import importlib
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from stress import cli, failures, registry
from stress.duration import Duration
from stress.host import Host
from stress.report.text import ENGINES

FIELDS = {
    "verdict",
    "interpreter",
    "gil",
    "cores",
    "threads",
    "seconds",
    "calls",
    "calls_per_second",
    "overlapped",
    "contended",
    "callbacks",
    "failures_injected",
    "violations",
    "seed",
}
"""What the issue promises of ``--json``."""

command_run = importlib.import_module("stress.commands.run")  # the name is also its command's

slow = pytest.mark.slow
threads = pytest.mark.threads


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def stress(*words: str) -> Result:
    """Return what a command came to, in this process."""
    return CliRunner().invoke(cli.main, words)


def words_of(text: str) -> str:
    """Return `text` without line breaks, so that its wrapping does not matter."""
    return " ".join(text.split())


def command_of(
    *words: str, before: str = "", status: int, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Return what a command came to in a process of its own, after the Python code `before`."""
    code = f"import os, resource\n{before}\nfrom stress.cli import main\nmain()"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == status, done.stderr
    return done


SECONDS = {"30": 30.0, "90s": 90.0, "1.5m": 90.0, "1h": 3600.0, "8h": 28800.0, "2d": 172800.0}


@pytest.mark.parametrize(("spelled", "seconds"), [*SECONDS.items(), ("0.25", 0.25)])
def test_duration_returns_seconds(spelled: str, seconds: float) -> None:
    """A duration is a number, perhaps with a unit: seconds, minutes, hours or days."""
    assert Duration().convert(spelled, None, None) == seconds


@given(st.text(max_size=8))
def test_duration_never_returns_no_time(spelled: str) -> None:
    """Whatever is typed either is a positive time or a usage error."""
    seconds = None
    with suppress(click.UsageError):
        seconds = Duration().convert(spelled, None, None)

    assert seconds is None or seconds > 0


REFUSED = {
    "no threads": ("--threads 0", "0 is not in the range"),
    "threads that are no number": ("--threads two", "'two' is not a valid integer range"),
    "negative time": ("--for -1", "'-1' is no time to run for: give a number above 0"),
    "no time": ("--for 0", "'0' is no time to run for: give a number above 0"),
    "no time, in hours": ("--for 0h", "'0h' is no time to run for"),
    "time that is no number": ("--for abc", "'abc' is no time to run for"),
    "time of an unknown unit": ("--for 3w", "such as 30, 90s, 10m or 8h"),
    "negative seed": ("--seed -1", "-1 is not in the range"),
    "unknown engine": ("--engine nosuch", "'nosuch' is not one of 'threads'"),
    "unknown model": ("nosuch", "there is no model 'nosuch'. Installed: bitmap-allocator"),
    "unknown fault": ("registrar:nosuch", "has no fault 'nosuch'. It has: early-publish"),
    "a good and an unknown model": ("registrar nosuch", "there is no model 'nosuch'"),
    "unknown backend": ("--backend nosuch", "there is no backend 'nosuch'"),
    "a backend for one thread": ("--engine sequential --backend mprotect", "--backend is for"),
    "missing layout": ("--layout missing.json", "missing.json: No such file or directory"),
    "a folder as layout": ("--layout .", "Is a directory"),
    "a file as output folder": ("--out file", "'file' is a file"),
    "an output folder in a file": ("--out file/out", "cannot write .writable in file/out: Not a"),
    "unknown option": ("--nosuch", "No such option"),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_run_rejects_wrong_usage(tmp_path: Path, words: str, message: str) -> None:
    """Wrong usage is explained, has status 2, and changes nothing on the disk."""
    (tmp_path / "file").write_text("mine")
    done = stress("run", "--for", "0.1", *words.split())

    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in words_of(done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


LAYOUTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "not text": (b"\x7fELF\xff\xfe", "is not UTF-8 text"),
    "not JSON": (b'{"ram": [', "is not JSON"),
    "another JSON": (b"[1, 2]", "A layout is a JSON object"),
    "no RAM": (b'{"ram": []}', ""),
    "no range": (b'{"ram": [5]}', "It must be [start, end]"),
    "a range that ends before it starts": (b'{"ram": [[8192, 4096]]}', "ram[0]"),
    "a range of half a page": (b'{"ram": [[0, 2048]]}', "unaligned or invalid memory range"),
    "ranges that overlap": (b'{"ram": [[0, 8192], [4096, 16384]]}', ""),
    "a range past the last address": (b'{"ram": [[0, "0x10000000000000000"]]}', "ram[0]"),
    "a fraction": (b'{"ram": [[0, 0.5]]}', "An address is an integer"),
}


@pytest.mark.parametrize(("content", "why"), LAYOUTS.values(), ids=LAYOUTS)
def test_run_rejects_bad_layout_file(tmp_path: Path, content: bytes, why: str) -> None:
    """A layout file that is none is refused with its name, why, and what to do; status 2."""
    (tmp_path / "my.json").write_bytes(content)
    done = stress("run", "--layout", "my.json")

    assert done.exit_code == 2
    assert "my.json" in done.stderr
    assert why in done.stderr
    assert done.stderr.count("\n") > 3  # the usage, then what, and what to do
    assert [path.name for path in tmp_path.iterdir()] == ["my.json"]


def test_run_rejects_layout_without_room(tmp_path: Path) -> None:
    """A layout larger than any address space is refused with what to do; status 2."""
    (tmp_path / "my.json").write_text('{"ram": [[0, "0xfffffffff0000000"]]}')
    done = stress("run", "--layout", "my.json")

    assert done.exit_code == 2
    assert "Take a smaller layout" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["my.json"]


def test_run_rejects_having_no_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no package offers a model, there is nothing to run, which is wrong usage."""
    monkeypatch.setattr(registry, "names", list)
    done = stress("run")

    assert done.exit_code == 2
    assert "no model is installed" in done.stderr
    assert [*tmp_path.iterdir()] == []


@threads
@slow
def test_json_is_one_object_with_every_field(tmp_path: Path) -> None:
    """``--json`` prints one object and nothing else; it is saved, too, and its sums agree."""
    done = stress(
        "run",
        "registrar",
        "--for",
        "0.3",
        "--seed",
        "5",
        "--threads",
        "3",
        "--json",
    )
    report = json.loads(done.stdout)
    passed = not Host.of_this_process().doubts()

    assert report.keys() >= FIELDS
    assert report == json.loads((tmp_path / ".stress" / "report.json").read_text())
    assert (report["verdict"], done.exit_code) == (("ok", 0) if passed else ("unknown", 3))
    assert (report["seed"], report["threads"], report["violations"]) == (5, 3, [])
    assert report["calls"] >= report["overlapped"] > 0
    assert report["callbacks"] >= report["failures_injected"] > 0
    assert report["calls_per_second"] == pytest.approx(report["calls"] / report["seconds"], 0.05)


@threads
@slow
@pytest.mark.parametrize(
    ("words", "before", "environment", "why"),
    [
        ("--threads 1", "", {}, "No call overlapped another"),
        ("", "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})", {}, "one core only"),
        ("", "", {"PYTHON_GIL": "1"}, "The GIL is on"),
    ],
    ids=["one thread", "one core", "GIL on"],
)
def test_run_without_parallelism_is_unknown(
    words: str, before: str, environment: dict[str, str], why: str
) -> None:
    """A run in which nothing could meet is unknown, says why, and has status 3."""
    options = ["registrar", "--for", "0.3", "--json", *words.split()]
    done = command_of("run", *options, before=before, status=3, **environment)
    report = json.loads(done.stdout)

    assert report["verdict"] == "unknown"
    assert any(why in doubt for doubt in report["doubts"])
    assert why in words_of(done.stderr)
    assert report["violations"] == []
    assert report["calls"] > 0


@threads
@slow
@pytest.mark.parametrize(
    "words", [["--layout", "my.json"], ["--layout", "seed"], ["--backend", "noreplace"]]
)
def test_run_takes_layout_and_backend(tmp_path: Path, words: list[str]) -> None:
    """A layout of one's own, that of the original's test, and another backend are run."""
    (tmp_path / "my.json").write_text(
        '{"ram": [["0x0", "0x80000000"], ["0x90000000", "0xf0000000"]]}'
    )
    done = stress("run", "--for", "0.1", "--json", *words)

    assert done.exit_code in {0, 3}
    assert json.loads(done.stdout)["calls"] > 0


@slow
def test_run_rejects_full_disk(tmp_path: Path) -> None:
    """Where nothing can be saved, a run is refused before it starts, and nothing is left."""
    full = "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    for words, folder in (((), ".stress"), (("--out", "out"), "out")):
        done = command_of("run", "--for", "600", *words, before=full, status=2)

        assert f"cannot write .writable in {folder}: File too large." in done.stderr
        assert "Free some space or give another folder with --out" in done.stderr
        assert [*(tmp_path / folder).iterdir()] == []


@threads
@slow
def test_run_shows_what_it_cannot_save(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up during a run hides nothing: the report is printed, then the error."""

    def write(path: Path, _: str) -> None:
        raise failures.OutputError(f"cannot write {path.name}: No space left on device")

    monkeypatch.setattr(failures, "check_writable", lambda _: None)
    monkeypatch.setattr(failures, "write", write)
    done = stress("run", "registrar:end-rounded-down", "--for", "20")

    assert done.exit_code == 2
    assert re.search(r"breaks +I\d+", done.stdout)
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KeyboardInterrupt(), "Interrupted: there is no verdict."),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_command_without_a_verdict_is_unknown(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, why: str
) -> None:
    """Status 1 would say that a check failed."""

    def names() -> None:
        raise error

    monkeypatch.setattr(registry, "names", names)
    done = stress("list")

    assert done.exit_code == 3
    assert why in done.stderr
    assert ("Traceback" in done.stderr) == isinstance(error, Exception)


@slow
def test_run_hides_nothing_when_an_engine_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the others found is shown and saved, and a harness that fails is no pass."""

    def broken(*_: object) -> None:
        raise OSError("no more processes")

    engines = {each: broken for each in command_run._ENGINES if each != "sequential"}
    monkeypatch.setattr(command_run, "_ENGINES", command_run._ENGINES | engines)
    failed = stress("run", "once:forgotten-poison", "--engine", "all", "--for", "20")
    alone = stress("run", "once", "--engine", "explore", "--for", "1")

    assert failed.exit_code == 1
    assert "✗ call(None)" in failed.stdout
    assert "replay    stress replay .stress/failures/" in failed.stdout
    assert failed.stdout.count("OSError: no more processes") == 3
    assert alone.exit_code == 3


def test_list_prints_models_faults_and_engines() -> None:
    """`stress list` names every model, every fault of it, and every engine."""
    done = stress("list")

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    for name in registry.names():
        assert name in lines
        for fault in registry.offered(name).faults:
            assert any(line.startswith(f"    {fault} ") for line in lines)
    assert "  faults, for stress run once:FAULT" in lines
    assert "  scenarios, for stress explore once/SCENARIO" in lines
    assert "  scenarios, for stress explore seqlock/SCENARIO" not in lines  # it has none
    for engine in ENGINES:
        assert any(line.startswith(f"    {engine} ") for line in lines)


def test_list_breaks_no_name_in_two() -> None:
    """Whoever selects one with the mouse has it whole, on a narrow page, too."""
    done = CliRunner(env={"COLUMNS": "60"}).invoke(cli.main, ["list"])
    words = done.stdout.replace(",", " ").split()

    for model in json.loads(stress("list", "--json").stdout)["models"]:
        assert {*model["faults"], *model["scenarios"]} <= {*words}


def test_list_prints_json() -> None:
    """`stress list --json` is one object: models, their faults and scenarios, engines, tests."""
    listed = json.loads(stress("list", "--json").stdout)

    scenarios = {model["name"]: model["scenarios"] for model in listed["models"]}
    assert list(scenarios) == registry.names()
    assert listed["engines"].keys() == {"threads", "sequential", "concurrent", "explore"}
    assert "same-chunk" in scenarios["registrar"]
    assert "SB" in listed["litmus"]


@slow
def test_module_is_the_command() -> None:
    """``python -m stress`` is the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "stress", "list", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == stress("list", "--json").stdout
