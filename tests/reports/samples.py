"""A failure of every kind, as it is saved, made here and the same on every machine."""

from collections.abc import Sequence
from typing import Any, Final

from stress.explore.trace import End, Trace, TraceCall, TraceStep
from stress.history import Span, to_json_lines

INTERPRETER: Final = "CPython 3.14.2 (free-threaded build, x86_64)"


OF_PROGRAM: Final[dict[str, Any]] = {
    "target": "queue.py::scenario",
    "memory": "rc11",
    "release_sequence": "c++20",
    "steps": 2_000,
    "spurious": 0,
}
"""How a program of the explorer is found and carried out again."""


def saved(kind: str, message: str, rule: str = "", **fields: Any) -> dict[str, Any]:
    """Return a failure of real threads."""
    return {
        "format": 2,
        "kind": kind,
        "model": "queue",
        "engine": "threads",
        "interpreter": INTERPRETER,
        "run_seed": 7,
        "violations": [{"rule": rule or kind, "message": message}],
        **fields,
    }


def executed(trace: Trace, **fields: Any) -> dict[str, Any]:
    """Return a failure of the explorer."""
    trace.scenario = trace.scenario or "queue: put(1) ‖ get()"
    trace.memory, trace.found, trace.bounds = "rc11", "execution 12", "2 threads, 2,000 steps each"
    return {
        "format": 2,
        "kind": "execution",
        "model": "queue",
        "engine": "explore",
        "interpreter": INTERPRETER,
        "run_seed": 7,
        "violations": [{"rule": trace.kind, "message": trace.title}],
        "schedule": ["1 store", "2 load from 1.0"],
        **OF_PROGRAM,
        "fingerprint": "0123456789abcdef",
        "checked": "It was carried out again from what is saved, and failed in the same way.",
        "trace": trace.to_json(),
        **fields,
    }


def step(number: int, thread: int, operation: str, location: str = "", **more: Any) -> TraceStep:
    """Return a step, in a line of its own."""
    return TraceStep(number, thread, operation, location, where=f"queue.py:{number}", **more)


def made_by(*threads: str, kind: str, title: str, steps: Sequence[TraceStep]) -> Trace:
    """Return a trace with nothing but its steps."""
    return Trace(kind, title, [*threads], [*steps], [], [], [], [])


RACING: Final = [
    step(1, 0, "store", "items", new="1", race=True),
    step(2, 0, "store", "ready", new="1", order="relaxed"),
    step(3, 1, "load", "ready", old="1", order="acquire", reads=2),
    step(4, 1, "load", "items", old="1", reads=1, race=True),
]


def race() -> dict[str, Any]:
    """Return a race, with the repairs that were tried."""
    trace = made_by("thread 0", "thread 1", kind="race", title="a race", steps=RACING)
    trace.calls = [TraceCall(0, "put(1)", "None", 1, 2), TraceCall(1, "get()", "", 3, 4)]
    trace.conflict = [1, 4]
    trace.observed = ["step 1, thread 0 writes items", "step 4, thread 1 reads items"]
    trace.allowed = ["one of them ordered before the other by happens-before"]
    trace.why = [
        "Nothing orders step 1 before step 4: no happens-before edge leads from one to the other.",
        "Step 3 did read what step 2 wrote, but a relaxed store publishes nothing.",
    ]
    tried = [
        {"change": "step 3   acquire → seq_cst", "where": "queue.py:3", "verdict": "fails",
         "executions": 3, "size": 1},
        {"change": "step 2   release fence before it", "where": "queue.py:2", "verdict": "holds",
         "executions": 114, "size": 4},
        {"change": "step 2   relaxed → release", "where": "queue.py:2", "verdict": "holds",
         "executions": 60, "size": 1},
        {"change": "step 3   acquire fence after it", "where": "queue.py:3", "verdict": "unknown",
         "executions": 10_000, "size": 4},
    ]  # fmt: skip
    return executed(trace, tried=tried)


