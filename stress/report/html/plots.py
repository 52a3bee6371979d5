"""Plots over time, drawn by pygal: small ones side by side, of one figure each.

pygal brings styles, scripts and identifiers of its own, and writes the date; the page has one style
for light and dark, forbids foreign scripts, and is the same for the same data.  So only its drawing
is kept.
"""

import xml.etree.ElementTree as ET  # pygal's own trees, which are written here and not read
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from stress.report.html.safety import shown
from stress.report.summary import Night, Sample

MOST: Final = 240
"""Points of a curve; of more, some are left out."""
ROWS: Final = 24
"""Rows of the table that says in numbers what a plot shows."""
HEIGHT, WIDTH = 190, 290
_KEPT: Final = {"class", "d", "x", "y", "cx", "cy", "r", "width", "height", "transform", "viewBox"}


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure over time."""

    title: str
    told: str
    """What it shows, in a sentence."""
    svg: Markup


@dataclass(frozen=True, slots=True)
class Plots:
    """Plots of the same moments, and their numbers."""

    plots: list[Plot]
    headings: list[str]
    rows: list[list[str]]
    left_out: int
    """Rows that the table has not."""


def over_time(samples: Sequence[Sample]) -> Plots:
    """Return the plots of one campaign."""
    samples = sorted(samples, key=lambda sample: sample.seconds)
    unit, name = _unit(samples[-1].seconds)
    chosen = _thinned(samples, MOST)
    moments = [sample.seconds / unit for sample in chosen]
    figures: dict[str, Callable[[Sample], float]] = {
        "executions": lambda sample: sample.executions,
        "interleavings seen": lambda sample: sample.coverage,
        "different failures": lambda sample: sample.failures,
        "memory, MiB": lambda sample: sample.memory / 1024,
    }
    plots = []
    for title, figure in figures.items():
        values = [figure(sample) for sample in chosen]
        told = (
            f"{title} over {moments[-1]:,.3g} {name}: from {_count(values[0])} to "
            f"{_count(values[-1])}, at most {_count(max(values))}"
        )
        plots.append(Plot(title, told, _curve(moments, values, name)))
    few = _thinned(samples, ROWS)
    rows = [
        [f"{each.seconds / unit:,.2f}", *(_count(figure(each)) for figure in figures.values())]
        for each in few
    ]
    return Plots(plots, [name, *figures], rows, len(samples) - len(few))


def night_by_night(nights: Sequence[Night]) -> Plots:
    """Return the plots from night to night."""
    chosen = list(nights[-MOST:])
    figures: dict[str, Callable[[Night], float]] = {
        "executions": lambda night: night.executions,
        "interleavings seen": lambda night: night.coverage,
        "different failures": lambda night: night.failures,
        "new failures": lambda night: night.new,
    }
    plots = []
    for title, figure in figures.items():
        values = [figure(night) for night in chosen]
        told = (
            f"{title} in {len(values)} nights: from {_count(values[0])} to {_count(values[-1])}, "
            f"at most {_count(max(values))}"
        )
        plots.append(Plot(title, told, _bars([str(shown(night.name)) for night in chosen], values)))
    rows = [
        [
            night.name,
            f"{night.seconds:,.0f}",
            *(_count(figure(night)) for figure in figures.values()),
        ]
        for night in chosen[-ROWS:]
    ]
    return Plots(plots, ["night", "seconds", *figures], rows, len(nights) - len(rows))


def _thinned[T](points: Sequence[T], most: int) -> list[T]:
    """Return at most so many points, evenly chosen, with the first and the last."""
    if len(points) <= most:
        return list(points)
    return [points[round(at * (len(points) - 1) / (most - 1))] for at in range(most)]


def _unit(seconds: float) -> tuple[float, str]:
    """Return how many seconds the unit has in which a time is best told, and its name."""
    hour, minute = 3600, 60
    if seconds >= 2 * hour:
        return hour, "hours"
    return (minute, "minutes") if seconds >= 5 * minute else (1, "seconds")


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _short(value: float) -> str:
    """Return a number for an axis.

    >>> _short(1500), _short(2_000_000), _short(0.5), _short(7)
    ('1.5k', '2M', '0.5', '7')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _curve(moments: Sequence[float], values: Sequence[float], unit: str) -> Markup:
    from pygal import XY  # noqa: PLC0415  (slow to import, and few pages have plots)

    chart = XY(**_options(), show_dots=False, x_title=unit, xrange=(0, max(moments) or 1))
    chart.x_labels = _ticks(max(moments))
    chart.add("", list(zip(moments, values, strict=True)))
    return _drawn(chart, max(values))


def _bars(names: Sequence[str], values: Sequence[float]) -> Markup:
    from pygal import Bar  # noqa: PLC0415

    chart = Bar(**_options())
    every = -(-len(names) // 3)
    chart.x_labels = [name[:10] if at % every == 0 else "" for at, name in enumerate(names)]
    chart.add("", list(values))
    return _drawn(chart, max(values))


def _options() -> dict[str, Any]:
    return {
        "css": [],
        "js": [],
        "disable_xml_declaration": True,
        "show_legend": False,
        "width": WIDTH,
        "height": HEIGHT,
        "truncate_label": -1,
        "margin": 6,
        "spacing": 6,
        "formatter": _short,
        "value_formatter": _short,
        "x_value_formatter": _short,
    }


def _ticks(most: float, count: int = 5, least: float = 0) -> list[float]:
    """Return round numbers from 0 to `most`, about so many, at least `least` apart.

    >>> _ticks(8), _ticks(1.7)
    ([0.0, 2.0, 4.0, 6.0, 8.0], [0.0, 0.5, 1.0, 1.5])
    """
    if most <= 0:
        return [0.0, 1.0]
    size = 10.0 ** (len(f"{int(most / count)}") - 1 if most >= count else -6)
    steps = (size * 10**power * each for power in range(12) for each in (1, 2, 2.5, 5))
    step = next(step for step in steps if step >= least and most / step <= count)
    return [round(at * step, 9) for at in range(int(most / step) + 1)]


def _drawn(chart: Any, most: float) -> Markup:
    """Return the drawing alone, as part of a page."""
    chart.range = (0, most or 1)
    chart.y_labels = _ticks(most or 1, 4, least=1)
    tree = chart.render_tree()
    _strip(tree)
    tree.set("class", "plot-drawing")
    tree.set("aria-hidden", "true")
    tree.set("focusable", "false")
    return Markup(ET.tostring(tree, "unicode", short_empty_elements=True))  # noqa: S704


def _strip(element: ET.Element) -> None:
    """Leave of an element what is drawn: no scripts, styles, comments, titles or identifiers."""
    for child in list(element):
        if not isinstance(child.tag, str) or child.tag.split("}")[-1] in _LEFT_OUT:
            element.remove(child)
        else:
            _strip(child)
    for name in set(element.attrib) - _KEPT:
        del element.attrib[name]


_LEFT_OUT: Final = {"script", "style", "defs", "title", "desc"}
