"""The page as text: whole, escaped, and with nothing in it that could do anything."""

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from stress.report.failure import Report
from stress.report.html import page
from stress.report.telling import told
from tests.browser import samples
from tests.browser.markup import Page
from tests.reports.samples import linearizability, met_by_threads

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "]]></style></script><b>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202egpj.exe\u2066\x00\x1b[31m\ud800",
    "&lt;b&gt;",
]
EVERYTHING: dict[str, Callable[[], Any]] = {
    "summary": samples.summary,
    "reports": samples.reports,
    "matrix": samples.matrix,
    "samples": samples.samples,
    "nights": samples.nights,
}


def everything() -> str:
    """Return a page with all its parts."""
    return page("A night", **{name: made() for name, made in EVERYTHING.items()})


def hostile(value: Any, text: str) -> Any:
    """Put `text` wherever `value` has text that came from data, however deep."""
    if isinstance(value, str):
        return text
    if isinstance(value, list):
        return [hostile(each, text) for each in value]
    if isinstance(value, dict):
        return {hostile(key, text): hostile(each, text) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        for name in (each.name for each in fields(value)):
            if name not in {"cells", "verdict", "engine"}:
                object.__setattr__(value, name, hostile(getattr(value, name), text))
    return value


def test_page_is_one_whole_document() -> None:
    """Tags match, identifiers are unique, and every link leads to something on the page."""
    found = Page(everything())
    ids = [each.attributes["id"] for each in found.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    targets = {each.attributes["href"] for each in found.all("a")}
    assert targets
    assert targets <= {f"#{each}" for each in ids}
    for name in ("aria-labelledby", "aria-describedby"):
        named = {each.attributes[name] for each in found.elements if name in each.attributes}
        assert named <= set(ids)


def test_page_loads_nothing() -> None:
    """There is one script and one style, both in the page, and no element that fetches."""
    found = Page(everything())
    assert [each.attributes for each in found.all("script")] == [{}]
    assert [each.attributes for each in found.all("style")] == [{}]
    fetching = {"img", "link", "iframe", "object", "embed", "audio", "video", "form", "base"}
    assert not fetching & {each.tag for each in found.elements}
    assert not [
        each for each in found.elements if {"src", "style", "xlink:href"} & {*each.attributes}
    ]


def test_policy_allows_style_and_script_alone() -> None:
    """The content security policy has their digests, and allows nothing else."""
    found = Page(everything())
    [policy] = [each for each in found.all("meta") if "http-equiv" in each.attributes]
    rules = policy.attributes["content"].split("; ")
    assert rules[0] == "default-src 'none'"
    for tag, rule in (("style", rules[1]), ("script", rules[2])):
        text = found.all(tag)[0].text
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rule == f"{tag}-src 'sha256-{digest}'"


@pytest.mark.parametrize("text", HOSTILE)
def test_page_never_obeys_data(text: str) -> None:
    """Whatever the data says, in whichever field, the page has the elements it has without it."""
    made = {name: hostile(make(), text) for name, make in EVERYTHING.items()}
    for row in made["matrix"]:
        row.kind = "mutant"
    source = page(text, **made)
    source.encode()
    found = Page(source)
    tame = {each.tag for each in Page(everything()).elements}
    assert {each.tag for each in found.elements} <= tame
    handlers = [name for each in found.elements for name in each.attributes if name[:2] == "on"]
    assert not handlers
    assert all(each.attributes["href"].startswith("#") for each in found.all("a"))
    assert len(found.all("script")) == 1
    unseen = set("\u202e\u2066\x00\x1b\ud800")
    assert not unseen & set(source)
    if text.isascii():
        assert text in found.text


def test_page_spells_what_is_not_seen() -> None:
    """Characters that turn text around or cannot be written are spelled out."""
    report = Report("crash", "\u202eevil\x00\ud800", "", "m", "threads")
    assert "\\u202eevil\\x00\\ud800" in page("t", reports=[report])


def test_page_cuts_what_is_endless() -> None:
    """A text of megabytes is cut, and the page says by how much."""
    report = Report("crash", "x" * 3_000_000, "", "m", "threads", stacks=["y" * 3_000_000] * 2)
    source = page("t", reports=[report])
    assert "2,980,000 more characters" in source
    assert len(source) < 300_000


def test_parts_without_data_are_left_out() -> None:
    """A page of nothing is a title; a part appears with its data."""
    assert not Page(page("nothing")).all("section")
    found = Page(page("t", matrix=samples.matrix()))
    assert [each.text for each in found.all("h2")] == ["Kill matrix"]


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        ({"reports": [samples.crash()]}, "failed"),
        ({"summary": samples.summary()}, "unknown"),
        ({"matrix": samples.matrix()}, "failed"),
        ({"matrix": samples.matrix()[4:]}, "unknown"),
        ({"nights": samples.nights()}, None),
    ],
)
def test_heading_never_rounds_up(made: dict[str, Any], verdict: str | None) -> None:
    """The verdict of a page is the worst of what is on it; nights alone have none."""
    said = [each.attributes["class"] for each in Page(page("t", **made)).all("p", _class="verdict")]
    assert said == ([f"verdict {verdict}"] if verdict else [])


