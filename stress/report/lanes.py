"""A failing interleaving as text: a lane for each thread, time going down, arrows for reads.

 #  writer                             reader                    where
 ─  ─────────────────────────────────  ───────────────────────   ───────────
 1  data  ← 42  race                                             mp.py:9
 2  ready ← 1         relaxed ╌╌╮                                mp.py:10
 3                              ╰╌╌▸   ready → 1         acquire mp.py:13

A dotted arrow leads from a write to a read that does not synchronise with it, a solid one to what
does; plain data has no arrows.  A read marked stale has skipped something newer.  With more than
three threads, or where the lanes would be wider than the page, there is one column instead.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import PurePosixPath
from typing import Final

from rich.text import Text

from stress.explore.trace import Trace, TraceStep

MODELS: Final = {
    "rc11": "weak memory · rc11",
    "tso": "store buffers · tso",
    "sc": "interleavings · sc",
}
WIDTH: Final = 92
MOST_LANES: Final = 3
NARROWEST: Final = 80
LABEL: Final = 10
"""Columns of a label and the space after it."""
LONGEST_NAME: Final = 28
ROOMY_GUTTER, TIGHT_GUTTER = 6, 4
"""Columns between two lanes, besides those of the lines down."""
NUMBER: Final = 4
"""Columns of a step's number and the space around it."""
ROOMY: Final = 32
"""No lane is made wider than this if it need not be."""

UP, DOWN, LEFT, RIGHT, DOTTED_ACROSS, DOTTED_DOWN = 1, 2, 4, 8, 16, 32
_LINES: Final = " ╵╷│╴╯╮┤╶╰╭├─┴┬┼"
_ASCII: Final = {
    "✗": "X", "━": "=", "─": "-", "╌": ".", "│": "|", "╎": ":", "→": "->", "←": "<-", "≠": "!=",
    "▸": ">", "◂": "<", "…": "...", "·": "-", **dict.fromkeys("╯╮┤╰╭├┴┬┼", "+"),
}  # fmt: skip


def render(trace: Trace, width: int = WIDTH, *, ascii: bool = False) -> str:  # noqa: A002
    """Return the report, no line of it wider than `width`."""
    spell = _as_ascii if ascii else str
    found = [*_heading(trace, width, spell), ""]
    drawn = None
    if width >= NARROWEST and len(trace.threads) - len(trace.outside) <= MOST_LANES:
        layouts = product((_places(trace, spell), _lines(trace)), (ROOMY_GUTTER, TIGHT_GUTTER))
        tried = (_lanes(trace, width, places, gutter, spell) for places, gutter in layouts)
        drawn = next((lanes for lanes in tried if lanes is not None), None)
    found += drawn if drawn is not None else _column(trace, width, spell)
    if trace.why:
        found += ["", *_labelled("why", "  ".join(map(spell, trace.why)), width)]
    styles = {step.synchronizes for step in trace.steps if _arrow(trace, step)}
    words = {
        False: "╌╌ reads from, without synchronizing",
        True: "── reads from or follows, and synchronizes",
    }
    if legend := [spell(words[style]) for style in (False, True) if style in styles]:
        found += ["", "      ".join(legend)]
    return "".join(f"{line.rstrip()}\n" for line in found)


def painted(report: str) -> Text:
    """Return a report in colours, for a terminal."""
    text = Text(report, end="")
    text.highlight_regex(r"\A.*", "bold red")
    text.highlight_regex(r"(?m)^(scenario|found|bounds|replay|saved|observed|allowed|why)\b", "dim")
    text.highlight_regex(r"  (stale|race|overtaken|spurious)\b", "bold yellow")
    text.highlight_regex(r"(?m)^ [✗X] .*", "red")
    return text


def _as_ascii(text: str) -> str:
    for character, plain in _ASCII.items():
        text = text.replace(character, plain)
    return text.encode("ascii", "backslashreplace").decode()


# Above and below the lanes


def _heading(trace: Trace, width: int, spell: type[str]) -> Iterator[str]:
    title, model = spell(f"✗ {trace.title}"), spell(MODELS.get(trace.memory, trace.memory))
    first, *rest = textwrap.wrap(title, width - len(model) - 2, subsequent_indent="  ")
    yield f"{first}{model:>{width - len(first)}}"
    yield from rest
    yield spell("━") * width
    pairs = [("scenario", trace.scenario), ("found", trace.found), ("bounds", trace.bounds)]
    pairs = [(label, spell(value)) for label, value in pairs if value]
    if trace.saved:
        pairs.append(("saved", spell(trace.saved)))
    half = width // 2
    while pairs:
        (label, value), *pairs = pairs
        line = f"{label:<{LABEL}}{value}"
        if pairs and len(line) < half - 1 and len(pairs[0][1]) <= width - half - LABEL:
            (label, value), *pairs = pairs
            line = f"{line:<{half}}{label:<{LABEL}}{value}"
        yield line
    if trace.saved:
        yield spell(f"{'replay':<{LABEL}}stress replay {trace.saved}")
    if trace.observed or trace.allowed:
        yield ""
    for label, lines in (("observed", trace.observed), ("allowed", trace.allowed)):
        for number, line in enumerate(lines):
            yield from _labelled("" if number else label, spell(line), width)


