"""The text of a report: golden files for every kind, and what no data can do to it."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from stress.mutants import Cell, Row
from stress.report.failure import Report
from stress.report.survivors import survivor
from stress.report.telling import told
from stress.report.text import show_report
from stress.report.written import WIDTH, painted, written
from tests.reports.samples import KINDS, race

GOLDEN: Final = Path(__file__).parents[1] / "golden" / "reports"
SAVED: Final = Path(".stress/failures/0a1b2c3d.json")
HOSTILE: Final = [
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "[red]not a style[/red]", "\u202egnp.exe", "a\nb\rc",
    "\0", "\ud800", "x" * 10_000, "wide \u4f60\u597d", "a\u0300" * 40, "\u2028", "\t\v", "--help",
]  # fmt: skip
CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


SURVIVING: Final = Row(
    "queue",
    "unlocked",
    "mutant",
    "Puts without the lock.",
    {
        "sequential": Cell(killed=False, seconds=2.0, executions=1_300),
        "threads": Cell(killed=False, seconds=2.0, executions=1, doubt="No call overlapped."),
    },
)
ALL: Final = [*KINDS, "surviving"]


def report_of(kind: str) -> Report:
    """Return the report of a sample."""
    return told(KINDS[kind](), SAVED) if kind in KINDS else survivor(SURVIVING, 2, 7)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("form", ["", "-ascii"])
def test_report_prints_as_its_golden_file(kind: str, form: str) -> None:
    """The text of each kind is what its golden file holds."""
    file = GOLDEN / f"{kind}{form}.txt"
    text = written(report_of(kind), ascii=bool(form))
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")
    assert text.isascii() or not form


def test_golden_folder_holds_no_other_file() -> None:
    """Every golden file belongs to a kind."""
    names = {f"{kind}{form}" for kind in ALL for form in ("", "-ascii")}

    assert {path.stem for path in GOLDEN.glob("*.txt")} == names


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("width", [60, 80, 92])
def test_no_line_is_wider_than_the_page(kind: str, width: int) -> None:
    """But for the one command, which a line break would spoil."""
    lines = written(report_of(kind), width).splitlines()
    wide = [line for line in lines if len(line) > width]

    assert all(line.startswith(("replay ", "saved ")) for line in wide)


@pytest.mark.parametrize("kind", ALL)
def test_replay_comes_before_the_evidence(kind: str) -> None:
    """Whoever reads no further can see it for himself."""
    report = report_of(kind)
    text = written(report)
    first = min(
        (text.find(mark) for mark in ("\nobserved", "\n #", "├", "\nworker", "\nfrom us")
         if mark in text),
        default=len(text),
    )  # fmt: skip

    assert report.replay
    assert text.index(f"\nreplay    {report.replay}") < first


def with_text(value: Any, text: str) -> Any:
    """Return `value` with every text in it replaced, but for words of a fixed set."""
    if isinstance(value, str):
        return text
    if isinstance(value, list):
        return [with_text(each, text) for each in value]
    return value


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_no_layout(kind: str, text: str) -> None:
    """Whatever a stranger wrote stands in a line of its own, and nothing of it is a command."""
    report = spoilt(report_of(kind), text)
    for ascii_only in (False, True):
        page = written(report, ascii=ascii_only)
        lines = page.splitlines()

        assert not CONTROL.search(page)
        assert page.isascii() or not ascii_only
        assert all(len(line) <= WIDTH or line.startswith(("replay", "saved")) for line in lines)
        assert len(lines) < 200


def spoilt(report: Report, text: str) -> Report:
    """Return `report` with `text` wherever there is some of the subject's."""
    changed: dict[str, Any] = {
        name: with_text(getattr(report, name), text)
        for name in ("title", "setting", "model", "observed", "allowed", "order", "stacks", "why",
                     "notes", "misfit", "fingerprint")
    }  # fmt: skip
    changed["facts"] = {"model": text, "scenario": text, text: text}
    changed["calls"] = [replace(each, text=text, result=text) for each in report.calls]
    changed["tried"] = [replace(each, change=text, where=text) for each in report.tried]
    changed["outcomes"] = [replace(each, seen=text, meaning=text) for each in report.outcomes]
    if report.trace is not None:
        changed["trace"] = replace(
            report.trace,
            threads=[text for _ in report.trace.threads],
            steps=[replace(each, location=text, old=text, new=text, where=text)
                   for each in report.trace.steps],
            ends=[replace(each, text=text) for each in report.trace.ends],
            calls=[replace(each, text=text, result=text) for each in report.trace.calls],
        )  # fmt: skip
    return replace(report, **changed)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.sampled_from(ALL))
def test_any_text_keeps_the_layout(text: str, kind: str) -> None:
    """No text at all reaches a terminal raw, or is wider than the page."""
    page = written(spoilt(report_of(kind), text))

    assert not CONTROL.search(page)
    lines = page.splitlines()
    assert all(len(line) <= WIDTH or line.startswith(("replay", "saved")) for line in lines)


def test_markup_in_data_is_no_style() -> None:
    """Rich reads ``[bold]`` in its own texts, and not in what a failure says."""
    report = spoilt(report_of("race"), "[bold]x[/bold]")

    assert "[bold]x[/bold]" in painted(written(report)).plain


@pytest.mark.parametrize(("terminal", "coloured"), [(True, True), (False, False)])
def test_colour_is_for_terminals(terminal: bool, coloured: bool) -> None:  # noqa: FBT001
    """What is piped into a file holds no escape sequences."""
    console = Console(force_terminal=terminal, width=100)
    with console.capture() as capture:
        show_report(report_of("race"), console)

    assert ("\x1b[" in capture.get()) == coloured


def test_terminal_without_colour_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is heeded: bold and dim may stay, colours do not."""
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(force_terminal=True, width=100)
    with console.capture() as capture:
        show_report(report_of("race"), console)

    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", capture.get())


def test_smallest_repair_that_holds_comes_first() -> None:
    """What failed, and what nobody knows, comes after it, and is not called the smallest."""
    lines = written(report_of("race")).splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("tried"))

    assert "relaxed → release" in lines[first]
    assert lines[first].endswith("◂ smallest")
    assert sum("◂ smallest" in line for line in lines) == 1
    assert "fails" in lines[first + 3]


def test_nothing_is_smallest_where_nothing_holds() -> None:
    """A repair that fails mends nothing, however small it is."""
    failure = race()
    failure["tried"] = [each for each in failure["tried"] if each["verdict"] == "fails"]

    assert "smallest" not in written(told(failure, None))


def test_conflicting_steps_are_marked() -> None:
    """The two steps that a reader has to look at, and no others."""
    lines = written(report_of("race")).splitlines()
    marked = [line.partition("●")[0].strip() for line in lines if re.match(r" *\d+●", line)]

    assert marked == ["1", "4"]


@pytest.mark.parametrize(
    "part", ["trace", "calls", "order", "outcomes", "stacks", "why", "tried", "notes"]
)
def test_samples_have_all_that_reports_can_show(part: str) -> None:
    """Each part of a report is in some golden file."""
    assert any(getattr(report_of(kind), part) for kind in KINDS)
