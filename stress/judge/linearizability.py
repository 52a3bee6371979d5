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
search of Wing & Gong and Lowe judges all others (`stress.judge.search`).
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from stress.history import Span
from stress.judge.effort import Effort, Found
from stress.judge.judgement import Judgement
from stress.judge.monitors import monitor
from stress.judge.parts import are_elements, put_together, taken_apart
from stress.judge.search import search
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
        found = [search(history, specification, effort, predecessors, final)]
    else:
        found = _by_parts(history, specification, effort, monitors=monitors)
    return _judgement(found, history, effort)


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


def _by_parts(
    history: Sequence[Span], specification: Specification, effort: Effort, *, monitors: bool
) -> list[Found]:
    """Judge the parts of a history, the small ones first, until one is illegal."""
    parts = taken_apart(history, specification)
    if len(parts) > 1 and monitors and are_elements(parts, history, specification):
        by_monitor = _monitored(history, specification)
        if by_monitor is not None:
            return [_explained(by_monitor, history, specification, effort)]
    found: list[Found] = []
    for part in sorted(parts, key=len):
        calls = history if len(parts) == 1 else [history[index] for index in part]
        by_monitor = _monitored(calls, specification) if monitors else None
        found.append(
            (
                search(calls, specification, effort)
                if by_monitor is None
                else _explained(by_monitor, calls, specification, effort)
            ).renumbered(part)
        )
        if found[-1].verdict is Verdict.FAILED:
            break
    return found


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
    searched = search(calls, specification, short)
    effort.steps += short.steps
    return found if searched.verdict is Verdict.UNKNOWN else searched


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
        order, misfit = put_together([each.calls for each in found], history), None
    whole = None if order is None else tuple(order)
    return Judgement(verdict, whole, misfit, effort.steps, effort.seconds, by)
