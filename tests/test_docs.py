"""What the pages say can be typed, can be typed; and the numbers they name are the code's."""

import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import strategies as st

from registrar.sync import RELAXED
from stress import alone, conformance, sequential
from stress.commands.run import PATIENCE
from stress.examination import examine
from stress.explore.exploration import Bounds
from stress.explore.programs import EXHAUSTIVE, SAMPLED, STEPS
from stress.host import Host
from stress.model import Model, invariant, operation, result_of
from stress.program import Invocation, Program
from stress.threads import performance, programs

DOCS = Path(__file__).parent.parent / "docs"
README = (DOCS.parent / "README.md").read_text(encoding="utf-8")
README_PARTS = {"Check something of your own": 1, "Judge a recorded history": 1}
"""The status that each ends with."""
PASS = (DOCS / "what-a-pass-means.md").read_text(encoding="utf-8")
NEW_MODEL = (DOCS / "new-model.md").read_text(encoding="utf-8")
WALK, _, REST = NEW_MODEL.partition("## In a package")
TO_ORDERS, _, TO_MUTANTS = WALK.partition("## pytest")
REFERENCE = REST.partition("## Everything a model can say")[2]
SAVED = re.compile(r"failures/([0-9a-f]{8})\.json")
LASTING = re.compile(r"^(?:verdict .+\n|.*\d of \d mutants.*\n)", re.MULTILINE)
"""What is printed every time, whatever threads met."""
REAL_THREADS = ("--engine concurrent", "stress mutants")

slow = pytest.mark.slow


