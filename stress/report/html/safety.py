r"""What came from data, made harmless before it is escaped: shown, never obeyed, and never endless.

A failure may come from a stranger.  Jinja escapes its markup; what is left are characters that no
reader sees but that change what is read (bidirectional controls turn text around), characters that
no file can hold, and texts without end.

>>> shown("abc\u202edef\x00")
'abc\\u202edef\\x00'
"""

import re
from typing import Any, Final

from markupsafe import Markup

LONGEST: Final = 20_000
"""Characters of one text; more of it is counted, and left out."""
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)


def shown(value: Any) -> Any:
    """Return text with its unseen characters spelled out, and cut; anything else as it is."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    more = len(value) - LONGEST
    text = _UNSEEN.sub(_spelled, value[:LONGEST])
    return f"{text} … (and {more:,} more characters)" if more > 0 else text


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004
