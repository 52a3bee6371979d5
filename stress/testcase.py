"""A model as tests, one for each engine: ``TestStack = StackModel.TestCase``.

unittest and pytest run it.  With pytest's plug-in (`stress.pytest_plugin`) each test has the marker
of its engine, and options for time, threads, seed and executions.  Without `--stress-time` the
tests draw as many examples as Hypothesis is set to, and what fails goes into its database.

A test that nothing failed, on a machine where that proves nothing, is skipped, saying why.
"""

import io
import re
import unittest
from pathlib import Path
from typing import Any, ClassVar, Final

import hypothesis
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console

from stress import failures, machines, registry, sequential
from stress.concurrent import ConcurrentMachine, ConcurrentRun, Engine, FailsError
from stress.drawing import programs
from stress.evidence import completed
from stress.examination import examine
from stress.explore.engine import MEMORY, ExploredRun, saved_failure
from stress.explore.explanation import handed_over
from stress.explore.programs import EXHAUSTIVE, ExploredPrograms
from stress.host import Host
from stress.model import Model
from stress.program import Program
from stress.pytest_plugin import options
from stress.report import text
from stress.report.summary import RunSummary
from stress.threads import supervisor
from stress.threads.child import Order
from stress.threads.engine import ConcurrentThreadsRun
from stress.threads.programs import ThreadedPrograms

FAILURES: Final = Path(".stress/failures")
"""Where what fails a test is saved, below the current directory."""
SECONDS: Final = 2.0
"""How long real threads run drawn programs, unless `--stress-time` says otherwise."""
PATIENCE: Final = 20.0
"""Seconds after which real threads that do not get on count as hanging."""


class ModelTestCase(unittest.TestCase):
    """The tests of `model`."""

    __test__ = False  # tests are what `test_case` makes
    model: ClassVar[type[Model[Any]]]

    def setUp(self) -> None:
        """Refuse a model that is wrong, before anything runs."""
        examine(self.model)

    def test_sequential(self) -> None:
        """One thread sees what the model sees."""
        __tracebackhide__ = True
        machine = machines.sequential(self.model)
        if options.seconds is not None:
            run = sequential.run(machine, options.seconds, options.seed or 0, lambda _: None)
            self._settle(RunSummary.of_sequential(self.model.__name__, run))
            return
        settings = hypothesis.settings(deadline=None, report_multiple_bugs=False)
        if options.seed is not None:
            machine = hypothesis.seed(options.seed)(machine)
        run = sequential.SequentialRun()
        try:
            with machines.ending():
                run_state_machine_as_test(machine, settings=settings)
        except (AssertionError, hypothesis.errors.Flaky, machines.StandsStill) as error:
            if machine.last_failure is None:
                raise
            run.failure = dict(machine.last_failure)
            if isinstance(error, hypothesis.errors.Flaky):
                run.failure["message"] += sequential.ONCE
        self._settle(RunSummary.of_sequential(self.model.__name__, run))

    def test_threads(self) -> None:
        """Real threads find nothing in many instances of drawn programs."""
        __tracebackhide__ = True
        name = registry.name_of(self.model)
        order = Order(
            name, {}, options.seed or 0, options.seconds or SECONDS, options.threads, PATIENCE
        )
        run = supervisor.run(order, lambda _: None)
        if run.errors:
            raise RuntimeError(run.errors[0])
        self._settle(RunSummary.of_threads(name, 0, run, Host.of_this_process()))

    def test_concurrent(self) -> None:
        """No drawn program fails on real threads."""
        __tracebackhide__ = True
        name = registry.name_of(self.model)
        with ThreadedPrograms(name, self.model, PATIENCE) as engine:
            drawn = self._searched(engine)
        done = ConcurrentThreadsRun(drawn.seconds, drawn, engine.census, engine.gil)
        if drawn.program is not None:
            done.failure = handed_over(name, self.model, drawn.program, drawn.failure)
        self._settle(RunSummary.of_concurrent(name, done, Host.of_this_process()))

    def test_explore(self) -> None:
        """No execution of a drawn program fails under the weak memory model."""
        __tracebackhide__ = True
        engine = ExploredPrograms(
            self.model, exhaustive=options.executions or EXHAUSTIVE, failures=FAILURES
        )
        done = ExploredRun(0, drawn=self._searched(engine))
        done.told_by(engine)
        name = registry.saved_name(self.model)
        if done.drawn.program is not None:
            done.failure = saved_failure(
                name, self.model, done.drawn.program, MEMORY, done.drawn.failure
            )
        self._settle(RunSummary.of_explored(name, done))

    def _searched(self, engine: Engine) -> ConcurrentRun:
        """Let Hypothesis look for a program that fails; return what came of it."""
        machine = ConcurrentMachine(self.model, engine, options.threads)
        if options.seconds is not None:
            machine.search(options.seed or 0, options.seconds, lambda _: None)
        else:
            self._drawn_by_hypothesis(machine)
        return machine.run

    def _drawn_by_hypothesis(self, machine: ConcurrentMachine) -> None:
        """Draw as many programs as Hypothesis is set to; its database remembers what fails."""

        def attempt(program: Program) -> None:
            machine.attempt(program)

        # By this name Hypothesis' database knows it again.
        name = f"{self.model.__module__}.{self.model.__qualname__}.{self._testMethodName}"
        attempt.__name__ = re.sub(r"\W", "_", name)
        test = hypothesis.settings(
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(hypothesis.HealthCheck),
        )(hypothesis.given(programs(self.model, threads=options.threads))(attempt))
        if options.seed is not None:
            test = hypothesis.seed(options.seed)(test)
        try:
            test()
        except FailsError:
            machine.shrink()

    def _settle(self, done: RunSummary) -> None:
        """Fail with the first failure, skip what proves nothing, and else pass."""
        __tracebackhide__ = True
        if done.failures:
            self._fail({"engine": done.engine} | done.failures[0])
        if done.interrupted:
            raise KeyboardInterrupt
        if done.doubts:
            self.skipTest(f"UNKNOWN: {done.doubts[0]}")

    def _fail(self, failure: dict[str, Any]) -> None:
        """Save a failure, and fail with its report."""
        __tracebackhide__ = True
        origin = {
            "model": registry.saved_name(self.model) or self.model.__name__,
            "interpreter": Host.of_this_process().interpreter,
            "options": {},
        }
        saved = completed(origin | failure)
        report = io.StringIO()
        console = Console(file=report, width=100)
        try:
            path: Path | None = failures.save(saved, FAILURES)
        except failures.OutputError as error:  # a failure that cannot be saved is a failure
            path = None
            console.print(str(error))
        text.show_failure(saved, path, console)
        raise self.failureException(report.getvalue().rstrip())


def test_case(model: type[Model[Any]]) -> type[ModelTestCase]:
    """Return the tests of `model`."""
    return type(f"Test{model.__name__}", (ModelTestCase,), {"model": model, "__test__": True})
