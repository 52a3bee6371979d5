"""The page in Chromium: light, dark, on a phone, by keyboard, for a screen reader, on paper."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page

from stress.report.html import page
from tests.browser import samples

pytestmark = pytest.mark.slow

PHONE, DESK = 390, 1280
LOOKS: list[tuple[Literal["light", "dark"], int]] = [
    ("light", DESK),
    ("dark", DESK),
    ("light", PHONE),
    ("dark", PHONE),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a page with all its parts."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    source = page(
        "stress run",
        summary=samples.summary(),
        reports=samples.reports(),
        matrix=samples.matrix(),
        samples=samples.samples(),
        nights=samples.nights(),
    )
    path.write_text(source)
    return path


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def anywhere(browser: Browser, file: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Open the page in each look."""
    yield from opened(browser, file, *request.param)


@pytest.fixture
def desk(browser: Browser, file: Path) -> Iterator[Page]:
    """Open the page where there is room."""
    yield from opened(browser, file, "light", DESK)


def opened(
    browser: Browser, file: Path, scheme: Literal["light", "dark"], width: int
) -> Iterator[Page]:
    """Open `file`; whatever it asks for or complains of is an error."""
    height = 844 if width == PHONE else 900
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width == PHONE
    )
    said: list[str] = []
    found = context.new_page()
    found.on("console", lambda message: said.append(message.text))
    found.on("pageerror", lambda error: said.append(str(error)))
    found.on("request", lambda request: said.append(request.url))
    found.goto(file.as_uri())
    yield found
    context.close()
    assert said == [file.as_uri()]


def box(element: Locator) -> dict[str, float]:
    """Return where an element is."""
    found = element.bounding_box()
    assert found is not None
    x, y = found["x"], found["y"]
    return {"x": x, "y": y, "right": x + found["width"], "bottom": y + found["height"]}


def test_page_never_scrolls_sideways(anywhere: Page) -> None:
    """The document is as wide as the window; what is wider has a scroll container of its own."""
    assert anywhere.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_page_is_accessible(anywhere: Page) -> None:
    """axe-core finds nothing to say: names, roles, order, contrast."""
    anywhere.locator("details").evaluate_all("all => all.forEach(each => { each.open = true })")
    found = Axe().run(anywhere)
    assert found.response["violations"] == [], found.generate_report()


def test_page_with_a_step_in_focus_is_accessible(anywhere: Page) -> None:
    """What focus shows has contrast, too."""
    anywhere.locator("#f1-s4 a").focus()
    assert anywhere.locator("#f1-v4").is_visible()
    assert Axe().run(anywhere).response["violations"] == []


def test_policy_forbids_other_scripts(browser: Browser, file: Path) -> None:
    """The policy allows the page's own script, and not one that found its way in."""
    context = browser.new_context()
    attacked = context.new_page()
    attacked.goto(file.as_uri())
    assert attacked.locator("button.copy").first.is_visible()
    blocked = attacked.evaluate(
        """() => new Promise(done => {
            document.addEventListener("securitypolicyviolation", event => done(event.blockedURI));
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
        })"""
    )
    assert blocked == "inline"
    assert attacked.evaluate("window.ran") is None
    context.close()


def test_every_step_is_reached_by_keyboard(desk: Page) -> None:
    """Tab stops at each step, in order."""
    steps = desk.locator("tr.step").evaluate_all("all => all.map(each => each.id)")
    desk.locator("tr.step a").first.focus()
    reached = []
    for _ in range(3 * len(steps) + 60):
        row = desk.evaluate("document.activeElement.closest('tr.step')?.id")
        if row and row not in reached:
            reached.append(row)
        desk.keyboard.press("Tab")
    assert reached == steps


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_step_shows_what_its_thread_must_see(desk: Page, how: str) -> None:
    """Pointer and keyboard show values and view of a step; Escape hides them."""
    card = desk.locator("#f1-v4")
    assert card.is_hidden()
    getattr(desk.locator("#f1-s4" if how == "hover" else "#f1-s4 a"), how)()
    assert card.is_visible()
    text = card.inner_text()
    assert "must see at least" in text
    assert "0b1 (step 3)" in text
    assert "self.live.load()" in text
    desk.keyboard.press("Escape")
    assert card.is_hidden()


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_step_lights_its_arrow(desk: Page, how: str) -> None:
    """Every piece of the arrow that leads to a step is lit with it, and of no other."""
    table = desk.locator("#f3 table.lanes")
    row = table.locator("#f3-s6")
    getattr(row if how == "hover" else row.locator("a"), how)()
    [number] = (row.get_attribute("data-arrows") or "").split()
    pieces = table.locator(f"[data-arrow='{number}']").count()
    assert pieces >= 4
    assert table.locator(f"[data-arrow='{number}'].lit").count() == pieces
    assert desk.locator(".lit").count() == pieces


