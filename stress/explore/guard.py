"""A scenario that leaves the simulated machine is told so, by name and line, and hangs nothing.

    register.py:41 calls time.monotonic, in 'expired'.
      A clock reads differently each time, and an execution must be the same when repeated.
      Hand the time in as an argument that the scenario fixes.

A scenario is carried out thousands of times on one OS thread, which goes from one simulated
thread to another at steps alone.  So nothing in it may wait for anything real, start a real
thread, or depend on time or chance.  `REFUSED` lists what is refused.

What is accused
===============

Only the OS thread that entered `guarded()`, and only where code of the scenario itself makes the
call: what the standard library and the harness call on its behalf is theirs (`functools.cache`
has a lock, `print` may have one), and so is what a log record or an import brings about.  A
`random.Random(seed)` is deterministic and permitted; the generator behind the functions of
`random` belongs to the whole process and is refused, seeded or not.

How
===

`sys.monitoring` tells of each call before it is made.  A call site is looked at `VISITS` times,
since what it calls may change, and then costs nothing.  Not seen are calls from within C
(``map(time.time, ...)``) and what a site calls only later.  Before CPython 3.14 nothing tells that
a ``with`` statement enters a lock: there the scenario is accused where it makes the lock, or where
the block ends.  If it never ends, that is for the watchdog, which raises `NoStepError` where the
scenario stays too long without a step.  It needs the main OS thread, which it wakes by a signal; a
C function that heeds no signals is beyond it.
"""

import signal
import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from random import SystemRandom, random
from typing import Any, Final

from stress.verdict import NoVerdictError

VISITS: Final = 16  # how often a call site is looked at: it may call something else next time
PATIENCE: Final = 10.0  # seconds without a step, before the watchdog asks where the scenario is
LOOKS: Final = 4  # of the watchdog in that time: a machine that slept counts as one
SIGNAL: Final = signal.SIGURG  # ignored by default, so one that comes too late does no harm

LIBRARY: Final = sys.stdlib_module_names
HARNESS: Final = frozenset(
    {"stress", "greenlet", "hypothesis", "rich", "click", "coverage", "pytest", "_pytest"}
    | {"pluggy", "pytest_timeout", "xdist", "execnet"}
)
BEHALF: Final = frozenset({"logging", "importlib", "_frozen_importlib"})  # these run others' code

type Reason = tuple[str, str]
"""Why calls cannot be explored, and what to use instead."""

_CLOCK: Final = (
    "A clock reads differently each time, and an execution must be the same when repeated.",
    "Hand the time in as an argument that the scenario fixes.",
)
_SLEEP: Final = (
    "Real time decides nothing here: the explorer tries every order of steps.",
    "Leave it out; in a loop that waits for another thread use sync.pause().",
)
_CHANCE: Final = (
    "It comes out differently each time, and an execution must be the same when repeated.",
    "Use a random.Random(seed) that the scenario makes, or a value fixed beforehand.",
)
_THREADS: Final = (
    "The explorer cannot stop a real thread or process at its steps, so it cannot order them.",
    "Use sync.spawn(function), and join() of what it returns.",
)
_WAITING: Final = (
    "While it waits, no simulated thread can run, and who comes first is not explored.",
    "Use sync.lock() and sync.condition(lock).",
)
_OUTSIDE: Final = (
    "What is outside the scenario answers when it likes, and while it waits, nothing else runs.",
    "Do it before the exploration, and hand the outcome to the scenario.",
)
_LISTS: Final = {
    _CLOCK: """time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter
        time.perf_counter_ns time.process_time time.process_time_ns time.thread_time
        time.thread_time_ns time.clock_gettime time.clock_gettime_ns datetime.datetime.now
        datetime.datetime.utcnow datetime.date.today""",
    _SLEEP: "time.sleep",
    _CHANCE: """posix.urandom posix.getrandom secrets.token_bytes secrets.token_hex
        secrets.token_urlsafe secrets.randbelow uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7
        random.SystemRandom""",
    _THREADS: """threading.Thread.start threading.Thread.join _thread.start_new_thread
        _thread.start_new _thread.start_joinable_thread posix.fork posix.forkpty
        multiprocessing.process.BaseProcess.start multiprocessing.context.BaseContext.Pool
        concurrent.futures._base.Executor.map concurrent.futures._base.Executor.submit
        concurrent.futures.thread.ThreadPoolExecutor.submit
        concurrent.futures.process.ProcessPoolExecutor.submit""",
    _WAITING: """_thread.lock.acquire _thread.lock.acquire_lock _thread.lock.__enter__
        _thread.RLock.acquire _thread.RLock.__enter__ threading.Event.wait threading.Barrier.wait
        threading.Condition.wait threading.Condition.wait_for threading.Condition.__enter__
        threading.Semaphore.acquire queue.Queue.get queue.Queue.put queue.Queue.join
        _queue.SimpleQueue.get concurrent.futures._base.Future.result
        concurrent.futures._base.Future.exception concurrent.futures._base.wait
        concurrent.futures._base.as_completed""",
    _OUTSIDE: """subprocess.Popen subprocess.run subprocess.call subprocess.check_call
        subprocess.check_output subprocess.getoutput subprocess.getstatusoutput posix.system
        os.popen builtins.input asyncio.runners.run asyncio.runners.Runner.run
        asyncio.base_events.BaseEventLoop.run_until_complete select.select select.poll.poll
        select.epoll.poll _socket.socket.recv _socket.socket.recvfrom _socket.socket.connect
        socket.socket.accept _signal.pause signal.sigwait posix.wait posix.waitpid""",
}
if sys.version_info < (3, 14):  # nothing tells of a lock's __enter__ there
    _LISTS[_WAITING] += """ _thread.allocate_lock _thread.lock threading.RLock
        _thread.lock.__exit__ _thread.RLock.__exit__ threading.Condition.__exit__
        threading.Semaphore.__exit__"""
