"""Whether an await loop has come round to where it was: the local state of a thread, compared.

A loop that waits (``while not ready.load(ACQUIRE): sync.pause()``) could go round for ever.  If a
thread pauses twice in exactly the same state, and did nothing in between but look, its next round
can differ only by what it reads; then the search need not follow it until something new can be
read.  The state is compared, not guessed: the frames, where they stand, and their locals.  So a
loop that counts its rounds and gives up after three does give up.  How far an iterator has come
cannot be seen, so a ``for`` loop is never taken to have come round.
"""

import dis
import functools
from types import CodeType, FrameType
from typing import Any

from stress.explore.graph import Event
from stress.explore.steps import Kind

_COMPARED = (int, str, bytes, float, bool, type(None))

type State = list[tuple[CodeType, int, dict[str, Any]]]
"""For each frame of a thread: its code, where it stands, its locals."""


def state(frame: FrameType | None) -> State | None:
    """Return what decides how a thread goes on from `frame`; None within a ``for`` loop."""
    found = []
    loop: str | None = None
    while frame is not None:
        loop = loop or _innermost_loop(frame.f_code, frame.f_lasti)
        found.append((frame.f_code, frame.f_lasti, dict(frame.f_locals)))
        frame = frame.f_back
    return None if loop == "for" else found


@functools.cache
def _innermost_loop(code: CodeType, at: int) -> str | None:
    """Return "for" or "while", whichever loop is the innermost around `at`, if there is one."""
    instructions = {each.offset: each for each in dis.get_instructions(code)}
    loops = [
        (jump.offset - jump.argval, instructions[jump.argval].opname)
        for jump in instructions.values()
        if jump.opname.startswith("JUMP_BACKWARD") and jump.argval <= at <= jump.offset
    ]
    if not loops:
        return None
    return "for" if min(loops)[1] == "FOR_ITER" else "while"


def same_state(one: State | None, other: State | None) -> bool:
    """Return whether two states are the same, so that a thread goes on from them alike."""
    if one is None or other is None or len(one) != len(other):
        return False
    return all(
        code is other_code and at == other_at and _same_locals(found, other_found)
        for (code, at, found), (other_code, other_at, other_found) in zip(one, other, strict=True)
    )


def _same_locals(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, _COMPARED) and bool(one == other)


def only_looked(round_: list[Event]) -> bool:
    """Return whether the events of one round of a loop changed nothing that others can see."""
    for event in round_:
        if event.kind in (Kind.LOAD, Kind.FENCE, Kind.PAUSE, Kind.LOCK, Kind.UNLOCK, Kind.UPDATE,
                          Kind.COMPARE_EXCHANGE):  # fmt: skip
            continue
        if event.kind is Kind.MODIFY and event.value == round_[round_.index(event) - 1].value:
            continue
        return False
    return True
