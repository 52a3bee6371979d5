"""Shell completion: a shell is offered the names there are, and sources what it is given."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from stress.cli import main


def offered(*words: str) -> list[str]:
    """Return what may stand in place of the last of `words`."""
    *before, typed = words
    found = ShellComplete(main, {}, "stress", "_STRESS_COMPLETE").get_completions(before, typed)
    return [each.value for each in found if each.type == "plain"]


def test_completion_offers_commands() -> None:
    """Commands are offered by their beginnings."""
    assert {"replay", "resume"} <= set(offered("re"))


def test_completion_offers_litmus_tests() -> None:
    """The library's tests are offered."""
    assert offered("litmus", "MP+rel+") == ["MP+rel+acq", "MP+rel+acqf"]


@pytest.mark.parametrize("command", ["run", "mutants", "explore", "orders"])
def test_completion_offers_models(command: str) -> None:
    """Every command that takes a model offers those that are installed."""
    assert offered(command, "regi") == ["registrar"]


def test_completion_offers_faults_after_a_colon() -> None:
    """Faults are offered once the model is there; of a model that is not, nothing."""
    assert offered("run", "registrar:relaxed") == [
        "registrar:relaxed-get",
        "registrar:relaxed-recheck",
        "registrar:relaxed-set",
    ]
    assert offered("run", "nobody:re") == []


def test_completion_offers_scenarios_after_a_slash() -> None:
    """Scenarios of a model are offered, and of a model with a fault, too."""
    assert offered("explore", "spsc-ring/") == ["spsc-ring/refusals"]
    assert offered("explore", "spsc-ring:no-fence/re") == ["spsc-ring:no-fence/refusals"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    """What is printed is a script for the shell, which asks this program."""
    found = CliRunner().invoke(main, ["completion", shell])

    assert found.exit_code == 0
    assert f"_STRESS_COMPLETE={shell}_complete" in found.output


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_completion_works_in_bash() -> None:
    """Bash, having sourced the script, completes a fault, whose name has a colon."""
    source = CliRunner().invoke(main, ["completion", "bash"]).output
    ask = (
        "COMP_WORDS=(stress run registrar:no-r); COMP_CWORD=2; _stress_completion stress 2>&-"
        '; echo "${COMPREPLY[@]}"; [[ $COMP_WORDBREAKS == *:* ]] || echo whole'
    )
    program = Path(sys.executable).parent
    done = subprocess.run(  # noqa: S603  (what this test made)
        ["bash", "-c", f"{source}\n{ask}"],  # noqa: S607
        env={"PATH": f"{program}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split() == ["registrar:no-recheck", "whole"]
