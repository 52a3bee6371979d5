"""A place in the tokens of a litmus file, and the ways to move past what stands there.

>>> cursor = Cursor(Source("C MP {} exists (x=0x10)", "MP.litmus"))
>>> cursor.accept("["), cursor.accept("{"), cursor.token.text
(None, '{', '}')
>>> for word in ("}", "exists", "(", "x", "="):
...     cursor.expect(word)
>>> cursor.number()
16
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from stress.litmus.lexer import Source, Token

DEEPEST: Final = 50
"""How many parentheses, blocks and signs may stand inside one another."""
FORMAT: Final = (
    "Correct it: what is read of herd7's C litmus format is told by  pydoc stress.litmus.parser"
)
_BITS: Final = 32
_KEYWORDS: Final = frozenset(
    {"break", "case", "continue", "default", "do", "else", "for", "goto", "if", "return"}
    | {"sizeof", "switch", "while"}
)


def wrapped(value: int) -> int:
    """Return the C int that the low 32 bits of `value` are.

    >>> wrapped(2**31), wrapped(-1)
    (-2147483648, -1)
    """
    half = 1 << _BITS - 1
    return (value + half) % (1 << _BITS) - half


class Cursor:
    """The token to be read next; what cannot be read raises LitmusSyntaxError."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = list(source.tokens())
        self.index = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        """The token here."""
        return self.tokens[self.index]

    def ahead(self, distance: int = 1) -> Token:
        """Return the token `distance` tokens on, or the end."""
        return self.tokens[min(self.index + distance, len(self.tokens) - 1)]

    def step(self) -> Token:
        """Return the token here and move past it, but never past the end."""
        token = self.tokens[self.index]
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def accept(self, *words: str) -> str | None:
        """Move past the token if it is one of `words`, and return it."""
        text = self.tokens[self.index].text
        if text and text in words:
            self.index += 1
            return text
        return None

    def expect(self, word: str, why: str = "") -> None:
        """Move past `word`."""
        if not self.accept(word):
            self.refuse(f"'{word}'{why}")

    def name(self, what: str) -> str:
        """Move past a name that is no keyword, and return it."""
        token = self.token
        if token.kind != "name" or token.text in _KEYWORDS:
            self.refuse(what)
        return self.step().text

    def number(self) -> int:
        """Move past a number with its sign, and return it."""
        sign = -1 if self.accept("-") else 1
        token = self.token
        if token.kind != "number":
            self.refuse("a number")
        self.step()
        return self.value_of(token, sign)

    def value_of(self, token: Token, sign: int = 1) -> int:
        """Return what a number token stands for: an int of C, decimal or hexadecimal."""
        digits = token.text.lower()
        shortest = len(digits) <= _BITS
        if shortest and digits.startswith("0x") and _all(digits[2:], "0123456789abcdef"):
            value, largest = int(digits, 16), (1 << _BITS) - 1
        elif shortest and _all(digits, "0123456789") and (digits[0] != "0" or digits == "0"):
            value, largest = int(digits), (1 << _BITS - 1) - (sign > 0)
        else:
            self.refuse(
                "a number such as 12, -3 or 0x1F",
                "A leading 0 means octal in C and decimal in herd7, and neither is guessed here.",
                token,
            )
        if value > largest:
            self.refuse("a number that fits into 32 bits", "An int of C has 32 bits here.", token)
        return wrapped(sign * value)

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Read something inside something else; refuse to go deeper than `DEEPEST`."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.refuse(f"no more than {DEEPEST} levels", "Take it apart with a local variable.")
        yield
        self.depth -= 1

    def refuse(self, expected: str, advice: str = FORMAT, token: Token | None = None) -> NoReturn:
        """Say that `token`, or the one here, stands where `expected` must."""
        raise self.source.error(token or self.token, expected, advice)


def _all(digits: str, allowed: str) -> bool:
    return bool(digits) and all(digit in allowed for digit in digits)
