"""What the README says can be typed, can be typed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
STRESS = [command for command in COMMANDS if command.startswith("stress ")]
MAKE = [command for command in COMMANDS if command.startswith("make ")]


@pytest.mark.slow
@pytest.mark.parametrize("command", STRESS)
def test_readme_command_runs(command: str, tmp_path: Path) -> None:
    """Each `stress` command of the README ends as it says: 1 for a fault, else 0, or 3."""
    words = shlex.split(command)[1:]
    done = subprocess.run(  # noqa: S603  (a command of the README)
        [sys.executable, "-m", "stress", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    if ":" in command:
        assert done.returncode == 1, done.stdout + done.stderr
        assert "stress replay .stress/failures/" in done.stdout
    elif done.returncode == 3:
        assert "unknown because" in done.stdout + done.stderr
    else:
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", MAKE)
def test_readme_make_target_exists(command: str) -> None:
    """Each `make` command of the README names a target that make would build."""
    dry = [*shlex.split(command), "--dry-run"]
    done = subprocess.run(dry, cwd=ROOT, check=False, capture_output=True)  # noqa: S603
    assert done.returncode == 0


@pytest.mark.parametrize("path", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_readme_link_leads_somewhere(path: str) -> None:
    """Each relative link of the README leads to a file of the checkout."""
    assert (ROOT / path).exists()


def test_readme_names_the_licence_of_atomics() -> None:
    """The README says that atomics is GPL-3.0."""
    assert "GPL-3.0" in README
