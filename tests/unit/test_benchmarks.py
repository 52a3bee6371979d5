"""The benchmarks: what they measure has its form, and what they conclude follows from it."""

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from benchmarks import faults
from benchmarks.__main__ import main
from benchmarks.faults import Outcome
from benchmarks.figures import ENOUGH, Reach, figures, reach, show_figures, show_reaches
from benchmarks.timing import WARM_UP, Body, Crew, Timing, Turn, in_turns


def timing(threads: int, per_call: int, *, quiet: bool = True) -> Timing:
    """Return a timing of ten calls a thread, in quiet or not."""
    wall = 10 * per_call
    return Timing(threads, 10, wall, threads * wall if quiet else 0)


def turns(quiet: int, loud: int = 0) -> list[Turn]:
    """Return turns in which two threads together make 1.6 times the calls of one."""
    return [
        {("it", 1): timing(1, 80, quiet=calm), ("it", 2): timing(2, 100, quiet=calm)}
        for calm in [True] * quiet + [False] * loud
    ]


def printed(show: Any, *arguments: Any) -> str:
    """Return what `show` prints of `arguments`."""
    console = Console(width=96)
    with console.capture() as captured:
        show(*arguments, console)
    return captured.get()


def measured(*arguments: str) -> dict[str, Any]:
    """Run the benchmarks' command and return the object that it prints."""
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


# The clock


def test_crew_makes_every_thread_do_its_calls() -> None:
    """Each thread makes the calls it is told, after some that are not timed."""
    made: list[tuple[int, int]] = []

    def bind(me: int) -> Body:
        return lambda calls: made.append((me, calls))

    with Crew({"it": bind}, 3) as crew:
        found = crew.timed("it", 3, 17)

    assert sorted(made) == [(me, calls) for me in range(3) for calls in (17, WARM_UP)]
    assert (found.threads, found.calls) == (3, 17)
    assert found.per_call == found.wall / 17


@pytest.mark.parametrize("threads", [1, 3])
def test_crew_raises_what_a_thread_raises(threads: int) -> None:
    """An error in one thread keeps no other waiting, and it is that error that comes out."""

    def bind(me: int) -> Body:
        if me == threads - 1:
            raise LookupError("no such thing")
        return lambda _: None

    with Crew({"it": bind}, threads) as crew, pytest.raises(LookupError, match="no such thing"):
        crew.timed("it", threads, 1)


def test_in_turns_times_everything_at_least_once() -> None:
    """However short the time, there is a whole turn."""
    subjects = {name: lambda _: lambda _: None for name in ("a", "b")}
    found = in_turns(subjects, (1, 2), 1, 0.0)

    assert [list(turn) for turn in found] == [[("a", 1), ("a", 2), ("b", 1), ("b", 2)]]


# Figures and reaches


def test_figures_take_gain_turn_by_turn() -> None:
    """The gain of two threads is their throughput over that of one, in the same turn."""
    one, two = figures(turns(ENOUGH))

    assert (one.best, one.median, one.gain) == (80, 80, 1)
    assert (two.best, two.median, two.gain, two.quiet) == (100, 100, 1.6, ENOUGH)


@pytest.mark.parametrize(("limit", "met"), [(1.6, True), (1.7, False)])
def test_reach_is_met_or_missed_when_quiet(limit: float, *, met: bool) -> None:
    """Enough quiet turns decide."""
    found = _gain(turns(ENOUGH, loud=3), limit)

    assert found == Reach("gain", 1.6, 1.6, ENOUGH, met)


def test_reach_is_unknown_when_disturbed() -> None:
    """Too few quiet turns decide nothing, however good the figures look."""
    assert _gain(turns(ENOUGH - 1, loud=9), 0.1).met is None


def _gain(measured_turns: Sequence[Turn], limit: float) -> Reach:
    return reach(
        measured_turns,
        "gain",
        [("it", 1), ("it", 2)],
        lambda turn: 2 * turn["it", 1] / turn["it", 2],
        lambda gain: gain >= limit,
    )


