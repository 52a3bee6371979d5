"""The pytest plug-in: engines as markers, and options for the tests that models become.

    pytest -m explore                     the explorer only
    pytest -m "threads or concurrent"     real threads only
    pytest --stress-time 30s              each test goes on for so long

It is imported by every pytest that finds this package installed, so it imports nothing itself
until a test of a model is there.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

ENGINES: Final = {
    "sequential": "a model's state machine, one thread",
    "threads": "real threads on real cores; the system schedules, so outcomes are counted",
    "concurrent": "a model's drawn programs on real threads",
    "explore": "a model's drawn programs in the explorer, in every execution",
}


@dataclass
class Options:
    """What the command line says of the tests of models."""

    seconds: float | None = None
    """How long each goes on; None: as many examples as Hypothesis is set to."""
    threads: int | None = None
    seed: int | None = None
    executions: int | None = None
    """How many executions of a program are visited at most; None: the explorer's own bound."""


options = Options()


def pytest_addoption(parser: "pytest.Parser") -> None:
    """Add the options."""
    group = parser.getgroup("stress", "concurrent programs (registrar-stress)")
    group.addoption(
        "--stress-time", metavar="DURATION", help="let each test of a model go on for 30, 90s, 10m"
    )
    group.addoption("--stress-threads", metavar="N", type=int, help="threads of a program")
    group.addoption("--stress-seed", metavar="N", type=int, help="what to draw programs from")
    group.addoption(
        "--stress-executions",
        metavar="N",
        type=int,
        help="executions of a program that are visited at most",
    )


def pytest_configure(config: "pytest.Config") -> None:
    """Name the markers, and read the options."""
    for name, meaning in ENGINES.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    time = config.getoption("--stress-time")
    options.seconds = _seconds(time) if time else None
    options.threads = _positive(config, "--stress-threads")
    options.seed = config.getoption("--stress-seed")
    options.executions = _positive(config, "--stress-executions")


def pytest_collection_modifyitems(items: "list[pytest.Item]") -> None:
    """Mark the tests that models became with their engines."""
    testcase = sys.modules.get("stress.testcase")
    if testcase is None:
        return
    for item in items:
        owner = getattr(item, "cls", None)
        engine = item.name.removeprefix("test_")
        if engine in ENGINES and owner is not None and issubclass(owner, testcase.ModelTestCase):
            item.add_marker(engine)


def _seconds(spelled: str) -> float:
    import click  # noqa: PLC0415  (see above)
    import pytest  # noqa: PLC0415

    from stress.duration import Duration  # noqa: PLC0415

    try:
        return float(Duration().convert(spelled, None, None))
    except click.UsageError as error:
        raise pytest.UsageError(f"--stress-time: {error.message}") from error


def _positive(config: "pytest.Config", name: str) -> int | None:
    import pytest  # noqa: PLC0415  (see above)

    value: int | None = config.getoption(name)
    if value is not None and value < 1:
        raise pytest.UsageError(f"{name} {value}: give 1 or more.")
    return value
