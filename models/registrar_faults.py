"""Registrars with one deliberate fault each: the prey that every engine is tested on.

A check that no fault can fail checks nothing.  Each class is the registrar but for what its
docstring says; `FAULTS` and `EXPLORED_FAULTS` list them by the names the command line uses.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final, SupportsIndex

from registrar import GRANULARITY, PAGE_SIZE, MemoryRange, MemoryRegistrar, RegistrationError
from registrar.bitmap import BIT_MASK, WORD_SHIFT, AtomicBitmap, GuardedBitmap
from registrar.ranges import overlapping_ranges
from registrar.registrar import CHUNK_SHIFT
from registrar.sync import ACQUIRE, RELAXED, RELEASE, Sync, native


class EarlyPublish(MemoryRegistrar):
    """The bit is set before the backend is called: others use memory the kernel does not know."""

    def _register_pieces(self, chunk: int) -> None:
        if not self._failed.get(chunk):
            self._registered.set(chunk)
        super()._register_pieces(chunk)


class PublishBeforeLastPiece(MemoryRegistrar):
    """The bit is set when all pieces but the last are registered."""

    def _pieces(self, chunk: int) -> Iterator[MemoryRange]:  # type: ignore[override]
        pieces = super()._pieces(chunk)
        for piece in pieces:
            if piece is pieces[-1]:
                self._registered.set(chunk)
            yield piece


class NoRecheck(MemoryRegistrar):
    """The bit is not looked at again under the mutex: who waited registers a second time."""

    def _register_slowly(self, chunks: range) -> None:
        missing = [chunk for chunk in chunks if not self._registered.get(chunk)]
        with self._mutex:
            for chunk in missing:
                self._register_pieces(chunk)
                self._registered.set(chunk)


class _ForgetfulBitmap(GuardedBitmap):
    """Sets no bit."""

    def set(self, bit: int) -> None:
        pass


class ForgottenFailure(MemoryRegistrar):
    """A failure is not sticky: the next request tries the chunk again."""

    def __init__(self, *arguments: Any, sync: Sync = native) -> None:
        super().__init__(*arguments, sync=sync)
        self._failed = _ForgetfulBitmap(self._chunk_count, sync=sync, name="failed")


class FailedAndRegistered(MemoryRegistrar):
    """A chunk that fails is also marked registered: later requests are told all is well."""

    def _register_pieces(self, chunk: int) -> None:
        try:
            super()._register_pieces(chunk)
        except RegistrationError:
            self._registered.set(chunk)
            raise


class UnlockedUpdate(MemoryRegistrar):
    """The bit is set by a load and a store after the mutex is released: updates get lost."""

    def _register_slowly(self, chunks: range) -> None:
        done = []
        try:
            with self._mutex:
                for chunk in chunks:
                    if not self._registered.get(chunk):
                        self._register_pieces(chunk)
                        done.append(chunk)
        finally:
            for chunk in done:
                word = self._registered._words[chunk >> WORD_SHIFT]  # noqa: SLF001
                word.store(word.load(ACQUIRE) | 1 << (chunk & BIT_MASK), RELEASE)


class UnlockedCallback(MemoryRegistrar):
    """The mutex is released while the backend works: two threads register one chunk."""

    def _register_piece(self, piece: MemoryRange) -> None:
        self._mutex.release()
        try:
            super()._register_piece(piece)
        finally:
            self._mutex.acquire()


class _FirstWordBitmap(AtomicBitmap):
    """Sets every bit in the first word."""

    def set(self, bit: int) -> None:
        super().set(bit & BIT_MASK)


class OtherBitmap(MemoryRegistrar):
    """The registrar over another kind of bitmap."""

    bitmap: ClassVar[type[AtomicBitmap]]

    def __init__(self, *arguments: Any, sync: Sync = native) -> None:
        super().__init__(*arguments, sync=sync)
        self._registered = self.bitmap(self._chunk_count, sync=sync, name="registered")


class WrongWord(OtherBitmap):
    """Bits are set in the wrong word: chunk 64 marks chunk 0 as registered."""

    bitmap = _FirstWordBitmap


class EndRoundedDown(MemoryRegistrar):
    """The end of a request is rounded down to its page: its last bytes are forgotten."""

    def _chunks(self, address: SupportsIndex, length: SupportsIndex) -> range:
        chunks = super()._chunks(address, length)  # for its errors
        if not chunks:
            return chunks
        end = (int(address) + int(length)) // PAGE_SIZE * PAGE_SIZE
        return range(chunks.start, -(-end >> CHUNK_SHIFT))


class UnshiftedPiece(MemoryRegistrar):
    """The backend is told guest addresses: the registration offset is forgotten."""

    def _pieces(self, chunk: int) -> list[MemoryRange]:
        return [
            MemoryRange(piece.start - self._offset, piece.end - self._offset)
            for piece in super()._pieces(chunk)
        ]


class EarlyReturn(MemoryRegistrar):
    """A request is taken as done at its first registered chunk; the chunks after it are not."""

    def _register_slowly(self, chunks: range) -> None:
        with self._mutex:
            for chunk in chunks:
                if self._registered.get(chunk):
                    return
                self._register_pieces(chunk)
                self._registered.set(chunk)


class OneChunkFurther(MemoryRegistrar):
    """A chunk is taken to reach one page into the next: that page is registered twice."""

    def _pieces(self, chunk: int) -> list[MemoryRange]:
        start = chunk * GRANULARITY
        end = min(start + GRANULARITY + PAGE_SIZE, MemoryRange.MAX_ADDRESS)
        return [
            MemoryRange(piece.start + self._offset, piece.end + self._offset)
            for piece in overlapping_ranges([MemoryRange(start, end)], self._ram)
        ]


def relaxed_get(bitmap: AtomicBitmap, bit: int) -> bool:
    """Return whether `bit` is set, and promise nothing of what preceded its ``set``."""
    word = bitmap._words[bit >> WORD_SHIFT].load(RELAXED)  # noqa: SLF001
    return word >> (bit & BIT_MASK) & 1 == 1


class _RelaxedGetBitmap(AtomicBitmap):
    """Its ``get`` is relaxed."""

    def get(self, bit: int) -> bool:
        return relaxed_get(self, bit)


class RelaxedGet(OtherBitmap):
    """The bit is read by a relaxed load: who finds it set may not see the kernel's work."""

    bitmap = _RelaxedGetBitmap


