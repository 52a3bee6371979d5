"""What a piece of code prints in several processes, which hash strings differently."""

import os
import subprocess
import sys
from collections.abc import Iterable


def printed_by_processes(code: str, hash_seeds: Iterable[str]) -> set[str]:
    """Return what `code` prints in a process for each of `hash_seeds`; they run at once."""
    started = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in hash_seeds
    ]
    printed = {each.communicate()[0] for each in started}
    assert [each.returncode for each in started] == [0] * len(started)
    return printed
