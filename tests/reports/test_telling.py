"""A saved failure told: what it says, and that nothing in a stranger's file is believed."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress import failures
from stress.failures import FailureFileError
from stress.report.telling import told
from stress.report.written import written
from tests.reports.samples import KINDS, history, linearizability, race

TITLES = {
    "race": "thread 1 reads items while thread 0 writes there",
    "deadlock": "forth and back wait for each other for ever",
    "forgotten_lock": "b waits for mutex for ever",
    "linearizability": "thread 1: get() = None, but 1 was put before",
    "history": "get() of thread 2 came to 7, and not to 1",
    "mismatch": "get(<result 0>) came to 2, and not to 1",
    "effect": "after put(1): sized: size is 0, not 1",
    "crash": "the interpreter died of SIGSEGV: it touched memory that is not there",
    "hang": "get() of thread 0 and put(1) of thread 1 do not return",
    "nondeterminism": "thread 'reader' does not do the same every time",
}


@pytest.mark.parametrize("kind", TITLES)
def test_title_says_who_did_what(kind: str) -> None:
    """It can be read aloud to somebody who has not seen the code."""
    assert told(KINDS[kind](), None).title == TITLES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_sample_is_a_failure_that_loads(kind: str, tmp_path: Path) -> None:
    """What is told in these tests is what can be saved, and what is read back is told alike."""
    path = failures.save({**KINDS[kind]()}, tmp_path)

    assert written(told(failures.load(path), path)) == written(told(KINDS[kind](), path))


@pytest.mark.parametrize(
    ("first", "second", "title"),
    [
        ("store", "load", "thread 1 reads items while thread 0 writes there"),
        ("load", "store", "thread 1 writes items while thread 0 reads there"),
        ("store", "store", "thread 0 and thread 1 write items at the same time"),
        ("load", "update", "thread 1 writes items while thread 0 reads there"),
    ],
)
def test_race_is_told_by_its_two_accesses(first: str, second: str, title: str) -> None:
    """Whoever writes is said to write."""
    failure = race()
    steps = failure["trace"]["steps"]
    steps[0]["operation"], steps[3]["operation"] = first, second

    assert told(failure, None).title == title


def test_calls_are_placed_in_the_longest_legal_order() -> None:
    """Each call has its place in it, but for the one that has none."""
    report = told(history(), None)
    places = {call.process: (call.place, call.misfit) for call in report.calls}

    assert places == {"thread 0": (2, False), "thread 1": (1, False), "thread 2": (None, True)}
    assert report.order == ["thread 1: get() = None", "thread 0: put(1) = None"]
    assert (report.observed, report.allowed) == (["thread 2: get() = 7"], ["thread 2: get() = 1"])


def test_order_without_calls_is_empty() -> None:
    """Where nothing could be placed the report does not name a call "nothing"."""
    failure = history()
    failure["violations"][0]["message"] = (
        "thread 2: get() = 7 cannot be placed\n"
        "  longest legal order   nothing\n"
        "  allowed there         None"
    )

    assert told(failure, None).order == []


def test_rules_that_are_broken_too_are_told_once() -> None:
    """Of each rule the first sentence, and how many there are like it; the first is the title.

    That every read sees the newest value is left out: the rule says what is wrong.
    """
    report = told(linearizability(), None)

    assert report.title == "thread 1: get() = None, but 1 was put before"
    assert report.why == ["Thread 1: get() = None, but 1 was put before (Q1, and 1 more like it)."]


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("race", "stress replay 'a folder/it.json'"),
        ("history", "stress replay 'a folder/it.json'"),
        ("hang", "stress replay 'a folder/it.json'"),
        ("crash", "stress run queue --engine threads --seed 7"),
        ("survivor", "stress run queue:unlocked --engine all --seed 7"),
    ],
)
def test_replay_command_can_be_pasted(kind: str, command: str) -> None:
    """A path with a space in it is quoted, and what left no history is run again."""
    assert told(KINDS[kind](), Path("a folder/it.json")).replay == command


def test_name_of_a_model_is_no_shell_command() -> None:
    """A stranger's file cannot put a command behind the one that is to be pasted."""
    failure = KINDS["crash"]() | {"model": "queue; rm -rf ~", "engine": "threads; true"}

    assert told(failure, None).replay == "stress run 'queue; rm -rf ~' --engine all --seed 7"


@pytest.mark.parametrize(
    ("place", "field", "value"),
    [
        (("trace", "steps", 0), "thread", 7),
        (("trace", "steps", 0), "thread", -1),
        (("trace", "steps", 0), "number", 3),
        (("trace", "steps", 2), "reads", 99),
        (("trace", "steps", 2), "reads", -4),
        (("trace", "steps", 0), "location", 7),
        (("trace", "steps", 0), "call", 9),
        (("trace", "steps", 0), "unheard_of", 1),
        (("trace", "calls", 0), "thread", 5),
        (("trace",), "conflict", [1, 40]),
        (("trace",), "outside", [3]),
        (("trace",), "threads", "two"),
        (("trace",), "steps", None),
        ((), "trace", None),
        ((), "trace", [1]),
    ],
)
def test_damaged_trace_is_refused(place: tuple[Any, ...], field: str, value: Any) -> None:
    """A trace that names what is not in it cannot be drawn, and says so."""
    failure = race()
    inner = failure
    for part in place:
        inner = inner[part]
    inner[field] = value

    with pytest.raises(FailureFileError, match=r"is damaged(.|\n)*stress run"):
        told(failure, None)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "7",
        '{"process": 0, "type": "ok", "f": "get", "value": 1, "time": 5}',
        '{"process": 0, "type": "invoke", "f": "get", "value": [], "time": 1e400}',
        json.dumps({"process": 5, "type": "invoke", "f": "get", "value": [], "time": 10**30}),
    ],
)
def test_damaged_history_is_refused(line: str) -> None:
    """A line that is no call is not left out."""
    failure = history()
    failure["history"].append(line)

    with pytest.raises(FailureFileError, match="history is damaged"):
        told(failure, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = ["kind", "model", "engine", "violations", "history", "stacks", "calls", "saved", "tried",
          "parameters", "outcomes", "recorded", "interpreter", "run_seed", "checked"]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_no_field_is_taken_on_trust(kind: str, strange: dict[str, Any]) -> None:
    """Whatever a file holds is told, or refused: nothing else is raised."""
    try:
        report = told(KINDS[kind]() | strange, Path("it.json"))
    except FailureFileError:
        return
    written(report)
    json.dumps(report.to_json())
