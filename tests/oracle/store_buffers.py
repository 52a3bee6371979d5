"""x86-TSO as a machine: every thread writes into a buffer of its own, oldest first to memory.

An independent check of the axioms for the sets of outcomes: states are explored in every
interleaving, each once. A thread reads the newest write to the location in its own buffer, else
memory. A seq_cst store, a seq_cst fence, and a locked instruction wait until the buffer is empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from registrar.sync import SEQ_CST
from stress.litmus.program import Fence, LitmusTest, Location, Register, Store

from .thread import Thread, readings, wrapped

type Write = tuple[str, int]
type Memory = tuple[Write, ...]

EMPTY: Final[tuple[Write, ...]] = ()


@dataclass(frozen=True)
class Processor:
    """A thread, and its writes that have not reached memory, oldest first."""

    thread: Thread
    buffer: tuple[Write, ...] = EMPTY


type State = tuple[Memory, tuple[Processor, ...]]


def outcomes(test: LitmusTest) -> set[tuple[int, ...]]:
    """Return the values of ``test.observed`` in every final state."""
    memory = tuple((name, wrapped(value)) for name, value in test.initial.items())
    start = memory, tuple(Processor(Thread(block).settled()) for block in test.threads)
    waiting, seen, final = [start], {start}, set()
    while waiting:
        state = waiting.pop()
        later = set(successors(state))
        if not later:
            final.add(observed(test, state))
        waiting += later - seen
        seen |= later
    return final


def successors(state: State) -> Iterator[State]:
    """Yield the states one step later: a buffer gives up a write, or a thread does something."""
    memory, processors = state
    for number, processor in enumerate(processors):
        for after, written in steps(processor, dict(memory)):
            changed = dict(memory) | ({} if written is None else dict([written]))
            others = processors[:number], processors[number + 1 :]
            yield tuple(changed.items()), (*others[0], after, *others[1])


def steps(processor: Processor, memory: dict[str, int]) -> Iterator[tuple[Processor, Write | None]]:
    """Yield all that a processor can do next, and what that writes to memory."""
    thread, buffer = processor.thread, processor.buffer
    if buffer:
        yield replace(processor, buffer=buffer[1:]), buffer[0]
    if not thread.todo:
        return
    match thread.todo[0]:
        case Fence(order):
            if order != SEQ_CST or not buffer:
                yield Processor(thread.after().settled(), buffer), None
        case Store(location, value, order):
            write = location, thread.value(value)
            after = thread.after().settled()
            if order != SEQ_CST:
                yield Processor(after, (*buffer, write)), None
            elif not buffer:
                yield Processor(after), write
        case _:
            yield from reads(processor, memory)


def reads(processor: Processor, memory: dict[str, int]) -> Iterator[tuple[Processor, Write | None]]:
    """Yield all that a reading instruction can come to."""
    thread, buffer = processor.thread, processor.buffer
    location = thread.location()
    value = (memory | dict(buffer))[location]  # of equal locations, the newest write is the last
    for reading in readings(thread, value):
        if reading.locked and buffer:
            continue
        written = None if reading.written is None else (location, reading.written[0])
        yield Processor(reading.after.settled(), buffer), written


def observed(test: LitmusTest, state: State) -> tuple[int, ...]:
    """Return the values that the test observes."""
    memory, processors = state
    values = []
    for term in test.observed:
        match term:
            case Register(thread, name):
                values.append(processors[thread].thread.local(name))
            case Location(name):
                values.append(dict(memory)[name])
    return tuple(values)
