"""The oracle itself: known numbers, known verdicts, and what must hold between the models."""

from dataclasses import dataclass, replace
from random import Random
from typing import Final, get_args

import pytest

from registrar.sync import ACQ_REL, ACQUIRE, RELAXED, RELEASE, SEQ_CST, MemoryOrder
from stress.litmus.program import (
    Binary,
    Constant,
    Expression,
    LitmusTest,
    Local,
    Unary,
)

from . import store_buffers
from .brute_force import Memory, executions
from .notation import Block, add, cas, f, program, r, text, w, when
from .random_programs import random_test
from .table import FAMILIES, FIB, TABLE, Row, fib
from .thread import Thread, read_part, readings, write_part

MEMORIES: Final[tuple[Memory, ...]] = get_args(Memory.__value__)
FEW, MANY = 50, 200
"""Executions: with more than few the count takes long enough to be marked slow."""
KNOWN: Final = (*TABLE, *FAMILIES, Row(fib(1), 3, FIB[1]), Row(fib(2), 19, FIB[2]))


def row_name(row: Row) -> str:
    """Return the name of a row's test."""
    return row.test.name


def drawn(seed: str, number: int) -> list[LitmusTest]:
    """Return random programs."""
    return [random_test(Random(f"{seed}:{each}")) for each in range(number)]


# Known numbers.


@pytest.mark.parametrize("row", [row for row in KNOWN if row.rc11 <= FEW], ids=row_name)
def test_oracle_returns_known_number(row: Row) -> None:
    """The axioms leave as many executions as others have counted."""
    assert executions(row.test, "sc").executions == row.sc
    assert executions(row.test, "rc11").executions == row.rc11


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in KNOWN if FEW < row.rc11 <= MANY], ids=row_name)
def test_oracle_returns_known_larger_number(row: Row) -> None:
    """The axioms leave as many executions as others have counted."""
    assert executions(row.test, "sc").executions == row.sc
    assert executions(row.test, "rc11").executions == row.rc11


@pytest.mark.slow
def test_oracle_returns_number_of_fib_3() -> None:
    """Eighteen accesses have 175 executions."""
    assert executions(fib(3), "rc11").executions == FIB[3]


# Known verdicts.


@dataclass(frozen=True)
class Verdict:
    """Whether each model allows a weak outcome: values by term, as ``0:r0`` or ``x``."""

    test: LitmusTest
    weak: dict[str, int]
    sc: bool
    tso: bool
    rc11: bool

    def __str__(self) -> str:
        return self.test.name


def verdict(name: str, allowed: str, weak: dict[str, int], *threads: Block) -> Verdict:
    """Return the verdict that exactly the models of `allowed`, words, allow `weak`."""
    words = allowed.split()
    return Verdict(
        program(name, *threads), weak, *(memory in words for memory in ("sc", "tso", "rc11"))
    )


def reaches(test: LitmusTest, memory: Memory, values: dict[str, int]) -> bool:
    """Return whether an execution ends with these values."""
    terms = list(map(str, test.observed))
    return any(
        all(state[terms.index(term)] == value for term, value in values.items())
        for state in executions(test, memory).outcomes
    )


ZEROS: Final = {"0:r0": 0, "1:r0": 0}
STALE: Final = {"1:r0": 1, "1:r1": 0}
SPLIT: Final = {"2:r0": 1, "2:r1": 0, "3:r0": 1, "3:r1": 0}
WX, WY = w("x", 1, RELAXED), w("y", 1, RELAXED)
RX, RY = r("x", RELAXED), r("y", RELAXED)
SC_FENCE: Final = f(SEQ_CST)

