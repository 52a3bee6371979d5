"""Whoever is killed, whenever: what was committed is there, and nobody is left over."""

from pathlib import Path

import pytest

from benchmarks.campaign import kill

pytestmark = [pytest.mark.slow, pytest.mark.threads]


def test_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    """The folder opens after each kill, and the campaign goes on from it."""
    path = tmp_path / "night"
    for whom, after in (("coordinator", 0.4), ("worker", 0.7), ("coordinator", 1.3)):
        found = kill(path, whom, after, ["spsc-ring"])

        assert found.sound
        assert (found.lost, found.left) == (0, 0)
