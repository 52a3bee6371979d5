"""The named litmus tests: those of packages in the entry-point group `stress.litmus`.

An entry point names a package.  Its tests are its ``.litmus`` files, each named like the test in
it; its ``expected.toml`` says what must be observed of each under each memory model::

    ["MP+rel+acq"]
    sc   = { observation = "Never", executions = 2 }
    rc11 = { observation = "Never", executions = 2 }

    ["MP+na"]
    rc11 = { races = true }

Everything is optional.  `observation` is how often the proposition of the last line holds;
`executions` how many executions there are; `races` whether one of them has a data race, which it
must not have by default.  A racy program means nothing in C11, so `races` stands alone.
``"rc11 c++11"`` is what holds under C++11's release sequences where they make a difference.

>>> "MP" in names()
True
>>> find("MP").expected("rc11")
Expected(observation='Never', executions=3, races=False)
"""

import difflib
import importlib.metadata
import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any, Final

from stress.litmus.observation import Observation
from stress.litmus.parser import parse
from stress.litmus.program import LitmusTest

GROUP: Final = "stress.litmus"
EXPECTED: Final = "expected.toml"
DEFAULT_SEQUENCE: Final = "c++20"


class UnknownTestError(LookupError):
    """No installed package offers a litmus test of this name."""


class LibraryError(ValueError):
    """A package offers litmus tests that cannot be used."""


@dataclass(frozen=True)
class Expected:
    """What must be observed of a test under one memory model; None is not known."""

    observation: str | None = None
    executions: int | None = None
    races: bool = False

    def missed(self, seen: Observation) -> str | None:
        """Return how `seen` differs, if it does."""
        wanted = {
            "observation": (self.observation, seen.answer),
            "executions": (self.executions, seen.explored.executions),
        }
        differences = [
            f"{what} {found}, expected {known}"
            for what, (known, found) in wanted.items()
            if known not in (None, found)
        ]
        if self.races != bool(seen.explored.races):
            races = f"{seen.explored.races} executions with a data race"
            differences.append(f"{races}, expected {'some' if self.races else 'none'}")
        return "; ".join(differences) or None


@dataclass(frozen=True)
class Entry:
    """A test of the library."""

    name: str
    file: Traversable
    expectations: Mapping[str, Expected]

    def test(self) -> LitmusTest:
        """Read the file."""
        return parse(self.file.read_text(encoding="utf-8"), str(self.file))

    def expected(self, memory: str, sequence: str = DEFAULT_SEQUENCE) -> Expected:
        """Return what must be observed under `memory` and its release sequences."""
        special = self.expectations.get(f"{memory} {sequence}")
        return special or self.expectations.get(memory, Expected())


def names() -> list[str]:
    """Return the names of all tests."""
    return sorted(_entries())


def find(name: str) -> Entry:
    """Return the test `name`; UnknownTestError, with names like it, if there is none."""
    entries = _entries()
    if name in entries:
        return entries[name]
    folded = {known.lower(): known for known in entries}
    near = difflib.get_close_matches(name.lower(), folded, n=4, cutoff=0.5)
    like = ", ".join(folded[known] for known in near)
    raise UnknownTestError(
        f"there is no litmus test {name!r} among the {len(entries)} of the library.\n"
        f"  {f'Similar: {like}.' if like else 'None has a similar name.'}  "
        f"A file of your own is one whose name ends in .litmus."
    )


@cache
def _entries() -> Mapping[str, Entry]:
    """Return every test that an installed package offers, by name."""
    found: dict[str, Entry] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        folder = importlib.resources.files(point.value)
        expected = _expected(folder)
        for file in folder.iterdir():
            name = file.name.removesuffix(".litmus")
            if name == file.name:
                continue
            if name in found:
                raise LibraryError(
                    f"two packages offer the litmus test {name!r}: {found[name].file} and {file}.\n"
                    f"  Rename one, or uninstall a package."
                )
            found[name] = Entry(name, file, expected.pop(name, {}))
        if expected:
            raise LibraryError(
                f"{folder / EXPECTED} expects something of {', '.join(sorted(expected))}, which "
                f"{point.value} has not.\n  Add the .litmus file or take the lines out."
            )
    return found


def _expected(folder: Traversable) -> dict[str, Mapping[str, Expected]]:
    """Return what a package expects of its tests, by test and by memory model."""
    file = folder / EXPECTED
    if not file.is_file():
        return {}
    try:
        table: Mapping[str, Mapping[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8"))
        return {
            test: {memory: Expected(**said) for memory, said in by_memory.items()}
            for test, by_memory in table.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise LibraryError(
            f"{file} cannot be read: {error}.\n"
            f"  It holds, for a test and a memory model, observation, executions and races."
        ) from error
