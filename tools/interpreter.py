"""An interpreter: where it is, what it is, and whether the project can use it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from command import CommandFailed, run

if TYPE_CHECKING:
    from pathlib import Path

OLDEST = (3, 12)
OLDEST_FREE_THREADED = (3, 14)  # cffi, under atomics, supports no older one
WANTED = "needed is CPython, from 3.14 where free-threaded, or from 3.12 with the GIL"
PROBE = """
import json, platform, sys, sysconfig
print(json.dumps({
    "path": getattr(sys, "_base_executable", "") or sys.executable,
    "implementation": platform.python_implementation(),
    "version": sys.version_info[:3],
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}))
"""


class Unfit(Exception):  # noqa: N818 - it is a fact about the interpreter, not of ours
    """The project cannot use this interpreter; the message says why."""


@dataclass(frozen=True)
class Interpreter:
    """A Python outside any venv, as it describes itself."""

    path: str
    implementation: str
    version: tuple[int, int, int]
    free_threaded: bool

    def __str__(self) -> str:
        """Return what a person would call it.

        >>> print(Interpreter("/usr/bin/python3.14t", "CPython", (3, 14, 9), True))
        CPython 3.14.9, free-threaded
        """
        build = "free-threaded" if self.free_threaded else "with the GIL"
        return f"{self.implementation} {'.'.join(map(str, self.version))}, {build}"


def inspect(named: str | Path) -> Interpreter:
    """Ask `named`, a path or a command, what it is; raise Unfit if it will not do."""
    path = shutil.which(str(named))
    if path is None:
        raise Unfit("there is no such program")
    try:
        facts = json.loads(run(path, "-I", "-c", PROBE, seconds=30))
        found = Interpreter(**{**facts, "version": tuple(facts["version"])})
    except (CommandFailed, ValueError, TypeError) as error:
        raise Unfit(f"it does not run as a Python does ({error})") from error
    oldest = OLDEST_FREE_THREADED if found.free_threaded else OLDEST
    if found.implementation != "CPython" or found.version < oldest:
        raise Unfit(f"it is {found}; {WANTED}")
    return found


def inspect_free_threaded(named: str | Path) -> Interpreter:
    """Do as `inspect`, and refuse a build with the GIL."""
    found = inspect(named)
    if not found.free_threaded:
        raise Unfit(f"it is {found}")
    return found
