"""A failure is completed before it is saved: checked, named, and traced to its sources."""

import json
from pathlib import Path
from typing import Any

import pytest

from stress import evidence, failures, provenance
from stress.evidence import completed
from stress.fingerprint import coarse, fingerprint
from tests.unit.recorded import BROKEN, MISMATCH

STACK = """Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "/home/me/project/stack.py", line 31 in pop
  File "/home/me/project/stack.py", line 9 in run
  File "/usr/lib/python3.14/threading.py", line 995 in run
"""
CRASH: dict[str, Any] = {
    "kind": "crash",
    "model": "treiber-stack",
    "engine": "threads",
    "violations": [{"rule": "crash", "message": "the interpreter died of SIGSEGV"}],
    "stacks": [STACK],
}


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (BROKEN, "Its history was judged again, and breaks I1."),
        (
            BROKEN | {"violations": [{"rule": "I9", "message": "?"}]},
            "Its history was judged again, and breaks I1, not I9.",
        ),
        (
            BROKEN | {"history": []},
            "Its history was judged again, and does not break I1: it does not replay.",
        ),
        (MISMATCH, "Its calls were made again, and differ otherwise: register((0, 1))."),
        (
            MISMATCH | {"model": "registrar"},
            "Its calls were made again, and nothing differed: it does not replay.",
        ),
        (BROKEN | {"model": "gone"}, "It was tried again, and does not replay: there is no model"),
        (CRASH | {"kind": "hang"}, "It was not run again: whether threads hang"),
        (CRASH, "It was not run again: it left no program."),
    ],
)
def test_failure_is_checked_by_the_means_of_a_replay(failure: dict[str, Any], said: str) -> None:
    """What comes of the check is said in so many words, and nothing is dropped."""
    whole = completed(failure)

    assert whole["checked"].startswith(said)
    assert whole["violations"] == failure["violations"]


def test_completed_failure_can_be_saved_and_loaded(tmp_path: Path) -> None:
    """All its fields are in the schema."""
    for failure in (BROKEN, MISMATCH, CRASH):
        whole = completed(failure)
        loaded = failures.load(failures.save(whole, tmp_path))

        assert whole.items() <= loaded.items()
        assert set(loaded) >= {"fingerprint", "version", "sources", "checked", "tried"}


def test_completed_failure_has_no_path_of_the_machine() -> None:
    """Stacks name files as seen from here, and others by their name alone."""
    here = {"stacks": [f'  File "{Path.cwd()}/models/once.py", line 3, in call_once\n']}
    text = json.dumps([completed(CRASH), completed(CRASH | here)])

    assert '\\"/' not in text
    assert str(Path.cwd()) not in text
    assert 'File \\"stack.py\\", line 31 in pop' in text
    assert 'File \\"models/once.py\\", line 3' in text


def test_sources_are_those_of_model_and_subject() -> None:
    """By name, relative, with what was in them."""
    sources = completed(MISMATCH)["sources"]

    assert {"models/registrar.py", "models/registrar_faults.py", "registrar/registrar.py"} <= set(
        sources
    )
    assert not any(name.startswith(("/", "stress/", "..")) for name in sources)
    assert sources["models/registrar.py"] == provenance.digest(Path("models/registrar.py"))


def test_fingerprint_is_that_of_the_fault() -> None:
    """Seeds, addresses, lines and machines do not matter; model, rule and operation do."""
    other = BROKEN | {
        "run_seed": 7,
        "interpreter": "CPython 3.13.1",
        "violations": [
            {"rule": "I1", "message": "thread 1: register(0x2000, 0x5) = Ok, but never"}
        ],
    }
    moved = CRASH | {"stacks": [CRASH["stacks"][0].replace("31", "44").replace("me", "you")]}

    assert fingerprint(other) == fingerprint(BROKEN)
    assert fingerprint(moved) == fingerprint(CRASH)
    different = [
        BROKEN | {"model": "registrar:no-recheck"},
        BROKEN | {"violations": [{"rule": "I2", "message": BROKEN["violations"][0]["message"]}]},
        BROKEN | {"violations": [{"rule": "I1", "message": "thread 0: inspect() = 1"}]},
        CRASH | {"stacks": [CRASH["stacks"][0].replace("pop", "push")]},
        MISMATCH,
        MISMATCH | {"saved": {"calls": [{"f": "inspect", "arguments": []}]}},
    ]
    prints = [*map(fingerprint, different), fingerprint(BROKEN), fingerprint(CRASH)]
    assert len(set(prints)) == len(prints)
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in prints)


def test_coarse_fingerprint_needs_no_shrinking() -> None:
    """It tells models, kinds, rules and engines apart, and nothing finer."""
    assert coarse(BROKEN) == coarse(BROKEN | {"history": [], "run_seed": 1})
    assert coarse(BROKEN) != coarse(BROKEN | {"engine": "concurrent"})


def test_effects_are_run_again_on_real_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no history shows is met again, or not, and it is said how often."""
    programs = {"prefix": [], "threads": [[{"f": "pop", "arguments": []}]]}
    failure = CRASH | {"parameters": programs}
    monkeypatch.setattr(evidence, "RUNS", 2)

    assert completed(failure)["checked"] == (
        "Its program did not fail again in 2 runs of many instances each, which does not say that "
        "it cannot."
    )