def test_screen_reader_is_told_each_step() -> None:
    """A row says which thread does what, in which order, from where, and what that means."""
    found = Page(page("t", reports=[samples.half_a_record()]))
    said = [each.text for each in found.all("span", _class="unseen")]
    assert "reader reads live = 0b1, acquire, from step 3, does not synchronize" in said
    assert "reader reads base[0] = 0x0, relaxed, from the beginning, stale, conflicts" in said
    assert "writer calls " in said


def test_why_links_to_steps() -> None:
    """Steps that a sentence names are links to their rows."""
    found = Page(page("t", reports=[samples.half_a_record()]))
    rows = {each.attributes["id"] for each in found.all("tr", _class="step")}
    assert rows == {f"f1-s{number}" for number in range(1, 7)}
    links = [each.attributes["href"] for each in found.all("a") if each.text.startswith("step ")]
    assert links.count("#f1-s3") == 4  # its row; why; and two repairs


def test_tried_begins_with_what_holds() -> None:
    """Repairs that hold come first, and the smallest of them is marked."""
    found = Page(page("t", reports=[samples.half_a_record()]))
    signs = [each.text for each in found.all("span", _class="sign")]
    assert signs == ["✓ holds", "✓ holds", "✗ fails", "? unknown"]
    assert len(found.all("span", _class="smallest")) == 1


def test_history_marks_what_cannot_be_placed() -> None:
    """The call without a place is marked in the drawing and in the table."""
    found = Page(page("t", reports=[samples.came_back()]))
    assert len(found.all("g", _class="misfit")) == 1
    [row] = found.all("tr", _class="misfit")
    assert "lookup(0)" in row.text
    assert "no place" in row.text


def test_execution_says_what_cannot_be_placed_and_then_what_threads_met() -> None:
    """Each beside what it is of: the explorer's execution, and the history of real threads."""
    report = told(linearizability() | {"recorded": met_by_threads()["recorded"]}, None)
    text = page("A failure", reports=[report])
    headings = ["The interleaving", "cannot be placed", "As real threads met it", "Outcomes"]

    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)
    assert text.count("cannot be placed") == 1
    assert text.count("<code>None ‖ None ‖ 7</code>") == 1


def test_matrix_says_in_words_what_it_shows() -> None:
    """No cell is told by its colour or sign alone."""
    found = Page(page("t", matrix=samples.matrix()))
    cells = found.all("table", _class="matrix")[0].text
    for words in ("killed after", "survived 0.07 s", "unknown: The GIL is on", "✗ survived"):
        assert words in cells


def test_page_is_the_same_for_the_same_data() -> None:
    """No time, chance or machine is in a page that is not in its data."""
    assert everything() == everything()


def test_plots_are_thinned() -> None:
    """A curve of many samples has few points, among them the last; so has its table rows."""
    source = page("t", samples=samples.samples(5_000))
    assert len(source) < 150_000
    found = Page(source)
    assert found.all("details")[0].text.count("8.00") == 1
    assert len(found.all("div", _class="plot")) == 4


def test_large_pages_are_made_in_seconds() -> None:
    """Many failures, long executions and long campaigns fit on a page of some megabytes."""
    started = time.monotonic()
    many = [samples.half_a_record() for _ in range(200)]
    long = [samples.crowd(3, 400) for _ in range(5)]
    source = page("t", reports=many + long, samples=samples.samples(5_000))
    assert len(source) < 12_000_000
    assert time.monotonic() - started < 30


def test_endless_execution_is_left_to_replay() -> None:
    """An execution too long for a page is not drawn, and the page says so."""
    source = page("t", reports=[samples.crowd(2, 2_001)])
    assert "2,001 steps, too many for this page" in source
    assert len(source) < 100_000
