"""Linearizability: one order of all calls that the specification allows and the clock agrees with.

M. Herlihy and J. Wing, "Linearizability: a correctness condition for concurrent objects" (ACM
TOPLAS 12, 1990), section 2.  A call takes effect at one instant between its invocation and its
return; an open call does so at any time after its invocation, or never.

>>> from stress.judge.builtin import SPECIFICATIONS
>>> history = [
...     Span(0, "write", (1,), 0, 10, "ok", 1),
...     Span(1, "read", (), 5, 15, "ok", None),
...     Span(1, "read", (), 20, 30, "ok", None),
... ]
>>> judgement = linearize(history, SPECIFICATIONS["register"])
>>> judgement.verdict, judgement.order, judgement.misfit
(<Verdict.FAILED: 'failed'>, (1, 0), 2)
>>> linearize(history[:2], SPECIFICATIONS["register"]).order
(1, 0)

Where each call works on one of several things that have nothing to do with each other, each is
judged by itself: the history is linearizable if they are (locality, section 3.2 there; A. Horn and
D. Kroening, "Faster linearizability checking via P-compositionality", FORTE 2015, for the parts of
one object).  This holds of real-time order only.  Sequential consistency is not local: the store
buffers of x86 pass variable by variable.

Where the specification names a datatype whose monitor takes the calls, the monitor judges; the
search of Wing & Gong and Lowe judges all others.
"""

import heapq
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import replace
from typing import Any, Final

from stress.history import Span
from stress.judge import levels, wgl
from stress.judge.effort import Effort, Found
from stress.judge.judgement import Judgement
from stress.judge.monitors import monitor
from stress.judge.partial_order import PartialOrder
from stress.judge.problem import Order, Problem
from stress.judge.realtime import RealTime
from stress.judge.specification import Specification
from stress.verdict import Verdict

EXPLANATION: Final = 2.0
"""Seconds that a search may take to explain what a monitor found."""
EXPLAINED: Final = 10_000
"""Calls of the longest history for which that is tried."""


def linearize(  # noqa: PLR0913  (what may be asked of a judge)
    history: Sequence[Span],
    specification: Specification,
    *,
    predecessors: Sequence[Collection[int]] | None = None,
    budget: float | None = None,
    final: Callable[[Any], bool] | None = None,
    monitors: bool = True,
) -> Judgement:
    """Return whether `history` has a legal order; UNKNOWN where `budget`, in seconds, is spent.

    Calls are ordered by their instants, those at one instant being concurrent, unless
    `predecessors` says for each call, by indexes, which ones come before it.  If `final` is given,
    a legal order counts only if it accepts the state in the end.  ValueError for a call that
    returns before it began, and for predecessors that no order agrees with.

    An open call is not judged by a specification as having returned: its result is not looked at.
    Memory is limited, too (`stress.judge.effort`), and UNKNOWN is the answer where it is spent.
    """
    effort = Effort(budget)
    if predecessors is None:
        _check_instants(history)
    if predecessors is not None or final is not None:
        found = _searched(history, specification, effort, predecessors, final)
        return _judgement([found], history, effort)
    parts = _parts(history, specification)
    if monitors and (len(parts) == 1 or _are_elements(parts, history, specification)):
        found_by_monitor = _monitored(history, specification)
        if found_by_monitor is not None:
            found = _explained(found_by_monitor, history, specification, effort)
            return _judgement([found], history, effort)
    found_of_parts = []
    for part in sorted(parts, key=len):
        calls = history if len(parts) == 1 else [history[index] for index in part]
        by_monitor = _monitored(calls, specification) if monitors and len(parts) > 1 else None
        found = (
            _explained(by_monitor, calls, specification, effort)
            if by_monitor is not None
            else _searched(calls, specification, effort)
        )
        found_of_parts.append(found.renumbered(part))
        if found.verdict is Verdict.FAILED:
            break
    return _judgement(found_of_parts, history, effort)


def program_order(history: Sequence[Span]) -> list[set[int]]:
    """Return what sequential consistency asks for: after each call, the next of its process.

    L. Lamport, "How to make a multiprocessor computer that correctly executes multiprocess
    programs" (IEEE Trans. Computers C-28, 1979).  Calls are indexes into `history`, which has the
    calls of each process in the order of their instants or, at one instant, their own.  An open
    call, which may never take effect, holds up no other.
    """
    last: dict[int | str, int] = {}
    predecessors: list[set[int]] = [set() for _ in history]
    for index in sorted(range(len(history)), key=lambda index: history[index].start):
        process = history[index].process
        if process in last:
            predecessors[index].add(last[process])
        if history[index].outcome != "info":
            last[process] = index
    return predecessors


def _check_instants(history: Sequence[Span]) -> None:
    for index, call in enumerate(history):
        if call.end < call.start and call.outcome != "info":
            raise ValueError(
                f"call {index} returned at {call.end}, before it began at {call.start}.\n"
                f"  Instants of two clocks cannot be compared: take both from one."
            )


