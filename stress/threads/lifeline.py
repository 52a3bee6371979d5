"""Ends a process whose parent has died: what nobody waits for any more should use no cores.

A parent that is killed cannot say so.  A process whose parent has died gets another, and finds out
by asking who it is.
"""

import os
import threading
import time
from typing import Final

EVERY: Final = 0.5
"""Seconds between questions."""


def end_with_parent() -> None:
    """End this process at once when its parent, whoever it is now, has died."""
    parent = os.getppid()
    threading.Thread(target=_watch, args=(parent,), name="stress lifeline", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(EVERY)
    os._exit(1)
