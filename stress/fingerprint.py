"""What failures of one fault have in common, in sixteen digits.

>>> hang = {"kind": "hang", "model": "stack", "engine": "threads", "calls": ["worker 0 in pop()"],
...         "violations": [{"rule": "hang", "message": "did not return in time"}]}
>>> fingerprint(hang) == fingerprint(hang | {"calls": ["worker 3 in pop()"], "run_seed": 7})
True
>>> fingerprint(hang) == fingerprint(hang | {"calls": ["worker 0 in push(1)"]})
False

It is made of the model (a mutant is a model of its own), the kind of failure, the rule that is
broken, and of whatever says where in the source that is and does not change from run to run: the
functions of the two steps that conflict, after shrinking; where there are no steps, the operations
of the calls concerned; of a crash, the innermost Python functions.  Line numbers, seeds, addresses
and machines have no part in it.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

FRAMES: Final = 3
"""Innermost functions of a crash that count."""
_FRAME: Final = re.compile(r'^\s*File "([^"]*)", line \d+,? in (\S+)', re.MULTILINE)
_CALL: Final = re.compile(r"\b([A-Za-z_]\w*)\(")
_HARNESS: Final = re.compile(r"(^|[/\\])(stress|threading\.py|greenlet|concurrent)([/\\]|$)")


def fingerprint(failure: Mapping[str, Any]) -> str:
    """Return the fingerprint of a failure that is shrunk as far as it will be."""
    return _digest(failure["model"], *_nature(failure), *_places(failure))


def coarse(failure: Mapping[str, Any]) -> str:
    """Return what failures that may be of one fault have in common before they are shrunk."""
    return _digest(failure["model"], *_nature(failure), failure.get("engine", ""))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _nature(failure: Mapping[str, Any]) -> tuple[str, str]:
    """Return the kind of failure, and the rule that is broken."""
    rules = [violation["rule"] for violation in failure["violations"]]
    return failure["kind"], rules[0] if rules else ""


def _places(failure: Mapping[str, Any]) -> list[str]:
    """Return where in the source it fails, as far as that is always the same."""
    kind = failure["kind"]
    if "trace" in failure:
        return _functions(failure["trace"])
    if kind == "crash":
        return _innermost("\n".join(failure.get("stacks", [])))
    if kind == "hang":
        return sorted(set(_CALL.findall(" ".join(failure.get("calls", [])))))
    if kind == "mismatch":
        return [call["f"] for call in failure["saved"]["calls"][-1:]]
    return _operations(failure)


def _functions(trace: Mapping[str, Any]) -> list[str]:
    """Return the functions of the steps that conflict; of none, those at which threads stand."""
    steps = {step["number"]: step for step in trace["steps"]}
    found = sorted(steps[number]["function"] for number in trace.get("conflict", []))
    if found:
        return found
    last = {step["thread"]: step["function"] for step in trace["steps"]}
    standing = {last.get(end["thread"], "") for end in trace["ends"]}
    return sorted(standing) or sorted(set(_CALL.findall(trace["title"])))


def _innermost(stacks: str) -> list[str]:
    """Return the innermost functions of the thread that died, without the harness."""
    _, _, dying = stacks.rpartition("Current thread")
    own = [name for file, name in _FRAME.findall(dying or stacks) if not _HARNESS.search(file)]
    return own[:FRAMES]


def _operations(failure: Mapping[str, Any]) -> list[str]:
    """Return the operations that the first violation names in its first line."""
    messages = [violation["message"] for violation in failure["violations"][:1]]
    return sorted(set(_CALL.findall("".join(messages).partition("\n")[0])))
