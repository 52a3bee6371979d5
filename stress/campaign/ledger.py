"""The database of a campaign: what has been done, each case once.

One transaction takes in all that came back together.  A case that is there already is left out,
with all it came to, so that nothing counts twice that was run twice.  SQLite's rollback journal
makes a transaction whole or nothing, whenever the process is killed.

The file may be a stranger's.  It is believed only if its tables are exactly those below: then it
has no triggers or views that would do something when it is read.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from stress.campaign.outcome import Outcome, Sums
from stress.report.summary import Sample

APPLICATION: Final = 0x73747273  # "strs"
"""By which SQLite's header says whose file it is."""
FORMAT: Final = 1
LARGEST: Final = 4 << 30
"""Bytes of the largest database that is opened."""
LONGEST: Final = 64 << 20
"""Bytes of the longest value in it."""
SCHEMA: Final = (
    "CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE cases (number INTEGER PRIMARY KEY)",
    (
        "CREATE TABLE sums (model TEXT NOT NULL, engine TEXT NOT NULL, value TEXT NOT NULL,"
        " PRIMARY KEY (model, engine)) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE coverage (model TEXT NOT NULL, engine TEXT NOT NULL, pair TEXT NOT NULL,"
        " first INTEGER NOT NULL, PRIMARY KEY (model, engine, pair)) WITHOUT ROWID"
    ),
    "CREATE TABLE alike (coarse TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE pending (number INTEGER PRIMARY KEY, first INTEGER NOT NULL,"
        " coarse TEXT NOT NULL, failure TEXT NOT NULL)"
    ),
    (
        "CREATE TABLE failures (fingerprint TEXT PRIMARY KEY, coarse TEXT NOT NULL,"
        " model TEXT NOT NULL, engine TEXT NOT NULL, rule TEXT NOT NULL, times INTEGER NOT NULL,"
        " first INTEGER NOT NULL, seconds REAL NOT NULL, known TEXT NOT NULL) WITHOUT ROWID"
    ),
    (
        "CREATE TABLE samples (seconds REAL PRIMARY KEY, cases INTEGER NOT NULL,"
        " executions INTEGER NOT NULL, coverage INTEGER NOT NULL, failures INTEGER NOT NULL,"
        " memory INTEGER NOT NULL) WITHOUT ROWID"
    ),
)
_TABLES: Final = tuple(text.split()[2] for text in SCHEMA)


class LedgerError(ValueError):
    """The file is no database of a campaign."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A failure that has not been made smaller yet."""

    number: int
    first: int
    """The case that found it."""
    coarse: str
    failure: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """A failure of its own fingerprint, which is in a file."""

    fingerprint: str
    coarse: str
    model: str
    engine: str
    rule: str
    times: int
    """How often it was found."""
    first: int
    """The case that found it first; -1 where an earlier campaign did."""
    seconds: float
    """Since the campaign began, when it was found first."""
    known: str = ""
    """Of an earlier campaign's: "fails", or "mended"."""


