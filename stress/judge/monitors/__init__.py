"""Monitors: linearizability by datatype in n log n, where a general search takes for ever.

In a history of a known datatype that puts every value in once, it is plain whose value a call read
or took, and what is left to ask is about instants.  Each module states that question, and why its
answer is right; `tests/judge/test_monitors.py` does not believe it.

>>> history = [
...     Span(0, "enqueue", ("a",), 0, 10, "ok", "a"),
...     Span(0, "enqueue", ("b",), 20, 30, "ok", "b"),
...     Span(1, "dequeue", (), 40, 50, "ok", "b"),
... ]
>>> monitor("queue", history)
Finding(legal=False, order=(0, 1), misfit=2)
>>> monitor("queue", [*history, Span(2, "dequeue", (), 25, 60, "ok", "a")])
Finding(legal=True, order=(0, 3, 1, 2), misfit=None)
>>> monitor("queue", [*history, history[0]]) is None
True

Real-time order only: a call comes before another if it returned at an earlier instant than that at
which the other began.

The papers cited by all are Z. H. Lee and U. Mathur, "Efficient Decrease-and-Conquer Linearizability
Monitoring" (OOPSLA 2025), and P. A. Abdulla, S. Grahn, B. Jonsson, S. Krishna and O. S. Mishra,
"Efficient Linearizability Monitoring" (PLDI 2025).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from stress.history import Span
from stress.judge.monitors import fetch_counter, priority_queue, queue, register, sets, stack
from stress.judge.monitors.finding import Finding

__all__ = ["MONITORS", "Finding", "monitor"]

MONITORS: Final[Mapping[str, Callable[[Sequence[Span]], Finding | None]]] = {
    "register": register.judge,
    "set": sets.judge,
    "fetch-counter": fetch_counter.judge,
    "queue": queue.judge,
    "stack": stack.judge,
    "priority-queue": priority_queue.judge,
}
"""The monitors by datatype."""


def monitor(datatype: str, history: Sequence[Span]) -> Finding | None:
    """Return whether a history of one object is linearizable; None where a search must judge.

    The calls are in the canonical vocabulary of `datatype` (see `stress.judge.builtin`), start
    before they end, and are in any order.  A history does not qualify in which a call failed or
    is not of the vocabulary, values cannot be told apart (bools, NaN), one is put in twice (but
    for sets), values of a priority queue cannot be compared, or open removals decide.
    """
    judge = MONITORS.get(datatype)
    return None if judge is None else judge(history)
