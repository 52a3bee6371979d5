"""A failing interleaving as text, from its trace alone.

First what is wrong, in words that can be read aloud; then how to see it again; then the steps, in
lanes with arrows (`stress.report.drawing`); then why, naming steps by number.  A dotted arrow
leads to a read that does not synchronise with what it reads, a solid one to what does; plain data
has no arrows.  A read marked stale has skipped something newer.  With more than three threads, or
where lanes would not fit, there is one column, the thread first.
"""

from stress.explore.trace import Trace
from stress.report.telling import of_trace
from stress.report.written import WIDTH, painted, written

__all__ = ["WIDTH", "painted", "render"]


def render(trace: Trace, width: int = WIDTH, *, ascii: bool = False) -> str:  # noqa: A002
    """Return the report; no line of it is wider than `width`, unless a file name or command is."""
    return written(of_trace(trace), width, ascii=ascii)
