"""Failures, campaigns and a kill matrix made by hand, which the page is tested with."""

import math
from dataclasses import replace

from stress.explore.trace import End, Trace, TraceCall, TraceStep
from stress.host import Host
from stress.mutants import COLUMNS, Cell, Row
from stress.report.failure import Call, Outcome, Repair, Report
from stress.report.summary import Night, RunSummary, Sample, Summary

HOST = Host("CPython 3.14.2 (free-threaded build, x86_64)", gil=False, cores=8)


def half_a_record() -> Report:
    """Return the failure of a relaxed store that publishes a record, with all that can be told."""
    steps = [
        _step(1, 0, "store", "base[0]", new="0x7000", order="relaxed", line=88),
        _step(2, 0, "store", "length[0]", new="64", order="relaxed", line=89),
        _step(3, 0, "store", "live", new="0b1", order="relaxed", line=93),
        _step(4, 1, "load", "live", old="0b1", order="acquire", reads=3, line=112),
        _step(5, 1, "load", "length[0]", old="64", order="relaxed", reads=2, line=113),
        replace(
            _step(6, 1, "load", "base[0]", old="0x0", order="relaxed", reads=0, line=114),
            stale=True,
        ),
    ]
    trace = Trace(
        "assertion",
        "lookup returned half a record",
        ["writer", "reader"],
        steps,
        [End(1, "AssertionError: base is 0x0", "table.py:120", failed=True)],
        ["lookup(0) = Region(base=0x0, length=64)"],
        ["lookup(0) = None", "lookup(0) = Region(base=0x7000, length=64)"],
        [
            "Step 6 may still read the base from before step 1.",
            "Step 4 did read the bit that step 3 wrote, but a relaxed store publishes nothing.",
        ],
        memory="rc11",
        calls=[
            TraceCall(0, "register(0x7000, 64)", "slot 0", 1, 3),
            TraceCall(1, "lookup(0)", "Region(base=0x0, length=64)", 4, 6),
        ],
        conflict=[1, 6],
    )
    return Report(
        "assertion",
        "lookup returned half a record",
        "weak memory · rc11",
        "table",
        "explore",
        {
            "scenario": "register_vs_lookup",
            "found": "2 of 63 executions fail",
            "bounds": "2 threads, 1 slot",
            "shrunk": "41 steps to 6, 3 threads to 2",
        },
        replay="stress replay .stress/failures/2f9c71ae.json",
        saved=".stress/failures/2f9c71ae.json",
        fingerprint="2f9c71ae88d04b17",
        observed=trace.observed,
        allowed=trace.allowed,
        trace=trace,
        why=trace.why,
        tried=[
            Repair("step 3   relaxed → release", "table.py:93", "holds", 60, 1),
            Repair("step 4   acquire → seq_cst", "table.py:112", "fails", 2, 1),
            Repair("step 3   release fence before it", "table.py:93", "holds", 114, 3),
            Repair("step 4   seq_cst fence after it", "table.py:112", "unknown", 20_000, 4),
        ],
        notes=["Replayed before it was reported: step by step the same."],
    )


def _step(  # noqa: PLR0913
    number: int,
    thread: int,
    operation: str,
    location: str,
    *,
    old: str = "",
    new: str = "",
    order: str = "",
    reads: int | None = None,
    synchronizes: bool = False,
    line: int = 1,
) -> TraceStep:
    """Return a step whose thread knows of what the threads before it did."""
    return TraceStep(
        number,
        thread,
        operation,
        location,
        old=old,
        new=new,
        order=order,
        reads=reads,
        synchronizes=synchronizes,
        where=f"table.py:{line}",
        source=f"self.{location}.{operation}({new or ''})  # pairs with [live]",
        function="Table.register" if thread == 0 else "Table.lookup",
        call=thread,
        view={"base[0]": "0x0 (the beginning)", "live": "0b1 (step 3)" if number > 3 else "0b0"},
    )


def dead_lock() -> Report:
    """Return three threads that wait for each other: arrows across a lane, and ends."""
    names = ["forth", "beside", "back"]
    steps = [
        _step(1, 0, "lock", "left", line=10),
        _step(2, 2, "lock", "right", line=20),
        _step(3, 1, "store", "seen", new="1", order="release", line=30),
        _step(4, 2, "load", "seen", old="1", order="acquire", reads=3, synchronizes=True, line=21),
        _step(5, 0, "unlock", "left", line=11),
        _step(6, 2, "lock", "left", reads=5, synchronizes=True, line=22),
        _step(7, 2, "update", "seen", old="1", new="2", order="acq_rel", reads=3, line=23),
        _step(8, 0, "load", "seen", old="2", order="acquire", reads=7, synchronizes=True, line=12),
    ]
    steps = [replace(step, call=None, function="", view={}) for step in steps]
    trace = Trace(
        "deadlock",
        "forth and back wait for each other for ever",
        names,
        steps,
        [End(0, "waits for right", "table.py:12"), End(2, "waits for left", "table.py:22")],
        [],
        [],
        ["Thread forth waits for right: back took it at step 2 and still holds it."],
        memory="sc",
    )
    return Report(
        "deadlock",
        trace.title,
        "interleavings · sc",
        "crossed-locks",
        "explore",
        replay="stress replay .stress/failures/0badcafe.json",
        trace=trace,
        why=trace.why,
    )


