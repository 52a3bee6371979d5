"""A litmus test as data: what its threads do, where memory starts, what its last line asks.

>>> test = LitmusTest(
...     name="CoRR0",
...     initial={"x": 0},
...     threads=(
...         (Store("x", Constant(1), MemoryOrder.RELEASE),),
...         (Load("r0", "x", MemoryOrder.ACQUIRE),),
...     ),
...     condition=Condition("exists", Compare(Register(1, "r0"), 1)),
... )
>>> test.observed
(Register(thread=1, name='r0'),)

An expression computes on the locals of one thread alone: the reader of the file has taken every
access to memory out of expressions, left to right, into instructions of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from registrar.sync import MemoryOrder

type Order = MemoryOrder | None
"""None is a plain, non-atomic access."""

# Expressions over the locals of a thread: ints of C, 32 bits wide.


@dataclass(frozen=True)
class Constant:
    """A number."""

    value: int


@dataclass(frozen=True)
class Local:
    """The value of a local variable, 0 before it is first assigned."""

    name: str


@dataclass(frozen=True)
class Unary:
    """One of ``- ! ~`` on an operand."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True)
class Binary:
    """One of ``+ - * / % & | ^ << >> == != < <= > >= && ||`` on two operands."""

    operator: str
    left: "Expression"
    right: "Expression"


type Expression = Constant | Local | Unary | Binary


# Instructions.


@dataclass(frozen=True)
class Load:
    """Read a location into a local, or nowhere."""

    into: str | None
    location: str
    order: Order


@dataclass(frozen=True)
class Store:
    """Write a location."""

    location: str
    value: Expression
    order: Order


@dataclass(frozen=True)
class Update:
    """Atomically replace old by ``old operator operand`` (by operand: ``=``); `into` gets old."""

    into: str | None
    location: str
    operator: Literal["+", "-", "&", "|", "^", "="]
    operand: Expression
    order: MemoryOrder


@dataclass(frozen=True)
class CompareExchange:
    """Store `desired` if `location` holds `expected`; `into` gets 1 or 0, `found` the value read.

    The `weak` form may fail although the value is the expected one.
    """

    into: str | None
    found: str
    location: str
    expected: Expression
    desired: Expression
    success: MemoryOrder
    failure: MemoryOrder
    weak: bool = False


@dataclass(frozen=True)
class Fence:
    """Order what is before it against what is after it."""

    order: MemoryOrder


@dataclass(frozen=True)
class Assign:
    """Compute a local."""

    into: str
    value: Expression


@dataclass(frozen=True)
class If:
    """Do one block or the other."""

    condition: Expression
    then: tuple["Instruction", ...]
    otherwise: tuple["Instruction", ...] = ()


type Instruction = Load | Store | Update | CompareExchange | Fence | Assign | If


# What the last line asks of a final state.


@dataclass(frozen=True)
class Register:
    """The local `name` of thread number `thread`, written ``thread:name``."""

    thread: int
    name: str

    def __str__(self) -> str:
        return f"{self.thread}:{self.name}"


@dataclass(frozen=True)
class Location:
    """A location in memory: its mo-maximal value."""

    name: str

    def __str__(self) -> str:
        return self.name


type Term = Register | Location


@dataclass(frozen=True)
class Compare:
    """Whether a term has a value, or (`negated`) has not; the value may be another term."""

    term: Term
    value: "int | Term"
    negated: bool = False


@dataclass(frozen=True)
class And:
    """All of them (none: true)."""

    parts: tuple["Proposition", ...]


@dataclass(frozen=True)
class Or:
    """One of them at least (none: false)."""

    parts: tuple["Proposition", ...]


@dataclass(frozen=True)
class Not:
    """Its part is false."""

    part: "Proposition"


type Proposition = Compare | And | Or | Not


@dataclass(frozen=True)
class Condition:
    """What is asked of the set of final states."""

    quantifier: Literal["exists", "~exists", "forall"]
    proposition: Proposition


@dataclass(frozen=True)
class LitmusTest:
    """One test; every location used is in `initial`, with its first value."""

    name: str
    initial: Mapping[str, int]
    threads: tuple[tuple[Instruction, ...], ...]
    condition: Condition
    locations: tuple[Term, ...] = ()
    """What to show beside the terms of the condition."""

    @property
    def observed(self) -> tuple[Term, ...]:
        """The terms a final state consists of: `locations`, then the condition's, each once."""
        return tuple(dict.fromkeys([*self.locations, *_terms(self.condition.proposition)]))


def _terms(proposition: Proposition) -> Iterator[Term]:
    match proposition:
        case Compare(term, value):
            yield term
            if not isinstance(value, int):
                yield value
        case And(parts) | Or(parts):
            for part in parts:
                yield from _terms(part)
        case Not(part):
            yield from _terms(part)
