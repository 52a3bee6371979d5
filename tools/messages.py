"""What the set-up says: short plain lines on standard error, and errors in three parts."""

from __future__ import annotations

import sys

WITH_GIL = """\
!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!
!!  THIS INTERPRETER HAS THE GIL: threads take turns, so `stress` with real threads   !!
!!  proves next to nothing here.  The models, the explorer and the judge still work.  !!
!!  To change that:  make clean, then make setup STRESS_PYTHON=/path/to/python3.14t   !!
!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"""


class SetupError(Exception):
    """The set-up cannot go on: what happened, why that stops it, and what to do."""

    def __init__(self, happened: str, why: str, remedy: str) -> None:
        super().__init__(f"{happened}\n  {why}\n  {remedy}")


def say(line: str) -> None:
    """Print one line of progress; standard output stays the command's own."""
    print(f"set-up: {line}", file=sys.stderr, flush=True)


def warn_of_gil() -> None:
    """Print the warning that a build with the GIL deserves, every time it is used."""
    print(WITH_GIL, file=sys.stderr, flush=True)
