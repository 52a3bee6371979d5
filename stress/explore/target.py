"""How a scenario is named in a saved failure, and found again by that name.

    tests/test_queue.py::test_hand_over             a function in a file
    tests/test_queue.py::test_sizes[{"size": 2}]    the same, with the arguments of the test
    registrar:no-recheck/overlap                    a scenario that a model offers
    registrar:no-recheck/{"prefix": [], ...}        a program that was drawn for a model

A file is named from the current directory and has to lie below it: a saved failure may be a
stranger's, and replaying it must not run what the reader does not have in front of him.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stress import registry
from stress.drawing import drawn
from stress.explore.exploration import Bounds
from stress.explore.performance import Performance
from stress.explore.scenario import Scenario, explored
from stress.model import Model
from stress.program import Program
from stress.sourcefile import TargetError, imported

PROGRAMS: Final = 60
"""Programs that are drawn for a model that offers none."""
MOST: Final = 60
"""Executions of such a program."""
_FILE: Final = re.compile(r"(?P<file>.+?\.py)::(?P<name>[\w.]+)(?:\[(?P<arguments>\{.*\})\])?")


def target_of(function: Callable[..., Any], arguments: Mapping[str, Any] | None = None) -> str:
    """Return the name of the scenario `function`, or "" if it could not be found again by one.

    `arguments` are those it takes besides its `Sync`.
    """
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", "<locals>")
    path = Path(code.co_filename if code else "<none>")
    if "<" in name or not path.is_relative_to(Path.cwd()):
        return ""
    target = f"{path.relative_to(Path.cwd()).as_posix()}::{name}"
    if not arguments:
        return target
    try:
        text = json.dumps(dict(arguments))
    except (TypeError, ValueError):
        return ""
    return f"{target}[{text}]" if json.loads(text) == arguments else ""


def _is_model(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Model)


def scenarios_of(target: str) -> Mapping[str, Scenario]:
    """Return the scenarios of a model called `target`, or the one scenario that it names.

    A model without programs drawn by hand gets some that are drawn now, small enough to visit all
    of their executions many times.
    """
    file, colons, rest = target.rpartition("::")
    if "/" in rest or (colons and not _is_model(_named_in(file, rest))):
        return {target: find(target)}
    subject = registry.find(target)
    offered = subject.scenarios()
    if offered or not isinstance(subject, registry.ModelSubject):
        return offered
    return _small(subject.model)


def _named_in(file: str, name: str) -> object:
    return getattr(imported(file, name), name.partition(":")[0], None)


def _small(model: type[Model[Any]]) -> dict[str, Performance]:
    """Return programs of `model` that have few executions."""
    found: dict[str, Performance] = {}
    bounds = Bounds(executions=MOST + 1)
    for program in drawn(model, 0, PROGRAMS, model.most_threads):
        scenario = Performance(model, program)
        if str(program) not in found and 1 < explored(scenario, bounds=bounds).executions <= MOST:
            found[str(program)] = scenario
    return found


def program_target(name: str, model: type[Model[Any]], program: Program) -> str:
    """Return the name of `program` on the model called `name`, by which `find` finds it."""
    return f"{name}/{json.dumps(program.to_json(model))}"


def model_in(target: str) -> str:
    """Return the model that `target` is a scenario of; of one that is of no model, itself.

    >>> model_in("registrar:no-recheck/overlap"), model_in("tests/test_queue.py::test_pop")
    ('registrar:no-recheck', 'tests/test_queue.py::test_pop')
    """
    model, slash, _ = target.partition("/{")
    if slash:
        return model
    file, colons, rest = target.rpartition("::")
    return file + colons + rest.partition("/")[0]


def find(target: str) -> Callable[[Any], Any]:
    """Return the scenario that is named `target`; TargetError, saying why, if there is none."""
    if not target:
        raise TargetError(
            "the failure does not say where its scenario is: it was defined inside another "
            "function, or took arguments that cannot be saved.\n"
            "  Run the test that found it again."
        )
    model, slash, program = target.partition("/{")
    if slash:
        return _performance(model, "{" + program)
    file, colons, rest = target.rpartition("::")
    if colons and "/" not in rest:
        return _in_file(target)
    model, _, program = rest.partition("/")
    model = file + colons + model
    offered: Mapping[str, Any] = getattr(registry.find(model), "scenarios", dict)()
    if program not in offered:
        raise TargetError(
            f"model {model!r} has no scenario {program!r}.  It has: {', '.join(offered) or 'none'}."
            f"\n  If a saved failure names it, it is gone since then: explore the model again."
        )
    found: Callable[[Any], Any] = offered[program]
    return found


def _performance(name: str, program: str) -> Performance:
    """Return the program that is written out, on the model called `name`."""
    model = registry.model_of(name)
    try:
        saved = json.loads(program)
    except (ValueError, RecursionError) as error:
        raise TargetError(
            f"the program of {name} is damaged: {error}.\n  Save it again."
        ) from error
    return Performance(model, Program.from_json(model, saved))


def _in_file(target: str) -> Callable[[Any], Any]:
    match = _FILE.fullmatch(target)
    if match is None:
        raise TargetError(f"{target!r} names no scenario, as tests/test_queue.py::test_pop does.")
    path = match["file"]
    found: Any = imported(path, f"the scenario {match['name']}")
    owner: tuple[Any, ...] = ()
    if _is_model(getattr(found, match["name"], None)):
        raise TargetError(
            f"{target} is a model, not a scenario of one.\n"
            f"  `stress run {target} --engine explore` explores it.  Programs drawn by hand, if it "
            f"offers any, are named {target}/PROGRAM."
        )
    for name in match["name"].split("."):
        found = getattr(found, name, None)
        if isinstance(found, type):  # a class of tests
            found = found()
            owner = (found,)
    if not callable(found):
        raise TargetError(
            f"{path} has no function {match['name']}.\n"
            f"  It was renamed or removed since the failure was saved.  Explore the scenario again."
        )
    arguments = json.loads(match["arguments"] or "{}")
    if hasattr(found, "scenario"):  # a test made by @explore
        return functools.partial(_with_sync, found.scenario, owner, arguments)
    return functools.partial(found, **arguments) if arguments else found


def _with_sync(
    function: Callable[..., Any], owner: tuple[Any, ...], arguments: dict[str, Any], sync: Any
) -> Any:
    return function(*owner, sync=sync, **arguments)


@dataclass(frozen=True)
class NamedScenario:
    """The scenario that is named `target`: other processes find it by its name, too."""

    target: str

    def __call__(self, sync: Any) -> Any:
        """Do what the scenario does."""
        return _found(self.target)(sync)

    @property
    def __name__(self) -> str:
        return self.target


@functools.cache
def _found(target: str) -> Callable[[Any], Any]:
    return find(target)
