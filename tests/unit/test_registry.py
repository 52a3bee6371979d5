"""The models there are: found by entry point, refused by name."""

import importlib.metadata
from importlib.metadata import EntryPoint

import pytest

from stress import registry
from stress.registry import GROUP, BrokenModelError, UnknownModelError


def test_names_hold_registrar() -> None:
    """The registrar is offered by this very project."""
    assert "registrar" in registry.names()


def test_names_hold_no_faults() -> None:
    """A model is listed once, without its faults."""
    names = registry.names()

    assert len(names) == len(set(names))
    assert not any(":" in name for name in names)


@pytest.mark.parametrize("name", registry.names())
def test_offered_model_has_what_list_prints(name: str) -> None:
    """Every model, and every fault of it, says in one line what it is."""
    kind = registry.offered(name)

    for summary in (kind.summary, *kind.faults.values()):
        assert summary.strip()
        assert "\n" not in summary


@pytest.mark.parametrize(
    "name", ["registrar", *map("registrar:{}".format, registry.offered("registrar").faults)]
)
def test_find_returns_engines_of_model(name: str) -> None:
    """A model or a fault of it can be run by both engines."""
    subject = registry.find(name)

    assert callable(subject.threads().stage)
    assert subject.machine().__name__.endswith("Machine")


def test_find_returns_subject_with_its_fault() -> None:
    """``model:fault`` runs the fault, and not the model."""
    machines = [registry.find(name).machine() for name in ("registrar", "registrar:no-recheck")]

    assert [machine.__name__ for machine in machines] == [
        "RegistrarMachine",
        "RegistrarModelOfNoRecheckMachine",
    ]


@pytest.mark.parametrize("name", ["nosuch", "", "Registrar", "nosuch:no-recheck"])
def test_find_rejects_unknown_model(name: str) -> None:
    """A name that nobody offers is refused with those that are."""
    with pytest.raises(UnknownModelError, match=r"(?s)there is no model .*Installed: .*registrar"):
        registry.find(name)


def test_find_rejects_unknown_fault() -> None:
    """A fault that the model does not have is refused with those it has."""
    with pytest.raises(UnknownModelError, match=r"has no fault 'nosuch'.*has: .*no-recheck"):
        registry.find("registrar:nosuch")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (
            "json:dumps",
            r"<function dumps .*, from json:dumps, which is no Model\.\n.*stress",
        ),
        ("json:nosuch", "cannot be loaded from json:nosuch: AttributeError"),
        ("nosuch_package:Model", "cannot be loaded from nosuch_package:Model: ModuleNotFound"),
    ],
)
def test_offer_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, value: str, why: str) -> None:
    """What a package offers by mistake is named, with the package's entry point."""
    entry = EntryPoint("odd", value, GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [entry])

    with pytest.raises(BrokenModelError, match=rf"(?s)the model 'odd' (is )?{why}"):
        registry.find("odd")
