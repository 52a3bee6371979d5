"""The set-up: its rungs, its refusals, its cache and its pins."""

from __future__ import annotations

import ast
import contextlib
import doctest
import fcntl
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"
PINNED = {
    ROOT / "requirements.in": ROOT / "requirements.txt",
    TOOLS / "pins.in": TOOLS / "pins.txt",
}
REQUIRED = re.findall(r"^[\w-]+", (ROOT / "requirements.in").read_text(), re.MULTILINE)
MODULES = sorted(path.stem for path in TOOLS.glob("*.py"))

type Fake = Callable[..., Path]
type Tool = Callable[[str], Any]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    """Import the set-up's modules, with a cache of the test's own."""
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.setenv("STRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STRESS_PYTHON", raising=False)
    importlib.import_module("cache").folder.cache_clear()
    return importlib.import_module


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Make programs that answer the set-up's question as the interpreter they play would."""

    def make(*version: int, implementation: str = "CPython", free_threaded: bool = False) -> Path:
        path = tmp_path / "-".join(["fake", *map(str, version)])
        facts = {
            "path": str(path),
            "implementation": implementation,
            "version": version,
            "free_threaded": free_threaded,
        }
        path.write_text(f"#!/bin/sh\necho '{json.dumps(facts)}'\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout that holds what the set-up reads, and nothing else."""
    monkeypatch.setenv("STRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STRESS_PYTHON", raising=False)
    place = tmp_path / "checkout"
    shutil.copytree(TOOLS, place / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, place)
    return place


def python(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter to its end."""
    return subprocess.run(  # noqa: S603 - our own files
        [sys.executable, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def finish(checkout: Path, *, free_threaded: bool) -> None:
    """Give `checkout` the `.venv` that a finished set-up leaves, as far as one can tell."""
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    said = python(
        "-c",
        "import environment; print(environment.inputs())",
        PYTHONPATH=str(checkout / "tools"),
    )
    stamp = {
        "inputs": said.stdout.strip(),
        "root": str(checkout),
        "base": sys.executable,
        "interpreter": "CPython 3.14.9",
        "free_threaded": free_threaded,
    }
    (checkout / ".venv" / "stamp.json").write_text(json.dumps(stamp))


# The tools themselves


@pytest.mark.parametrize("module", MODULES)
def test_tool_keeps_to_python_3_9(module: str) -> None:
    """The set-up starts on whatever python3 a machine has, from 3.9."""
    ast.parse((TOOLS / f"{module}.py").read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("module", MODULES)
def test_tool_returns_what_its_examples_say(tool: Tool, module: str) -> None:
    """The examples in the tools' docstrings are true."""
    assert doctest.testmod(tool(module)).failed == 0


# Interpreters


def test_inspect_returns_what_the_interpreter_says(tool: Tool, fake: Fake) -> None:
    """A free-threaded CPython 3.14 is fit, and is described by its own words."""
    found = tool("interpreter").inspect(fake(3, 14, 9, free_threaded=True))
    assert str(found) == "CPython 3.14.9, free-threaded"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"version": (3, 11, 9)}, "CPython 3.11.9, with the GIL"),
        ({"version": (3, 13, 1), "free_threaded": True}, "CPython 3.13.1, free-threaded"),
        ({"version": (3, 12, 0), "implementation": "PyPy"}, "PyPy 3.12.0, with the GIL"),
    ],
)
def test_setup_rejects_unfit_interpreter_by_name(
    tool: Tool, fake: Fake, facts: dict[str, Any], said: str
) -> None:
    """A named interpreter that the project cannot use is refused, and the reason given."""
    named = str(fake(*facts.pop("version"), **facts))
    with pytest.raises(tool("messages").SetupError) as caught:
        tool("ladder").named_by_user(named)
    happened, why, remedy = str(caught.value).splitlines()
    assert named in happened
    assert said in why
    assert "leave STRESS_PYTHON out" in remedy


