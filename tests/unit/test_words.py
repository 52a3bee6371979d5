"""Genuine words: every operation as plain arithmetic has it, by either way into `atomics`."""

import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, SimpleNamespace
from typing import Any

import atomics
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrar.sync import (
    ACQ_REL,
    ACQUIRE,
    RELAXED,
    RELEASE,
    SEQ_CST,
    AtomicWord,
    MemoryOrder,
    native,
    words,
)
from registrar.sync.words import DirectWord, PublicWord

MODULUS = 1 << 64
MAX = MODULUS - 1
LOADS = (RELAXED, ACQUIRE, SEQ_CST)
STORES = (RELAXED, RELEASE, SEQ_CST)

FETCHES: dict[str, Callable[[int, int], int]] = {
    "exchange": lambda _, operand: operand,
    "fetch_add": lambda old, operand: old + operand,
    "fetch_sub": lambda old, operand: old - operand,
    "fetch_and": lambda old, operand: old & operand,
    "fetch_or": lambda old, operand: old | operand,
    "fetch_xor": lambda old, operand: old ^ operand,
}
"""What each operation leaves behind, before it is taken modulo 2**64."""

type WordKind = type[DirectWord | PublicWord]

kinds = pytest.mark.parametrize("kind", [DirectWord, PublicWord])
values = st.sampled_from([0, 1, MAX, 1 << 63, -1, MODULUS, MODULUS + 5]) | st.integers(
    -MODULUS, MAX
)


def word_of(kind: WordKind, value: int = 0) -> AtomicWord:
    """Return a word of this kind that holds `value`."""
    word: AtomicWord = kind(atomics.atomic(width=8, atype=atomics.UINT))
    word.store(value, RELAXED)
    return word


@kinds
@given(
    start=values,
    name=st.sampled_from([*FETCHES]),
    operand=values,
    order=st.sampled_from(MemoryOrder),
)
def test_fetch_returns_old_value(
    kind: WordKind, start: int, name: str, operand: int, order: MemoryOrder
) -> None:
    """Each read-modify-write returns the old value and leaves the new, modulo 2**64 (S1)."""
    word = word_of(kind, start)
    old = getattr(word, name)(operand, order)

    expected = FETCHES[name](start % MODULUS, operand % MODULUS) % MODULUS
    assert (old, word.load(SEQ_CST)) == (start % MODULUS, expected)


@kinds
@given(
    start=values,
    expected=values,
    desired=values,
    orders=st.tuples(st.sampled_from(MemoryOrder), st.sampled_from(LOADS)),
)
def test_compare_exchange_stores_if_equal(
    kind: WordKind,
    start: int,
    expected: int,
    desired: int,
    orders: tuple[MemoryOrder, MemoryOrder],
) -> None:
    """A compare-exchange stores where it finds what is expected; it says what it found (S1)."""
    word = word_of(kind, start)
    stored, found = word.compare_exchange(expected, desired, *orders)

    equal = (start - expected) % MODULUS == 0
    assert (stored, found) == (equal, start % MODULUS)
    assert word.load(RELAXED) == (desired if equal else start) % MODULUS


@kinds
@given(start=values, expected=values, desired=values)
def test_weak_compare_exchange_never_stores_if_different(
    kind: WordKind, start: int, expected: int, desired: int
) -> None:
    """A weak compare-exchange may fail for no reason, but it never succeeds without one."""
    word = word_of(kind, start)
    stored, found = word.compare_exchange_weak(expected, desired, SEQ_CST, RELAXED)

    equal = (start - expected) % MODULUS == 0
    assert found == start % MODULUS
    assert equal or not stored
    assert word.load(RELAXED) == (desired if stored else start) % MODULUS


@kinds
def test_weak_compare_exchange_succeeds_in_the_end(kind: WordKind) -> None:
    """A weak compare-exchange, tried again and again, stores."""
    word = word_of(kind, 5)

    assert any(word.compare_exchange_weak(5, 6, ACQ_REL, ACQUIRE)[0] for _ in range(1000))
    assert word.load(RELAXED) == 6


@kinds
@given(value=values, store=st.sampled_from(STORES), load=st.sampled_from(LOADS))
def test_load_returns_what_was_stored(
    kind: WordKind, value: int, store: MemoryOrder, load: MemoryOrder
) -> None:
    """A load returns what was stored, modulo 2**64 (S1)."""
    word = word_of(kind)
    word.store(value, store)

    assert word.load(load) == value % MODULUS


