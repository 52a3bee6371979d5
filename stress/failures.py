"""Failures as files: saved whole or not at all, named by their content, read back with suspicion.

>>> import tempfile
>>> failure = {"kind": "hang", "model": "registrar", "engine": "threads", "violations": []}
>>> with tempfile.TemporaryDirectory() as folder:
...     path = save(failure, Path(folder))
...     load(path)["model"]
'registrar'

A file holds JSON and is only ever read as data: no code, no pickle, no path of the machine that
wrote it.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1
LARGEST: Final = 64 << 20
"""Bytes of the largest file that is read: a failure is small, and a file may be a stranger's."""


class OutputError(OSError):
    """What should be saved could not be; the old content of the folder is as it was."""


class FailureFileError(ValueError):
    """The file is not a saved failure."""


def save(failure: Mapping[str, Any], folder: Path) -> Path:
    """Save `failure` in `folder` under a name made from its content, and return its path."""
    text = json.dumps({"format": FORMAT, **failure}, indent=1)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
    write(path, text)
    return path


def write(path: Path, text: str) -> None:
    """Put `text` in place of the file at `path` in one step; OutputError where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".saving-")
        try:
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123  (a descriptor)
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise OutputError(
            f"cannot write {path.name} in {path.parent}: {error.strerror or error}.\n"
            f"  Nothing was left half written.  Free some space or give another folder with --out."
        ) from error


def check_writable(folder: Path) -> None:
    """Raise OutputError now, before a run, if nothing could be saved in `folder` after it."""
    probe = folder / ".writable"
    write(probe, " " * 4096)  # an empty file fits on a full disk
    probe.unlink(missing_ok=True)  # another run may use the folder, too


def load(path: Path) -> dict[str, Any]:
    """Return the failure in the file at `path`; FailureFileError, saying why, if it is none."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _not_a_failure(path, error.strerror or str(error)) from error
    if len(content) > LARGEST:
        raise _not_a_failure(path, f"it is larger than {LARGEST >> 20} MiB")
    try:
        saved = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _not_a_failure(path, f"it is not JSON ({error})") from error
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise _not_a_failure(path, f"it has no field format with the value {FORMAT}")
    missing = {"kind", "model", "engine", "violations"} - saved.keys()
    if missing:
        raise _not_a_failure(path, f"it has no field {', '.join(sorted(missing))}")
    return saved


def _not_a_failure(path: Path, why: str) -> FailureFileError:
    return FailureFileError(
        f"{path} is not a saved failure: {why}.\n"
        f"  `stress run` saves them in its output folder, under failures/."
    )