def _labelled(label: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=f"{label:<{LABEL}}",
        subsequent_indent=" " * LABEL,
        drop_whitespace=True,
    )


# Steps as text


def _cell(step: TraceStep) -> tuple[str, str, str]:  # noqa: PLR0911  (one an operation)
    """Return a step in three parts: where, what, in which order."""
    location = _short(step.location)
    marks = {
        "spurious": step.wanted != "" and step.wanted == step.old,
        "overtaken" if step.operation == "store" else "stale": step.stale,
        "race": step.race,
    }
    mark = "".join(f"  {word}" for word, is_so in marks.items() if is_so)
    match step.operation:
        case "load":
            return location, f"→ {step.old}{mark}", step.order
        case "store":
            return location, f"← {step.new}{mark}", step.order
        case "create":
            return location, f"← {step.new}  new{mark}", step.order
        case "update" | "compare-exchange":
            return location, f"{step.old} → {step.new}{mark}", step.order
        case "failed compare-exchange":
            other = "" if step.old == step.wanted else f" ≠ {step.wanted}"
            return location, f"→ {step.old}{other}{mark}", step.order
        case "notify":
            return "notify", f"{location} → {step.new}", ""
        case "wait":
            return "unlock", f"{location} to wait", ""
        case "relock":
            return "lock", f"{location} again", ""
        case "spurious wake-up":
            return "woken", "by nobody", ""
    return step.operation, location, step.order


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


def _aligned(cells: list[tuple[str, str, str]]) -> list[str]:
    """Return each cell in one line; their parts begin in the same columns."""
    one, two = (max((len(cell[at]) for cell in cells), default=0) for at in (0, 1))
    return [f"{where:<{one}} {what:<{two}}  {order}".rstrip() for where, what, order in cells]


def _spelled(trace: Trace, spell: type[str]) -> list[tuple[str, str, str]]:
    found = []
    for step in trace.steps:
        where, what, order = map(spell, _cell(step))
        found.append((where, what, order))
    return found


def _places(trace: Trace, spell: type[str]) -> dict[str, str]:
    """Return how each source place is shown: without its folders where that says enough."""
    files = {each.where.rpartition(":")[0] for each in (*trace.steps, *trace.ends) if each.where}
    names = [PurePosixPath(file).name for file in files]
    found = {}
    for each in (*trace.steps, *trace.ends):
        file, _, line = each.where.rpartition(":")
        name = PurePosixPath(file).name
        short = name if names.count(name) == 1 else file
        found[each.where] = spell(f"{short}:{line}") if each.where else ""
    return found


def _lines(trace: Trace) -> dict[str, str]:
    """Return how each source place is shown where there is little room: line numbers alone."""
    wheres = [each.where for each in (*trace.steps, *trace.ends)]
    if len({where.rpartition(":")[0] for where in wheres if where}) > 1:
        return {where: where for where in wheres}
    return {where: where.rpartition(":")[2] for where in wheres}


# One column


def _column(trace: Trace, width: int, spell: type[str]) -> list[str]:
    """Return one line a step, thread first."""
    places = _places(trace, spell)
    names = [spell(name) for name in trace.threads]
    texts = _aligned(_spelled(trace, spell))
    rows = [("#", "thread", "step", "reads", "where")]
    for step, text in zip(trace.steps, texts, strict=True):
        source = ""
        if _arrow(trace, step):
            source = spell("◂─" if step.synchronizes else "◂╌") + f" {step.reads}"
        rows.append((str(step.number), names[step.thread], text, source, places[step.where]))
    for end in trace.ends:
        mark = spell("✗" if trace.kind in ("assertion", "exception") else " ")
        rows.append((mark, names[end.thread], spell(end.text), "", places[end.where]))
    if not any(row[3] for row in rows[1:]):
        rows = [(*row[:3], "", row[4]) for row in rows]
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    widths[0] = max(widths[0], 2)
    spare = width - sum(widths) - 8
    if spare < 0:
        widths[2] = max(widths[2] + spare, 10)
    rows.insert(1, ("─" * widths[0], *("─" * wide for wide in widths[1:])))
    found = []
    for number, row in enumerate(rows):
        number_text = spell(row[0]) if number == 1 else f"{row[0]:>{widths[0]}}"
        cells = [number_text]
        for text, wide in zip(row[1:], widths[1:], strict=True):
            if wide:
                cells.append(f"{_cut(spell(text), wide, spell):<{wide}}")
        found.append("  ".join(cells)[:width])
    return found


