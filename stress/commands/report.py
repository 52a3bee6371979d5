"""`stress report`: saved failures, shown again without running anything."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
from rich.table import Table
from rich.text import Text

from stress import failures
from stress.commands.usage import usage_errors
from stress.report import text
from stress.report.failure import Report
from stress.report.neutral import neutral
from stress.report.page import Spelling, cut
from stress.report.page import as_ascii as as_ascii_text
from stress.report.telling import told

FOLDER: Final = "failures"
"""Where a run saves its failures in its output folder."""
SUMMARY: Final = "report.json"
"""What a run saves beside them, and is none."""

LONGEST: Final = 40
"""Columns of a cell of the index."""


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE|DIR...", type=click.Path(path_type=Path)
)
@click.option("--html", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write one self-contained page.")  # fmt: skip
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write JUnit XML, for a CI system.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--ascii", "as_ascii", is_flag=True, help="Draw in ASCII.")
def report(
    *,
    paths: tuple[Path, ...],
    html: Path | None,
    junit: Path | None,
    as_json: bool,
    as_ascii: bool,
) -> None:
    """Show saved failures again, without running anything.

    A FILE is a saved failure; of a DIR all that are saved in it are shown, with an index: the
    output folder of a run or a campaign, or a folder of failures.  Nothing in a file is carried
    out, so it may be a stranger's.

    \b
    stress report .stress                        as text
    stress report .stress --html failures.html   as a page to look at, or to attach to an issue

    The status is 0 where all could be shown, and 2, with nothing written, where one could not.
    """  # noqa: D301  (click knows \b, and not its spelling)
    with usage_errors():
        files = [file for path in paths for file in _files(path)]
        reports = [_read(file) for file in files]
    if as_json:
        click.echo(json.dumps({"reports": [each.to_json() for each in reports]}, indent=1))
    elif not (html or junit):
        _show(reports, as_ascii=as_ascii)
    with usage_errors():
        _write(reports, html, junit, quiet=as_json)


def _files(path: Path) -> list[Path]:
    """Return the files of failures at `path`, which is one, or a folder of them."""
    if not path.is_dir():
        return [path]
    saved = [*path.rglob(f"{FOLDER}/*.json")] or [*path.glob("*.json")]
    return sorted(file for file in saved if file.name != SUMMARY)


def _read(path: Path) -> Report:
    try:
        return told(failures.load(path), path)
    except failures.FailureFileError as error:
        if str(path) in str(error):
            raise
        raise failures.FailureFileError(f"{path}: {error}") from error


def _show(reports: Sequence[Report], *, as_ascii: bool) -> None:
    console = text.console()
    if not reports:
        console.print("No failure is saved there.")
    if len(reports) > 1:
        utf = (console.encoding or "").startswith("utf")
        console.print(_index(reports, str if utf and not as_ascii else as_ascii_text))
    for number, each in enumerate(reports):
        if number or len(reports) > 1:
            console.print()
        text.show_report(each, console, as_ascii=as_ascii)


def _index(reports: Sequence[Report], spell: Spelling) -> Table:
    """Return a line for each failure."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("saved", "kind", "model", "what is wrong"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "model")
    for each in reports:
        cells = (Path(each.saved).name, each.kind, each.model, each.title)
        table.add_row(*(Text(cut(spell(neutral(cell)), LONGEST, spell)) for cell in cells))
    return table


def _write(
    reports: Sequence[Report], html: Path | None, junit: Path | None, *, quiet: bool
) -> None:
    for path, content in _written(reports, html, junit):
        failures.write(path, content)
        if not quiet:
            many = "s" * (len(reports) != 1)
            click.echo(f"{path}: {len(reports):,} failure{many}")


def _written(
    reports: Sequence[Report], html: Path | None, junit: Path | None
) -> Iterator[tuple[Path, str]]:
    """Yield what is to be written, and where; the libraries it takes are not loaded before."""
    if html:
        from stress.report.html import page  # noqa: PLC0415

        yield html, page("Saved failures", reports=reports)
    if junit:
        from stress.report import junit as xml  # noqa: PLC0415

        yield junit, xml.spelled(xml.of_reports(reports))
