"""A saved failure told to a reader: from the file, as data alone, to a `Report`.

Nothing in the file is carried out or imported: it may be a stranger's.  What is not of its type is
not told; what cannot be drawn for it is refused.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from stress.explore.trace import Trace
from stress.report import recorded, stopped, titles
from stress.report.failure import Call, Outcome, Repair, Report
from stress.report.fields import is_sound, row_of, rows_of, text_of, texts_of
from stress.report.history import has_address, spelled_value
from stress.report.saved_trace import trace_in

EXECUTION: Final = "execution"
MEMORIES: Final = {
    "rc11": "weak memory · rc11",
    "tso": "store buffers · tso",
    "sc": "interleavings · sc",
}
ENGINES: Final = {
    "threads": "real threads",
    "concurrent": "real threads",
    "sequential": "state machine",
    "explore": "explorer",
}
BROKEN_TOO: Final = re.compile(r"(?P<rule>\S+) is broken, too: (?P<what>.*)\.", re.DOTALL)
PLACING: Final = re.compile(r"cannot be placed\.  |before it in every order\.$|neither helps\.$")
NOTHING_MISSED: Final = "Every read sees the newest value"
"""How a reason begins that says nothing where a rule is broken that tells what is wrong."""
MOST_RULES: Final = 2
"""Rules, besides the first, that are told of."""
DIFFERS: Final = " took another step than in the execution before"
STOPPED: Final = frozenset({"crash", "hang"})
VERSION: Final = re.compile(r"(\w+ [\w.]+) \((\S+) build")


def told(failure: Mapping[str, Any], path: Path | None) -> Report:
    """Return what `failure`, which is or will be in the file `path`, says to a reader.

    FailureFileError where it is damaged.
    """
    report = _of_kind(failure)
    report.saved = relative(path)
    report.replay = replay_command(failure, path)
    report.fingerprint = text_of(failure, "fingerprint")
    report.tried = sorted(_several(failure, "tried", Repair), key=lambda each: each.size)
    counted = failure if "outcomes" in failure else row_of(failure, "recorded")
    report.outcomes = _several(counted, "outcomes", Outcome)
    for name in ("checked", "tried_note"):
        if said := text_of(failure, name):
            report.notes.append(said)
    return report


def _of_kind(failure: Mapping[str, Any]) -> Report:
    if failure.get("kind") == EXECUTION:
        report = of_trace(trace_in(failure))
        report.model = text_of(failure, "model")
        report.facts |= _given(failure)
        if recorded_too := row_of(failure, "recorded"):
            beside = _judged(recorded_too)
            report.calls = beside.calls
            explained = text_of(recorded_too, "explained")
            report.notes.append(f"On real threads it was met first: {beside.title}.  {explained}")
        return report
    return _judged(failure)


# An execution of the explorer


def of_trace(trace: Trace) -> Report:
    """Return the report of an execution alone."""
    title = trace.title.removeprefix(f"{trace.kind}: ")
    found = recorded.placing([title, *trace.allowed])
    report = Report(
        trace.kind,
        titles.of_trace(trace),
        MEMORIES.get(trace.memory, trace.memory),
        "",
        "explore",
        {"scenario": trace.scenario, "found": trace.found, "bounds": trace.bounds},
        saved=trace.saved,
        replay=f"stress replay {shlex.quote(trace.saved)}" if trace.saved else "",
        observed=trace.observed,
        allowed=trace.allowed,
        trace=trace,
        why=_condensed(trace.why, told_apart=bool(found.misfit)),
    )
    if found.misfit:
        _place(report, found)
        report.trace = replace(trace, ends=[end for end in trace.ends if not end.failed])
        report.title = _first_broken(trace.why) or report.title
    report.facts = {name: value for name, value in report.facts.items() if value}
    return report


def _place(report: Report, found: recorded.Placing) -> None:
    """Say which call cannot be placed, after which, and what it would have had to come to."""
    report.order, report.misfit = found.order, found.misfit
    report.title = titles.unplaced(found.misfit, " or ".join(found.allowed))
    report.observed = [found.misfit]
    made = found.misfit.partition(") = ")[0]
    report.allowed = [f"{made}) = {each}" for each in found.allowed]


def _first_broken(why: list[str]) -> str:
    """Return what breaks the first rule of the model's own; its words say most."""
    return next((match["what"] for each in why if (match := BROKEN_TOO.fullmatch(each))), "")


def _condensed(why: list[str], *, told_apart: bool) -> list[str]:
    """Return the reasons: of each rule that is broken, too, the first, and of no more than a few.

    `told_apart`: which call cannot be placed is told elsewhere, and not again.
    """
    broken: dict[str, list[str]] = {}
    others = []
    for sentence in why:
        if match := BROKEN_TOO.fullmatch(sentence):
            broken.setdefault(match["rule"], []).append(match["what"])
        elif not (told_apart and PLACING.search(sentence)):
            others.append(sentence)
    rules = [
        f"{what[:1].upper()}{what[1:]} ({rule}{f', and {len(more)} more like it' * bool(more)})."
        for rule, (what, *more) in broken.items()
    ]
    if rules:
        others = [sentence for sentence in others if not sentence.startswith(NOTHING_MISSED)]
    return [*rules[:MOST_RULES], *others]


# What was recorded, counted, or left no history


