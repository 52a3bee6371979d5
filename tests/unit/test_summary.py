"""Summaries: what makes a verdict, what adds up, and the report as it is printed.

The reports are golden files: ``UPDATE_GOLDEN=1 pytest tests/unit/test_summary.py`` writes them.
"""

import json
import os
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stress.history import Span, to_json_lines
from stress.host import Host
from stress.report import text
from stress.report.summary import INTERRUPTED, RunSummary, Summary
from stress.sequential import SequentialRun
from stress.threads.census import Census
from stress.threads.supervisor import ThreadsRun
from stress.verdict import Verdict

GOLDEN = Path(__file__).parents[1] / "golden"
FREE = Host("CPython 3.14.2 (free-threaded build, x86_64)", gil=False, cores=4)
BOUND = Host("CPython 3.13.9 (with the GIL build, aarch64)", gil=True, cores=1)

BACKEND = ("backend of 1", "register_range")
HISTORY = [
    Span(0, "register", (0x5000, 1), 1_000_000, 1_004_200, "ok", [0x5000]),
    Span(
        1,
        "register",
        (0x7FFFFFFF, 2),
        1_001_100,
        1_009_900,
        "fail",
        ["RegistrationError", 0x80000000],
    ),
    Span("lock of 1", "mutex", (), 1_001_500, 1_009_000, "ok", 1_002_000),
    Span(*BACKEND, (0, 0x80000000), 1_002_500, 1_005_000, "ok", None),
    Span(*BACKEND, (0x80000000, 0x100000000), 1_006_000, 1_008_000, "fail", "planned"),
    Span(0, "inspect", (), 1_020_000, 1_020_000, "ok", 0),
]
FINDING = {
    "kind": "invariant",
    "seed": "7/3/0/5",
    "parameters": {},
    "violations": [
        {
            "rule": "I1",
            "message": "thread 0: register(0x5000, 0x1) = Ok before 0x0-0x80000000 was registered",
        },
        {
            "rule": "I1",
            "message": "thread 0: register(0x5000, 0x1) = Ok, but the kernel cannot reach 0x5000",
        },
    ],
    "history": [*to_json_lines(HISTORY)],
}
CRASH = {
    "kind": "crash",
    "violations": [{"rule": "crash", "message": "the interpreter died of SIGSEGV"}],
    "stacks": ["Fatal Python error: Segmentation fault\n\nThread 0x2a:\n  [C] at 0x0\n"],
}


def census(**changes: Any) -> Census:
    """Return the census of an ordinary run, but for `changes`."""
    counts = Counter(callbacks=35_260, failures_injected=8_391)
    ordinary: dict[str, Any] = {
        "instances": 14_208,
        "calls": 87_314,
        "overlapped": 39_902,
        "contended": 29_447,
        "counts": counts,
    }
    return Census(**ordinary | changes)


def threads_run(**changes: Any) -> ThreadsRun:
    """Return an ordinary run of real threads, but for `changes`."""
    ordinary: dict[str, Any] = {
        "seconds": 30.5,
        "shifts": Counter({4: 37, 8: 6, 12: 5}),
        "census": census(),
        "memory": {"VmRSS": 100_352, "VmPTE": 428},
    }
    return ThreadsRun(**ordinary | changes)


def summed(host: Host = FREE, **changes: Any) -> RunSummary:
    """Return the summary of an ordinary run of real threads, but for `changes`."""
    return RunSummary.of_threads("registrar", 4, threads_run(**changes), host)


MISMATCH = {
    "message": "register(0x0, 0x1)\n  observed  Ok\n  allowed   IndexError\n  rule      D2",
    "case": {},
    "calls": [["register", 0, 1]],
}


def test_run_without_doubts_is_ok() -> None:
    """A run in which much met and nothing broke passes."""
    assert summed().verdict is Verdict.OK