@pytest.mark.parametrize("named", ["/nonexistent/python", "/etc/passwd", "false"])
def test_setup_exits_2_when_named_interpreter_is_none(checkout: Path, named: str) -> None:
    """A name that is no interpreter ends the set-up with status 2 and three plain lines."""
    done = python(checkout / "tools" / "setup.py", STRESS_PYTHON=named)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3
    assert f"STRESS_PYTHON is '{named}'" in done.stderr


def test_ladder_returns_first_rung_that_holds(
    tool: Tool,
    fake: Fake,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rungs are tried in order; each that fails says why; none is tried after one held."""
    ladder, interpreter = tool("ladder"), tool("interpreter")
    good = interpreter.inspect(fake(3, 14, 9, free_threaded=True))

    def broken() -> None:
        raise interpreter.Unfit("it is made of wood")

    monkeypatch.setattr(ladder, "RUNGS", [("a", broken), ("b", lambda: good), ("c", broken)])
    assert ladder.climb() == good
    printed = capsys.readouterr().err
    assert "a: no, it is made of wood" in printed
    assert "b: CPython 3.14.9, free-threaded" in printed
    assert "c:" not in printed


def test_ladder_raises_when_no_rung_holds(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no interpreter at all, the set-up says so and what to do."""
    monkeypatch.setattr(tool("ladder"), "RUNGS", [])
    with pytest.raises(tool("messages").SetupError, match="make setup STRESS_PYTHON="):
        tool("ladder").climb()


# The cache


def test_cache_always_builds_once_under_contention(tool: Tool) -> None:
    """Of eight set-ups that want the same thing at once, one makes it and all get it."""
    cache, builds, start = tool("cache"), [], threading.Barrier(8)
    places = []

    def build(bench: Path) -> Path:
        builds.append(bench)
        (bench / "thing").write_text("whole")
        return bench / "thing"

    def want() -> None:
        start.wait()
        places.append(cache.made_once("thing", build))

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert {place.read_text() for place in places} == {"whole"}
    assert len(places) == 8


def test_cache_never_keeps_what_failed(tool: Tool) -> None:
    """A build that fails leaves nothing, and the next one clears what a killed one left."""
    cache = tool("cache")
    leftover = cache.folder() / "unfinished-by-a-killed-setup"
    leftover.mkdir()

    def build(bench: Path) -> Path:
        (bench / "half").touch()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        cache.made_once("thing", build)
    assert [path.name for path in cache.folder().iterdir()] == ["lock"]


def test_cache_replaces_what_is_not_sound(tool: Tool) -> None:
    """What was damaged after it was put in place is made again."""
    cache = tool("cache")
    (cache.folder() / "thing").mkdir()

    def build(bench: Path) -> Path:
        (bench / "thing").mkdir()
        (bench / "thing" / "part").touch()
        return bench / "thing"

    place = cache.made_once("thing", build, sound=lambda thing: (thing / "part").exists())
    assert (place / "part").exists()


def test_lock_outlives_killed_setup_until_its_child_ends(tmp_path: Path) -> None:
    """A child that may still be writing keeps the lock of a set-up that was killed."""
    program = (
        "import cache, os, pathlib, subprocess, sys\n"
        "with cache.alone(pathlib.Path(sys.argv[1])):\n"
        "    subprocess.Popen(['cat'], close_fds=False)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    lock = tmp_path / "lock"
    killed = subprocess.Popen(  # noqa: S603 - our own files
        [sys.executable, "-c", program, lock],
        env={**os.environ, "PYTHONPATH": str(TOOLS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert killed.wait() == -9
    with opened(lock) as handle, pytest.raises(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    killed.communicate()  # closes what `cat` reads, and waits until it has closed its output
    with opened(lock) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)


@contextlib.contextmanager
def opened(lock: Path) -> Iterator[int]:
    """Open `lock` and close it again."""
    handle = os.open(lock, os.O_RDWR)
    try:
        yield handle
    finally:
        os.close(handle)


# The finished .venv


def test_setup_returns_silently_when_all_is_in_place(checkout: Path) -> None:
    """A second set-up says nothing and does nothing."""
    finish(checkout, free_threaded=True)
    done = python(checkout / "tools" / "setup.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_setup_always_warns_of_gil(checkout: Path) -> None:
    """On a build with the GIL the warning comes every time, not only when `.venv` is made."""
    finish(checkout, free_threaded=False)
    done = python(checkout / "tools" / "setup.py")
    assert done.returncode == 0
    assert "THIS INTERPRETER HAS THE GIL" in done.stderr


@pytest.mark.parametrize("change", ["requirement", "move", "interpreter", "other interpreter"])
def test_setup_works_again_when_something_changed(checkout: Path, change: str) -> None:
    """A changed pin, a moved checkout, a lost or another interpreter call for work."""
    finish(checkout, free_threaded=True)
    named = ""
    match change:
        case "requirement":
            (checkout / "requirements.txt").write_text("pytest==9.2.0\n")
        case "move":
            checkout = checkout.rename(checkout.with_name("moved"))
        case "interpreter":
            (checkout / ".venv" / "bin" / "python").unlink()
        case "other interpreter":
            named = sys.executable
    said = python(
        "-c",
        "import environment; print(environment.current())",
        PYTHONPATH=str(checkout / "tools"),
        STRESS_PYTHON=named,
    )
    assert said.stdout == "None\n"


# Registries


def test_source_for_sid_returns_the_machines_own_entry(tool: Tool) -> None:
    """Mirror and keyring are the machine's, the suite is sid; other archives are left out."""
    text = (
        "Types: deb\nURIs: http://other.example/\nSuites: nodistro\nComponents: main\n\n"
        "Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm other\n"
        "Components: main contrib\nSigned-By: /keys/debian.gpg\n"
    )
    [entry] = tool("debian").stanzas(text, {"bookworm"})
    fields = dict(re.findall(r"^([\w-]+): *(.*)$", entry, re.MULTILINE))
    assert fields == {
        "types": "deb",
        "uris": "http://mirror.example/debian",
        "suites": "sid",
        "components": "main",
        "signed-by": "/keys/debian.gpg",
        "targets": "Packages",
    }


def test_settings_of_pip_returns_the_nearest_value(tool: Tool) -> None:
    """What the environment tells pip overrides what its files do."""
    listing = ":env:.index-url='https://near.example'\nglobal.index-url='https://far.example'\n"
    settings = tool("pypi").settings_of_pip(listing)
    assert settings == {"UV_DEFAULT_INDEX": "https://near.example"}


# Pins


@pytest.mark.parametrize("source", PINNED, ids=lambda path: path.name)
def test_pins_always_carry_versions_and_hashes(source: Path) -> None:
    """Everything required is pinned with hashes, and nothing tells where it was found."""
    text = PINNED[source].read_text()
    blocks = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert all(re.match(r"[\w.-]+==\S+", block) for block in blocks)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    required = re.findall(r"^[\w-]+", source.read_text(), re.MULTILINE)
    assert set(required) <= {block.partition("==")[0] for block in blocks}


@pytest.mark.slow
@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="there is a GIL")
@pytest.mark.parametrize("distribution", REQUIRED)
def test_package_never_turns_gil_on(distribution: str) -> None:
    """Importing a required package leaves the GIL off."""
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "sys.exit(sys._is_gil_enabled())\n"
    )
    modules = [
        name
        for name, owners in packages_distributions().items()
        if distribution in (owner.lower() for owner in owners) and importlib.util.find_spec(name)
    ]
    done = python("-I", "-c", program, *modules)
    assert done.returncode == 0, done.stderr


def test_ci_always_ends_with_the_tests() -> None:
    """The last thing that CI prints is pytest's closing line."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "make test"
