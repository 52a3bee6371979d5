"""What a request comes to, as plain data: observed, and as the rules allow it.

>>> observed = Answer("Ok", calls=((0x1000, 0x3000),))
>>> observed
Ok, after 0x1000-0x3000
>>> expected = Expected.because("R2, R3: Ok once every chunk is registered", "Ok")
>>> expected == observed
False
>>> print(expected.rule(observed))
R2, R3: Ok once every chunk is registered
            R3, E6, E14, I2: its calls: new pieces, shifted
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from models.registrar_case import WRONG_USAGE, RegistrarCase
from models.registrar_history import Interrupt
from stress.history import Outcome, Span

REQUESTS: Final = frozenset({"register", "register_each", "interrupt", "reenter"})
"""The operations that end with a request, and come to an answer or several."""


class Answer(NamedTuple):
    """What one request came to: "Ok" or the name of an error, and the backend calls it made.

    ``address`` is that of a RegistrationError, ``cause`` the type of what it is chained from;
    ``calls`` are the starts and ends of pieces.
    """

    error: str = "Ok"
    address: int | None = None
    cause: str | None = None
    calls: tuple[tuple[int, int], ...] = ()

    def __repr__(self) -> str:
        place = "" if self.address is None else f" at {self.address:#x}"
        chain = f" from {self.cause}" if self.cause else ""
        calls = ", ".join(f"{start:#x}-{end:#x}" for start, end in self.calls)
        return f"{self.error}{place}{chain}, after {calls or 'no backend call'}"


class Expected(Answer):
    """The only answer the rules allow, and the rule that says so."""

    why: str = ""

    @classmethod
    def because(cls, why: str, *answer: Any) -> "Expected":
        """Return the answer that the rule `why` asks for."""
        made = cls(*answer)
        made.why = why
        return made

    def rule(self, observed: Any) -> str:
        """Return the rule that `observed`, another answer, breaks."""
        if observed[:2] != self[:2]:
            return self.why
        if observed[3] != self.calls:
            return f"{self.why}\n            R3, E6, E14, I2: its calls: new pieces, shifted"
        return "D4, D8: the first failure is chained from the backend's own"


class ExpectedEach(tuple[Expected, ...]):
    """The only answers the rules allow to requests that are made one after another."""

    __slots__ = ()

    def rule(self, observed: Any) -> str:
        """Return the rule that the first of `observed` that differs breaks."""
        pairs = zip(self, observed, strict=False)
        return next((mine.rule(other) for mine, other in pairs if mine != other), "")


def told(case: RegistrarCase, history: Sequence[Span]) -> Iterator[Span]:
    """Yield a model's history as the invariants read it: every request as one of ``register``.

    What is refused for what it asks is left out: what it comes to depends on nobody.
    """
    for span in history:
        if span.f in REQUESTS:
            request = span.arguments[-1]
            try:
                case.chunks(*request)
            except WRONG_USAGE:
                continue
            outcome, result = _outcome(span)
            yield Span(span.process, "register", request, span.start, span.end, outcome, result)
        elif span.f == "count":
            yield span._replace(f="inspect")
        elif span.f == "inspect":
            yield span._replace(result=dict(span.result)["chunks_registered"])
        else:
            yield span


def _outcome(span: Span) -> tuple[Outcome, tuple[str, int | None] | None]:
    """Return what the request of `span` came to; nothing where it was interrupted or in parts."""
    if span.f == "register_each":
        all_ok = all(error == "Ok" for error, *_ in span.result)
        return ("ok", None) if all_ok else ("info", None)
    error, address, _, _ = span.result
    if error == "Ok":
        return "ok", None
    return ("info", None) if error == Interrupt.__name__ else ("fail", (error, address))
