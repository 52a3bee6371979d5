"""A scenario in a file that races, and its saved failure."""

from pathlib import Path
from typing import Final

from stress import failures
from stress.evidence import completed
from stress.explore.record import as_json, report_of
from stress.explore.scenario import ScenarioTask, explored
from stress.explore.target import find

CODE: Final = """
import time
from registrar.sync import ACQUIRE, RELAXED, RELEASE

def scenario(sync):
    data, ready = sync.cell(0), sync.word()

    def writer():
        written = 42
        data.write(written)
        ready.store(1, RELAXED)

    def reader():
        flag = ready.load(ACQUIRE)
        if flag:
            data.read()

    return writer, reader
"""
TARGET: Final = "test_it.py::scenario"


def write(code: str = CODE) -> None:
    """Write the scenario, or another, to the current directory."""
    Path("test_it.py").write_text(code, encoding="utf-8")


def saved_race() -> Path:
    """Return the saved failure of the scenario in the current directory."""
    task = ScenarioTask(find(TARGET))
    found = explored(task.scenario)
    trace = report_of(task, found, TARGET)
    return failures.save(completed(as_json(task, found, trace, TARGET)), Path("out"))
