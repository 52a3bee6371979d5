"""The nightly workflow's own steps, carried out one after another, night after night.

What `run` says is given to bash as a runner would give it, on this checkout; `gh` is a script
that keeps artifacts and issues in a folder, and what a step uploads is copied there.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "nightly.yml"
BUGGY = '''
from registrar.sync import RELAXED
from stress.model import Model, operation


class Tally:
    def __init__(self, sync):
        self._value = sync.word(0, name="value")

    def bump(self):
        old = self._value.load(RELAXED)
        self._value.store(old + 1, RELAXED)
        return old


class TallyModel(Model[Tally]):
    """A count, whose threads undo what others count."""

    subject = Tally
    value: int = 0

    @operation
    def bump(self):
        self.value += 1
        return self.value - 1
'''


class Runner:
    """A machine that runs jobs of the workflow, and what it would find on GitHub."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
        self.github = folder / "github"
        for name in ("artifacts", "issues"):
            (self.github / name).mkdir(parents=True)
        (self.github / "runs").write_text("")
        commands = folder / "commands"
        commands.mkdir()
        gh = commands / "gh"
        gh.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).parent}/gh.py" "$@"\n')
        gh.chmod(0o755)
        self._models = folder / "models"
        offer = self._models / "buggy-1.dist-info"
        offer.mkdir(parents=True)
        (offer / "METADATA").write_text("Metadata-Version: 2.1\nName: buggy\nVersion: 1\n")
        (offer / "entry_points.txt").write_text("[stress.models]\ntally = buggy:TallyModel\n")
        (self._models / "buggy.py").write_text(BUGGY)

    def run(self, job: str, night: int, **more: str) -> dict[str, int]:
        """Carry out `job` of the run `night` in a fresh checkout; return each step's status."""
        checkout = self._folder / f"{job}-{night}-{more.get('SHARD', '')}"
        checkout.mkdir()
        for path in ROOT.iterdir():
            if path.name not in {"nights", "night", "shards", ".stress", ".hypothesis"}:
                (checkout / path.name).symlink_to(path)
        statuses: dict[str, int] = {}
        for step in self._jobs[job]["steps"]:
            if "run" in step and (all(s == 0 for s in statuses.values()) or "if" in step):
                done = self._carried_out(step, checkout, night, more)
                statuses[step.get("name", step["run"])] = done.returncode
            elif "upload-artifact" in step.get("uses", ""):
                name = step["with"]["name"].partition("${{")[0] + more.get("SHARD", "")
                source = checkout / step["with"]["path"]
                if source.exists():
                    shutil.copytree(source, self.github / "artifacts" / str(night) / name)
        return statuses

    def _carried_out(
        self, step: dict[str, Any], checkout: Path, night: int, more: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        summary = self._folder / f"summary-{night}"
        given = {"GH_TOKEN": "token", "RUN": str(night)}
        own = {name: given.get(name, "") for name in step.get("env", {})}
        environment = {
            "PATH": f"{self._folder / 'commands'}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", ""),
            "PYTHONPATH": str(self._models),
            "FAKE_GITHUB": str(self.github),
            "GITHUB_ENV": str(self._folder / "env"),
            "GITHUB_STEP_SUMMARY": str(summary),
            "MINUTES": "0.1",
            "MODELS": "tally once",
            "SEED": str(night),
            "NIGHT": str(night),
        }
        return subprocess.run(  # noqa: S603
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],  # noqa: S607
            cwd=checkout,
            env=environment | own | more,
            text=True,
            check=False,
            timeout=110,
        )

    def over(self, night: int) -> None:
        """Let the run `night` be over, so that later ones find what it left."""
        runs = self.github / "runs"
        runs.write_text(f"{night}\n{runs.read_text()}")

    def issues(self) -> list[str]:
        """Return the issues, in the order in which they were opened."""
        paths = sorted((self.github / "issues").iterdir(), key=lambda path: int(path.name))
        return [path.read_text(encoding="utf-8") for path in paths]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nights_find_a_fault_once(tmp_path: Path) -> None:
    """The fault becomes one issue the first night, of two shards; the second night knows it."""
    runner = Runner(tmp_path)
    for night, shards in ((1, "01"), (2, "0")):
        for shard in shards:
            done = runner.run("campaign", night, SHARD=shard)
            assert list(done.values())[:-1] == [0] * (len(done) - 1)
            assert done["The campaign"] in (1, 3)  # 3: where threads cannot run in parallel
        assert runner.run("gather", night)["One night of them, and what is new in it"] == 1
        runner.over(night)

    opened = runner.issues()
    assert opened
    for text in opened:
        title, command, *_ = text.splitlines()
        assert title.startswith("tally")
        assert command.startswith("stress replay nights/failures/")
    assert len({text.splitlines()[0] for text in opened}) == len(opened)
