"""The arrows between the packages, and the two ends of every memory order."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("registrar", "stress", "models")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TOOLS = sorted((ROOT / "tools").rglob("*.py"))


def allowed(importer: str, imported: str) -> bool:
    """Return whether a module of the package `importer` may import the module `imported`."""
    top, *_ = imported.split(".")
    if top not in PACKAGES or top == importer:
        return True
    if importer == "stress":
        return imported == "registrar.sync" or imported.startswith("registrar.sync.")
    return importer == "models"


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports, names within modules included: they may be modules, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, names, 0) if module is not None:
                yield from (f"{module}.{alias.name}" for alias in names)


def name(path: Path) -> str:
    """Return the path of a file below the root: the name of its test."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*MODULES, *TOOLS], ids=name)
def test_module_imports_only_what_it_may(path: Path) -> None:
    """Imports point one way: models to both, stress to registrar.sync alone, others to none."""
    package = path.relative_to(ROOT).parts[0]

    assert [module for module in imports(path) if not allowed(package, module)] == []


@pytest.mark.parametrize("path", [*MODULES, *TOOLS], ids=name)
def test_module_imports_by_full_name(path: Path) -> None:
    """No module imports relatively, where an arrow would not show."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))

    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in tree)


@pytest.mark.parametrize(
    ("importer", "imported", "verdict"),
    [
        ("registrar", "registrar.bitmap", True),
        ("registrar", "stress.history", False),
        ("registrar", "models.registrar", False),
        ("stress", "registrar.sync.Sync", True),
        ("stress", "registrar.synchronous", False),
        ("stress", "registrar", False),
        ("stress", "registrar.MemoryRegistrar", False),
        ("stress", "models", False),
        ("models", "registrar.MemoryRegistrar", True),
        ("models", "stress.history", True),
        ("tools", "registrar.sync", False),
        ("tools", "pathlib.Path", True),
    ],
)
def test_arrow_has_verdict(importer: str, imported: str, verdict: bool) -> None:  # noqa: FBT001
    """The check itself tells right arrows from wrong ones."""
    assert allowed(importer, imported) is verdict


# Pair labels

BOTH = frozenset({"acquires", "releases"})
POSSIBLE = {"load": frozenset({"acquires"}), "store": frozenset({"releases"})}
"""What a load and a store can be the end of; a read-modify-write can be both."""
ENDS = {
    "ACQUIRE": frozenset({"acquires"}),
    "RELEASE": frozenset({"releases"}),
    "ACQ_REL": BOTH,
    "SEQ_CST": BOTH,
}
LABEL = re.compile(r"# pairs with \[(\w+)\]")
SUBJECT = [
    path for path in MODULES if path.is_relative_to(ROOT / "registrar") and "sync" not in path.parts
]
"""The registrar but for its door to the machine, which hands orders on and has none of its own."""


def ordered_accesses(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the source lines of each access with a memory order by name, and its ends."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        orders = [argument.id for argument in node.args if isinstance(argument, ast.Name)]
        for order in ENDS.keys() & orders:
            lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
            yield "\n".join(lines), ENDS[order] & POSSIBLE.get(node.func.attr, BOTH)


def test_every_ordered_access_has_label() -> None:
    """Each access of the registrar that acquires or releases says what it pairs with."""
    accesses = [access for path in SUBJECT for access in ordered_accesses(path)]

    assert len(accesses) >= 3
    assert [source for source, _ in accesses if not LABEL.search(source)] == []


def test_every_label_has_both_ends() -> None:
    """Each pair label has at least one access that releases and one that acquires."""
    ends: defaultdict[str, set[str]] = defaultdict(set)
    for path in SUBJECT:
        for source, done in ordered_accesses(path):
            for label in LABEL.findall(source):
                ends[label] |= done

    assert ends
    assert dict(ends) == dict.fromkeys(ends, BOTH)


def test_every_label_is_at_an_access() -> None:
    """No label stands where there is no access with an order."""
    written = sum(len(LABEL.findall(path.read_text(encoding="utf-8"))) for path in SUBJECT)
    found = sum(
        len(LABEL.findall(source)) for path in SUBJECT for source, _ in ordered_accesses(path)
    )

    assert written == found