REFUSED: Final = {name: reason for reason, names in _LISTS.items() for name in names.split()}
_DRAWS: Final = ("random.Random.", "_random.Random.", "random.SystemRandom.")
_BOUND: Final = frozenset({types.BuiltinFunctionType, types.MethodType})


class ForbiddenCallError(NoVerdictError):
    """A scenario made a call that cannot be explored."""


class NoStepError(NoVerdictError):
    """A scenario has been in one place for long, without a step."""


_here = threading.local()  # by OS thread: the greenlets of one share it


@contextmanager
def guarded(
    progress: Callable[[], int] | None = None, patience: float = PATIENCE
) -> Iterator[None]:
    """Raise ForbiddenCallError in scenario code of this OS thread at each call that is `REFUSED`.

    With `progress`, which counts steps, NoStepError is raised where the scenario stays `patience`
    seconds without one.  If the scenario catches such an error, it is raised again at the end.
    Inside another `guarded()` this does nothing.
    """
    if getattr(_here, "guarded", False):
        yield
        return
    raised: list[RuntimeError] = []
    _here.guarded = True
    try:
        with watched(progress, patience, raised), _told_of_calls(raised):
            yield
    finally:
        _here.guarded = False
    if raised:
        raise raised[0]


@contextmanager
def _told_of_calls(raised: list[RuntimeError]) -> Iterator[None]:
    """Look at every call; at none where others hold every tool id."""
    monitoring, call = sys.monitoring, sys.monitoring.events.CALL
    tool = _free_tool()
    if tool is None:
        yield
        return
    monitoring.register_callback(tool, call, _Looker(threading.get_ident(), raised).look)
    monitoring.set_events(tool, call)
    monitoring.restart_events()  # sites that were disabled for an earlier owner of the id
    try:
        yield
    finally:
        monitoring.set_events(tool, monitoring.events.NO_EVENTS)
        monitoring.register_callback(tool, call, None)
        monitoring.free_tool_id(tool)


def _free_tool() -> int | None:
    """Take a tool id that nobody holds; those that have no customary holder first."""
    for tool in (4, 3, 5, 2, 1, 0):
        with suppress(ValueError):
            sys.monitoring.use_tool_id(tool, __name__)
            return tool
    return None


@dataclass(slots=True)
class _Looker:
    """Looks at the calls of one OS thread."""

    thread: int
    raised: list[RuntimeError]
    visits: Counter[tuple[int, int]] = field(default_factory=Counter)

    def look(self, code: types.CodeType, offset: int, called: Any, argument: object) -> object:
        """Judge a call about to be made; tell the interpreter when its site needs no more looks."""
        frame = sys._getframe(1)  # noqa: SLF001  (the one that calls)
        top = _top(frame)
        if top in LIBRARY or top in HARNESS:
            return sys.monitoring.DISABLE
        if threading.get_ident() != self.thread:
            return None
        name, reason = _judged(called, argument)
        if reason and not _on_behalf(frame):
            if name.endswith(".__exit__") and type(called) in _BOUND:
                called(None, None, None)  # the lock shall not stay taken
            self.raised.append(ForbiddenCallError(_accusation(frame, name, reason)))
            raise self.raised[-1]
        self.visits[id(code), offset] += 1
        return sys.monitoring.DISABLE if self.visits[id(code), offset] >= VISITS else None


