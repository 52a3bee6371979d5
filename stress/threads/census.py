"""What strides counted: calls, meetings, violations; sums that add up over threads and shifts.

>>> a, b = Census(calls=2, counts=Counter(callbacks=1)), Census(calls=3, violations=1)
>>> a.add(b)
>>> a.calls, a.violations, dict(a.counts)
(5, 1, {'callbacks': 1})
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from stress import coverage
from stress.threads.observed import Taken
from stress.threads.subject import Instance, Record


@dataclass(slots=True)
class Census:
    """Totals; each field says of what."""

    instances: int = 0
    calls: int = 0
    overlapped: int = 0
    """Calls during which another thread was inside a call on the same key."""
    contended: int = 0
    """Calls that wanted a lock while another thread wanted or owned it."""
    violations: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    """Instances that prove nothing, by reason."""
    counts: Counter[str] = field(default_factory=Counter)
    """What the model counts."""
    met: set[str] = field(default_factory=set)
    """Which calls overlapped on the same key, and which of them began first."""

    def to_json(self) -> dict[str, Any]:
        """Return the totals as JSON."""
        totals = {field.name: getattr(self, field.name) for field in fields(self)}
        counters = {"unknown": dict(self.unknown), "counts": dict(self.counts)}
        return totals | counters | {"met": sorted(self.met)}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return the totals that `to_json` gave."""
        counters = {name: Counter(saved[name]) for name in ("unknown", "counts")}
        return cls(**saved | counters | {"met": set(saved["met"])})

    def add(self, other: "Census") -> None:
        """Add the totals of `other` to these."""
        self.instances += other.instances
        self.calls += other.calls
        self.overlapped += other.overlapped
        self.contended += other.contended
        self.violations += other.violations
        self.unknown.update(other.unknown)
        self.counts.update(other.counts)
        self.met |= other.met


def overlapped(instance: Instance, records: Sequence[Sequence[Record]]) -> int:
    """Return how many calls ran while another thread was inside a call on the same key."""
    return meetings(instance, records)[0]


def meetings(instance: Instance, records: Sequence[Sequence[Record]]) -> tuple[int, frozenset[str]]:
    """Return how many calls overlapped another on the same key, and which (see `coverage.key`)."""
    calls = sorted(
        (record.start, record.end, thread, place, record.step)
        for thread, own in enumerate(records)
        for place, record in enumerate(own)
    )
    met = set[tuple[int, int]]()
    pairs = set[str]()
    for number, (start, end, thread, place, step) in enumerate(calls):
        for later, later_end, other, other_place, other_step in calls[number + 1 :]:
            if later >= end:
                break
            if (
                other != thread
                and later_end > start
                and not set(instance.keys(step)).isdisjoint(instance.keys(other_step))
            ):
                met.update([(thread, place), (other, other_place)])
                pairs.add(coverage.key("calls", step.f, other_step.f))
    return len(met), frozenset(pairs)


def contended(taken: Sequence[Taken]) -> int:
    """Return how many ownerships were wanted while another thread wanted or owned the lock."""
    return sum(
        any(
            one.process != other.process
            and one.name == other.name
            and one.asked < other.released
            and other.asked < one.released
            for other in taken
        )
        for one in taken
    )