VERDICTS: Final = (
    verdict("SB", "tso rc11", ZEROS, [WX, RY], [WY, RX]),
    verdict("SB+fences", "", ZEROS, [WX, SC_FENCE, RY], [WY, SC_FENCE, RX]),
    verdict("SB+fence", "tso rc11", ZEROS, [WX, SC_FENCE, RY], [WY, RX]),
    verdict("SB+acqrelf", "tso rc11", ZEROS, [WX, f(ACQ_REL), RY], [WY, f(ACQ_REL), RX]),
    verdict("SB+w_sc", "rc11", ZEROS, [w("x", 1, SEQ_CST), RY], [w("y", 1, SEQ_CST), RX]),
    verdict("SB+r_sc", "tso rc11", ZEROS, [WX, r("y", SEQ_CST)], [WY, r("x", SEQ_CST)]),
    verdict(
        "SB+sc", "", ZEROS,
        [w("x", 1, SEQ_CST), r("y", SEQ_CST)], [w("y", 1, SEQ_CST), r("x", SEQ_CST)],
    ),
    verdict(
        "SB+adds", "rc11", {"0:r1": 0, "1:r1": 0},
        [add("x", 1, RELAXED), RY], [add("y", 1, RELAXED), RX],
    ),
    verdict(
        "SB+failures", "rc11", {"0:r1": 0, "1:r1": 0},
        [WX, cas("z", 9, 1, RELAXED), RY], [WY, cas("z", 9, 1, RELAXED), RX],
    ),
    verdict("MP", "rc11", STALE, [WX, WY], [RY, RX]),
    verdict("MP+rel+acq", "", STALE, [WX, w("y", 1, RELEASE)], [r("y", ACQUIRE), RX]),
    verdict("MP+rel", "rc11", STALE, [WX, w("y", 1, RELEASE)], [RY, RX]),
    verdict("MP+acq", "rc11", STALE, [WX, WY], [r("y", ACQUIRE), RX]),
    verdict("MP+fences", "", STALE, [WX, f(RELEASE), WY], [RY, f(ACQUIRE), RX]),
    verdict("LB", "", {"0:r0": 1, "1:r0": 1}, [RX, WY], [RY, WX]),
    verdict("R", "tso rc11", {"y": 2, "1:r0": 0}, [WX, WY], [w("y", 2, RELAXED), RX]),
    verdict("R+fence", "rc11", {"y": 2, "1:r0": 0}, [WX, WY], [w("y", 2, RELAXED), SC_FENCE, RX]),
    verdict("S", "rc11", {"x": 2, "1:r0": 1}, [w("x", 2, RELAXED), WY], [RY, WX]),
    verdict(
        "2+2W", "rc11", {"x": 1, "y": 1},
        [WX, w("y", 2, RELAXED)], [WY, w("x", 2, RELAXED)],
    ),
    verdict("IRIW", "rc11", SPLIT, [WX], [WY], [RX, RY], [RY, RX]),
    verdict(
        "IRIW+acq", "rc11", SPLIT, [w("x", 1, RELEASE)], [w("y", 1, RELEASE)],
        [r("x", ACQUIRE), r("y", ACQUIRE)], [r("y", ACQUIRE), r("x", ACQUIRE)],
    ),
    verdict("IRIW+fences", "", SPLIT, [WX], [WY], [RX, SC_FENCE, RY], [RY, SC_FENCE, RX]),
    verdict("WRC", "rc11", {"1:r0": 1, "2:r0": 1, "2:r1": 0}, [WX], [RX, WY], [RY, RX]),
    verdict(
        "n6", "tso rc11", {"0:r0": 1, "0:r1": 0, "x": 1},
        [WX, RX, RY], [WY, w("x", 2, RELAXED)],
    ),
    verdict("CoRR", "", {"1:r0": 1, "1:r1": 0}, [WX], [RX, RX]),
    verdict("lost update", "", {"x": 1}, [add("x", 1, RELAXED)], [add("x", 1, RELAXED)]),
)  # fmt: skip