def deadlock() -> dict[str, Any]:
    """Return two threads that wait for each other."""
    steps = [step(1, 0, "lock", "left"), step(2, 1, "lock", "right")]
    trace = made_by(
        "forth", "back", kind="deadlock", title="forth and back wait for each other for ever",
        steps=steps,
    )  # fmt: skip
    trace.conflict = [1, 2]
    trace.ends = [End(0, "waits for right", "queue.py:8"), End(1, "waits for left", "queue.py:9")]
    trace.why = ["Forth waits for right: back took it at step 2."]
    return executed(trace, tried_note="No order is weaker than it could be: only locks are used.")


def forgotten_lock() -> dict[str, Any]:
    """Return one thread that waits for ever."""
    steps = [step(1, 0, "lock", "mutex")]
    trace = made_by("a", "b", kind="deadlock", title="b waits for ever", steps=steps)
    trace.ends = [End(1, "waits for mutex", "queue.py:8")]
    trace.why = ["B waits for mutex: a took it at step 1 and has ended without giving it back."]
    return executed(trace)


def lost_wake_up() -> dict[str, Any]:
    """Return a notification that came too early."""
    steps = [
        step(1, 1, "notify", "ready", new="nobody"),
        step(2, 0, "lock", "lock"),
        step(3, 0, "wait", "lock"),
    ]
    title = "sleeper waits for a notification that never comes"
    trace = made_by("sleeper", "waker", kind="lost wake-up", title=title, steps=steps)
    trace.conflict = [1, 3]
    trace.ends = [End(0, "waits to be notified", "queue.py:8")]
    return executed(trace)


def livelock() -> dict[str, Any]:
    """Return a loop that never ends."""
    steps = [step(1, 0, "load", "flag", old="0", order="acquire", reads=0), step(2, 0, "pause")]
    trace = made_by(
        "waiter", "other", kind="livelock", title="waiter waits in a loop for ever", steps=steps
    )
    trace.ends = [End(0, "loops for ever", "queue.py:2")]
    return executed(trace)


def assertion() -> dict[str, Any]:
    """Return an assertion of a scenario that fails in the end, where the main thread reads."""
    steps = [
        step(1, 1, "load", "total", old="0", order="seq_cst", reads=0),
        step(2, 2, "load", "total", old="0", order="seq_cst", reads=0),
        step(3, 1, "store", "total", new="1", order="seq_cst"),
        step(4, 2, "store", "total", new="1", order="seq_cst"),
        step(5, 0, "load", "total", old="1", order="seq_cst", reads=4),
    ]
    title = "assertion fails in the end: total.load() == 2"
    trace = made_by("main", "bump", "bump 2", kind="assertion", title=title, steps=steps)
    trace.outside, trace.conflict = [0], [3, 4]
    trace.ends = [End(0, "assert total.load() == 2", "queue.py:9", failed=True)]
    trace.scenario = "test_queue.py::lost_update"
    return executed(trace)


def exception() -> dict[str, Any]:
    """Return an exception nobody expected, after a stale read."""
    steps = [
        step(1, 0, "store", "items", new="1", order="relaxed"),
        step(2, 1, "load", "items", old="0", order="relaxed", reads=0, stale=True),
    ]
    trace = made_by(
        "putter", "getter", kind="exception", title="getter raises IndexError: pop from empty list",
        steps=steps,
    )  # fmt: skip
    trace.conflict = [1, 2]
    trace.ends = [End(1, "raises IndexError: pop from empty list", "queue.py:5", failed=True)]
    return executed(trace)


