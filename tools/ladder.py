"""The ways to an interpreter, best first, each tried only if all before it failed.

1. One that is there: the project's .venv, PATH, what uv knows, what was assembled before.
2. uv's own download of 3.14t.
3. One assembled from package registries (see `assembly.py`).
4. A build with the GIL.

An interpreter that the user names with STRESS_PYTHON is used or refused, and ends the search.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Callable

import assembly
import pypi
from command import CommandFailed
from environment import PYTHON as VENV_PYTHON
from interpreter import Interpreter, Unfit, inspect, inspect_free_threaded
from messages import SetupError, say

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = "3.14t"
FREE_THREADED = ("python3.14t", "python3.15t")
WITH_GIL = ("python3.15", "python3.14", "python3.13", "python3.12", "python3", sys.executable)
IMPATIENT = {"UV_HTTP_TIMEOUT": "20", "UV_HTTP_CONNECT_TIMEOUT": "10", "UV_HTTP_RETRIES": "0"}


def climb() -> Interpreter:
    """Return the interpreter of the first rung that has one, and say how it was reached."""
    if named := os.environ.get("STRESS_PYTHON"):
        return named_by_user(named)
    say("looking for a free-threaded CPython 3.14 or newer")
    for title, rung in RUNGS:
        with tried(title):
            found = rung()
            say(f"  {title}: {found}, {found.path}")
            return found
    raise SetupError(
        "There is no CPython 3.12 or newer on this machine, and none could be fetched.",
        "Each way was tried, and the lines above say why each failed.",
        "Install one, then:  make setup STRESS_PYTHON=/path/to/python",
    )


@contextlib.contextmanager
def tried(title: str) -> Iterator[None]:
    """Go on after a rung that failed, and say why it did."""
    try:
        yield
    except (CommandFailed, Unfit, OSError) as error:
        say(f"  {title}: no, {error}")


def named_by_user(named: str) -> Interpreter:
    """Return the interpreter that STRESS_PYTHON names, or refuse it."""
    try:
        found = inspect(named)
    except Unfit as error:
        raise SetupError(
            f"STRESS_PYTHON is {named!r}, which cannot be used.",
            f"It will not do: {error}.",
            "Name a free-threaded CPython 3.14, or leave STRESS_PYTHON out and one is found.",
        ) from error
    say(f"the interpreter you named: {found}")
    return found


def one_that_is_there() -> Interpreter:
    """Return a free-threaded interpreter that needs no fetching."""
    for candidate in [str(VENV_PYTHON), *FREE_THREADED, str(assembly.place())]:
        with contextlib.suppress(Unfit):
            return inspect_free_threaded(candidate)
    return inspect_free_threaded(known_to_uv(REQUEST))


def known_to_uv(request: str) -> str:
    """Return the path of an interpreter on this machine, as uv finds it."""
    return pypi.run_uv("python", "find", "--system", "--no-project", request).strip()


def downloaded() -> Interpreter:
    """Have uv install one; an unreachable server costs seconds, a slow one is waited for."""
    pypi.run_uv("python", "install", "--no-bin", REQUEST, seconds=300, variables=IMPATIENT)
    return inspect_free_threaded(known_to_uv(REQUEST))


def assembled() -> Interpreter:
    """Return the one put together from packages."""
    return inspect_free_threaded(assembly.assemble())


def with_gil() -> Interpreter:
    """Return the newest build with the GIL."""
    found = []
    for candidate in WITH_GIL:
        with contextlib.suppress(Unfit):
            found.append(inspect(candidate))
    if found:
        return max(found, key=lambda interpreter: interpreter.version)
    return inspect(known_to_uv(">=3.12"))


RUNGS: tuple[tuple[str, Callable[[], Interpreter]], ...] = (
    ("1. one that is there", one_that_is_there),
    ("2. uv's own download", downloaded),
    ("3. from package registries", assembled),
    ("4. a build with the GIL", with_gil),
)
