"""What a scenario may not call is refused by name and line, on its OS thread, and nowhere else."""
# ruff: noqa: PLW0108  (the lambdas are there to make the calls in this file)

import asyncio
import concurrent.futures
import datetime as dt
import functools
import importlib
import itertools
import json
import logging
import os
import queue
import random
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
import uuid
from _thread import start_new_thread
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from pathlib import Path
from time import perf_counter_ns as borrowed
from typing import Any, cast

import pytest
from greenlet import getcurrent, greenlet

from stress.explore import guard
from stress.explore.guard import SIGNAL, VISITS, ForbiddenCallError, NoStepError, guarded

LOCK = threading.Lock()
RLOCK = threading.RLock()
EVENT = threading.Event()
CONDITION = threading.Condition()
QUEUE: queue.Queue[int] = queue.Queue()
FUTURE: concurrent.futures.Future[None] = concurrent.futures.Future()
POOL = concurrent.futures.ThreadPoolExecutor(1)
OLD = sys.version_info < (3, 14)
COROUTINE = cast("Coroutine[Any, Any, None]", None)

CALLS: dict[str, Callable[[], object]] = {
    "time.time": lambda: time.time(),
    "time.monotonic": lambda: time.monotonic(),
    "time.perf_counter_ns": lambda: borrowed(),
    "time.process_time": lambda: functools.partial(time.process_time)(),
    "time.sleep": lambda: time.sleep(0),
    "datetime.datetime.now": lambda: dt.datetime.now(dt.UTC),
    "datetime.date.today": lambda: dt.date.today(),  # noqa: DTZ011
    "_random.Random.random": lambda: random.random(),
    "random.Random.randint": lambda: random.randint(1, 6),
    "random.Random.shuffle": lambda: random.shuffle([1, 2]),
    "random.Random.seed": lambda: random.seed(1),
    "random.Random without a seed": lambda: random.Random(),
    "random.SystemRandom": lambda: random.SystemRandom(),
    "random.SystemRandom.getrandbits": lambda: secrets.randbits(3),
    "secrets.token_hex": lambda: secrets.token_hex(),
    "posix.urandom": lambda: os.urandom(1),
    "uuid.uuid4": lambda: uuid.uuid4(),
    "threading.Thread.start": lambda: threading.Thread(target=print).start(),
    "_thread.start_new_thread": lambda: start_new_thread(print, ()),
    "concurrent.futures.thread.ThreadPoolExecutor.submit": lambda: POOL.submit(int),
    "_thread.lock.acquire": lambda: LOCK.acquire(),
    "_thread.RLock.acquire": lambda: RLOCK.acquire(timeout=1),
    "threading.Event.wait": lambda: EVENT.wait(0),
    "threading.Condition.wait_for": lambda: CONDITION.wait_for(bool, 0),
    "queue.Queue.get": lambda: QUEUE.get(timeout=0.01),
    "concurrent.futures._base.Future.result": lambda: FUTURE.result(0),
    "subprocess.run": lambda: subprocess.run([sys.executable, "-V"], check=True),
    "asyncio.runners.run": lambda: asyncio.run(COROUTINE),
    "builtins.input": lambda: input(),
}


@pytest.mark.parametrize("name", CALLS)
def test_forbidden_call_is_named(name: str) -> None:
    """The error says what was called, on which line, in which function, and what to do."""
    with pytest.raises(ForbiddenCallError) as caught, guarded():
        CALLS[name]()

    happened, why, remedy = str(caught.value).splitlines()
    line = CALLS[name].__code__.co_firstlineno
    assert happened == f"{__file__}:{line} calls {name}, in '<lambda>'."
    assert all(part.startswith("  ") for part in (why, remedy))


def resolved(name: str) -> object:
    """Return what bears a full name; None where this version has no such thing."""
    module, _, rest = name.rpartition(".")
    while module:
        with suppress(ImportError):
            found: object = importlib.import_module(module)
            for part in rest.split("."):
                found = getattr(found, part, None)
            return found
        module, _, last = module.rpartition(".")
        rest = f"{last}.{rest}"
    return None


def test_refused_names_are_those_the_guard_sees() -> None:
    """Every name of the list is what the guard calls the thing that bears it."""
    found = {name: resolved(name) for name in guard.REFUSED}

    assert [name for name in found if found[name] and guard._name(found[name]) != name] == []
    absent = [name for name in found if found[name] is None]
    assert OLD or absent == ["select.poll.poll"]  # a method of a class that has no name


