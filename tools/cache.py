"""The folder outside every checkout where the set-up keeps what it makes once.

Everything in it appears whole or not at all: it is built in a folder beside its place, then
put there by one rename.  One lock guards the building.  Child processes inherit that lock, so
it outlives a killed set-up for as long as anything it started may still be writing; whoever
takes the lock next may therefore delete every unfinished folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from messages import SetupError, say

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
UNFINISHED = "unfinished-"


@functools.cache
def folder() -> Path:
    """Return the cache folder, made if need be: the first candidate that can be written to."""
    places = list(candidates())
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=place).close()
        except OSError:
            continue
        return place
    raise SetupError(
        "There is no cache folder: " + ", ".join(map(str, places)) + " cannot be written to.",
        "The interpreter and the downloads are kept in one, made once for all checkouts.",
        "Name a folder that can be written to:  STRESS_CACHE=/some/folder make setup",
    )


def candidates() -> Iterator[Path]:
    """Yield the named cache alone, or else the user's own and, last, one in the checkout."""
    if named := os.environ.get("STRESS_CACHE"):
        yield Path(named).absolute()
        return
    if shared := os.environ.get("XDG_CACHE_HOME"):
        yield Path(shared) / "registrar-stress"
    if home := os.environ.get("HOME"):
        yield Path(home) / ".cache" / "registrar-stress"
    with contextlib.suppress(KeyError):  # a container's user may have no entry
        yield Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache" / "registrar-stress"
    yield ROOT / ".cache"


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold `lock`, a file that stays; it is opened for writing because NFS asks for that."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another set-up, which holds {lock}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle, True)  # noqa: FBT003 - positional only
        yield
    finally:
        os.close(handle)


def made_once(
    name: str, build: Callable[[Path], Path], sound: Callable[[Path], bool] = Path.exists
) -> Path:
    """Return the cached `name`, building it first if it is not there, whole and `sound`.

    `build` gets an empty folder, and returns the path inside it that shall become `name`.
    """
    place = folder() / name
    if sound(place):
        return place
    with alone(folder() / "lock"):
        if sound(place):
            return place
        for leftover in [*folder().glob(f"{UNFINISHED}*"), place]:
            shutil.rmtree(leftover, ignore_errors=True)
        bench = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder()))
        try:
            return build(bench).rename(place)
        finally:
            shutil.rmtree(bench, ignore_errors=True)
