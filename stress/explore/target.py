"""How a scenario is named in a saved failure, and found again by that name.

    tests/test_queue.py::test_hand_over             a function in a file
    tests/test_queue.py::test_sizes[{"size": 2}]    the same, with the arguments of the test
    registrar:no-recheck/overlap                    a scenario that a model offers

A file is named from the current directory and has to lie below it: a saved failure may be a
stranger's, and replaying it must not run what the reader does not have in front of him.
"""

import functools
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from stress import registry

_FILE: Final = re.compile(r"(?P<file>.+?\.py)::(?P<name>[\w.]+)(?:\[(?P<arguments>\{.*\})\])?")


class TargetError(ValueError):
    """No scenario is found under a name."""


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


def find(target: str) -> Callable[[Any], Any]:
    """Return the scenario that is named `target`; TargetError, saying why, if there is none."""
    if not target:
        raise TargetError(
            "the failure does not say where its scenario is: it was defined inside another "
            "function, or took arguments that cannot be saved.\n"
            "  Run the test that found it again."
        )
    if "::" in target:
        return _in_file(target)
    model, _, program = target.partition("/")
    offered: Mapping[str, Any] = getattr(registry.find(model), "scenarios", dict)()
    if program not in offered:
        raise TargetError(
            f"model {model!r} has no scenario {program!r}.  It has: {', '.join(offered) or 'none'}."
            f"\n  It was renamed or removed since the failure was saved.  Explore the model again."
        )
    found: Callable[[Any], Any] = offered[program]
    return found


def _in_file(target: str) -> Callable[[Any], Any]:
    match = _FILE.fullmatch(target)
    if match is None:
        raise TargetError(f"{target!r} names no scenario, as tests/test_queue.py::test_pop does.")
    path = Path(match["file"])
    if path.is_absolute() or ".." in path.parts:
        raise TargetError(
            f"{path} is not below the current directory, so it is not run.\n"
            f"  Go to the folder that the failure was saved from, and replay it there."
        )
    if not path.is_file():
        raise TargetError(
            f"{path} is not there, which has the scenario {match['name']}.\n"
            f"  Go to the folder that the failure was saved from; or, if the file was moved, "
            f"explore the scenario again."
        )
    found: Any = _loaded(path)
    owner: tuple[Any, ...] = ()
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


def _loaded(path: Path) -> ModuleType:
    """Import the file at `path`, which may import its neighbours."""
    name = f"stress_replayed_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.absolute())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.path[:]
    sys.path += [str(Path.cwd()), str(path.absolute().parent)]
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise TargetError(
            f"{path} cannot be imported: {type(error).__name__}: {error}.\n"
            f"  Mend that first; then replay the failure again."
        ) from error
    finally:
        sys.path[:] = before
    return module


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
