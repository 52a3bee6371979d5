r"""The end of a litmus file: what to show of the final states, and what is asked of them.

>>> from stress.litmus.lexer import Source
>>> cursor = Cursor(Source("C X {} ~exists (0:r0=1 /\\ [x]<>2)", "X.litmus"))
>>> cursor.index = 2
>>> asked = Conditions(cursor, registers=[{"r0"}], locations={"x"}).condition()
>>> asked.quantifier, asked.proposition  # doctest: +NORMALIZE_WHITESPACE
('~exists',
 And(parts=(Compare(term=Register(thread=0, name='r0'), value=1, negated=False),
            Compare(term=Location(name='x'), value=2, negated=True))))

As in herd7, ``=>`` binds tighter than ``/\``, and that tighter than ``\/``; ``not`` reaches one
comparison or parenthesis; no condition at all asks for ``forall true``; ``final`` means ``exists``.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Literal

from stress.litmus.cursor import Cursor
from stress.litmus.program import (
    And,
    Compare,
    Condition,
    Location,
    Not,
    Or,
    Proposition,
    Register,
    Term,
)

_QUANTIFIERS: Final[dict[str, Literal["exists", "forall"]]] = {
    "exists": "exists",
    "final": "exists",
    "forall": "forall",
}
_UNKNOWN: Final = {
    "filter": "Filters are not read: put what they say into the condition.",
    "observed": "Write the states into an 'exists' instead.",
    "Observed": "Write the states into an 'exists' instead.",
    "regions": "Regions of memory are not read: take the line out.",
}


class Conditions:
    """Reads the end of a file whose threads have `registers`, and whose memory `locations`."""

    def __init__(
        self, cursor: Cursor, registers: Sequence[AbstractSet[str]], locations: AbstractSet[str]
    ) -> None:
        self.cursor = cursor
        self.registers = registers
        self.locations = locations

    def shown(self) -> tuple[Term, ...]:
        """Read ``locations [...]``, if it is there."""
        cursor = self.cursor
        terms: list[Term] = []
        if cursor.accept("locations"):
            cursor.expect("[")
            while not cursor.accept("]"):
                terms.append(self._term())
                if cursor.token.kind == "name":
                    cursor.step()  # the type it is shown as
                cursor.accept("*")
                if cursor.token.text != "]":
                    cursor.expect(";", " between what is shown")
        return tuple(terms)

    def condition(self) -> Condition:
        """Read the condition to the end of the file."""
        cursor, token = self.cursor, self.cursor.token
        if token.kind == "end":
            return Condition("forall", And(()))
        if cursor.accept("~", "not"):
            cursor.expect("exists")
            asked = Condition("~exists", self._proposition())
        elif token.text in _QUANTIFIERS:
            cursor.step()
            asked = Condition(_QUANTIFIERS[token.text], self._proposition())
        elif token.text == "(":
            asked = Condition("exists", self._proposition())
        else:
            self._refuse_condition(token.text)
        cursor.accept(";")
        if cursor.token.kind != "end":
            cursor.refuse("/\\, \\/, => or the end of the file")
        return asked

    def _refuse_condition(self, word: str) -> None:
        self.cursor.refuse(
            "a thread, or the condition: exists, ~exists or forall",
            _UNKNOWN.get(word, "Threads are named P0, P1, ... in order; the condition is last."),
        )

    def _proposition(self) -> Proposition:
        return self._joined("\\/", Or, lambda: self._joined("/\\", And, self._implication))

    def _joined(
        self,
        sign: str,
        join: Callable[[tuple[Proposition, ...]], Proposition],
        read: Callable[[], Proposition],
    ) -> Proposition:
        parts = [read()]
        while self.cursor.accept(sign):
            parts.append(read())
        return join(tuple(parts)) if len(parts) > 1 else parts[0]

    def _implication(self) -> Proposition:
        premise = self._negation()
        if not self.cursor.accept("=>"):
            return premise
        with self.cursor.nested():
            return Or((Not(premise), self._implication()))

    def _negation(self) -> Proposition:
        cursor = self.cursor
        if cursor.accept("~", "not"):
            with cursor.nested():
                return Not(self._negation())
        if cursor.accept("("):
            with cursor.nested():
                inside = self._proposition()
            cursor.expect(")")
            return inside
        if cursor.accept("true"):
            return And(())
        if cursor.accept("false"):
            return Or(())
        return self._comparison()

    def _comparison(self) -> Proposition:
        cursor = self.cursor
        term = self._term()
        sign = cursor.accept("=", "==", "<>", "!=")
        if sign is None:
            cursor.refuse("= or <>, and a value")
        return Compare(term, self._value(), negated=sign in ("<>", "!="))

    def _value(self) -> int | Term:
        """Read a number, a register, or a location marked as one: a bare name is an address."""
        cursor = self.cursor
        token = cursor.token
        if token.text == "-" or (token.kind == "number" and cursor.ahead().text != ":"):
            return cursor.number()
        if cursor.accept("*"):
            return self._location(cursor.token.text)
        if token.kind == "name" and cursor.ahead().text != ":":
            cursor.refuse(
                "a number, 0:r0 or [x]", f"'{token.text}' is an address; for its value, write [x]."
            )
        return self._term()

    def _term(self) -> Term:
        """Read ``0:r0``, ``P0:r0``, ``x`` or ``[x]``."""
        cursor = self.cursor
        if cursor.ahead().text == ":":
            return self._register()
        if cursor.accept("["):
            place = self._location(cursor.token.text)
            cursor.expect("]")
            return place
        return self._location(cursor.token.text)

    def _register(self) -> Register:
        cursor, token = self.cursor, self.cursor.token
        digits = token.text.removeprefix("P")
        threads = {str(number): number for number in range(len(self.registers))}
        if digits not in threads:
            cursor.refuse(f"a thread from 0 to {len(threads) - 1}")
        cursor.step()
        cursor.expect(":")
        thread, name = threads[digits], cursor.token.text
        if name not in self.registers[thread]:
            known = ", ".join(sorted(self.registers[thread])) or "none"
            cursor.refuse(
                f"a local of P{thread}: {known}",
                f"P{thread} never declares it: declare it there, or correct the name.",
            )
        cursor.step()
        return Register(thread, name)

    def _location(self, name: str) -> Location:
        if name not in self.locations:
            known = ", ".join(sorted(self.locations)) or "none"
            self.cursor.refuse(
                f"0:r0 or a location: {known}",
                "A location is one that the initial state or a thread's parameters name.",
            )
        self.cursor.step()
        return Location(name)
