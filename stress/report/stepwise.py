"""Every step of an execution, a line each, with its line of source: for whoever follows it.

thread 0 calls register(0x1000, 1)
1  thread 0  registered[0] → 0   acquire  from the beginning  bitmap.py:65  return word.load(...
"""

from collections.abc import Iterator

from stress.explore.trace import Trace, TraceStep
from stress.report.neutral import neutral
from stress.report.steps import aligned, spelled_steps


def stepwise(trace: Trace) -> Iterator[str]:
    """Yield the calls and the steps of `trace` in their order."""
    spelled = aligned(spelled_steps(trace, neutral))
    names = [neutral(name) for name in trace.threads]
    reads = [_read(step) for step in trace.steps]
    columns = [
        max(map(len, names), default=0),
        max(map(len, spelled), default=0),
        max(map(len, reads), default=0),
        max((len(step.where) for step in trace.steps), default=0),
    ]
    for step, what, read in zip(trace.steps, spelled, reads, strict=True):
        yield from _calls(trace, step.number, begin=True)
        parts = (names[step.thread], what, read, step.where)
        line = "  ".join(f"{part:<{wide}}" for part, wide in zip(parts, columns, strict=True))
        yield f"{step.number:>3}  {line}  {neutral(step.source)}".rstrip()
        yield from _calls(trace, step.number, begin=False)
    for end in trace.ends:
        yield f"     {names[end.thread]:<{columns[0]}}  {neutral(end.text)}  {end.where}".rstrip()


def _read(step: TraceStep) -> str:
    if step.reads is None:
        return ""
    source = f"from step {step.reads}" if step.reads else "from the beginning"
    return f"{source}, synchronizes" if step.synchronizes else source


def _calls(trace: Trace, number: int, *, begin: bool) -> Iterator[str]:
    """Yield the calls that begin before a step, or that have ended after it."""
    for call in trace.calls:
        name = neutral(trace.threads[call.thread])
        if begin and call.first == number:
            yield f"     {name} calls {neutral(call.text)}"
        elif not begin and call.last == number and call.result:
            yield f"     {name} gets {neutral(call.result)}"
