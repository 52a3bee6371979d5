"""A sequential specification: what one thread alone would see, one call after the other.

The judge knows no subject.  It asks a specification for the state that nothing has happened to,
and for the states that a call with the result observed may lead to:

>>> class Flag:
...     datatype = None
...     def initial(self) -> bool:
...         return False
...     def step(self, state: bool, call: Span) -> Sequence[bool]:
...         return (True,) if call.outcome == "info" or call.result == state else ()
...     def key(self, call: Span) -> None:
...         return None
...     def canonical(self, call: Span) -> None:
...         return None
>>> test_and_set: Specification = Flag()
>>> test_and_set.step(test_and_set.initial(), Span(0, "test-and-set", (), 0, 9, "ok", False))
(True,)
>>> test_and_set.step(True, Span(1, "test-and-set", (), 0, 9, "ok", False))
()
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

from stress.history import Span


class Partial(NamedTuple):
    """The state after one atomic step of a call that has more to take.

    The call stays pending; `state` itself remembers how far it has come.
    """

    state: Hashable


class Specification(Protocol):
    """What the calls of a history are judged by; every method is pure and fast."""

    @property
    def datatype(self) -> str | None:
        """What a monitor may judge, by its name in `stress.judge.monitors`, or None."""

    def initial(self) -> Hashable:
        """Return the state before the first call."""

    def step(self, state: Hashable, call: Span) -> "Sequence[Hashable | Partial]":
        """Return every state that `call` with its result may lead to, () if it has no place here.

        An open call (outcome "info") may have had any result.  A `Partial` state says that one
        atomic step of it was taken and more are to come.
        """

    def key(self, call: Span) -> Hashable | None:
        """Return what `call` works on: calls with different keys commute.

        None for any call of a history means that this history is not partitioned.
        """

    def canonical(self, call: Span) -> Span | None:
        """Return `call` in the vocabulary of its datatype's monitor, None if it has no place there.

        The vocabularies are those of `stress.judge.builtin`.
        """
