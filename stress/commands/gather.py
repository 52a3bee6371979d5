"""`stress gather`: the campaigns of one night, added to the nights before."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from rich.text import Text

from stress import failures
from stress.campaign.folder import Folder, FolderError, SavedFailure
from stress.commands.usage import usage_errors
from stress.nights import Nights, Owner, Shard, checked_name
from stress.report import text
from stress.report.failure import Report
from stress.report.neutral import neutral
from stress.report.telling import told
from stress.report.written import written
from stress.verdict import Verdict

NEW: Final = "new"
"""Where the texts of issues are, in the folder of the nights."""


@click.command()
@click.argument("shards", nargs=-1, required=True, metavar="DIR...",
                type=click.Path(path_type=Path))  # fmt: skip
@click.option("--into", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="The folder of all nights; it is made where there is none.")  # fmt: skip
@click.option("--night", "name", required=True, help="What this night is called: a number, a date.")
def gather(*, shards: tuple[Path, ...], into: Path, name: str) -> None:
    """Add the campaigns in DIRs, which are one night, to the nights before.

    Each DIR is what `stress run --out DIR` left.  Failures that no night before had are told, and
    the text of an issue for each is written to new/ in the folder of the nights: in its first line
    the command that replays it.  A night of the same name is replaced.

    The status is 1 if this night met a failure, new or known, and 3 if a DIR could not be read:
    it is left out.  If none can be read it is 2, and nothing is written.
    """
    console = text.console()
    with usage_errors():
        nights = Nights.load(into)
        found, wrong = _read(shards)
        reports = {each: _told(saved, into) for one in found for each, saved in one.met.items()}
        new = nights.add(checked_name(name), [one.shard(reports) for one in found])
        _write(nights, new, found, reports, into)
    for message in wrong:
        console.print(Text(f"left out  {message}", "yellow"))
    night = nights.nights[-1]
    console.print(
        f"night {night.name}: {night.executions:,} executions in {night.seconds / 3600:.1f} hours, "
        f"coverage {night.coverage:,}, {night.failures:,} failures, {night.new:,} of them new",
        highlight=False,
    )
    for each in new:
        console.print(Text(f"new     {each}  {neutral(nights.known[each].title)}", "red"))
    for each, known in nights.known.items():
        if known.mended == name:
            console.print(Text(f"mended  {each}  {neutral(known.title)}", "green"))
    verdict = Verdict.UNKNOWN if wrong else Verdict.OK
    sys.exit((Verdict.FAILED if night.failures else verdict).exit_code)


@dataclass(frozen=True)
class Gathered:
    """What is read of one folder."""

    seconds: float
    executions: int
    coverage: Mapping[Owner, Mapping[str, int | None]]
    met: Mapping[str, Mapping[str, Any]]
    """The failures it has met, as they are saved, by their fingerprints."""
    mended: frozenset[str]

    def shard(self, reports: Mapping[str, Report]) -> Shard:
        """Return what the nights remember of it."""
        titles = {each: f"{reports[each].model}: {reports[each].title}" for each in self.met}
        return Shard(self.seconds, self.executions, self.coverage, titles, self.mended)


def _told(saved: Mapping[str, Any], into: Path) -> Report:
    return told(saved, into / "failures" / f"{saved['fingerprint']}.json")


def _read(paths: Sequence[Path]) -> tuple[list[Gathered], list[str]]:
    """Return what the folders hold, and why some could not be read; FolderError if none could."""
    found, wrong = [], []
    for path in paths:
        try:
            found.append(_gathered(path))
        except (FolderError, failures.FailureFileError) as error:
            wrong.append(str(error))
    if not found:
        raise FolderError("\n".join(wrong))
    return found, wrong


def _gathered(path: Path) -> Gathered:
    with Folder.open(path) as folder:
        saved = folder.failures()
        return Gathered(
            folder.seconds,
            folder.executions,
            {owner: _seeds(folder, pairs) for owner, pairs in folder.coverage().items()},
            {each.fingerprint: failures.load(each.path) for each in saved if _is_met(each)},
            frozenset(each.fingerprint for each in saved if each.known == "mended"),
        )


def _seeds(folder: Folder, pairs: Mapping[str, int]) -> dict[str, int | None]:
    """Return for each interleaving the seed that shows it; None where a seed is not all."""
    cases = {number: folder.plan.case(number) for number in set(pairs.values()) if number >= 0}
    return {
        pair: None if number not in cases or cases[number].program else cases[number].seed
        for pair, number in pairs.items()
    }


def _is_met(found: SavedFailure) -> bool:
    """Return whether the campaign met the failure itself: found it, or replayed it."""
    return found.times > 0 or found.known == "fails"


def _write(
    nights: Nights,
    new: Sequence[str],
    found: Sequence[Gathered],
    reports: Mapping[str, Report],
    into: Path,
) -> None:
    """Write everything, and what decides that it is there last."""
    from stress.report.html import page  # noqa: PLC0415  (it takes a while to load)

    html = page("nights", reports=[*reports.values()], nights=nights.nights)
    for path in (into / NEW).glob("*"):
        path.unlink()
    for saved in (saved for one in found for saved in one.met.values()):
        name = f"{saved['fingerprint']}.json"
        if not (into / "failures" / name).exists():
            failures.save(saved, into / "failures", name)
    for each in new:
        body = f"{reports[each].replay}\n\n{_fenced(written(reports[each]))}"
        failures.write(into / NEW / f"{each}.md", body)
        title = f"{neutral(nights.known[each].title)[:200]} [{each}]"
        failures.write(into / NEW / f"{each}.title", title + "\n")
    failures.write(into / "report.html", html)
    failures.write(into / "trend.md", nights.trend())
    nights.save(into)


def _fenced(report: str) -> str:
    """Return a report as a block of Markdown, whatever is in it."""
    fence = "```"
    while fence in report:
        fence += "`"
    return f"{fence}text\n{report}{fence}\n"
