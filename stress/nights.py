"""What nights remember: a folder that each night takes from the one before and adds to.

    nights/
      nights.json                  every night, and every fingerprint with the nights that saw it
      coverage.json                which interleavings were seen, and the seed that showed each
      failures/FINGERPRINT.json    every failure that was ever found, once
      new/FINGERPRINT.md, .title   of those that no night before had: the text of an issue
      report.html, trend.md        executions, coverage and failures from night to night

A night that is gathered again takes the place of what it was.  Everything is read before anything
is written, and ``nights.json`` is written last: until then the folder is as it was.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from stress import failures
from stress.report.summary import Night

FILE: Final = "nights.json"
FORMAT: Final = 1
NAME: Final = re.compile(r"[\w][\w .:+-]{0,63}")
FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")


class NightsError(ValueError):
    """The folder holds no nights, or what it holds is damaged."""


type Owner = tuple[str, str]
"""A model and an engine."""


@dataclass(frozen=True, slots=True)
class Shard:
    """What one campaign of a night came to."""

    seconds: float
    executions: int
    coverage: Mapping[Owner, Mapping[str, int | None]]
    """The interleavings that were seen, each with the seed of the case that showed it first."""
    failures: Mapping[str, str]
    """The titles of those it has met, by their fingerprints."""
    mended: frozenset[str]
    """Those of earlier nights that it replayed, and that do not fail any more."""


@dataclass(slots=True)
class Known:
    """A failure that some night has found."""

    title: str
    first: str
    """The night that found it."""
    last: str
    """The night that met it last."""
    nights: int
    """How many have met it."""
    mended: str = ""
    """The night since which it does not fail any more; "" while it does."""


@dataclass
class Nights:
    """The nights so far, in their order, and what they have found."""

    nights: list[Night] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)
    coverage: dict[Owner, dict[str, int | None]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return what `folder` remembers: nothing, where there is none; NightsError if damaged."""
        if not folder.exists():
            return cls()
        saved = _read(folder / FILE)
        seen = _read(folder / "coverage.json")
        if not saved and not seen:
            if folder.is_dir() and not any(folder.iterdir()):
                return cls()
            raise NightsError(
                f"{folder} holds no nights.json, so it remembers no nights.\n"
                f"  It is not overwritten.  Name a folder that `stress gather` made, or a new one."
            )
        try:
            return cls(
                [Night(**each) for each in saved["nights"]],
                {_fingerprint(name): Known(**each) for name, each in saved["known"].items()},
                {
                    (model, engine): {str(pair): _seed(seed) for pair, seed in pairs.items()}
                    for model, engines in seen["coverage"].items()
                    for engine, pairs in engines.items()
                },
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise NightsError(
                f"{folder}/nights.json is damaged: {type(error).__name__}: {error}.\n"
                f"  Nothing was changed.  Restore the folder of the night before."
            ) from error

    def add(self, name: str, shards: Sequence[Shard]) -> list[str]:
        """Add the night called `name`, or put it in place of what it was.

        Return the fingerprints that no other night has met, by their titles.
        """
        self.nights = [night for night in self.nights if night.name != name]
        found = {each: title for shard in shards for each, title in shard.failures.items()}
        for fingerprint, title in found.items():
            self._note(fingerprint, title, name)
        for fingerprint in frozenset[str]().union(*(shard.mended for shard in shards)):
            if fingerprint in self.known and fingerprint not in found:
                self.known[fingerprint].mended = name
        for shard in shards:
            for owner, pairs in shard.coverage.items():
                self.coverage[owner] = {**pairs, **self.coverage.get(owner, {})}
        new = [each for each in found if self.known[each].first == name]
        self.nights.append(
            Night(
                name,
                round(sum(shard.seconds for shard in shards), 1),
                sum(shard.executions for shard in shards),
                sum(map(len, self.coverage.values())),
                len(found),
                len(new),
            )
        )
        return sorted(new, key=lambda each: self.known[each].title)

    def _note(self, fingerprint: str, title: str, name: str) -> None:
        known = self.known.setdefault(fingerprint, Known(title, name, name, 1))
        known.nights += known.last != name
        known.last, known.mended = name, ""

    def save(self, folder: Path) -> None:
        """Write what is remembered; OutputError, and the old nights, where that fails."""
        seen: dict[str, dict[str, dict[str, int | None]]] = {}
        for (model, engine), pairs in sorted(self.coverage.items()):
            seen.setdefault(model, {})[engine] = dict(sorted(pairs.items()))
        coverage = {"format": FORMAT, "coverage": seen}
        failures.write(folder / "coverage.json", json.dumps(coverage, indent=1))
        nights = {
            "format": FORMAT,
            "nights": [asdict(night) for night in self.nights],
            "known": {name: asdict(known) for name, known in sorted(self.known.items())},
        }
        failures.write(folder / FILE, json.dumps(nights, indent=1))

    def trend(self, most: int = 14) -> str:
        """Return the last nights as a table in Markdown."""
        rows = [
            "| night | hours | executions | coverage | failures | new |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        rows += [
            f"| {night.name} | {night.seconds / 3600:.1f} | {night.executions:,} | "
            f"{night.coverage:,} | {night.failures} | {night.new} |"
            for night in self.nights[-most:]
        ]
        return "\n".join(rows) + "\n"


def checked_name(name: str) -> str:
    """Return the name of a night; NightsError for one that could be no name of a file or a row."""
    if not NAME.fullmatch(name):
        raise NightsError(
            f"{name!r} is no name for a night.\n"
            f"  Take up to 64 letters, digits, spaces and . : + -, such as a number or a date."
        )
    return name


def _fingerprint(text: str) -> str:
    if not FINGERPRINT.fullmatch(text):
        raise ValueError(f"{text!r} is no fingerprint")
    return text


def _seed(value: Any) -> int | None:
    if value is not None and type(value) is not int:
        raise ValueError(f"{value!r} is no seed")
    return value


def _read(path: Path) -> dict[str, Any]:
    """Return the JSON object in the file at `path`; an empty one where there is no file."""
    if not path.exists():
        return {}
    try:
        return failures.read(path, FORMAT)
    except (OSError, ValueError, RecursionError) as error:
        raise NightsError(
            f"{path} cannot be read: {error}.\n"
            f"  Nothing was changed.  Restore the folder of the night before."
        ) from error