def linearizability() -> dict[str, Any]:
    """Return an execution that no order of its calls explains, with calls of the main thread."""
    steps = [
        step(1, 1, "store", "items", new="1", order="release"),
        step(2, 2, "load", "items", old="1", order="acquire", reads=1, synchronizes=True),
        step(3, 0, "load", "items", old="1", order="acquire", reads=1, call=2),
        step(4, 0, "load", "items", old="1", order="acquire", reads=1, call=3),
        step(5, 0, "load", "items", old="1", order="acquire", reads=1, call=4),
    ]
    trace = made_by(
        "main", "thread 0", "thread 1", kind="linearizability",
        title="linearizability: thread 1: get() = None cannot be placed", steps=steps,
    )  # fmt: skip
    trace.outside, trace.conflict = [0], [1, 2]
    trace.calls = [
        TraceCall(1, "put(1)", "None", 1, 1),
        TraceCall(2, "get()", "None", 2, 2),
        TraceCall(0, "get()", "1", 3, 3),
        TraceCall(0, "size()", "0", 4, 4),
        TraceCall(0, "close()", "None", 5, 5),
    ]
    trace.observed = ["thread 0: put(1) = None", "thread 1: get() = None"]
    trace.allowed = ["longest legal order   thread 0: put(1) = None", "allowed there         1"]
    trace.ends = [End(0, "raises NotPermitted: linearizability", "", failed=True)]
    trace.why = [
        "Thread 1: get() = None cannot be placed.  After thread 0: put(1) = None, get() = 1.",
        "Q1 is broken, too: thread 1: get() = None, but 1 was put before.",
        "Q1 is broken, too: main: size() = 0, but 1 was put before.",
        "Every read sees the newest value: this order of the steps is all it takes.",
    ]
    return executed(trace)


HISTORY: Final = [
    Span(0, "put", (1,), 1_000, 90_000, "ok", None),
    Span(1, "get", (), 10_000, 30_000, "ok", None),
    Span(2, "get", (), 40_000, 60_000, "ok", 7),
]


def history() -> dict[str, Any]:
    """Return a recorded history with a call that cannot be placed."""
    message = (
        "thread 2: get() = 7 cannot be placed\n"
        "  longest legal order   thread 1: get() = None, thread 0: put(1) = None\n"
        "  allowed there         1"
    )
    lines = [*to_json_lines(HISTORY)]
    return saved("invariant", message, "linearizability", parameters={}, history=lines)


def invariant() -> dict[str, Any]:
    """Return a broken invariant, with what the subject did inside its calls."""
    spans = [
        Span(0, "put", (1 << 32, "a long text"), 0, 80_000, "ok", None),
        Span("lock of 0", "mutex", (), 5_000, 70_000, "ok", None),
        Span("backend of 0", "write_it_down", (1 << 32,), 20_000, 50_000, "ok", None),
        Span(1, "put", (1 << 32, "another text"), 30_000, 99_000, "fail", ["Full", ["no room"]]),
        Span("backend of 1", "write_it_down", (1 << 32,), 55_000, 60_000, "info", None),
    ]
    failure = saved("invariant", "0x100000000 was written 2 times", "Q2")
    failure["violations"] += [
        {"rule": "Q2", "message": "0x100000000 was written 3 times"},
        {"rule": "Q3", "message": "the queue is full, and holds nothing"},
        {"rule": "Q3", "message": "the queue is empty, and holds something"},
    ]
    failure["parameters"] = {"offset": "0x80000000"}
    return failure | {"history": [*to_json_lines(spans)]}


def many_calls() -> dict[str, Any]:
    """Return a history that is too long for a drawing."""
    spans = [
        Span(number % 2, "put", (number,), number * 1_000, number * 1_000 + 900, "ok", None)
        for number in range(14)
    ]
    lines = [*to_json_lines(spans)]
    return saved("invariant", "14 of 13 items", "Q4", parameters={}, history=lines)


def mismatch() -> dict[str, Any]:
    """Return a run of the state machine whose last call differs from the reference."""
    calls = [{"f": "put", "arguments": [1]}, {"f": "put", "arguments": [2]},
             {"f": "get", "arguments": [{"thread": -1, "place": 0}]}]  # fmt: skip
    message = "get(<result 0>)\n  observed  2\n  allowed   1\n  rule      Q5"
    return saved("mismatch", message, engine="sequential", saved={"calls": calls})


def effect() -> dict[str, Any]:
    """Return a run of the state machine that breaks a rule although its results are right."""
    message = "put(1)\n  observed  None\n  allowed   None\n  rule      sized: size is 0, not 1"
    calls = [{"f": "put", "arguments": [1]}]
    return saved("mismatch", message, engine="sequential", saved={"calls": calls})


