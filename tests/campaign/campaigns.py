"""Small campaigns for the tests, and what they came to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stress.campaign.coordinator import Coordinator
from stress.campaign.folder import Folder
from stress.campaign.outcome import Sums
from stress.campaign.plan import Plan
from stress.campaign.workers import Processes, Workers

STEADY = ("sequential", "explore")
"""Engines in which a case does the same every time."""


def plan(*models: str, engines: tuple[str, ...] = STEADY, cap: float = 30.0) -> Plan:
    """Return a plan for `models`, or for a small one."""
    return Plan("c0ffee", 7, models or ("spsc-ring",), engines, cap=cap, patience=min(cap, 20.0))


@contextmanager
def campaign(
    path: Path, planned: Plan, cases: int, workers: Workers | None = None
) -> Iterator[Coordinator]:
    """Begin the campaign `planned` in the folder `path`, or go on with it, up to so many cases."""
    made = path.exists()
    folder = Folder.open(path, going_on=True) if made else Folder.create(path, planned)
    with folder:
        yield Coordinator(folder, workers or Processes(2, planned), 300.0, cases=cases)


def counted(sums: Sums) -> tuple[int, int, int]:
    """Return what is the same whenever the same cases are run."""
    return sums.cases, sums.examples, sums.executions
