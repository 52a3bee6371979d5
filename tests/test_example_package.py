"""A package of somebody else's is built and installed, and its model is run by its name."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stress.host import Host

PACKAGE = Path(__file__).parent / "example_package"
PAGE = Path(__file__).parent.parent / "docs" / "new-model.md"
BUILD = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
OFFERED = PAGE.read_text(encoding="utf-8").partition("## In a package")[2]
COMMANDS = re.findall(r"^\$ (stress .+)$", OFFERED, re.MULTILINE)
MODEL = "example-account"

pytestmark = pytest.mark.slow

type Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package as an installer does: build its wheel, and unpack that into a folder."""
    pytest.importorskip("hatchling.build", reason="hatchling builds the package: make setup")
    source = tmp_path_factory.mktemp("source") / "package"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("site")
    built = subprocess.run(  # noqa: S603
        [sys.executable, "-c", BUILD, str(source)],
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    with zipfile.ZipFile(source / built.stdout.strip()) as wheel:
        wheel.extractall(target)
    return target


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Return what runs a command where the package is installed, in an empty folder."""
    path = os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH")]))

    def command(words: str, *, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", *shlex.split(words)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return command


def test_list_has_what_package_offers(run: Run) -> None:
    """`stress list` has the model with its docstring, and its mutants with theirs."""
    listed = json.loads(run("stress list --json").stdout)
    [model] = [each for each in listed["models"] if each["name"] == MODEL]

    assert model["summary"] == "An account that is never overdrawn."
    assert list(model["faults"]) == ["looked-first", "relaxed-unlock", "exchanged-unlock"]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_page_runs(run: Run, command: str) -> None:
    """Each command that the page names for the package ends as it should: 1 for a mutant."""
    run(command, status=int(":" in command))


def test_explorer_finds_relaxed_unlock(run: Run) -> None:
    """The mutant that only weak memory shows is shown as a race, in a program of two calls."""
    found = run(f"stress run {MODEL}:relaxed-unlock --engine explore --for 20 --seed 1", status=1)

    assert re.search(
        r"^✗ thread \d \w+ balance while .* +weak memory · rc11$", found.stdout, re.MULTILINE
    )
    assert re.search(r": \w+\(1\) ‖ \w+\(1\)$", found.stdout, re.MULTILINE)


def test_explorer_passes_equivalent(run: Run) -> None:
    """What differs and is right is not accused."""
    run(f"stress run {MODEL}:exchanged-unlock --engine explore --for 2")


@pytest.mark.threads
def test_real_threads_find_unlocked_account(run: Run) -> None:
    """A child process, which runs the threads, finds the package by its name, too."""
    if doubts := Host.of_this_process().doubts():
        pytest.skip(doubts[0])
    run(f"stress run {MODEL}:looked-first --engine threads --for 20 --seed 1", status=1)


def test_failure_of_package_is_replayed(run: Run) -> None:
    """What failed is found again by the name of the model that is saved with it."""
    found = run(f"stress run {MODEL}:relaxed-unlock --engine explore --for 20 --seed 1", status=1)
    [path] = set(re.findall(r"\.stress/failures/\w+\.json", found.stdout))

    assert re.search(r"balance while thread", run(f"stress replay {path}", status=1).stdout)


def test_pytest_runs_model_of_package(run: Run, tmp_path: Path) -> None:
    """Two lines make tests of a model of somebody else's."""
    (tmp_path / "test_account.py").write_text(
        "from example_account import AccountModel\nTestAccount = AccountModel.TestCase\n"
    )
    done = run("pytest -q test_account.py -m 'sequential or explore' --stress-time 1")

    assert "2 passed, 2 deselected" in done.stdout


def test_pytest_shows_interleaving_of_mutant(run: Run, tmp_path: Path) -> None:
    """A mutant as a model of its own fails its test, with the lanes of the threads."""
    (tmp_path / "test_account.py").write_text(
        "from example_account import AccountModel, RelaxedUnlock\n"
        "class RelaxedModel(AccountModel):\n"
        "    subject = RelaxedUnlock\n"
        "TestRelaxed = RelaxedModel.TestCase\n"
    )
    done = run("pytest -q test_account.py -m explore", status=1)

    assert re.search(r"✗ thread \d \w+ balance while thread", done.stdout)
    assert "thread 0" in done.stdout
    assert "1 failed, 3 deselected" in done.stdout
