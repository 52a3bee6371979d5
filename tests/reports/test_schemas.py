"""What commands print as JSON, against the schemas that are published with them."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from click.testing import CliRunner
from referencing import Registry, Resource

from stress import failures
from stress.cli import main
from stress.explore.trace import End, Trace, TraceCall, TraceStep
from stress.host import Host
from stress.report.failure import Call, Outcome, Repair, Report
from stress.report.summary import RunSummary, Summary
from stress.report.telling import told
from tests.machines.prey import FILE
from tests.reports.samples import KINDS

SCHEMAS: Final = Path(failures.__file__).parent / "schemas"
DOCS: Final = Path(__file__).parents[2] / "docs"
NAMES: Final = sorted(path.name.partition(".")[0] for path in SCHEMAS.glob("*.schema.json"))


def schema(name: str) -> dict[str, Any]:
    """Return a published schema."""
    text = (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def check(name: str, value: Any) -> None:
    """Hold `value` against a schema; others are found by their identifiers."""
    every = [schema(each) for each in NAMES]
    registry: Registry[Any] = Registry().with_resources(
        [(each["$id"], Resource.from_contents(each)) for each in every]
    )
    jsonschema.Draft202012Validator(schema(name), registry=registry).validate(value)


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_sound_and_in_docs(name: str) -> None:
    """Each schema is one of its draft, and is found in the folder of documents."""
    jsonschema.Draft202012Validator.check_schema(schema(name))
    published = DOCS / f"{name}.schema.json"

    assert published.is_symlink()
    assert published.resolve() == (SCHEMAS / f"{name}.schema.json").resolve()


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    """Who reads the schema need not read the code."""
    every = fields_of(schema(name))
    lacking = [place for place, each in every if "description" not in each]

    assert lacking == []


def fields_of(part: Any, place: str = "") -> list[tuple[str, Any]]:
    """Return the properties of a schema and of those in it."""
    if not isinstance(part, dict):
        return []
    own = part.get("properties", {})
    mine = [(f"{place}/{name}", each) for name, each in own.items()]
    inner = [*own.items(), *part.get("$defs", {}).items()]
    return mine + [found for name, each in inner for found in fields_of(each, f"{place}/{name}")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", Report), ("call", Call), ("repair", Repair), ("outcome", Outcome), ("trace", Trace),
        ("step", TraceStep), ("traceCall", TraceCall), ("end", End),
    ],
)  # fmt: skip
def test_schema_has_the_fields_of_the_data(name: str, kind: Any) -> None:
    """A field that is added, or taken away, is so in the schema, too."""
    whole = schema("report")
    part = whole["$defs"][name] if name else whole

    assert [*part["properties"]] == [each.name for each in fields(kind)]
    assert part["required"] == [*part["properties"]]


@pytest.mark.parametrize("kind", KINDS)
def test_report_fits_its_schema(kind: str) -> None:
    """The report of each kind is what the schema says, as JSON gives it back."""
    check("report", json.loads(json.dumps(told(KINDS[kind](), None).to_json())))


def test_report_of_another_form_does_not_fit() -> None:
    """The schema refuses what it does not know."""
    report = told(KINDS["race"](), None).to_json()

    with pytest.raises(jsonschema.ValidationError):
        check("report", report | {"kind": 7})
    with pytest.raises(jsonschema.ValidationError):
        check("report", report | {"unheard_of": ""})


def test_summary_fits_its_schema() -> None:
    """What a run prints is what the schema says."""
    violation = {"rule": "I1", "message": "broken"}
    run = RunSummary("queue", "threads", 2, 1.5, violations=[violation], doubts=["Why not."])
    summary = Summary(Host("CPython", gil=False, cores=2), 7, [run])

    check("run", json.loads(json.dumps(summary.to_json())))


def printed_by(*words: str) -> Any:
    """Return the JSON that a command prints."""
    return json.loads(CliRunner().invoke(main, [*words]).stdout)


@pytest.mark.slow
@pytest.mark.threads
def test_run_prints_what_its_schema_says(tmp_path: Path) -> None:
    """A run of all engines, of which some find a fault."""
    words = [f"{FILE}::CounterModel", "--engine", "all", "--for", "4", "--seed", "1", "--json"]
    out = tmp_path / "out"

    check("run", printed_by("run", *words, "--out", str(out)))
    check("run", json.loads((out / "report.json").read_text(encoding="utf-8")))


@pytest.mark.slow
@pytest.mark.threads
def test_mutants_prints_what_its_schema_says() -> None:
    """The kill matrix of a small model."""
    check("mutants", printed_by("mutants", f"{FILE}::CounterModel", "--for", "0.1", "--json"))


COMMANDS: Final = {
    "list": ["list"],
    "litmus": ["litmus", "SB", "MP"],
    "explore": ["explore", "registrar:relaxed-set/same-chunk"],
    "orders": ["orders", "registrar/same-chunk"],
    "linearize": ["linearize", "--model", "register", "HISTORY"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_prints_what_its_schema_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command that prints JSON prints what is published of it."""
    monkeypatch.chdir(tmp_path)
    history = tmp_path / "history.jsonl"
    history.write_text("".join(f"{json.dumps(line)}\n" for line in STALE_READ), encoding="utf-8")
    words = [str(history) if word == "HISTORY" else word for word in COMMANDS[name]]

    check(name, printed_by(*words, "--json"))


STALE_READ: Final = [
    {"process": 0, "type": "invoke", "f": "write", "value": 1},
    {"process": 0, "type": "ok", "f": "write", "value": 1},
    {"process": 1, "type": "invoke", "f": "read", "value": None},
    {"process": 1, "type": "ok", "f": "read", "value": None},
]


@pytest.mark.slow
def test_doctor_prints_what_its_schema_says() -> None:
    """It tries what can be tried, which takes a while."""
    check("doctor", printed_by("doctor", "--json"))


def test_report_prints_what_its_schema_says(tmp_path: Path) -> None:
    """All saved failures of a folder."""
    for make in KINDS.values():
        failures.save(make(), tmp_path / "failures")
    found = printed_by("report", str(tmp_path), "--json")

    check("reports", found)
    assert len(found["reports"]) == len(KINDS)