def came_back() -> Report:
    """Return a history of real threads with a call that cannot be placed."""
    calls = [
        Call("thread 0", "deregister(0)", "True", 0, 90_000, place=1),
        Call("thread 1", "lookup(0)", "None", 6_000, 31_000, place=2),
        Call("lock of 1", "mutex()", "ok", 7_000, 30_000, inside=True),
        Call("thread 2", "lookup(0)", "Region(0x7000)", 48_000, 83_000, misfit=True),
    ]
    return Report(
        "linearizability",
        "a region came back after a lookup had seen it gone",
        "real threads · CPython 3.14.2t",
        "table",
        "threads",
        {"start": "{0: Region(0x7000)}", "found": "round 88,012 of 250,000"},
        replay="stress replay .stress/failures/7be0d2c4.json",
        fingerprint="7be0d2c4aa120f5e",
        calls=calls,
        order=["thread 0: deregister(0) = True", "thread 1: lookup(0) = None"],
        misfit="thread 2: lookup(0) = Region(0x7000)",
        outcomes=[
            Outcome("0, 1", 1_204_881, "allowed", "the first thread took the lower slot"),
            Outcome("0, 0", 3, "forbidden", "one slot, two owners (B1)"),
            Outcome("1, 1", 0, "unknown"),
        ],
        why=[
            "Thread 1 returned before thread 2 called, so thread 2 comes later in every order.",
            "By then slot 0 is empty in the model, and no call in this history fills it again.",
        ],
    )


def crash() -> Report:
    """Return a crash of the interpreter, with stacks."""
    stack = 'Thread 0x7f11 (most recent call first):\n  File "ring.py", line 71 in push\n' * 2
    return Report(
        "crash",
        "the interpreter died of SIGSEGV in push",
        "real threads · CPython 3.14.2t",
        "spsc-ring",
        "threads",
        replay="stress replay .stress/failures/deadbeef.json",
        stacks=[stack, "Thread 0x7f12 (most recent call first):\n  no frame"],
        notes=["What was in flight: push(3) ‖ pop()."],
    )


def mismatch() -> Report:
    """Return a difference between a subject and its reference."""
    return Report(
        "mismatch",
        "pop() came to 2, and not to 1",
        "state machine",
        "treiber-stack:upside-down",
        "sequential",
        {"steps": "push(1); push(2); pop()"},
        replay="stress replay .stress/failures/00c0ffee.json",
        observed=["pop() = 2"],
        allowed=["pop() = 1"],
    )


def reports() -> list[Report]:
    """Return one of each."""
    return [half_a_record(), came_back(), dead_lock(), crash(), mismatch(), crowd(6, 12)]


def crowd(threads: int, steps: int) -> Report:
    """Return an execution of any size, whose threads read from each other in turn."""
    made = [
        _step(
            number,
            number % threads,
            "update",
            f"word[{number % 3}]",
            old=str(number - 1),
            new=str(number),
            order="acq_rel",
            reads=max(number - 1 - number % 4, 0),
            synchronizes=number % 3 > 0,
            line=number,
        )
        for number in range(1, steps + 1)
    ]
    made = [replace(step, call=None) for step in made]
    names = [f"thread {number}" for number in range(threads)]
    title = f"{threads} threads, and {steps} steps"
    trace = Trace("livelock", title, names, made, [], [], [], [], memory="tso")
    return Report("livelock", title, "store buffers · tso", "crowd", "explore", trace=trace)


def summary() -> Summary:
    """Return two runs, one of which is in doubt."""
    return Summary(
        HOST,
        1234,
        [
            RunSummary(
                "registrar", "explore", 1, 31.5, 210, executions=88_012, pairs=64, both_orders=51
            ),
            RunSummary(
                "registrar",
                "threads",
                4,
                30.0,
                examples=14_208,
                calls=87_314,
                overlapped=39_902,
                pairs=3,
                both_orders=3,
                doubts=["3 instances prove nothing: the judge ran out of time."],
            ),
        ],
    )


def samples(count: int = 480) -> list[Sample]:
    """Return a campaign of eight hours."""
    return [
        Sample(
            seconds=28_800 * at / count,
            cases=40 * at,
            executions=5_200 * at + 3 * at * at,
            coverage=int(41_000 * (1 - math.exp(-4 * at / count))),
            failures=sum(at > when * count for when in (0.02, 0.11, 0.52)),
            memory=int(210_000 + 9_000 * math.sin(at / 9) * math.exp(-at / count)),
        )
        for at in range(count + 1)
    ]


def nights(count: int = 21) -> list[Night]:
    """Return nights of which some found something."""
    return [
        Night(
            f"2026-05-{day:02}",
            28_800.0,
            2_900_000 + 61_000 * day - 400_000 * (day % 5 == 0),
            38_000 + int(6_000 * math.log(day)),
            failures=(day * day) % 4,
            new=int(day in {2, 6, 17}),
        )
        for day in range(1, count + 1)
    ]


def matrix() -> list[Row]:
    """Return a kill matrix with every kind of row and cell."""
    rows = [
        Row("seqlock", "seqlock", "correct", "A value that many read while one writes."),
        Row("seqlock", "relaxed-close", "mutant", "The last store is relaxed: a torn value."),
        Row("seqlock", "no-retry", "mutant", "A reader does not look again."),
        Row("seqlock", "lucky", "mutant", "Nothing is wrong that anybody could see."),
        Row("seqlock", "fenced", "equivalent", "A fence for the release: at least as strong."),
    ]
    for place, row in enumerate(rows):
        for at, column in enumerate(COLUMNS):
            killed = row.name in {"relaxed-close", "no-retry"} and at >= 6 - 2 * place
            doubt = "The GIL is on, so one thread runs at a time." if at in {1, 2} else ""
            row.cells[column] = Cell(killed, 0.07 * (at + 1), 100, "" if killed else doubt)
    return rows
