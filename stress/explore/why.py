"""Why an execution is wrong, in sentences that name its steps by number.

Every sentence states a fact of the execution: which accesses nothing orders, what was read without
synchronising, what an update overwrites unseen, who waits for what that is held by whom.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from stress.explore.conflict import lost_updates, outdated, place_of
from stress.explore.graph import READS, WRITES, Event
from stress.explore.memory.model import SEQ_CST
from stress.explore.naming import place_of_error
from stress.explore.steps import ACQUIRES, PLAIN, Kind, Step
from stress.explore.told import Told

ORDERS: Final = {0: "relaxed", 1: "consume", 2: "acquire", 3: "release", 4: "acq_rel", 5: "seq_cst"}
MOST_STALE: Final = 3
"""Stale reads that are explained."""


@dataclass(frozen=True)
class Story:
    """What is wrong, what was seen, and why."""

    title: str
    observed: list[str]
    allowed: list[str]
    why: list[str]


def story_of(told: Told, kind: str, memory: str) -> Story:
    """Return the story of an execution that fails by `kind`."""
    standing = told.blocked()
    if kind == "race":
        return _race(told, memory)
    for thread, step in standing.items():
        if step.kind is Kind.FAIL:
            return _fault(told, thread, step.value, memory)
    waiting = {
        at: step for at, step in standing.items() if step.kind in (Kind.LOCK, Kind.WAIT, Kind.STUCK)
    }
    names = _listed([told.threads[at] for at in waiting or standing])
    if kind == "livelock":
        looping = [at for at, step in standing.items() if step.kind is Kind.STUCK]
        names = _listed([told.threads[at] for at in looping])
        title = f"{names} {_verb('wait', looping)} in a loop for ever"
    elif kind == "lost wake-up":
        sleeping = [at for at, step in standing.items() if step.kind is Kind.WAIT]
        names = _listed([told.threads[at] for at in sleeping])
        title = f"{names} {_verb('wait', sleeping)} for a notification that never comes"
    elif len(waiting) > 1:
        title = f"{names} wait for each other for ever"
    else:
        title = f"{names} waits for ever"
    return Story(title, [], [], list(_waiting(told, standing)))


def failing(error: BaseException, source: str) -> str:
    """Return how a thread fails, in one line."""
    if isinstance(error, AssertionError) and source:
        return source
    return f"raises {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def _verb(verb: str, subjects: list[int]) -> str:
    return verb if len(subjects) > 1 else f"{verb}s"


# Races


def _race(told: Told, memory: str) -> Story:
    pair = told.graph.races[0]
    one, other = sorted(
        (event for event in told.graph.order if event.bit & pair), key=lambda it: _at(told, it)
    )
    where = told.locations[one.location]
    title = f"{told.name(one)} and {told.name(other)} race for {where}"
    first, second = _step(told, one), _step(told, other)
    observed = [
        f"{first}, {told.name(one)} {_does(one)} {where}",
        f"{second}, {told.name(other)} {_does(other)} {where}",
    ]
    allowed = ["one of them ordered before the other by happens-before"]
    nothing = f"Nothing orders {first} before {second}"
    sentences = [f"{nothing}: no happens-before edge leads from one to the other."]
    through = list(_through(told, one, other))
    sentences += through or _no_bridge(told, one, other)
    if other.kind in READS and told.newer(other) is one and memory == "rc11":
        sentences.append(f"So {second} may even read what was there before {first}.")
    return Story(title, observed, allowed, sentences)


def _does(event: Event) -> str:
    return "reads" if event.kind in READS else "writes"


def _at(told: Told, event: Event) -> int:
    return told.numbers.get(event.bit, len(told.numbers) + 1)


def _step(told: Told, event: Event) -> str:
    number = told.numbers.get(event.bit)
    return f"step {number}" if number else f"the first write of {told.locations[event.location]}"


def _through(told: Told, one: Event, other: Event) -> Iterator[str]:
    """Yield what is wrong with a read that would have ordered `one` before `other`."""
    for read in told.graph.order:
        write = read.rf
        if read.kind not in READS or write is None or write.thread in (-1, read.thread):
            continue
        if read.order == PLAIN or not (one.bit & write.hb and read.bit & other.hb):
            continue
        if read.bit == other.bit or one.bit == write.bit:
            continue
        publishes = write.sync & one.bit != 0
        acquires = read.order in ACQUIRES or _fenced(told, read, other)
        if not (publishes and acquires):
            yield _unsynchronized(told, read, write, publishes=publishes, acquires=acquires)
            return


def _fenced(told: Told, read: Event, other: Event) -> bool:
    """Return whether an acquire fence stands between `read` and `other`."""
    later = told.graph.threads[read.thread][read.index + 1 :]
    fences = [each for each in later if each.kind is Kind.FENCE and each.order in ACQUIRES]
    return any(fence.bit & other.hb for fence in fences)


def _unsynchronized(
    told: Told, read: Event, write: Event, *, publishes: bool, acquires: bool
) -> str:
    """Return why `read` does not synchronise with `write`, and what would make it."""
    stores, loads = _capital(_step(told, write)), _capital(_step(told, read))
    publishing = f"{_with_order(write)} publishes nothing"
    acquiring = f"{_with_order(read)} acquires nothing"
    if publishes:
        fault, remedy = acquiring, f"{loads} would have to acquire."
    elif acquires:
        fault, remedy = publishing, f"{stores} would have to release."
    else:
        fault = f"{publishing} and {acquiring}"
        remedy = f"{stores} would have to release, and {_step(told, read)} to acquire."
    return f"{loads} did read what {_step(told, write)} wrote, but {fault}.  {remedy}"


def _with_order(event: Event) -> str:
    """Return what `event` is in C11's words.

    Only what its order does not do is said of it: an update may acquire and not release.
    """
    order = ORDERS[event.order]
    kind = {Kind.LOAD: "load", Kind.STORE: "store"}.get(event.kind, "update")
    return f"{'an' if order.startswith('a') else 'a'} {order} {kind}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _no_bridge(told: Told, one: Event, other: Event) -> list[str]:
    """Return why nothing that was read could order `one` before `other`."""
    for event in reversed(told.graph.threads[other.thread][: other.index]):
        source = event.rf
        if source is None or source.thread != one.thread or source.index >= one.index:
            continue
        if told.synchronizes(event) and event.bit in told.numbers and source.bit in told.numbers:
            meets = f"{_capital(_step(told, event))} does synchronize with {_step(told, source)}"
            return [f"{meets}, but {_step(told, one)} comes after that."]
    held = [{told.locations[at] for at in told.holds(event)} for event in (one, other)]
    first, second = told.name(one), told.name(other)
    if not any(held):
        return [
            f"Between them {second} reads nothing that {first} wrote after {_step(told, one)}.",
            "No lock is held at either.",
        ]
    locks = [_listed(sorted(names)) or "no lock" for names in held]
    return [
        f"At {_step(told, one)} {first} holds {locks[0]}.",
        f"At {_step(told, other)} {second} holds {locks[1]}: they have no lock in common.",
    ]


# Assertions and exceptions


def _fault(told: Told, thread: int, error: Any, memory: str) -> Story:
    source = place_of_error(error).source
    name = told.threads[thread]
    lines = str(error).splitlines()
    if not isinstance(error, AssertionError):
        title = f"{name} raises {_first_line(error)}"
    elif hasattr(error, "title"):  # what a model does not permit
        title = error.title
    elif lines and not lines[0].startswith("assert "):
        title = lines[0]
    else:
        title = _unfulfilled(source, "in the end" if thread == 0 else f"in {name}")
    observed = lines if lines[1:] or (lines and lines[0] not in title) else []
    observed = getattr(error, "observed", observed)
    allowed = getattr(error, "allowed", [])
    return Story(title, observed, allowed, [*getattr(error, "why", []), *_faults(told, memory)])


def _unfulfilled(source: str, where: str) -> str:
    """Return what an assertion without a message asked for in vain."""
    try:
        [statement] = ast.parse(source).body
    except (SyntaxError, ValueError):
        return f"assertion fails {where}"
    if not isinstance(statement, ast.Assert):
        return f"assertion fails {where}: {source}"
    return f"assertion fails {where}: {ast.get_source_segment(source, statement.test)}"


def _faults(told: Told, memory: str) -> Iterator[str]:
    stale = [event for event in told.events if told.newer(event) is not None]
    for event in stale[:MOST_STALE]:
        yield from _stale(told, event, memory) if event.kind in READS else _overtaken(told, event)
    lost = list(_lost_updates(told))
    yield from lost[:MOST_STALE]
    if not stale and not lost and len({event.thread for event in told.events}) > 1:
        yield from islice(_outdated(told), 1)
        yield "Every read sees the newest value: this order of the steps is all it takes."


def _stale(told: Told, read: Event, memory: str) -> Iterator[str]:
    newer = told.newer(read)
    assert newer is not None
    first, second = _step(told, newer), _capital(_step(told, read))
    where = told.locations[read.location]
    if memory == "tso":
        yield (
            f"{second} may still read {where} from before {first}, which waits in the store "
            f"buffer of {told.name(newer)}."
        )
    else:
        yield (
            f"{second} may still read {where} from before {first}: no happens-before edge leads "
            f"from {first} to {_step(told, read)}."
        )
        yield from _through(told, newer, read)
    if _crossed(told, newer, read) is not None:
        yield (
            "Each thread stores before it loads, but only seq_cst, or a seq_cst fence in between, "
            "keeps a store before a later load of another word."
        )


def _overtaken(told: Told, write: Event) -> Iterator[str]:
    newer = told.newer(write)
    assert newer is not None
    yield (
        f"{_capital(_step(told, write))} may be overwritten by {_step(told, newer)} although it is "
        f"told after it: nothing orders the two, and no order of the steps explains them all."
    )


def _crossed(told: Told, write: Event, read: Event) -> Event | None:
    """Return the load of the other thread that misses a store of this one: store buffering."""
    mine = told.graph.threads[read.thread][: read.index]
    stores = [each for each in mine if each.kind in WRITES and each.order != PLAIN]
    for load in told.graph.threads[write.thread][write.index + 1 :]:
        for store in stores:
            if load.kind is not Kind.LOAD or load.location != store.location:
                continue
            writes = told.graph.writes[store.location]
            if place_of(writes, load.rf) < place_of(writes, store) and (
                {read.step.order, load.step.order} != {SEQ_CST}  # type: ignore[union-attr]
                or {write.step.order, store.step.order} != {SEQ_CST}  # type: ignore[union-attr]
            ):
                return load
    return None


def _lost_updates(told: Told) -> Iterator[str]:
    """Yield each write that overwrites another, which its thread has not seen though it read."""
    for earlier, write, read in lost_updates(told):
        yield (
            f"{_capital(_step(told, write))} overwrites what {_step(told, earlier)} wrote "
            f"without having seen it: {told.name(write)} had read "
            f"{told.locations[write.location]} before, at {_step(told, read)}."
        )


def _outdated(told: Told) -> Iterator[str]:
    """Yield each read that was overtaken by a write before its thread acted on it."""
    for read, write, acted in outdated(told):
        where = told.locations[read.location]
        yield (
            f"{_capital(told.name(read))} goes on at {_step(told, acted)} with what it read of "
            f"{where} at {_step(told, read)}, but {told.name(write)} has written {where} since, at "
            f"{_step(told, write)}."
        )


# Threads that wait


def _waiting(told: Told, standing: dict[int, Step]) -> Iterator[str]:
    for thread, step in standing.items():
        name = told.threads[thread]
        if step.kind is Kind.LOCK:
            yield _for_a_lock(told, name, step.location)
        elif step.kind is Kind.WAIT:
            yield from _for_a_notification(told, thread)
        elif step.kind is Kind.STUCK:
            yield from _for_a_write(told, thread)
        elif step.kind is Kind.JOIN:
            yield f"{_thread(name)} waits for the end of {told.threads[step.location]}."


def _thread(name: str) -> str:
    """Return a name to begin a sentence with."""
    return _capital(name) if name.startswith("thread ") else f"Thread {name}"


def _for_a_lock(told: Told, name: str, location: int) -> str:
    where = told.locations[location]
    taken = told.holder(location)
    if taken is None:
        return f"{_thread(name)} waits for {where}."
    owner = told.name(taken)
    ended = told.graph.pending[taken.thread] is None
    still = "has ended without giving it back" if ended else "still holds it"
    return (
        f"{_thread(name)} waits for {where}: {owner} took it at {_step(told, taken)} and {still}."
    )


def _for_a_notification(told: Told, thread: int) -> Iterator[str]:
    name = told.threads[thread]
    slept = told.graph.threads[thread][-1]
    yield (f"{_thread(name)} sleeps from {_step(told, slept)} on, and nobody is left to notify it.")
    calls = [
        event
        for event in told.events
        if event.kind is Kind.CHOOSE and told.places[event.bit].call != "wait"
    ]
    for call in calls:
        assert call.step is not None
        woken = [told.threads[at] for at, _ in call.step.expected[call.value]]
        when = "before that" if _at(told, call) < _at(told, slept) else "after that"
        yield f"{_capital(_step(told, call))}, {when}, notifies {_listed(woken) or 'nobody'}."
    if not calls:
        yield "No notification woke anybody: one that comes before the wait is forgotten."


def _for_a_write(told: Told, thread: int) -> Iterator[str]:
    events = told.graph.threads[thread]
    starts = [event.index for event in events if event.kind is Kind.PAUSE]
    last = [event for event in events[starts[-1] + 1 if starts else 0 :] if event.kind in READS]
    name = told.threads[thread]
    seen = []
    for event in {each.location: each for each in last}.values():
        by = f"from {_step(told, event.rf)}" if event.rf and event.rf.thread >= 0 else "initial"
        seen.append(f"{told.locations[event.location]} = {event.value!r} ({by})")
    read = f"having read {_listed(seen)}" if seen else "having read nothing"
    yield f"{_thread(name)} went round its loop and is where it was, {read}."
    yield "No thread is left that could write anything else."
