"""One child process: the environment it gets, the time it may take, its last words."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import cache

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFUSING = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_PYTHON"}


class CommandFailed(Exception):  # noqa: N818 - it is a fact about the command, not of ours
    """A command ended badly; the message is the last thing it said."""


def run(
    *command: str | Path,
    at: Path | None = None,
    seconds: float = 600,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run `command` to its end and return what it printed on standard output.

    Descriptors stay open across the call: that is how a child keeps our locks.
    """
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env={**surroundings(), **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            cwd=at,
            close_fds=False,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise CommandFailed(last_words(error.stderr or error.stdout)) from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"no answer within {seconds:.0f} s") from error
    except OSError as error:
        raise CommandFailed(f"{command[0]}: {error.strerror}") from error
    return done.stdout


def last_words(text: str) -> str:
    r"""Return the line of a failed command's output that tells most: its last.

    >>> last_words("error: no interpreter\n  cause: no such host\n")
    'no such host'
    """
    lines = [line.strip() for line in text.splitlines()]
    telling = [line for line in lines if line and not line.startswith("hint:")]
    return re.sub(r"^(error|cause|E): ", "", telling[-1]) if telling else "it said nothing"


def surroundings() -> dict[str, str]:
    """Return this process's environment, made fit for tools that want a home."""
    kept = {key: value for key, value in os.environ.items() if key not in CONFUSING}
    if not Path(kept.get("HOME") or "/nonexistent").is_dir():
        kept["HOME"] = str(cache.folder())
    return kept
