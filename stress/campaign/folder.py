"""The folder of a campaign: what one leaves, and what the next night starts from.

    campaign.sqlite      what has been done (`stress.campaign.ledger`)
    failures/            each different failure once, as `stress replay` reads it
    report.json, report.html, report.xml

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as name:
...     path = Path(name) / "night"
...     made = Folder.create(path, Plan("c0ffee", 7, ("once",)))
...     made.close()
...     with Folder.open(path) as folder:
...         folder.plan.models, folder.cases, folder.next_number
(('once',), 0, 0)

One process at a time goes on with a campaign: it holds a lock on the folder, which the system takes
from a process that dies.
"""

import fcntl
import json
import os
import sqlite3
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from stress import failures, provenance, registry
from stress.campaign.ledger import LARGEST, Finding, Ledger, LedgerError
from stress.campaign.outcome import Sums
from stress.campaign.plan import Plan, PlanError
from stress.report.summary import Sample

DATABASE: Final = "campaign.sqlite"
FAILURES: Final = "failures"
_SUPER_JOURNAL: Final = bytes.fromhex("d9d505f920a163d7")
"""How a journal ends that names another file, which SQLite would then delete."""


class FolderError(ValueError):
    """The folder is not that of a campaign, or cannot be used as one."""


@dataclass(frozen=True, slots=True)
class SavedFailure:
    """A failure that a campaign found, and where it is saved."""

    path: Path
    fingerprint: str
    model: str
    engine: str
    rule: str
    times: int
    """How often it was found, after shrinking."""
    alike: int
    """How often failures of the same model, engine and rule were met."""
    first_case: str
    """The id of the case that found it first; "" where an earlier campaign did."""
    seconds: float
    """Since the campaign began, when it was found first."""
    known: str
    """Of an earlier campaign's: "fails" or "mended"; else ""."""

    @property
    def is_unanswered(self) -> bool:
        """Whether an earlier campaign found it, and it is not known what became of it."""
        return not self.first_case and not self.known and not self.times