def test_table_marks_what_was_disturbed() -> None:
    """A figure that other work disturbed is printed with a mark."""
    assert "x1.60" in printed(show_figures, figures(turns(ENOUGH)), "title", ENOUGH)
    assert "~x1.60" in printed(show_figures, figures(turns(1)), "title", 1)


@pytest.mark.parametrize(("met", "word"), [(True, "met"), (False, "missed"), (None, "unknown")])
def test_reach_prints_its_verdict(met: bool | None, word: str) -> None:  # noqa: FBT001
    """A reach says in one word what came of it."""
    line = printed(show_reaches, [Reach("the goal", 1.5, 1.4, 7, met)])

    assert line.strip() == f"{word}: 1.50 the goal; median of 7 quiet turns 1.40"


def test_reach_is_judged_by_the_best_timings() -> None:
    """What slowed a core for a while, and was not seen, does not decide; the median tells."""
    slow: list[Turn] = [{("it", 1): timing(1, 80), ("it", 2): timing(2, 160)}] * (2 * ENOUGH)
    found = _gain(turns(ENOUGH) + slow, 1.5)

    assert (found.value, found.median, found.met) == (1.6, 1.0, True)


# The commands


@pytest.mark.slow
def test_register_measures_both_states_of_the_gil() -> None:
    """Five subjects with 1, 2 and 4 threads; with the GIL off, where it can be, and on."""
    states = measured("register", "--for", "0.01")["register"]

    assert [state["gil"] for state in states] in ([False, True], [True])
    for state in states:
        sources = {(figure["subject"], figure["threads"]) for figure in state["figures"]}
        assert len(sources) == len(state["figures"]) == 5 * 3
        assert all(0 < figure["best"] <= figure["median"] for figure in state["figures"])
        assert all(math.isfinite(item["value"]) for item in state["reaches"])


@pytest.mark.slow
def test_recording_measures_both_kinds_of_worker() -> None:
    """Workers with 1, 2 and 4 threads, recorded and not."""
    found = measured("recording", "--for", "0.01")["recording"]

    assert {figure["subject"] for figure in found["figures"]} == {"recorded", "not recorded"}
    assert len(found["figures"]) == 2 * 3
    assert found["turns"] >= 1


@pytest.mark.slow
def test_faults_run_in_every_engine() -> None:
    """Each engine gets the fault, and each run has a seed, a verdict and its seconds."""
    found = measured("faults", "--fault", "end-rounded-down", "--seeds", "1", "--budget", "5")
    rows = found["faults"]["rows"]

    assert [row["engine"] for row in rows] == ["threads", "sequential", "concurrent"]
    for row in rows:
        assert [outcome["seed"] for outcome in row["runs"]] == [1]
        assert {outcome["verdict"] for outcome in row["runs"]} <= {"failed", "ok", "unknown"}
        assert (row["seconds"] is not None) == (row["caught"] == 1)


def test_fault_counts_as_caught_within_budget_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verdict that comes too late, or is no failure, catches nothing; 9 of 10 are enough."""
    late, none, caught = (
        Outcome(1, "failed", 31.0, ["I2"]),
        Outcome(1, "unknown", 5.0, []),
        Outcome(1, "failed", 2.0, ["I1"]),
    )
    given = iter([late] + [caught] * 9 + [none] * 2 + [caught] * 8 + [none] * 10)
    monkeypatch.setattr(faults, "_outcome", lambda *_: next(given))
    found = faults.run(["no-recheck"], 10, 30.0, Console(quiet=True))

    assert [row["caught"] for row in found["rows"]] == [9, 8, 0]
    assert [row["rules"] for row in found["rows"]] == [["I1"], ["I1"], []]
    assert found["met"] == {"no-recheck": True}
    assert "no-recheck" in printed(faults.show, found)


@pytest.mark.parametrize(
    "arguments",
    [
        ["speed"],
        ["--for", "0"],
        ["faults", "--seeds", "0"],
        ["faults", "--budget", "-1"],
        ["faults", "--fault", "none"],
    ],
)
def test_benchmarks_reject_wrong_usage(arguments: list[str]) -> None:
    """Wrong usage is status 2, before anything is measured."""
    assert CliRunner().invoke(main, arguments).exit_code == 2