def _cut(text: str, wide: int, spell: type[str]) -> str:
    if len(text) <= wide:
        return text
    more = spell("…")
    return text[: max(wide - len(more), 0)] + more


# Lanes


@dataclass(slots=True)
class _Track:
    """A vertical line between two lanes: from a write down to those who read it."""

    source: int
    """A row."""
    lane: int
    gutter: int
    """To the right of which lane it runs."""
    solid: bool
    targets: list[tuple[int, int]] = field(default_factory=list)
    """Rows, with their lanes."""
    column: int = 0

    @property
    def last(self) -> int:
        return self.targets[-1][0]


def _arrow(trace: Trace, step: TraceStep) -> bool:
    """Return whether what `step` reads is worth an arrow: atomic or a lock, of another thread."""
    if not step.reads or step.thread in trace.outside:
        return False
    source = trace.steps[step.reads - 1]
    if source.thread == step.thread or source.thread in trace.outside:
        return False
    return bool(step.order) or step.operation not in ("load", "store")


def _tracks(trace: Trace, lanes: dict[int, int]) -> list[_Track]:
    found: dict[tuple[int, int, bool], _Track] = {}
    for row, step in enumerate(trace.steps):
        if not _arrow(trace, step):
            continue
        assert step.reads is not None
        source = trace.steps[step.reads - 1]
        at, to = lanes[source.thread], lanes[step.thread]
        gutter = at if to > at else at - 1
        key = step.reads, gutter, step.synchronizes
        track = found.setdefault(key, _Track(step.reads - 1, at, gutter, step.synchronizes))
        track.targets.append((row, to))
    return list(found.values())


def _assign_columns(tracks: list[_Track]) -> int:
    """Give tracks that overlap different columns; return how many columns there are."""
    ends: list[int] = []
    for track in sorted(tracks, key=lambda each: each.source):
        for column, end in enumerate(ends):
            if end < track.source:
                track.column = column
                ends[column] = track.last
                break
        else:
            track.column = len(ends)
            ends.append(track.last)
    return len(ends)


