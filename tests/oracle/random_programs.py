"""Random litmus tests, small enough for the oracle, of everything that `stress.litmus.program` has.

>>> random_test(random.Random(3)) == random_test(random.Random(3))
True

Values are few and small, so that equal values come from different writes; some programs have large
ones, so that sums wrap. Each program draws from a palette of its own, or few would be extreme in
anything; some have plain accesses, and may race.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final, Self

from hypothesis import strategies as st

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST, MemoryOrder
from stress.litmus.program import (
    Assign,
    Binary,
    CompareExchange,
    Constant,
    Expression,
    Fence,
    If,
    Instruction,
    LitmusTest,
    Load,
    Local,
    Order,
    Store,
    Unary,
    Update,
)

from .notation import add, program, r, w
from .table import TABLE

LARGEST: Final = 2**31 - 1
MANY: Final = 40
"""Executions: a test of the table with more is left as it is."""
SHAPES: Final = (
    *(row.test for row in TABLE if row.rc11 <= MANY),
    program("R", [w("x", 1), w("y", 1)], [w("y", 2), r("x")]),
    program("WRC", [w("x", 1)], [r("x"), w("y", 1)], [r("y"), r("x")]),
    program("IRIW", [w("x", 1)], [w("y", 1)], [r("x"), r("y")], [r("y"), r("x")]),
    program("relseq", [w("x", 1), w("y", 1), w("y", 2)], [r("y"), r("x")]),
    program(
        "relseq+add", [w("x", 1), w("y", 1), w("y", 2)], [add("y", 2, RELAXED)], [r("y"), r("x")]
    ),
    program("relseq+w", [w("x", 1), w("y", 1), w("y", 2)], [w("y", 3)], [r("y"), r("x")]),
    program("SB+adds", [add("x", 1, RELAXED), r("y")], [add("y", 1, RELAXED), r("x")]),
    program("Z6", [w("x", 1), w("y", 1)], [add("y", 1, RELAXED), w("z", 1)], [w("z", 2), r("x")]),
)
PALETTES: Final = (
    tuple(MemoryOrder),
    (RELAXED,),
    (RELAXED, RELAXED, ACQUIRE, RELEASE, ACQ_REL),
    (ACQUIRE, RELEASE, ACQ_REL),
    (SEQ_CST,),
    (RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST, SEQ_CST, SEQ_CST),
    (RELAXED, SEQ_CST),
)
UNARY: Final = ("-", "!", "~")
BINARY: Final = ("+", "-", "*", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=", "&&", "||")
COMPARISONS: Final = ("==", "!=", "<", ">")


def random_test(rng: random.Random) -> LitmusTest:
    """Return a program of everything, or one of the table with its orders drawn anew."""
    return variation(rng) if rng.randrange(4) == 0 else fresh_test(rng)


def fresh_test(rng: random.Random) -> LitmusTest:
    """Return a program of 2 to 4 threads with at most 10 accesses, fewer where there are more."""
    threads = rng.choice((2, 2, 2, 3, 3, 3, 4))
    accesses = rng.randint(threads + 1, {2: 10, 3: 9, 4: 7}[threads])
    shares = [1] * threads
    for _ in range(accesses - threads):
        shares[rng.randrange(threads)] += 1
    palette = Palette.drawn(rng, ("x", "y", "z")[: rng.choice((1, 2, 2, 2, 3))])
    blocks = [Writer(palette).block(share) for share in shares]
    initial = {name: rng.choice((0, 0, 0, 1)) for name in palette.locations}
    return program("random", *blocks, **initial)


def variation(rng: random.Random) -> LitmusTest:
    """Return a test known for its shape, with some orders, fences and accesses of its own."""
    test = rng.choice(SHAPES)
    palette = Palette.drawn(rng, tuple(test.initial))
    blocks = []
    for thread in test.threads:
        block = list(reordered(palette, thread))
        if palette.chance(30):
            writer = Writer(palette, names=count(10))
            block.insert(rng.randint(0, len(block)), writer.access())
        blocks.append(block)
    return program("random", *blocks)


def reordered(palette: "Palette", block: Sequence[Instruction]) -> Iterator[Instruction]:
    """Yield the instructions with orders of the palette, and fences between them."""
    for instruction in block:
        if palette.chance(palette.fences):
            yield Fence(palette.order())
        match instruction:
            case Load():
                yield replace(instruction, order=palette.plain_or(palette.load_order()))
            case Store():
                yield replace(instruction, order=palette.plain_or(palette.store_order()))
            case Update() | Fence():
                yield replace(instruction, order=palette.order())
            case CompareExchange():
                success, failure, weak = palette.order(), palette.load_order(), palette.chance(50)
                yield replace(instruction, success=success, failure=failure, weak=weak)
            case If(condition, then):
                yield If(condition, tuple(reordered(palette, then)))
            case Assign():
                yield instruction


@st.composite
def programs(draw: st.DrawFn) -> LitmusTest:
    """Draw a program; shrinking makes its choices simpler."""
    return random_test(draw(st.randoms(use_true_random=False)))


@dataclass(frozen=True)
class Palette:
    """What the threads of a program draw from."""

    rng: random.Random
    locations: tuple[str, ...]
    orders: tuple[MemoryOrder, ...]
    plain: int
    """How many loads and stores of a hundred are plain."""
    values: tuple[int, ...]
    updates: int
    """How many accesses of a hundred are updates or compare-exchanges."""
    fences: int
    """Before how many accesses of a hundred there is a fence."""

    @classmethod
    def drawn(cls, rng: random.Random, locations: tuple[str, ...]) -> Self:
        """Return a palette drawn at random."""
        return cls(
            rng,
            locations,
            orders=rng.choice(PALETTES),
            plain=rng.choice((0, 0, 0, 0, 25, 50)),
            values=rng.choice(((0, 1), (0, 1, 2), (0, 1, 2), (1, LARGEST))),
            updates=rng.choice((0, 10, 20, 50)),
            fences=rng.choice((0, 10, 30)),
        )

    def chance(self, percent: int) -> bool:
        """Return True so many times of a hundred."""
        return self.rng.randrange(100) < percent

    def location(self) -> str:
        """Return a location."""
        return self.rng.choice(self.locations)

    def order(self) -> MemoryOrder:
        """Return an order."""
        return self.rng.choice(self.orders)

    def load_order(self) -> MemoryOrder:
        """Return an order that a load may have."""
        order = self.order()
        return order if order.orders_loads else ACQUIRE

    def store_order(self) -> MemoryOrder:
        """Return an order that a store may have."""
        order = self.order()
        return order if order.orders_stores else RELEASE

    def plain_or(self, order: MemoryOrder) -> Order:
        """Return the order, or None."""
        return None if self.chance(self.plain) else order

    def constant(self) -> Constant:
        """Return a number."""
        return Constant(self.rng.choice(self.values))


@dataclass
class Writer:
    """Writes one thread, and remembers the locals it has read into."""

    palette: Palette
    names: Iterator[int] = field(default_factory=count)
    known: list[str] = field(default_factory=list)

    def block(self, accesses: int) -> tuple[Instruction, ...]:
        """Return instructions with this number of accesses, on all branches together."""
        instructions: list[Instruction] = []
        while accesses:
            if self.palette.chance(self.palette.fences):
                instructions.append(Fence(self.palette.order()))
            if self.known and self.palette.chance(5):
                value = self.expression()
                instructions.append(Assign(self.fresh("a"), value))
            if self.known and self.palette.chance(20):
                inside = self.palette.rng.randint(1, min(accesses, 3))
                instructions.append(self.branch(inside))
                accesses -= inside
            else:
                instructions.append(self.access())
                accesses -= 1
        return tuple(instructions)

    def branch(self, accesses: int) -> If:
        """Return instructions under a condition on something read."""
        then = self.palette.rng.randint(1, accesses)
        sign = self.palette.rng.choice(COMPARISONS)
        condition = Binary(sign, self.local(), self.palette.constant())
        return If(condition, self.block(then), self.block(accesses - then))

    def access(self) -> Instruction:
        """Return an access of any kind."""
        p = self.palette
        if p.chance(p.updates):
            return self.update() if p.chance(50) else self.compare_exchange()
        if p.chance(50):
            return Load(self.fresh("r"), p.location(), p.plain_or(p.load_order()))
        return Store(p.location(), self.expression(), p.plain_or(p.store_order()))

    def update(self) -> Update:
        """Return an update."""
        p, operand = self.palette, self.expression()
        location, order, into = p.location(), p.order(), self.fresh("r")
        match p.rng.choice("+++-&|^=="):
            case "+" | "-" | "&" | "|" | "^" | "=" as operator:
                return Update(into, location, operator, operand, order)
            case unknown:
                raise AssertionError(unknown)

    def compare_exchange(self) -> CompareExchange:
        """Return a compare-exchange, half of them weak."""
        p, expected, desired = self.palette, self.expression(), self.expression()
        return CompareExchange(
            into=self.fresh("s") if p.chance(70) else None,
            found=self.fresh("r"),
            location=p.location(),
            expected=expected,
            desired=desired,
            success=p.order(),
            failure=p.load_order(),
            weak=p.chance(50),
        )

    def expression(self) -> Expression:
        """Return a number, or one computed from what was read."""
        p = self.palette
        if not self.known or p.chance(60):
            return p.constant()
        match p.rng.choice("llub"):
            case "u":
                return Unary(p.rng.choice(UNARY), self.local())
            case "b":
                return Binary(p.rng.choice(BINARY), self.local(), p.constant())
            case _:
                return self.local()

    def local(self) -> Local:
        """Return something known, now and then an earlier value."""
        return Local(self.palette.rng.choice(self.known))

    def fresh(self, kind: str) -> str:
        """Return the name of a local that will be known from now on."""
        name = f"{kind}{next(self.names)}"
        self.known.append(name)
        return name
