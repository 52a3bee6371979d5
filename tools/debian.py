"""Debian's packages, downloaded and unpacked without root, and without changing the system.

apt gets directories of its own.  What runs by itself comes from `sid`: apt then gets one source of
its own, the machine's entry for Debian, mirror and keyring and all, with its suite exchanged.  What
must fit the libraries of this machine comes from the machine's own release.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from command import CommandFailed, run

if TYPE_CHECKING:
    from collections.abc import Iterator

ETC_APT = Path("/etc/apt")
SUITES = {"stable", "oldstable", "testing", "unstable", "sid"}
OF_SID = """\
Dir::Etc::SourceList "{source}";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
"""
CONFIGURATION = """\
Dir::State::Lists "{bench}/lists";
Dir::Cache "{bench}/archives";
APT::Sandbox::User "root";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def unpack(packages: list[str], bench: Path) -> Path:
    """Download `packages` from sid and return the folder that holds their files."""
    name, text = source_for_sid()
    source = bench / name
    source.write_text(text)
    apt_get = updated(bench, OF_SID.format(source=source))
    run(*apt_get, "download", *packages, at=bench / "archives")
    return files(bench)


def unpack_missing(packages: list[str], bench: Path) -> Path:
    """Download `packages`, and what they need that this machine lacks, from its own release."""
    apt_get = updated(bench, 'Debug::NoLocking "true";\n')  # nothing is installed
    choices = ("--yes", "--no-install-recommends", "--reinstall", "--download-only")
    run(*apt_get, *choices, "install", *packages)
    return files(bench)


def updated(bench: Path, configuration: str) -> tuple[str | Path, ...]:
    """Return the apt-get that works in `bench` and knows which packages there are."""
    path = bench / "apt.conf"
    path.write_text(configuration + CONFIGURATION.format(bench=bench))
    (bench / "lists" / "partial").mkdir(parents=True)
    (bench / "archives" / "archives" / "partial").mkdir(parents=True)
    apt_get = ("apt-get", "-c", path)
    run(*apt_get, "update")
    return apt_get


def files(bench: Path) -> Path:
    """Return the folder that holds the files of the packages downloaded to `bench`."""
    unpacked = bench / "debian"
    for archive in (bench / "archives").rglob("*.deb"):
        run("dpkg-deb", "-x", archive, unpacked)
    return unpacked


def why_not() -> str | None:
    """Say why packages of this machine's release cannot be unpacked, or None if they can."""
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    return f"there is no {missing[0]} here" if missing else None


def source_for_sid() -> tuple[str, str]:
    """Return the name and text of an apt source for sid, made after the machine's own."""
    release = _read(Path("/etc/os-release"))
    suites = SUITES | {*re.findall(r"^VERSION_CODENAME=(\S+)", release, re.MULTILINE)}
    for path in [ETC_APT / "sources.list", *sorted(ETC_APT.glob("sources.list.d/*"))]:
        entries = stanzas if path.suffix == ".sources" else lines
        for entry in entries(_read(path), suites):
            return f"sid{path.suffix}", entry
    raise CommandFailed("apt has no source for Debian's main archive")


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def lines(text: str, suites: set[str]) -> Iterator[str]:
    r"""Yield one-line sources for sid, one for each of those in `text` that serves Debian.

    >>> [*lines("deb [arch=amd64] http://mirror.example/debian bookworm main", {"bookworm"})]
    ['deb [arch=amd64 target=Packages] http://mirror.example/debian sid main\n']
    """
    pattern = r"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+(.+)$"
    for options, address, suite, components in re.findall(pattern, text, re.MULTILINE):
        if suite in suites and "main" in components.split():
            ours = f"{options} target=Packages".strip()
            yield f"deb [{ours}] {address} sid main\n"


def stanzas(text: str, suites: set[str]) -> Iterator[str]:
    """Yield deb822 sources for sid, one for each of those in `text` that serves Debian."""
    ours = {"suites": "sid", "components": "main", "types": "deb", "targets": "Packages"}
    for stanza in re.split(r"\n\s*\n", text):
        fields = {
            name.lower(): value
            for name, value in re.findall(r"^([\w-]+):(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        named = set(fields.get("suites", "").split())
        off = fields.get("enabled", "").strip() == "no"
        if named & suites and "main" in fields.get("components", "").split() and not off:
            yield "".join(f"{name}:{value}\n" for name, value in {**fields, **ours}.items())
