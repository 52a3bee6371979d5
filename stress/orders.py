"""Which memory orders are load-bearing: each access is weakened until something breaks.

First one access at a time, all others as written; then greedily together, for two accesses may
each be weakened and not both.  Every answer is an exhaustive exploration of all the scenarios; so
"relaxed" means: in these programs, no execution tells.  GenMC's VSync does this for C (Oberhauser
et al., "VSync: Push-Button Verification and Optimization for Synchronization Primitives on Weak
Memory Models", ASPLOS 2021).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from registrar.sync import MemoryOrder
from stress.explore.exploration import Bounds
from stress.explore.scenario import Scenario, explored
from stress.explore.weakened import WEAKER, Orders, Site, WeakenedSync, Weakener
from stress.verdict import NoVerdictError, Verdict


class BrokenAsWrittenError(ValueError):
    """The subject fails with the orders it was written with."""


class UnexploredError(NoVerdictError):
    """The subject is not explored to the end with the orders it was written with."""


@dataclass
class Weakening:
    """What one access needs."""

    site: Site
    written: MemoryOrder
    weakest: tuple[MemoryOrder, ...] = ()
    """The weakest orders that pass with all others as written: two, where neither is weaker."""
    together: MemoryOrder | None = None
    """The order it has in the set of orders that passes together."""
    broke: dict[MemoryOrder, str] = field(default_factory=dict)
    """What each order failed with that was tried."""
    undecided: dict[MemoryOrder, str] = field(default_factory=dict)
    """What was not explored to its end with an order, of which nothing is known then."""

    @property
    def load_bearing(self) -> bool:
        """Whether nothing weaker than what was written passes."""
        return self.weakest == (self.written,) and not self.undecided


def weakenings(
    scenarios: Mapping[str, Scenario],
    *,
    memory: str = "rc11",
    bounds: Bounds | None = None,
    watch: Callable[[str], None] | None = None,
) -> list[Weakening]:
    """Return what each atomic access in `scenarios` needs, by where it is written.

    Raises BrokenAsWrittenError where the scenarios do not pass as they are, and UnexploredError
    where that is not known; `watch` is told what is tried next.
    """
    trial = Trial(scenarios, memory, bounds or Bounds(), watch or (lambda _: None))
    verdict, why = trial.verdict({})
    if verdict is Verdict.FAILED:
        raise BrokenAsWrittenError(
            f"with the orders it was written with: {why}.\n"
            f"  Orders can only be judged where all is well.  Mend that first."
        )
    if verdict is Verdict.UNKNOWN:
        raise UnexploredError(
            f"with the orders it was written with, {why}.\n"
            f"  Orders are judged by all executions: give smaller programs, and put sync.pause() "
            f"where a thread waits."
        )
    found = [Weakening(site, written) for site, written in sorted(trial.written.items())]
    for each in found:
        _weaken_alone(each, trial)
    _weaken_together(found, trial)
    return found


class Trial:
    """Explores the scenarios with other orders than were written."""

    def __init__(
        self,
        scenarios: Mapping[str, Scenario],
        memory: str,
        bounds: Bounds,
        watch: Callable[[str], None],
    ) -> None:
        self._scenarios = dict(scenarios)
        self._memory = memory
        self._bounds = bounds
        self._watch = watch
        self.written: Orders = {}
        """Every atomic access that was met, with the order written."""

    def verdict(self, orders: Orders) -> tuple[Verdict, str]:
        """Return the verdict on all scenarios with `orders`, and the first that does not pass."""
        tried = ", ".join(f"{site} {order.name.lower()}" for site, order in orders.items())
        self._watch(tried or "as written")
        unexplored = ""
        for name, scenario in self._scenarios.items():
            weakener = Weakener(orders)
            found = explored(
                _weakened(scenario, weakener), memory=self._memory, bounds=self._bounds
            )
            if not orders:
                self.written |= weakener.written
            if found.failure is not None:
                self._try_first(name)
                return Verdict.FAILED, f"{found.failure.kind} in {name}"
            if found.verdict is not Verdict.OK:
                unexplored = unexplored or f"{name} is not explored to its end"
        return (Verdict.UNKNOWN, unexplored) if unexplored else (Verdict.OK, "")

    def _try_first(self, name: str) -> None:
        """Let the scenario that failed last be the first next time: it often fails again."""
        self._scenarios = {name: self._scenarios[name], **self._scenarios}


def _weakened(scenario: Scenario, weakener: Weakener) -> Scenario:
    def run(sync: Any) -> Any:
        return scenario(WeakenedSync(sync, weakener))

    return run


def _weaken_alone(each: Weakening, trial: Trial) -> None:
    weakest: list[MemoryOrder] = []
    for order in WEAKER[each.site.kind].get(each.written, ()):
        if any(_weaker(passing, order) for passing in weakest):
            continue
        verdict, why = trial.verdict({each.site: order})
        if verdict is Verdict.OK:
            weakest.append(order)
        elif verdict is Verdict.FAILED:
            each.broke[order] = why
        else:
            each.undecided[order] = why
    each.weakest = tuple(weakest) or (each.written,)


def _weaken_together(found: list[Weakening], trial: Trial) -> None:
    together: Orders = {}
    for each in found:
        each.together = each.written
        for order in WEAKER[each.site.kind].get(each.written, ()):
            if order in each.broke or order in each.undecided:
                continue
            if trial.verdict({**together, each.site: order})[0] is Verdict.OK:
                each.together = together[each.site] = order
                break


def _weaker(one: MemoryOrder, other: MemoryOrder) -> bool:
    """Return whether `one` is below `other`: acquire and release are not comparable."""
    return one in WEAKER["update"].get(other, ())
