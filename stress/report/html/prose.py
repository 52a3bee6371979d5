"""Sentences whose steps are links to the rows that show them.

>>> linked("Step 6 reads what steps 1, 2 and 3 wrote.", "f1", {1, 3, 6})
Markup('<a href="#f1-s6">Step 6</a> reads what steps <a href="#f1-s1">1</a>, 2 and \
<a href="#f1-s3">3</a> wrote.')
"""

import re
from collections.abc import Collection
from typing import Final

from markupsafe import Markup, escape

from stress.report.html.safety import shown

_STEPS: Final = re.compile(r"\b[Ss]teps? \d{1,6}(?:(?:, | and |, and )\d{1,6})*")
_ONE: Final = re.compile(r"(?:[Ss]tep )?\d+")


def linked(text: str, prefix: str, steps: Collection[int]) -> Markup:
    """Return `text` as HTML; `prefix` is of the rows, and `steps` has those that there are."""
    text = str(shown(text))
    found, end = Markup(), 0
    for group in _STEPS.finditer(text):
        for match in _ONE.finditer(text, group.start(), group.end()):
            number = int(match[0].split()[-1])
            if number not in steps:
                continue
            found += escape(text[end : match.start()])
            found += Markup('<a href="#{}-s{}">{}</a>').format(prefix, number, match[0])
            end = match.end()
    return found + escape(text[end:])
