"""A page to draw on: rows of text, with lines where there is no text.

>>> page = Page(8)
>>> top, bottom = page.add(), page.add()
>>> page.write(top, 0, "a")
>>> page.across(top, 2, 4, solid=True)
>>> page.down(4, top, bottom, solid=True)
>>> page.across(bottom, 4, 6, solid=True)
>>> page.drawn(str)
['a ──╮', '    ╰──']
"""

from collections.abc import Callable
from typing import Final

type Spelling = Callable[[str], str]
"""How a text is put: as it is, or in ASCII."""

_UP, _DOWN, _LEFT, _RIGHT, _DOTTED_ACROSS, _DOTTED_DOWN = 1, 2, 4, 8, 16, 32
_LINES: Final = " ╵╷│╴╯╮┤╶╰╭├─┴┬┼"
_ASCII: Final = {
    "✗": "X", "✓": "v", "≡": "=", "●": "*", "━": "=", "─": "-", "╌": ".", "│": "|", "╎": ":",
    "→": "->", "←": "<-", "≠": "!=", "▸": ">", "◂": "<", "…": "...", "·": "-", "‖": "||",
    "┃": "|", **dict.fromkeys("╯╮┤╰╭├┴┬┼", "+"),
}  # fmt: skip


def as_ascii(text: str) -> str:
    """Return `text` in ASCII.

    >>> as_ascii("ready → 1")
    'ready -> 1'
    """
    for character, plain in _ASCII.items():
        text = text.replace(character, plain)
    return text.encode("ascii", "backslashreplace").decode()


def cut(text: str, width: int, spell: Spelling) -> str:
    """Return `text`, or as much of it as fits."""
    more = spell("…")
    return text if len(text) <= width else text[: max(width - len(more), 0)] + more


class Page:
    """Rows of `width` columns."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._letters: list[list[str]] = []
        self._lines: list[list[int]] = []

    def add(self) -> int:
        """Add an empty row and return its number."""
        self._letters.append([" "] * self.width)
        self._lines.append([0] * self.width)
        return len(self._letters) - 1

    def write(self, row: int, column: int, text: str) -> None:
        """Put text into a row; what is beyond the page is left out."""
        text = text[: self.width - column]
        self._letters[row][column : column + len(text)] = text

    def across(self, row: int, start: int, end: int, *, solid: bool) -> None:
        """Draw a line from the column `start` to `end`."""
        for column in range(start, end + 1):
            ways = _LEFT * (column > start) | _RIGHT * (column < end)
            self._lines[row][column] |= ways | _DOTTED_ACROSS * (not solid)

    def down(self, column: int, first: int, last: int, *, solid: bool) -> None:
        """Draw a line from the row `first` to `last`."""
        for row in range(first, last + 1):
            ways = _UP * (row > first) | _DOWN * (row < last)
            self._lines[row][column] |= ways | _DOTTED_DOWN * (not solid)

    def drawn(self, spell: Spelling) -> list[str]:
        """Return the rows."""
        return [
            "".join(
                letter if letter != " " else spell(_line(line))
                for letter, line in zip(letters, lines, strict=True)
            ).rstrip()
            for letters, lines in zip(self._letters, self._lines, strict=True)
        ]


def _line(bits: int) -> str:
    ways = bits & (_UP | _DOWN | _LEFT | _RIGHT)
    if ways and not ways & (_UP | _DOWN):
        return "╌" if bits & _DOTTED_ACROSS else "─"
    if ways and not ways & (_LEFT | _RIGHT):
        return "╎" if bits & _DOTTED_DOWN else "│"
    return _LINES[ways]
