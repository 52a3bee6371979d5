"""A scenario is found again by the name it is saved under, or the error says why it is not."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stress import registry
from stress.explore.scenario import Scenario, explored
from stress.explore.target import find, target_of
from stress.explore.testing import explore
from stress.sourcefile import TargetError

CODE = """
from registrar.sync import RELAXED
from stress.explore.testing import explore
{neighbour}

@explore()
def test_bump(sync, times=1):
    word = sync.word()
    yield (lambda: word.fetch_add(1, RELAXED),) * times
    assert word.load(RELAXED) < 3

def plain(sync):
    return lambda: None

class Nested:
    @staticmethod
    def scenario(sync):
        return lambda: None

something = 3
"""


@pytest.fixture(autouse=True)
def _in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_it.py").write_text(CODE.format(neighbour="import neighbour"), encoding="utf-8")
    (folder / "neighbour.py").write_text("", encoding="utf-8")
    (folder / "broken.py").write_text("import nothing_of_this_name", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@explore()
def test_decorated_function_has_a_name(sync: Any) -> None:
    """The test itself is what is named, by its file and name; this is one."""
    word = sync.word()
    assert word is not None


def test_function_is_named_by_its_file_below_the_current_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name has no folder of the machine that saved it."""
    monkeypatch.chdir(Path(__file__).parents[2])
    function = test_decorated_function_has_a_name.scenario  # type: ignore[attr-defined]
    name = "tests/explore/test_target.py::test_decorated_function_has_a_name"

    assert target_of(function) == name
    assert target_of(function, {"size": 2}) == f'{name}[{{"size": 2}}]'


def test_what_cannot_be_found_again_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function inside another, one from elsewhere, arguments that are no JSON."""
    assert target_of(lambda _: None) == ""
    assert target_of(named_elsewhere) == ""
    monkeypatch.chdir(Path(__file__).parents[2])
    assert target_of(named_elsewhere)
    assert target_of(named_elsewhere, {"path": Path()}) == ""
    assert target_of(named_elsewhere, {"pair": (1, 2)}) == ""


def named_elsewhere(_: Any) -> None:
    """Do nothing, in a file that is not below the folder of these tests."""


@pytest.mark.parametrize("name", ["test_bump", "plain", "Nested.scenario"])
def test_scenario_is_found_by_name(name: str) -> None:
    """Tests made by @explore, plain functions and those in classes; the neighbours are there."""
    assert explored(find(f"tests/test_it.py::{name}")).failure is None


def test_scenario_is_found_with_its_arguments() -> None:
    """The test is carried out for the same parameters."""
    found = explored(find('tests/test_it.py::test_bump[{"times": 3}]'))

    assert found.failure is not None


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("", "does not say where its scenario is"),
        ("tests/gone.py::test_bump", "tests/gone.py is not there"),
        ("tests/test_it.py::gone", "has no function gone"),
        ("tests/test_it.py::something", "has no function something"),
        ("tests/broken.py::test_it", "cannot be imported: ModuleNotFoundError"),
        ("tests/test_it.py::", "names no scenario"),
        ("/tests/test_it.py::plain", "not below the current directory"),
        ("tests/../../test_it.py::plain", "not below the current directory"),
        ("registrar/no-such-program", "has no scenario 'no-such-program'"),
    ],
)
def test_error_says_why_there_is_no_scenario(target: str, why: str) -> None:
    """Gone, renamed, damaged, or outside of what the reader has in front of him."""
    with pytest.raises(TargetError, match=re.escape(why)):
        find(target)


def test_scenario_of_a_model_is_found_by_model_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model offers is asked of the model, with its fault."""

    def overlap(_: Any) -> None:
        """Do nothing."""

    class Subject:
        def __init__(self, name: str) -> None:
            self.name = name

        def scenarios(self) -> Mapping[str, Scenario]:
            return {self.name: overlap}

    monkeypatch.setattr(registry, "find", Subject)

    assert find("table:torn/table:torn") is overlap
