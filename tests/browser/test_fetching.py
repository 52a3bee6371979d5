"""Where the browser comes from: named, unpacked from Debian's packages, or found."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = Path(__file__).resolve().parents[2] / "tools"

type Fake = Callable[[str, str], Path]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Import the set-up's modules, with a cache of the test's own and no browser on PATH."""
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.setenv("STRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STRESS_BROWSER", raising=False)
    importlib.import_module("cache").folder.cache_clear()
    browser = importlib.import_module("browser")
    monkeypatch.setattr(browser, "ON_PATH", ())
    return browser


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Make programs that say who they are."""

    def make(name: str, says: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{says}\n")
        path.chmod(0o755)
        return path

    return make


def unpacking(fake: Fake, says: str) -> Callable[[list[str], Path], Path]:
    """Return what stands in for Debian: a package whose browser says this."""

    def unpack(_packages: list[str], bench: Path) -> Path:
        shell = fake("package/chromium-headless-shell", says)
        place = bench / "debian" / "usr" / "lib" / "chromium"
        place.mkdir(parents=True)
        shell.rename(place / shell.name)
        (place.parent / "some-machine").mkdir()
        (place.parent / "some-machine" / "libmissing.so.1").touch()
        return bench / "debian"

    return unpack


def test_fetching_makes_a_script_that_starts_the_browser(
    tool: Any, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is unpacked is started with its own libraries and fonts, and is made once."""
    says = 'echo "Chromium with $LD_LIBRARY_PATH and $FONTCONFIG_FILE"'
    monkeypatch.setattr(tool.debian, "why_not", lambda: None)
    monkeypatch.setattr(tool.debian, "unpack_missing", unpacking(fake, says))
    assert tool.found() is None
    path = tool.got()
    said = tool.run(path)
    place = Path(path).parent
    assert f"{place}/usr/lib/some-machine" in said
    assert f"{place}/fonts.conf" in said
    assert str(place / "usr/share/fonts") in (place / "fonts.conf").read_text()
    monkeypatch.setattr(tool.debian, "unpack_missing", None)
    assert tool.got() == tool.found() == path


def test_fetching_never_keeps_a_browser_that_does_not_start(
    tool: Any, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that misses a library is no browser: it is not found, and made anew."""
    monkeypatch.setattr(tool.debian, "why_not", lambda: None)
    broken = unpacking(fake, "echo 'cannot open shared object' >&2; exit 127")
    monkeypatch.setattr(tool.debian, "unpack_missing", broken)
    with pytest.raises(tool.SetupError, match="cannot open shared object"):
        tool.got()
    assert tool.found() is None
    works = unpacking(fake, "echo Chromium")
    monkeypatch.setattr(tool.debian, "unpack_missing", works)
    assert tool.got() == tool.found()


def test_fetching_says_what_to_do_without_debian(
    tool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be fetched and nothing is there, the error has three parts."""
    monkeypatch.setattr(tool.debian, "why_not", lambda: "there is no apt-get here")
    with pytest.raises(tool.SetupError) as caught:
        tool.got()
    happened, why, remedy = str(caught.value).splitlines()
    assert "no browser" in happened
    assert "no apt-get" in why
    assert "STRESS_BROWSER=" in remedy


def test_browser_on_path_will_do(tool: Any, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Debian's cannot be fetched, one that is installed is used."""
    chrome = fake("chrome", "echo Google Chrome 140")
    monkeypatch.setattr(tool, "ON_PATH", (str(fake("broken", "exit 1")), str(chrome)))
    monkeypatch.setattr(tool.debian, "why_not", lambda: "there is no apt-get here")
    assert tool.got() == tool.found() == str(chrome)


@pytest.mark.parametrize("says", ["exit 1", "echo Firefox", None])
def test_named_browser_is_used_or_refused(
    tool: Any, fake: Fake, monkeypatch: pytest.MonkeyPatch, says: str | None
) -> None:
    """STRESS_BROWSER ends the search: nothing else is used in its place."""
    named = str(fake("named", says)) if says else "/nonexistent/chrome"
    monkeypatch.setenv("STRESS_BROWSER", named)
    with pytest.raises(tool.SetupError, match="STRESS_BROWSER is"):
        tool.got()
    good = fake("good", "echo Chromium 156")
    monkeypatch.setenv("STRESS_BROWSER", str(good))
    assert tool.got() == tool.found() == str(good)