class Ledger:
    """The database at `path`; whoever has it open is the only one who writes."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def create(cls, path: Path, notes: Mapping[str, str]) -> Self:
        """Make a new database with these notes."""
        connection = _connected(path, "rwc")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        ledger = cls(path, connection)
        with ledger.writing():
            for table in SCHEMA:
                connection.execute(table)
            ledger.note(notes)
        return ledger

    @classmethod
    def open(cls, path: Path, *, writing: bool) -> Self:
        """Open the database at `path`; LedgerError, saying why, for what is none.

        Where a process was killed in the middle of a transaction, that is undone first.
        """
        for mode in ("rw",) if writing else ("ro", "rw"):
            connection = _connected(path, mode)
            try:
                _check(connection)
            except (sqlite3.Error, LedgerError) as error:
                connection.close()
                undo = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK
                if mode == "ro" and undo:
                    continue
                raise LedgerError(str(error)) from error
            return cls(path, connection)
        raise AssertionError

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Do all that is inside, or, if it is killed or fails, nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    # What is written, inside `writing`

    def note(self, notes: Mapping[str, str]) -> None:
        """Write down notes, in place of those of the same names."""
        self._connection.executemany("REPLACE INTO notes VALUES (?, ?)", notes.items())

    def enter(self, outcome: Outcome) -> bool:
        """Enter a case as done; return False if it was before."""
        done = self._connection.execute("INSERT OR IGNORE INTO cases VALUES (?)", (outcome.number,))
        return done.rowcount == 1

    def put_sums(self, model: str, engine: str, sums: Sums) -> None:
        """Write the sums of one engine on one model in place of the old ones."""
        row = model, engine, json.dumps(sums.to_json())
        self._connection.execute("REPLACE INTO sums VALUES (?, ?, ?)", row)

    def add_coverage(self, rows: Iterable[tuple[str, str, str, int]]) -> None:
        """Add what was seen: model, engine, pair, and the case that saw it first."""
        self._connection.executemany("INSERT OR IGNORE INTO coverage VALUES (?, ?, ?, ?)", rows)

    def count_alike(self, coarse: str, times: int) -> None:
        """Write how often failures like this were met."""
        self._connection.execute("REPLACE INTO alike VALUES (?, ?)", (coarse, times))

    def add_pending(self, first: int, coarse: str, failure: Mapping[str, Any]) -> int:
        """Add a failure that is to be made smaller; return its number."""
        row = first, coarse, json.dumps(failure)
        added = self._connection.execute("INSERT INTO pending VALUES (NULL, ?, ?, ?)", row)
        assert added.lastrowid is not None
        return added.lastrowid

    def drop_pending(self, number: int) -> None:
        """Strike out a failure that has been made smaller."""
        self._connection.execute("DELETE FROM pending WHERE number = ?", (number,))

    def put_finding(self, finding: Finding) -> None:
        """Write a failure whose file is there, in place of what was known of it."""
        marks = ", ".join("?" * len(astuple(finding)))
        self._connection.execute(f"REPLACE INTO failures VALUES ({marks})", astuple(finding))  # noqa: S608  (marks)

    def add_sample(self, sample: Sample) -> None:
        """Add how far the campaign is."""
        values = list(asdict(sample).values())
        self._connection.execute("REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?)", values)

    # What is read

    def notes(self) -> dict[str, str]:
        """Return all notes."""
        return dict(self._rows("SELECT name, value FROM notes"))

    def sums(self) -> dict[tuple[str, str], Sums]:
        """Return the sums by model and engine."""
        found = self._rows("SELECT model, engine, value FROM sums")
        return {(model, engine): Sums.from_json(json.loads(text)) for model, engine, text in found}

    def coverage(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield what was seen: model, engine, pair, and the case that saw it first."""
        return self._rows("SELECT model, engine, pair, first FROM coverage")

    def alike(self) -> dict[str, int]:
        """Return how often failures were met, by their coarse fingerprint."""
        return dict(self._rows("SELECT coarse, times FROM alike"))

    def pending(self) -> list[Pending]:
        """Return the failures that are to be made smaller."""
        found = self._rows("SELECT number, first, coarse, failure FROM pending ORDER BY number")
        return [
            Pending(number, case, alike, json.loads(text)) for number, case, alike, text in found
        ]

    def findings(self) -> list[Finding]:
        """Return the failures that are in files, the first first."""
        return [Finding(*row) for row in self._rows("SELECT * FROM failures ORDER BY seconds")]

    def samples(self) -> list[Sample]:
        """Return how the campaign went."""
        return [Sample(*row) for row in self._rows("SELECT * FROM samples ORDER BY seconds")]

    def done(self) -> int:
        """Return how many cases are done."""
        [(count,)] = self._rows("SELECT count(*) FROM cases")
        return int(count)

    def numbers(self) -> set[int]:
        """Return the numbers of the cases that are done."""
        return {number for (number,) in self._rows("SELECT number FROM cases")}

    def undone(self) -> Iterator[int]:
        """Yield the numbers below the greatest that is done that are not; then all the others."""
        following = 0
        for (number,) in self._rows("SELECT number FROM cases ORDER BY number"):
            yield from range(following, number)
            following = number + 1
        while True:
            yield following
            following += 1

    def _rows(self, question: str, *values: Any) -> Iterator[Any]:
        return iter(self._connection.execute(question, values))


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    name = quote(str(path.absolute()))
    connection = sqlite3.connect(f"file:{name}?mode={mode}", uri=True, isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Raise LedgerError for a database that is not a campaign's, or is damaged."""
    [(application,)] = connection.execute("PRAGMA application_id")
    [(version,)] = connection.execute("PRAGMA user_version")
    if application != APPLICATION:
        raise LedgerError("it is a database of something else")
    if version != FORMAT:
        raise LedgerError(f"it is of format {version}, and this version reads format {FORMAT}")
    schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    expected = sorted(("table", name, text) for name, text in zip(_TABLES, SCHEMA, strict=True))
    found = sorted(connection.execute(schema).fetchmany(len(expected) + 1), key=str)
    if found != expected:
        raise LedgerError("its tables are not those of a campaign")
    [(sound,)] = connection.execute("PRAGMA quick_check(1)").fetchmany(1)
    if sound != "ok":
        raise LedgerError(f"it is damaged: {sound}")
