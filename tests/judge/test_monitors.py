"""What the monitors say of small histories, each a story, and which histories they take."""

import ast
import enum
import math
import re
from typing import Any

import pytest

from stress.history import Span
from stress.judge.monitors import Finding, monitor
from tests.judge.brute_force import linearizable
from tests.judge.monitors_campaign import VOCABULARY, disagreement

CALL = re.compile(
    r"(?P<start>\d+)-(?P<end>\d*) (?P<f>[\w-]+)\((?P<arguments>.*?)\)(?: = (?P<result>.*))?"
)


def calls(text: str) -> list[Span]:
    """Return the calls of text like "0-9 enqueue(1); 2-5 dequeue() = 1; 3- dequeue()"."""
    return [_call(process, line) for process, line in enumerate(text.split("; "))]


def _call(process: int, text: str) -> Span:
    match = CALL.fullmatch(text)
    assert match is not None, text
    arguments: tuple[Any, ...] = (
        ast.literal_eval(f"({match['arguments']},)") if match["arguments"] else ()
    )
    start = int(match["start"])
    if not match["end"]:
        return Span(process, match["f"], arguments, start, start, "info", None)
    result = ast.literal_eval(match["result"]) if match["result"] else arguments[0]
    if match["f"] in VOCABULARY["set"]:
        result = *arguments, result
    return Span(process, match["f"], arguments, start, int(match["end"]), "ok", result)


# Stories

type Story = tuple[str, int | None, str]
"""The datatype, the misfit where it is illegal, and the calls."""

