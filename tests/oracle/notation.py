"""Litmus tests in a line each: constructors to write them, and a printer to read them.

>>> print(text(program("MP", [w("x", 1), w("y", 1, RELEASE)], [r("y", ACQUIRE), r("x")])))
MP: x=0 y=0
  W[na] x=1; W[rel] y=1;
‖ r0 = R[acq] y; r1 = R[na] x;

A test built here observes every local that an access assigns, and every location. Accesses that
name no local get one: r0, r1, ...
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST, MemoryOrder
from stress.litmus.program import (
    And,
    Assign,
    Binary,
    Compare,
    CompareExchange,
    Condition,
    Constant,
    Expression,
    Fence,
    If,
    Instruction,
    LitmusTest,
    Load,
    Local,
    Location,
    Order,
    Register,
    Store,
    Term,
    Unary,
    Update,
)

type Block = Sequence[Instruction]

ORDERS: Final[Mapping[Order, str]] = {
    None: "",
    RELAXED: "rlx",
    ACQUIRE: "acq",
    RELEASE: "rel",
    ACQ_REL: "acqrel",
    SEQ_CST: "sc",
}
FRESH: Final = ""
"""The name of a local that has yet to get one."""


# To write.


def w(location: str, value: int | Expression, order: Order = None) -> Store:
    """Return a store."""
    return Store(location, constant(value), order)


def r(location: str, order: Order = None, into: str | None = None) -> Load:
    """Return a load."""
    return Load(into, location, order)


def add(location: str, value: int, order: MemoryOrder) -> Update:
    """Return a fetch-add."""
    return Update(None, location, "+", Constant(value), order)


def cas(
    location: str,
    expected: int,
    desired: int,
    success: MemoryOrder,
    failure: MemoryOrder | None = None,
) -> CompareExchange:
    """Return a strong compare-exchange; by default a failure is ordered like a success."""
    return CompareExchange(
        None,
        FRESH,
        location,
        Constant(expected),
        Constant(desired),
        success,
        success if failure is None else failure,
    )


def f(order: MemoryOrder) -> Fence:
    """Return a fence."""
    return Fence(order)


def when(condition: Expression | str, *then: Instruction) -> If:
    """Return the instructions under a condition: an expression, or a local not to be 0."""
    return If(Local(condition) if isinstance(condition, str) else condition, then)


def constant(value: int | Expression) -> Expression:
    """Return a number as an expression."""
    return Constant(value) if isinstance(value, int) else value


def program(name: str, *threads: Block, **initial: int) -> LitmusTest:
    """Return the test of these threads; locations start at 0 unless they are given a value."""
    named = tuple(tuple(_named(block, count())) for block in threads)
    locations = dict.fromkeys(
        sorted({found for block in named for found in locations_of(block)}), 0
    )
    locations |= initial
    terms: list[Term] = [
        Register(number, local)
        for number, block in enumerate(named)
        for local in dict.fromkeys(locals_of(block))
    ]
    terms += map(Location, locations)
    condition = Condition("exists", And(tuple(Compare(term, 0) for term in terms)))
    return LitmusTest(name, locations, named, condition)


def _named(block: Block, numbers: Iterator[int]) -> Iterator[Instruction]:
    """Name the locals that have no name."""
    for instruction in block:
        match instruction:
            case Load(into=None) | Update(into=None):
                yield replace(instruction, into=f"r{next(numbers)}")
            case CompareExchange(found=found) if found == FRESH:
                yield replace(instruction, found=f"r{next(numbers)}")
            case If(condition, then, otherwise):
                yield If(condition, tuple(_named(then, numbers)), tuple(_named(otherwise, numbers)))
            case _:
                yield instruction


def locals_of(block: Block) -> Iterator[str]:
    """Yield the locals that accesses assign."""
    for instruction in block:
        match instruction:
            case Load(into=into) | Update(into=into):
                yield from () if into is None else (into,)
            case CompareExchange(into, found):
                yield from (found,) if into is None else (into, found)
            case If(_, then, otherwise):
                yield from locals_of((*then, *otherwise))


def locations_of(block: Block) -> Iterator[str]:
    """Yield the locations accessed."""
    for instruction in block:
        match instruction:
            case Load() | Store() | Update() | CompareExchange():
                yield instruction.location
            case If(_, then, otherwise):
                yield from locations_of((*then, *otherwise))


# To read.


def text(test: LitmusTest) -> str:
    """Return the test in a line per thread, after one with its name and where memory starts."""
    initial = " ".join(f"{name}={value}" for name, value in test.initial.items())
    threads = "\n‖ ".join(_block(block) for block in test.threads)
    return f"{test.name}: {initial}\n  {threads}"


def _block(block: Block) -> str:
    return " ".join(f"{_instruction(each)};" for each in block)


def _instruction(instruction: Instruction) -> str:
    match instruction:
        case Load(into, location, order):
            words = f"{_into(into)}R{_order(order)} {location}"
        case Store(location, value, order):
            words = f"W{_order(order)} {location}={expression(value)}"
        case Update(into, location, operator, operand, order):
            words = f"{_into(into)}U{_order(order)} {location} {operator} {expression(operand)}"
        case CompareExchange():
            words = _compare_exchange(instruction)
        case Fence(order):
            words = f"F{_order(order)}"
        case Assign(into, value):
            words = f"{into}={expression(value)}"
        case If(condition, then, otherwise):
            other = f" else {{ {_block(otherwise)} }}" if otherwise else ""
            words = f"if ({expression(condition)}) {{ {_block(then)} }}{other}"
    return words


def _compare_exchange(exchange: CompareExchange) -> str:
    name = "WEAKCAS" if exchange.weak else "CAS"
    into = f"{exchange.into or '_'},{exchange.found} = "
    orders = f"[{ORDERS[exchange.success]}/{ORDERS[exchange.failure]}]"
    values = f"{expression(exchange.expected)}->{expression(exchange.desired)}"
    return f"{into}{name}{orders} {exchange.location}:{values}"


def _into(name: str | None) -> str:
    return "" if name is None else f"{name} = "


def _order(order: Order) -> str:
    return f"[{ORDERS[order]}]" if order is not None else "[na]"


def expression(value: Expression) -> str:
    """Return an expression as C has it, operands in parentheses unless simple."""
    match value:
        case Constant(number):
            return str(number)
        case Local(name):
            return name
        case Unary(operator, operand):
            return f"{operator}({expression(operand)})"
        case Binary(operator, left, right):
            return f"({expression(left)} {operator} {expression(right)})"
