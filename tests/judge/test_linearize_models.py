"""`stress linearize` by a model: how its calls are read, what is judged, and what is refused."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from models.once import Poisoned
from stress.cli import main as cli
from stress.commands.linearize import linearize
from tests.unit.test_imports import ROOT, imports

type Line = tuple[int, str, str, Any]
"""Process, type, operation and value."""

MODELS = '''\
from hypothesis import strategies as st
from stress.model import Model, operation


class Buffers(Model):
    """Two registers, of which each thread may see another's writes late."""

    consistency = "sequential"
    values: tuple = (0, 0)

    @operation(place=st.integers(0, 1), value=st.integers(1, 3))
    def write(self, place, value):
        values = list(self.values)
        values[place] = value
        self.values = tuple(values)

    @operation(place=st.integers(0, 1))
    def read(self, place):
        return self.values[place]


class Strict(Buffers):
    """The same, by the clock."""

    consistency = "real-time"


class Queue(Model):
    """A queue whose put says that it is done."""

    datatype = "queue"
    items: tuple = ()

    @operation(value=st.integers(1, 3), means="enqueue")
    def put(self, value):
        self.items = (*self.items, value)
        return True

    @operation(means="dequeue")
    def get(self):
        first, *rest = self.items or (None,)
        self.items = tuple(rest)
        return first


class NoQueue(Queue):
    """It begins with something in it, which a monitor does not know."""

    items: tuple = (7,)
