"""Cases during which a worker died, run again one by one, in a process of their own.

Which of the cases in flight killed a worker nobody can say, or whether somebody else did.  So each
is run alone.  What kills its process there, too, is a finding of kind crash; what does not come
back in time is a hang.
"""

import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stress.campaign import work
from stress.campaign.outcome import Outcome, Sums
from stress.campaign.plan import Plan
from stress.campaign.workers import Processes, WorkersLostError

if TYPE_CHECKING:
    from concurrent.futures import Future

MANY: Final = 64
"""With so many suspects no others are made."""
LAST_WORDS: Final = 1.0
"""Seconds for a process that hangs to say where it stands."""
LONGEST: Final = 20_000
"""Characters of last words that are kept."""

CHECKED: Final = "It was run twice, the second time alone, and ended its process both times."
NO_REPAIR: Final = "Nothing is known of the steps it took, so nothing could be tried."


class Suspects:
    """Cases that wait to be run alone, and the one that runs; a case has `limit` seconds."""

    def __init__(self, plan: Plan, limit: float) -> None:
        self._plan = plan
        self._limit = limit
        self._waiting: deque[int] = deque()
        self._number = -1
        self._since = 0.0
        self.future: Future[list[Outcome]] | None = None
        self._process: Processes | None = None
        self._starting: Future[int] | None = None
        self._words = Path()

    def add(self, numbers: Sequence[int]) -> None:
        """Add cases."""
        self._waiting.extend(number for number in numbers if number not in self._waiting)

    def __len__(self) -> int:
        return len(self._waiting) + (self.future is not None)

    def processes(self) -> list[int]:
        """Return the process that they run in, by number, if there is one."""
        return self._process.processes() if self._process else []

    def taken(self) -> list[Outcome]:
        """Return what the case that ran came to, if it has ended; and run the next."""
        found: list[Outcome] = []
        if self.future is not None:
            if self.future.done():
                found = self._ended(self.future)
            elif self._starting is not None and not self._starting.done():
                self._since = time.monotonic()  # its process is not there yet
            elif time.monotonic() - self._since > self._limit:
                found = [self._hangs()]
        if self.future is None and self._waiting:
            self._run(self._waiting.popleft())
        return found

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
            self._process = None
            self._words.unlink(missing_ok=True)

    def _run(self, number: int) -> None:
        if self._process is None:
            handle = tempfile.NamedTemporaryFile(prefix="stress-last-words-", delete=False)  # noqa: SIM115
            handle.close()
            self._words = Path(handle.name)
            self._process = Processes(1, self._plan, str(self._words))
            self._starting = self._process.submit(os.getpid)
        self._number, self._since = number, time.monotonic()
        self.future = self._process.submit(work.done, self._plan, [number])

    def _ended(self, future: "Future[list[Outcome]]") -> list[Outcome]:
        self.future = None
        if self._starting is not None and (error := self._starting.exception()):
            raise WorkersLostError(f"A process ends before it has done anything: {error}")
        try:
            return future.result()
        except Exception as error:  # noqa: BLE001  (a pool that broke, or what could not be sent)
            assert self._process is not None
            death = self._process.death() or f"{type(error).__name__}: {error}"
            words = self._last_words()
            self.close()
            message = (
                f"case {self._plan.campaign}-{self._number} ends the process it runs in: {death}"
            )
            return [self._finding("crash", message, words)]

    def _hangs(self) -> Outcome:
        assert self._process is not None
        self.future = None
        self._process.tell(signal.SIGUSR1)
        time.sleep(LAST_WORDS)
        words = self._last_words()
        self.close()
        message = (
            f"case {self._plan.campaign}-{self._number} does not come back within {self._limit:g} s"
        )
        return self._finding("hang", message, words)

    def _last_words(self) -> str:
        return self._words.read_text("utf-8", errors="replace")[-LONGEST:]

    def _finding(self, kind: str, message: str, words: str) -> Outcome:
        case = self._plan.case(self._number)
        failure = {
            "kind": kind,
            "violations": [{"rule": kind, "message": message}],
            "stacks": [words] if words else [],
            "checked": CHECKED,
            "tried": [],
            "tried_note": NO_REPAIR,
        }
        sums = Sums(cases=1, violations=1)
        return Outcome(case.number, case.model, case.engine, sums, failures=[failure])
