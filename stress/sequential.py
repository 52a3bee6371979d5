"""Runs a model's Hypothesis state machine, one thread, round after round until the time is up.

Hypothesis is asked for rounds of `ROUND` examples with seeds that follow from the run's own, so a
run is as reproducible as its seed and stops close to its time.  What fails comes back shrunk.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import hypothesis
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from stress.machines import StandsStill, ending
from stress.verdict import NoVerdictError

ROUND: Final = 100
ONCE: Final = "\n  It did not happen again: the subject remembers earlier runs, or takes chances."
"""What is said of a failure that Hypothesis could not repeat."""

SETTINGS: Final = hypothesis.settings(
    max_examples=ROUND,
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize=False,
    print_blob=False,
    report_multiple_bugs=False,  # they would come in a group, which nobody catches
    phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],  # explaining takes ten times both
    suppress_health_check=list(hypothesis.HealthCheck),
)


@dataclass(slots=True)
class SequentialRun:
    """What the state machine came to, so far or in all."""

    seconds: float = 0.0
    examples: int = 0
    """How many runs of the machine, those of shrinking included."""
    failure: dict[str, Any] | None = None
    """The shrunk failing run, as the machine left it."""
    interrupted: bool = False


def run(
    machine: type[RuleBasedStateMachine],
    seconds: float,
    seed: int,
    watch: Callable[[SequentialRun], None],
    *,
    shrink: bool = True,
) -> SequentialRun:
    """Run rounds until `seconds` are over or one fails; call `watch` after each."""
    outcome = SequentialRun()
    start = time.monotonic()
    number = 0
    try:
        while outcome.seconds < seconds and outcome.failure is None:
            outcome.failure = round_of(machine, seed + number, outcome, shrink=shrink)
            number += 1
            outcome.seconds = time.monotonic() - start
            watch(outcome)
    except KeyboardInterrupt:
        outcome.interrupted = True
    outcome.seconds = time.monotonic() - start
    return outcome


def round_of(
    machine: type[RuleBasedStateMachine],
    seed: int,
    outcome: SequentialRun,
    examples: int = ROUND,
    *,
    shrink: bool,
) -> dict[str, Any] | None:
    """Run one round, count its examples, and return the failure, if there is one."""
    counted = _counted(machine)
    counted.outcome, counted.last_failure = outcome, None
    phases = SETTINGS.phases if shrink else [hypothesis.Phase.generate]
    settings = hypothesis.settings(SETTINGS, phases=phases, max_examples=examples)
    hypothesis.seed(seed)(counted)
    try:
        with ending():
            run_state_machine_as_test(counted, settings=settings)
    except NoVerdictError:
        raise
    except (Exception, StandsStill) as error:  # noqa: BLE001  (what it is, is asked)
        return _failure(counted, error)
    return None


@functools.cache
def _counted(machine: type[RuleBasedStateMachine]) -> Any:
    """Return `machine`, counting its runs: always the same class, as Hypothesis forgets none."""

    class Counted(machine):  # type: ignore[misc,valid-type]
        outcome: ClassVar[SequentialRun]

        def __init__(self) -> None:
            self.outcome.examples += 1
            super().__init__()

    Counted.__name__ = machine.__name__
    return Counted


def _failure(machine: Any, error: BaseException) -> dict[str, Any]:
    """Return the failure that `machine` left when it ended with `error`.

    NoVerdictError where it left none: then it was not the subject that failed.
    """
    flaky = isinstance(error, hypothesis.errors.Flaky)
    failure: dict[str, Any] | None = machine.last_failure
    if failure is not None:
        return failure | {"message": failure["message"] + ONCE} if flaky else failure
    if flaky:
        raise NoVerdictError(
            f"{machine.__name__} fails, and not when it does the same again: {error}.\n"
            f"  Make all it uses anew in each run."
        ) from error
    raise NoVerdictError(
        f"{machine.__name__} cannot draw its calls: {type(error).__name__}: {error}.\n"
        f"  One of the model's strategies seldom fits, or fails.  Try their .example()."
    ) from error
