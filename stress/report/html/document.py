"""The page as a whole: what it begins with, its parts, and what a browser may do with it.

The content security policy allows the style and the script of the page by their digests, and
nothing else: no picture, font, frame, form or connection, and no script that data could bring.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from stress.explore.trace import Trace
from stress.mutants import Row
from stress.report.failure import Report
from stress.report.html import plots, prose, styles
from stress.report.html.heading import Heading
from stress.report.html.lanes import Lanes, gutter, lanes_of
from stress.report.html.matrix import matrix_of
from stress.report.html.safety import shown
from stress.report.html.timeline import Timeline, timeline_of
from stress.report.outcomes import share
from stress.report.summary import Night, Sample, Summary

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_STEPS: Final = 2_000
"""Steps of one execution that are drawn, and"""
ALL_STEPS: Final = 30_000
"""of all executions on the page."""
MOST_CALLS: Final = 2_000
"""Calls of one history that are drawn."""


def page(  # noqa: PLR0913  (what a page can show)
    title: str,
    *,
    summary: Summary | None = None,
    reports: Sequence[Report] = (),
    matrix: Sequence[Row] = (),
    samples: Sequence[Sample] = (),
    nights: Sequence[Night] = (),
) -> str:
    """Return a self-contained page; parts for which there is no data are left out."""
    environment = _environment()
    style = "\n".join([_text("style.css"), styles.computed(_text("folded.css"))])
    script = _text("script.js")
    return environment.get_template("page.html").render(
        title=title,
        style=Markup(style),  # noqa: S704  (our own)
        script=Markup(script),  # noqa: S704
        policy=_policy(style, script),
        heading=Heading.of(summary, reports, matrix),
        summary=summary,
        failures=_failures(reports),
        matrix=_or_none(matrix_of, matrix),
        over_time=_or_none(plots.over_time, samples),
        nights=_or_none(plots.night_by_night, nights),
    )


def _or_none(make: Any, data: Sequence[Any]) -> Any:
    return make(data) if data else None


@dataclass(slots=True)
class Failure:
    """One report as the page shows it."""

    number: int
    report: Report
    lanes: Lanes | None = None
    timeline: Timeline | None = None
    left_out: list[str] = field(default_factory=list)
    """What is too large for the page, in sentences."""

    @property
    def prefix(self) -> str:
        """What its identifiers begin with."""
        return f"f{self.number}"

    @property
    def facts(self) -> dict[str, str]:
        """What is known of it, by label."""
        report = self.report
        return {"model": report.model, "engine": report.engine, **report.facts}

    def linked(self, text: str) -> Markup:
        """Return `text`, in which the steps of this failure are links."""
        rows = self.lanes.trace.steps if self.lanes else []
        return prose.linked(text, self.prefix, {step.number for step in rows})


def _failures(reports: Sequence[Report]) -> list[Failure]:
    found, steps = [], 0
    for number, report in enumerate(reports, 1):
        failure = Failure(number, report)
        trace, calls = report.trace, report.calls
        if trace is not None and (trace.steps or trace.ends):
            if _fits(trace, steps):
                failure.lanes = lanes_of(trace)
                steps += len(trace.steps)
            else:
                failure.left_out.append(
                    f"The execution has {len(trace.steps):,} steps, too many for this page; "
                    f"the replay command shows them."
                )
        if calls:
            failure.timeline = timeline_of(calls[:MOST_CALLS])
        if len(calls) > MOST_CALLS:
            failure.left_out.append(
                f"Of {len(calls):,} calls the first {MOST_CALLS:,} are shown; the saved failure "
                f"has them all."
            )
        found.append(failure)
    return found


def _fits(trace: Trace, steps: int) -> bool:
    return len(trace.steps) <= MOST_STEPS and steps + len(trace.steps) <= ALL_STEPS


@cache
def _environment() -> "Environment":
    from jinja2 import (  # noqa: PLC0415  (no command but those that write pages should wait for it)
        Environment,
        PackageLoader,
        StrictUndefined,
    )

    made = Environment(
        loader=PackageLoader("stress.report.html"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"gutter": gutter, "share": share}
    return made


def _text(name: str) -> str:
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]


def _policy(style: str, script: str) -> str:
    """Return the content security policy; what it allows must be on the page to the letter."""
    one, other = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (style, script)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{one}'; script-src 'sha256-{other}'; "
        f"base-uri 'none'; form-action 'none'"
    )
