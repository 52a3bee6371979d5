"""One case in each engine: bounded by counts, so that it does the same whenever it is run.

    sequential   a round of the state machine            `EXAMPLES` runs
    explore      a batch of drawn programs               `PROGRAMS`, or one drawn by hand
    concurrent   drawn programs on real threads          `THREADED`
    threads      a shift of real threads                 one

What fails is returned as it was met, with the smallest thing from which it can be made smaller:
that is done later, once for all failures that are alike (see `stress.campaign.shrinking`).
"""

import functools
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from stress import registry, sequential
from stress.campaign.outcome import Outcome, Sums
from stress.campaign.plan import Case, Plan
from stress.concurrent import ConcurrentMachine
from stress.conformance import UndecidedError
from stress.explore.coverage import Coverage
from stress.explore.exploration import Bounds, Exploration
from stress.explore.programs import ExploredPrograms
from stress.explore.record import as_json, report_of
from stress.explore.scenario import ScenarioTask, explored
from stress.explore.target import NamedScenario
from stress.host import Host
from stress.report.summary import mismatch
from stress.threads.process import Attendant
from stress.threads.programs import MODULE, ThreadedPrograms
from stress.threads.supervisor import ThreadsRun
from stress.verdict import NoVerdictError

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

EXAMPLES: Final = 40
PROGRAMS: Final = 8
THREADED: Final = 4
WHOLE: Final = 200_000
"""Executions of a program drawn by hand, at most."""
MEMORY: Final = "rc11"


