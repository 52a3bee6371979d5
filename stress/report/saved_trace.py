"""The trace of a saved failure, which may be a stranger's: one that can be drawn, or none."""

from collections.abc import Mapping
from typing import Any

from stress.explore.trace import End, Trace, TraceCall, TraceStep
from stress.failures import FailureFileError
from stress.report.fields import is_sound, row_of


def trace_in(failure: Mapping[str, Any]) -> Trace:
    """Return the trace of a saved failure; FailureFileError where there is none to be drawn."""
    try:
        trace = Trace.from_json(row_of(failure, "trace"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(f"its trace cannot be read ({error!r})") from error
    if not is_sound(trace):
        raise _damaged("a field of its trace is of the wrong type")
    threads, numbers = range(len(trace.threads)), range(1, len(trace.steps) + 1)
    parts: list[TraceStep | TraceCall | End] = [*trace.steps, *trace.calls, *trace.ends]
    sound = (
        all(part.thread in threads for part in parts)
        and all(at in threads for at in trace.outside)
        and [step.number for step in trace.steps] == list(numbers)
        and all(not step.reads or step.reads in numbers for step in trace.steps)
        and all(step.call is None or step.call in range(len(trace.calls)) for step in trace.steps)
        and all(number in numbers for number in trace.conflict)
    )
    if not sound:
        raise _damaged("its trace names steps, threads or calls that are not in it")
    return trace


def _damaged(why: str) -> FailureFileError:
    return FailureFileError(
        f"the failure is damaged: {why}.\n"
        f"  Somebody changed it, or another version wrote it.  Find it again:  stress run"
    )
