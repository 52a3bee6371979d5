"""A model's programs on real threads: a `stress.threads.subject.ThreadModel` of any model.

A stage draws some programs; each of its instances is a new subject for one of them.  The prefix is
run when the instance is prepared, the threads' calls in the sweep, and what comes at the end when
the instance is judged, by the thread that prepared it.

Ordering
========

A reference, which remembers what it has worked out, and a tally belong to the thread that prepares
and judges an instance.  Other threads only call the subject.
"""

import threading
from collections.abc import Callable, Collection, Hashable, Sequence
from functools import partial
from random import Random
from typing import Any, Final

from stress.conformance import Conformance, UndecidedError, shown
from stress.drawing import drawn
from stress.history import BY_CLOCK, Span
from stress.model import Model
from stress.plain import plain
from stress.program import PREFIX, Invocation, Program, Results
from stress.recording import Recording
from stress.reference import Reference, raised
from stress.threads.observed import ObservedSync
from stress.threads.outcomes import Tally
from stress.threads.subject import Judgement, Record, Step, Violation
from stress.verdict import NoVerdictError

SLOTS: Final = 96
DRAWN: Final = 12
"""Programs of a stage."""


class Performances:
    """Programs of `model` on real threads: those given, or some that each stage draws."""

    def __init__(
        self, model: type[Model[Any]], programs: Sequence[Program] = (), slots: int = SLOTS
    ) -> None:
        self._model = model
        self._programs = programs
        self._slots = slots

    def stage(self, random: Random, threads: int) -> "ProgramStage":
        """Return a stage for `threads` threads."""
        programs = self._programs or drawn(self._model, random.getrandbits(32), DRAWN, threads)
        return ProgramStage(self._model, programs, threads, self._slots)


class ProgramStage:
    """Some programs, each for many instances."""

    def __init__(
        self, model: type[Model[Any]], programs: Sequence[Program], threads: int, slots: int
    ) -> None:
        self.slots = slots
        self._model = model
        self._programs = programs
        self._threads = threads
        self._known: dict[tuple[int, int], tuple[Conformance, Tally]] = {}

    @property
    def tallies(self) -> list[Tally]:
        """What each thread counted of each program."""
        return [tally for _, tally in self._known.values()]

    def instance(self, slot: int, random: Random, sync: ObservedSync) -> "ProgramInstance":
        """Return a new subject with a program."""
        number = slot % len(self._programs)
        program = self._programs[number]
        mine = threading.get_ident(), number
        known = self._known.get(mine)
        if known is None:
            conformance = Conformance(Reference(self._model(program.case)))
            known = self._known[mine] = conformance, Tally()
        return ProgramInstance(*known, program, self._threads, random, sync)

    def close(self) -> None:
        """Nothing is held."""


class _Call:
    """A call of one thread, and what it came to."""

    __slots__ = ("_invocation", "_place", "_result", "_results", "_subject", "_thread", "arguments",
                 "own")  # fmt: skip

    def __init__(
        self, recording: Recording, results: Results, thread: int, place: int, call: Invocation
    ) -> None:
        self.own = recording.reference.operations[call.f]
        self.arguments: tuple[Any, ...] | None = None
        """None as long as it has not been made, or is left out."""
        self._invocation = call
        self._subject = recording.subject
        self._results = results
        self._thread, self._place = thread, place

    def __call__(self) -> Any:
        self.arguments = arguments = self._results.resolved(self._invocation.arguments)
        if arguments is None:
            return None
        self._result = result = self.own.call(self._subject, arguments)
        self._results.note(self._thread, self._place, result)
        return result

    def effect(self) -> str | None:
        """Do what follows the call; return what was found wrong, if anything."""
        if self.own.then is None or self.arguments is None:
            return None
        try:
            self.own.then(self._subject, self.arguments, self._result)
        except Exception as error:  # noqa: BLE001  (of the subject: it is told)
            return _told(error)
        return None


