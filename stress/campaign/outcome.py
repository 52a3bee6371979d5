"""What a case came to, and the sums over many: numbers that add up, in any order.

>>> one = Sums(cases=1, examples=10, errors={"no threads": 1})
>>> one.add(Sums(cases=2, examples=5, errors={"no threads": 2}))
>>> one.cases, one.examples, one.errors
(3, 15, {'no threads': 3})
>>> Sums.from_json(one.to_json()) == one
True
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Self

KINDS: Final = 20
"""Different errors, or reasons, that are kept; more are counted as `OTHERS`."""
OTHERS: Final = "other reasons"
LONGEST: Final = 4_000
"""Characters of an error that are kept."""


@dataclass(slots=True)
class Sums:
    """What cases of one engine on one model came to, in all; see `RunSummary` for most fields."""

    cases: int = 0
    seconds: float = 0.0
    """Of the workers that ran them."""
    examples: int = 0
    calls: int = 0
    overlapped: int = 0
    contended: int = 0
    callbacks: int = 0
    failures_injected: int = 0
    executions: int = 0
    sampled: int = 0
    cut: int = 0
    """Executions in which a thread met the bound on steps."""
    capped: int = 0
    """Cases that were ended by the clock, so that they may do more another time."""
    gil: int = 0
    """Cases after which the GIL was on."""
    violations: int = 0
    finished: int = 0
    """Programs drawn by hand that were explored to their end."""
    unfinished: int = 0
    """And those that were not."""
    shifts: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    """Why cases came to nothing, and how many."""
    memory: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Sums") -> None:
        """Add what `other` came to."""
        for each in fields(self):
            mine, more = getattr(self, each.name), getattr(other, each.name)
            if not isinstance(mine, dict):
                setattr(self, each.name, mine + more)
        for name, amount in other.memory.items():
            self.memory[name] = max(amount, self.memory.get(name, 0))
        for counts, others in (
            (self.shifts, other.shifts),
            (self.unknown, other.unknown),
            (self.errors, other.errors),
        ):
            for reason, count in others.items():
                key = reason[:LONGEST]
                key = key if key in counts or len(counts) < KINDS else OTHERS
                counts[key] = counts.get(key, 0) + count

    def to_json(self) -> dict[str, Any]:
        """Return the sums as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Any) -> Self:
        """Return the sums that `to_json` gave; ValueError for anything else."""
        if not isinstance(saved, dict) or saved.keys() != {each.name for each in fields(cls)}:
            raise ValueError("sums have other fields than they should")
        for each in fields(cls):
            value = saved[each.name]
            values = [value]
            if each.name in {"shifts", "unknown", "errors", "memory"}:
                if not isinstance(value, dict):
                    raise ValueError(f"{each.name} is {value!r}, and no counts")
                values = list(value.values())
            if not all(type(number) in {int, float} and number >= 0 for number in values):
                raise ValueError(f"{each.name} is {value!r}, and no number from 0 on")
        return cls(**saved)


@dataclass(slots=True)
class Outcome:
    """What one case came to; it is sent from a worker to the coordinator."""

    number: int
    model: str
    engine: str
    sums: Sums = field(default_factory=Sums)
    coverage: frozenset[str] = frozenset()
    """What interleavings it saw (see `stress.coverage`)."""
    failures: list[dict[str, Any]] = field(default_factory=list)
    """What failed, as it was met: not shrunk, and not yet as it is saved."""