class Block(NamedTuple):
    """A fenced block: what its first line says, and what is in it."""

    info: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for match in re.finditer(r"^```([^\n]+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        yield Block(match[1], match[2])


class Walk:
    """Does what a page says, block by block, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved: dict[str, str] = {}
        """What a failure that the page names is called here."""
        self.commands: list[str] = []
        self._command, self._printed = "", ""
        self.status = 0
        """Of the last command."""

    def follow(self, block: Block) -> None:
        """Write a file, change one, run commands, or compare what they printed."""
        kind, _, name = block.info.partition(" ")
        self.write(block)
        match kind:
            case "console":
                for command in re.findall(r"^\$ (.+)$", block.text, re.MULTILINE):
                    self._run(command)
            case "sh":
                for command in block.text.splitlines():
                    self._run(command)
            case "text":
                self._compare(block.text, exactly=not name)

    def write(self, block: Block) -> None:
        """Write a file, or change one, if that is what the block is for."""
        kind, _, name = block.info.partition(" ")
        match kind:
            case "python" | "json":
                (self._folder / name).write_text(block.text, encoding="utf-8")
            case "diff":
                self._change(self._folder / name, block.text)

    @staticmethod
    def _change(file: Path, difference: str) -> None:
        lines = difference.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} is not in {file.name} once"
        file.write_text(text.replace(before, after), encoding="utf-8")

    def _run(self, command: str) -> None:
        self.commands.append(command)
        self._command = command
        words = shlex.split(SAVED.sub(lambda at: at[0].replace(at[1], self._here(at[1])), command))
        done = subprocess.run(  # noqa: S603  (a command of the page)
            [sys.executable, "-m", *words],
            cwd=self._folder,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        self.status, self._printed = done.returncode, done.stdout
        assert done.returncode in {0, 1, 3}, f"{command}\n{done.stdout}{done.stderr}"

    def _here(self, saved: str) -> str:
        return self._saved.get(saved, saved)

    def _compare(self, shown: str, *, exactly: bool) -> None:
        """Compare with what was printed; `…` stands for anything.

        What real threads met differs from time to time: then only the verdict is compared.
        """
        if Host.of_this_process().doubts() and any(each in self._command for each in REAL_THREADS):
            return
        told = f"$ {self._command}\n{self._printed}"
        assert self.status == (re.search("^✗", shown, re.MULTILINE) is not None), told
        if not exactly:
            shown = "…".join(LASTING.findall(shown))
        pattern = re.escape(SAVED.sub("failures/SAVED.json", shown.strip()))
        pattern = re.sub(r"(\\?\s)+", r"\\s+", pattern).replace("…", ".*")
        pattern = pattern.replace("SAVED", "([0-9a-f]{8})", 1).replace("SAVED", "[0-9a-f]{8}")
        found = re.search(pattern, self._printed, re.DOTALL)
        assert found, f"{told}\n\nis not what the page shows:\n\n{shown}"
        if saved := SAVED.search(shown):
            self._saved[saved[1]] = found[1]


@slow
@pytest.mark.threads
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("before", "part", "commands"),
    [("", TO_ORDERS, 6), (TO_ORDERS, TO_MUTANTS, 2)],
    ids=["to-orders", "to-mutants"],
)
def test_new_model_runs_as_written(tmp_path: Path, before: str, part: str, commands: int) -> None:
    """Each file and command of the walk does what the page shows, in two parts of equal length."""
    walk = Walk(tmp_path)
    for block in blocks(before):
        walk.write(block)
    for block in blocks(part):
        walk.follow(block)

    assert len(walk.commands) == commands


@slow
@pytest.mark.parametrize(("part", "status"), README_PARTS.items())
def test_readme_part_runs_as_written(tmp_path: Path, part: str, status: int) -> None:
    """What the README says of a model and of a history is what one sees."""
    walk = Walk(tmp_path)
    there = blocks(README.partition(f"## {part}\n")[2].partition("\n## ")[0])
    for block in list(there)[:4]:
        walk.follow(block)

    assert walk.status == status


def test_new_model_counts_lines_of_model() -> None:
    """A newcomer writes as many lines as the page says, imports and test included."""
    [model] = [block.text for block in blocks(WALK) if block.info == "python test_letterbox.py"]
    written = [line for line in model.splitlines() if line.strip()]

    assert f"**What a new class costs you: {len(written)} lines**" in NEW_MODEL


def test_new_model_offers_what_example_package_offers() -> None:
    """The entry point that the page shows is the example package's."""
    [offer] = [block.text for block in blocks(REST) if block.info == "toml"]
    project = Path(__file__).parent / "example_package" / "pyproject.toml"

    assert offer in project.read_text(encoding="utf-8")


class Anything:
    """Stands for any subject of the page."""

    cells: ClassVar[list[Any]] = []

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


SUBJECTS = ("BitmapAllocator", "RelaxedRelease", "RoundRobin", "StrongerScan")
NAMES: dict[str, Any] = {
    "Anything": Anything,
    "Invocation": Invocation,
    "Model": Model,
    "Program": Program,
    "RELAXED": RELAXED,
    "invariant": invariant,
    "operation": operation,
    "result_of": result_of,
    "st": st,
    **dict.fromkeys(SUBJECTS, Anything),
}
INSIDES = [block.text for block in blocks(REFERENCE) if block.info == "python"]


@slow
@pytest.mark.parametrize("inside", INSIDES)
def test_new_model_reference_makes_model(inside: str) -> None:
    """Each piece of the reference is the inside of a model of which programs can be drawn."""
    names = dict(NAMES)
    exec(f"class Shown(Model):\n    subject = Anything\n{indent(inside, '    ')}", names)  # noqa: S102
    shown: type[Model[Any]] = names["Shown"]

    if shown.operations():
        examine(shown)


SLOTS, EACH = performance.SLOTS, performance.SLOTS // performance.DRAWN
FACTS = [
    f"At most {Model.most_threads} threads, with at most {Model.most_calls} calls each",
    f"up to {sequential.SETTINGS.stateful_step_count} calls long",
    f"pauses {alone.PAUSES:,} times, or takes {alone.STEPS:,} steps",
    f"draws {performance.DRAWN} programs",
    f"a stride of {SLOTS} new instances of the subject, {EACH} for each program",
    f"no thread stood still for {PATIENCE:.0f} s",
    f"run each {programs.SHIFTS * programs.SLOTS} times",
    f"({programs.SHIFTS} shifts of {programs.SLOTS} instances)",
    f"while a failing one is shrunk, {programs.MORE} times as often",
    f"exhaustively up to {EXHAUSTIVE} executions. If there are more, {SAMPLED} are drawn",
    f"at random and {SAMPLED} by PCT",
    f"took more than {Bounds.steps:,} steps",
    f"in a drawn program a thread took more than {STEPS}",
    f"may take {conformance.BUDGET:.0f} s a history",
]


@pytest.mark.parametrize("fact", FACTS)
def test_pass_means_what_code_does(fact: str) -> None:
    """Each number in `what-a-pass-means.md` is the number in the code."""
    assert fact in " ".join(PASS.split())


@pytest.mark.parametrize("page", [PASS, NEW_MODEL], ids=["what-a-pass-means", "new-model"])
def test_link_of_page_leads_somewhere(page: str) -> None:
    """Each relative link leads to a file, and each link within the page to a heading."""
    headings = {re.sub(r"[^\w-]", "", line.lower().replace(" ", "-"))
                for line in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}  # fmt: skip
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", page)

    assert [each for each in links if each[0] == "#" and each[1:] not in headings] == []
    assert [each for each in links if each[0] != "#" and not (DOCS / each).exists()] == []


def test_new_model_names_whatever_operation_takes() -> None:
    """The reference has an example of each option of an operation."""
    parameters = inspect.signature(operation).parameters.values()
    options = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]

    assert {"raises", "then"} < set(options)
    assert [name for name in options if not re.search(rf"\b{name}=", REFERENCE)] == []
