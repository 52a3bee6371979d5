"""Which thread has which colour: the same one wherever it is shown on the page.

>>> hues_of(["main", "thread 0", "thread 1"])
{'main': 5, 'thread 0': 0, 'thread 1': 1}
>>> hues_of(["writer", "reader"])
{'writer': 0, 'reader': 1}
"""

import re
from collections.abc import Iterable
from typing import Final

HUES: Final = 6
"""Colours, which repeat after so many threads; the last is the main thread's."""
_NUMBERED: Final = re.compile(r"(?:lock of |thread )?(\d{1,6})")


def hues_of(names: Iterable[str]) -> dict[str, int]:
    """Return the number of the colour of each thread or process."""
    found = {}
    for place, name in enumerate(dict.fromkeys(names)):
        numbered = _NUMBERED.fullmatch(name)
        number = int(numbered[1]) if numbered else place
        found[name] = HUES - 1 if name == "main" else number % (HUES - 1)
    return found