def test_arrows_join_the_steps_that_they_are_of(desk: Page) -> None:
    """An arrow begins in the row of its source, ends at the text that reads, and has no gap."""
    for failure, source, target in (("f1", 3, 4), ("f3", 5, 6), ("f3", 3, 4), ("f3", 7, 8)):
        rows = [desk.locator(f"#{failure}-s{number}") for number in (source, target)]
        first, last = (box(row) for row in rows)
        numbers = [set((row.get_attribute("data-arrows") or "").split()) for row in rows]
        number = min(numbers[0] & numbers[1])
        pieces = drawn(desk, failure, number)
        assert first["y"] < min(piece["top"] for piece in pieces) < first["bottom"]
        assert last["y"] < max(piece["bottom"] for piece in pieces) <= last["bottom"] + 30
        heads = [piece for piece in pieces if piece["kind"] == "polygon"]
        assert any(last["y"] < head["top"] < last["bottom"] for head in heads)
        text = box(rows[1].locator(".act"))
        assert any(
            -2 <= min(abs(head["right"] - text["x"]), abs(head["left"] - text["right"])) <= 16
            for head in heads
        )
        assert joined(pieces)


def drawn(desk: Page, failure: str, number: str) -> list[dict[str, Any]]:
    """Return where the pieces of an arrow are."""
    found: list[dict[str, Any]] = desk.locator(
        f"#{failure} [data-arrow='{number}'] :is(line, path, polygon)"
    ).evaluate_all(
        """all => all.map(each => {
            const {left, right, top, bottom} = each.getBoundingClientRect();
            return {kind: each.tagName, left, right, top, bottom};
        })"""
    )
    return found


def joined(pieces: list[dict[str, Any]]) -> bool:
    """Tell whether one can go from any piece to any other, stepping over no gap."""
    reach = 2.5
    seen, ways = {0}, [0]
    while ways:
        here = pieces[ways.pop()]
        for at, piece in enumerate(pieces):
            near = (
                piece["left"] <= here["right"] + reach
                and here["left"] <= piece["right"] + reach
                and piece["top"] <= here["bottom"] + reach
                and here["top"] <= piece["bottom"] + reach
            )
            if near and at not in seen:
                seen.add(at)
                ways.append(at)
    return len(seen) == len(pieces)


def test_lanes_fold_on_a_phone(browser: Browser, file: Path) -> None:
    """Where there is no room, each step is one block: thread first, then what, then where."""
    for phone in opened(browser, file, "light", PHONE):
        row = phone.locator("#f1-s6")
        tag, act, where = (box(row.locator(each).first) for each in (".tag", ".act", ".where"))
        assert tag["x"] < act["right"]
        assert tag["y"] <= act["y"]
        assert act["bottom"] <= where["y"] + 1
        assert row.locator(".tag").first.inner_text() == "reader"
        assert phone.locator("table.lanes svg:visible").count() == 0
        assert "from 3" in phone.locator("#f1-s4").inner_text()


def test_link_in_a_sentence_leads_to_the_step(desk: Page) -> None:
    """A click on a step that is named goes to its row, which is then marked."""
    desk.locator("#f1 .why a", has_text="Step 6").click()
    assert desk.evaluate("document.querySelector(':target').id") == "f1-s6"
    assert desk.locator("#f1-s6").is_visible()


def test_head_of_the_matrix_stays(desk: Page) -> None:
    """While the matrix scrolls in its container, its headings stay."""
    container = desk.locator(".scroll.tall")
    container.evaluate("each => { each.style.maxHeight = '8rem'; each.scrollTop = 100 }")
    head = box(container.locator("thead th").first)
    assert abs(head["y"] - box(container)["y"]) <= 2


def test_paper_has_everything_and_no_more(browser: Browser, file: Path) -> None:
    """Printed, the page is light, fits, and shows what was folded, but not what needs a mouse."""
    for paper in opened(browser, file, "dark", 720):
        paper.emulate_media(media="print")
        assert paper.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (
            paper.evaluate("getComputedStyle(document.body).backgroundColor")
            == "rgb(255, 255, 255)"
        )
        drawn = paper.locator(".observed").first.evaluate(
            "each => getComputedStyle(each).backgroundColor"
        )
        assert drawn == "rgb(253, 236, 234)"
        for hidden in ("button.copy", ".card", ".hint"):
            assert paper.locator(f"{hidden}:visible").count() == 0
        assert paper.locator("table.numbers").first.is_visible()
        assert paper.pdf(format="A4").startswith(b"%PDF")


def test_page_is_whole_without_its_script(browser: Browser, file: Path) -> None:
    """With scripts off everything is there, but for the button that needs one."""
    context = browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(file.as_uri())
    assert still.locator("tr.step:visible").count() == still.locator("tr.step").count()
    assert still.locator("button.copy:visible").count() == 0
    still.locator("#f1-s4").hover()
    assert still.locator("#f1-v4").is_visible()
    context.close()
