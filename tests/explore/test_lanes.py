"""The report of a failing interleaving, letter for letter, and what holds of every report.

The reports are golden files: ``UPDATE_GOLDEN=1 pytest tests/explore/test_lanes.py`` writes them.
"""

import os
import re
from pathlib import Path

import pytest

from stress.explore.record import report_of
from stress.explore.scenario import ScenarioTask, explored
from stress.explore.target import find
from stress.explore.trace import Trace, TraceStep
from stress.report.lanes import painted, render

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "interleavings"
FILE = "tests/explore/interleavings.py"
LANES = (
    "race",
    "unguarded",
    "stale",
    "store_buffering",
    "lost_update",
    "crossed_locks",
    "forgotten_lock",
    "lost_wake_up",
    "one_of_two",
    "livelock",
    "four_threads",
    "hand_over",
    "fences",
    "weak_exchange",
    "overtaken_store",
    "family",
    "early_publication",
)
OTHERS = {
    "stale-ascii": ("stale", 92, True),
    "hand_over-ascii": ("hand_over", 92, True),
    "race-narrow": ("race", 70, False),
    "crossed_locks-narrow-ascii": ("crossed_locks", 60, True),
}
REPORTS = {name: (name, 92, False) for name in LANES} | OTHERS


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def trace_of(name: str, memory: str = "rc11") -> Trace:
    """Return the trace of a scenario of the file of interleavings, as if it was saved."""
    target = f"{FILE}::{name}"
    task = ScenarioTask(find(target), memory)
    trace = report_of(task, explored(task.scenario, memory=memory), target)
    trace.saved = ".stress/failures/00000000.json"
    return trace


@pytest.mark.parametrize("name", REPORTS)
def test_report_prints_as_its_golden_file(name: str) -> None:
    """The report is, letter for letter, the one that was reviewed."""
    scenario, width, ascii_only = REPORTS[name]
    report = render(trace_of(scenario), width, ascii=ascii_only)
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(report, encoding="utf-8")

    assert report == file.read_text(encoding="utf-8")


def test_golden_folder_holds_no_other_file() -> None:
    """Every golden file belongs to a report."""
    assert {path.stem for path in GOLDEN.iterdir()} == {*REPORTS}


@pytest.mark.parametrize("width", [60, 70, 80, 92, 120])
@pytest.mark.parametrize("name", LANES)
def test_report_is_no_wider_than_the_page(name: str, width: int) -> None:
    """Whatever the steps are called, no line of theirs is wider; a file name may be."""
    for line in render(trace_of(name), width).splitlines():
        if not line.startswith(("scenario", "saved", "replay", "source", "╌╌", "──")):
            assert len(line) <= width


@pytest.mark.parametrize("name", LANES)
def test_ascii_report_is_ascii(name: str) -> None:
    """A terminal that knows nothing else can show it; also of names that are not."""
    trace = trace_of(name)
    trace.steps[0].location = "bœuf"

    assert render(trace, ascii=True).isascii()


def test_report_in_colours_is_the_report() -> None:
    """Colour adds nothing to the words."""
    report = render(trace_of("stale"))

    assert painted(report).plain == report
    assert painted(report).spans


def test_arrow_is_solid_exactly_if_it_synchronizes() -> None:
    """The two kinds of arrow are told apart by the lines to their heads."""
    dotted, solid = render(trace_of("race")), render(trace_of("fences"))

    assert "╌▸" in dotted
    assert "─▸" not in dotted
    assert "─▸" in solid
    assert "╌▸" not in solid


def test_legend_explains_only_the_arrows_there_are() -> None:
    """Nothing is explained that is not on the page."""
    assert "synchronize" not in render(trace_of("lost_update")).splitlines()[-1]
    legend = render(trace_of("race")).splitlines()[-1]
    assert legend == "╌╌ reads from, without synchronizing    ● the two steps that conflict"


def test_replay_command_comes_before_the_evidence() -> None:
    """Whoever sees the title can have the failure again."""
    report = render(trace_of("race"))

    assert report.index("stress replay .stress/failures/00000000.json") < report.index("observed")


def test_two_files_of_one_name_are_told_apart_by_their_folders() -> None:
    """A place is shown as short as it can be, and no shorter."""
    steps = [
        TraceStep(number, 0, "pause", where=where)
        for number, where in enumerate(("one/cell.py:1", "two/cell.py:2", "two/word.py:3"), 1)
    ]
    report = render(Trace("livelock", "it waits", ["a"], steps, [], [], [], []))

    assert re.findall(r"\S+\.py:\d", report) == ["one/cell.py:1", "two/cell.py:2", "word.py:3"]


def test_many_arrows_between_two_lanes_have_columns_of_their_own() -> None:
    """Lines that overlap do not run on top of each other."""
    steps = [
        TraceStep(number, 0, "store", f"word {number}", new="1", order="release")
        for number in (1, 2, 3)
    ]
    steps += [
        TraceStep(
            number, 1, "load", f"word {number - 3}", "1", order="acquire", reads=number - 3,
            synchronizes=True,
        )
        for number in (4, 5, 6)
    ]  # fmt: skip
    report = render(Trace("assertion", "it fails", ["a", "b"], steps, [], [], [], []))
    rows = [line for line in report.splitlines() if re.match(r" \d", line)]

    columns = [row.index("╮") for row in rows[:3]]
    assert len({*columns}) == 3
    assert sorted(row.index("╰") for row in rows[3:]) == sorted(columns)