STORIES: dict[str, Story] = {
    "a read of what is written later": ("register", 0, "0-1 read() = 1; 2-3 write(1)"),
    "a read of what is written meanwhile": ("register", None, "0-2 read() = 1; 2-3 write(1)"),
    "a read of what nobody wrote": ("register", 1, "0-1 write(1); 2-3 read() = 2"),
    "a read of what was overwritten": (
        "register",
        2,
        "0-1 write(1); 2-3 write(2); 4-5 read() = 1",
    ),
    "a read of nothing after a write": ("register", 1, "0-1 write(1); 2-3 read() = None"),
    "two readers who see two writes in two orders": (
        "register",
        5,
        (
            "0-9 write(1); 0-9 write(2); 1-2 read() = 1; 3-4 read() = 2; 1-3 read() = 2; "
            "5-6 read() = 1"
        ),
    ),
    "a write that never returned and was read": (
        "register",
        None,
        "0- write(1); 1-2 read() = None; 3-4 read() = 1",
    ),
    "a write that never returned, read and gone": (
        "register",
        2,
        "0- write(1); 1-2 read() = 1; 3-4 read() = None",
    ),
    "an element added twice": ("set", 1, "0-1 add(7) = True; 2-3 add(7) = True"),
    "an element added twice, and removed meanwhile": (
        "set",
        None,
        "0-1 add(7) = True; 4-5 add(7) = True; 3-4 remove(7) = True",
    ),
    "an element added twice, and perhaps removed meanwhile": (
        "set",
        None,
        "0-1 add(7) = True; 4-5 add(7) = True; 3- remove(7)",
    ),
    "an element that is in before it is added": (
        "set",
        0,
        "0-1 contains(7) = True; 2-3 add(7) = True",
    ),
    "an element that is out and was not removed": (
        "set",
        1,
        "0-1 add(7) = True; 2-3 contains(7) = False; 2- remove(8)",
    ),
    "an element that two take out": (
        "set",
        1,
        "0-1 add(7) = True; 2-6 remove(7) = True; 3-5 remove(7) = True",
    ),
    "a number that two get": ("fetch-counter", 1, "0-3 increment() = 0; 1-4 increment() = 0"),
    "a number that nobody gets": ("fetch-counter", 0, "0-1 increment() = 1"),
    "a number that an open call gets": (
        "fetch-counter",
        None,
        "0-1 increment() = 1; 1- increment()",
    ),
    "a number that an open call gets too late": (
        "fetch-counter",
        0,
        "0-1 increment() = 1; 2- increment()",
    ),
    "a lower number after a higher one": (
        "fetch-counter",
        0,
        "0-1 increment() = 1; 2-3 increment() = 0",
    ),
    "a value dequeued before it is enqueued": ("queue", 0, "0-1 dequeue() = 1; 2-3 enqueue(1)"),
    "a value dequeued that nobody enqueued": ("queue", 1, "0-1 enqueue(1); 2-3 dequeue() = 2"),
    "a value that two dequeue": (
        "queue",
        1,
        "0-1 enqueue(1); 3-5 dequeue() = 1; 2-4 dequeue() = 1",
    ),
    "a value that overtakes another": (
        "queue",
        2,
        "0-1 enqueue(1); 2-3 enqueue(2); 4-5 dequeue() = 2; 6-7 dequeue() = 1",
    ),
    "a value that is enqueued with another, and dequeued first": (
        "queue",
        None,
        "0-2 enqueue(1); 2-3 enqueue(2); 4-5 dequeue() = 2; 6-7 dequeue() = 1",
    ),
    "a value that overtakes one that is left": (
        "queue",
        2,
        "0-1 enqueue(1); 2-3 enqueue(2); 4-5 dequeue() = 2",
    ),
    "an empty queue that is not": (
        "queue",
        1,
        "0-1 enqueue(1); 2-3 dequeue() = None; 4-5 dequeue() = 1",
    ),
    "a queue that one value or another keeps from being empty": (
        "queue",
        4,
        (
            "0-1 enqueue(1); 3-4 enqueue(2); 5-9 dequeue() = 1; 8-9 dequeue() = 2; "
            "2-7 dequeue() = None"
        ),
    ),
    "a queue that is empty between two values": (
        "queue",
        None,
        (
            "0-1 enqueue(1); 3-5 enqueue(2); 5-9 dequeue() = 1; 8-9 dequeue() = 2; "
            "2-7 dequeue() = None"
        ),
    ),
    "a value that an open call enqueued": ("queue", None, "0- enqueue(1); 1-2 dequeue() = 1"),
    "a value pushed first and popped first": (
        "stack",
        2,
        "0-1 push(1); 2-3 push(2); 4-5 pop() = 1; 6-7 pop() = 2",
    ),
    "a value popped from under one that is left": (
        "stack",
        2,
        "0-1 push(1); 2-3 push(2); 4-5 pop() = 1",
    ),
    "an empty stack that is not": ("stack", 1, "0-1 push(1); 2-3 pop() = None; 4-5 pop() = 1"),
    "values that cross, though no two of them must": (
        "stack",
        3,
        "0-1 push(1); 2-3 push(2); 4-5 push(3); 4-7 pop() = 1; 6-9 pop() = 2; 8-9 pop() = 3",
    ),
    "a greater value taken before a smaller one": (
        "priority-queue",
        2,
        "0-1 insert(1); 2-3 insert(2); 4-5 delete-min() = 2; 6-7 delete-min() = 1",
    ),
    "a greater value taken while one smaller or another is in": (
        "priority-queue",
        5,
        (
            "0-1 insert(3); 0-1 insert(1); 3-4 insert(2); 5-9 delete-min() = 1; "
            "8-9 delete-min() = 2; 2-7 delete-min() = 3"
        ),
    ),
    "a greater value taken before a smaller one is in": (
        "priority-queue",
        None,
        "0-1 insert(2); 2-4 insert(1); 4-5 delete-min() = 2; 6-7 delete-min() = 1",
    ),
    "an empty priority queue that is not": (
        "priority-queue",
        1,
        "0-1 insert(1); 2-3 delete-min() = None",
    ),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_monitor_knows_story(story: Story) -> None:
    """The story is legal, or has become illegal with the return of one call."""
    datatype, misfit, text = story
    found, wrong = disagreement(datatype, calls(text))

    assert not wrong
    assert found is not None
    assert (found.legal, found.misfit) == (misfit is None, misfit)


def test_stack_of_crossing_values_needs_all_of_them() -> None:
    """Without any one of the three values that cross, the stack is legal."""
    _, _, text = STORIES["values that cross, though no two of them must"]
    history = calls(text)

    for value in (1, 2, 3):
        rest = [call for call in history if value not in {*call.arguments, call.result}]
        assert linearizable("stack", rest)


@pytest.mark.parametrize("datatype", VOCABULARY)
def test_empty_history_is_legal(datatype: str) -> None:
    """Nothing happened, and nothing is the order of that."""
    assert monitor(datatype, []) == Finding(legal=True, order=(), misfit=None)


# What qualifies

NAN = math.nan

UNQUALIFIED: dict[str, tuple[str, str]] = {
    "a value written twice": ("register", "0-1 write(1); 2-3 write(1)"),
    "numbers that are equal": ("register", "0-1 write(1); 2-3 write(1.0)"),
    "a write of what was there first": ("register", "0-1 write(None)"),
    "a compare-and-set": ("register", "0-1 cas(1, 2) = None"),
    "a truth value, which is a number to Python": ("register", "0-1 write(True)"),
    "a truth value within a value": ("queue", "0-1 enqueue((1, True))"),
    "a result that says too little": ("set", "0-1 add(1) = None"),
    "a result that is no number": ("fetch-counter", "0-1 increment() = '0'"),
    "a result that is a truth value": ("fetch-counter", "0-1 increment() = False"),
    "a value enqueued twice": ("queue", "0-1 enqueue(1); 2-3 enqueue(1)"),
    "an enqueue that returns something else": ("queue", "0-1 enqueue(1) = 2"),
    "a value that stands for nothing": ("stack", "0-1 push(None)"),
    "values that cannot be compared": ("priority-queue", "0-1 insert(1); 2-3 insert('a')"),
    "values of which nobody says how to compare them": ("priority-queue", "0-1 insert((1, 2))"),
    "an operation of another datatype": ("stack", "0-1 enqueue(1)"),
    "an argument too many": ("stack", "0-1 push(1, 2) = 1"),
    "a datatype without a monitor": ("counter", "0-1 add(1)"),
}


@pytest.mark.parametrize(("datatype", "text"), UNQUALIFIED.values(), ids=UNQUALIFIED)
def test_monitor_leaves_to_the_search(datatype: str, text: str) -> None:
    """The history does not qualify."""
    assert monitor(datatype, calls(text)) is None


@pytest.mark.parametrize("datatype", VOCABULARY)
def test_monitor_leaves_failed_calls_to_the_search(datatype: str) -> None:
    """What it means that a call failed, no monitor knows."""
    f, *_ = VOCABULARY[datatype]
    arguments = () if datatype == "fetch-counter" else (1,)

    assert monitor(datatype, [Span(0, f, arguments, 0, 1, "fail", "Full")]) is None


def test_monitor_takes_no_nan() -> None:
    """NaN does not equal itself, so nobody can tell whether it was taken out."""
    assert monitor("queue", [Span(0, "enqueue", (NAN,), 0, 1, "ok", NAN)]) is None


def test_monitor_takes_values_that_stand_for_others() -> None:
    """Members of an enumeration equal nothing else, and may be values."""
    truth = enum.Enum("truth", {"FALSE": False, "TRUE": True})
    history = [
        Span(0, "write", (truth.TRUE,), 0, 1, "ok", truth.TRUE),
        Span(0, "write", (1,), 2, 3, "ok", 1),
        Span(0, "read", (), 4, 5, "ok", truth.TRUE),
    ]

    found = monitor("register", history)

    assert found is not None
    assert found.misfit == 2


# Open removals

OPEN_REMOVALS: dict[str, tuple[str, bool | None]] = {
    "0-1 enqueue(1); 2- dequeue()": ("queue", True),
    "0-1 enqueue(1); 2-3 enqueue(2); 4- dequeue(); 5-6 dequeue() = 2": ("queue", None),
    "0-1 enqueue(1); 2-3 enqueue(2); 5- dequeue(); 3-4 dequeue() = 2": ("queue", False),
    "0-1 push(1); 2-3 pop() = None; 2- pop()": ("stack", None),
    "0-1 push(1); 2-3 pop() = None; 4- pop()": ("stack", False),
    "0-1 insert(1); 2- delete-min(); 3-4 insert(2); 5-6 delete-min() = 2": ("priority-queue", None),
}


@pytest.mark.parametrize(("text", "story"), OPEN_REMOVALS.items(), ids=OPEN_REMOVALS)
def test_monitor_says_when_open_removals_do_not_matter(
    text: str, story: tuple[str, bool | None]
) -> None:
    """It is legal without them, or illegal whatever they took, or the search must judge."""
    datatype, legal = story
    found, wrong = disagreement(datatype, calls(text))

    assert not wrong
    assert (found.legal if found else None) is legal
