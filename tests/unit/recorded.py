"""Saved failures of the registrar that need no run to be found."""

from typing import Any, Final

CASE: Final = {"ram": [["0x0", "0x80000000"]], "gaps": [], "offset": "0x0", "refused": []}
HISTORY: Final = [
    '{"process": 0, "type": "invoke", "f": "register", "value": [4096, 1], "time": 10}',
    '{"process": 0, "type": "ok", "f": "register", "value": null, "time": 90}',
]
BROKEN: Final[dict[str, Any]] = {
    "kind": "invariant",
    "model": "registrar",
    "engine": "threads",
    "violations": [{"rule": "I1", "message": "thread 0: register(0x1000, 0x1) = Ok, as it was"}],
    "parameters": CASE,
    "history": HISTORY,
}
"""A request that returned although its chunk was never registered."""
MISMATCH: Final[dict[str, Any]] = {
    "kind": "mismatch",
    "model": "registrar:end-rounded-down",
    "engine": "sequential",
    "violations": [{"rule": "mismatch", "message": "register((0, 1)), as it was"}],
    "saved": {"case": CASE, "calls": [{"f": "register", "arguments": [[0, 1]]}], "message": ""},
}
"""Steps that a faulty registrar takes otherwise than the reference."""