def _judged(failure: Mapping[str, Any]) -> Report:
    """Return the report of what real threads or a state machine came to."""
    kind = text_of(failure, "kind")
    violations = [
        (text_of(each, "rule"), text_of(each, "message")) for each in rows_of(failure, "violations")
    ]
    rule, message = violations[0] if violations else (kind, "")
    found = recorded.placing(message.splitlines())
    report = Report(
        rule if kind in {"invariant", ""} else kind,
        titles.of_violation(rule, message),
        _setting(failure),
        text_of(failure, "model"),
        text_of(failure, "engine"),
        _given(failure),
        calls=recorded.placed(recorded.calls_of(failure), found),
        stacks=stopped.shortened(texts_of(failure, "stacks")),
    )
    if kind == "mismatch":
        _tell_mismatch(report, message, row_of(failure, "saved"))
    elif kind == "nondeterminism":
        _tell_difference(report, message.splitlines())
    elif found.misfit:
        _place(report, found)
    elif kind in STOPPED:
        report.observed = [stopped.called(each) for each in texts_of(failure, "calls")]
        report.title = titles.of_hang(report.observed) if kind == "hang" else report.title
    else:
        report.observed = [line for line in message.splitlines()[:1] if line != report.title]
        report.allowed = [line.strip() for line in message.splitlines()[1:]]
        report.facts = ({"rule": rule} if rule != kind else {}) | report.facts
    report.why += [said for said in [text_of(failure, "explained")] if said]
    report.notes += _others(violations)
    return report


def _tell_difference(report: Report, lines: list[str]) -> None:
    """Tell of what does not do the same every time: which step differed."""
    differs = next((line.strip() for line in lines if DIFFERS in line), "")
    if differs:
        report.title = f"{differs.partition(DIFFERS)[0]} does not do the same every time"
        report.observed = [differs]
    else:
        report.title = f"{report.title}: once, and not when it was tried again"
    report.why = [line.strip() for line in lines if DIFFERS not in line]


def _others(violations: list[tuple[str, str]]) -> list[str]:
    """Return what else is broken: of each rule the first, and how many more there are."""
    by_rule: dict[str, list[str]] = {}
    for rule, message in violations[1:]:
        by_rule.setdefault(rule, []).append(message.partition("\n")[0])
    notes = [
        f"{rule} is broken, too: {first}{f', and {len(more)} more like it' * bool(more)}."
        for rule, (first, *more) in by_rule.items()
    ]
    return notes[:MOST_RULES]


def _tell_mismatch(report: Report, message: str, saved: Mapping[str, Any]) -> None:
    """Tell how a subject and its reference differ after the same calls."""
    call, *lines = message.splitlines() or [""]
    said = {
        label: line.strip().removeprefix(label).strip()
        for label in ("observed", "allowed", "rule")
        for line in lines
        if line.strip().startswith(f"{label} ")
    }
    observed, allowed, rule = (said.get(label, "") for label in ("observed", "allowed", "rule"))
    if observed == allowed:
        report.title = f"after {call}: {rule}"
    else:
        report.title = f"{call} came to {observed}, and not to {allowed}"
        report.facts |= {"rule": rule} if rule else {}
    report.observed, report.allowed = [observed], [allowed]
    report.calls = [
        Call("main", _invoked(each), "", at, at + 1)
        for at, each in enumerate(rows_of(saved, "calls"))
    ]


def _invoked(call: Mapping[str, Any]) -> str:
    arguments = call.get("arguments")
    spelled = [_argument(each) for each in arguments] if isinstance(arguments, list) else ["?"]
    return f"{text_of(call, 'f')}({', '.join(spelled)})"


def _argument(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"<result of call {value.get('place', 0)}>"
    return spelled_value(value, addresses=has_address(value))


# What all have


def relative(path: Path | None) -> str:
    """Return a path relative to the current directory, where it is beneath it."""
    if path is None:
        return ""
    here = Path.cwd()
    whole = path if path.is_absolute() else here / path
    return (whole.relative_to(here) if whole.is_relative_to(here) else path).as_posix()


def replay_command(failure: Mapping[str, Any], path: Path | None) -> str:
    """Return the command that shows a failure again.

    What left nothing to judge is met again, or not, by running the same programs.
    """
    left = failure.keys() & {"history", "saved", "schedule"}
    if text_of(failure, "kind") == "nondeterminism" and text_of(failure, "target"):
        left = {"target"}
    if path is not None and (left or "prefix" in row_of(failure, "parameters")):
        return f"stress replay {shlex.quote(relative(path))}"
    case = text_of(failure, "case")
    if path is not None and case:  # of a campaign, in whose folder the failures are
        return f"stress resume {shlex.quote(relative(path.parent.parent))} --case {case}"
    seed = failure.get("run_seed")
    model, engine = text_of(failure, "model"), text_of(failure, "engine")
    if not model:
        return ""
    engine = engine if engine in ENGINES else "all"
    seeded = f" --seed {seed}" if type(seed) is int else ""
    return f"stress run {shlex.quote(model)} --engine {engine}{seeded}"


def _setting(failure: Mapping[str, Any]) -> str:
    engine = ENGINES.get(text_of(failure, "engine"), text_of(failure, "engine"))
    found = VERSION.match(text_of(failure, "interpreter"))
    if found is None or not engine.startswith("real threads"):
        return engine
    return f"{engine} · {found[1]}{'t' * (found[2] == 'free-threaded')}"


def _given(failure: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts that any failure may have."""
    parameters = row_of(failure, "parameters")
    found = {
        "model": text_of(failure, "model"),
        "program": text_of(failure, "program"),
        **{name: text_of(parameters, name) for name in parameters},
    }
    if type(seed := failure.get("run_seed")) is int:
        found["seed"] = str(seed)
    return {name: value for name, value in found.items() if value}


def _several[T](failure: Mapping[str, Any], name: str, kind: type[T]) -> list[T]:
    """Return the rows of a field as `kind`; those that are not sound are left out."""
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    found = []
    for row in rows_of(failure, name):
        try:
            made = kind(**{key: value for key, value in row.items() if key in known})
        except TypeError:
            continue
        if is_sound(made):
            found.append(made)
    return found
