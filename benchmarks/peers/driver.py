"""What each peer made of the five programs, as rows: `measure` makes them, nothing else is needed.

A row of a peer that ran, with one entry for each program, in the same form as our own::

    {"peer": "ploom", "version": "0.1.1", "python": "CPython 3.14.2, free-threaded", "refused": [],
     "programs": {"lost update": {"found": True, "seconds_to_first_failure": 1.9,
                                  "schedules_per_second": 2.4, "note": ""}, ...}}

A row of one that did not has no programs, and "refused" tells why, once for each interpreter.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.peers.adapter import PROGRAMS

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = {"interleave-test": "0.1.0", "ploom": "0.1.1", "frontrun": "0.7.0"}
"""The versions that the adapters were written for."""
LAUNCHERS: Final = {"frontrun": ("-m", "frontrun.cli")}
"""Commands of a peer under which its adapter runs."""
INSTALLING: Final = 600.0  # seconds
PROBE: Final = """
import platform, sys, sysconfig
threading = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(platform.python_version() + threading, getattr(sys, "_base_executable", "") or sys.executable)
"""


class FailedError(RuntimeError):
    """A command did not do what it was to do; the text is the last it said."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python on which a peer may be installed."""

    version: str
    """Such as 3.14.2t, where t stands for free-threaded."""
    path: str

    @classmethod
    def named(cls, name: str) -> Self:
        """Ask the program `name` what it is; FailedError if it does not say."""
        # not at the root of the project, whose .python-version would confuse launchers
        try:
            answer = _run(shutil.which(name) or name, "-c", PROBE, budget=30, at=Path("/"))
        except FailedError as error:
            raise FailedError(f"{name} does not run here ({error})") from error
        version, _, path = answer.strip().partition(" ")
        return cls(version, path)


def measure(
    seconds: float = 2.0, budget: float = 120.0, pythons: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return a row for each peer, measured on the first of `pythons` on which it installs.

    Schedules are counted for `seconds` a program; a program that takes longer than `budget` counts
    as not found.  By default this interpreter is tried first, then others on the path.
    """
    wanted = pythons or (sys.executable, "python3.13", "python3.12")
    return [_row(peer, wanted, seconds, budget) for peer in PEERS]


def _row(peer: str, pythons: Sequence[str], seconds: float, budget: float) -> dict[str, Any]:
    row: dict[str, Any] = {"peer": peer, "version": PEERS[peer], "python": None}
    row |= {"refused": [], "programs": {}}
    for named in pythons:
        try:
            python = installed(peer, Interpreter.named(named))
        except FailedError as error:
            row["refused"].append(f"not installable here: {error}")
            continue
        for program in PROGRAMS:
            found = asked(peer, python, program, seconds, budget)
            row["python"] = found.pop("python", row["python"])
            row["version"] = found.pop("version", row["version"])
            row["programs"][program] = found
        break
    return row


def installed(peer: str, python: Interpreter) -> str:
    """Return the interpreter of an environment with `peer`; FailedError if there can be none."""
    name, wanted = f"{peer}-{PEERS[peer]}-{python.version}", f"{peer}=={PEERS[peer]}"
    install = str(Path(__file__).with_name("install.py"))
    try:
        made = _run(sys.executable, install, name, wanted, python.path, budget=INSTALLING)
    except FailedError as error:
        raise FailedError(f"on Python {python.version}, {error}") from error
    return made.strip()


def asked(peer: str, python: str, program: str, seconds: float, budget: float) -> dict[str, Any]:
    """Return what the adapter of `peer` tells of `program`; or that it failed to."""
    adapter = f"benchmarks.peers.with_{peer.replace('-', '_')}"
    launcher = (*LAUNCHERS[peer], python) if peer in LAUNCHERS else ()
    command = (python, *launcher, "-m", adapter, program, f"{seconds:g}")
    try:
        return told(_run(*command, budget=budget))
    except FailedError as error:
        return {
            "found": False,
            "seconds_to_first_failure": None,
            "schedules_per_second": None,
            "note": str(error),
        }


def told(output: str) -> dict[str, Any]:
    """Return the JSON object on the last line of an adapter's output."""
    line = output.strip().rpartition("\n")[2]
    try:
        found = json.loads(line)
    except ValueError as error:
        raise FailedError(f"the adapter told nothing: {line[:200]!r}") from error
    if not isinstance(found, dict) or "found" not in found:
        raise FailedError(f"the adapter told something else: {line[:200]!r}")
    return found


def _run(*command: str, budget: float, at: Path = ROOT) -> str:
    """Run `command`, by default at the root of the project; return its standard output."""
    try:
        ran = subprocess.run(  # noqa: S603  (interpreters, and files of this folder)
            command, capture_output=True, text=True, timeout=budget, check=True, cwd=at
        )
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"no answer within {budget:g} s") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip() or f"status {error.returncode}"
        raise FailedError(said.rpartition("\n")[2]) from error
    except OSError as error:
        raise FailedError(f"{command[0]}: {error.strerror}") from error
    return ran.stdout
