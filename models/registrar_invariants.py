"""The invariants I1 to I10 of the registrar, each checked on a history.

The history holds the calls of numbered processes, and as spans of named processes what they did
inside: "backend of 2" a call of the backend (arguments: start and end of the piece as the backend
saw it; result: None, or why it refused), "lock of 2" an ownership of the mutex, "touch of 2" an
address that thread 2 could not reach after an Ok.  A call that was interrupted has no outcome.

>>> from registrar import MemoryLayout
>>> case = RegistrarCase(MemoryLayout(1 << 31, []), 0, frozenset())
>>> call = Span(0, "register", (0, 1), 10, 90, "ok", None)
>>> [violation.rule for violation in violations(case, [call])]
['I1']

What is checked holds in every interleaving, whatever the order of calls that overlap.  "Before" is
a `stress.history.Precedence`: of real threads, ended before the other began by the clock they
share; under a weak memory model, where no such clock exists, happens-before.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import combinations, pairwise
from typing import Final, NamedTuple

from models.registrar_case import RegistrarCase
from registrar import GRANULARITY, MemoryRange
from stress.history import BY_CLOCK, Precedence, Span
from stress.threads.subject import Violation


class Attempt(NamedTuple):
    """One call of the backend."""

    span: Span
    piece: MemoryRange
    """Without the offset."""
    chunk: int

    @property
    def refused(self) -> bool:
        """Whether the backend refused it."""
        return self.span.outcome != "ok"


class Evidence:
    """A history, sorted out for the checks."""

    def __init__(
        self, case: RegistrarCase, history: Sequence[Span], precedence: Precedence = BY_CLOCK
    ) -> None:
        self.case = case
        self.history = history
        self.before, self.in_time = precedence
        self.inspections = [span for span in history if span.f == "inspect"]

    @cached_property
    def requests(self) -> list[tuple[Span, range]]:
        """Every call of ``register`` with its chunks."""
        return [
            (span, self.case.chunks(*span.arguments))
            for span in self.history
            if span.f == "register"
        ]

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Every call of the backend that was not interrupted (D4), by its start."""
        found = []
        for span in sorted(self.history, key=lambda span: span.start):
            if span.f == "register_range" and span.outcome != "info":
                start, end = (address - self.case.offset for address in span.arguments)
                if start >= 0:
                    found.append(Attempt(span, MemoryRange(start, end), start // GRANULARITY))
        return found

    @cached_property
    def failures(self) -> dict[int, Attempt]:
        """The first refusal in each chunk."""
        found: dict[int, Attempt] = {}
        for attempt in self.attempts:
            if attempt.refused:
                found.setdefault(attempt.chunk, attempt)
        return found

    def inside(self, call: Span, kind: str) -> list[Span]:
        """Return what the process of `call` did within it: spans of "backend" or "lock"."""
        return [
            span
            for span in self._by_process.get(f"{kind} of {call.process}", ())
            if call.start <= span.start and span.end <= call.end
        ]

    def proved_by(self, touch: Span) -> Span:
        """Return the call after which a process touched what it had asked for."""
        mine = [
            call
            for call, _ in self.requests
            if touch.process == f"touch of {call.process}" and call.end <= touch.start
        ]
        return max(mine, key=lambda call: call.end, default=touch)

    @cached_property
    def _by_process(self) -> dict[int | str, list[Span]]:
        found: dict[int | str, list[Span]] = {}
        for span in self.history:
            found.setdefault(span.process, []).append(span)
        return found


def _shown(call: Span) -> str:
    arguments = ", ".join(f"{argument:#x}" for argument in call.arguments)
    caller = f"thread {call.process}" if isinstance(call.process, int) else call.process
    return f"{caller}: {call.f}({arguments})"


def _i1_ok_means_registered(evidence: Evidence) -> Iterator[str]:
    done: defaultdict[MemoryRange, list[int]] = defaultdict(list)
    for attempt in evidence.attempts:
        if not attempt.refused:
            done[attempt.piece].append(attempt.span.end)
    for call, chunks in evidence.requests:
        if call.outcome != "ok":
            continue
        for chunk in chunks:
            for piece in evidence.case.pieces(chunk):
                if piece not in done:
                    yield f"{_shown(call)} = Ok, but {piece} was never registered"
                elif not any(evidence.in_time(end, call.end) for end in done[piece]):
                    yield f"{_shown(call)} = Ok before {piece} was registered"
    for touch in evidence.history:
        if touch.f == "touch":
            call = evidence.proved_by(touch)
            yield f"{_shown(call)} = Ok, but the kernel cannot reach {touch.arguments[0]:#x}"


def _i2_once(evidence: Evidence) -> Iterator[str]:
    pieces = Counter(attempt.piece for attempt in evidence.attempts)
    for piece, count in pieces.items():
        if count > 1:
            yield f"{piece} went to the backend {count} times"


def _i3_not_both(evidence: Evidence) -> Iterator[str]:
    for call, chunks in evidence.requests:
        for chunk in chunks:
            if call.outcome == "ok" and chunk in evidence.failures:
                yield f"{_shown(call)} = Ok, but chunk {chunk} has failed"
    for seen in evidence.inspections[-1:]:
        expected = _registered_at_the_end(evidence)
        if seen.result > expected:
            yield f"{seen.result} chunks are marked registered at the end, not {expected}"


def _i4_monotone(evidence: Evidence) -> Iterator[str]:
    for seen in evidence.inspections:
        before = {
            chunk
            for call, chunks in evidence.requests
            if call.outcome == "ok" and evidence.before(call.end, seen.start)
            for chunk in chunks
        }
        if seen.result < len(before):
            yield (
                f"{_shown(seen)} = {seen.result} chunks, but {len(before)} were registered before"
            )
    inspections = sorted(evidence.inspections, key=lambda span: span.start)
    for earlier, later in combinations(inspections, 2):
        if earlier.result > later.result and evidence.before(earlier.end, later.start):
            yield f"inspect() went down from {earlier.result} to {later.result} chunks"
    for seen in evidence.inspections[-1:]:
        expected = _registered_at_the_end(evidence)
        if seen.result < expected:
            yield f"{seen.result} chunks are marked registered at the end, not {expected}"


def _registered_at_the_end(evidence: Evidence) -> int:
    asked = {chunk for _, chunks in evidence.requests for chunk in chunks}
    return len(asked - set(evidence.failures))


def _i5_exclusive_and_ascending(evidence: Evidence) -> Iterator[str]:
    for one, other in pairwise(evidence.attempts):
        if not (
            evidence.in_time(one.span.end, other.span.start)
            or evidence.in_time(other.span.end, one.span.start)
        ):
            yield (
                f"{one.span.process} registers {one.piece} while {other.span.process} "
                f"registers {other.piece}"
            )
    for call, _ in evidence.requests:
        starts = [span.arguments[0] for span in evidence.inside(call, "backend")]
        if starts != sorted(starts):
            yield f"{_shown(call)} went through its pieces out of order"


def _i6_error_says_which(evidence: Evidence) -> Iterator[str]:
    for call, chunks in evidence.requests:
        if call.outcome != "fail":
            continue
        error, address = call.result
        if error != "RegistrationError":
            yield f"{_shown(call)} raised {error}, which no rule permits"
            continue
        refused = [span for span in evidence.inside(call, "backend") if span.outcome != "ok"]
        if not refused:
            yield from _later_failure(evidence, call, chunks, address)
        elif address != refused[0].arguments[0]:
            yield (
                f"{_shown(call)} = Err({address:#x}), but the backend refused "
                f"{refused[0].arguments[0]:#x} (E8)"
            )


def _later_failure(evidence: Evidence, call: Span, chunks: range, address: int) -> Iterator[str]:
    """Check the error of a call whose own backend calls, if any, all succeeded (E8, E11)."""
    chunk, rest = divmod(address, GRANULARITY)
    failure = evidence.failures.get(chunk)
    if rest or chunk not in chunks:
        yield f"{_shown(call)} = Err({address:#x}), which is no chunk it asked for (E8)"
    elif failure and not evidence.in_time(failure.span.end, call.end):
        yield f"{_shown(call)} = Err({address:#x}) before that chunk failed"
    elif not failure and evidence.failures.keys() & set(chunks):  # none at all: I8
        yield f"{_shown(call)} = Err({address:#x}), but another chunk has failed (E8)"
    for lower in chunks[: max(0, chunk - chunks.start)]:
        other = evidence.failures.get(lower)
        if other and evidence.before(other.span.end, call.start):
            yield f"{_shown(call)} = Err({address:#x}), but chunk {lower} had failed (E11)"


def _i7_never_again(evidence: Evidence) -> Iterator[str]:
    for attempt in evidence.attempts:
        failure = evidence.failures.get(attempt.chunk)
        if failure is None or failure is attempt:
            continue
        if evidence.in_time(failure.span.end, attempt.span.start):
            yield f"{attempt.span.process} tries chunk {attempt.chunk} again after it failed"


def _i8_others_unaffected(evidence: Evidence) -> Iterator[str]:
    for call, chunks in evidence.requests:
        if call.outcome == "fail" and not any(chunk in evidence.failures for chunk in chunks):
            yield f"{_shown(call)} failed, but none of its chunks has"


def _i9_bounded_work(evidence: Evidence) -> Iterator[str]:
    within = 0
    for call, chunks in evidence.requests:
        pieces = {
            evidence.case.shifted(piece)
            for chunk in chunks
            for piece in evidence.case.pieces(chunk)
        }
        for span in evidence.inside(call, "backend"):
            within += 1
            piece = MemoryRange(*span.arguments)
            if piece not in pieces:
                yield f"{_shown(call)} registered {piece}, which is no piece of its chunks (R3)"
    made = sum(1 for span in evidence.history if span.f == "register_range")
    if made > within:
        yield f"{made - within} backend calls were made outside of any request"


def _i10_fast_path_takes_no_lock(evidence: Evidence) -> Iterator[str]:
    for call, chunks in evidence.requests:
        if not chunks or not evidence.inside(call, "lock"):
            continue
        if all(
            any(
                other.outcome == "ok" and chunk in others and evidence.before(other.end, call.start)
                for other, others in evidence.requests
            )
            for chunk in chunks
        ):
            yield f"{_shown(call)} took the mutex, but all its chunks were registered before"


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