@pytest.mark.parametrize(
    ("make", "owner"),
    [
        (threading.Lock, "_thread.lock"),
        (threading.RLock, "_thread.RLock"),
        (threading.Condition, "threading.Condition"),
    ],
)
def test_with_statement_is_refused(make: Callable[[], threading.Lock], owner: str) -> None:
    """`with lock:` is refused at its line, and leaves the lock free."""
    lock = make()

    def enter() -> None:
        with lock:
            pass

    with pytest.raises(ForbiddenCallError) as caught, guarded():
        enter()
    line = enter.__code__.co_firstlineno + 1
    assert f"{__file__}:{line} enters {owner} by 'with'" in str(caught.value)
    assert POOL.submit(lambda: lock.acquire(blocking=False)).result()


@pytest.mark.skipif(not OLD, reason="entering a lock is seen there")
@pytest.mark.parametrize(
    "make", [lambda: threading.Lock(), lambda: threading.RLock()], ids=["Lock", "RLock"]
)
def test_lock_is_refused_where_it_is_made(make: Callable[[], object]) -> None:
    """Before 3.14, a lock that a scenario makes is refused before anyone can wait for it."""
    with pytest.raises(ForbiddenCallError, match=r"Use sync\.lock"), guarded():
        make()


class Handler(logging.Handler):
    """A log handler that reads a clock and has a lock, as many have."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note when the record came."""
        with LOCK:
            record.came = time.time()


def test_what_others_do_is_permitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own locks and clocks, log records, imports and a seeded Random are fine."""
    (tmp_path / "reads_clock.py").write_text("import time\nNOW = (lambda: time.time())()\n")
    monkeypatch.syspath_prepend(tmp_path)
    log = logging.getLogger("scenario")
    handler = Handler()
    log.addHandler(handler)

    with guarded():
        assert functools.cache(lambda: 7)() == re.compile("7+").match("77").end() + 5  # type: ignore[union-attr]
        assert json.loads(json.dumps([os.getpid()])) == [os.getpid()]
        assert random.Random(7).randint(1, 9) == random.Random(7).randint(1, 9)
        assert queue.Queue[int]().empty()
        assert importlib.import_module("reads_clock").NOW > 0
        log.warning("a record has a time")
        print("pytest captures this")  # noqa: T201
    log.removeHandler(handler)


def test_borrowed_name_accuses_nobody() -> None:
    """What counts is what a function is, not what it says of itself."""

    @functools.wraps(threading.Thread.start)
    def start(_: object) -> int:
        return 7

    class Evasive:
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"the guard asked for {name}")

        def __call__(self) -> int:
            return 7

    with guarded():
        assert (start(None), Evasive()()) == (7, 7)


def test_other_threads_are_not_accused() -> None:
    """Another OS thread may read clocks and wait, in the same code, during an exploration."""
    go, gone = threading.Event(), threading.Event()

    def clock() -> float:
        return time.time()

    def other() -> None:
        go.wait()
        clock()
        gone.set()

    def scenario() -> None:
        go.set()
        while not gone.is_set():
            pass

    future = POOL.submit(other)
    with guarded():
        scenario()
    future.result()
    with pytest.raises(ForbiddenCallError), guarded():
        clock()


def test_guard_works_off_the_main_thread() -> None:
    """Any OS thread can be guarded; the watchdog, which needs the main one, is left out."""

    def scenario() -> None:
        with guarded(lambda: 0, patience=0):
            time.time()

    with pytest.raises(ForbiddenCallError):
        POOL.submit(scenario).result()


def test_greenlets_switch_under_guard() -> None:
    """Greenlets go back and forth at steps, and an error of one comes out of it."""
    hub = getcurrent()
    steps = [0]

    def thread(count: int) -> None:
        for _ in range(count):
            steps[0] += 1
            hub.switch()
        time.time()

    def explore() -> None:
        threads = [greenlet(thread) for _ in range(10)]
        for each in threads:
            each.switch(1000)
        for each in itertools.cycle(threads):
            each.switch()

    with pytest.raises(ForbiddenCallError, match="in 'thread'"), guarded():
        explore()
    assert steps == [10 * 1000]


def test_site_is_looked_at_more_than_once() -> None:
    """A site that first calls something harmless is seen when it calls something else."""

    def call(functions: list[Callable[[], object]]) -> None:
        for function in functions:
            function()

    with pytest.raises(ForbiddenCallError), guarded():
        call([int] * (VISITS - 1) + [time.time])


def test_site_costs_nothing_after_some_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a scenario makes a call, it is looked at a fixed number of times."""
    looks: list[object] = []

    def judged(called: object, _: object) -> tuple[str, None]:
        looks.append(called)
        return "", None

    monkeypatch.setattr(guard, "_judged", judged)

    def scenario() -> None:
        for _ in range(1000):
            abs(7)

    with guarded():
        scenario()
    assert looks.count(abs) == VISITS