class Workshop:
    """What a process keeps from case to case: the child that real threads run in."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.attendant = Attendant(MODULE, plan.patience)
        self._machines: dict[str, type[RuleBasedStateMachine]] = {}
        """Kept, as Hypothesis forgets none."""
        self._find = functools.cache(registry.find)
        self._model_of = functools.cache(registry.model_of)

    def done(self, case: Case) -> Outcome:
        """Run `case` and return what it came to; what keeps it from a verdict is an error in it."""
        outcome = Outcome(case.number, case.model, case.engine, Sums(cases=1))
        started = time.perf_counter()
        try:
            _ENGINES[case.engine](self, case, outcome)
        except (NoVerdictError, UndecidedError, registry.UnknownModelError) as error:
            outcome.sums.errors[str(error)] = 1
        outcome.sums.seconds = time.perf_counter() - started
        outcome.sums.violations = max(outcome.sums.violations, len(outcome.failures))
        outcome.sums.capped = int(outcome.sums.seconds > self.plan.cap)
        return outcome

    def close(self) -> None:
        """End the child."""
        self.attendant.forget()

    def sequential(self, case: Case, outcome: Outcome) -> None:
        """Run the state machine some times."""
        done = sequential.SequentialRun()
        machine = self._machines.get(case.model)
        if machine is None:
            machine = self._machines[case.model] = self._find(case.model).machine()
        failure = sequential.round_of(machine, case.seed, done, EXAMPLES, shrink=False)
        outcome.sums.examples = done.examples
        if failure is not None:
            outcome.failures.append(mismatch(failure))

    def explore(self, case: Case, outcome: Outcome) -> None:
        """Explore programs that are drawn, or one that was drawn by hand."""
        if case.program:
            self._explore_own(case, outcome)
            return
        model = self._model_of(case.model)
        coverage = Coverage()
        engine = ExploredPrograms(model, MEMORY, coverage=coverage)
        machine = ConcurrentMachine(model, engine, self.plan.threads)
        try:
            machine.round(case.seed, PROGRAMS, self._until(), shrink=False)
        finally:
            run, sums = machine.run, outcome.sums
            sums.examples, sums.executions, sums.cut = run.examples, engine.executions, engine.cut
            sums.sampled = max(0, run.examples - engine.explored_wholly - (run.failure is not None))
            outcome.coverage = frozenset(coverage.seen)
        if run.failure is not None and run.program is not None:
            found: Exploration = run.failure
            assert found.failure is not None
            outcome.failures.append(
                {
                    "kind": found.failure.kind,
                    "violations": [{"rule": found.failure.kind, "message": found.failure.message}],
                    "parameters": run.program.to_json(model),
                }
            )

    def _explore_own(self, case: Case, outcome: Outcome) -> None:
        target = f"{case.model}/{case.program}"
        task = ScenarioTask(NamedScenario(target), MEMORY)
        found = explored(task.scenario, memory=MEMORY, bounds=Bounds(WHOLE, seconds=self.plan.cap))
        if found.interrupted:
            raise KeyboardInterrupt
        sums = outcome.sums
        sums.examples, sums.executions, sums.cut = 1, found.executions, found.cut
        sums.finished = int((found.finished and not found.cut) or found.failure is not None)
        sums.unfinished = 1 - sums.finished
        if found.failure is not None:
            saved = as_json(task, found, report_of(task, found, target), target)
            outcome.failures.append(saved | {"model": case.model})

    def concurrent(self, case: Case, outcome: Outcome) -> None:
        """Run programs that are drawn on real threads."""
        model = self._model_of(case.model)
        engine = ThreadedPrograms(case.model, model, self.plan.patience, attendant=self.attendant)
        machine = ConcurrentMachine(model, engine, self.plan.threads)
        try:
            machine.round(case.seed, THREADED, self._until(), shrink=False)
        finally:
            sums, census = outcome.sums, engine.census
            sums.examples, sums.executions = machine.run.examples, census.instances
            sums.calls, sums.overlapped = census.calls, census.overlapped
            sums.contended, sums.unknown = census.contended, dict(census.unknown)
            sums.gil = int(engine.gil)
            outcome.coverage = frozenset(census.met)
        if machine.run.failure is not None and machine.run.program is not None:
            program = {"parameters": machine.run.program.to_json(model)}
            outcome.failures.append(program | machine.run.failure)

    def threads(self, case: Case, outcome: Outcome) -> None:
        """Run a shift of real threads."""
        run = ThreadsRun()
        order = {
            "model": case.model,
            "options": dict(self.plan.options),
            "seed": case.id,
            "threads": self.plan.threads,
            "patience": self.plan.patience,
        }
        for message in self.attendant.ask(order):
            run.hear(message)
            if "census" in message:
                break
        else:
            status, last_words = self.attendant.forget()
            if status is not None:
                run.ended(status, last_words)
            elif not run.findings:
                run.hear({"hang": {"calls": ["the child process is silent"], "stacks": []}})
        _sum_up(run, outcome)

    def _until(self) -> float:
        return time.monotonic() + self.plan.cap


def _sum_up(run: ThreadsRun, outcome: Outcome) -> None:
    sums, census = outcome.sums, run.census
    sums.examples, sums.calls = census.instances, census.calls
    sums.overlapped, sums.contended = census.overlapped, census.contended
    sums.callbacks = census.counts["callbacks"]
    sums.failures_injected = census.counts["failures_injected"]
    sums.unknown, sums.gil = dict(census.unknown), int(run.gil)
    sums.shifts = {str(threads): count for threads, count in run.shifts.items()}
    sums.memory, sums.violations = dict(run.memory), census.violations
    sums.errors = dict.fromkeys(run.errors, 1)
    outcome.coverage = frozenset(census.met)
    outcome.failures += run.findings


_ENGINES: Final[Mapping[str, Callable[[Workshop, Case, Outcome], None]]] = {
    "sequential": Workshop.sequential,
    "explore": Workshop.explore,
    "concurrent": Workshop.concurrent,
    "threads": Workshop.threads,
}


def origin(plan: Plan, case: Case) -> dict[str, Any]:
    """Return where a failure of `case` comes from, as every saved failure says."""
    return {
        "model": case.model,
        "engine": case.engine,
        "options": dict(plan.options) if case.engine == "threads" else {},
        "interpreter": Host.of_this_process().interpreter,
        "run_seed": plan.seed,
        "case": case.id,
        "case_seed": case.seed,
    }
