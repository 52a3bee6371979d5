"""The searches, one after the other: what one gives up, the next takes on.

First that of Wing & Gong and Lowe, which places most histories at once and says of small ones how
far an order goes.  Where it is lost, and calls may come in any order that agrees with given
predecessors, orders that agree with the clock, too, are tried before all others: there are far
fewer, and real executions mostly have one.  At last the search level by level, which knows of
queues and stacks in real time what they cannot become.

>>> from stress.judge.builtin import SPECIFICATIONS
>>> calls = [
...     Span(0, "increment", (), 0, 10, "ok", 1),
...     Span(1, "increment", (), 5, 15, "ok", 0),
... ]
>>> search(calls, SPECIFICATIONS["fetch-counter"], Effort()).calls
[1, 0]
>>> search(calls, SPECIFICATIONS["fetch-counter"], Effort(), [set(), {0}]).verdict
<Verdict.FAILED: 'failed'>
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import replace
from typing import Any, Final

from stress.history import Span
from stress.judge import levels, wgl
from stress.judge.effort import Effort, Found
from stress.judge.partial_order import PartialOrder
from stress.judge.problem import Order, Problem
from stress.judge.realtime import RealTime
from stress.judge.specification import Specification
from stress.verdict import Verdict

DETOUR: Final = 5.0
"""Seconds for orders that agree with the clock where they need not."""


def search(
    calls: Sequence[Span],
    specification: Specification,
    effort: Effort,
    predecessors: Sequence[Collection[int]] | None = None,
    final: Callable[[Any], bool] | None = None,
) -> Found:
    """Return whether there is a legal order of `calls`; UNKNOWN where the effort is spent."""
    if predecessors is None:
        return _in_real_time(calls, specification, effort, final)
    problem = _problem(PartialOrder(predecessors, calls), calls, specification, final)
    found = wgl.search(problem, effort)
    if found.verdict is Verdict.UNKNOWN and _agrees_with_clock(predecessors, calls):
        detour = effort.part(DETOUR)
        found_in_time = _in_real_time(calls, specification, detour, final)
        effort.steps += detour.steps
        if found_in_time.verdict is Verdict.OK:
            return found_in_time
    if found.verdict is Verdict.UNKNOWN and not effort.exhausted():
        found = levels.search(problem, effort)
    return found.renumbered(problem.order.indexes)


def _in_real_time(
    calls: Sequence[Span],
    specification: Specification,
    effort: Effort,
    final: Callable[[Any], bool] | None,
) -> Found:
    problem = _problem(RealTime(calls), calls, specification, final)
    found = wgl.search(problem, effort)
    if found.verdict is Verdict.UNKNOWN and not effort.exhausted():
        foresight = getattr(specification, "foresight", None)  # some of the built-in ones have it
        if foresight is None or final is not None:
            found = levels.search(problem, effort)
        else:
            foreseen = foresight(calls)
            foreseeing = replace(problem, step=foreseen.step, state=foreseen.first)
            decided = levels.search(foreseeing, effort)
            # What was foreseen is no evidence against a call, but what the first search tried is.
            is_legal = decided.verdict is Verdict.OK
            found = decided if is_legal else found._replace(verdict=decided.verdict)
    return found.renumbered(problem.order.indexes)


def _problem[Position: Hashable](
    order: Order[Position],
    calls: Sequence[Span],
    specification: Specification,
    final: Callable[[Any], bool] | None,
) -> Problem[Position]:
    numbered = [calls[index] for index in order.indexes]
    return Problem(order, numbered, specification.step, specification.initial(), final)


def _agrees_with_clock(predecessors: Sequence[Collection[int]], calls: Sequence[Span]) -> bool:
    """Return whether all predecessors had returned before: then real time asks for no less."""
    return all(
        calls[before].outcome != "info" and calls[before].end < call.start
        for call, own in zip(calls, predecessors, strict=True)
        for before in own
    )