def test_every_guard_looks_anew() -> None:
    """What was called often before, guarded or not, is refused all the same."""

    def call(function: Callable[[], object]) -> None:
        function()

    for _ in range(3):
        with guarded():
            for _ in range(2 * VISITS):
                call(int)
        with pytest.raises(ForbiddenCallError), guarded():
            call(time.time)


def test_caught_error_is_raised_at_the_end() -> None:
    """A scenario that catches the error does not pass for it; nor does an inner guard end it."""

    def scenario() -> None:
        with guarded(), suppress(RuntimeError):
            time.time()
        with suppress(RuntimeError):
            time.sleep(0)

    with pytest.raises(ForbiddenCallError, match=r"time\.time"), guarded():
        scenario()
    time.time()


def test_guard_leaves_no_trace() -> None:
    """Afterwards nobody is told of calls, the tool id is free, and the signal is as it was."""
    before = [sys.monitoring.get_tool(tool) for tool in range(6)], signal.getsignal(SIGNAL)
    with guarded(lambda: 0):
        during = [sys.monitoring.get_tool(tool) for tool in range(6)], signal.getsignal(SIGNAL)
    after = [sys.monitoring.get_tool(tool) for tool in range(6)], signal.getsignal(SIGNAL)

    assert before == after
    assert before[0] != during[0]
    assert before[1] != during[1]


def test_guard_does_without_a_tool_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where debuggers and the like hold every tool id, calls are not refused."""
    monkeypatch.setattr(guard, "_free_tool", lambda: None)
    with guarded():
        assert time.time() > 0


# The watchdog


def loop() -> None:
    """Run forever, without a step."""
    while True:
        pass


def wait_in_library() -> None:
    """Wait forever for a lock that the library enters, which is not the scenario's call."""
    lock = threading.Semaphore(0)
    with ExitStack() as stack:
        stack.enter_context(lock)


def wait_in_with() -> None:
    """Wait forever for a lock by `with`."""
    with HELD:
        pass


HELD = threading.Lock()
HELD.acquire()


@pytest.mark.parametrize("stay", [loop, wait_in_library, *([wait_in_with] if OLD else [])])
def test_watchdog_names_the_place(stay: Callable[[], None]) -> None:
    """Where a scenario stays without a step, in Python or in C, an error is raised there."""
    lines = range(stay.__code__.co_firstlineno, stay.__code__.co_firstlineno + 6)
    with pytest.raises(NoStepError) as caught, guarded(lambda: 7, patience=0.02):
        greenlet(stay).switch()

    found = re.match(
        rf"No step for 0\.02 s: the scenario is at {re.escape(__file__)}:(\d+), "
        rf"in '{stay.__name__}'\.\n  ",
        str(caught.value),
    )
    assert found
    assert int(found[1]) in lines


def test_watchdog_leaves_the_harness_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The explorer may compute for long between two steps; the scenario it calls then may not."""
    woken: list[int] = []
    kill = signal.pthread_kill

    def wake(thread: int, number: int) -> None:
        woken.append(thread)
        kill(thread, number)

    monkeypatch.setattr(signal, "pthread_kill", wake)
    harness: dict[str, Any] = {"__name__": "stress.explore.search"}
    exec("def search(woken):\n while len(woken) < 3: pass", harness)  # noqa: S102

    with guarded(lambda: 7, patience=0.02):
        harness["search"](woken)
    assert len(woken) >= 3


@pytest.mark.parametrize(("counts", "sent"), [([7] * 5, 1), ([7, 7, 7, 7, 8, 8, 8, 8], 0)])
def test_watchdog_barks_when_looks_are_alike(
    counts: list[int], sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal is sent when a whole patience went by without a step, and not before."""
    signals: list[object] = []
    monkeypatch.setattr(signal, "pthread_kill", lambda *to: signals.append(to))
    left = iter(counts)
    dog = guard._Watchdog(lambda: next(left), 0.0, [])

    with suppress(StopIteration):
        dog.watch()
    assert signals == [(threading.main_thread().ident, SIGNAL)] * sent
