"""What one program came to on real threads, how often, and whether the model permits it.

    0 ‖ 1   1,893   allowed
    0 ‖ 0      27   forbidden   linearizability

Results stand where the calls stand in the program: those of each thread side by side, and a bar
between them and those of the main thread, before and at the end.  What the main thread's calls came
to is left out where that is always the same.

As jcstress counts the results of a test; but nobody has to list them, for the model knows which are
allowed.  The same results may be allowed and forbidden: they are judged with the order of the calls
in time, and with the invariants.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import compress, groupby
from typing import Any, Final

from stress.conformance import result_of
from stress.history import Span
from stress.threads.subject import Judgement

MOST: Final = 12
"""Rows that are told, and"""
FEWER: Final = 9
"""of more these; what is seen more seldom is summed up, by verdict."""
RANKS: Final = ("forbidden", "unknown", "allowed")
PARALLEL, BAR, NONE = " ‖ ", " ┃ ", "(none)"

type Seen = tuple[str, str, str]
"""What calls came to, in words: of the prefix, of the threads, and at the end."""
THREADS: Final = 1
"""The part of the threads."""


class Tally:
    """Counts what instances of one program came to; it belongs to one thread."""

    def __init__(self) -> None:
        self.counts = Counter[tuple[Seen, str, str]]()
        """How often what was seen, whether that is allowed, and what it means."""

    def note(self, calls: Iterable[Span], judgement: Judgement) -> None:
        """Count an instance."""
        verdict, meaning = "allowed", ""
        if judgement.unknown:
            verdict, meaning = "unknown", judgement.unknown[0]
        if judgement.violations:
            verdict, meaning = "forbidden", judgement.violations[0].rule
        self.counts[spelled(calls), verdict, meaning] += 1


def spelled(calls: Iterable[Span]) -> Seen:
    """Return what calls came to.

    >>> calls = [Span("main", "add", (), 1, 2, "ok", 7), Span(1, "add", (), 3, 5, "ok", 8),
    ...          Span(0, "add", (), 4, 6, "fail", ("Full", "")), Span(0, "add", (), 7, 8, "ok", 9)]
    >>> spelled(calls)
    ('7', 'raises Full(); 9 ‖ 8', '')
    >>> spelled([*calls[1:2], Span("main", "read", (), 9, 9, "ok", 1)])
    ('', '(none) ‖ 8', '1')
    """
    threads: dict[int, list[Span]] = {}
    main = []
    for call in sorted(calls, key=lambda call: call.start):
        if isinstance(call.process, int):
            threads.setdefault(call.process, []).append(call)
        else:
            main.append(call)
    began = min((own[0].start for own in threads.values()), default=math.inf)
    beside = [threads.get(number, []) for number in range(max(threads, default=-1) + 1)]
    before = [call for call in main if call.start < began]
    parallel = PARALLEL.join(_listed(own) or NONE for own in beside)
    return _listed(before), parallel, _listed(main[len(before) :])


def _listed(calls: Iterable[Span]) -> str:
    return "; ".join(map(result_of, calls))


def outcomes(tallies: Iterable[Tally]) -> list[dict[str, Any]]:
    """Return what was seen as it is saved: what is forbidden first, then what is seen most."""
    counts = Counter[tuple[Seen, str, str]]()
    for tally in tallies:
        counts.update(tally.counts)
    text = _telling([seen for seen, *_ in counts])
    rows = sorted(counts.items(), key=lambda row: (RANKS.index(row[0][1]), -row[1]))
    shown, others = (rows, []) if len(rows) <= MOST else (rows[:FEWER], rows[FEWER:])
    found = [_row(text(seen), count, *said) for (seen, *said), count in shown]
    for verdict, left in groupby(others, lambda row: row[0][1]):
        more = [count for _, count in left]
        found.append(_row(f"{len(more):,} others", sum(more), verdict, ""))
    return found


def _telling(every: Sequence[Seen]) -> Callable[[Seen], str]:
    """Return what makes one text of what was seen, by which `every` one is told from the others."""
    alone = not all(threads for _, threads, _ in every)
    parts = enumerate(zip(*every, strict=True))
    told = [at == THREADS or alone or len(set(part)) > 1 for at, part in parts]
    return lambda seen: BAR.join(filter(None, compress(seen, told)))


def _row(seen: str, count: int, verdict: str, meaning: str) -> dict[str, Any]:
    return {"seen": seen, "count": count, "verdict": verdict, "meaning": meaning}
