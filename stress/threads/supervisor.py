"""Starts the child process that runs the threads, watches it, and says how the run ended.

A child that dies of a signal, or whose threads do not come back, is a finding like any other:
the run goes on to its report.

Progress
========

The supervisor waits for the child's next line, and kills the child where it is silent for too long
(see `stress.threads.process`).  Ctrl-C closes the child's input, and the child ends after the
shift it is in.
"""

import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from stress.threads.census import Census
from stress.threads.child import Order
from stress.threads.process import ChildProcess

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
        child = ChildProcess("stress.threads.child", order.patience, last_words)
        child.say(asdict(order))
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