class _Page:
    """The rows of the lanes: text, and lines where there is none."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[list[str]] = []
        self.lines: list[list[int]] = []

    def add(self) -> int:
        """Add an empty row and return its number."""
        self.rows.append([" "] * self.width)
        self.lines.append([0] * self.width)
        return len(self.rows) - 1

    def write(self, row: int, column: int, text: str) -> None:
        """Put text into a row."""
        self.rows[row][column : column + len(text)] = text

    def line(self, row: int, start: int, end: int, *, solid: bool) -> None:
        """Draw a horizontal line through all columns from `start` to `end`."""
        for column in range(start, end + 1):
            self.lines[row][column] |= LEFT * (column > start) | RIGHT * (column < end)
            self.lines[row][column] |= DOTTED_ACROSS * (not solid)

    def drawn(self, spell: type[str]) -> list[str]:
        """Return the rows as text."""
        return [
            "".join(
                letter if letter != " " else spell(_line(line))
                for letter, line in zip(letters, lines, strict=True)
            )
            for letters, lines in zip(self.rows, self.lines, strict=True)
        ]


def _line(bits: int) -> str:
    ends = bits & (UP | DOWN | LEFT | RIGHT)
    if ends and not ends & (UP | DOWN):
        return "╌" if bits & DOTTED_ACROSS else "─"
    if ends and not ends & (LEFT | RIGHT):
        return "╎" if bits & DOTTED_DOWN else "│"
    return _LINES[ends]


def _lanes(
    trace: Trace, width: int, places: dict[str, str], gutter: int, spell: type[str]
) -> list[str] | None:
    """Return the lanes, or None where they do not fit."""
    shown = [at for at in range(len(trace.threads)) if at not in trace.outside]
    lanes = {thread: lane for lane, thread in enumerate(shown)}
    spelled = _spelled(trace, spell)
    texts: dict[int, str] = {}
    for thread in range(len(trace.threads)):
        mine = [row for row, step in enumerate(trace.steps) if step.thread == thread]
        texts |= dict(zip(mine, _aligned([spelled[row] for row in mine]), strict=True))
    tracks = _tracks(trace, lanes)
    layout = _layout(trace, lanes, texts, tracks, width, places, gutter, spell)
    if layout.where + layout.where_width > width:
        return None
    page = _Page(max(width, layout.where + layout.where_width))
    _draw_header(trace, page, layout, shown, spell)
    first = len(page.rows)
    for row, step in enumerate(trace.steps):
        _draw_step(trace, page, layout, lanes, step, texts[row])
        page.write(first + row, layout.where, layout.places[step.where])
    for track in tracks:
        _draw_track(page, layout, track, texts, first, spell)
    _draw_ends(trace, page, layout, lanes, spell)
    return page.drawn(spell)


@dataclass(slots=True)
class _Layout:
    starts: list[int]
    widths: list[int]
    where: int
    where_width: int
    places: dict[str, str]


def _layout(  # noqa: PLR0913
    trace: Trace,
    lanes: dict[int, int],
    texts: dict[int, str],
    tracks: list[_Track],
    width: int,
    places: dict[str, str],
    gutter: int,
    spell: type[str],
) -> _Layout:
    widths, gutters = [], []
    for thread, lane in lanes.items():
        mine = [texts[row] for row, step in enumerate(trace.steps) if step.thread == thread]
        widths.append(max(len(spell(trace.threads[thread])), *map(len, mine), 0))
        columns = _assign_columns([track for track in tracks if track.gutter == lane])
        gutters.append(columns + gutter if columns else 2)
    where_width = max([len("where"), *map(len, places.values())])
    spare = width - NUMBER - sum(widths) - sum(gutters) - where_width
    widths = [max(wide, min(wide + spare // len(widths), ROOMY)) for wide in widths]
    starts, column = [], NUMBER
    for lane, wide in enumerate(widths):
        starts.append(column)
        column += wide + gutters[lane]
        for track in tracks:
            if track.gutter == lane:
                track.column += starts[-1] + wide + gutter - 3
    return _Layout(starts, widths, column, where_width, places)


def _draw_header(
    trace: Trace, page: _Page, layout: _Layout, shown: list[int], spell: type[str]
) -> None:
    names, rule = page.add(), page.add()
    columns = [(1, "#", 1)]
    for lane, thread in enumerate(shown):
        end = layout.starts[lane + 1] if lane + 1 < len(shown) else layout.where
        name = spell(trace.threads[thread])
        columns.append((layout.starts[lane], name, end - 2 - layout.starts[lane]))
    columns.append((layout.where, "where", layout.where_width))
    for column, name, wide in columns:
        page.write(names, column, name)
        page.write(rule, column, spell("─") * wide)


def _draw_step(  # noqa: PLR0913
    trace: Trace,
    page: _Page,
    layout: _Layout,
    lanes: dict[int, int],
    step: TraceStep,
    text: str,
) -> None:
    row = page.add()
    page.write(row, 0, f"{step.number:>2}")
    if step.thread in lanes:
        page.write(row, layout.starts[lanes[step.thread]], text)
        return
    source = f"  from step {step.reads}" if step.reads else ""
    name = trace.threads[step.thread]
    page.write(row, 4, f"{name}: {text}{source}"[: layout.where - 6])


def _draw_track(  # noqa: PLR0913
    page: _Page,
    layout: _Layout,
    track: _Track,
    texts: dict[int, str],
    first: int,
    spell: type[str],
) -> None:
    """Draw the line down from a write, and a branch to each that reads it."""
    rows = [first + track.source, first + track.last]
    for row in range(rows[0], rows[1] + 1):
        page.lines[row][track.column] |= UP * (row > rows[0]) | DOWN * (row < rows[1])
        page.lines[row][track.column] |= DOTTED_DOWN * (not track.solid)
    start = layout.starts[track.lane]
    if track.gutter == track.lane:
        after = start + len(texts[track.source]) + 1
        page.line(rows[0], after, track.column, solid=track.solid)
    else:
        page.line(rows[0], track.column, start - 2, solid=track.solid)
    for row, lane in track.targets:
        start = layout.starts[lane]
        if track.gutter < lane:
            page.line(first + row, track.column, start - 2, solid=track.solid)
            page.write(first + row, start - 2, spell("▸"))
        else:
            after = start + len(texts[row]) + 1
            page.line(first + row, after, track.column, solid=track.solid)
            page.write(first + row, after, spell("◂"))


def _draw_ends(
    trace: Trace, page: _Page, layout: _Layout, lanes: dict[int, int], spell: type[str]
) -> None:
    for end in trace.ends:
        row = page.add()
        failed = trace.kind in ("assertion", "exception")
        page.write(row, 1, spell("✗" if failed else " "))
        text, room = spell(end.text), layout.where - 6
        start = layout.starts[lanes[end.thread]] if end.thread in lanes else 4
        if end.thread not in lanes or start + len(text) > layout.where - 2:
            start, text = 4, f"{spell(trace.threads[end.thread])}: {text}"
        page.write(row, start, _cut(text, room, spell))
        page.write(row, layout.where, layout.places[end.where])
