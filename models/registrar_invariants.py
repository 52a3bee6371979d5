"""The invariants I1 to I10 of the registrar, each checked on a history.

>>> from registrar import MemoryLayout
>>> case = RegistrarCase(MemoryLayout(1 << 31, []), 0, frozenset())
>>> call = Span(0, "register", (0, 1), 10, 90, "ok", None)
>>> [violation.rule for violation in violations(case, [call])]
['I1']

What a history holds is said in `models.registrar_evidence`.  What is checked holds in every
interleaving, whatever the order of calls that overlap.  "Before" is a `stress.history.Precedence`:
of real threads, ended before the other began by the clock they share; under a weak memory model,
where no such clock exists, happens-before.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import Final

from models.registrar_case import RegistrarCase
from models.registrar_evidence import Evidence, shown
from registrar import GRANULARITY, MemoryRange
from stress.history import BY_CLOCK, Precedence, Span
from stress.threads.subject import Violation


def _i1_ok_means_registered(evidence: Evidence) -> Iterator[str]:
    done, in_time = evidence.done, evidence.in_time
    for call, chunks in evidence.requests:
        if call.outcome != "ok":
            continue
        for chunk in chunks:
            for ends in evidence.case.told(chunk):
                instants = done.get(ends)
                if instants is None:
                    piece = evidence.piece(ends)
                    yield f"{shown(call)} = Ok, but {piece} was never registered"
                elif not any(in_time(instant, call.end) for instant in instants):
                    yield f"{shown(call)} = Ok before {evidence.piece(ends)} was registered"
    for touch in evidence.of_kind("touch"):
        call = evidence.proved_by(touch)
        yield f"{shown(call)} = Ok, but the kernel cannot reach {touch.arguments[0]:#x}"


def _i2_once(evidence: Evidence) -> Iterator[str]:
    if len(evidence.done) == len(evidence.attempts):  # each was registered, and once
        return
    for ends, count in Counter(attempt.span.arguments for attempt in evidence.attempts).items():
        if count > 1:
            yield f"{evidence.piece(ends)} went to the backend {count} times"


def _i3_not_both(evidence: Evidence) -> Iterator[str]:
    for chunk in evidence.failures.keys() & evidence.known.keys():
        for call, chunks in evidence.requests:
            if call.outcome == "ok" and chunk in chunks:
                yield f"{shown(call)} = Ok, but chunk {chunk} has failed"
    for seen in evidence.of_kind("inspect")[-1:]:
        expected = evidence.registered_at_the_end
        if seen.result > expected:
            yield f"{seen.result} chunks are marked registered at the end, not {expected}"


def _i4_monotone(evidence: Evidence) -> Iterator[str]:
    inspections = evidence.of_kind("inspect")
    for seen in inspections:
        if seen.result < len(evidence.known):
            before = sum(evidence.known_before(chunk, seen) for chunk in evidence.known)
            if seen.result < before:
                yield f"{shown(seen)} = {seen.result} chunks, but {before} were registered before"
    for earlier, later in combinations(sorted(inspections, key=lambda span: span.start), 2):
        if earlier.result > later.result and evidence.before(earlier.end, later.start):
            yield f"inspect() went down from {earlier.result} to {later.result} chunks"
    for seen in inspections[-1:]:
        expected = evidence.registered_at_the_end
        if seen.result < expected:
            yield f"{seen.result} chunks are marked registered at the end, not {expected}"


def _i5_exclusive_and_ascending(evidence: Evidence) -> Iterator[str]:
    for one, other in pairwise(attempt.span for attempt in evidence.attempts):
        if not (evidence.in_time(one.end, other.start) or evidence.in_time(other.end, one.start)):
            yield (
                f"{one.process} registers {evidence.piece(one.arguments)} while {other.process} "
                f"registers {evidence.piece(other.arguments)}"
            )
    for call, _, inside in evidence.made:
        starts = [span.arguments[0] for span in inside]
        if starts != sorted(starts):
            yield f"{shown(call)} went through its pieces out of order"


def _i6_error_says_which(evidence: Evidence) -> Iterator[str]:
    for call, chunks in evidence.requests:
        if call.outcome != "fail":
            continue
        error, address = call.result
        if error != "RegistrationError":
            yield f"{shown(call)} raised {error}, which no rule permits"
            continue
        refused = [span for span in evidence.inside(call, "backend") if span.outcome != "ok"]
        if not refused:
            yield from _later_failure(evidence, call, chunks, address)
        elif address != refused[0].arguments[0]:
            yield (
                f"{shown(call)} = Err({address:#x}), but the backend refused "
                f"{refused[0].arguments[0]:#x} (E8)"
            )


def _later_failure(evidence: Evidence, call: Span, chunks: range, address: int) -> Iterator[str]:
    """Check the error of a call whose own backend calls, if any, all succeeded (E8, E11)."""
    chunk, rest = divmod(address, GRANULARITY)
    failure = evidence.failures.get(chunk)
    if rest or chunk not in chunks:
        yield f"{shown(call)} = Err({address:#x}), which is no chunk it asked for (E8)"
    elif failure and not evidence.in_time(failure.span.end, call.end):
        yield f"{shown(call)} = Err({address:#x}) before that chunk failed"
    elif not failure and evidence.failures.keys() & set(chunks):  # none at all: I8
        yield f"{shown(call)} = Err({address:#x}), but another chunk has failed (E8)"
    for lower in chunks[: max(0, chunk - chunks.start)]:
        other = evidence.failures.get(lower)
        if other and evidence.before(other.span.end, call.start):
            yield f"{shown(call)} = Err({address:#x}), but chunk {lower} had failed (E11)"


def _i7_never_again(evidence: Evidence) -> Iterator[str]:
    if not evidence.failures:
        return
    for attempt in evidence.attempts:
        failure = evidence.failures.get(attempt.chunk)
        if failure is None or failure is attempt:
            continue
        if evidence.in_time(failure.span.end, attempt.span.start):
            yield f"chunk {attempt.chunk} goes to the backend again after it failed"


def _i8_others_unaffected(evidence: Evidence) -> Iterator[str]:
    for call, chunks in evidence.requests:
        if call.outcome == "fail" and not any(chunk in evidence.failures for chunk in chunks):
            yield f"{shown(call)} failed, but none of its chunks has"


def _i9_bounded_work(evidence: Evidence) -> Iterator[str]:
    for call, chunks, inside in evidence.made:
        pieces = {ends for chunk in chunks for ends in evidence.case.told(chunk)}
        for span in inside:
            if span.arguments not in pieces:
                piece = MemoryRange(*span.arguments)
                yield f"{shown(call)} registered {piece}, which is no piece of its chunks (R3)"
    made = len(evidence.of_kind("register_range"))
    within = sum(len(inside) for _, _, inside in evidence.made)
    if made > within:
        yield f"{made - within} backend calls were made outside of any request"


def _i10_fast_path_takes_no_lock(evidence: Evidence) -> Iterator[str]:
    for call, chunks in evidence.requests:
        if not chunks or not evidence.known.keys() >= set(chunks):
            continue
        if evidence.inside(call, "lock") and all(
            evidence.known_before(chunk, call) for chunk in chunks
        ):
            yield f"{shown(call)} took the mutex, but all its chunks were registered before"


INVARIANTS: Final[dict[str, Callable[[Evidence], Iterator[str]]]] = {
    "I1": _i1_ok_means_registered,
    "I2": _i2_once,
    "I3": _i3_not_both,
    "I4": _i4_monotone,
    "I5": _i5_exclusive_and_ascending,
    "I6": _i6_error_says_which,
    "I7": _i7_never_again,
    "I8": _i8_others_unaffected,
    "I9": _i9_bounded_work,
    "I10": _i10_fast_path_takes_no_lock,
}
"""Each invariant of the rules by its number.  I9's "no deadlock" is the engine's watch."""


def violations(
    case: RegistrarCase, history: Sequence[Span], precedence: Precedence = BY_CLOCK
) -> list[Violation]:
    """Return every rule that `history` breaks, with how."""
    evidence = Evidence(case, history, precedence)
    return [
        Violation(rule, message)
        for rule, check in INVARIANTS.items()
        for message in check(evidence)
    ]
