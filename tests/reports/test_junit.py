"""JUnit XML: in the form that CI systems read, and with nothing that passes and did not."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import pytest
from junitparser import JUnitXml

from stress.host import Host
from stress.mutants import COLUMNS, Cell, Row
from stress.report import junit
from stress.report.summary import RunSummary, Summary
from stress.report.telling import told
from tests.reports.samples import KINDS, race

HOST: Final = Host("CPython 3.14.2 (free-threaded build, x86_64)", gil=False, cores=4)
CHILDREN: Final = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "properties": ["property"],
    "testcase": ["skipped", "error", "failure", "system-out", "system-err"],
}
"""What may be in what, in this order, after Jenkins' xunit-2 schema."""
ATTRIBUTES: Final = {
    "testsuites": {"name", "time", "tests", "failures", "errors", "skipped"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
}


def summary() -> Summary:
    """Return runs that came to each verdict."""
    passed = RunSummary("queue", "sequential", 1, 2.5, examples=100)
    failed = RunSummary("queue", "explore", 1, 0.5, executions=12, violations_seen=1)
    unknown = RunSummary("stack", "threads", 2, 3.0, calls=7, doubts=["The GIL is on.", "Again."])
    return Summary(HOST, 7, [passed, failed, unknown])


def tree(xml: JUnitXml) -> ET.Element:
    """Return what is written, read again by another parser."""
    return ET.fromstring(junit.spelled(xml))  # noqa: S314  (made here)


def check(element: ET.Element) -> None:
    """Hold an element against the form."""
    order = CHILDREN.get(element.tag, [])
    places = [order.index(child.tag) for child in element]
    assert places == sorted(places)
    assert set(element.attrib) <= ATTRIBUTES.get(element.tag, set())
    for child in element:
        check(child)


def every_xml() -> list[JUnitXml]:
    """Return XML from each source."""
    survived = dict.fromkeys(COLUMNS, Cell(killed=False, seconds=2.0, executions=10))
    rows = [Row("queue", "unlocked", "mutant", "No lock.", survived)]
    reports = [told(make(), Path("it.json")) for make in KINDS.values()]
    return [
        junit.of_summary(summary(), {1: [told(race(), Path("it.json"))]}),
        junit.of_reports(reports),
        junit.of_matrix(rows, 2, 7),
    ]


@pytest.mark.parametrize("at", range(3))
def test_form_is_that_of_the_schema(at: int) -> None:
    """Elements come in their order, with the attributes that are known, and are counted right."""
    root = tree(every_xml()[at])

    check(root)
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error"))


def test_model_is_a_suite_and_engine_a_case() -> None:
    """Who reads the list of tests sees what was run."""
    root = tree(junit.of_summary(summary(), {}))
    cases = [(case.attrib["classname"], case.attrib["name"]) for case in root.iter("testcase")]

    assert [suite.attrib["name"] for suite in root] == ["queue", "stack"]
    assert cases == [("queue", "sequential"), ("queue", "explore"), ("stack", "threads")]
    properties = {each.attrib["name"]: each.attrib["value"] for each in root[0].iter("property")}
    assert properties["explore.executions"] == "12"
    assert (properties["seed"], properties["gil"]) == ("7", "off")
    assert properties["interpreter"] == HOST.interpreter


def test_failure_says_what_is_wrong_and_how_to_see_it_again() -> None:
    """The message has title, fingerprint and command; the body is the whole report."""
    report = told(race(), Path("it.json"))
    [failure] = tree(junit.of_summary(summary(), {1: [report]})).iter("failure")

    assert failure.attrib["message"] == (
        "thread 1 reads items while thread 0 writes there; fingerprint 0123456789abcdef; "
        "again: stress replay it.json"
    )
    assert failure.attrib["type"] == "race"
    assert "the two steps that conflict" in (failure.text or "")


def test_unknown_is_an_error_and_no_pass() -> None:
    """A run that proves nothing is shown as not passed, with every reason."""
    root = tree(junit.of_summary(summary(), {}))
    [error] = root.iter("error")

    assert error.attrib == {"message": "The GIL is on.", "type": "unknown"}
    assert error.text == "The GIL is on.\nAgain."
    assert not [*root.iter("skipped")]


def test_failed_run_without_report_is_a_failure_all_the_same() -> None:
    """Where nothing could be told of it, the verdict stands."""
    [failure] = tree(junit.of_summary(summary(), {})).iter("failure")

    assert failure.attrib["message"] == junit.UNSAID


def cells(killer: str = "", doubt: str = "") -> dict[str, Cell]:
    """Return cells of which one kills, or is in doubt."""
    return {
        column: Cell(column == killer, 2.0, 10, "It was cut." if column == doubt else "")
        for column in COLUMNS
    }


@pytest.mark.parametrize(
    ("kind", "killer", "doubt", "came_to"),
    [
        ("mutant", "explore-rc11", "", None),
        ("mutant", "", "", "failure"),
        ("correct", "", "", None),
        ("correct", "threads", "", "failure"),
        ("correct", "", "threads", "error"),
        ("equivalent", "", "", None),
        ("equivalent", "threads", "", "failure"),
    ],
)
def test_row_of_the_matrix_is_a_case(
    kind: str, killer: str, doubt: str, came_to: str | None
) -> None:
    """It passes where the subject is killed that must be, or survives that must."""
    row = Row("queue", "other", kind, "It differs.", cells(killer, doubt))
    [case] = tree(junit.of_matrix([row], 2, 7)).iter("testcase")

    assert [child.tag for child in case] == [came_to] * bool(came_to)


@pytest.mark.parametrize("text", ["\x00\x01\x1b[31m", "\ud800\uffff\ufffe", "<&]]>\"'", "\x7f\x85"])
def test_characters_that_xml_forbids_are_escaped(text: str) -> None:
    """Any text of a stranger's file can be written, and read again."""
    report = told(race(), None)
    report.title, report.kind, report.model = text, text, text
    report.why = [text]
    unknown = RunSummary(text, "threads", 2, doubts=[text])
    whole = Summary(HOST, 7, [unknown])

    assert [*tree(junit.of_reports([report])).iter("failure")]
    assert [*tree(junit.of_summary(whole, {})).iter("error")]


def test_written_file_is_read_by_junitparser(tmp_path: Path) -> None:
    """The library of the CI world reads it, and finds the counts."""
    path = tmp_path / "report.xml"
    junit.write(summary(), {1: [told(race(), None)]}, path)
    found = JUnitXml.fromfile(str(path))

    assert (found.tests, found.failures, found.errors) == (3, 1, 1)
