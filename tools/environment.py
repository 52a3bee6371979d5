"""The project's `.venv`: what it must hold, and the stamp that says it holds it.

The stamp is written last and removed first, so a `.venv` without one is unfinished and is made
anew.  With one, a changed requirement is brought up to date in place.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cache import ROOT

if TYPE_CHECKING:
    from interpreter import Interpreter

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "stamp.json"


@dataclass(frozen=True)
class Stamp:
    """What a finished `.venv` was made of, and where: a venv cannot be moved."""

    inputs: str
    root: str
    base: str
    interpreter: str
    free_threaded: bool


def inputs() -> str:
    """Return a digest of everything that decides what `.venv` holds."""
    digest = hashlib.sha256(os.environ.get("STRESS_PYTHON", "").encode())
    tools = sorted(Path(__file__).parent.glob("*.py"))
    for path in [ROOT / "pyproject.toml", ROOT / "requirements.txt", *tools]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamp() -> Stamp | None:
    """Return the stamp of a `.venv` that is whole and still has its interpreter."""
    try:
        found = Stamp(**json.loads(STAMP.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.root == str(ROOT) and PYTHON.exists() else None


def current() -> Stamp | None:
    """Return the stamp of a `.venv` to which nothing needs to be done."""
    found = stamp()
    return found if found and found.inputs == inputs() else None


def bring_up_to_date(interpreter: Interpreter) -> Stamp:
    """Make `.venv` hold the pinned packages and the project, on `interpreter`."""
    from pypi import run_uv  # noqa: PLC0415 - the usual run has nothing to do, in no time

    before = stamp()
    made = Stamp(
        inputs=inputs(),
        root=str(ROOT),
        base=interpreter.path,
        interpreter=str(interpreter),
        free_threaded=interpreter.free_threaded,
    )
    STAMP.unlink(missing_ok=True)
    if before is None or before.base != made.base:
        run_uv("venv", "--clear", "--force", "--no-project", "--python", interpreter.path, VENV)
    into = ("--python", PYTHON)
    requirements = ROOT / "requirements.txt"
    run_uv("pip", "sync", *into, "--require-hashes", "--compile-bytecode", requirements)
    run_uv("pip", "install", *into, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    unfinished = STAMP.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(made)))
    unfinished.replace(STAMP)
    return made
