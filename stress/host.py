"""What this process runs on: the interpreter, whether its GIL is off, the cores it may use.

>>> facts = Host.of_this_process()
>>> facts.cores >= 1, facts.gil in (True, False)
(True, True)
"""

import os
import platform
import sys
import sysconfig
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Host:
    """The facts every report opens with."""

    interpreter: str
    gil: bool
    cores: int

    @classmethod
    def of_this_process(cls) -> Self:
        """Ask now: importing an extension module may have turned the GIL back on."""
        gil = gil_enabled()
        built = "free-threaded" if not gil or _free_threaded_build() else "GIL"
        return cls(
            f"{platform.python_implementation()} {platform.python_version()} ({built} build, "
            f"{platform.machine()})",
            gil,
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1,
        )

    def doubts(self) -> list[str]:
        """Return why a run of real threads here would prove nothing, in sentences."""
        found = []
        if self.gil:
            found.append(
                f"The GIL is on ({self.interpreter}), so one thread runs at a time and real "
                "parallelism is not tested.  Use a free-threaded build, such as python3.14t, "
                "without PYTHON_GIL=1 or -X gil=1."
            )
        if self.cores < 2:  # noqa: PLR2004
            found.append(
                "This process may use one core only, so no two threads run at once.  Allow it "
                "two or more (taskset, cgroup, container limits)."
            )
        return found


def gil_enabled() -> bool:
    """Return whether the GIL is on now; interpreters before 3.13 always have it on."""
    ask = getattr(sys, "_is_gil_enabled", None)
    return True if ask is None else bool(ask())


def _free_threaded_build() -> bool:
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
