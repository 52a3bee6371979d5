"""Runs, saved failures and the kill matrix as JUnit XML, which CI systems show.

    model, subject of a matrix    a test suite
    engine, mutant, failure       a test case
    failed                        a failure: its message begins with the title and ends with the
                                  command that shows it again, and its body is the text report
    unknown                       an error, with the reason

UNKNOWN is no skipped test: Jenkins, GitLab and GitHub show those as harmless, and a check that
proved nothing is not passed.  They show errors beside failures, and tell the two apart.

The form is that of Jenkins' xunit-2 schema: properties first, and no attribute it does not know.
Characters that XML forbids are escaped as in the text.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from stress import failures
from stress.mutants import Row
from stress.report.failure import Report
from stress.report.neutral import neutral
from stress.report.summary import RunSummary, Summary
from stress.report.survivors import survivor
from stress.report.written import written
from stress.verdict import Verdict

NAME: Final = "registrar-stress"
UNSAID: Final = "nothing says why"


def write(summary: Summary, reports: Mapping[int, Sequence[Report]], path: Path) -> None:
    """Write what `summary` says to the file `path`; OutputError where that fails.

    `reports` has those of each run's failures, by its place in the summary.
    """
    save(of_summary(summary, reports), path)


def save(xml: JUnitXml, path: Path) -> None:
    """Write `xml` to the file `path`, whole or not at all; OutputError where that fails."""
    failures.write(path, spelled(xml))


def spelled(xml: JUnitXml) -> str:
    """Return `xml` as the text of a file."""
    text: bytes = xml.tostring()  # type: ignore[no-untyped-call]
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text.decode()}\n'


def of_summary(summary: Summary, reports: Mapping[int, Sequence[Report]]) -> JUnitXml:
    """Return a suite for each model, with a case for each engine it ran in."""
    suites: dict[str, list[tuple[int, RunSummary]]] = {}
    for place, run in enumerate(summary.runs):
        suites.setdefault(run.model, []).append((place, run))
    host = summary.host
    shared = {
        "seed": str(summary.seed),
        "interpreter": host.interpreter,
        "gil": "on" if host.gil else "off",
        "cores": str(host.cores),
    }
    made = []
    for model, runs in suites.items():
        counts = {
            f"{run.engine}.{name}": str(getattr(run, name))
            for _, run in runs
            for name in ("executions", "examples", "calls", "overlapped")
            if getattr(run, name)
        }
        cases = [_of_run(run, reports.get(place, ())) for place, run in runs]
        made.append(_suite(model, shared | counts, cases))
    return _whole(made)


def _of_run(run: RunSummary, reports: Sequence[Report]) -> TestCase:
    case = _case(run.engine, run.model, run.seconds)
    if run.verdict is Verdict.FAILED:
        case.result = [_failure(reports, run)]
    elif run.verdict is Verdict.UNKNOWN:
        case.result = [_error(run.doubts)]
    return case


def of_reports(reports: Sequence[Report]) -> JUnitXml:
    """Return a suite for each model, with a case for each failure."""
    ordered = sorted(reports, key=lambda report: report.model)
    suites = []
    for model, group in groupby(ordered, key=lambda report: report.model):
        cases = []
        for report in group:
            known_as = report.fingerprint or Path(report.saved).stem
            case = _case(f"{report.kind} {known_as}".strip(), model, 0.0)
            case.result = [_failure([report], None)]
            cases.append(case)
        suites.append(_suite(model, {}, cases))
    return _whole(suites)


def of_matrix(rows: Sequence[Row], seconds: float, seed: int) -> JUnitXml:
    """Return a suite for each model, with a case for each subject of the kill matrix.

    A mutant must be killed, and a correct subject and an equivalent must survive.
    """
    suites = []
    for model, group in groupby(rows, key=lambda row: row.model):
        cases = [_of_row(row, seconds, seed) for row in group]
        given = {"seed": str(seed), "seconds for each engine": f"{seconds:g}"}
        suites.append(_suite(model, given, cases))
    return _whole(suites)


def _of_row(row: Row, seconds: float, seed: int) -> TestCase:
    took = sum(cell.seconds for cell in row.cells.values())
    case = _case(f"{row.kind} {row.name}", row.model, took)
    if row.verdict is Verdict.UNKNOWN:
        case.result = [_error([cell.doubt for cell in row.cells.values() if cell.doubt])]
    elif row.verdict is Verdict.FAILED and row.kind == "mutant":
        case.result = [_failure([survivor(row, seconds, seed)], None)]
    elif row.verdict is Verdict.FAILED:
        killers = [engine for engine, cell in row.cells.items() if cell.killed]
        message = f"{row.name} is right, and was accused by {', '.join(killers)}"
        case.result = [Failure(neutral(message), "accused")]
    return case


def _case(name: str, model: str, seconds: float) -> TestCase:
    return TestCase(neutral(name), neutral(model), round(seconds, 3))


def _suite(name: str, properties: Mapping[str, str], cases: Sequence[TestCase]) -> TestSuite:
    suite = TestSuite(neutral(name))
    for key, value in properties.items():  # before the cases, as the schema has it
        suite.add_property(neutral(key), neutral(value))
    suite.add_testcases([*cases])
    return suite


def _whole(suites: Sequence[TestSuite]) -> JUnitXml:
    xml = JUnitXml(NAME)
    for suite in suites:
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    return xml


def _failure(reports: Sequence[Report], run: RunSummary | None) -> Failure:
    """Return one failure for all `reports`: what reads JUnit shows the first alone."""
    if not reports:
        violations = run.violations if run else []
        said = "; ".join(f"{each['rule']}: {each['message']}" for each in violations)
        return Failure(neutral(said or UNSAID), "failed")
    first, *others = reports
    parts = [
        first.title,
        f"and {len(others)} more" if others else "",
        f"fingerprint {first.fingerprint}" if first.fingerprint else "",
        f"again: {first.replay}" if first.replay else "",
    ]
    failure = Failure(neutral("; ".join(filter(None, parts))), neutral(first.kind))
    failure.text = "\n".join(written(report) for report in reports)
    return failure


def _error(doubts: Sequence[str]) -> Error:
    lines = [neutral(" ".join(doubt.split())) for doubt in doubts] or [UNSAID]
    error = Error(lines[0], "unknown")
    error.text = "\n".join(lines)
    return error
