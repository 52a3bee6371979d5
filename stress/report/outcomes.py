"""What was seen how often, and whether it may be, as a table.

>>> from stress.report.failure import Outcome
>>> seen = [Outcome("0, 1", 3, "allowed", "each its own"), Outcome("0, 0", 1, "forbidden", "B1")]
>>> print(chr(10).join(counted(seen, 92, str)))
outcome   seen   share     verdict     meaning
───────   ────   ───────   ─────────   ────────────
0, 1         3    75.0 %   allowed     each its own
0, 0         1    25.0 %   forbidden   B1
"""

from collections.abc import Sequence

from stress.report.failure import Outcome
from stress.report.page import Spelling, cut


def counted(outcomes: Sequence[Outcome], width: int, spell: Spelling) -> list[str]:
    """Return the lines of the table, none if there are no outcomes."""
    if not outcomes:
        return []
    total = sum(each.count for each in outcomes)
    headings = ("outcome", "seen", "share", "verdict", "meaning")
    counts = [
        (f"{each.count:,}", share(each.count, total), each.verdict, each.meaning)
        for each in outcomes
    ]
    beside = sum(max(len(row[at]) + 3 for row in [headings[1:], *counts]) for at in range(4))
    room = max(width - beside, width // 3)
    rows = [(cut(each.seen, room, spell), *row) for each, row in zip(outcomes, counts, strict=True)]
    wide = [max(len(row[at]) for row in [headings, *rows]) for at in range(5)]
    wide[2] = max(wide[2], len("100.0 %"))
    rule = tuple(spell("─") * each for each in wide)
    right = {1, 2}
    return [
        cut(
            "   ".join(
                f"{cell:{'>' if at in right and row is not headings else '<'}{wide[at]}}"
                for at, cell in enumerate(row)
            ).rstrip(),
            width,
            spell,
        )
        for row in (headings, rule, *rows)
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
