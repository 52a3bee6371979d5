"""A child process that is told what to do in lines of JSON, and answers in lines of JSON.

Progress
========

Whoever reads its answers waits for the next one, never longer than the child's own patience and
`GRACE`; then the child is killed.
"""

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

GRACE: Final = 100.0
"""Seconds more than its own patience that a child may be silent: busy machines are slow."""
ORDERS: Final = 500
"""Orders that one child carries out.  Without the GIL each new thread has a heap of its own, and so
the heap of a process that starts thousands grows though nothing is kept."""


class ChildProcess:
    """The child process that runs `module`, whose threads are patient for `patience` seconds."""

    def __init__(self, module: str, patience: float, last_words: IO[str]) -> None:
        self._patience = patience + GRACE
        self._process = subprocess.Popen(  # noqa: S603  (this interpreter)
            [sys.executable, "-m", module],
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

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def say(self, order: Mapping[str, Any]) -> None:
        """Give the child something to do."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died already: `end` tells of what
            self._process.stdin.write(json.dumps(order) + "\n")
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


class Attendant:
    """Keeps one child that runs `module`; starts another where it is gone, or has done enough."""

    def __init__(self, module: str, patience: float) -> None:
        self._module = module
        self._patience = patience
        self._child: ChildProcess | None = None
        self._last_words: IO[str] | None = None
        self._orders = 0

    def ask(self, order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Have the child carry out `order`, and yield what it says."""
        if self._orders >= ORDERS:
            self.forget()
        if self._child is None:
            self._start()
        self._orders += 1
        assert self._child is not None
        self._child.say(order)
        return self._child.messages()

    def _start(self) -> None:
        self._last_words = tempfile.TemporaryFile(  # noqa: SIM115  (the child's error output)
            "w+", encoding="utf-8", errors="replace"
        )
        self._child = ChildProcess(self._module, self._patience, self._last_words)

    def forget(self) -> tuple[int | None, str]:
        """End the child, if there is one; return its status, and what it said at last."""
        child, last_words = self._child, self._last_words
        self._child = self._last_words = None
        self._orders = 0
        if child is None or last_words is None:
            return 0, ""
        with last_words:
            status = child.end()
            last_words.seek(0)
            return status, last_words.read()
