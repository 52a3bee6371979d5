"""`explore`: a test function of a `Sync`, explored whenever it is called.

>>> from registrar.sync import ACQUIRE, RELEASE
>>> @explore(memory="rc11", expect_executions=2)
... def test_message_passing(sync):
...     data, ready = sync.cell(0), sync.word(0)
...
...     def writer():
...         data.write(42)
...         ready.store(1, RELEASE)
...
...     def reader():
...         if ready.load(ACQUIRE):
...             assert data.read() == 42
...
...     return writer, reader
>>> test_message_passing()

It needs no plug-in: pytest, or anything else that calls functions, runs it like any other test.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stress.explore import memory as memories
from stress.explore.exploration import Bounds, Exploration
from stress.explore.explorer import SAMPLES, Search
from stress.explore.scenario import Scenario, ScenarioTask, explored
from stress.verdict import Verdict

FAILURES: Final = Path(".stress/failures")
"""Where the execution that fails a test is saved, below the current directory."""


class ExplorationError(AssertionError):
    """A scenario failed, or was not explored as far as its test promises."""


@dataclass(frozen=True)
class Options:
    """What a test was decorated with."""

    memory: str
    search: Search
    bounds: Bounds
    spurious: int
    expect_executions: int | None


def explore(  # noqa: PLR0913  (one parameter an option)
    *,
    memory: str = "rc11",
    search: str = "exhaustive",
    seed: int = 0,
    executions: int | None = None,
    seconds: float | None = None,
    steps: int = Bounds.steps,
    spurious: int = 0,
    expect_executions: int | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Make a test of a function of a `Sync` (see `stress.explore.scenario`).

    `memory` is sc, tso or rc11.  `search` is exhaustive, or random or pct, which draw `executions`
    executions with the random numbers of `seed`.  `executions`, `seconds` and `steps` (of one
    thread) bound an exhaustive search, and the test fails as UNKNOWN if they do.
    `expect_executions` is how many there must be, all told.  Other parameters of the function are
    parameters of the test, fixtures for example.

    The test raises ExplorationError where an execution fails; ValueError for a wrong option.
    """
    memories.by_name(memory)
    options = Options(
        memory,
        Search(search, seed),
        Bounds(executions, seconds, steps),
        spurious,
        expect_executions,
    )
    if expect_executions is not None and search != "exhaustive":
        raise ValueError(
            f"expect_executions with search {search!r}: only an exhaustive search counts.\n"
            f"  Leave one of them out."
        )

    def decorate(function: Callable[..., Any]) -> Callable[..., None]:
        signature = inspect.signature(function)
        if "sync" not in signature.parameters:
            raise TypeError(
                f"{function.__name__} has no parameter sync.\n"
                f"  An explored test is a function of the Sync it makes its words with."
            )

        @functools.wraps(function)
        def test(*arguments: Any, **others: Any) -> None:
            __tracebackhide__ = True
            check(function, arguments, others, options)

        others = [each for each in signature.parameters.values() if each.name != "sync"]
        test.__dict__.update(
            __signature__=signature.replace(parameters=others, return_annotation=None),
            scenario=function,
            options=options,
        )
        return test

    return decorate


def _with_sync(
    function: Callable[..., Any], arguments: tuple[Any, ...], others: dict[str, Any], sync: Any
) -> Any:
    return function(*arguments, sync=sync, **others)


def check(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    others: dict[str, Any],
    options: Options,
) -> None:
    """Explore `function`; ExplorationError if it fails, or was not explored as far as promised."""
    __tracebackhide__ = True
    scenario = functools.partial(_with_sync, function, arguments, others)
    found = explored(
        scenario,
        memory=options.memory,
        bounds=options.bounds,
        spurious=options.spurious,
        search=options.search,
    )
    if found.failure is not None:
        raise ExplorationError(_report(scenario, function, arguments, others, found, options))
    if found.interrupted:
        raise KeyboardInterrupt
    if found.verdict is Verdict.UNKNOWN:
        raise ExplorationError(_unknown(function.__name__, found, options))
    expected = options.expect_executions
    if expected is not None and found.executions != expected:
        raise ExplorationError(
            f"{function.__name__} has {found.executions:,} executions under {options.memory}, not "
            f"{expected:,}.\n  Either the program has changed, or what was expected is wrong."
        )


def _report(  # noqa: PLR0913, PLR0917  (all there is to tell)
    scenario: Scenario,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    others: dict[str, Any],
    found: Exploration,
    options: Options,
) -> str:
    """Save what failed, and return what to say of it."""
    # Imported here because a process that only explores starts twice as fast without.
    from stress import failures  # noqa: PLC0415
    from stress.evidence import completed  # noqa: PLC0415
    from stress.explore.record import as_json, report_of  # noqa: PLC0415
    from stress.explore.target import target_of  # noqa: PLC0415
    from stress.report.telling import told  # noqa: PLC0415
    from stress.report.written import written  # noqa: PLC0415

    target = target_of(function, others) if len(arguments) < 2 else ""  # noqa: PLR2004  (self)
    task = ScenarioTask(scenario, options.memory, options.bounds.steps, options.spurious)
    failure = completed(as_json(task, found, report_of(task, found, target), target))
    try:
        path = failures.save(failure, FAILURES)
    except failures.OutputError as error:  # a failure that cannot be saved is a failure
        return f"{written(told(failure, None))}\n{error}"
    return written(told(failure, path))


def _unknown(name: str, found: Exploration, options: Options) -> str:
    if found.cut:
        why = f"in {found.cut:,} a thread took {options.bounds.steps:,} steps and was going on"
        advice = "It is probably spinning: put sync.pause() in the loop.  Or allow more steps."
    else:
        why = "it met its bound"
        advice = f"Allow more, or draw some executions: search='random' draws {SAMPLES:,}."
    return (
        f"UNKNOWN: {name} was not explored to its end: {why}.\n"
        f"  No execution failed of {found.executions:,} under {options.memory}, in "
        f"{found.seconds:.1f} s.\n  {advice}"
    )
