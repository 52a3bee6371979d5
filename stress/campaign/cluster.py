"""Workers of a Dask scheduler, on as many machines as it has.

A scheduler is trusted: what it sends is unpickled and run, here and by its workers, so whoever can
reach it can run anything on all of them.  The project must be installed where the workers are.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from stress.campaign.workers import WorkersLostError

if TYPE_CHECKING:
    from concurrent.futures import Future

PATIENCE: Final = 5.0
"""Seconds for a scheduler to answer, and for a first worker to come."""
LOOKS: Final = 2.0
"""Seconds between questions of who works."""


class ClusterError(ValueError):
    """There is no cluster at the address, or nothing to reach it with."""


class Cluster:
    """The workers of the scheduler at `address`."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client  # noqa: PLC0415  (an extra, and slow to import)
        except ImportError as error:
            raise ClusterError(
                f"--scheduler needs Dask distributed, which is not installed ({error}).\n"
                f"  Install it:  pip install 'registrar-stress[cluster]'"
            ) from error
        try:
            self._client = Client(address, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError) as error:  # TimeoutError is an OSError
            raise ClusterError(
                f"no Dask scheduler answers at {address} ({type(error).__name__}: {error}).\n"
                f"  Start one, and workers:  dask scheduler;  dask worker {address} --nthreads 1\n"
                f"  Or leave --scheduler out: then processes of this machine do the work."
            ) from error
        self._executor = self._client.get_executor(pure=False, retries=0)  # type: ignore[no-untyped-call]
        self._looked, self._size = 0.0, 0
        end = time.monotonic() + PATIENCE
        while not self.size:
            if time.monotonic() > end:
                self.close()
                raise ClusterError(
                    f"the Dask scheduler at {address} has no workers.\n"
                    f"  Start some:  dask worker {address} --nthreads 1"
                )
            time.sleep(0.1)
            self._looked = 0.0

    @property
    def size(self) -> int:
        """How many worker processes there are; each does one thing at a time."""
        if time.monotonic() - self._looked > LOOKS:
            self._looked = time.monotonic()
            try:
                self._size = len(self._client.nthreads())  # type: ignore[no-untyped-call]
            except OSError as error:
                raise WorkersLostError(f"The scheduler is gone: {error}") from error
        return self._size

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        """Have a worker call `function`."""
        if self._client.status != "running":
            raise WorkersLostError(f"The scheduler is gone: the client is {self._client.status}.")
        future: Future[Any] = self._executor.submit(function, *arguments)
        return future

    def processes(self) -> list[int]:
        """Return nothing: the workers may be anywhere."""
        return []

    def renew(self) -> None:
        """Nothing: who died is replaced by the cluster, if it is."""

    def close(self) -> None:
        """Leave the cluster; its workers stay."""
        self._client.close()  # type: ignore[no-untyped-call]
