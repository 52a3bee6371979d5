"""A model in a file is found by the file's path; a file that cannot be one is told."""

import os
import py_compile
import sys
from pathlib import Path

import pytest

from stress.model import Model
from stress.registry import name_of
from stress.sourcefile import TargetError, attribute

MODEL = """
from stress.model import Model, operation

class {name}(Model):
    subject = list

    @operation
    def clear(self): ...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(path: Path, text: str) -> str:
    """Write a file, and return its name from the current folder."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path.relative_to(Path.cwd()).as_posix()


def test_files_of_one_name_are_kept_apart(folder: Path) -> None:
    """Two models, in two folders, are each found again by where they are."""
    targets = []
    for name in ("One", "Other"):
        file = written(folder / name.lower() / "test_it.py", MODEL.format(name=name))
        targets.append(f"{file}::{name}")
    models = [attribute(target, Model) for target in targets]

    assert (
        [name_of(model) for model in models]
        == targets
        == [
            "one/test_it.py::One",
            "other/test_it.py::Other",
        ]
    )


def test_file_that_changed_is_read_again(folder: Path) -> None:
    """The same one is imported once, as long as nobody writes to it."""
    file = written(folder / "it.py", MODEL.format(name="Mine"))
    first = attribute(f"{file}::Mine", Model)

    assert attribute(f"{file}::Mine", Model) is first
    written(folder / "it.py", MODEL.format(name="Mine") + "\n")
    assert attribute(f"{file}::Mine", Model) is not first


def test_file_that_changed_in_an_instant_is_read_again(folder: Path) -> None:
    """What is run is what is there, though bytecode of the same size and second lies beside it."""
    for value in (1, 2):
        file = written(folder / "it.py", MODEL.format(name="Mine") + f"\n    value = {value}\n")
        os.utime(file, (1_000_000, 1_000_000))
        found = attribute(f"{file}::Mine", Model)

        assert vars(found)["value"] == value
        py_compile.compile(file)
        sys.modules.pop(found.__module__)


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("ending.py", "import sys\nsys.exit(0)", "cannot be imported: SystemExit: 0"),
        ("broken.py", "def", "cannot be imported: SyntaxError"),
        ("wrong.py", MODEL.format(name="Mine").replace("(self)", "()"), "ModelError: operation cl"),
        ("notes.txt", "Mine", r"notes\.txt is no Python file"),
        ("other.py", "Mine = 3", r"other\.py has no model Mine"),
    ],
)
def test_file_without_the_model_is_told(folder: Path, file: str, text: str, why: str) -> None:
    """Whatever is in it: the process goes on, and no run of it counts as one."""
    name = written(folder / file, text)

    with pytest.raises(TargetError, match=why):
        attribute(f"{name}::Mine", Model)


def test_file_that_is_not_there_is_told() -> None:
    """Names begin at the current folder."""
    with pytest.raises(TargetError, match=r"gone\.py is not there, which has the model Mine\."):
        attribute("gone.py::Mine", Model)
