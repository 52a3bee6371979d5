"""The two steps of an execution that conflict: what a reader has to look at, and a fix to order.

Of a race, the two accesses; of threads that wait for each other, the two acquisitions; of a lost
wake-up, the notification and the wait; else a read and the write that it missed, or that came
before its thread acted on what it had read.  Where nothing was missed, what the thread whose call
has no place had last from another, and was wrong to believe.
"""

from collections.abc import Iterator
from itertools import pairwise

from stress.explore.graph import READS, WRITES, Event
from stress.explore.steps import PLAIN, Kind
from stress.explore.told import Told


def conflict_of(told: Told, kind: str) -> list[int]:
    """Return the numbers of two steps that conflict, the earlier first; [] where no two do."""
    pairs = {"race": _race, "deadlock": _acquisitions, "lost wake-up": _wake_up, "livelock": _loop}
    for pair in pairs.get(kind, _reads_and_writes)(told):
        numbers = sorted(told.numbers[event.bit] for event in pair if event.bit in told.numbers)
        if len(numbers) == 2:  # noqa: PLR2004  (both are told)
            return numbers
    return []


type Pairs = Iterator[tuple[Event, Event]]


def _race(told: Told) -> Pairs:
    pair = told.graph.races[0]
    one, other = (event for event in told.graph.order if event.bit & pair)
    yield one, other


def _acquisitions(told: Told) -> Pairs:
    """Yield the acquisitions of two locks that are waited for, and never given back."""
    holders = [
        holder
        for step in told.blocked().values()
        if step.kind is Kind.LOCK and (holder := told.holder(step.location)) is not None
    ]
    if len(holders) > 1:
        yield holders[0], holders[1]


def _wake_up(told: Told) -> Pairs:
    """Yield each wait that goes on for ever, with the notification before it, or the last."""
    for thread, step in told.blocked().items():
        if step.kind is not Kind.WAIT or not told.graph.threads[thread]:
            continue
        slept = told.graph.threads[thread][-1]
        calls = [
            event
            for event in told.events
            if event.kind is Kind.CHOOSE and told.places[event.bit].call != "wait"
        ]
        number = told.numbers.get(slept.bit, 0)
        before = [each for each in calls if told.numbers[each.bit] < number]
        if calls:
            yield slept, (before or calls)[-1]


def _loop(told: Told) -> Pairs:
    """Yield the last read of a loop that never ends, and the write it read."""
    for thread, step in told.blocked().items():
        if step.kind is Kind.STUCK:
            for event in reversed(told.graph.threads[thread]):
                if event.kind in READS and event.rf is not None:
                    yield event, event.rf
                    break


def _reads_and_writes(told: Told) -> Pairs:
    for event in told.events:
        newer = told.newer(event)
        if newer is not None:
            yield newer, event
    for earlier, write, _ in lost_updates(told):
        yield earlier, write
    for read, write, _ in outdated(told):
        yield read, write
    yield from _believed(told)


def _believed(told: Told) -> Pairs:
    """Yield the last writes of others that the thread read whose call has no place."""
    failures = [step.value for step in told.graph.pending if step and step.kind is Kind.FAIL]
    process = next((getattr(error, "process", None) for error in failures), None)
    if type(process) is not int:  # the main thread is main
        return
    for read in reversed(told.events):
        source = read.rf
        if read.thread != process + 1 or read.kind not in READS or read.order == PLAIN:
            continue
        if source is not None and source.thread not in {-1, read.thread}:
            yield source, read


def lost_updates(told: Told) -> Iterator[tuple[Event, Event, Event]]:
    """Yield each write, another that overwrites it unseen, and what that one's thread had read."""
    for location, writes in enumerate(told.graph.writes):
        for earlier, write in pairwise(writes[1:]):
            if write.kind is not Kind.STORE or earlier.thread == write.thread:
                continue
            before = told.graph.threads[write.thread][: write.index]
            accesses = [each for each in before if each.location == location]
            read = next((each for each in reversed(accesses) if each.kind in READS), None)
            if read is None or read is not accesses[-1]:
                continue
            if place_of(writes, read.rf) < place_of(writes, earlier):
                yield earlier, write, read


def outdated(told: Told) -> Iterator[tuple[Event, Event, Event]]:
    """Yield each read, a later write of another thread, and what the reader did after that.

    What is read last, and acted on in the same call, comes first: nearest to what went wrong.
    """
    for read in reversed(told.events):
        if read.kind is not Kind.LOAD or read.thread == 0:
            continue
        number = told.numbers[read.bit]
        writes = told.graph.writes[read.location]
        for write in writes[place_of(writes, read.rf) + 1 :]:
            when = told.numbers.get(write.bit, 0)
            if write.thread == read.thread or when < number:
                continue
            acted = next(
                (each for each in _acts(told, read) if told.numbers[each.bit] > when), None
            )
            if acted is not None:
                yield read, write, acted
                break


def _acts(told: Told, read: Event) -> Iterator[Event]:
    """Yield what the thread of `read` did afterwards that others can see, in the same call."""
    call = told.call_of(read)
    for event in told.events:
        if (
            event.thread == read.thread
            and event.index > read.index
            and told.call_of(event) is call
            and (event.kind in WRITES or event.kind in (Kind.UPDATE, Kind.COMPARE_EXCHANGE))
        ):
            yield event


def place_of(writes: tuple[Event, ...], write: Event | None) -> int:
    """Return where `write` stands in modification order."""
    return next(at for at, each in enumerate(writes) if each is write)
