"""The coordinator: each case counts once, whoever dies meanwhile; what fails is saved once."""

import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from stress import failures
from stress.campaign import work
from stress.campaign.coordinator import Coordinator, News
from stress.campaign.engines import Workshop
from stress.campaign.folder import Folder
from stress.campaign.plan import Plan
from stress.campaign.workers import Processes, WorkersLostError
from stress.report.telling import told
from tests.campaign.campaigns import STEADY, campaign, counted, plan
from tests.campaign.deadly import FILE

pytestmark = pytest.mark.slow

CASES = 12


@pytest.fixture(scope="module")
def expected() -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return what the cases of a small plan come to, one after another in one process."""
    planned = plan()
    alone = Processes(1, planned)
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    for outcome in alone.submit(work.done, planned, range(CASES)).result():
        owner = outcome.model, outcome.engine
        before = found.get(owner, (0, 0, 0))
        mine = counted(outcome.sums)
        found[owner] = before[0] + mine[0], before[1] + mine[1], before[2] + mine[2]
    alone.close()
    return found


def totals(coordinator: Coordinator) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return what the cases came to, by model and engine."""
    return {owner: counted(sums) for owner, sums in coordinator.books.totals.items()}


def test_campaign_counts_every_case_once(
    tmp_path: Path, expected: dict[tuple[str, str], tuple[int, int, int]]
) -> None:
    """What it comes to does not depend on who does which case when."""
    with campaign(tmp_path / "night", plan(), CASES) as coordinator:
        coordinator.run()

        assert coordinator.folder.ledger.numbers() == set(range(CASES))
        assert totals(coordinator) == expected
        assert coordinator.folder.next_number == CASES


def test_worker_that_is_killed_loses_nothing(
    tmp_path: Path, expected: dict[tuple[str, str], tuple[int, int, int]]
) -> None:
    """The broken pool is replaced, its cases are run again, and none is accused."""
    killed: list[int] = []
    with campaign(tmp_path / "night", plan(), CASES) as coordinator:

        def kill(news: News) -> None:
            alive = coordinator._workers.processes()
            if news.cases and not killed and alive:
                killed.append(alive[0])
                os.kill(alive[0], signal.SIGKILL)

        coordinator.watch = kill
        coordinator.run()

        assert killed
        assert coordinator.folder.ledger.numbers() == set(range(CASES))
        assert totals(coordinator) == expected
        assert coordinator.folder.failures() == []


def test_campaign_goes_on_where_it_stopped(
    tmp_path: Path, expected: dict[tuple[str, str], tuple[int, int, int]]
) -> None:
    """What was done is not done again, and what comes of all is the same."""
    path = tmp_path / "night"
    with campaign(path, plan(), 5) as coordinator:
        coordinator.run()
        before = coordinator.seconds
    with campaign(path, plan(), CASES) as coordinator:
        assert coordinator.books.cases == 5
        coordinator.run()

        assert totals(coordinator) == expected
        assert coordinator.folder.seconds > before
        assert [sample.cases for sample in coordinator.folder.samples()][-1] == CASES


def test_case_that_is_entered_twice_counts_once(tmp_path: Path) -> None:
    """As it is after Dask has run it twice."""
    planned = plan()
    outcomes = [Workshop(planned).done(planned.case(number)) for number in (3, 4)]
    with campaign(tmp_path / "night", planned, 0) as coordinator:
        coordinator.books.enter(outcomes, [], 1.0)
        coordinator.books.enter(outcomes[:1], [], 2.0)

        assert coordinator.folder.cases == coordinator.books.cases == 2
        assert sum(sums.cases for sums in coordinator.folder.totals().values()) == 2
        undone = coordinator.folder.ledger.undone()
        assert [next(undone) for _ in range(5)] == [0, 1, 2, 5, 6]


def test_nothing_of_a_transaction_that_fails_is_there(tmp_path: Path) -> None:
    """A failure in the middle leaves the folder as it was."""
    planned = plan()
    outcome = Workshop(planned).done(planned.case(3))
    with campaign(tmp_path / "night", planned, 0) as coordinator:
        ledger = coordinator.folder.ledger

        def enter_and_fail() -> None:
            with ledger.writing():
                assert ledger.enter(outcome)
                ledger._connection.execute("INSERT INTO nowhere VALUES (1)")

        with pytest.raises(sqlite3.Error):
            enter_and_fail()

        assert coordinator.folder.cases == 0


