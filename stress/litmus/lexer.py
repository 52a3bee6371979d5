"""The text of a litmus file as tokens, and the error that points into it.

>>> source = Source("C MP { x=1; } P0 (atomic_int* x) { *x = 2; } exists (x=2)", "MP.litmus")
>>> source.name
'MP'
>>> [token.text for token in source.tokens()][:6]
['{', 'x', '=', '1', ';', '}']

Comments are ``//``, ``/* */`` and, nested, ``(* *)``; the last only outside the code of a thread,
where C has ``(*`` for itself.  Between the first line and the initial state herd7 passes over
whatever it does not know, such as ``Key=Value``; so does this.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

LONGEST: Final = 100
"""Columns of the offending line that an error shows."""

_HEADER: Final = re.compile(
    r"""[ \t]*(?P<language>\w+)[ \t]+
        (?P<name>[\w/.+\-\[\]:]+)[ \t]*
        (?:\([A-Za-z][\w/.\-]*\)[ \t]*)?     # the name for TeX
        (?:\r?\n?[ \t]*"[^"]*"[ \t]*)?;?     # the title
    """,
    re.VERBOSE | re.ASCII,
)
_PASSED_OVER: Final = re.compile(
    r"""^[A-Za-z][\w/.\-]*[ \t]*=[^\n]*  |  //[^\n]*  |  /\*.*?\*/
      | [^{(/A-Za-z]+  |  \w+  |  [(/]
    """,
    re.VERBOSE | re.ASCII | re.DOTALL | re.MULTILINE,
)
_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\r\n\f\v]+ | //[^\n]* | /\*.*?\*/)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>[0-9][0-9A-Za-z_]*)
      | (?P<sign>/\*  |  /\\  |  \\/  |  <<=? | >>=?  |  \+\+ | -- | -> | => | <>
          | && | \|\|  |  [-+*/%&|^=!<>]=  |  [-+*/%&|^=!<>~(){}\[\];:,.?])
      | (?P<stranger>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NESTED: Final = re.compile(r"\(\*|\*\)")


class LitmusSyntaxError(ValueError):
    """A litmus file says something that cannot be read; the text says where, and what could be."""


class Token(NamedTuple):
    """A word, a number, a sign, or the end, and where in the text it starts."""

    kind: str
    text: str
    offset: int


class Source:
    """The text of one file, and the name its first line gives the test."""

    def __init__(self, text: str, file: str) -> None:
        """Read the first line; LitmusSyntaxError where it is not ``C NAME``."""
        self.text = text
        self.file = file
        header = _HEADER.match(text)
        if header is None or header["language"] != "C":
            start = len(text) - len(text.lstrip())
            word = re.compile(r"\S*").match(text, start)
            raise self.error(
                Token("name" if word and word[0] else "end", word[0] if word else "", start),
                "the first line 'C NAME'",
                "Only herd7's C litmus tests are read, such as:  C MP",
            )
        self.name = header["name"]
        self._body = header.end()

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens from the brace that opens the initial state to the end of the text."""
        text, at, depth, braces = self.text, self._opening(), 0, 0
        while at < len(text):
            if (not depth or braces == 1) and text.startswith("(*", at):
                at = self._after_comment(at)
                continue
            match = _TOKEN.match(text, at)
            assert match is not None
            kind, word = str(match.lastgroup), match[0]
            if kind == "stranger" or word == "/*":
                raise self._strange(word, at)
            if word == "{":
                depth, braces = depth + 1, braces or 1
            elif word == "}":
                depth -= 1
                braces = braces if depth else 2  # the initial state is over
            if kind != "blank":
                yield Token(kind, word, at)
            at = match.end()
        yield Token("end", "", at)

    def _opening(self) -> int:
        """Return where the initial state starts."""
        at = self._body
        while at < len(self.text) and self.text[at] != "{":
            if self.text.startswith("(*", at):
                at = self._after_comment(at)
                continue
            match = _PASSED_OVER.match(self.text, at)
            at = match.end() if match else at + 1
        return at

    def _after_comment(self, start: int) -> int:
        """Return where the comment that starts at `start` ends, with those inside it."""
        depth = 0
        for match in _NESTED.finditer(self.text, start):
            depth += 1 if match[0] == "(*" else -1
            if not depth:
                return match.end()
        raise self._strange("(*", start)

    def _strange(self, word: str, at: int) -> LitmusSyntaxError:
        """Return the error for what is no token: a comment without end, or no C at all."""
        if word in ("/*", "(*"):
            end = "*/" if word == "/*" else "*)"
            return self.error(Token("sign", word, at), f"'{end}' after it", "Close the comment.")
        return self.error(
            Token("sign", word, at), "a word, a number or a sign of C", "Take it out."
        )

    def error(self, token: Token, expected: str, advice: str) -> LitmusSyntaxError:
        """Return the error that `token` stands where something else must, for raising."""
        start = self.text.rfind("\n", 0, token.offset) + 1
        line, column = self.text.count("\n", 0, token.offset) + 1, token.offset - start
        end = self.text.find("\n", start)
        shown = self.text[start : end if end >= 0 else None].expandtabs(1).rstrip()
        cut = max(0, column - LONGEST // 2)
        shown = re.sub(r"[^\x20-\x7e\xa0-\uffff]", "?", shown[cut : cut + LONGEST])
        word = token.text if len(token.text) <= LONGEST else token.text[:LONGEST] + "..."
        found = "the end of the file" if token.kind == "end" else repr(word)
        return LitmusSyntaxError(
            f"{self.file}:{line}:{column + 1}: found {found}, expected {expected}\n"
            f"    {shown}\n"
            f"    {' ' * (column - cut)}^\n"
            f"  {advice}"
        )
