"""Who does the work: processes of this machine, replaced when one of them dies.

A `ProcessPoolExecutor` whose worker dies does nothing more, and says of all it was given only that
it is lost.  It is replaced as a whole; what to do with the lost work is not decided here.
"""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Protocol

from stress.campaign import work
from stress.campaign.plan import Plan


class WorkersLostError(RuntimeError):
    """There is nobody left to work, and nobody will come."""


class Workers(Protocol):
    """Who does work: a `concurrent.futures.Executor` that lasts."""

    @property
    def size(self) -> int:
        """How many work at once; 0 as long as nobody has come."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        """Have somebody call `function`; WorkersLostError where there will be nobody."""

    def renew(self) -> None:
        """Kill whoever works, and begin with others."""

    def processes(self) -> list[int]:
        """Return the processes on this machine, by number."""

    def close(self) -> None:
        """End all."""


class _Remembering(SpawnContext):
    """Starts processes and remembers them: a pool does not say whom it started."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        """Return a new process."""
        process = SpawnProcess(*arguments, **named)
        self.processes.append(process)
        return process


class Processes:
    """`size` processes that work for `plan`."""

    def __init__(self, size: int, plan: Plan, last_words: str = "") -> None:
        self.size = size
        self._arguments = plan, last_words
        self._begin()

    def _begin(self) -> None:
        self._context = _Remembering()
        self._pool = ProcessPoolExecutor(
            self.size,
            mp_context=self._context,
            initializer=work.begin,
            initargs=self._arguments,
        )

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        """Have a process call `function`."""
        return self._pool.submit(function, *arguments)

    def processes(self) -> list[int]:
        """Return the numbers of the processes."""
        return [process.pid for process in self._context.processes if process.pid is not None]

    def death(self) -> str:
        """Say of which signal a process died, or "" if none did."""
        for process in self._context.processes:
            process.join(1)
            if process.exitcode is not None and process.exitcode < 0:
                return signal.Signals(-process.exitcode).name
            if process.exitcode:
                return f"status {process.exitcode}"
        return ""

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to all processes."""
        for process in self._context.processes:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, number)

    def renew(self) -> None:
        """Kill the processes and start others."""
        self.close()
        self._begin()

    def close(self) -> None:
        """Kill the processes: they hold nothing that is worth an orderly end."""
        for process in self._context.processes:
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