class _RelaxedSetBitmap(AtomicBitmap):
    """Its ``set`` is relaxed."""

    def set(self, bit: int) -> None:
        self._words[bit >> WORD_SHIFT].fetch_or(1 << (bit & BIT_MASK), RELAXED)


class RelaxedSet(OtherBitmap):
    """The bit is set by a relaxed fetch-or: it publishes nothing of what was done before."""

    bitmap = _RelaxedSetBitmap


class UnguardedFailure(MemoryRegistrar):
    """Whether a chunk has failed is asked before the mutex is taken: plain data, read in a race."""

    def _register_slowly(self, chunks: range) -> None:
        for chunk in chunks:
            if self._failed.get(chunk) and not self._registered.get(chunk):
                raise RegistrationError(chunk << CHUNK_SHIFT)
        super()._register_slowly(chunks)


class KeptMutex(MemoryRegistrar):
    """The mutex is kept after a refusal: who needs it next waits for ever."""

    def _register_slowly(self, chunks: range) -> None:
        self._mutex.acquire()
        for chunk in chunks:
            if not self._registered.get(chunk):
                self._register_pieces(chunk)
                self._registered.set(chunk)
        self._mutex.release()


FAULTS: Final[dict[str, type[MemoryRegistrar]]] = {
    "early-publish": EarlyPublish,
    "publish-before-last-piece": PublishBeforeLastPiece,
    "no-recheck": NoRecheck,
    "forgotten-failure": ForgottenFailure,
    "failed-and-registered": FailedAndRegistered,
    "unlocked-update": UnlockedUpdate,
    "unlocked-callback": UnlockedCallback,
    "wrong-word": WrongWord,
    "end-rounded-down": EndRoundedDown,
    "unshifted-piece": UnshiftedPiece,
    "early-return": EarlyReturn,
    "one-chunk-further": OneChunkFurther,
}
"""The faults that every engine with threads shows, by name."""

EXPLORED_FAULTS: Final[dict[str, type[MemoryRegistrar]]] = {
    "relaxed-get": RelaxedGet,
    "relaxed-set": RelaxedSet,
    "unguarded-failure": UnguardedFailure,
    "kept-mutex": KeptMutex,
}
"""The faults that the explorer alone is asked to show, by name.

Real threads on x86 cannot show a missing acquire or release, nor a race on a plain word that the
interpreter reads in one piece; a mutex that is kept they show by hanging.
"""
