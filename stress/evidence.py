"""A failure completed before it is saved: what it is called, where it comes from, what mends it.

    failure = completed(origin | failure)
    path = failures.save(failure, out / "failures")

Every failure is checked to replay before it is reported: by the means by which `stress replay`
will do it.  One that ought to and does not is reported all the same, and says so.
"""

import re
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from stress import provenance, registry, repairs
from stress.explore import record
from stress.fingerprint import fingerprint
from stress.history import from_json_lines
from stress.program import Program
from stress.threads.programs import ThreadedPrograms
from stress.verdict import NoVerdictError

RUNS: Final = 20
"""How often a program that left no history is run again, on real threads."""
SECONDS: Final = 5.0
"""How long that goes on: no new run is begun after it."""
EVIDENCE: Final = frozenset({"history", "parameters", "saved", "schedule", "target", "model"})
"""Fields that a replay goes by, which stay as they are."""
_ABSOLUTE: Final = re.compile(r'File "(?:/[^"]*)?/([^"/]*)"')
"""A place in a stack that is named by a path of this machine."""


def completed(failure: Mapping[str, Any]) -> dict[str, Any]:
    """Return `failure` with the fields that say what it is worth, ready to be saved.

    `failure` is as an engine left it, with its origin: model, engine, options, interpreter and
    run_seed.
    """
    found = stated(failure)
    found["checked"] = checked(found)
    mended = repairs.tried(found)
    found["tried"] = [asdict(each) for each in mended.tried]
    found["tried_note"] = mended.note
    return found


def stated(failure: Mapping[str, Any]) -> dict[str, Any]:
    """Return `failure` with its fingerprint and where it comes from; nothing is run again."""
    roots = _roots()
    found = {
        name: value if name in EVIDENCE else _without_paths(value, roots)
        for name, value in failure.items()
    }
    found["version"] = provenance.version()
    found["fingerprint"] = fingerprint(found)
    found["sources"] = provenance.sources_of(found)
    return found


def checked(failure: Mapping[str, Any]) -> str:
    """Return how it was checked that `failure` replays, and what came of it."""
    try:
        return _CHECKS[failure["kind"]](failure)
    except (NoVerdictError, LookupError, ValueError, OSError, TypeError, AttributeError) as error:
        said = str(error).partition("\n")[0]
        return f"It was tried again, and does not replay: {said}"


def _execution(failure: Mapping[str, Any]) -> str:
    if not failure["target"]:
        return (
            "It was carried out a second time when it was found, and failed again.  Nobody finds "
            "its scenario by a name: to see it again, run the test that found it."
        )
    trace = record.again(failure, Path())
    if trace is None:
        return "It was carried out again from what is saved, and did not fail: it does not replay."
    if trace.kind != failure["violations"][0]["rule"]:
        return f"It was carried out again from what is saved, and failed otherwise: {trace.title}."
    return "It was carried out again from what is saved, and failed in the same way."


def _invariant(failure: Mapping[str, Any]) -> str:
    told = [violation["rule"] for violation in failure["violations"]]
    if told[0] in unseen_in_histories(failure):
        return _on_threads_again(failure)
    subject = registry.find(failure["model"])
    history = from_json_lines(failure["history"])
    broken = [each.rule for each in subject.rejudge(failure["parameters"], history)]
    if told[0] in broken:
        return f"Its history was judged again, and breaks {told[0]}."
    if broken:
        return f"Its history was judged again, and breaks {broken[0]}, not {told[0]}."
    return f"Its history was judged again, and does not break {told[0]}: it does not replay."


def unseen_in_histories(failure: Mapping[str, Any]) -> set[str]:
    """Return the rules of which a history alone does not tell whether they are broken.

    What follows a call, and what is asked of the subject itself when all have ended.
    """
    found = {"effect"}
    with suppress(LookupError, ValueError):
        found |= set(registry.model_of(failure["model"]).invariants())
    return found


def _mismatch(failure: Mapping[str, Any]) -> str:
    message = registry.find(failure["model"]).rerun(failure["saved"])
    if message is None:
        return "Its calls were made again, and nothing differed: it does not replay."
    if message != failure["saved"].get("message"):
        return f"Its calls were made again, and differ otherwise: {message.partition('\n')[0]}."
    return "Its calls were made again, and differ in the same way."


def _stopped(failure: Mapping[str, Any]) -> str:
    if failure["kind"] == "hang":
        return (
            "It was not run again: whether threads hang is up to how they meet, and each time "
            "they do takes as long as this did."
        )
    return _on_threads_again(failure)


def _on_threads_again(failure: Mapping[str, Any]) -> str:
    """Run the program again, on real threads, which meet differently every time."""
    if "prefix" not in failure.get("parameters", {}):
        return (
            "It was not run again: it left no program.  The same seed draws the same programs, "
            "which may meet differently."
        )
    name = failure["model"]
    model = registry.model_of(name)
    program = Program.from_json(model, failure["parameters"])
    runs = failed = 0
    until = time.monotonic() + SECONDS
    with ThreadedPrograms(name, model) as engine:
        while runs < RUNS and (not runs or time.monotonic() < until):
            runs += 1
            failed += engine.failure(program, shrinking=False) is not None
    times = f"{runs} run{'s' * (runs != 1)} of many instances each"
    if not failed:
        return f"Its program did not fail again in {times}, which does not say that it cannot."
    return f"Its program failed again in {failed} of {times}."


def _differing(_: Mapping[str, Any]) -> str:
    return "What differs each time is not carried out again exactly: a replay looks for it anew."


def _survived(_: Mapping[str, Any]) -> str:
    return "That nothing was found is not carried out again: the kill matrix is filled anew."


_CHECKS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "execution": _execution,
    "invariant": _invariant,
    "mismatch": _mismatch,
    "crash": _stopped,
    "hang": _stopped,
    "nondeterminism": _differing,
    "survivor": _survived,
}


def _without_paths(value: Any, roots: list[str]) -> Any:
    """Return `value` without where on this machine anything is."""
    if isinstance(value, str):
        for root in roots:
            value = value.replace(root, "")
        return _ABSOLUTE.sub(r'File "\1"', value)
    if isinstance(value, list):
        return [_without_paths(each, roots) for each in value]
    if isinstance(value, dict):
        return {key: _without_paths(each, roots) for key, each in value.items()}
    return value


def _roots() -> list[str]:
    """Return the folders that files are named from: each with those in it before it."""
    here = Path(__file__).parents[1]
    roots = {Path.cwd(), here, *map(Path, sys.path), Path(sys.base_prefix), Path(sys.prefix)}
    absolute = [str(root) for root in roots if root.is_absolute() and len(root.parts) > 1]
    return [f"{root}/" for root in sorted(absolute, key=len, reverse=True)]
