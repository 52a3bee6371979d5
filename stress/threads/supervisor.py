"""Starts the child process that runs the threads, watches it, and says how the run ended.

A child that dies of a signal, or whose threads do not come back, is a finding like any other:
the run goes on to its report.

Progress
========

The supervisor waits for the child's next line, never longer than the child's own patience and
`GRACE`; then it kills the child.  Ctrl-C closes the child's input, and the child ends after the
shift it is in.
"""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Final

from stress.threads.census import Census
from stress.threads.child import Order

GRACE: Final = 100.0
"""Seconds more than its own patience that a child may be silent: busy machines are slow."""


FROM_OUTSIDE: Final = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals that say nothing about the interpreter they end."""


@dataclass(slots=True)
class ThreadsRun:
    """What a run of real threads came to, so far or in all."""

    seconds: float = 0.0
    shifts: Counter[int] = field(default_factory=Counter)
    """How many shifts had so many threads."""
    census: Census = field(default_factory=Census)
    gil: bool = False
    """Whether the GIL was on in the child after any shift: importing a module can turn it on."""
    memory: dict[str, int] = field(default_factory=dict)
    """The most seen of the child's resident set (VmRSS) and page tables (VmPTE), in KiB."""
    findings: list[dict[str, Any]] = field(default_factory=list)
    """What broke a rule, crashed or hung: each has a ``kind`` and ``violations``."""
    errors: list[str] = field(default_factory=list)
    """What went wrong in the harness or the model, so that the run proves nothing."""
    interrupted: bool = False

    def hear(self, message: dict[str, Any]) -> None:
        """Take in one line of the child."""
        if "finding" in message:
            self.findings.append({"kind": "invariant"} | message["finding"])
        elif "hang" in message:
            hang = message["hang"]
            why = "; ".join(hang["calls"]) or "no call: the harness itself"
            self._stopped("hang", f"did not return in time: {why}", hang)
        elif "error" in message:
            if message["error"] not in self.errors:
                self.errors.append(message["error"])
        else:
            self.shifts[message["threads"]] += 1
            self.gil |= message["gil"]
            self.census.add(Census.from_json(message["census"]))
            for name, amount in message["memory"].items():
                self.memory[name] = max(amount, self.memory.get(name, 0))

    def ended(self, status: int, last_words: str) -> None:
        """Take in how the child ended."""
        if -status in FROM_OUTSIDE:
            name = signal.Signals(-status).name
            self.errors.append(
                f"the child process was ended by {name}, which no interpreter sends itself: by "
                f"somebody else, or by a kernel out of memory\n{last_words}"
            )
        elif status < 0:
            name = signal.Signals(-status).name
            evidence = {"stacks": [last_words]}
            self._stopped("crash", f"the interpreter died of {name}", evidence)
        elif status:
            self.errors.append(f"the child process ended with status {status}\n{last_words}")

    def _stopped(self, kind: str, message: str, evidence: dict[str, Any]) -> None:
        violation = {"rule": kind, "message": message}
        self.findings.append({"kind": kind, "violations": [violation]} | evidence)
        self.census.violations += 1


def run(order: Order, watch: Callable[[ThreadsRun], None]) -> ThreadsRun:
    """Carry out `order` in a child process; call `watch` whenever there is news."""
    outcome = ThreadsRun()
    start = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as last_words:
        child = Child(order, last_words)
        try:
            for message in child.messages():
                outcome.hear(message)
                outcome.seconds = time.monotonic() - start
                watch(outcome)
        except KeyboardInterrupt:
            outcome.interrupted = True
            child.stop()
            for message in child.messages():
                outcome.hear(message)
        finally:
            status = child.end()
        last_words.seek(0)
        if status is not None:
            outcome.ended(status, last_words.read())
        elif not any(finding["kind"] == "hang" for finding in outcome.findings):
            outcome.hear({"hang": {"calls": ["the child process is silent"], "stacks": []}})
    outcome.seconds = time.monotonic() - start
    return outcome


class Child:
    """The child process that carries out `order`."""

    def __init__(self, order: Order, last_words: IO[str]) -> None:
        self._patience = order.patience + GRACE
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stress.threads.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=last_words,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the supervisor alone
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._say(json.dumps(asdict(order)))

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died already: `end` tells of what
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what the child says, until it says no more or is silent for too long."""
        with contextlib.suppress(queue.Empty):
            while (line := self._lines.get(timeout=self._patience)) is not None:
                try:
                    yield json.loads(line)
                except ValueError:  # half a line, or what a library of C printed
                    yield {"error": f"the child process wrote what is no report: {line[:80]!r}"}

    def stop(self) -> None:
        """Have the child end after the shift it is in."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def end(self) -> int | None:
        """Return the child's exit status; None if it had to be killed for its silence."""
        self.stop()
        try:
            return self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return None
        finally:
            self._reader.join(10)  # it has read to the end, unless a grandchild writes on
