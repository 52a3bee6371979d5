"""The summary of a campaign: one line for each engine on each model."""

import io

from rich.console import Console

from stress.host import Host
from stress.report import campaign
from stress.report.summary import RunSummary, Summary

HOST = Host("CPython 3.14.2 (free-threaded build, x86_64)", gil=False, cores=2)
NONE = "None of its cases was run.  Allow more time."


def shown(*runs: RunSummary) -> str:
    """Return what is printed of a campaign of `runs`."""
    console = Console(file=io.StringIO(), width=92)
    campaign.show(Summary(HOST, 7, list(runs)), {}, console)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def explored() -> RunSummary:
    """Return a run without a doubt."""
    return RunSummary(
        "once", "explore", 0, examples=10, executions=12_484, cases=41, pairs=37, both_orders=21
    )


def test_campaign_prints_a_line_for_each_engine() -> None:
    """A model is named once; what is not known is left empty; a doubt says whose it is."""
    assert (
        shown(
            explored(),
            RunSummary("once", "sequential", 0, doubts=[NONE]),
            RunSummary("treiber-stack", "threads", 0, examples=192, cases=1, doubts=[NONE]),
        )
        == """\
machine  CPython 3.14.2 (free-threaded build, x86_64), GIL off, 2 cores, seed 7

model          engine      verdict  cases  executions  pairs  both orders  failures
once           explore     ok          41      12,484     37           21
               sequential  unknown
treiber-stack  threads     unknown      1         192

? None of its cases was run.  Allow more time.  (once sequential, treiber-stack threads)
verdict  unknown: nothing failed, and 2 of 3 lines above prove nothing, or less than they
seem
"""
    )


def test_campaign_says_what_a_pass_is_worth() -> None:
    """Without failure and doubt it is ok, and says what that does not exclude."""
    printed = " ".join(shown(explored()).split())

    assert "verdict ok: nothing failed in what was run; larger programs" in printed
    assert "not excluded" in printed


def test_campaign_says_a_doubt_of_all_once() -> None:
    """What is in doubt everywhere is told in one line."""
    runs = [RunSummary("once", each, 0, doubts=["no"]) for each in ("explore", "threads")]

    assert "? no  (everywhere)\n" in shown(*runs)