def _judged(called: Any, argument: object) -> tuple[str, Reason | None]:
    """Return the full name of what is called with a first argument, and why it is refused."""
    name = _name(called)
    if name == "random.Random" and (argument is None or argument is sys.monitoring.MISSING):
        return "random.Random without a seed", _CHANCE
    if name.startswith(_DRAWS):
        owner = called.__self__ if type(called) in _BOUND else argument
        shared = owner is getattr(random, "__self__", None)  # the one behind random.random()
        return name, _CHANCE if shared or issubclass(type(owner), SystemRandom) else None
    return name, REFUSED.get(name)


def _name(called: Any) -> str:  # noqa: PLR0911  (one a kind)
    """Return the full name of what is called, as it was defined; runs no code of `called`."""
    kind = type(called)
    if kind is partial:
        return _name(called.func)
    if kind is types.MethodType:
        return _name(called.__func__)
    if kind is types.FunctionType:  # its own name may be borrowed, by functools.wraps
        return f"{called.__globals__.get('__name__')}.{called.__code__.co_qualname}"
    if kind is type:
        return f"{called.__module__}.{called.__qualname__}"
    if kind is types.MethodDescriptorType:
        return f"{_name(called.__objclass__)}.{called.__name__}"
    if kind is types.BuiltinFunctionType:
        owner = called.__self__
        if owner is None or type(owner) is types.ModuleType:
            return f"{called.__module__}.{called.__name__}"
        for parent in (owner if type(owner) is type else type(owner)).__mro__:
            if called.__name__ in vars(parent):
                return f"{_name(parent)}.{called.__name__}"
    return ""


def _top(frame: types.FrameType) -> str:
    """Return the name of the package or top-level module that `frame` runs code of."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _on_behalf(frame: types.FrameType | None) -> bool:
    """Return whether a log record or an import, rather than the scenario, brought `frame` about."""
    while frame is not None and (top := _top(frame)) not in HARNESS:
        if top in BEHALF:
            return True
        frame = frame.f_back
    return False


def _accusation(frame: types.FrameType, name: str, reason: Reason) -> str:
    owner, _, method = name.rpartition(".")
    verb = f"enters {owner} by 'with'" if method in {"__enter__", "__exit__"} else f"calls {name}"
    file, function = frame.f_code.co_filename, frame.f_code.co_name
    return "\n  ".join((f"{file}:{frame.f_lineno} {verb}, in '{function}'.", *reason))


@contextmanager
def watched(
    progress: Callable[[], int] | None, patience: float, raised: list[RuntimeError]
) -> Iterator[None]:
    """Raise NoStepError where code that is none of the harness makes no `progress` for `patience`.

    It is noted in `raised`, too.  Only the main OS thread is watched, if nobody has the signal.
    """
    on_main = threading.get_ident() == threading.main_thread().ident
    if progress is None or not on_main or signal.getsignal(SIGNAL) is None:
        yield
        return
    watchdog = _Watchdog(progress, patience, raised)
    before = signal.signal(SIGNAL, watchdog.woken)
    thread = threading.Thread(target=watchdog.watch, name="stress watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watchdog.done.set()
        thread.join()
        signal.signal(SIGNAL, before)


@dataclass(slots=True)
class _Watchdog:
    """Wakes the main OS thread when its steps have stood still for long."""

    progress: Callable[[], int]
    patience: float
    raised: list[RuntimeError]
    alike: int = 0  # looks in a row that found the same count of steps
    done: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look, on another OS thread, and send the signal while too many looks were alike."""
        seen = self.progress()
        while not self.done.wait(self.patience / LOOKS):
            count = self.progress()
            self.alike = self.alike + 1 if count == seen else 0
            seen = count
            if self.alike >= LOOKS:
                signal.pthread_kill(threading.main_thread().ident or 0, SIGNAL)

    def woken(self, _: int, frame: types.FrameType | None) -> None:
        """Raise NoStepError in the scenario; let the harness finish what it computes."""
        while frame is not None and _top(frame) in LIBRARY:
            frame = frame.f_back
        if frame is None or _top(frame) in HARNESS or self.alike < LOOKS:
            return
        self.alike = 0
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}, in '{frame.f_code.co_name}'"
        error = NoStepError(
            f"No step for {self.patience:g} s: the scenario is at {place}.\n"
            f"  It waits there for something real, or loops; meanwhile no other thread can run.\n"
            f"  Use sync.lock() and sync.condition(lock), and sync.pause() in a loop that waits."
        )
        self.raised.append(error)
        raise error