@pytest.mark.parametrize(
    ("host", "changes", "why"),
    [
        (BOUND, {}, "The GIL is on"),
        (BOUND, {}, "one core only"),
        (FREE, {"gil": True}, "The GIL is on"),
        (FREE, {"census": census(overlapped=0)}, "No call overlapped another"),
        (FREE, {"census": Census()}, "No call overlapped another"),
        (FREE, {"census": census(unknown=Counter(odd=3))}, "3 instances prove nothing: odd"),
        (FREE, {"errors": ["broken pipe\n"]}, "The harness failed: broken pipe"),
        (FREE, {"interrupted": True}, INTERRUPTED),
    ],
)
def test_doubtful_run_is_unknown(host: Host, changes: dict[str, Any], why: str) -> None:
    """Whatever makes a run prove less than it seems makes it unknown, and is said."""
    run = summed(host, **changes)

    assert run.verdict is Verdict.UNKNOWN
    assert any(why in doubt for doubt in run.doubts)


def test_violation_outweighs_doubts() -> None:
    """A violation is a failure on any machine."""
    run = summed(BOUND, findings=[FINDING], census=census(violations=2), interrupted=True)

    assert run.verdict is Verdict.FAILED
    assert run.violations == FINDING["violations"]


def test_finding_of_a_child_that_died_is_a_failure() -> None:
    """It may be killed before it has counted what it told."""
    run = summed(findings=[FINDING], census=Census(), errors=["ended by SIGKILL"])

    assert run.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        (SequentialRun(1.0, 100), Verdict.OK),
        (SequentialRun(1.0, 100, MISMATCH), Verdict.FAILED),
        (SequentialRun(1.0, 100, interrupted=True), Verdict.UNKNOWN),
        (SequentialRun(1.0, 100, MISMATCH, interrupted=True), Verdict.FAILED),
    ],
)
def test_sequential_run_has_verdict(run: SequentialRun, verdict: Verdict) -> None:
    """One thread passes on any machine, unless the machine differs or was interrupted."""
    assert RunSummary.of_sequential("registrar", run).verdict is verdict


def test_summary_has_worst_verdict() -> None:
    """A command is as bad as its worst run, and one without runs is unknown."""
    good, doubtful = summed(), summed(interrupted=True)
    bad = summed(findings=[FINDING], census=census(violations=2))

    assert Summary(FREE, 1, [good, good]).verdict is Verdict.OK
    assert Summary(FREE, 1, [good, doubtful]).verdict is Verdict.UNKNOWN
    assert Summary(FREE, 1, [doubtful, bad, good]).verdict is Verdict.FAILED
    assert Summary(FREE, 1).verdict is Verdict.UNKNOWN


def test_summary_adds_up_its_runs() -> None:
    """The object for machines has the sums of all runs, and the rate of the threads alone."""
    alone = RunSummary.of_sequential("registrar", SequentialRun(9.5, 100, MISMATCH))
    report = json.loads(json.dumps(Summary(FREE, 7, [summed(), summed(), alone]).to_json()))

    assert (report["verdict"], report["seed"], report["gil"]) == ("failed", 7, False)
    assert (report["cores"], report["threads"]) == (4, 4)
    assert report["seconds"] == 70.5
    assert report["calls"] == 2 * 87_314
    assert report["calls_per_second"] == round(87_314 / 30.5, 1)
    assert report["overlapped"] == 2 * 39_902
    assert report["contended"] == 2 * 29_447
    assert report["callbacks"] == 2 * 35_260
    assert report["failures_injected"] == 2 * 8_391
    assert report["violations"] == [{"rule": "mismatch", "message": MISMATCH["message"]}]
    assert [run["verdict"] for run in report["runs"]] == ["ok", "ok", "failed"]


def test_summary_of_nothing_is_whole() -> None:
    """A summary without a run still has every field."""
    report = Summary(BOUND, 7).to_json()

    assert (report["verdict"], report["calls_per_second"], report["runs"]) == ("unknown", 0.0, [])


