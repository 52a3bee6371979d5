"""What an assembled interpreter must show before anybody gets to use it.

Run by that interpreter: it ends silently, or with the first thing that is not so.
"""

from __future__ import annotations

import importlib
import multiprocessing
import subprocess
import sys
import sysconfig
import tempfile
import threading
from pathlib import Path

COMPILED = """
    _asyncio _bz2 _ctypes _decimal _hashlib _json _lzma _multiprocessing _pickle
    _posixshmem _posixsubprocess _queue _random _socket _sqlite3 _ssl _struct _uuid _zoneinfo
    _zstd array fcntl math mmap readline resource select termios unicodedata zlib
"""
PURE = """
    asyncio concurrent.futures ctypes dataclasses decimal doctest email.message faulthandler
    hashlib http.client importlib.metadata json logging lzma pdb sqlite3 ssl tomllib
    unittest.mock urllib.request xml.etree.ElementTree zipfile
"""
PRINTS_SOABI = "import sysconfig; print(sysconfig.get_config_var('SOABI'))"


def check(claim: str, *, holds: bool) -> None:
    """End with `claim` as the last word unless it holds."""
    if not holds:
        raise SystemExit(f"the assembled interpreter failed a check: {claim}")


def answer(*command: str) -> str:
    """Return what `command` prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Check the build, the library, threads, and the ways of starting another interpreter."""
    soabi = sysconfig.get_config_var("SOABI")
    gil_enabled = getattr(sys, "_is_gil_enabled", lambda: True)
    check("the GIL is off", holds=not gil_enabled())
    check("it was built without one", holds=sysconfig.get_config_var("Py_GIL_DISABLED") == 1)
    for name in (COMPILED + PURE).split():
        importlib.import_module(name)
    check("imports leave the GIL off", holds=not gil_enabled())
    check("its modules bear its name", holds=f".{soabi}.so" in str(sys.modules["math"]))
    check("threads run and end", holds=threads_add_up())
    said = answer(sys.executable, "-X", "dev", "-c", PRINTS_SOABI, "argument")
    check("it takes -X, -c and arguments", holds=said == soabi)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        check("multiprocessing spawns", holds=pool.map(abs, [-1, -2]) == [1, 2])
    with tempfile.TemporaryDirectory() as scratch:
        answer(sys.executable, "-m", "venv", "--without-pip", scratch)
        python = str(Path(scratch, "bin", "python"))
        check("it makes venvs", holds=answer(python, "-c", PRINTS_SOABI) == soabi)


def threads_add_up() -> bool:
    """Tell whether eight threads, each adding its number to a list, are all heard."""
    heard: list[int] = []
    threads = [threading.Thread(target=heard.append, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(heard) == list(range(8))


if __name__ == "__main__":
    main()