def crash() -> dict[str, Any]:
    """Return what is left of an interpreter that died."""
    words = (
        "Fatal Python error: Segmentation fault\n\n"
        "Current thread 0x00007f12 (most recent call first):\n"
        '  File "/home/somebody/queue/fast.py", line 7 in get\n'
        '  File "/home/somebody/queue/api.py", line 70 in get\n'
        '  File "/usr/lib/python3.14/threading.py", line 1 in run\n\n'
        "Thread 0x00007f13 (most recent call first):\n"
        '  File "stress/threads/barrier.py", line 5 in wait\n\n'
        "Current thread's C stack trace (most recent call first):\n"
        '  Binary file "/usr/bin/python3", at _Py_Dump+0x3a [0x667b4a]\n'
    )
    return saved("crash", "the interpreter died of SIGSEGV", stacks=[words])


FRAMES: Final = """\
worker 0
  File "threading.py", line 1, in run
    self._target()
  File "queue/api.py", line 70, in get
    return self._get()
  File "queue/fast.py", line 9, in _get
    self._lock.acquire()
"""


def hang() -> dict[str, Any]:
    """Return threads that did not come back."""
    stacks = [
        FRAMES,
        'MainThread\n  File "stress/threads/child.py", line 5, in main\n    wait()\n',
    ]
    calls = ["worker 0 in get()", "worker 1 in put(1)"]
    message = f"did not return in time: {'; '.join(calls)}"
    return saved("hang", message, calls=calls, stacks=stacks, parameters={"prefix": []})


def nondeterminism() -> dict[str, Any]:
    """Return a thread that took another step."""
    message = (
        "thread 'reader' took another step than in the execution before: step 3 was load of ready "
        "and is now store to ready.\n"
        "  A scenario is run many times and must do the same whenever it reads the same: no order "
        "of a set, no id(), no state kept between executions.\n"
        "  Make whatever it uses anew inside the scenario."
    )
    return saved("nondeterminism", message, engine="explore", **OF_PROGRAM)


def survivor() -> dict[str, Any]:
    """Return a mutant that no engine killed."""
    message = "the mutant unlocked of queue survives: no engine finds its fault"
    return saved("survivor", message, engine="mutants", model="queue:unlocked")


def counted() -> dict[str, Any]:
    """Return a failure whose outcomes were counted."""
    outcomes = [
        {"seen": "0, 1", "count": 1_204_881, "verdict": "allowed",
         "meaning": "the first thread took the lower slot"},
        {"seen": "1, 0", "count": 794_102, "verdict": "allowed",
         "meaning": "the second thread took the lower slot"},
        {"seen": "0, 0", "count": 3, "verdict": "forbidden",
         "meaning": "one slot, two owners (B1)"},
    ]  # fmt: skip
    lines = [*to_json_lines(HISTORY[:1])]
    return saved(
        "invariant", "one slot has two owners", "B1", parameters={}, history=lines,
        outcomes=outcomes,
    )  # fmt: skip


def met_by_threads() -> dict[str, Any]:
    """Return an execution, with what real threads had recorded before it was looked for."""
    outcomes = [
        {"seen": "None ‖ None ‖ 7", "count": 1,
         "verdict": "forbidden", "meaning": "linearizability"},
        {"seen": "None ‖ None ‖ 1", "count": 1_919,
         "verdict": "allowed", "meaning": ""},
    ]  # fmt: skip
    met = history() | {"explained": "The explorer found it under sc, in execution 3."}
    return race() | {"recorded": met | {"outcomes": outcomes}}


KINDS: Final = {
    each.__name__: each
    for each in (
        race, deadlock, forgotten_lock, lost_wake_up, livelock, assertion, exception,
        linearizability, history, invariant, many_calls, mismatch, effect, crash, hang,
        nondeterminism, survivor, counted, met_by_threads,
    )
}  # fmt: skip
