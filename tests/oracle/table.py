"""Tests whose numbers of executions are known: GenMC's records, in this notation.

`TABLE` has a row for each test, with its executions under sc and under rc11 (C++20 release
sequences). The families grow with N; their numbers of executions are in `FAMILIES`.
"""

from dataclasses import dataclass
from math import factorial
from typing import Final

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST
from stress.litmus.program import Binary, Constant, LitmusTest, Local

from .notation import Block, add, cas, f, program, r, w, when

REL, ACQ, RLX, SC, AR = RELEASE, ACQUIRE, RELAXED, SEQ_CST, ACQ_REL


@dataclass(frozen=True)
class Row:
    """A test, and how many executions it has."""

    test: LitmusTest
    sc: int
    rc11: int


def row(name: str, sc: int, rc11: int, *threads: Block, **initial: int) -> Row:
    """Return the row of these threads."""
    return Row(program(name, *threads, **initial), sc, rc11)


def above(local: str, value: int) -> Binary:
    """Return the condition that a local is above a value."""
    return Binary(">", Local(local), Constant(value))


TABLE: Final = (
    row("2+2W", 3, 4, [w("x", 1, REL), w("y", 2, REL)], [w("y", 1, REL), w("x", 2, REL)]),
    row(
        "2+2W+2sc+scf",
        3,
        3,
        [w("x", 1, SC), w("y", 2, SC)],
        [w("y", 1, RLX), f(SC), w("x", 2, RLX)],
    ),
    row("2+2W+3sc+rel1", 3, 4, [w("x", 1, SC), w("y", 2, SC)], [w("y", 1, REL), w("x", 2, SC)]),
    row("2+2W+4sc", 3, 3, [w("x", 1, SC), w("y", 2, SC)], [w("y", 1, SC), w("x", 2, SC)]),
    row(
        "2+2W+scfs",
        3,
        3,
        [w("x", 1, RLX), f(SC), w("y", 2, RLX)],
        [w("y", 1, RLX), f(SC), w("x", 2, RLX)],
    ),
    row("2CoWR", 4, 4, [r("y", ACQ)], [r("x", ACQ)], [w("x", 1, REL)], [w("y", 1, REL)]),
    row("CoRR", 6, 6, [w("x", 1, REL), w("x", 2, REL)], [r("x", ACQ), r("x", ACQ)]),
    row("CoRR0", 4, 4, [w("x", 1, REL)], [r("x", ACQ)], [r("x", ACQ)]),
    row(
        "CoRR1",
        36,
        36,
        [w("x", 1, REL)],
        [w("x", 2, REL)],
        [r("x", ACQ), r("x", ACQ)],
        [r("x", ACQ)],
    ),
    row(
        "CoRR2",
        72,
        72,
        [w("x", 1, REL)],
        [w("x", 2, REL)],
        [r("x", ACQ), r("x", ACQ)],
        [r("x", ACQ), r("x", ACQ)],
    ),
    row("CoRW", 3, 3, [r("x", ACQ), w("x", 1, REL)], [w("x", 2, REL)]),
    row("CoWR", 3, 3, [w("x", 1, REL), r("x", ACQ)], [w("x", 2, REL)]),
    row(
        "IRIW-acq-sc",
        15,
        16,
        [w("x", 1, SC)],
        [r("x", ACQ), r("y", SC)],
        [r("y", ACQ), r("x", SC)],
        [w("y", 1, SC)],
    ),
    row(
        "isa2",
        7,
        7,
        [w("a", 1, RLX), w("b", 1, REL)],
        [r("b", ACQ), w("c", 1, REL)],
        [r("c", ACQ), r("a", RLX)],
    ),
    row("LB", 3, 3, [r("y", ACQ), w("x", 1, REL)], [r("x", ACQ), w("y", 1, REL)]),
    row("LB+rel", 3, 3, [r("x", RLX), w("y", 1, REL)], [r("y", RLX), w("x", 1, REL)]),
    row("LB2", 3, 3, [r("x", RLX), w("y", 1, RLX)], [r("y", RLX), w("x", 1, RLX)]),
    row(
        "LB3",
        7,
        7,
        [r("a", RLX), w("b", 1, RLX)],
        [r("b", RLX), w("c", 1, RLX)],
        [r("c", RLX), w("a", 1, RLX)],
    ),
    row("MP", 3, 3, [w("x", 1, REL), w("y", 1, REL)], [r("y", ACQ), r("x", ACQ)]),
    row(
        "MP+incMP",
        7,
        7,
        [r("y", ACQ), add("z", 1, AR)],
        [add("z", 1, AR), r("x", ACQ)],
        [w("x", 1, REL), w("y", 1, REL)],
    ),
    row("MP+rel+acq", 2, 2, [w("x", 1), w("y", 1, REL)], [r("y", ACQ, "f"), when("f", r("x"))]),
    row(
        "MP+rel+acqf",
        2,
        2,
        [w("x", 1), w("y", 1, REL)],
        [r("y", RLX, "f"), when("f", f(ACQ), r("x"))],
    ),
    row(
        "MP+relf+acq",
        2,
        2,
        [w("x", 1), f(REL), w("y", 1, RLX)],
        [r("y", ACQ, "f"), when("f", r("x"))],
    ),
    row(
        "MP+relf+acqf",
        2,
        2,
        [w("x", 1), f(REL), w("y", 1, RLX)],
        [r("y", RLX, "f"), when("f", f(ACQ), r("x"))],
    ),
    row(
        "MPU+rel+acq",
        6,
        6,
        [w("x", 1), w("y", 1, REL)],
        [add("y", 1, RLX)],
        [r("y", ACQ, "f"), when(above("f", 1), w("x", 2))],
    ),
    row(
        "MPU2+rel+acq",
        14,
        14,
        [w("x", 1), w("y", 1, REL)],
        [cas("y", 2, 3, RLX)],
        [cas("y", 1, 2, RLX)],
        [r("y", ACQ, "f"), when(above("f", 2), w("x", 2))],
    ),
    row(
        "ori",
        5,
        5,
        [add("x", 1, RLX), w("y", 1, REL)],
        [cas("x", 0, 1, ACQ)],
        [r("y", RLX, "f"), when("f", w("x", 4, REL))],
    ),
    row(
        "peterZ",
        7,
        7,
        [w("x", 1, RLX), f(SC), r("y", RLX)],
        [w("y", 1, RLX), w("z", 1, REL)],
        [r("z", ACQ), f(SC), r("x", RLX)],
    ),
    row("rii", 3, 3, [r("x", RLX), add("x", 1, RLX)], [add("x", 1, RLX)]),
    row("riwi", 3, 3, [r("y", RLX), add("x", 1, RLX)], [add("x", 1, RLX), w("y", 1, REL)]),
    row(
        "RWC+syncs",
        7,
        7,
        [w("x", 1, RLX)],
        [r("x", RLX), f(SC), r("y", RLX)],
        [w("y", 1, RLX), f(SC), r("x", RLX)],
    ),
    row("S", 3, 4, [w("x", 2, RLX), w("y", 1, RLX)], [r("y", RLX), w("x", 1, RLX)]),
    row("S+rel+acq", 2, 2, [w("x", 1), w("y", 1, REL)], [r("y", ACQ, "f"), when("f", w("x", 2))]),
    row("SB", 3, 4, [w("x", 1, REL), r("y", ACQ)], [w("y", 1, REL), r("x", ACQ)]),
    row("SB+2sc+scf", 3, 3, [w("x", 1, SC), r("y", SC)], [w("y", 1, RLX), f(SC), r("x", RLX)]),
    row("SB+3sc+acq", 3, 4, [w("x", 1, SC), r("y", SC)], [w("y", 1, SC), r("x", ACQ)]),
    row("SB+4sc", 3, 3, [w("x", 1, SC), r("y", SC)], [w("y", 1, SC), r("x", SC)]),
    row(
        "SB+scfs", 3, 3, [w("x", 1, RLX), f(SC), r("y", RLX)], [w("y", 1, RLX), f(SC), r("x", RLX)]
    ),
    row("small0", 9, 9, [r("x", ACQ)], [r("x", ACQ), w("x", 1, REL)], [w("x", 2, REL)]),
    row(
        "viktor-relseq",
        180,
        180,
        [add("lock", 1, ACQ), add("lock", 1, RLX)],
        [add("lock", 1, RLX), add("lock", 1, RLX)],
        [add("lock", 1, REL)],
        [add("lock", 1, RLX)],
    ),
    row(
        "W+RWC",
        7,
        7,
        [w("x", 1, RLX), w("z", 1, REL)],
        [r("z", ACQ), f(SC), r("y", RLX)],
        [w("y", 1, RLX), f(SC), r("x", RLX)],
    ),
    row(
        "wcii",
        24,
        24,
        [w("x", 5, REL)],
        [cas("x", 1, 2, RLX)],
        [add("x", 1, RLX)],
        [add("x", 1, RLX)],
    ),
    row(
        "Z6+acq",
        7,
        7,
        [w("a", 1, RLX), f(SC), w("b", 1, RLX)],
        [r("b", ACQ), w("c", 1, RLX)],
        [w("c", 2, RLX), f(SC), r("a", RLX)],
    ),
)