@pytest.mark.parametrize("case", VERDICTS, ids=str)
def test_oracle_gives_known_verdict(case: Verdict) -> None:
    """Each model allows, or forbids, what the literature says it does."""
    assert [reaches(case.test, memory, case.weak) for memory in MEMORIES] == [
        case.sc,
        case.tso,
        case.rc11,
    ]


@pytest.mark.parametrize(("version", "stale"), [("c++20", True), ("c++11", False)])
def test_release_sequence_has_later_writes_in_cpp11_only(version: str, stale: bool) -> None:  # noqa: FBT001
    """A relaxed write after the release, of its thread, publishes in C++11 and not in C++20."""
    test = program(
        "relseq",
        [WX, w("y", 1, RELEASE), w("y", 2, RELAXED)],
        [r("y", ACQUIRE), RX],
    )
    states = executions(test, "rc11", "c++11" if version == "c++11" else "c++20").outcomes

    assert ((2, 0) in {state[:2] for state in states}) is stale


# Races.


@pytest.mark.parametrize("memory", MEMORIES)
def test_oracle_finds_race_of_plain_accesses(memory: Memory) -> None:
    """A plain write and a plain read that nothing orders race in every execution."""
    result = executions(program("race", [w("x", 1)], [r("x")]), memory)

    assert (result.executions, result.races) == (2, 2)


@pytest.mark.parametrize("memory", MEMORIES)
def test_oracle_finds_no_race_of_published_data(memory: Memory) -> None:
    """Release and acquire order plain accesses, and an unread flag keeps the reader away."""
    test = next(row.test for row in TABLE if row.test.name == "MP+rel+acq")

    assert executions(test, memory).races == 0


@pytest.mark.parametrize(("memory", "racy"), [("sc", 0), ("tso", 0), ("rc11", 2)])
def test_relaxed_flag_publishes_only_where_it_counts_as_seq_cst(memory: Memory, racy: int) -> None:
    """Under sc and tso atomic accesses order plain ones whatever they say; not so in rc11."""
    test = program("MP", [w("x", 1), WY], [r("y", RELAXED, "f"), when("f", r("x"))])

    assert executions(test, memory).races == racy


# Compare-exchange.


@pytest.mark.parametrize("memory", MEMORIES)
def test_weak_compare_exchange_has_spurious_failure(memory: Memory) -> None:
    """The weak form has one execution more, and only where the value matched."""
    strong = cas("x", 0, 1, RELAXED)
    matching = replace(strong, weak=True)
    missing = replace(matching, expected=Constant(5))

    assert executions(program("strong", [strong]), memory).executions == 1
    assert executions(program("weak", [matching]), memory).executions == 2
    assert executions(program("weak, missing", [missing]), memory).executions == 1


@pytest.mark.parametrize(
    ("success", "failure", "stale"),
    [(ACQUIRE, RELAXED, True), (RELAXED, ACQUIRE, False), (SEQ_CST, RELAXED, True)],
)
def test_failed_compare_exchange_has_failure_order(
    success: MemoryOrder,
    failure: MemoryOrder,
    stale: bool,  # noqa: FBT001
) -> None:
    """A compare-exchange that fails is a read of the order of failure, whatever success has."""
    test = program("MP", [WX, w("y", 1, RELEASE)], [cas("y", 5, 6, success, failure), RX])

    assert reaches(test, "rc11", STALE) is stale


def test_failed_compare_exchange_writes_nothing() -> None:
    """Two failures and a store leave one modification order, and four ways to read."""
    failing = cas("x", 5, 6, RELAXED)

    assert executions(program("fail", [WX], [failing], [failing]), "rc11").executions == 4


@pytest.mark.parametrize(
    ("order", "read", "write"),
    [
        (RELAXED, RELAXED, RELAXED),
        (ACQUIRE, ACQUIRE, RELAXED),
        (RELEASE, RELAXED, RELEASE),
        (ACQ_REL, ACQUIRE, RELEASE),
        (SEQ_CST, SEQ_CST, SEQ_CST),
    ],
)
def test_update_orders_its_read_and_its_write(
    order: MemoryOrder, read: MemoryOrder, write: MemoryOrder
) -> None:
    """Of an update's order, the read has what acquires, and the write what releases."""
    (reading,) = readings(Thread((add("x", 1, order),)), 0)

    assert read_part(order) == reading.order == read
    assert reading.written == (1, write)
    assert write_part(order) == write


