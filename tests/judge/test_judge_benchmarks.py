"""The benchmarks of the judge and of the machines: what they measure has its form."""

import json
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from benchmarks import judge, machines, monitors
from benchmarks.__main__ import main


def printed(show: Any, found: dict[str, Any]) -> str:
    """Return what `show` prints of what was found, which JSON can carry."""
    console = Console(width=120)
    with console.capture() as captured:
        show(json.loads(json.dumps(found)), console)
    return captured.get()


@pytest.mark.slow
def test_judge_measures_each_row_in_a_process_of_its_own() -> None:
    """Verdicts, steps and memory, of searches and of a long history that is read, too."""
    found = judge.run(Console(quiet=True), 1, ["queue", judge.MILLION], calls=2_000)
    dense, long = found["rows"]

    assert (dense["row"], dense["calls"], dense["verdicts"]) == ("queue", 200, {"ok": 1})
    assert (long["row"], long["calls"], long["verdicts"]) == ("million", 2_000, {"ok": 1})
    assert min(row["steps_a_processor_second"] for row in found["rows"]) > 0
    assert min(row["peak_bytes"] for row in found["rows"]) > 1e6
    assert "1 ok" in printed(judge.show, found)


def test_monitors_judge_what_is_legal_and_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows for each datatype and size; each history's process prints its row."""

    def asked(*arguments: object) -> dict[str, Any]:
        result = CliRunner().invoke(monitors.main, list(map(str, arguments)))
        row: dict[str, Any] = json.loads(result.stdout)
        return row

    monkeypatch.setattr(monitors, "_asked", asked)
    found = monitors.run(Console(quiet=True), (1_000,))
    rows = found["histories"]

    assert [row["datatype"] for row in rows] == [name for name in monitors.SUBJECTS for _ in "ab"]
    assert [row["legal"] for row in rows] == [True, False] * len(monitors.SUBJECTS)
    assert "priority-queue" in printed(monitors.show, found)


@pytest.mark.slow
def test_machines_search_for_every_mutant() -> None:
    """A mutant that is found has a smallest program; one that is not has none."""
    found = machines.run(Console(quiet=True), 1, ["once"], seconds=2.0)
    rows = {row["mutant"]: row for row in found["mutants"]}

    assert rows["once:early-complete"]["found"] == 1
    assert rows["once:early-complete"]["smallest"]
    assert rows["once:relaxed-store"]["found"] == 0
    assert rows["once:relaxed-store"]["smallest"] is None
    assert "once:relaxed-store" in printed(machines.show, found)


@pytest.mark.parametrize("benchmark", [judge, monitors, machines])
def test_benchmark_runs_by_its_name(benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m benchmarks NAME` measures it alone, and prints it."""
    name = benchmark.__name__.rpartition(".")[2]
    monkeypatch.setattr(benchmark, "run", lambda *_: {"rows": []})
    monkeypatch.setattr(benchmark, "show", lambda found, console: console.print(found))
    result = CliRunner().invoke(main, [name, "--json"])

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[name] == {"rows": []}
