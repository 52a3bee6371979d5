"""What was seen how often, and whether it may be, as a table.

>>> from stress.report.failure import Outcome
>>> seen = [Outcome("0, 1", 3, "allowed", "each its own"), Outcome("0, 0", 1, "forbidden", "B1")]
>>> print(chr(10).join(counted(seen, 92, str)))
outcome   seen   share     verdict     meaning
───────   ────   ───────   ─────────   ────────────
0, 1         3    75.0 %   allowed     each its own
0, 0         1    25.0 %   forbidden   B1
"""

import textwrap
from collections.abc import Sequence
from typing import Final

from stress.report.failure import Outcome
from stress.report.page import Spelling, cut

GAP: Final = "   "
MOST_LINES: Final = 4
"""Lines of one outcome."""


def counted(outcomes: Sequence[Outcome], width: int, spell: Spelling) -> list[str]:
    """Return the lines of the table, none if there are no outcomes."""
    if not outcomes:
        return []
    total = sum(each.count for each in outcomes)
    headings = ("seen", "share", "verdict", "meaning")
    rows = [
        (f"{each.count:,}", share(each.count, total), each.verdict, each.meaning)
        for each in outcomes
    ]
    wide = [max(len(row[at]) for row in [headings, *rows]) for at in range(4)]
    wide[1] = max(wide[1], len("100.0 %"))
    room = max(width - sum(wide) - 4 * len(GAP), width // 3)
    seen = [_wrapped(each.seen, room, spell) for each in outcomes]
    room = max(len("outcome"), *(len(line) for lines in seen for line in lines))
    rule = GAP.join(spell("─") * each for each in (room, *wide))
    found = [_line("outcome", headings, room, wide, right=False), rule]
    for (first, *others), row in zip(seen, rows, strict=True):
        found += [_line(first, row, room, wide, right=True), *others]
    return [cut(line, width, spell) for line in found]


def _line(seen: str, cells: Sequence[str], room: int, wide: Sequence[int], *, right: bool) -> str:
    """Return one line; counts and shares stand to the right, below their headings."""
    count, part, verdict, meaning = cells
    side = ">" if right else "<"
    spelled = [f"{count:{side}{wide[0]}}", f"{part:{side}{wide[1]}}", f"{verdict:<{wide[2]}}"]
    return GAP.join([f"{seen:<{room}}", *spelled, meaning]).rstrip()


def _wrapped(text: str, room: int, spell: Spelling) -> list[str]:
    lines = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    return [*lines[: MOST_LINES - 1], cut(" ".join(lines[MOST_LINES - 1 :]), room, spell)][
        : len(lines)
    ]


def share(count: int, total: int) -> str:
    """Return a share in percent; what was seen is never 0, and what is not all never 100.

    >>> share(3, 1_204_884), share(1_204_881, 1_204_884), share(0, 5), share(5, 5)
    ('< 0.1 %', '> 99.9 %', '0.0 %', '100.0 %')
    """
    tenths = 1000 * count / total if total else 0
    if 0 < tenths < 1:
        return "< 0.1 %"
    return "> 99.9 %" if 999 < tenths < 1000 else f"{tenths / 10:.1f} %"  # noqa: PLR2004
