"""Hands out cases, takes in what they came to, and enters it: the one process that writes.

    numbers ─▶ batches ─▶ workers ─▶ outcomes ─▶ books ─▶ failures to be made smaller ─▶ workers
                             │ dies
                             └─▶ suspects, alone ─▶ outcomes

A batch is work for about `TARGET` seconds, by what such cases took before, and each worker has one
that it does and one that waits; so a kill loses little, and nobody waits for the coordinator.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final

import psutil

from stress import failures
from stress.campaign import work
from stress.campaign.books import Books, Ready
from stress.campaign.folder import Folder
from stress.campaign.ledger import Pending
from stress.campaign.outcome import Outcome
from stress.campaign.suspects import MANY, Suspects
from stress.campaign.workers import Workers, WorkersLostError
from stress.explore.explorer import Interruption
from stress.report.summary import Sample

TARGET: Final = 1.0
"""Seconds of work in a batch."""
MOST: Final = 500
"""Cases in a batch."""
AHEAD: Final = 2
"""Batches that a worker has: one that it does, and one that waits."""
GUESS: Final = 0.4
"""Seconds of a case of which nothing is known yet."""
GRACE: Final = 60.0
"""Seconds more than its own bounds that a case may take: the machine may be busy."""
LANDING: Final = 180.0
"""Seconds after the end in which failures are made smaller."""
HASTE: Final = 3.0
"""The same, where Ctrl-C asked for the end."""
BREAKS: Final = 5
"""How often all workers may be lost before anybody has done anything."""
SHORT: Final = 0.05
"""Seconds between looks where nobody does anything."""
SAMPLES: Final = 400
"""In the time that a campaign is given, as many as a plot can show."""
SHRINKS: Final = 2
"""How often it is tried to make a failure smaller."""


@dataclass(slots=True)
class Flight:
    """What a worker was asked to do."""

    numbers: Sequence[int] = ()
    pending: Pending | None = None
    known: str = ""
    """The fingerprint of a failure of an earlier campaign, which is replayed."""
    since: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class News:
    """How a campaign is going."""

    seconds: float
    allowed: float
    """Seconds, in all."""
    cases: int
    executions: int
    coverage: int
    failures: int
    waiting: int
    """Failures that wait to be made smaller, and cases that wait to be run alone."""
    busy: float
    """The share of their time in which the workers worked."""


class Coordinator:
    """Goes on with the campaign in `folder`, for `seconds` in all, or until `cases` are done."""

    def __init__(
        self,
        folder: Folder,
        workers: Workers,
        seconds: float,
        *,
        cases: int | None = None,
    ) -> None:
        self.folder = folder
        self.books = Books(folder)
        self._workers = workers
        self._allowed = seconds
        self._cases = cases
        self.watch: Callable[[News], None] = lambda _: None
        self._replays = [each.fingerprint for each in folder.failures() if each.is_unanswered]
        plan = folder.plan
        self._limit = max(plan.cap, plan.patience) + min(GRACE, 2 * plan.cap + plan.patience)
        self._suspects = Suspects(plan, self._limit)
        self._again: deque[int] = deque()
        """Cases that came back undone, and are under no suspicion."""
        self._numbers = folder.ledger.undone()
        self._flights: dict[Future[Any], Flight] = {}
        self._costs: dict[tuple[str, str], float] = {}
        self._tries: dict[int, int] = {}
        self._breaks = 0
        """How often all workers were lost since somebody did something."""
        self._before = folder.seconds
        self._started = time.monotonic()
        self._worked = 0.0
        self._sampled = 0.0
        self.interruption = Interruption()

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.interruption.asked

    @property
    def seconds(self) -> float:
        """For how long the campaign has run, in all."""
        return self._before + time.monotonic() - self._started

    def run(self) -> None:
        """Go on until the time is up, all cases are done, or Ctrl-C."""
        try:
            with self.interruption.noticed():
                while not self._over():
                    self._hand_out()
                    self._take_in(0.5)
                self._land()
        finally:
            self._suspects.close()
            self._workers.close()

    def _number(self) -> int | None:
        """Return the number of the case that is next, if there is one."""
        if self._again:
            return self._again.popleft()
        number = next(self._numbers)
        if self._cases is not None and number >= self._cases:
            self._numbers = repeat(number)
            return None
        return number

    def _over(self) -> bool:
        done = self._cases is not None and self.books.cases >= self._cases
        return done or self.interrupted or self.seconds >= self._allowed

    # Handing out

    def _hand_out(self) -> None:
        places = AHEAD * self._workers.size - len(self._flights)
        for _ in range(places):
            flight = self._next()
            if flight is None:
                return
            self._submit(flight)

    def _next(self) -> Flight | None:
        """Return what to do next: what was known before, then what failed, then cases."""
        if self._replays:
            return Flight(known=self._replays.pop(0))
        flying = {flight.pending.number for flight in self._flights.values() if flight.pending}
        for pending in list(self.books.pending.values()):
            if pending.number not in flying and not _is_as_it_stays(pending):
                return Flight(pending=pending)
        if len(self._suspects) >= MANY or self._over():
            return None
        numbers = self._batch()
        return Flight(numbers) if numbers else None

    def _batch(self) -> list[int]:
        """Return the next cases, for about `TARGET` seconds."""
        numbers, seconds = list[int](), 0.0
        while (number := self._number()) is not None:
            numbers.append(number)
            case = self.folder.plan.case(number)
            seconds += self._costs.get((case.model, case.engine), GUESS)
            if seconds >= TARGET or len(numbers) == MOST:
                break
        return numbers

    def _submit(self, flight: Flight) -> None:
        try:
            self._flights[self._submitted(flight)] = flight
        except BrokenProcessPool:
            self._lose([*self._flights.values(), flight])

    def _submitted(self, flight: Flight) -> "Future[Any]":
        plan, pending = self.folder.plan, flight.pending
        if flight.known:
            path = str(self.folder.failure_path(flight.known).absolute())
            return self._workers.submit(work.replayed, plan, path)
        if pending is not None:
            return self._workers.submit(work.made_ready, plan, pending.first, pending.failure)
        return self._workers.submit(work.done, plan, flight.numbers)

    # Taking in

    def _take_in(self, patience: float) -> None:
        """Wait for something to come back, and enter all that has."""
        alone = [self._suspects.future] if self._suspects.future is not None else []
        if self._flights or alone:
            wait([*self._flights, *alone], timeout=patience, return_when=FIRST_COMPLETED)
        else:
            time.sleep(SHORT)
        outcomes, ready = self._suspects.taken(), list[Ready]()
        for future in [future for future in self._flights if future.done()]:
            flight = self._flights.pop(future, None)
            if flight is not None:  # else it was lost with others
                self._land_one(flight, future, outcomes, ready)
        ready += self._as_they_are()
        if outcomes or ready:
            self._breaks = 0
            self.books.enter(outcomes, ready, self.seconds)
        for outcome in outcomes:
            self._learn(outcome)
        self._kill_what_hangs()
        self._sample()
        self.watch(self.news())

    def _land_one(
        self,
        flight: Flight,
        future: "Future[Any]",
        outcomes: list[Outcome],
        ready: list[Ready],
    ) -> None:
        try:
            result = future.result()
        except BrokenProcessPool:
            self._lose([flight, *self._flights.values()])
        except Exception:  # noqa: BLE001  (a worker of a cluster that died, or what it raised)
            self._lose_one(flight)
        else:
            if flight.known:
                self._know(flight.known, result)
            elif flight.pending is not None and flight.pending.number in self.books.pending:
                ready.append(Ready(flight.pending, result))
            else:
                outcomes += result if flight.numbers else []

    def _lose(self, lost: Iterable[Flight]) -> None:
        """Begin with other workers.

        Of what the old ones had, as much as they could do at once was begun, the oldest first; the
        rest only waited.
        """
        oldest = sorted(lost, key=lambda flight: flight.since)
        for flight in oldest[: self._workers.size]:
            self._lose_one(flight)
        for flight in oldest[self._workers.size :]:
            self._again.extend(flight.numbers)
        self._flights.clear()
        self._breaks += 1
        if self._breaks > BREAKS:
            raise WorkersLostError(
                f"The workers ended {self._breaks} times before they have done anything."
            )
        self._workers.renew()

    def _lose_one(self, flight: Flight) -> None:
        self._suspects.add(flight.numbers)
        if flight.known:
            self._know(flight.known, "")
        if flight.pending is not None:
            number = flight.pending.number
            self._tries[number] = self._tries.get(number, 0) + 1

    def _as_they_are(self) -> list[Ready]:
        """Return the failures that nobody is to make smaller."""
        found = []
        for pending in list(self.books.pending.values()):
            if _is_as_it_stays(pending):
                found.append(self.books.as_it_is(pending))
            elif self._tries.get(pending.number, 0) >= SHRINKS:
                why = (
                    "Whoever tried to make it smaller, or to check it, ended or did not come back."
                )
                found.append(self.books.as_it_is(pending, why))
        return found

    def _know(self, fingerprint: str, answer: str) -> None:
        failure = failures.load(self.folder.failure_path(fingerprint))
        self.books.enter_known(fingerprint, failure, answer)

    def _learn(self, outcome: Outcome) -> None:
        """Learn what a case takes, and count it as work done."""
        owner, seconds = (outcome.model, outcome.engine), outcome.sums.seconds
        self._costs[owner] = 0.7 * self._costs.get(owner, seconds) + 0.3 * seconds
        self._worked += seconds

    def _kill_what_hangs(self) -> None:
        """Begin with other workers where one does not come back."""
        now = time.monotonic()
        late = [
            flight
            for flight in self._flights.values()
            if now - flight.since > AHEAD * (self._limit + (LANDING if flight.pending else 0))
        ]
        if not late:
            return
        if self._workers.processes():
            self._lose(self._flights.values())
            return
        for future, flight in list(self._flights.items()):  # a cluster: nobody can be killed
            if flight in late:
                future.cancel()
                del self._flights[future]
                self._lose_one(flight)

    # The end

    def _land(self) -> None:
        """Take in what is under way, and what failed, but not for long."""
        for future in list(self._flights):
            if future.cancel():
                del self._flights[future]
        end = time.monotonic() + LANDING
        while time.monotonic() < end and (self._flights or self._suspects or self.books.pending):
            if self.interrupted:
                end = min(end, time.monotonic() + HASTE)
                if not self._flights:
                    break
            else:
                self._hand_out()
            self._take_in(0.1)
        self._sample(last=True)

    # News

    def news(self) -> News:
        """Return how it is going."""
        books = self.books
        passed = time.monotonic() - self._started
        return News(
            self.seconds,
            self._allowed,
            books.cases,
            books.executions,
            books.coverage,
            len(books.findings),
            len(books.pending) + len(self._suspects),
            min(1.0, self._worked / (passed * max(1, self._workers.size))),
        )

    def _sample(self, *, last: bool = False) -> None:
        every = max(1.0, self._allowed / SAMPLES)
        if not last and self.seconds - self._sampled < every:
            return
        self._sampled = self.seconds
        books = self.books
        self.books.enter_sample(
            Sample(
                round(self.seconds, 3),
                books.cases,
                books.executions,
                books.coverage,
                len(books.findings),
                memory(self._workers.processes() + self._suspects.processes()),
            )
        )


def _is_as_it_stays(pending: Pending) -> bool:
    """Return whether a failure is not to be made smaller: its case ends whoever runs it."""
    return "checked" in pending.failure


def memory(processes: Iterable[int]) -> int:
    """Return the resident memory of this process, of `processes` and their children, in KiB."""
    found = [psutil.Process()]
    for number in processes:
        try:
            worker = psutil.Process(number)
            found += [worker, *worker.children(recursive=True)]
        except psutil.Error:
            continue
    total = 0
    for process in found:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total >> 10