REPORTS = {
    "ok": Summary(FREE, 1234, [summed()]),
    "failed": Summary(
        FREE, 1234, [summed(findings=[FINDING], census=census(violations=2), seconds=0.7)]
    ),
    "crash": Summary(
        FREE,
        1234,
        [summed(findings=[CRASH], census=Census(violations=1), memory={}, shifts=Counter())],
    ),
    "unknown": Summary(BOUND, 1234, [summed(BOUND, interrupted=True)]),
    "sequential": Summary(
        FREE,
        1234,
        [
            RunSummary.of_sequential("registrar", SequentialRun(30.2, 12_300)),
            RunSummary.of_sequential("registrar:wrong-word", SequentialRun(0.4, 100, MISMATCH)),
        ],
    ),
}


def printed(summary: Summary) -> str:
    """Return the report of `summary`, 92 columns wide, the first failure of each run saved."""
    console = Console(file=StringIO(), width=92, color_system=None)
    saved = {
        place: [Path(f".stress/failures/0000000{place}.json")]
        for place, run in enumerate(summary.runs)
        if run.failures
    }
    text.show(summary, saved, console)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


@pytest.mark.parametrize("name", REPORTS)
def test_report_prints_as_its_golden_file(name: str) -> None:
    """The report is, letter for letter, the one that was reviewed."""
    file = GOLDEN / f"{name}.txt"
    report = printed(REPORTS[name])
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(report, encoding="utf-8")

    assert report == file.read_text(encoding="utf-8")


def test_golden_folder_holds_no_other_file() -> None:
    """Every golden file belongs to a report."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*REPORTS}


def test_report_shows_any_history() -> None:
    """The spans of another model, with arguments and results of any kind, are shown as they are."""
    history = [
        Span(0, "push", ("[red]", 1.5, [1]), 10, 20, "ok", {"a": 1}),
        Span(0, "pop", (), 30, 40, "fail", ["Empty", "queue", 3]),
        Span(0, "pop", (), 50, 50, "info", None),
    ]
    failure = {
        "violations": [{"rule": "Q1", "message": "bad"}],
        "history": [*to_json_lines(history)],
    }
    run = RunSummary("queue", "threads", 2, violations_seen=1, failures=[failure])
    report = printed(Summary(FREE, 1, [run]))

    assert "push([red], 1.5, (1,))" in report
    assert "failed: (Empty, queue, 3)" in report
    assert "never returned" in report


def test_report_shows_what_a_program_came_to() -> None:
    """Small numbers are decimal, tuples are tuples again, and calls of the main thread tell."""
    history = [
        Span("main", "read", (), 0, 5, "ok", [0, 1]),
        Span(0, "push", ((7, 40_000),), 10, 20, "ok", None),
        Span(1, "pop", (), 30, 40, "fail", ["Empty", ["at", 3]]),
    ]
    failure = {
        "violations": [{"rule": "Q1", "message": "bad"}],
        "history": [*to_json_lines(history)],
    }
    run = RunSummary("queue", "threads", 2, violations_seen=1, failures=[failure])
    report = printed(Summary(FREE, 1, [run]))

    assert "main      ├─ read() = (0, 1) ─" in report
    assert "push((7, 40000)) = None" in report
    assert "pop() = Empty('at', 3)" in report


def test_stacks_name_a_file_without_its_folders() -> None:
    """Where a program is on this machine says nothing of what is wrong, and its line does."""
    path = f'  File "{"folder/" * 30}it.py", line 3, in pop'
    run = RunSummary("queue", "threads", 2, failures=[CRASH | {"stacks": [path]}])
    report = printed(Summary(FREE, 1, [run]))

    assert "it.py:3  pop" in report
    assert "folder/" not in report


def test_report_shows_failure_that_was_not_saved() -> None:
    """Where a failure could not be saved it is shown all the same, without its replay."""
    console = Console(file=StringIO(), width=92, color_system=None)
    text.show(REPORTS["failed"], {}, console)
    assert isinstance(console.file, StringIO)
    report = console.file.getvalue()

    assert "✗ thread 0: register(0x5000, 0x1)" in report
    assert "stress replay" not in report
