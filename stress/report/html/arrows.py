"""Arrows between the steps of a trace, as pieces that fit into the cells of a table.

A row of the table may be of any height, so no arrow can be drawn in one piece: each cell draws what
passes through it, and the pieces meet.  An arrow leaves the text of its source, goes down between
two lanes (in the gutter to the right of a lane), and crosses to the text of the step that reads.
What leaves and what arrives have heights of their own in a row, so that they can be told apart.
"""

from dataclasses import dataclass
from typing import Final

from stress.report.arrows import Arrow

LEAVES, ARRIVES = 21, 13
"""Pixels below the top of a row."""
BEND: Final = 5
"""The radius of a corner."""
FIRST, APART = 9, 8
"""Pixels to the first line down in a gutter, and from each to the next."""
MOST: Final = 20
"""Lines down in one gutter; what has no room is told in words alone."""


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of an arrow: straight, or bent where `bend` says, with a head or without."""

    arrow: Arrow
    x1: str
    y1: str
    x2: str
    y2: str
    bend: str = ""
    """The path of a corner at its end."""
    head: str = ""
    """The points of an arrow head at its end."""


def drawable(arrows: list[Arrow]) -> list[Arrow]:
    """Return the arrows that there is room for."""
    return [each for each in arrows if each.column < MOST]


def in_gutter(arrows: list[Arrow], lane: int, at: int, wide: int) -> list[Line]:
    """Return what passes the gutter of `lane`, `wide` pixels, in the row of step `at`."""
    found = []
    for arrow in arrows:
        mine = arrow.gutter == lane
        if arrow.source == at and mine:
            found.append(_leaving(arrow, wide))
        for target, goal in arrow.targets:
            if target == at:
                if mine:
                    found.append(_arriving(arrow, goal, wide))
                elif arrow.gutter < lane < goal or goal <= lane < arrow.gutter:
                    found.append(_crossing(arrow, goal, lane, wide))
        if mine and arrow.source < at < arrow.last:
            found.append(_down(arrow, "0", "100%"))
        elif mine and at == arrow.source:
            found.append(_down(arrow, str(LEAVES + BEND), "100%"))
        elif mine and at == arrow.last:
            found.append(_down(arrow, "0", str(ARRIVES - BEND)))
    return found


def between(arrows: list[Arrow], lane: int, after: int) -> list[Line]:
    """Return what goes down the gutter of `lane` in a row below the step `after` without one."""
    passing = [each for each in arrows if each.gutter == lane and each.source <= after < each.last]
    return [_down(each, "0", "100%") for each in passing]


def across(arrows: list[Arrow], lane: int, at: int) -> list[Line]:
    """Return what crosses the cell of `lane`, which is empty, in the row of step `at`."""
    return [
        Line(arrow, "0", str(ARRIVES), "100%", str(ARRIVES))
        for arrow in arrows
        for target, goal in arrow.targets
        if target == at and (arrow.gutter < lane < goal or goal < lane <= arrow.gutter)
    ]


def to_the_right(arrows: list[Arrow], lane: int, at: int) -> list[Line]:
    """Return what leads from the text of step `at`, in `lane`, to the gutter, and back to it."""
    found = []
    for arrow in arrows:
        if arrow.source == at and arrow.gutter == lane:
            found.append(Line(arrow, "0", str(LEAVES), "100%", str(LEAVES)))
        for target, _ in arrow.targets:
            if target == at and arrow.gutter >= lane:
                head = f"0,{ARRIVES} 6,{ARRIVES - 4} 6,{ARRIVES + 4}"
                found.append(Line(arrow, "4", str(ARRIVES), "100%", str(ARRIVES), head=head))
    return found


def _x(arrow: Arrow) -> int:
    return FIRST + APART * arrow.column


def _down(arrow: Arrow, top: str, bottom: str) -> Line:
    return Line(arrow, str(_x(arrow)), top, str(_x(arrow)), bottom)


def _leaving(arrow: Arrow, wide: int) -> Line:
    """Return the way from the source to its line down."""
    x, left = _x(arrow), arrow.gutter == arrow.lane
    start, end = (0, x - BEND) if left else (wide, x + BEND)
    bend = f"M{end} {LEAVES}Q{x} {LEAVES} {x} {LEAVES + BEND}"
    return Line(arrow, str(start), str(LEAVES), str(end), str(LEAVES), bend)


def _arriving(arrow: Arrow, goal: int, wide: int) -> Line:
    """Return the way from the line down towards the lane `goal`."""
    x, right = _x(arrow), goal > arrow.gutter
    start, end = (x + BEND, wide) if right else (x - BEND, 0)
    bend = f"M{start} {ARRIVES}Q{x} {ARRIVES} {x} {ARRIVES - BEND}"
    head = _head(wide) if right and goal == arrow.gutter + 1 else ""
    return Line(
        arrow, str(start), str(ARRIVES), str(end - 4 * bool(head)), str(ARRIVES), bend, head
    )


def _crossing(arrow: Arrow, goal: int, lane: int, wide: int) -> Line:
    """Return the way through a gutter that is not the arrow's own."""
    head = _head(wide) if goal == lane + 1 else ""
    return Line(arrow, "0", str(ARRIVES), str(wide - 4 * bool(head)), str(ARRIVES), head=head)


def _head(x: int) -> str:
    return f"{x},{ARRIVES} {x - 6},{ARRIVES - 4} {x - 6},{ARRIVES + 4}"
