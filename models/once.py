"""A value that the first caller makes, that everyone else waits for, and that is there for good.

>>> from registrar.sync import native
>>> once = Once(native)
>>> once.call(lambda: 6 * 7)
42
>>> once.call(lambda: 0)
42

An initialiser that fails poisons the Once, for good too:

>>> poisoned = Once(native)
>>> try:
...     poisoned.call(lambda: 1 // 0)
... except ZeroDivisionError:
...     poisoned.call(lambda: 1)
Traceback (most recent call last):
  ...
models.once.Poisoned: the initialiser failed in an earlier call, and is never tried again

As Rust's ``std::sync::Once`` does.  This is the contrast to the registrar's sticky failure.  There
each chunk fails for itself: whoever asks for it again gets the same kind of error, and all other
chunks go on (I7, I8).  Here nothing is left to go on with.  The initialiser's own exception goes to
the call that ran it, and everyone after it is told another thing: that the value was spoilt before
they came.

Ordering
========

    thread A    write value ──▶ state ← COMPLETE
                                   ╎ synchronizes with
    thread B                       ╰╌▶ state is COMPLETE ──▶ read value

Who finds COMPLETE on the fast path has taken no lock, so the store releases and that load acquires:
double-checked locking (Schmidt and Harrison, PLoP 1996) with the two orders it lacked for years
(Meyers and Alexandrescu, "C++ and the Perils of Double-Checked Locking", Dr. Dobb's Journal 2004).
Under the mutex the state may be read and written relaxed: the mutex orders that.

Invariants
==========

O1  At most one initialiser is ever run.
O2  ``call`` returns: the value is whole, the same for every caller, and visible here.
O3  The initialiser's own exception goes to the call that ran it; all others raise `Poisoned`.
O4  COMPLETE and POISONED are final.

Progress
========

Wait-free once the value is there: one load and one read.  Before, callers sleep on a condition for
as long as the initialiser takes; it runs without the mutex, and its end, good or bad, wakes them
all.  An initialiser that calls its own Once waits for itself.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from registrar.sync import ACQUIRE, RELAXED, RELEASE, Cell, MemoryOrder, Sync, native
from stress.model import Model, operation
from stress.program import Invocation, Program

NEW: Final = 0
"""Nobody has called."""
RUNNING: Final = 1
"""One thread runs its initialiser."""
COMPLETE: Final = 2
"""The value is there."""
POISONED: Final = 3
"""There will never be a value."""


class Poisoned(Exception):  # noqa: N818  (a state as much as an error, and called so elsewhere)
    """The initialiser failed in an earlier call, and is never tried again."""

    def __init__(self) -> None:
        super().__init__("the initialiser failed in an earlier call, and is never tried again")


class Once[T]:
    """A value of type T, made by the initialiser of whichever call comes first."""

    def __init__(self, sync: Sync = native) -> None:
        self._state = sync.word(NEW, name="state")
        self._value: Cell[Any] = sync.cell(None, name="value")
        self._mutex = sync.lock(name="mutex")
        self._ended = sync.condition(self._mutex)

    def call(self, initialiser: Callable[[], T]) -> T:
        """Return the value, made by `initialiser` if this is the first call of all.

        Raises what `initialiser` raises if it is run here, and Poisoned if another failed earlier.
        """
        if self._state.load(ACQUIRE) != COMPLETE and self._begin():  # pairs with [complete]
            self._run(initialiser)
        value: T = self._value.read()
        return value

    def _begin(self) -> bool:
        """Wait while another thread initialises; return whether it is for the caller to do so."""
        with self._mutex:
            while (state := self._state.load(RELAXED)) == RUNNING:
                self._ended.wait()
            if state == POISONED:
                raise Poisoned
            if state == NEW:
                self._state.store(RUNNING, RELAXED)
            return state == NEW

    def _run(self, initialiser: Callable[[], T]) -> None:
        """Make the value, or poison the Once, whatever it is that is raised."""
        try:
            self._value.write(initialiser())
        except BaseException:
            self._end(POISONED)
            raise
        self._end(COMPLETE)

    def _end(self, state: int) -> None:
        """Publish how it ended, and wake who waits."""
        with self._mutex:
            self._state.store(state, RELEASE)  # pairs with [complete]
            self._ended.notify_all()


# Mutants


class RelaxedStore(Once[Any]):
    """COMPLETE is stored relaxed: the fast path finds it, and maybe not the value."""

    def _end(self, state: int) -> None:
        with self._mutex:
            self._state.store(state, RELAXED)
            self._ended.notify_all()


class _OtherCheck(Once[Any]):
    """The order of the load on the fast path is given by the class."""

    checking: ClassVar[MemoryOrder]

    def call(self, initialiser: Callable[[], Any]) -> Any:
        """Return the value."""
        if self._state.load(self.checking) != COMPLETE and self._begin():
            self._run(initialiser)
        return self._value.read()


class RelaxedLoad(_OtherCheck):
    """COMPLETE is loaded relaxed on the fast path: that it is there says nothing of the value."""

    checking = RELAXED


class NoRecheck(Once[Any]):
    """The state is not looked at again under the mutex: who comes second initialises, too (O1)."""

    def _begin(self) -> bool:
        state = self._state.load(ACQUIRE)  # pairs with [complete]
        with self._mutex:
            while self._state.load(RELAXED) == RUNNING:
                self._ended.wait()
            if state == POISONED:
                raise Poisoned
            self._state.store(RUNNING, RELAXED)
        return True


class EarlyComplete(Once[Any]):
    """COMPLETE is stored before the value is written: others read what is not there (O2)."""

    def _run(self, initialiser: Callable[[], Any]) -> None:
        self._end(COMPLETE)
        super()._run(initialiser)


class ForgottenPoison(Once[Any]):
    """A failure leaves the Once as it was: the next call tries again (O1)."""

    def _end(self, state: int) -> None:
        super()._end(NEW if state == POISONED else state)


class UnannouncedFailure(Once[Any]):
    """Nobody is woken when the initialiser fails: who waits, waits for ever."""

    def _end(self, state: int) -> None:
        with self._mutex:
            self._state.store(state, RELEASE)  # pairs with [complete]
            if state == COMPLETE:
                self._ended.notify_all()


class OneNotified(Once[Any]):
    """The end wakes one of those who wait: a second waits for ever."""

    def _end(self, state: int) -> None:
        with self._mutex:
            self._state.store(state, RELEASE)  # pairs with [complete]
            self._ended.notify()


# Equivalents


class AcquiringRecheck(Once[Any]):
    """The state is loaded acquire under the mutex as well, which orders that already."""

    def _begin(self) -> bool:
        with self._mutex:
            while (state := self._state.load(ACQUIRE)) == RUNNING:  # pairs with [complete]
                self._ended.wait()
            if state == POISONED:
                raise Poisoned
            if state == NEW:
                self._state.store(RUNNING, RELAXED)
            return state == NEW


class NoFastPath(Once[Any]):
    """Every call takes the mutex, and no order is needed: slower, not wrong."""

    def call(self, initialiser: Callable[[], Any]) -> Any:
        """Return the value."""
        if self._begin():
            self._run(initialiser)
        return self._value.read()

    def _end(self, state: int) -> None:
        with self._mutex:
            self._state.store(state, RELAXED)
            self._ended.notify_all()


# The model


class Refused(Exception):  # noqa: N818  (as an initialiser would put it)
    """What an initialiser of the model fails with."""


def call(once: Once[int], value: int | None) -> int:
    """Call with an initialiser that makes `value`, or fails where it is None."""

    def initialise() -> int:
        if value is None:
            raise Refused
        return value

    return once.call(initialise)


class OnceModel(Model[Once[int]]):
    """A value that the first call makes, or spoils, for all."""

    subject = Once
    mutants: ClassVar = {
        "relaxed-store": RelaxedStore,
        "relaxed-load": RelaxedLoad,
        "no-recheck": NoRecheck,
        "early-complete": EarlyComplete,
        "forgotten-poison": ForgottenPoison,
        "unannounced-failure": UnannouncedFailure,
        "one-notified": OneNotified,
    }
    programs: ClassVar = {"three": Program((), ((Invocation("call", (1,)),),) * 3)}
    equivalents: ClassVar = {
        "acquiring-recheck": AcquiringRecheck,
        "no-fast-path": NoFastPath,
    }
    value: int | None = None
    poisoned: bool = False

    @operation(value=st.none() | st.integers(1, 3), raises=(Poisoned, Refused), perform=call)
    def call(self, value: int | None) -> int:
        """Return what the first call made; raise what it raised, or Poisoned after it."""
        if self.poisoned:
            raise Poisoned
        if self.value is None and value is None:
            self.poisoned = True
            raise Refused
        if self.value is None:
            self.value = value
        assert self.value is not None
        return self.value
