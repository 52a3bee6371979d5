"""Chromium, for the tests that look at the page as a reader does."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def tool() -> Any:
    """Import the set-up's module that knows where the browser is."""
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module("browser")
    finally:
        sys.path.remove(str(TOOLS))


def started(chromium: Any) -> Browser:
    """Start the browser, which must be there."""
    browser: Browser = chromium.launch(executable_path=tool().found(), args=[*tool().FLAGS])
    return browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser; without one the test is skipped, and fails where nothing may be missing.

    It ends with its module: while it runs, its thread has an event loop that other tests must not
    meet.
    """
    if tool().found() is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("There is no browser.  Get one:  make browser")
    with sync_playwright() as playwright:
        found = started(playwright.chromium)
        yield found
        found.close()
