"""Where a failure comes from: which version, interpreter and sources; and what has changed since.

A failure is replayed on what is installed now.  Where that is not what it was found on, the replay
goes on, and says what has changed, for it may explain what comes of it.

Sources are named as modules are (``registrar/bitmap.py``), or as seen from the current directory;
no file says where on a machine they were.
"""

import hashlib
import importlib.metadata
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stress import registry
from stress.explore.naming import relative
from stress.host import Host

PRODUCT: Final = "registrar-stress"
LARGEST: Final = 16 << 20
"""Bytes of the largest source that is read."""
OWN: Final = ("stress", "registrar.sync")
"""Modules of the product that its version stands for."""


def version() -> str:
    """Return the version of the product; "" where it is not installed."""
    try:
        return importlib.metadata.version(PRODUCT)
    except importlib.metadata.PackageNotFoundError:
        return ""


def sources_of(failure: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of the sources that `failure` is of, by name: SHA-256 in hexadecimal.

    Those are the modules of the model, of its subject and of their bases, and each file that a
    step of the trace stands in.
    """
    known = {name: file for name, file in _modules().items() if file is not None}
    wanted = {module for module in _of_model(failure.get("model", "")) if module in known}
    files = {named(module, known[module]): known[module] for module in wanted}
    stands = _files_of(failure)
    tops = {module.partition(".")[0] for module in wanted}
    for module, file in known.items():
        foreign = "site-packages" in file.parts and module.partition(".")[0] not in tops
        if relative(str(file)) in stands and not foreign:
            files[named(module, file)] = file
    for name in stands - {relative(str(file)) for file in known.values()}:
        files[name] = Path(name)
    found = {name: digest(file) for name, file in sorted(files.items())}
    return {name: each for name, each in found.items() if each}


def changes(failure: Mapping[str, Any]) -> list[str]:
    """Return what is not as it was when `failure` was saved, a sentence each.

    Its model is imported for that, so it has to be one that the reader trusts.
    """
    list(_of_model(failure["model"]))  # which loads the sources that are asked for
    found = []
    saved, now = failure.get("version"), version()
    if saved and saved != now:
        found.append(f"saved by {PRODUCT} {saved}, this is {now or 'not installed'}")
    saved, now = failure.get("interpreter"), Host.of_this_process().interpreter
    if saved and saved != now:
        short = saved.partition(" (")[0], now.partition(" (")[0]
        before, after = short if short[0] != short[1] else (saved, now)
        found.append(f"saved with {before}, replayed with {after}")
    for name, before in sorted(failure.get("sources", {}).items()):
        after = current_digest(name)
        if not after:
            found.append(f"{name}, which it ran, is not there any more")
        elif after != before:
            found.append(f"{name} has changed since this was saved")
    return found


def current_digest(name: str) -> str:
    """Return the digest of the source called `name` as it is now; "" where there is none.

    Nothing is imported: it is a loaded module, or a file below the current directory.
    """
    for module, file in _modules().items():
        if file is not None and named(module, file) == name:
            return digest(file)
    path = Path(name)
    return "" if path.is_absolute() or ".." in path.parts else digest(path)


def digest(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; "" where there is no such file."""
    try:
        if not file.is_file() or file.stat().st_size > LARGEST:
            return ""
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return ""


def named(module: str, file: Path) -> str:
    """Return what a source is called: as seen from here if it is below, else as its module."""
    if file.is_relative_to(Path.cwd()):
        return file.relative_to(Path.cwd()).as_posix()
    parts = module.split(".")
    if file.stem == "__init__":
        parts.append("__init__")
    return "/".join(parts) + ".py"


def _modules() -> dict[str, Path | None]:
    """Return the file of each loaded module that is neither Python's nor the harness's."""
    found: dict[str, Path | None] = {}
    library = Path(sysconfig.get_path("stdlib"))
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py") or name == "__main__":
            continue
        if any(name == own or name.startswith(f"{own}.") for own in OWN):
            continue
        path = Path(file)
        if path.is_relative_to(library) and "site-packages" not in path.parts:
            continue
        found[name] = path
    return found


def _of_model(name: str) -> Iterator[str]:
    """Yield the modules of the model called `name`, of its subject, and of their bases."""
    try:
        model = registry.model_of(name)
    except (LookupError, ValueError):
        return
    subject: Any = getattr(model, "subject", None)
    for made in (*model.__mro__, *getattr(subject, "__mro__", (subject,))):
        yield getattr(made, "__module__", "")


def _files_of(failure: Mapping[str, Any]) -> set[str]:
    """Return the files that steps of the trace stand in, and those of target and model."""
    steps = failure.get("trace", {}).get("steps", [])
    found = {step["where"].rpartition(":")[0] for step in steps}
    found |= {file_in(str(failure.get(field, ""))) for field in ("target", "model")}
    return found - {""}


def file_in(target: str) -> str:
    """Return the file that a scenario or a model is named by, or "".

    >>> file_in("tests/test_queue.py::test_pop"), file_in("registrar:no-recheck/overlap")
    ('tests/test_queue.py', '')
    """
    name, colons, _ = target.partition("::")
    return name if colons and name.endswith(".py") else ""
