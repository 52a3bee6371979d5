"""A real Dask cluster of two worker processes, one of which is killed: each case counts once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stress.campaign.cluster import Cluster, ClusterError
from stress.campaign.coordinator import News
from tests.campaign.campaigns import campaign, plan

pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of distributed, which is not ours
]

CASES = 16
QUIET = ["--no-dashboard", "--host", "127.0.0.1"]
HERE = Path(__file__).parents[2]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and two workers without nannies; give its address, and the workers."""
    file = tmp_path / "scheduler.json"
    with ExitStack() as stack:

        def start(*words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(  # noqa: S603  (this interpreter)
                [sys.executable, "-m", "distributed.cli." + words[0], *words[1:], *QUIET],
                cwd=HERE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start("dask_scheduler", "--port", "0", "--scheduler-file", str(file))
        end = time.monotonic() + 60
        while not file.exists() or not file.read_text():
            assert time.monotonic() < end
            time.sleep(0.1)
        local = ["--local-directory", str(tmp_path)]
        workers = [
            start(
                "dask_worker",
                "--scheduler-file",
                str(file),
                "--no-nanny",
                "--nthreads",
                "1",
                *local,
            )
            for _ in range(2)
        ]
        yield str(file), workers


def address_of(file: str) -> str:
    """Return the address in a scheduler file."""
    address: str = json.loads(Path(file).read_text())["address"]
    return address


def test_every_case_counts_once_when_a_worker_is_killed(
    tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    """Dask runs again what the dead worker had, some of it for the second time."""
    file, workers = cluster
    planned = plan(engines=("sequential",))
    crew = Cluster(address_of(file))
    end = time.monotonic() + 60
    while crew.size < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    killed: list[int] = []
    with campaign(tmp_path / "night", planned, CASES, crew) as coordinator:

        def kill(news: News) -> None:
            if news.cases and not killed:
                killed.append(news.cases)
                os.kill(workers[0].pid, signal.SIGKILL)

        coordinator.watch = kill
        coordinator.run()

        assert killed
        assert killed[0] < CASES
        assert coordinator.folder.ledger.numbers() == set(range(CASES))
        [sums] = coordinator.folder.totals().values()
        assert sums.cases == CASES
        assert sums.errors == {}
        assert coordinator.folder.failures() == []


def test_address_where_nobody_answers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so after a few seconds, and what to do."""
    monkeypatch.setattr("stress.campaign.cluster.PATIENCE", 1.0)
    with pytest.raises(ClusterError, match=r"(?s)no Dask scheduler answers at .*:1 .*dask worker"):
        Cluster("tcp://127.0.0.1:1")


def test_missing_distributed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to install it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"pip install 'registrar-stress\[cluster\]'"):
        Cluster("tcp://127.0.0.1:1")
