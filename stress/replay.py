"""A saved failure, again: by what is in its file, on what is installed now.

An execution of the explorer is carried out, exactly; a recorded history is judged, and its program
handed to the explorer; calls of one thread are made; what left neither is met again, or not, by
running its program on real threads.  What cannot be told is unknown: no failure is mended because
nobody looked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stress import provenance, registry
from stress.evidence import unseen_in_histories
from stress.explore import record
from stress.explore.explanation import explained
from stress.explore.exploration import Bounds
from stress.explore.machine import NondeterminismError
from stress.explore.scenario import MOST_THREADS, explored
from stress.history import Span, from_json_lines
from stress.model import Model
from stress.program import Program, ProgramError
from stress.threads.programs import ThreadedPrograms
from stress.verdict import Verdict

MENDED: Final = "It does not fail any more: the rules, the orders or the subject have changed."
EXECUTIONS: Final = 100
"""Executions among which one that differs is looked for."""
MOST_CALLS: Final = 24
"""Calls of a history that are made a program of, which the explorer gets on with."""
MOST_MADE: Final = 1_000
"""Calls of a program."""


class UntrustedError(ValueError):
    """A file that nobody vouches for would choose what is imported."""


@dataclass(slots=True)
class Replayed:
    """What came of a saved failure."""

    verdict: Verdict
    """FAILED: it fails again; OK: it does not any more; UNKNOWN: that cannot be told."""
    failure: dict[str, Any]
    """The failure as it is now; where there is none, as it was."""
    said: list[str] = field(default_factory=list)
    """What else to know, a sentence each."""
    beside: dict[str, Any] | None = None
    """An execution that the explorer found, which fails, too."""


def replayed(failure: Mapping[str, Any], path: Path) -> Replayed:
    """Replay the `failure` that was read from `path`."""
    return _REPLAYS[failure["kind"]](dict(failure), path)


def check_trusted(failure: Mapping[str, Any], path: Path) -> None:
    """Raise UntrustedError if replaying `failure` imports what its writer has not seen as it is.

    A model that is installed was chosen by whoever installed it.  A file of the reader's own is
    imported only if it is the same as when the failure was saved: else a stranger's failure could
    have anything run that happens to lie below the current directory.
    """
    for name in (failure.get("target", ""), failure["model"]):
        file = provenance.file_in(name)
        if not file or not Path(file).is_file():  # which is said where it is looked for
            continue
        before = failure.get("sources", {}).get(file)
        if before != provenance.current_digest(file):
            how = "has changed since this was saved" if before else "is named, and not vouched for"
            raise UntrustedError(
                f"{file} {how}, and replaying {path.name} would import it.\n"
                f"  A failure may be a stranger's, and is not to choose what is run here.\n"
                f"  If you know where it comes from:  stress replay {path} --trust"
            )


# An execution of the explorer


def _execution(failure: dict[str, Any], path: Path) -> Replayed:
    trace = record.again(failure, path)
    if trace is None:
        return Replayed(Verdict.OK, failure, [MENDED, "Explore it again to know that none fails."])
    said = []
    before = failure["violations"][0]["rule"]
    if trace.kind != before:
        said.append(f"It fails otherwise than it did: {trace.kind} now, {before} before.")
    trace.saved = ""
    now = {
        "trace": trace.to_json(),
        "violations": [{"rule": trace.kind, "message": trace.title}],
    }
    return Replayed(Verdict.FAILED, failure | now, said)


def _nondeterminism(failure: dict[str, Any], _: Path) -> Replayed:
    if not failure.get("target"):
        said = "It left no scenario that could be found by a name: run again what found it."
        return Replayed(Verdict.UNKNOWN, failure, [said])
    task = record.task_of(failure)
    bounds = Bounds(EXECUTIONS, steps=task.steps)
    try:
        found = explored(task.scenario, memory=task.memory, bounds=bounds, spurious=task.spurious)
    except NondeterminismError as error:
        now = record.nondeterminism(task, error, failure["target"])
        return Replayed(Verdict.UNKNOWN, failure | now, ["It still does not do the same."])
    said = f"It did the same every time now, in {found.executions:,} executions."
    return Replayed(Verdict.UNKNOWN, failure, [said])


# What was recorded


def _recorded(failure: dict[str, Any], _: Path) -> Replayed:
    told = {violation["rule"] for violation in failure["violations"]}
    if told <= unseen_in_histories(failure):
        return _met_again(failure)
    history = from_json_lines(failure["history"])
    if not history:
        raise ValueError("the history is empty, and no call breaks no rule: save it again")
    broken = registry.find(failure["model"]).rejudge(failure["parameters"], history)
    if not broken:
        return Replayed(Verdict.OK, failure, [MENDED])
    now = {"violations": [{"rule": each.rule, "message": each.message} for each in broken]}
    found = Replayed(Verdict.FAILED, failure | now)
    _hand_over(found, history)
    return found


def _met_again(failure: dict[str, Any], _: Path | None = None) -> Replayed:
    """Run the program of a failure that no history shows, on real threads."""
    if "prefix" not in failure.get("parameters", {}):
        again = f"stress run {failure['model']} --engine {failure['engine']}"
        seed = failure.get("run_seed")
        return Replayed(
            Verdict.UNKNOWN,
            failure,
            [
                f"A {failure['kind']} left no history to judge, and no program.  The same seed "
                f"draws the same programs, which may meet differently:  {again}"
                + f" --seed {seed}"
                * (seed is not None)
            ],
        )
    name = failure["model"]
    model = registry.model_of(name)
    program = _small(Program.from_json(model, failure["parameters"]))
    with ThreadedPrograms(name, model) as engine:
        found = engine.failure(program, shrinking=True)
        runs = engine.executions
    if found is None:
        sentence = (
            f"{program} did not fail in {runs:,} runs on real threads.  That does not say that it "
            f"cannot: threads meet differently every time."
        )
        return Replayed(Verdict.UNKNOWN, failure, [sentence])
    said = Replayed(Verdict.FAILED, failure | found, ["It failed again on real threads."])
    _hand_over(said, [])
    return said


def _hand_over(found: Replayed, history: list[Span]) -> None:
    """Let the explorer look for the same, and add what it has to say."""
    failure = found.failure
    try:
        model = registry.model_of(failure["model"])
        program = _program(model, failure["parameters"], history)
    except LookupError:
        found.said.append("It was not handed to the explorer, which runs programs of models.")
        return
    except ProgramError:
        if "prefix" in failure["parameters"]:
            raise
        found.said.append(
            "It was not handed to the explorer: its calls are no small program of the model."
        )
        return
    explanation = explained(failure["model"], model, program, failure["kind"])
    found.said.append(explanation.sentence)
    found.beside = explanation.failure


def _program(
    model: type[Model[Any]], parameters: Mapping[str, Any], history: list[Span]
) -> Program:
    """Return the program of a failure; that of its calls where real threads ran no program."""
    if "prefix" in parameters:
        return _small(Program.from_json(model, parameters))
    operations = {each.name: each.arguments for each in model.operations()}
    threads: dict[int, list[dict[str, Any]]] = {}
    for call in history:
        if isinstance(call.process, int) and call.f in operations:
            arguments: list[Any] = [*call.arguments]
            if len(operations[call.f]) != len(arguments):  # noted one by one
                arguments = [arguments]
            made = {"f": call.f, "arguments": arguments}
            threads.setdefault(call.process, []).append(made)
    if not 0 < sum(map(len, threads.values())) <= MOST_CALLS:
        raise ProgramError("the threads made no call, or too many.\n  Nothing is explored.")
    saved = {"prefix": [], "threads": [threads[at] for at in sorted(threads)], "case": parameters}
    return Program.from_json(model, saved)


def _small(program: Program) -> Program:
    """Return `program`; ProgramError if it would start threads, or make calls, without end."""
    if len(program.threads) > MOST_THREADS or program.calls > MOST_MADE:
        raise ProgramError(
            f"the program has {len(program.threads):,} threads and {program.calls:,} calls.\n"
            f"  No run draws one of more than {MOST_THREADS} threads or {MOST_MADE:,} calls, so it "
            f"is none that failed.\n  Find the failure again:  stress run"
        )
    return program


def _mismatch(failure: dict[str, Any], _: Path) -> Replayed:
    if not failure["saved"]["calls"]:
        raise ValueError("the list of calls is empty, and no call is no fault: save it again")
    message = registry.find(failure["model"]).rerun(failure["saved"])
    if message is None:
        return Replayed(Verdict.OK, failure, [MENDED])
    return Replayed(
        Verdict.FAILED, failure | {"violations": [{"rule": "mismatch", "message": message}]}
    )


def _survivor(failure: dict[str, Any], _: Path) -> Replayed:
    again = f"stress mutants {failure['model'].rpartition(':')[0] or failure['model']}"
    return Replayed(Verdict.UNKNOWN, failure, [f"A survivor is tried again by:  {again}"])


_REPLAYS: Final[dict[str, Callable[[dict[str, Any], Path], Replayed]]] = {
    "execution": _execution,
    "nondeterminism": _nondeterminism,
    "invariant": _recorded,
    "mismatch": _mismatch,
    "crash": _met_again,
    "hang": _met_again,
    "survivor": _survivor,
}