'''


def judged(model: str, lines: Sequence[Line], *options: str) -> Result:
    """Run the command on `lines`."""
    names = ("process", "type", "f", "value")
    text = "".join(json.dumps(dict(zip(names, line, strict=True))) + "\n" for line in lines)
    return CliRunner().invoke(linearize, ["-", "--model", model, *options], input=text)


def call(process: int, f: str, argument: Any, result: Any, kind: str = "ok") -> list[Line]:
    """Return the two lines of a call that nobody else's lines come between."""
    return [(process, "invoke", f, argument), (process, kind, f, result)]


def pushed(*values: int, accepted: bool = True) -> list[Line]:
    """Return pushes by process 0."""
    return [line for value in values for line in call(0, "push", value, accepted)]


FULL = [*pushed(1, 2), *pushed(3, accepted=False)]
"""The stack of the model has two nodes."""
BETWEEN = [
    *FULL,
    (0, "invoke", "pop", None),
    *call(1, "pop", None, 1),
    *call(1, "push", 4, result=True),
    *call(1, "push", 5, result=False),
    (0, "ok", "pop", 2),
]
"""The second push is refused between two steps of the first pop: that took 2, and frees its node
later."""

RIGHT: dict[str, tuple[str, list[Line]]] = {
    "a stack": ("treiber-stack", [*FULL, *call(1, "pop", None, 2), *call(0, "pop", None, 1)]),
    "between two steps": ("treiber-stack", BETWEEN),
    "an open call may be half done": ("treiber-stack", BETWEEN[:-1]),
    "an open call of another process": (
        "treiber-stack",
        [(0, "invoke", "push", 1), (0, "info", "push", None), *call(1, "pop", None, 1)],
    ),
    "a mutant is judged by the model": ("treiber-stack:untagged", FULL),
    "a value": ("once", [*call(0, "call", 2, 2), *call(1, "call", 3, 2)]),
    "an exception is a result": (
        "once",
        [*call(0, "call", None, "Refused", "fail"), *call(1, "call", 3, "Poisoned", "fail")],
    ),
    "an exception with its arguments": (
        "once",
        [*call(0, "call", None, ["Refused", []], "fail"),
         *call(1, "call", 3, ["Poisoned", list(Poisoned().args)], "fail")],
    ),
    "a tuple is one argument": (
        "seqlock",
        [*call(0, "write", [1, 2], None), *call(1, "read", None, [1, 2])],
    ),
    "who calls matters": (
        "ticket-lock",
        [line for f in ("acquire", "bump", "release")
         for line in call(0, f, None, 0 if f == "bump" else None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("model", "lines"), RIGHT.values(), ids=RIGHT)
def test_model_permits(model: str, lines: list[Line]) -> None:
    """An order exists, and is printed."""
    result = judged(model, lines, "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["verdict"] == "ok"


WRONG: dict[str, tuple[str, list[Line], str]] = {
    "a stack that forgets": (
        "treiber-stack",
        [*FULL, *call(1, "pop", None, 1)],
        "cannot be placed      P1 pop() = 1",
    ),
    "a node that is never free": (
        "treiber-stack",
        [*BETWEEN, *call(1, "pop", None, 4), *call(1, "pop", None, 3)],
        "cannot be placed      P1 pop() = 3",
    ),
    "a value after it was poisoned": (
        "once",
        [*call(0, "call", None, "Refused", "fail"), *call(1, "call", 3, 3)],
        "longest legal order   P0 call(null) raised Refused()",
    ),
    "an exception with other arguments": (
        "once",
        [*call(0, "call", None, "Refused", "fail"), *call(1, "call", 3, ["Poisoned", []], "fail")],
        "cannot be placed      P1 call(3) raised Poisoned()",
    ),
    "another exception": (
        "once",
        call(0, "call", None, ["KeyError", ["x"]], "fail"),
        'cannot be placed      P0 call(null) raised KeyError("x")',
    ),
    "a lock released by another": (
        "ticket-lock",
        [*call(0, "acquire", None, None), *call(1, "release", None, None)],
        "cannot be placed      P1 release()",
    ),
}


@pytest.mark.parametrize(("model", "lines", "line"), WRONG.values(), ids=WRONG)
def test_model_does_not_permit(model: str, lines: list[Line], line: str) -> None:
    """No order exists, and the report says how far one goes."""
    result = judged(model, lines)

    assert result.exit_code == 1, result.output
    assert f"recorded history · {model}" in result.output.splitlines()[0]
    assert line in result.output


REFUSED: dict[str, tuple[str, list[Line], str]] = {
    "an unknown model": (
        "heap",
        FULL,
        r"(?s)no model 'heap'.*Installed: .*treiber-stack.*own ones are register,.* kv\.",
    ),
    "an unknown mutant": ("once:twice", FULL, r"no fault 'twice'"),
    "a file that is not there": ("nowhere.py::Model", FULL, r"nowhere\.py is not there"),
    "a model with cases": ("registrar", FULL, r"history does not say which case"),
    "another model's history": ("once", FULL, r"line 1 .* calls \"push\""),
    "an argument too few": (
        "treiber-stack",
        [(0, "invoke", "pop", 1)],
        r"line 1 .* pop: it is called with a value, and takes none",
    ),
    "an object": (
        "treiber-stack",
        [(0, "invoke", "push", {"a": 1})],
        r"line 1 .* push: an object is no value of a model",
    ),
    "nested too deeply": (
        "treiber-stack",
        [(0, "invoke", "push", json.loads("[" * 200 + "]" * 200))],
        r"line 1 .* nested too deeply",
    ),
    "a failure of who knows what": (
        "once",
        call(0, "call", 1, None, "fail"),
        r"(?s)line 2 .* does not say how.* Poisoned, Refused",
    ),
    "a failure that is its argument": ("once", call(0, "call", 1, 1, "fail"), r"line 2 .* how"),
    "a call while steps of another are left": (
        "treiber-stack",
        [(0, "invoke", "push", 1), (0, "info", "push", None), *call(0, "pop", None, 1)],
        r"process 0 calls pop after a push that never ended",
    ),
    "a failed cas": ("treiber-stack", FULL, r"treiber-stack has none"),
}


@pytest.mark.parametrize(("model", "lines", "why"), REFUSED.values(), ids=REFUSED)
def test_history_that_a_model_cannot_judge_is_refused(
    model: str, lines: list[Line], why: str
) -> None:
    """Status 2, on standard error, and no traceback."""
    options = ["--failed-cas", "mismatch"] if "has none" in why else []
    result = judged(model, lines, *options)

    assert result.exit_code == 2, result.output
    assert not result.stdout
    assert re.search(why, result.stderr), result.stderr


def test_model_in_file_judges_by_its_own_consistency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale read breaks the order of the clock, and not that of each process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(MODELS)
    stale = [*call(0, "write", [1, 2], None), *call(1, "read", 1, 0)]
    back = [*stale, *call(1, "read", 1, 2), *call(1, "read", 1, 0)]
    late = "a name by which a model is called may be longer than the page is wide".replace(" ", "_")
    (tmp_path / f"{late}.py").write_text(MODELS)

    assert judged("own.py::Buffers", stale).exit_code == 0
    assert judged("own.py::Strict", stale).exit_code == 1
    result = judged(f"{late}.py::Buffers", back)
    assert result.exit_code == 1
    assert result.output.startswith("✗ no order of all calls agrees with model and each process  ")
    assert max(map(len, result.output.splitlines())) <= 92


def test_monitor_judges_model_that_is_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model is refuses what a model of another datatype, or no such call, would pass."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(MODELS)
    lines = [*call(0, "put", 1, result=True), *call(1, "get", None, 1)]
    told = [*call(0, "put", 1, None), *call(1, "get", None, 1)]
    by = json.loads(judged("own.py::Queue", lines, "--json").stdout)["by"]

    assert by == "monitor"
    assert judged("own.py::Queue", told).exit_code == 1
    result = judged("own.py::NoQueue", lines)
    assert result.exit_code == 2
    assert "NoQueue is no queue" in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("Buffers", 1, r"write: it takes 2 arguments: give \[place, value\]"),
        ("Buffers", [1, 2, 3], r"write: it takes 2 arguments"),
        ("Buffers", ["a", 2], r"write\('a', 2\) raised TypeError"),
        ("Absent", [1, 2], r"has no model Absent"),
    ],
)
def test_arguments_are_those_of_the_operation(
    name: str, value: Any, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as it takes; what they make the model raise is told, and no verdict."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(MODELS)
    result = judged(f"own.py::{name}", call(0, "write", value, None))

    assert result.exit_code == 2
    assert re.search(why, result.stderr), result.stderr


def test_help_lists_operations_line_by_line() -> None:
    """The table of the judge's own specifications is not wrapped like text."""
    lines = CliRunner().invoke(linearize, ["--help"]).output.splitlines()

    assert "    register        read: null -> v; write: v -> v" in lines


def test_interrupted_judge_says_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no verdict: the status is not that of an illegal history."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stress.commands.criterion.linearize", interrupted)
    text = '{"process": 0, "type": "invoke", "f": "pop", "value": null}'
    result = CliRunner().invoke(cli, ["linearize", "-", "--model", "treiber-stack"], input=text)

    assert result.exit_code == 3
    assert "no verdict" in result.stderr


MAY = (
    "stress.judge.",
    "stress.history.",
    "stress.verdict.",
    "stress.report.bars.",
    "stress.report.page.",
)
"""What the judge may import of the harness: of reports, what to draw with."""


def test_judge_knows_no_models() -> None:
    """Histories are all it sees: models know the judge, and not the other way round."""
    modules = sorted((ROOT / "stress" / "judge").rglob("*.py"))
    found = [(path.name, module) for path in modules for module in imports(path)]
    ours = [(name, module) for name, module in found if module.startswith("stress")]

    assert len(ours) > len(modules)
    assert [each for each in ours if not f"{each[1]}.".startswith(MAY)] == []
