"""The steps of a trace in words, however they are arranged on the page."""

from pathlib import PurePosixPath
from typing import Final

from stress.explore.trace import Trace, TraceStep
from stress.report.page import Spelling

LONGEST_NAME: Final = 28
LONGEST_PLACE: Final = 40
LONGEST_THREAD: Final = 24

type Cell = tuple[str, str, str]
"""A step in three parts: where, what, in which memory order; a plain access has marks there."""


def spelled_steps(trace: Trace, spell: Spelling) -> list[Cell]:
    """Return every step in three parts."""
    found = []
    for step in trace.steps:
        where, what, order = map(spell, _cell(step))
        found.append((where, what, order))
    return found


def aligned(cells: list[Cell]) -> list[str]:
    """Return each cell in one line; their parts begin in the same columns.

    >>> aligned([("data", "← 42", ""), ("ready", "→ 1", "acquire")])
    ['data  ← 42', 'ready → 1   acquire']
    """
    one, two = (max((len(cell[at]) for cell in cells), default=0) for at in (0, 1))
    return [f"{where:<{one}} {what:<{two}}  {order}".rstrip() for where, what, order in cells]


def _cell(step: TraceStep) -> Cell:
    name = step.location
    if len(name) > LONGEST_NAME:
        name = f"…{name[1 - LONGEST_NAME :]}"
    marks = {
        "spurious": step.wanted != "" and step.wanted == step.old,
        "overtaken" if step.operation == "store" else "stale": step.stale,
        "race": step.race,
    }
    words = "  ".join(word for word, is_so in marks.items() if is_so)
    mark, order = (f"  {words}" * bool(words), step.order) if step.order else ("", words)
    unequal = f" ≠ {step.wanted}" if step.wanted != step.old else ""
    accesses = {
        "load": f"→ {step.old}",
        "store": f"← {step.new}",
        "create": f"← {step.new}  new",
        "update": f"{step.old} → {step.new}",
        "compare-exchange": f"{step.old} → {step.new}",
        "failed compare-exchange": f"→ {step.old}{unequal}",
    }
    if step.operation in accesses:
        return name, f"{accesses[step.operation]}{mark}", order
    others = {
        "notify": ("notify", f"{name} → {step.new}"),
        "wait": ("unlock", f"{name} to wait"),
        "relock": ("lock", f"{name} again"),
        "spurious wake-up": ("woken", "by nobody"),
    }
    return *others.get(step.operation, (step.operation, name)), step.order


def is_drawn(trace: Trace, step: TraceStep) -> bool:
    """Return whether what `step` reads or follows is worth an arrow.

    It is for atomic accesses, locks and wake-ups, and from one thread to another.
    """
    if not step.reads or step.thread in trace.outside:
        return False
    source = trace.steps[step.reads - 1]
    if source.thread == step.thread or source.thread in trace.outside:
        return False
    return bool(step.order) or step.operation not in ("load", "store")


def places(trace: Trace) -> dict[str, str]:
    """Return how each source place is shown: without its folders where that says enough."""
    wheres = _wheres(trace)
    files = {where.rpartition(":")[0] for where in wheres}
    names = [PurePosixPath(file).name for file in files]
    found = {"": ""}
    for where in wheres:
        file, _, line = where.rpartition(":")
        name = PurePosixPath(file).name
        place = f"{name if names.count(name) == 1 else file}:{line}"
        found[where] = place if len(place) <= LONGEST_PLACE else f"…{place[1 - LONGEST_PLACE :]}"
    return found


def only_file(trace: Trace) -> str:
    """Return the file that all steps are in, or "" if there are several."""
    files = {where.rpartition(":")[0] for where in _wheres(trace)}
    return files.pop() if len(files) == 1 else ""


def _wheres(trace: Trace) -> set[str]:
    return ({step.where for step in trace.steps} | {end.where for end in trace.ends}) - {""}
