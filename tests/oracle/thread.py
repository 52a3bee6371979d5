"""One thread of a litmus test, alone: what it computes, and what its next access may come to.

>>> from registrar.sync import RELAXED
>>> from stress.litmus.program import Load
>>> thread = Thread((Load("r", "x", RELAXED),))
>>> [reading.after.local("r") for reading in readings(thread, 7)]
[7]
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, MemoryOrder
from stress.litmus.program import (
    Assign,
    Binary,
    CompareExchange,
    Constant,
    Expression,
    Fence,
    If,
    Instruction,
    Load,
    Local,
    Order,
    Store,
    Unary,
    Update,
)

INT_BITS: Final = 32


def wrapped(value: int) -> int:
    """Return the value of a C int that was computed as `value`."""
    half = 1 << INT_BITS - 1
    return (value + half) % (2 * half) - half


def quotient(a: int, b: int) -> int:
    """Divide as C does: towards zero."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def remainder(a: int, b: int) -> int:
    """Return what `quotient` leaves."""
    return a - quotient(a, b) * b


UNARY: Final[Mapping[str, Callable[[int], int]]] = {
    "-": operator.neg,
    "!": operator.not_,
    "~": operator.invert,
}
BINARY: Final[Mapping[str, Callable[[int, int], int]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": quotient,
    "%": remainder,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda a, b: a != 0 and b != 0,
    "||": lambda a, b: a != 0 or b != 0,
    "=": lambda _, b: b,  # an exchange
}


@dataclass(frozen=True)
class Thread:
    """What a thread has still to do, and its locals, by name."""

    todo: tuple[Instruction, ...]
    locals: tuple[tuple[str, int], ...] = ()

    def local(self, name: str) -> int:
        """Return the value of a local, 0 before it is first assigned."""
        return dict(self.locals).get(name, 0)

    def value(self, expression: Expression) -> int:
        """Return the value of an expression."""
        match expression:
            case Constant(value):
                return wrapped(value)
            case Local(name):
                return self.local(name)
            case Unary(sign, operand):
                return wrapped(UNARY[sign](self.value(operand)))
            case Binary(sign, left, right):
                return wrapped(BINARY[sign](self.value(left), self.value(right)))

    def location(self) -> str:
        """Return where the access that is next goes."""
        access = self.todo[0]
        assert isinstance(access, Load | Store | Update | CompareExchange)
        return access.location

    def after(self, **assigned: int) -> "Thread":
        """Return the thread one instruction later, with these locals assigned."""
        merged = dict(self.locals) | assigned
        return Thread(self.todo[1:], tuple(sorted(merged.items())))

    def settled(self) -> "Thread":
        """Return the thread where it next does something that others can notice, or ends."""
        thread = self
        while thread.todo:
            match thread.todo[0]:
                case Assign(into, value):
                    thread = thread.after(**{into: thread.value(value)})
                case If(condition, then, otherwise):
                    block = then if thread.value(condition) else otherwise
                    thread = Thread(block + thread.todo[1:], thread.locals)
                case _:
                    break
        return thread


@dataclass(frozen=True)
class Reading:
    """One thing that an access may come to, given what it read.

    `written` is the value and the order of its write, if it writes.
    """

    order: Order
    after: Thread
    locked: bool = False
    written: tuple[int, MemoryOrder] | None = None


def read_part(order: MemoryOrder) -> MemoryOrder:
    """Return the order of the read of a read-modify-write."""
    return {RELEASE: RELAXED, ACQ_REL: ACQUIRE}.get(order, order)


def write_part(order: MemoryOrder) -> MemoryOrder:
    """Return the order of the write of a read-modify-write."""
    return {ACQUIRE: RELAXED, ACQ_REL: RELEASE}.get(order, order)


def readings(thread: Thread, value: int) -> Iterator[Reading]:
    """Yield all that the reading instruction which is next may come to if it reads `value`."""
    match thread.todo[0]:
        case Load(into, _, order):
            yield Reading(order, thread.after(**named(into, value)))
        case Update(into, _, sign, operand, order):
            new = wrapped(BINARY[sign](value, thread.value(operand)))
            after = thread.after(**named(into, value))
            yield Reading(read_part(order), after, locked=True, written=(new, write_part(order)))
        case CompareExchange() as exchange:
            yield from _compare_exchange(thread, exchange, value)
        case Store() | Fence() | Assign() | If():
            raise TypeError(f"not a reading instruction: {thread.todo[0]}")


def _compare_exchange(thread: Thread, exchange: CompareExchange, value: int) -> Iterator[Reading]:
    found = {exchange.found: value}
    matches = value == thread.value(exchange.expected)
    if matches:
        desired, order = thread.value(exchange.desired), exchange.success
        after = thread.after(**found, **named(exchange.into, 1))
        yield Reading(read_part(order), after, locked=True, written=(desired, write_part(order)))
    if not matches or exchange.weak:
        after = thread.after(**found, **named(exchange.into, 0))
        yield Reading(exchange.failure, after, locked=True)


def named(name: str | None, value: int) -> dict[str, int]:
    """Return the local to assign, if there is one."""
    return {} if name is None else {name: value}
