"""What a campaign is to do: which case has which number, the same wherever and whenever it runs.

>>> plan = Plan("c0ffee", 7, ("once", "seqlock"), first=(First("once", "explore", "three"),))
>>> plan.case(0).id, plan.case(0).program
('c0ffee-0', 'three')
>>> plan.case(5) == plan.case(5), plan.case(5).seed == plan.case(6).seed
(True, False)

A case is a small unit of work of one engine on one model.  Its model, engine and seed follow from
the campaign and its number; nothing that happens while the campaign runs has a part in it.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, Final, Self

WEIGHTS: Final[Mapping[str, int]] = {
    "explore": 4,
    "concurrent": 2,
    "threads": 3,
    "sequential": 1,
}
"""How often each engine is chosen, in cases, which take from a tenth of a second to some seconds:
longest where one program of a model has thousands of executions."""
MOST: Final = 100_000
"""Models, engines or first cases of a plan that is believed."""


class PlanError(ValueError):
    """What should be a plan is none."""


@dataclass(frozen=True, slots=True)
class First:
    """A case that comes before those that are drawn: a program drawn by hand, or a known seed."""

    model: str
    engine: str
    program: str = ""
    """The name of a program of the model's own, to be explored to its end."""
    seed: int = 0
    """Where there is no program: what to draw from."""


@dataclass(frozen=True, slots=True)
class Case:
    """One unit of work."""

    id: str
    number: int
    model: str
    engine: str
    seed: int
    program: str = ""


@dataclass(frozen=True)
class Plan:
    """All that decides what the cases of a campaign are."""

    campaign: str
    """By which campaigns are told apart; part of every case's id."""
    seed: int
    models: tuple[str, ...]
    engines: tuple[str, ...] = tuple(WEIGHTS)
    threads: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    first: tuple[First, ...] = ()
    patience: float = 20.0
    """Seconds after which real threads that do not get on count as hanging."""
    cap: float = 30.0
    """Seconds after which a case that is bounded by counts ends all the same."""

    def case(self, number: int) -> Case:
        """Return case `number`, from 0 on."""
        name = f"{self.campaign}-{number}"
        if number < len(self.first):
            known = self.first[number]
            return Case(name, number, known.model, known.engine, known.seed, known.program)
        digest = hashlib.sha256(f"{self.campaign}/{self.seed}/{number}".encode()).digest()
        chance = Random(digest[:8])
        model = chance.choice(self.models)
        [engine] = chance.choices(self.engines, [WEIGHTS[each] for each in self.engines])
        return Case(name, number, model, engine, int.from_bytes(digest[8:12]))

    def number_of(self, name: str) -> int:
        """Return the number of the case called `name`; PlanError if it is of another campaign."""
        campaign, _, number = name.rpartition("-")
        if campaign not in {"", self.campaign} or not number.isdecimal():
            raise PlanError(
                f"{name!r} is no case of campaign {self.campaign}, whose cases are called "
                f"{self.campaign}-0, {self.campaign}-1 and so on.\n"
                f"  A saved failure says which case found it."
            )
        return int(number)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Any) -> Self:
        """Return the plan that `to_json` gave; PlanError, saying why, for anything else."""
        try:
            first = tuple(First(**each) for each in saved["first"])
            lists = {name: tuple(saved[name]) for name in ("models", "engines")}
            plan = cls(**saved | lists | {"first": first})
        except (TypeError, KeyError, ValueError) as error:
            raise PlanError(f"its plan is damaged: {error}") from error
        plan._check()
        return plan

    def _check(self) -> None:
        every = [*self.models, *self.engines, *self.options, *self.options.values()]
        for known in self.first:
            every += [known.model, known.engine, known.program]
        numbers = [self.seed, *(known.seed for known in self.first)]
        sound = (
            all(isinstance(each, str) for each in [self.campaign, *every])
            and all(type(each) is int and each >= 0 for each in numbers)
            and self.campaign.isalnum()
            and 0 < len(self.models) < MOST
            and 0 < len(self.engines) < MOST
            and len(self.first) < MOST
            and {known.model for known in self.first} <= {*self.models}
            and not any("::" in known.program for known in self.first)
            and (self.threads is None or (type(self.threads) is int and self.threads > 0))
            and all(_positive(each) for each in (self.patience, self.cap))
        )
        if not sound:
            raise PlanError("its plan is damaged: a field has a value that it cannot have")
        strange = {*self.engines, *(known.engine for known in self.first)} - WEIGHTS.keys()
        if strange:
            raise PlanError(f"its plan has an engine that is none: {', '.join(sorted(strange))}")


def _positive(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value) and value > 0
