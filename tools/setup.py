"""The set-up: everything between a fresh clone and a command that works.

`make` runs it before every command.  It finds or gets an interpreter (`ladder.py`), makes
`.venv` with the pinned packages and the project (`environment.py`), and does nothing, in no
time, where that has been done.  It runs on any Python from 3.9, with nothing installed.
"""

from __future__ import annotations

import sys

import environment
from cache import ROOT, alone
from messages import SetupError, say, warn_of_gil

AFTERWARDS = "When that is mended:  make setup  (what is already there is not fetched again)"


def main() -> int:
    """Set up, and return the exit status: 0, or 2 when the set-up cannot go on."""
    try:
        stamp = environment.current() or set_up()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The set-up stopped: {error}.", AFTERWARDS, sep="\n  ", file=sys.stderr)
        return 2
    if not stamp.free_threaded:
        warn_of_gil()
    return 0


def set_up() -> environment.Stamp:
    """Do what needs doing, alone in this checkout."""
    from command import CommandFailed  # noqa: PLC0415 - see environment.py
    from ladder import climb  # noqa: PLC0415

    with alone(ROOT / ".venv.lock"):
        if (stamp := environment.current()) is not None:
            return stamp
        interpreter = climb()
        say("installing the pinned packages and the project into .venv")
        try:
            stamp = environment.bring_up_to_date(interpreter)
        except CommandFailed as error:
            raise SetupError(
                "The packages could not be installed.",
                f"uv says: {error}",
                AFTERWARDS,
            ) from error
        say(f"ready: {interpreter}")
        return stamp


if __name__ == "__main__":
    sys.exit(main())
