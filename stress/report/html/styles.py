"""The style of the page: what is written by hand, and what follows from numbers.

Lanes cannot carry styles of their own, which the content security policy forbids; so they carry
classes for the width of a gutter, of a column of names, and for the hue of a thread.  And a table
of lanes folds into one column where the page is too narrow for that many threads.
"""

from typing import Final

from stress.report.html import arrows
from stress.report.html.hues import HUES
from stress.report.html.lanes import MOST_LANES, WIDEST, gutter

NARROWEST: Final = {1: 42, 2: 52, 3: 68, 4: 86}
"""The page in rem below which so many lanes fold."""


def computed(folded: str) -> str:
    """Return the rules that follow from numbers; `folded` has those of the lanes ``.LANES``."""
    rules = [f".g{lines} {{ --gutter: {gutter(lines)}px; }}" for lines in range(arrows.MOST + 1)]
    rules += [f".w{letters} {{ --name: {letters}ch; }}" for letters in range(WIDEST + 1)]
    rules += [
        f".t{hue} {{ --hue: var(--t{hue}); --hue-soft: var(--t{hue}-soft); }}"
        for hue in range(HUES)
    ]
    rules.append(folded.replace(".LANES", ".lanes.folded"))
    for lanes in range(1, MOST_LANES + 1):
        narrow = folded.replace(".LANES", f".lanes.lanes-{lanes}")
        rules.append(f"@media (max-width: {NARROWEST[lanes]}rem) {{{narrow}}}")
    return "\n".join(rules)