# Families.


def ainc(n: int) -> LitmusTest:
    """Return the test in which each of n threads increments one counter."""
    return program(f"ainc({n})", *([add("x", 1, AR)] for _ in range(n)))


def binc(n: int) -> LitmusTest:
    """Return the test in which each of n threads increments two counters."""
    return program(f"binc({n})", *([add("x", 1, AR), add("y", 1, AR)] for _ in range(n)))


def readers(n: int) -> LitmusTest:
    """Return the test of one writer and n readers."""
    return program(f"readers({n})", [w("x", 1, RLX)], *([r("x", RLX)] for _ in range(n)))


def casrot(n: int) -> LitmusTest:
    """Return the test in which thread i of n replaces i by i + 1."""
    return program(f"casrot({n})", *([cas("x", i, i + 1, RLX)] for i in range(n)))


def fib(n: int) -> LitmusTest:
    """Return the test in which x and y, both 1, are n times added to each other."""

    def sums(of: str, other: str) -> Block:
        total = Binary("+", Local("a"), Local("b"))
        return [r(of, RLX, "a"), r(other, RLX, "b"), w(of, total, RLX)] * n

    return program(f"fib({n})", sums("x", "y"), sums("y", "x"), x=1, y=1)


FAMILIES: Final = (
    *(Row(ainc(n), factorial(n), factorial(n)) for n in range(1, 8)),
    *(Row(binc(n), factorial(n) ** 2, factorial(n) ** 2) for n in range(1, 5)),
    *(Row(readers(n), 2**n, 2**n) for n in range(1, 11)),
    *(Row(casrot(n), k, k) for n, k in enumerate((2, 5, 14, 43, 144, 523), start=2)),
)
FIB: Final = {1: 3, 2: 20, 3: 175, 4: 1764, 5: 19404}
"""Executions of fib(n) under rc11."""
FIB_5_SC: Final = 8953
