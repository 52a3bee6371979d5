"""The pictures in the documentation: all there, small, and of pages that can be made."""

import pytest

from tests.browser.screenshots import PLACE, SHOTS, Shot

BYTES = 300_000


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_screenshot_is_there_and_can_be_made_anew(shot: Shot) -> None:
    """What a picture shows is what was saved: its page can still be made."""
    assert (PLACE / f"{shot.name}.png").stat().st_size < BYTES
    assert shot.source().startswith("<!DOCTYPE html>")


def test_screenshots_are_those_that_are_made() -> None:
    """No picture is left that `make screenshots` does not make."""
    assert {path.stem for path in PLACE.iterdir()} == {shot.name for shot in SHOTS}
