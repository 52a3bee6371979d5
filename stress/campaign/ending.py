"""What a campaign came to: a summary like that of any run, and the reports in its folder."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stress import failures
from stress.campaign.books import Books
from stress.campaign.folder import SavedFailure
from stress.campaign.outcome import Sums
from stress.explore.programs import STEPS
from stress.host import Host
from stress.report import junit
from stress.report.summary import INTERRUPTED, NO_OVERLAP, RunSummary, Summary
from stress.report.telling import told

REAL: frozenset[str] = frozenset({"threads", "concurrent"})
"""Engines of real threads."""


@dataclass
class Ending:
    """The summary of a campaign, and the files of each run's failures, by its place in it."""

    summary: Summary
    saved: dict[int, list[Path]]
    notes: list[str]
    """What is to be said besides."""

    @classmethod
    def of(cls, books: Books, host: Host, *, interrupted: bool) -> "Ending":
        """Sum up the campaign of `books`."""
        folder = books.folder
        found = folder.failures()
        ending = cls(Summary(host, folder.seed), {}, list(_notes(books, found)))
        for model in folder.plan.models:
            for engine in folder.plan.engines:
                own = [each for each in found if (each.model, each.engine) == (model, engine)]
                own = [each for each in own if each.times or each.known == "fails"]
                run = _run(books, model, engine, host)
                _tell_failures(run, own)
                if interrupted:
                    run.interrupted = True
                    run.doubts.insert(0, INTERRUPTED)
                ending.saved[len(ending.summary.runs)] = [each.path for each in own]
                ending.summary.runs.append(run)
        return ending

    def to_json(self, books: Books) -> dict[str, Any]:
        """Return the summary as JSON, with what only a campaign has."""
        folder = books.folder
        campaign = {
            "id": folder.plan.campaign,
            "seconds": round(folder.seconds, 3),
            "cases": books.cases,
            "executions": books.executions,
            "coverage": books.coverage,
            "failures": [_as_json(each) for each in folder.failures()],
            "samples": [asdict(sample) for sample in folder.samples()],
        }
        return self.summary.to_json() | {"campaign": campaign}

    def write(self, books: Books) -> None:
        """Write report.json, report.html and report.xml; OutputError where that fails."""
        from stress.report import html  # noqa: PLC0415  (templates, plots: only for this)

        path = books.folder.path
        reports = {
            place: [
                told(failure, file)
                for failure, file in zip(run.failures, self.saved[place], strict=True)
            ]
            for place, run in enumerate(self.summary.runs)
        }
        every = [report for own in reports.values() for report in own]
        title = f"Campaign {books.folder.plan.campaign}"
        page = html.page(title, summary=self.summary, reports=every, samples=books.folder.samples())
        failures.write(path / "report.json", json.dumps(self.to_json(books), indent=1))
        failures.write(path / "report.html", page)
        junit.write(self.summary, reports, path / "report.xml")


def _as_json(found: SavedFailure) -> dict[str, Any]:
    shown = asdict(found) | {"file": f"failures/{found.path.name}"}
    del shown["path"]
    return shown


def _run(books: Books, model: str, engine: str, host: Host) -> RunSummary:
    sums = books.totals.get((model, engine), Sums())
    pairs = books.pairs(model, engine)
    return RunSummary(
        model,
        engine,
        books.folder.plan.threads or 0,
        sums.seconds,
        sums.examples,
        sums.calls,
        sums.overlapped,
        sums.contended,
        sums.callbacks,
        sums.failures_injected,
        sums.executions,
        sums.sampled,
        {int(threads): count for threads, count in sums.shifts.items() if threads.isdecimal()},
        dict(sums.memory),
        violations_seen=sums.violations,
        doubts=list(_doubts(books, model, engine, host)),
        cases=sums.cases,
        pairs=pairs.seen,
        both_orders=pairs.both,
    )


def _tell_failures(run: RunSummary, found: list[SavedFailure]) -> None:
    for each in list(found):
        try:
            failure = failures.load(each.path)
        except failures.FailureFileError as error:
            found.remove(each)
            run.violations_seen += 1
            run.doubts.append(f"A failure that was found is not there any more: {error}")
            continue
        run.failures.append(failure)
        run.violations += failure["violations"]


def _doubts(books: Books, model: str, engine: str, host: Host) -> Iterator[str]:
    """Yield why no failures of one engine would prove nothing, or less than it seems."""
    sums = books.totals.get((model, engine), Sums())
    if engine in REAL:
        yield from replace(host, gil=host.gil or sums.gil > 0).doubts()
    for reason, count in sums.errors.items():
        yield f"{count:,} of {sums.cases:,} cases came to nothing: {reason.strip()}"
    if not sums.cases:
        yield "None of its cases was run.  Allow more time."
    elif engine in REAL and not sums.overlapped and not sums.violations:
        yield NO_OVERLAP
    for reason, count in sums.unknown.items():
        yield f"{count:,} instances prove nothing: {reason}."
    if sums.cut:
        yield (
            f"In {sums.cut:,} executions of drawn programs a thread took {STEPS} steps, and was "
            f"going on.  It is probably spinning: put sync.pause() in the loop."
        )
    first = books.folder.plan.first
    asked = sum(bool(one.program) and (one.model, one.engine) == (model, engine) for one in first)
    if sums.finished < asked:
        yield f"{asked - sums.finished} of {asked} programs were not explored to their end."


def _notes(books: Books, found: list[SavedFailure]) -> Iterator[str]:
    if books.pending:
        yield (
            f"{len(books.pending)} failures have not been made smaller and saved yet; that is done "
            f"when the campaign goes on."
        )
    before = [each for each in found if not each.first_case]
    for known, said in (("fails", "still fails"), ("mended", "is mended")):
        for each in before:
            if each.known == known:
                yield f"{each.model}: {each.rule}, known from before, {said} ({each.fingerprint})."
    silent = sum(not each.known and not each.times for each in before)
    if silent:
        yield f"{silent} failures known from before did not come again, which says nothing."
