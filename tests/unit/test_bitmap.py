"""AtomicBitmap: invariants B1 and B2, and its borders."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrar import AtomicBitmap
from registrar.sync import ACQUIRE, RELEASE, AtomicWord, MemoryOrder
from registrar.sync.genuine import NativeSync

EDGES = (0, 1, 62, 63, 64, 65, 127, 128, 129)


@given(st.integers(1, 200).flatmap(lambda size: st.tuples(st.just(size), st.sets(bits(size)))))
def test_bitmap_holds_bits_that_were_set(drawn: tuple[int, set[int]]) -> None:
    """The bits that are set, and no others, read as set and are counted (B1, B2)."""
    size, chosen = drawn
    bitmap = AtomicBitmap(size)
    for bit in chosen:
        bitmap.set(bit)

    assert {bit for bit in range(size) if bitmap.get(bit)} == chosen
    assert bitmap.count() == len(chosen)


def bits(size: int) -> st.SearchStrategy[int]:
    """Return bits of a bitmap, often at the edges of words."""
    return st.sampled_from([bit for bit in EDGES if bit < size]) | st.integers(0, size - 1)


def test_set_never_clears_bit() -> None:
    """Setting a bit that is set changes nothing (B1)."""
    bitmap = AtomicBitmap(3)
    bitmap.set(1)
    bitmap.set(1)

    assert [bitmap.get(bit) for bit in range(3)] == [False, True, False]


@pytest.mark.parametrize("size", [0, 1, 64, 65])
def test_len_returns_size(size: int) -> None:
    """The length of a bitmap is its number of bits, not of words times 64."""
    assert len(AtomicBitmap(size)) == size


def test_constructor_rejects_negative_size() -> None:
    """A negative size is a ValueError."""
    with pytest.raises(ValueError, match="-1"):
        AtomicBitmap(-1)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65])
@pytest.mark.parametrize("beyond", [-1, 0, 1, 64])
@pytest.mark.parametrize("method", ["get", "set"])
def test_bitmap_rejects_bit_outside(size: int, beyond: int, method: str) -> None:
    """A bit below 0, or at the size or above, is an IndexError even within the last word."""
    bit = size + beyond if beyond >= 0 else beyond
    bitmap = AtomicBitmap(size)

    with pytest.raises(IndexError):
        getattr(bitmap, method)(bit)
    assert bitmap.count() == 0


class NotedWord:
    """A word that notes its name and the order of each access."""

    def __init__(self, word: AtomicWord, name: str, notes: list[tuple[str, str, Any]]) -> None:
        self._word, self._name, self._notes = word, name, notes

    def __getattr__(self, access: str) -> Any:
        def noted(*arguments: Any) -> Any:
            self._notes.append((self._name, access, arguments[-1]))
            return getattr(self._word, access)(*arguments)

        return noted


class NotingSync(NativeSync):
    """The genuine `Sync`, whose words note their accesses."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[str, str, MemoryOrder]] = []

    def word(self, value: int = 0, *, name: str = "") -> Any:
        """Return a word that notes its accesses."""
        return NotedWord(super().word(value), name, self.notes)


@pytest.mark.parametrize(("bit", "word"), [(0, 0), (63, 0), (64, 1), (129, 2)])
def test_bitmap_makes_one_access(bit: int, word: int) -> None:
    """A bit is set by one fetch-or with RELEASE and read by one load with ACQUIRE (R2, R3d)."""
    sync = NotingSync()
    bitmap = AtomicBitmap(130, sync=sync, name="bits")
    bitmap.set(bit)
    bitmap.get(bit)

    assert sync.notes == [
        (f"bits[{word}]", "fetch_or", RELEASE),
        (f"bits[{word}]", "load", ACQUIRE),
    ]


def test_count_loads_each_word_once() -> None:
    """Counting loads each word once with ACQUIRE."""
    sync = NotingSync()
    AtomicBitmap(65, sync=sync, name="bits").count()

    assert sync.notes == [("bits[0]", "load", ACQUIRE), ("bits[1]", "load", ACQUIRE)]


@pytest.mark.threads
def test_threads_never_lose_bits_of_one_word() -> None:
    """Four threads that set different bits of the same words at once lose none (B2)."""
    bitmap = AtomicBitmap(4096)
    start = threading.Barrier(4)

    def set_every_fourth(first: int) -> None:
        start.wait()
        for bit in range(first, 4096, 4):
            bitmap.set(bit)

    workers = [threading.Thread(target=set_every_fourth, args=(first,)) for first in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert bitmap.count() == 4096