# Expressions.


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (Binary("+", Constant(2**31 - 1), Constant(1)), -(2**31)),
        (Binary("*", Constant(2**16), Constant(2**16)), 0),
        (Binary("-", Constant(-(2**31)), Constant(1)), 2**31 - 1),
        (Unary("-", Constant(-(2**31))), -(2**31)),
        (Unary("~", Constant(0)), -1),
        (Unary("!", Constant(7)), 0),
        (Binary("/", Constant(-7), Constant(2)), -3),
        (Binary("%", Constant(-7), Constant(2)), -1),
        (Binary(">>", Constant(-8), Constant(1)), -4),
        (Binary("<<", Constant(1), Constant(31)), -(2**31)),
        (Binary("&&", Constant(4), Constant(2)), 1),
        (Binary("||", Constant(0), Constant(0)), 0),
        (Binary(">=", Constant(3), Constant(3)), 1),
        (Constant(2**32 + 5), 5),
        (Local("unassigned"), 0),
    ],
    ids=str,
)
def test_expression_computes_as_c_does(expression: Expression, value: int) -> None:
    """Ints are 32 bits and wrap; division is towards zero; truth is 1."""
    assert Thread(()).value(expression) == value


# What must hold of any program.


def size(test: LitmusTest) -> int:
    """Return how many reads and writes a test has; a compare-exchange counts as one."""
    printed = text(test)
    return sum(printed.count(sign) for sign in ("R[", "W[", "CAS[")) + 2 * printed.count("U[")


@pytest.mark.slow
@pytest.mark.parametrize("memory", MEMORIES)
def test_pruning_loses_no_execution(memory: Memory) -> None:
    """Whatever is left out for time's sake is nothing that counts."""
    small = [test for test in drawn("pruned", 100) if size(test) <= 7]

    assert len(small) > 30
    for test in small:
        assert executions(test, memory) == executions(test, memory, prune=False), text(test)


@pytest.mark.slow
def test_store_buffers_reach_outcomes_of_tso() -> None:
    """The machine with store buffers reaches the states that the axioms allow, and no other."""
    for test in drawn("buffered", 100):
        axiomatic = set(executions(test, "tso").outcomes)
        assert store_buffers.outcomes(test) == axiomatic, text(test)


@pytest.mark.slow
def test_weaker_memory_allows_whatever_stronger_allows() -> None:
    """Each of sc, tso, rc11 with C++11's release sequences, and with C++20's has more."""
    for test in drawn("weaker", 100):
        sc, tso = executions(test, "sc"), executions(test, "tso")
        old, new = executions(test, "rc11", "c++11"), executions(test, "rc11", "c++20")
        assert sc.outcomes <= tso.outcomes <= old.outcomes <= new.outcomes, text(test)


@pytest.mark.slow
def test_seq_cst_programs_are_sequentially_consistent() -> None:
    """Where every access is atomic and seq_cst, all models have the same executions."""
    programs = [test for test in drawn("seq_cst", 400) if all_seq_cst(test)]

    assert len(programs) > 20
    for test in programs:
        right = executions(test, "sc").outcomes
        assert executions(test, "tso").outcomes == right, text(test)
        assert executions(test, "rc11").outcomes == right, text(test)


def all_seq_cst(test: LitmusTest) -> bool:
    """Return whether every order in a test is seq_cst."""
    printed = text(test)
    return not any(f"[{order}]" in printed for order in ("na", "rlx", "acq", "rel", "acqrel")) and (
        "CAS[" not in printed.replace("CAS[sc/sc]", "")
    )
