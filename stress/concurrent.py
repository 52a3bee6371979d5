"""The concurrent machine of a model: Hypothesis draws programs, and an engine tries each.

    Hypothesis ──▶ program ──▶ engine: the explorer, or real threads ──▶ fails? ──▶ smaller?

What fails is made smaller.  The schedule is never drawn: the explorer visits every execution of a
small program, and of a larger one some that follow from the program; real threads run it again and
again.  Whatever a program came to once, it comes to whenever Hypothesis asks again.

After Claessen et al., "Finding Race Conditions in Erlang with QuickCheck and PULSE" (ICFP 2009,
section 3), who test parallel programs against the sequential model in the same way; they draw the
schedule, too.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import hypothesis

from stress.drawing import SETTINGS, programs
from stress.interleaving import offending, restrained
from stress.model import Model
from stress.program import Program
from stress.reference import Reference
from stress.shrinking import shrunk
from stress.verdict import NoVerdictError

ROUND: Final = 50
"""Programs that Hypothesis draws before the time is looked at."""
SHRINKING: Final = 200
"""Programs that are tried while shrinking: not seconds, so that a seed gives the same again."""


class Engine(Protocol):
    """What runs a program many times."""

    executions: int
    """How many executions there were, of all programs."""

    def failure(self, program: Program, *, shrinking: bool) -> Any:
        """Return how `program` fails, or None; the evidence goes to whoever asked."""


@dataclass
class ConcurrentRun:
    """What the concurrent machine came to."""

    examples: int = 0
    """Programs that were tried, those of shrinking included."""
    drawn: int = 0
    """Programs that were tried before the first failure."""
    seconds: float = 0.0
    found_after: float | None = None
    """Seconds until the first failure."""
    program: Program | None = None
    """The smallest program that failed."""
    failure: Any = None
    """How it failed, as the engine tells."""
    interrupted: bool = False


class FailsError(AssertionError):
    """A program fails: one kind of error, so that Hypothesis sees one bug."""


@dataclass
class ConcurrentMachine:
    """Looks for a program of `model` that fails in `engine`."""

    model: type[Model[Any]]
    engine: Engine
    threads: int | None = None
    run: ConcurrentRun = field(default_factory=ConcurrentRun)

    def __post_init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._started = time.monotonic()
        self._restrained = restrained(self.model)
        self._roles = {own.name: own.role for own in self.model.operations()}
        self._trouble: NoVerdictError | None = None

    def search(
        self,
        seed: int,
        seconds: float,
        watch: Callable[[ConcurrentRun], None],
        *,
        shrink: bool = True,
    ) -> ConcurrentRun:
        """Draw programs until one fails, or the time is up; `shrink` what failed."""
        number = 0
        try:
            while self._seconds() < seconds and self.run.failure is None:
                self.round(seed + number, ROUND, self._started + seconds, shrink=shrink)
                number += 1
                self.run.seconds = self._seconds()
                watch(self.run)
        except KeyboardInterrupt:
            self.run.interrupted = True
        self.run.seconds = self._seconds()
        return self.run

    def round(self, seed: int, examples: int, until: float, *, shrink: bool) -> None:
        """Draw `examples` programs from `seed`, no more once the clock passes `until`."""
        phases = [hypothesis.Phase.generate, *[hypothesis.Phase.shrink] * shrink]

        @hypothesis.seed(seed)
        @hypothesis.settings(SETTINGS, max_examples=examples, phases=phases)
        @hypothesis.given(programs(self.model, threads=self.threads))
        def attempt(program: Program) -> None:
            if self.run.failure is not None or time.monotonic() < until:
                self.attempt(program)

        try:
            attempt()
        except FailsError:
            if shrink:
                self.shrink()

    def attempt(self, program: Program) -> None:
        """Try `program`; raise if it fails, now or when it was tried before.

        What prevents the engine from trying programs is raised again and again, too.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._fails(program):
            self.run.program, self.run.failure = program, self._known[self._key(program)]
            raise FailsError(f"{program} fails")

    def shrink(self) -> None:
        """Make the program that failed smaller, call by call."""
        assert self.run.program is not None
        self.run.program = shrunk(self.run.program, self._admitted_and_fails)
        self.run.failure = self._known[self._key(self.run.program)]

    def shrink_known(self, program: Program, failure: Any) -> None:
        """Make `program` smaller, which failed as `failure` tells, now or in another process."""
        self._known[self._key(program)] = failure
        self.run.program, self.run.found_after = program, 0.0
        self.shrink()

    def _admitted_and_fails(self, program: Program) -> bool:
        roles = [{self._roles[call.f] for call in own} - {None} for own in program.threads]
        if any(len(own) > 1 for own in roles):
            return False
        if self._restrained and offending(Reference(self.model(program.case)), program):
            return False
        return self._fails(program)

    def _fails(self, program: Program) -> bool:
        key = self._key(program)
        if key not in self._known:
            first = self.run.found_after
            if self.run.examples - self.run.drawn > SHRINKING:
                return False
            self.run.examples += 1
            self.run.drawn += first is None
            found = self._known[key] = self._tried(program, shrinking=first is not None)
            if found is not None and first is None:
                self.run.found_after = self._seconds()
        return self._known[key] is not None

    def _tried(self, program: Program, *, shrinking: bool) -> Any:
        """Return how `program` fails, or None; none is smaller if it could not be tried."""
        try:
            return self.engine.failure(program, shrinking=shrinking)
        except NoVerdictError as error:
            if shrinking:
                return None
            self._trouble = error
            raise

    def _key(self, program: Program) -> str:
        """Return what tells programs apart; a case is told by its JSON."""
        return str(program.to_json(self.model))

    def _seconds(self) -> float:
        return time.monotonic() - self._started