class ProgramInstance:
    """A subject and the calls of every thread."""

    def __init__(  # noqa: PLR0913, PLR0917  (what it is of, and what it runs on)
        self,
        conformance: Conformance,
        tally: Tally,
        program: Program,
        threads: int,
        random: Random,
        sync: ObservedSync,
    ) -> None:
        self._program = program
        self._tally = tally
        self._model = conformance.reference.model
        self._recording = Recording(conformance, program, sync)
        self._broken = self._alone(partial(self._recording.run, PREFIX))
        lists = [*program.threads, *[()] * (threads - len(program.threads))]
        if self._broken:
            lists = [()] * threads
        self.steps = [
            [self._step(number, place, call, random) for place, call in enumerate(own)]
            for number, own in enumerate(lists)
        ]

    def _step(self, thread: int, place: int, call: Invocation, random: Random) -> Step:
        made = _Call(self._recording, self._recording.results, thread, place, call)
        pause = random.choice([0, 0, random.randrange(100)])
        return Step(call.f, (), made, made.effect if made.own.then else None, pause, str(call))

    def keys(self, step: Step) -> Collection[Hashable]:
        """Return what a call is about: its key, or the whole subject."""
        call: Any = step.function
        if call.own.key is None:
            return (None,)
        if call.arguments is None:
            return ()
        return (call.arguments[list(call.own.arguments).index(call.own.key)],)

    def to_json(self) -> dict[str, Any]:
        """Return the program."""
        return self._program.to_json(type(self._model))

    def judge(self, records: Sequence[Sequence[Record]]) -> Judgement:
        """Make the calls that come at the end, and ask whether the model permits all."""
        found = [
            violation
            for thread, own in enumerate(records)
            for record in own
            for violation in self._noted(thread, record)
        ]
        unknown = []
        found = self._broken or found or self._alone(self._recording.end)
        if not found:
            try:
                found = self._recording.judged(None)
            except UndecidedError as error:
                unknown = [str(error).partition("\n")[0]]
        judgement = Judgement(self._recording.history, found, unknown)
        self._tally.note(self._recording.calls, judgement)
        return judgement

    def _alone(self, calling: Callable[[], None]) -> list[Violation]:
        """Make calls while nobody else does; return what is wrong with the last of them."""
        try:
            calling()
        except NoVerdictError:
            raise
        except Exception as error:  # noqa: BLE001  (of the subject, and undeclared)
            last = self._recording.calls[-1:]
            if last and last[0].outcome == "ok":
                return [Violation("effect", f"after {last[0].f}: {_told(error)}")]
            return [Violation("exception", _undeclared(last[0], error) if last else _told(error))]
        return []

    def _noted(self, thread: int, record: Record) -> list[Violation]:
        """Note a call; return what is wrong with it whatever the others did."""
        step, start, end, result, proof = record
        call: Any = step.function
        if call.arguments is None:
            return []
        note = partial(self._recording.note, thread, call.own, call.arguments, start, end)
        if not isinstance(result, Exception):
            note("ok", result)
            return [Violation("effect", f"after {call.own.name}: {proof}")] if proof else []
        span = note("fail", raised(result))
        if isinstance(result, call.own.raises):
            return []
        return [Violation("exception", _undeclared(span, result))]


def _told(error: Exception) -> str:
    """Return what an error says that follows a call."""
    if isinstance(error, AssertionError):
        return str(error) or "what follows the call fails"
    return f"{type(error).__name__}: {error}"


def _undeclared(call: Span, error: Exception) -> str:
    """Return what is wrong with `call`, which raised `error`."""
    made = shown(call).rpartition(" = ")[0]
    return f"{made} raised {type(error).__name__}: {error}, which the model does not declare"


def rejudge(
    model: type[Model[Any]], parameters: dict[str, Any], history: Sequence[Span]
) -> list[Violation]:
    """Judge a history that real threads made, again."""
    program = Program.from_json(model, parameters)
    conformance = Conformance(Reference(model(program.case)))
    history = [
        each._replace(arguments=plain(each.arguments), result=plain(each.result))
        for each in history
    ]
    calls = [each for each in history if each.f in conformance.reference.operations]
    found = conformance.violations(calls, None)
    return found + conformance.reference.model.violations(history, BY_CLOCK)