def _parts(history: Sequence[Span], specification: Specification) -> Collection[list[int]]:
    """Return the indexes of calls that have to do with each other, together."""
    parts: dict[Hashable, list[int]] = {}
    for index, call in enumerate(history):
        key = specification.key(call)
        if key is None:
            return [list(range(len(history)))]
        parts.setdefault(key, []).append(index)
    return parts.values() or [[]]


def _are_elements(
    parts: Collection[list[int]], history: Sequence[Span], specification: Specification
) -> bool:
    """Return whether the parts are the elements of one set: its monitor takes them together.

    One by one would do, too, but half a million elements of three calls each take their time.
    """
    if specification.datatype != "set":
        return False
    for call in history:
        word = specification.canonical(call)
        key = specification.key(call)
        if word is None or word.arguments not in (key, (key,)):
            return False
    return len(parts) > 1


def _monitored(calls: Sequence[Span], specification: Specification) -> Found | None:
    """Return what the monitor of the datatype says; None where there is none for these calls."""
    datatype = specification.datatype
    if datatype is None:
        return None
    canonical = []
    for call in calls:
        word = specification.canonical(call)
        if word is None:
            return None
        canonical.append(word)
    finding = monitor(datatype, canonical)
    if finding is None:
        return None
    verdict = Verdict.OK if finding.legal else Verdict.FAILED
    return Found(verdict, finding.order, finding.misfit, "monitor")


def _explained(
    found: Found, calls: Sequence[Span], specification: Specification, effort: Effort
) -> Found:
    """Return a monitor's finding with evidence, where a short search finds some.

    Where open calls could be of any value, a monitor may know that there is no legal order, and not
    how far one goes.
    """
    if found.calls is not None or len(calls) > EXPLAINED:
        return found
    short = effort.part(EXPLANATION)
    searched = _searched(calls, specification, short)
    effort.steps += short.steps
    return found if searched.verdict is Verdict.UNKNOWN else searched


def _searched(
    calls: Sequence[Span],
    specification: Specification,
    effort: Effort,
    predecessors: Sequence[Collection[int]] | None = None,
    final: Callable[[Any], bool] | None = None,
) -> Found:
    if predecessors is None:
        return _in_order(RealTime(calls), calls, specification, effort, final)
    order = PartialOrder(predecessors, [call.outcome != "info" for call in calls])
    return _in_order(order, calls, specification, effort, final)


def _in_order[Position: Hashable](
    order: Order[Position],
    calls: Sequence[Span],
    specification: Specification,
    effort: Effort,
    final: Callable[[Any], bool] | None,
) -> Found:
    numbered = [calls[index] for index in order.indexes]
    problem = Problem(order, numbered, specification.step, specification.initial(), final)
    found = wgl.search(problem, effort)
    if found.verdict is Verdict.UNKNOWN and not effort.exhausted():
        found = _by_levels(problem, specification, effort, found)
    return found.renumbered(order.indexes)


def _by_levels[Position: Hashable](
    problem: Problem[Position], specification: Specification, effort: Effort, first: Found
) -> Found:
    """Search on where `first` gave up."""
    foresight = getattr(specification, "foresight", None)  # only some of the built-in ones have it
    in_real_time = isinstance(problem.order, RealTime)
    if foresight is None or not in_real_time or problem.final is not None:
        return levels.search(problem, effort)
    foreseen = foresight(problem.calls)
    found = levels.search(replace(problem, step=foreseen.step, state=foreseen.first), effort)
    if found.verdict is Verdict.FAILED:  # what was foreseen is no evidence, but what was tried is
        return first._replace(verdict=Verdict.FAILED)
    return found


def _judgement(found: Sequence[Found], history: Sequence[Span], effort: Effort) -> Judgement:
    """Put together what was found of the parts: of them all, or until one was illegal."""
    by = "monitor" if all(each.by == "monitor" for each in found) else "wgl"
    verdict = Verdict.worst(each.verdict for each in found)
    if verdict is Verdict.UNKNOWN:
        return Judgement(verdict, None, None, effort.steps, effort.seconds, by)
    if verdict is Verdict.FAILED:
        *_, illegal = found
        order, misfit, by = illegal.calls, illegal.misfit, illegal.by
    else:
        order, misfit = _merged([each.calls for each in found], history), None
    whole = None if order is None else tuple(order)
    return Judgement(verdict, whole, misfit, effort.steps, effort.seconds, by)


def _merged(
    orders: Sequence[Sequence[int] | None], history: Sequence[Span]
) -> Sequence[int] | None:
    """Return one legal order of calls made from those of the parts.

    What comes next is always the first call left of the part in which that began earliest.  No
    other call left can have returned before it began: it would come after a call that began later,
    in a part whose order agrees with the clock.
    """
    known = [order for order in orders if order is not None]
    if len(known) < len(orders):
        return None
    if len(known) == 1:
        return known[0]
    return list(heapq.merge(*known, key=lambda index: history[index].start))
