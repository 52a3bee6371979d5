"""Python packages, through the machine's own pip: single wheels by pin and hash, and uv.

pip is asked because it is what machines have configured: its index, its certificates and its
proxy are read from its configuration and handed to uv, which reads none of it, through the
environment alone.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import platform
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import cache
import debian
from command import CommandFailed, run, surroundings
from messages import SetupError, say

if TYPE_CHECKING:
    from collections.abc import Mapping

PINS = Path(__file__).with_name("pins.txt")
UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "trusted-host": "UV_INSECURE_HOST",
}


@functools.cache
def pip() -> tuple[str, ...]:
    """Return the command that runs pip, taken from Debian where the machine has none."""
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip")
    wheels = _bundled_wheels()
    if not wheels:
        say("this python3 has no pip: taking Debian's pip, for this set-up alone")
        try:
            unpacked = cache.made_once("debian-pip", _pip_of_debian)
        except CommandFailed as error:
            raise SetupError(
                "There is no pip, so nothing can be installed.",
                f"{sys.executable} has none, and Debian's could not be had: {error}",
                "Install one (Debian: apt-get install python3-venv), then:  make setup",
            ) from error
        wheels = [*unpacked.rglob("pip-*.whl")]
    return (sys.executable, str(wheels[0] / "pip"))


def _bundled_wheels() -> list[Path]:
    """Return the wheels of pip that ensurepip would install."""
    folders = [Path("/usr/share/python-wheels")]
    if (ensurepip := importlib.util.find_spec("ensurepip")) and ensurepip.origin:
        folders.append(Path(ensurepip.origin).with_name("_bundled"))
    return [found for folder in folders for found in folder.glob("pip-*.whl")]


def _pip_of_debian(bench: Path) -> Path:
    return debian.unpack(["python3-pip-whl"], bench)


def pin(name: str) -> str:
    """Return the block of the pinned requirements that names `name`, hashes and all."""
    found = re.search(rf"^{name}==.*?(?=^\S|\Z)", PINS.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"{PINS} pins no {name}")
    return found.group()


def version(name: str) -> str:
    """Return the pinned version of `name`."""
    return pin(name).split()[0].partition("==")[2]


def wheel(name: str, bench: Path, *target: str) -> Path:
    """Download the pinned wheel of `name`, for this machine or for `target`, and unpack it."""
    wanted = bench / f"{name}.txt"
    wanted.write_text(pin(name))
    downloads = bench / f"{name}.download"
    run(
        *pip(), "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes",
        *target, "--requirement", wanted, "--dest", downloads,
        variables={"PIP_REQUIRE_VIRTUALENV": "false"},
    )  # fmt: skip
    unpacked = bench / name
    with zipfile.ZipFile(next(downloads.glob("*.whl"))) as archive:
        archive.extractall(unpacked)
    return unpacked


@functools.cache
def uv() -> Path:
    """Return the pinned uv, kept in the cache."""

    def build(bench: Path) -> Path:
        say(f"getting uv {version('uv')}")
        program = next(wheel("uv", bench).glob("uv-*.data/scripts/uv"))
        program.chmod(0o755)
        return program

    pip()  # which may itself be made once, and must be before the lock is held
    try:
        return cache.made_once(f"uv-{version('uv')}-{platform.machine()}", build)
    except CommandFailed as error:
        raise SetupError(
            f"uv {version('uv')} could not be had, so nothing can be installed.",
            f"pip download says: {error}",
            "Check pip's index (pip config list) and the ca-certificates, then:  make setup",
        ) from error


def run_uv(
    *arguments: str | Path,
    seconds: float = 600,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run uv as this machine's networks want it, with a cache of its own beside ours."""
    wanted = {**uv_variables(), **(variables or {})}
    return run(uv(), *arguments, seconds=seconds, variables=wanted)


@functools.cache
def uv_variables() -> dict[str, str]:
    """Return the variables that uv gets beyond those the user has set."""
    variables = {
        "UV_CACHE_DIR": str(cache.folder() / "uv-cache"),
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "manual",
        "UV_SYSTEM_CERTS": "1",
    }
    if not any(path.is_file() for path in uv_configurations()):
        variables.update(settings_of_pip(run(*pip(), "config", "list")))
    return {key: value for key, value in variables.items() if key not in os.environ}


def uv_configurations() -> list[Path]:
    """Return where users and machines configure uv itself; then it needs nothing of pip's."""
    home = Path(surroundings()["HOME"])
    user = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return [user / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]


def settings_of_pip(listing: str) -> dict[str, str]:
    """Translate what `pip config list` prints into uv's variables; the environment wins.

    >>> settings_of_pip("global.index-url='https://index.example/simple'")
    {'UV_DEFAULT_INDEX': 'https://index.example/simple'}
    """
    order = ("global", "download", "install", ":env:")
    lines = re.findall(rf"^({'|'.join(order)})\.([\w-]+)=(.*)$", listing, re.MULTILINE)
    return {
        UV_VARIABLES[option]: " ".join(ast.literal_eval(value).split())
        for section, option, value in sorted(lines, key=lambda line: order.index(line[0]))
        if option in UV_VARIABLES
    }
