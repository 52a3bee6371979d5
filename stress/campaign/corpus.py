"""What a campaign takes over from one before it: its failures, its coverage, its rarest programs.

The failures come first: each is replayed, and still fails or is mended.  What was covered counts as
known, so that what is new can be told.  Seeds that showed what few others did are tried before any
that are drawn.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stress import failures, registry
from stress.campaign.engines import Workshop
from stress.campaign.folder import DATABASE, FAILURES, Folder, FolderError
from stress.campaign.plan import First
from stress.explore import record
from stress.fingerprint import fingerprint
from stress.nights import FILE as NIGHTS
from stress.nights import Nights
from stress.program import Program
from stress.threads.programs import ThreadedPrograms
from stress.verdict import NoVerdictError

SEEDS: Final = 200
"""Cases of an earlier campaign that are run again."""
MOST: Final = 1_000
"""Failures that are replayed."""
STEADY: Final = frozenset({"explore", "sequential"})
"""Engines in which a seed does the same again."""


@dataclass(frozen=True)
class Corpus:
    """What is known from before; `failures` by fingerprint."""

    failures: dict[str, Path]
    coverage: tuple[tuple[str, str, str], ...] = ()
    first: tuple[First, ...] = ()

    @classmethod
    def at(cls, path: Path, models: tuple[str, ...]) -> "Corpus":
        """Return what the campaign, or the nights, in the folder `path` leave for `models`.

        Or what a folder of failures holds.  FolderError or NightsError, saying why, where it is
        none of them.
        """
        if (path / DATABASE).exists() or not path.is_dir():
            with Folder.open(path) as folder:
                found = folder.coverage()
                coverage = tuple((*owner, pair) for owner, pairs in found.items() for pair in pairs
                                 if owner[0] in models)  # fmt: skip
                return cls(
                    dict(_saved_in(path / FAILURES, models)),
                    coverage,
                    tuple(_rare(folder, models)),
                )
        if (path / NIGHTS).exists():
            return cls._of_nights(path, models)
        saved = dict(_saved_in(path, models))
        if not saved and not (path / FAILURES).is_dir() and any(path.iterdir()):
            raise FolderError(
                f"{path} holds neither a campaign nor failures.\n"
                f"  Give the folder of an earlier `stress run --out`, or one of saved failures."
            )
        return cls(saved or dict(_saved_in(path / FAILURES, models)))

    @classmethod
    def _of_nights(cls, path: Path, models: tuple[str, ...]) -> "Corpus":
        found = Nights.load(path).coverage
        known = {owner: pairs for owner, pairs in found.items() if owner[0] in models}
        shown = Counter(
            First(*owner, seed=seed)
            for owner, pairs in known.items()
            if owner[1] in STEADY
            for seed in pairs.values()
            if seed is not None
        )
        return cls(
            dict(_saved_in(path / FAILURES, models)),
            tuple((*owner, pair) for owner, pairs in known.items() for pair in pairs),
            tuple(first for first, _ in shown.most_common(SEEDS)),
        )


def _saved_in(folder: Path, models: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*.json"))[:MOST]:
        try:
            saved = failures.load(path)
        except failures.FailureFileError:
            continue
        if saved["model"].partition("/")[0] in models:
            yield saved.get("fingerprint") or fingerprint(saved), path


def _rare(folder: Folder, models: tuple[str, ...]) -> Iterator[First]:
    """Yield the cases that saw most of what nobody had seen before them, the best first."""
    counts = Counter(
        first
        for (model, engine), pairs in folder.coverage().items()
        if engine in STEADY and model in models
        for first in pairs.values()
        if first >= 0
    )
    for number, _ in counts.most_common(SEEDS):
        case = folder.plan.case(number)
        if not case.program:
            yield First(case.model, case.engine, seed=case.seed)


def again(shop: Workshop, path: Path) -> str:
    """Say whether the failure in the file "fails" or is "mended"; "" where neither is known."""
    try:
        failure = failures.load(path)
        if failure["kind"] == record.KIND:
            return "fails" if record.again(failure, path) is not None else "mended"
        if failure["kind"] == "mismatch":
            found = registry.find(failure["model"]).rerun(failure["saved"])
            return "fails" if found else "mended"
        return "fails" if _met_again(shop, failure) else ""
    except (NoVerdictError, ValueError, LookupError, TypeError, OSError):
        return ""


def _met_again(shop: Workshop, failure: dict[str, Any]) -> bool:
    """Return whether real threads meet it again; if not, that says nothing."""
    if "prefix" not in failure.get("parameters", {}):
        return False
    name = failure["model"]
    model = registry.model_of(name)
    program = Program.from_json(model, failure["parameters"])
    engine = ThreadedPrograms(name, model, shop.plan.patience, attendant=shop.attendant)
    return engine.failure(program, shrinking=True) is not None
