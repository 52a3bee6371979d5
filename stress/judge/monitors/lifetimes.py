"""From when to when the values of a queue, stack or priority queue may have been in it.

A value that was inserted once has a *lifetime*: four instants, between the first two of which it
was put in, and between the last two taken out.

    insertion   ├──────────┤
    removal                        ├───────┤
          inserted_from          removed_from
                     inserted_by          removed_by
                     ├ ─ ─ ─ ─ ─ ─ ┤              certainly in: at every instant between

Whatever else a history says of its values comes down to these.  `never` is an instant after all
others; at it, whatever is left is taken out, in the order in which that is allowed.  So

- a value that no call took out is removed from `never` by `never`;
- an open insertion took effect by `removed_by` if its value was taken out; if it was not, it need
  not have taken effect, and the value is left out;
- a removal that has not returned yet, of which it is known what it will return, takes that out
  from its start by `never`: if it likes.

The last is for cuts.  ``read(until=t)`` reads the history as it was after the returns at *t*,
except that calls then running count as returning what they returned later (of two removals of
one value, the one that returned later does not count until then).  Every legal order of the whole
becomes one of the cut when the calls that are not in it are left out, so there is a first instant
at which a history has become illegal, and a call that returned then is its misfit.

An open removal of an unknown value is another matter: which value did it take?  A history with
such calls is legal if it is legal without them, and illegal if it is even when everything left may
be taken out from the start of the first of them.  Between these a monitor does not know, and of
the latter it knows no order.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from stress.history import Span
from stress.judge.monitors.finding import Finding, Misfit, distinguishable, same

NOBODY: Final = -1
"""The call that took out a value that is left."""


class Lifetimes:
    """The lifetimes of a history, each by its place in these lists; calls are indexes."""

    def __init__(self, never: int) -> None:
        self.never = never
        self.values: list[Any] = []
        self.insertions: list[int] = []
        self.removals: list[int] = []
        self.inserted_from: list[int] = []
        self.inserted_by: list[int] = []
        self.removed_from: list[int] = []
        self.removed_by: list[int] = []
        self.empties: list[tuple[int, int, int]] = []
        """From, by, call: removals that found nothing."""
        self.misfits: list[Misfit] = []
        """Values that were taken out twice, before they were put in, or without that."""

    def add(self, value: Any, calls: tuple[int, int], instants: tuple[int, int, int, int]) -> None:
        """Add a lifetime, unless nothing says that it ever began."""
        inserted_from, inserted_by, removed_from, removed_by = instants
        if inserted_by == removed_by == self.never:
            return
        insertion, removal = calls
        self.values.append(value)
        self.insertions.append(insertion)
        self.removals.append(removal)
        self.inserted_from.append(inserted_from)
        self.inserted_by.append(min(inserted_by, removed_by))
        self.removed_from.append(removed_from)
        self.removed_by.append(removed_by)

    def by(self, instants: list[int]) -> list[int]:
        """Return the places of the lifetimes by one of their four instants."""
        return sorted(range(len(instants)), key=instants.__getitem__)


type Placement = Callable[[Lifetimes], list[int] | Misfit]
"""The heart of a monitor: places all calls in a legal order, or says where that first fails."""


class Reader:
    """Reads the lifetimes of one history, whole or cut."""

    def __init__(self, history: Sequence[Span], insertion: str, removal: str) -> None:
        self.history = history
        self.insertions: dict[Any, int] = {}
        self.removals: dict[Any, int] = {}
        """The calls by their values; of several removals of one value, the first that returned."""
        self.repeated: list[int] = []
        """The other removals."""
        self.empties: list[int] = []
        self.open_since: int | None = None
        """The start of the first open removal."""
        self.never = 0
        self.qualifies = self._gather(insertion, removal)
        """False where there are other calls, values that cannot be told apart, or one value was
        inserted twice."""

    def read(self, until: int | None = None, *, generous: bool = False) -> Lifetimes:
        """Return the lifetimes until an instant.

        With `generous`, all that is left may be taken out from the start of the first open removal.
        """
        found = Lifetimes(self.never)
        last = self.never - 1 if until is None else until
        left = self.open_since if generous and self.open_since is not None else self.never
        for value, insertion in self.insertions.items():
            _, _, _, start, by, outcome, _ = self.history[insertion]
            removal, removed_from, removed_by = self._removed(value, last, left)
            if removed_by < start:
                found.misfits.append(Misfit(removed_by, removal))
            elif start <= last:
                by = by if outcome == "ok" and by <= last else self.never
                found.add(value, (insertion, removal), (start, by, removed_from, removed_by))
        self._read_removals(found, last)
        return found

    def _removed(self, value: Any, last: int, left: int) -> tuple[int, int, int]:
        """Return by which call, from when and by when `value` was taken out."""
        removal = self.removals.get(value, NOBODY)
        if removal == NOBODY:
            return NOBODY, left, self.never
        _, _, _, start, end, _, _ = self.history[removal]
        if start > last:
            return NOBODY, left, self.never
        return removal, start, end if end <= last else self.never

    def _read_removals(self, found: Lifetimes, last: int) -> None:
        """Add to `found` what removals say that is not of one lifetime."""
        unknown = [
            removal for value, removal in self.removals.items() if value not in self.insertions
        ]
        for removal in unknown + self.repeated:
            if self.history[removal].end <= last:
                found.misfits.append(Misfit(self.history[removal].end, removal))
        for removal in self.empties:
            _, _, _, start, end, _, _ = self.history[removal]
            if end <= last:
                found.empties.append((start, end, removal))

    def _gather(self, insertion: str, removal: str) -> bool:
        """Put the calls where they belong; return whether the history qualifies."""
        latest = 0
        for index, (_, f, arguments, start, end, outcome, result) in enumerate(self.history):
            latest = max(latest, start, end)
            if outcome == "fail":
                return False
            if f == insertion:
                qualifies = self._insert(index, arguments, result, returned=outcome == "ok")
            else:
                qualifies = f == removal and not arguments
                if outcome != "ok":
                    since = self.open_since
                    self.open_since = start if since is None else min(since, start)
                elif result is None:
                    self.empties.append(index)
                else:
                    qualifies = qualifies and self._remove(index, result)
            if not qualifies:
                return False
        self.never = latest + 1
        return True

    def _insert(
        self, index: int, arguments: tuple[Any, ...], result: Any, *, returned: bool
    ) -> bool:
        if len(arguments) != 1:
            return False
        (value,) = arguments
        if value is None or not distinguishable(value) or (returned and not same(result, value)):
            return False
        return self.insertions.setdefault(value, index) == index

    def _remove(self, index: int, value: Any) -> bool:
        if not distinguishable(value):
            return False
        other = self.removals.setdefault(value, index)
        if other != index:
            calls = sorted((other, index), key=lambda call: self.history[call][4:2:-1])
            self.removals[value] = calls[0]
            self.repeated.append(calls[1])
        return True


def judged(reader: Reader, place: Placement) -> Finding | None:
    """Return what `place` finds in the history of `reader`, None where it cannot be known."""
    if not reader.qualifies:
        return None
    found = place(reader.read())
    if not isinstance(found, Misfit):
        return Finding(legal=True, order=tuple(found), misfit=None)
    if reader.open_since is None:
        before = place(reader.read(found.instant - 1))
        order = None if isinstance(before, Misfit) else tuple(before)
        return Finding(legal=False, order=order, misfit=found.call)
    found = place(reader.read(generous=True))
    if not isinstance(found, Misfit):
        return None
    then = place(reader.read(found.instant, generous=True))
    misfit = found.call if isinstance(then, Misfit) else None
    return Finding(legal=False, order=None, misfit=misfit)
