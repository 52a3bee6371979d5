"""The screenshots in ``docs/screenshots``, made anew by ``make screenshots``.

Three saved failures, one kill matrix and one campaign are shown as they were found.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Page, sync_playwright

from stress.host import Host
from stress.mutants import Cell, Row
from stress.report.failure import Report
from stress.report.html import page
from stress.report.summary import RunSummary, Sample, Summary
from stress.report.telling import told
from tests.browser.conftest import started

SAVED = Path(__file__).parent / "saved"
PLACE = Path(__file__).resolve().parents[2] / "docs" / "screenshots"


@dataclass(frozen=True)
class Shot:
    """A picture of a page."""

    name: str
    source: Callable[[], str]
    scheme: Literal["light", "dark"] = "light"
    width: int = 1280
    height: int = 900
    scroll: str = "body"
    """What is at the top of the picture."""
    point: str = ""
    """What the pointer is at."""


def saved(name: str) -> Report:
    """Return a failure that was found, and saved in a test of this project."""
    failure = json.loads((SAVED / f"{name}.json").read_text())
    path = Path(".stress/failures") / f"{failure['fingerprint']}.json"
    return told(failure, path)


def failure() -> str:
    """Return the page of a race."""
    return page("stress run registrar:relaxed-set --engine explore", reports=[saved("race")])


def history() -> str:
    """Return the page of a history of real threads."""
    command = "stress run bitmap-allocator:stored-release --engine threads"
    return page(command, reports=[saved("history")])


def outcomes() -> str:
    """Return the page of a program that failed on real threads, and what it came to in all."""
    command = "stress run bitmap-allocator:stored-release --engine concurrent"
    return page(command, reports=[saved("outcomes")])


def matrix() -> str:
    """Return the page of a kill matrix."""
    subjects = json.loads((SAVED / "matrix.json").read_text())["subjects"]
    rows = []
    for subject in subjects:
        cells = {column: Cell(**cell) for column, cell in subject.pop("cells").items()}
        rows.append(Row(**subject, cells=cells))
    return page("stress mutants treiber-stack", matrix=rows)


def campaign() -> str:
    """Return the page of a campaign of one hour, of all models."""
    whole = json.loads((SAVED / "campaign.json").read_text())
    host = Host(**{each.name: whole[each.name] for each in fields(Host)})
    summary = Summary(host, whole["seed"])
    for run in whole["runs"]:
        del run["verdict"]  # which follows from the others
        summary.runs.append(RunSummary(**run))
    went = [Sample(**each) for each in whole["campaign"]["samples"]]
    return page("stress run --for 1h --out night", summary=summary, samples=went)


SHOTS = [
    Shot("failure-light", failure, height=1800),
    Shot("failure-dark", failure, "dark", height=1010, scroll="h3", point="#f1-s9"),
    Shot("failure-phone", failure, width=390, height=1900),
    Shot("history", history, height=1500),
    Shot("outcomes", outcomes, height=900, scroll="dl.order"),
    Shot("matrix", matrix, height=860),
    Shot("campaign", campaign, "dark", height=1000, scroll="section[aria-labelledby=time]"),
]


def take(shot: Shot, view: Page, place: Path) -> None:
    """Save the picture in the folder `place`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(shot.source())
        view.goto(path.as_uri())
        view.locator(shot.scroll).first.evaluate("each => each.scrollIntoView()")
        if shot.point:
            view.locator(shot.point).hover()
        view.screenshot(path=place / f"{shot.name}.png")


def main() -> None:
    """Make all of them."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = started(playwright.chromium)
        for shot in SHOTS:
            context = browser.new_context(
                viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.scheme
            )
            take(shot, context.new_page(), PLACE)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
