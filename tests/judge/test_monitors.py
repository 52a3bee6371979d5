"""The monitors: stories that every one must know, and agreement with searches that try all orders."""

import ast
import re
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from stress.history import Span
from stress.judge.monitors import MONITORS, monitor
from tests.judge import monitors_campaign, monitors_exhaustive
from tests.judge.brute_force import linearizable, refutation
from tests.judge.histories import legal, mutated
from tests.judge.monitors_campaign import CONTAINERS, VOCABULARY

CALL = re.compile(
    r"(?P<start>\d+)-(?P<end>\d*) (?P<f>[\w-]+)\((?P<arguments>.*?)\)(?: = (?P<result>.*))?"
)


def calls(*lines: str) -> list[Span]:
    """Return the calls of lines like "0-9 enqueue(1)", "3- dequeue()" and "2-5 dequeue() = 1"."""
    return [_call(process, line) for process, line in enumerate(lines)]


def _call(process: int, line: str) -> Span:
    match = CALL.fullmatch(line)
    assert match is not None, line
    arguments = ast.literal_eval(f"({match['arguments']},)") if match["arguments"] else ()
    start = int(match["start"])
    if not match["end"]:
        return Span(process, match["f"], arguments, start, start, "info", None)
    result = ast.literal_eval(match["result"]) if match["result"] else arguments[0]
    if match["f"] in VOCABULARY["set"]:
        result = *arguments, result
    return Span(process, match["f"], arguments, start, int(match["end"]), "ok", result)


ILLEGAL: dict[str, tuple[str, int, Sequence[str]]] = {
    "a read of a value before it is written": (
        "register", 0, ["0-1 read() = 1", "2-3 write(1)"],
    ),
    "a read of a value that nobody wrote": (
        "register", 1, ["0-1 write(1)", "2-3 read() = 2"],
    ),
    "a read of a value that was overwritten": (
        "register", 2, ["0-1 write(1)", "2-3 write(2)", "4-5 read() = 1"],
    ),
    "a read of nothing after a write": (
        "register", 1, ["0-1 write(1)", "2-3 read() = None"],
    ),
    "two readers who see two writes in two orders": (
        "register", 5,
        ["0-9 write(1)", "0-9 write(2)", "1-2 read() = 1", "3-4 read() = 2",
         "1-3 read() = 2", "5-6 read() = 1"],
    ),
    "an element that is added to nothing twice": (
        "set", 1, ["0-1 add(7) = True", "2-3 add(7) = True"],
    ),
    "an element that is contained and was not added": (
        "set", 0, ["0-1 contains(7) = True", "2-3 add(7) = True"],
    ),
    "an element that is gone and was not removed": (
        "set", 1, ["0-1 add(7) = True", "2-3 contains(7) = False", "2- remove(8)"],
    ),
    "an element that two take out": (
        "set", 2, ["0-1 add(7) = True", "2-5 remove(7) = True", "3-6 remove(7) = True"],
    ),
    "a number that two calls get": (
        "fetch-counter", 1, ["0-3 increment() = 0", "1-4 increment() = 0"],
    ),
    "a number that is skipped": (
        "fetch-counter", 0, ["0-1 increment() = 1"],
    ),
    "a lower number after a higher one": (
        "fetch-counter", 0, ["0-1 increment() = 1", "2-3 increment() = 0"],
    ),
    "an open increment that began too late to fill a gap": (
        "fetch-counter", 0, ["0-1 increment() = 1", "2- increment()"],
    ),
    "a value dequeued before it is enqueued": (
        "queue", 0, ["0-1 dequeue() = 1", "2-3 enqueue(1)"],
    ),
    "a value that nobody enqueued": (
        "queue", 1, ["0-1 enqueue(1)", "2-3 dequeue() = 2"],
    ),
    "a value that two dequeue": (
        "queue", 2, ["0-1 enqueue(1)", "2-4 dequeue() = 1", "3-5 dequeue() = 1"],
    ),
    "a value that overtakes another": (
        "queue", 2,
        ["0-1 enqueue(1)", "2-3 enqueue(2)", "4-5 dequeue() = 2", "6-7 dequeue() = 1"],
    ),
    "a value that overtakes one that is left": (
        "queue", 2, ["0-1 enqueue(1)", "2-3 enqueue(2)", "4-5 dequeue() = 2"],
    ),
    "an empty queue that is not": (
        "queue", 1, ["0-1 enqueue(1)", "2-3 dequeue() = None", "4-5 dequeue() = 1"],
    ),
    "a queue that one value or another keeps from being empty": (
        "queue", 4,
        ["0-1 enqueue(1)", "3-4 enqueue(2)", "5-9 dequeue() = 1", "8-9 dequeue() = 2",
         "2-7 dequeue() = None"],
    ),
    "a value pushed first and popped first": (
        "stack", 2, ["0-1 push(1)", "2-3 push(2)", "4-5 pop() = 1", "6-7 pop() = 2"],
    ),
    "a value popped from under one that is left": (
        "stack", 2, ["0-1 push(1)", "2-3 push(2)", "4-5 pop() = 1"],
    ),
    "an empty stack that is not": (
        "stack", 1, ["0-1 push(1)", "2-3 pop() = None", "4-5 pop() = 1"],
    ),
    "three values that cross without any two of them doing so": (
        "stack", 4,
        ["0-3 push(1)", "1-5 push(2)", "4-7 push(3)", "9-9 pop() = 3", "6-8 pop() = 1",
         "8-9 pop() = 2"],
    ),
    "a greater value taken before a smaller one": (
        "priority-queue", 2,
        ["0-1 insert(1)", "2-3 insert(2)", "4-5 delete-min() = 2", "6-7 delete-min() = 1"],
    ),
    "a greater value taken while one smaller or another is in": (
        "priority-queue", 5,
        ["0-1 insert(3)", "0-1 insert(1)", "3-4 insert(2)", "5-9 delete-min() = 1",
         "8-9 delete-min() = 2", "2-7 delete-min() = 3"],
    ),
    "an empty priority queue that is not": (
        "priority-queue", 1, ["0-1 insert(1)", "2-3 delete-min() = None"],
    ),
}
