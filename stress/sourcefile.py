"""A Python file below the current directory, imported for what it defines.

A saved failure may be a stranger's, and replaying it must not run what the reader does not have in
front of him: so a file is named from the current directory, and lies below it.
"""

import importlib.util
import sys
import zlib
from importlib.abc import SourceLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Final

SOURCE: Final = "stress_source"
"""The attribute of a module that was imported here which remembers what was in its file."""


class TargetError(ValueError):
    """Nothing of the wanted kind is found under a name."""


def imported(name: str, wanted: str) -> ModuleType:
    """Import the file called `name`, in which `wanted` is looked for.

    TargetError if it is not there, is not below the current directory, or cannot be imported.
    """
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise TargetError(
            f"{path} is not below the current directory, so it is not run.\n"
            f"  Go to a folder above it and name it from there; a failure is replayed where it was "
            f"saved."
        )
    if not path.is_file():
        raise TargetError(
            f"{path} is not there, which has {wanted}.\n"
            f"  It is named from the current directory; a failure is replayed where it was saved."
        )
    return _loaded(path)


def attribute[T](target: str, kind: type[T]) -> type[T]:
    """Return the class, derived from `kind`, that is named like ``tests/test_queue.py::Queue``."""
    file, _, name = target.partition("::")
    found: Any = imported(file, f"the {kind.__name__.lower()} {name}")
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, kind):
        return found
    raise TargetError(
        f"{file} has no {kind.__name__.lower()} {name}.\n"
        f"  It was renamed or removed, or is defined inside a function."
    )


def _loaded(path: Path) -> ModuleType:
    """Import the file at `path`, which may import its neighbours."""
    name = f"stress_replayed_{path.stem}_{zlib.crc32(bytes(path.absolute())):08x}"
    source = path.read_bytes()
    for known in list(sys.modules.values()):
        if getattr(known, "__file__", None) == str(path.absolute()) and (
            known.__name__ != name or known.__dict__.get(SOURCE) == source
        ):
            return known  # unless it was imported here, and changed since
    spec = importlib.util.spec_from_file_location(name, path.absolute())
    if spec is None or not isinstance(spec.loader, SourceLoader):
        raise TargetError(
            f"{path} is no Python file.\n  Name one:  tests/test_queue.py::QueueModel"
        )
    module = importlib.util.module_from_spec(spec)
    setattr(module, SOURCE, source)
    before = sys.path[:]
    sys.path[:0] = [str(path.absolute().parent), str(Path.cwd())]
    sys.modules[name] = module
    try:
        # Not the loader's own way: it may find bytecode of what was there in the same second.
        exec(spec.loader.source_to_code(source, str(path.absolute())), module.__dict__)  # noqa: S102
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TargetError(
            f"{path} cannot be imported: {type(error).__name__}: {error}\n"
            f"  Mend that first; then try again."
        ) from error
    finally:
        sys.path[:] = before
    return module