@pytest.mark.parametrize(("value", "held"), [(0, 0), (7, 7), (MODULUS + 7, 7), (-1, MAX)])
def test_native_word_starts_with_value_modulo_64_bits(value: int, held: int) -> None:
    """A new word holds the value it was asked for, modulo 2**64 (S1)."""
    assert native.word(value, name="any").load(RELAXED) == held


WRONG: list[tuple[str, tuple[Any, ...]]] = [
    *(("load", (order,)) for order in (RELEASE, ACQ_REL)),
    *(("store", (1, order)) for order in (ACQUIRE, ACQ_REL)),
    *(
        (name, (5, 1, success, failure))
        for name in ("compare_exchange", "compare_exchange_weak")
        for success in MemoryOrder
        for failure in (RELEASE, ACQ_REL)
    ),
]


@kinds
@pytest.mark.parametrize(("name", "arguments"), WRONG)
def test_word_rejects_wrong_order(kind: WordKind, name: str, arguments: tuple[Any, ...]) -> None:
    """An order that C11 does not permit is a ValueError, and the word keeps its value."""
    word = word_of(kind, 5)

    with pytest.raises(ValueError, match="C11 gives this no meaning"):
        getattr(word, name)(*arguments)
    assert word.load(SEQ_CST) == 5


@pytest.fixture
def fresh() -> Iterator[None]:
    """Let `new_word` choose its kind anew, in the test and after it."""
    words._words.cache_clear()
    yield
    words._words.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_native_words_are_direct_where_atomics_allows_it() -> None:
    """The installed `atomics` allows its C functions to be called directly."""
    assert type(native.word()) is DirectWord


class Gone:
    """The thread's operations where `atomics` has no such C functions."""

    @property
    def operations(self) -> object:
        """Fail as a missing attribute of `atomics` does."""
        raise AttributeError("fp_fetch_or")


class WrongAdd(words._Operations):
    """The operations of an `atomics` whose fetch-add subtracts."""

    def __init__(self) -> None:
        super().__init__()
        self.c_add = self.c_sub


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("changed", [Gone(), SimpleNamespace(operations=WrongAdd())])
def test_native_words_are_public_where_check_fails(
    monkeypatch: pytest.MonkeyPatch, changed: object
) -> None:
    """Where the C functions are gone or answer otherwise, words warn once, and still work."""
    monkeypatch.setattr(words, "_thread", changed)
    with pytest.warns(RuntimeWarning, match="public API can"):
        word = native.word(40)

    assert type(word) is type(native.word()) is PublicWord
    assert (word.fetch_add(2, RELAXED), word.load(ACQUIRE)) == (40, 42)


@kinds
@pytest.mark.threads
@pytest.mark.slow
def test_fetch_add_never_gives_two_threads_one_value(kind: WordKind) -> None:
    """200,000 fetch-adds by four threads return each old value once, and add up (W1)."""
    word, each = word_of(kind), 50_000 if kind is DirectWord else 5_000
    start = threading.Barrier(4)
    seen: list[list[int]] = [[] for _ in range(4)]

    def add(mine: list[int]) -> None:
        start.wait()
        mine.extend(word.fetch_add(1, RELAXED) for _ in range(each))

    workers = [threading.Thread(target=add, args=(mine,)) for mine in seen]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(value for mine in seen for value in mine) == list(range(4 * each))
    assert word.load(RELAXED) == 4 * each


@pytest.mark.slow
def test_signal_handler_never_changes_result_of_interrupted_call() -> None:
    """A handler that uses words amid an access to another leaves its result alone (W1)."""
    word, other = word_of(DirectWord, 5), word_of(DirectWord, 9)
    handled = 0

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal handled
        handled += 1
        assert other.fetch_add(0, SEQ_CST) == other.load(ACQUIRE) == 9

    before = signal.signal(signal.SIGVTALRM, handle)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
    try:
        while handled < 50:
            assert all(word.load(ACQUIRE) == word.fetch_or(4, RELAXED) == 5 for _ in range(1000))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_word_outlives_thread_that_made_it() -> None:
    """A word keeps its memory after the thread that made it has ended (W2)."""
    made: list[AtomicWord] = []
    maker = threading.Thread(target=lambda: made.append(native.word(7)))
    maker.start()
    maker.join()

    assert made[0].fetch_add(1, RELAXED) == 7
    assert made[0].load(RELAXED) == 8
