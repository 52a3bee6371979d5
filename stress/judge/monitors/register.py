"""Registers: every value is written once, and lasts in one piece.

A write and the reads that returned its value, a *cluster*, are neighbours in every legal order.  All
that real time says of two clusters is whether some call of the one returned before some call of
the other began.  So for each cluster two instants matter: when the first of its calls returned, and
when the last one began.

    first return < last start    the value certainly lasted between the two
    last start <= first return   it may have come and gone at any instant between the two

Put the clusters in the order of whichever comes first.  The history is legal if and only if no read
returned before its write began, and none of the clusters has its first return before the last start
of a cluster in front of it.  For suppose both: then each has a call that returned before one
of the other began.  And a longer cycle of clusters has a shorter one in it, by the one whose first
return is the first of all.

The value before the first write is None, written before everything; no call may write it again.
An open write took effect if it was read.  Open reads say nothing.

Source: Gibbons and Korach, "Testing Shared Memories" (SIAM J. Comput. 26, 1997), the section on
linearizability with a known reads-from: no two of the former zones overlap, and none contains one
of the latter.  We differ in that one order decides both, and is a legal one.
"""

from collections.abc import Sequence
from typing import Any, Final

from stress.history import Span
from stress.judge.monitors.finding import SCALARS, Finding, Misfit, distinguishable

FIRST: Final = 0
"""The cluster of the value before the first write."""
NOWHERE: Final = -1
"""The cluster of a value that nobody wrote."""


def judge(history: Sequence[Span]) -> Finding | None:
    """Return whether a history of a register is linearizable; None if it has other calls, or two
    writes of one value.
    """
    clusters = Clusters(history)
    if not clusters.qualifies:
        return None
    ...


class Clusters:
    """The clusters of a history, whole or cut."""