def test_failures_alike_are_shrunk_and_saved_once(tmp_path: Path) -> None:
    """A fault that every case finds is one failure, with how often it was met."""
    with campaign(tmp_path / "night", plan("once:relaxed-store"), 16) as coordinator:
        coordinator.run()
        folder = coordinator.folder
        found = folder.failures()

        assert [(each.engine, each.rule) for each in found] == [("explore", "race")]
        assert coordinator.books.pending == {}
        [race] = found
        assert race.times <= 3 <= race.alike
        saved = failures.load(race.path)
        assert saved["fingerprint"] == race.fingerprint == race.path.stem
        assert "failed in the same way" in saved["checked"]
        assert saved["trace"]["threads"] == ["thread 0", "thread 1"]  # it was made smaller
        assert race.first_case == f"c0ffee-{min(_failing(folder))}"


def _failing(folder: Folder) -> list[int]:
    """Return the cases that found what was shrunk."""
    return [finding.first for finding in folder.ledger.findings()]


def test_case_that_kills_its_worker_is_a_finding_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Each such case is run twice; the third like it is only counted."""
    planned = plan(f"{FILE}::MeterModel:deadly", engines=("sequential",))
    with campaign(tmp_path / "night", planned, 20) as coordinator:
        coordinator.run()
        folder = coordinator.folder

        assert folder.ledger.numbers() == set(range(20))
        found = folder.failures()
        assert found
        assert {each.rule for each in found} == {"crash"}
        saved = failures.load(found[0].path)
        message = saved["violations"][0]["message"]
        assert f"case {found[0].first_case} ends the process it runs in: SIGKILL" in message
        again = f"stress resume {tmp_path}/night --case {found[0].first_case}"
        assert told(saved, found[0].path).replay == again
        [sums] = folder.totals().values()
        assert sums.cases == 20
        assert 0 < sums.violations < 15
        assert found[0].alike == sums.violations


def test_case_that_does_not_come_back_is_a_finding(tmp_path: Path) -> None:
    """Its worker is killed, and where it stood is told."""
    planned = plan(f"{FILE}::MeterModel:stuck", engines=("sequential",), cap=1.0)
    with campaign(tmp_path / "night", planned, 1) as coordinator:
        coordinator.run()
        folder = coordinator.folder

        assert folder.ledger.numbers() == {0}
        [found] = folder.failures()
        saved = failures.load(found.path)
        assert saved["kind"] == found.rule == "hang"
        assert "deadly.py" in saved["stacks"][0]


@pytest.mark.threads
def test_real_threads_are_cases_too(tmp_path: Path) -> None:
    """They count their calls, and which of them overlapped."""
    planned = plan(engines=("threads", "concurrent"))
    with campaign(tmp_path / "night", planned, 4) as coordinator:
        coordinator.run()
        folder = coordinator.folder

        assert folder.cases == 4
        assert sum(sums.overlapped for sums in folder.totals().values()) > 0
        assert {"calls: push → pop", "calls: pop → push"} & {
            pair for pairs in folder.coverage().values() for pair in pairs
        }


def test_number_of_a_case_decides_all_of_it() -> None:
    """Model, engine and seed; programs drawn by hand come first, once."""
    planned = Plan("c0ffee", 7, ("once", "seqlock"))
    cases = [planned.case(number) for number in range(400)]

    assert cases == [Plan.from_json(planned.to_json()).case(number) for number in range(400)]
    assert len({case.seed for case in cases}) == 400
    assert {case.model for case in cases} == {"once", "seqlock"}
    counts = {engine: sum(case.engine == engine for case in cases) for engine in planned.engines}
    assert counts["explore"] > counts["threads"] > counts["sequential"] > 20
    assert [Plan("other", 7, ("once",)).case(9).seed] != [Plan("c0ffee", 7, ("once",)).case(9).seed]


@pytest.mark.parametrize("engine", STEADY)
def test_case_does_the_same_again(engine: str) -> None:
    """Also its coverage is the same."""
    planned = plan("seqlock", engines=(engine,))
    first, second = (Workshop(planned).done(planned.case(2)) for _ in range(2))

    assert counted(first.sums) == counted(second.sums)
    assert first.coverage == second.coverage


def test_workers_that_cannot_begin_end_the_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is accused of what keeps every process from its work."""
    file = tmp_path / "vanishing.py"
    shutil.copy(FILE, file)
    monkeypatch.chdir(tmp_path)
    planned = plan("vanishing.py::MeterModel", engines=("sequential",))
    with campaign(Path("night"), planned, 3) as coordinator:
        file.unlink()
        with pytest.raises(WorkersLostError, match=r"before (they have|it has) done anything"):
            coordinator.run()

        assert coordinator.folder.cases == 0