class Folder:
    """The folder of a campaign, open: to read it, or, where it is locked, to go on with it."""

    def __init__(self, path: Path, ledger: Ledger, plan: Plan, lock: int | None) -> None:
        self.path = path
        self.ledger = ledger
        self.plan = plan
        self._lock = lock

    @classmethod
    def create(cls, path: Path, plan: Plan) -> Self:
        """Make the folder of a new campaign, locked; FolderError if there is one already."""
        if os.path.lexists(path / DATABASE):
            raise FolderError(
                f"{path} holds a campaign already, and another one would be mixed up with it.\n"
                f"  Go on with that:  stress resume {path}\n"
                f"  Or give another folder with --out."
            )
        failures.check_writable(path)
        lock = _locked(path)
        notes = {
            "plan": json.dumps(plan.to_json()),
            "version": provenance.version(),
            "sources": json.dumps(sources(plan)),
            "seconds": "0.0",
        }
        temporary = path / f".{DATABASE}.new"
        temporary.unlink(missing_ok=True)
        try:  # under its name there is never half a database
            Ledger.create(temporary, notes).close()
            temporary.rename(path / DATABASE)
            return cls(path, Ledger.open(path / DATABASE, writing=True), plan, lock)
        except sqlite3.Error as error:
            os.close(lock)
            temporary.unlink(missing_ok=True)
            raise failures.OutputError(
                f"cannot write {DATABASE} in {path}: {error}.\n"
                f"  Free some space or give another folder with --out."
            ) from error

    @classmethod
    def open(cls, path: Path, *, going_on: bool = False) -> Self:
        """Open the folder of a campaign; FolderError, saying why, if that cannot be.

        To go on with the campaign it is locked; to read it, it need not even be writable.
        """
        lock = None
        try:
            _check_files(path)
            lock = _locked(path) if going_on else None
            ledger = Ledger.open(path / DATABASE, writing=going_on)
            try:
                plan = Plan.from_json(_json(ledger.notes().get("plan", "")))
                _check_rows(ledger, plan)
            except BaseException:
                ledger.close()
                raise
        except (LedgerError, PlanError, sqlite3.Error, OSError) as error:
            if lock is not None:
                os.close(lock)
            raise _no_campaign(path, error) from error
        return cls(path, ledger, plan, lock)

    def close(self) -> None:
        """Close it, and let another process go on with it."""
        self.ledger.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def seed(self) -> int:
        """What the campaign draws from."""
        return self.plan.seed

    @property
    def version(self) -> str:
        """The version of the product that the campaign was last run with."""
        return self.ledger.notes().get("version", "")

    @property
    def seconds(self) -> float:
        """For how long the campaign has run, in all."""
        return float(self.ledger.notes().get("seconds", "0"))

    @property
    def cases(self) -> int:
        """How many cases are done."""
        return self.ledger.done()

    @property
    def next_number(self) -> int:
        """The number of the first case that is not done."""
        return next(self.ledger.undone())

    @property
    def executions(self) -> int:
        """Of all programs and instances."""
        return executions(self.totals())

    def totals(self) -> dict[tuple[str, str], Sums]:
        """Return the sums by model and engine."""
        return self.ledger.sums()

    def samples(self) -> list[Sample]:
        """Return how the campaign went."""
        return self.ledger.samples()

    def coverage(self) -> dict[tuple[str, str], dict[str, int]]:
        """Return the pairs that were seen and the case that saw each first, by model and engine."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        for model, engine, pair, first in self.ledger.coverage():
            found.setdefault((model, engine), {})[pair] = first
        return found

    def failures(self) -> list[SavedFailure]:
        """Return the failures, the first first."""
        alike = self.ledger.alike()
        return [self._saved(each, alike) for each in self.ledger.findings()]

    def _saved(self, found: Finding, alike: Mapping[str, int]) -> SavedFailure:
        return SavedFailure(
            self.failure_path(found.fingerprint),
            found.fingerprint,
            found.model,
            found.engine,
            found.rule,
            found.times,
            max(found.times, alike.get(found.coarse, 0)),
            f"{self.plan.campaign}-{found.first}" if found.first >= 0 else "",
            found.seconds,
            found.known,
        )

    def failure_path(self, fingerprint: str) -> Path:
        """Return where the failure with this fingerprint is saved."""
        return self.path / FAILURES / f"{fingerprint}.json"

    def changes(self) -> list[str]:
        """Return what is not as it was when the campaign was last run, a sentence each."""
        notes = self.ledger.notes()
        found = []
        saved, now = notes.get("version", ""), provenance.version()
        if saved != now:
            found.append(f"The campaign was run with version {saved or '?'}, this is {now}.")
        before = _json(notes.get("sources", "{}"))
        for name, digest in sources(self.plan).items():
            if isinstance(before, dict) and before.get(name) != digest:
                found.append(f"{name} has changed since.")
        return found


def sources(plan: Plan) -> dict[str, str]:
    """Return the digests of the sources of all models of `plan`, which are imported, by name."""
    found: dict[str, str] = {}
    for model in plan.models:
        registry.find(model)
        found |= provenance.sources_of({"model": model})
    return dict(sorted(found.items()))


def executions(totals: Mapping[tuple[str, str], Sums]) -> int:
    """Return how many executions there were: of programs, state machines and instances."""
    return sum(sums.executions or sums.examples for sums in totals.values())


def is_campaign(path: Path) -> bool:
    """Return whether `path` looks like the folder of a campaign, and not a file."""
    return path.is_dir()


def _check_files(path: Path) -> None:
    """Raise for what is no folder of a campaign, before any of it is believed."""
    checks: tuple[tuple[str, Callable[[int], bool], str], ...] = (
        (DATABASE, stat.S_ISREG, "a file"),
        (FAILURES, stat.S_ISDIR, "a folder"),
    )
    if not path.is_dir():
        raise LedgerError("there is no such folder" if not path.exists() else "it is a file")
    for name, sound, kind in checks:
        try:
            status = (path / name).lstat()
        except FileNotFoundError:
            if name == DATABASE:
                raise LedgerError(f"it has no {DATABASE}") from None
            continue
        if not sound(status.st_mode):
            raise LedgerError(f"its {name} is not {kind} of its own")
        if sound is stat.S_ISREG and status.st_size > LARGEST:
            raise LedgerError(f"its {name} is larger than {LARGEST >> 30} GiB")
    for ending in ("-journal", "-wal", "-shm"):
        _check_journal(path / f"{DATABASE}{ending}")


def _check_journal(path: Path) -> None:
    """Raise for what SQLite would follow to other files, or has not left here."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or not path.name.endswith("-journal"):
            raise LedgerError(f"its {path.name} is not what a campaign leaves")
        with path.open("rb") as file:
            file.seek(max(0, status.st_size - len(_SUPER_JOURNAL)))
            if file.read(len(_SUPER_JOURNAL)) == _SUPER_JOURNAL:
                raise LedgerError(f"its {path.name} names other files")
    except FileNotFoundError:
        return  # there is none, or whoever goes on with the campaign has just finished with it


def _locked(path: Path) -> int:
    """Lock the folder; the lock goes with the process."""
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise InUseError(
            f"another process goes on with the campaign in {path}.\n"
            f"  Two at once would run the same cases.  Wait for it, or end it with Ctrl-C."
        ) from None
    return lock


class InUseError(FolderError):
    """Another process has the campaign."""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"its plan is damaged: {error}") from error


def _check_rows(ledger: Ledger, plan: Plan) -> None:
    """Raise LedgerError for rows that are none a campaign has written."""
    try:
        ledger.sums()
        float(ledger.notes().get("seconds", "?"))
        named = all(_is_finding(each) for each in ledger.findings())
        own = all(_is_of(plan, each.failure) for each in ledger.pending())
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise LedgerError(f"it is damaged: {error}") from error
    if not named:
        raise LedgerError("it is damaged: a failure in it is named as none is")
    if not own:
        raise LedgerError("it is damaged: a failure in it is of none of its models")


def _is_of(plan: Plan, failure: Mapping[str, Any]) -> bool:
    """Return whether a failure names a model of `plan`, and no scenario of anything else."""
    model, target = failure.get("model", ""), failure.get("target", "")
    return model in plan.models and target.partition("/{")[0] in {
        "",
        model,
        *(f"{model}/{first.program}" for first in plan.first if first.model == model),
    }


def _is_finding(found: Finding) -> bool:
    name = found.fingerprint
    return isinstance(name, str) and name.isalnum() and name.isascii() and len(name) < 100  # noqa: PLR2004


def _no_campaign(path: Path, error: Exception) -> FolderError:
    return FolderError(
        f"{path} is not the folder of a campaign that can be gone on with: {error}.\n"
        f"  `stress run --out {path}` would begin one, in a folder that holds none yet."
    )
