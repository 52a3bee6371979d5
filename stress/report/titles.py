"""What is wrong with an execution or a history, in one line that can be read aloud.

The line is for somebody who has not seen the code: who did what to what, and not which rule of
which list is broken.
"""

import re
from typing import Final

from stress.explore.trace import Trace, TraceStep

CANNOT_BE_PLACED: Final = " cannot be placed"
"""How `stress.conformance` ends the line that names a call that no order explains."""
LONGEST: Final = 150
"""Characters of a title that says what was allowed."""
WRITING: Final = frozenset({"store", "update", "compare-exchange", "create"})
BY_SIGNAL: Final = re.compile(r"the interpreter died of (\w+)")
SIGNALS: Final = {
    "SIGSEGV": "it touched memory that is not there",
    "SIGBUS": "it touched memory that cannot be had",
    "SIGABRT": "it ended itself",
    "SIGFPE": "it divided by zero",
    "SIGILL": "it met no instruction",
}


def of_trace(trace: Trace) -> str:
    """Return what is wrong with an execution."""
    pair = conflicting(trace)
    if trace.kind == "race" and len(pair) == 2:  # noqa: PLR2004  (a race is one of two)
        return _of_race(trace, *pair)
    waiting = [end for end in trace.ends if end.text.startswith("waits for ") and not end.failed]
    if trace.kind == "deadlock" and len(waiting) == 1:
        return f"{trace.threads[waiting[0].thread]} {waiting[0].text} for ever"
    rule = f"{trace.kind}: "
    return of_violation(trace.kind, trace.title.removeprefix(rule))


def conflicting(trace: Trace) -> list[TraceStep]:
    """Return the two steps that conflict; none where the trace does not name two."""
    found = [step for step in trace.steps if step.number in trace.conflict]
    found = found or [step for step in trace.steps if step.race]
    return found if len(found) == 2 else []  # noqa: PLR2004


def _of_race(trace: Trace, one: TraceStep, other: TraceStep) -> str:
    first, second = trace.threads[one.thread], trace.threads[other.thread]
    if one.operation in WRITING and other.operation in WRITING:
        return f"{first} and {second} write {one.location} at the same time"
    does, did = ("writes", "reads") if other.operation in WRITING else ("reads", "writes")
    return f"{second} {does} {one.location} while {first} {did} there"


def of_violation(rule: str, message: str) -> str:
    """Return what is wrong according to the first line of the message of a violation."""
    line = message.partition("\n")[0]
    if line.endswith(CANNOT_BE_PLACED):
        return unplaced(line.removesuffix(CANNOT_BE_PLACED))
    if died := BY_SIGNAL.match(line):
        meaning = SIGNALS.get(died[1], "")
        return f"the interpreter died of {died[1]}{f': {meaning}' * bool(meaning)}"
    return line or f"{rule} is broken"


def of_hang(calls: list[str]) -> str:
    """Return who does not return from what; `calls` say which call each thread is in.

    >>> of_hang(["worker 0 in pop()", "worker 1 in push(7)"])
    'pop() of thread 0 and push(7) of thread 1 do not return'
    """
    inside = [call.partition(" in ") for call in calls]
    named = [
        f"{made} of {who.replace('worker', 'thread')}" if said else who
        for who, said, made in inside
    ]
    if not named:
        return "the threads do not come back, though none is in a call"
    if not inside[0][1]:
        return named[0]
    return f"{_listed(named)} {'do' if len(named) > 1 else 'does'} not return"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def unplaced(call: str, allowed: str = "") -> str:
    """Return that `call` has no place in any order; `allowed` is what it should have come to.

    >>> unplaced("thread 1: pop() = None", "7")
    'pop() of thread 1 came to None, and not to 7'
    >>> unplaced("thread 1: pop() = None")
    'pop() of thread 1 came to None, which no order of the calls explains'
    """
    who, colon, made = call.partition(": ")
    if not colon:
        who, made = "", call
    does, equals, result = made.partition(") = ")
    whose = f" of {who}" if who else ""
    if not equals:
        return f"{made}{whose}, which no order of the calls explains"
    came = f"{does}){whose} came to {result}"
    if allowed and len(came) + len(allowed) < LONGEST:
        return f"{came}, and not to {allowed}"
    return f"{came}, which no order of the calls explains"
