"""Where the calls of a trace begin and end, as lines between its steps.

    register(0x1000, 1)          above its first step
    = Ok                         below its last

Where each thread makes one call, they all stand above the steps, and their results below: when a
call begins says nothing more then.  A call without steps is one line; so is one of a thread that
acts before or after all others, unless it has a step that matters.  So are runs of steps that a
long page leaves out.
"""

from collections import Counter
from typing import Final

from stress.explore.trace import Trace, TraceCall, TraceStep
from stress.report.folding import folded
from stress.report.page import Spelling
from stress.report.titles import conflicting

MOST_FOLDED: Final = 1
"""Calls that have a line each where the others share one."""


class CallLines:
    """The lines of the calls of `trace`, by the numbers of the steps they are beside."""

    def __init__(self, trace: Trace, spell: Spelling) -> None:
        self._before: dict[int, list[tuple[int, str]]] = {}
        self._after: dict[int, list[tuple[int, str]]] = {}
        self._widths: Counter[int] = Counter()
        inside = [call for call in trace.calls if call.thread not in trace.outside]
        made = Counter(call.thread for call in inside)
        single = bool(made) and max(made.values()) == 1
        numbers = [step.number for step in trace.steps if step.thread not in trace.outside]
        self._folded = _folded(trace)
        self._trace = trace
        self._pair = {step.number for step in conflicting(trace)}
        for at, call in enumerate(trace.calls):
            if at in self._folded:
                continue
            if single and numbers and call in inside:
                self._add(call, numbers[0], numbers[-1], spell)
            else:
                self._add(call, call.first, call.last, spell)
        self._add_folded([trace.calls[at] for at in sorted(self._folded)], spell)
        self._left_out: set[int] = set()
        self._leave_out(trace, spell)

    def _add_folded(self, calls: list[TraceCall], spell: Spelling) -> None:
        """Add a line for each of the first calls, and one for the others."""
        shown = calls if len(calls) <= MOST_FOLDED + 1 else calls[:MOST_FOLDED]
        for call in shown:
            self._add(call, call.first, 0, spell)
        if others := calls[len(shown) :]:
            line = f"{len(others)} more calls  (steps {others[0].first} to {others[-1].last})"
            self._before.setdefault(others[0].first, []).append((others[0].thread, line))

    def _leave_out(self, trace: Trace, spell: Spelling) -> None:
        """Put one line in place of each run of steps that a long page leaves out."""
        rows = sum(len(lines) for lines in [*self._before.values(), *self._after.values()])
        rows += sum(not self.hides(step) for step in trace.steps)
        for first, last in folded(trace, rows).items():
            line = spell(f"… {last - first + 1} steps ({first} to {last})")
            self._before.setdefault(first, []).append((trace.steps[first - 1].thread, line))
            self._left_out.update(range(first, last + 1))

    def _add(self, call: TraceCall, first: int, last: int, spell: Spelling) -> None:
        text, result = spell(call.text), f"= {spell(call.result)}"
        if last < first:
            shown = f"{text} {result}" if call.result else text
            if call.first < call.last:
                shown += f"  (steps {call.first} to {call.last})"
            self._before.setdefault(first, []).append((call.thread, shown))
            self._widths[call.thread] = max(self._widths[call.thread], len(shown))
            return
        self._before.setdefault(first, []).append((call.thread, text))
        if call.result:
            self._after.setdefault(last, []).append((call.thread, result))
        self._widths[call.thread] = max(self._widths[call.thread], len(text), len(result))

    def hides(self, step: TraceStep) -> bool:
        """Return whether another line stands for `step`."""
        if step.number in self._left_out:
            return True
        if step.call is None and self._folded:  # what follows a call of a thread that is folded
            return step.thread in self._trace.outside and step.number not in self._pair
        return step.call in self._folded

    def width(self, thread: int) -> int:
        """Return how wide the lines of `thread` are."""
        return self._widths[thread]

    def before(self, number: int) -> list[tuple[int, str]]:
        """Return the threads and lines above the step `number`."""
        return self._before.get(number, [])

    def after(self, number: int) -> list[tuple[int, str]]:
        """Return the threads and lines below the step `number`."""
        return self._after.get(number, [])


def _folded(trace: Trace) -> set[int]:
    """Return the places of the calls whose steps are not shown."""
    shown = {step.call for step in conflicting(trace)}
    shown |= {step.call for step in trace.steps if step.stale}
    return {
        at
        for at, call in enumerate(trace.calls)
        if call.thread in trace.outside and at not in shown
    }
