"""The workflows: what they may do, what they run, and that what they run is there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml
from hypothesis import settings

from stress.commands.run import run

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
VARIABLES = {"MINUTES": "40", "MODELS": "", "SEED": "7", "WITHIN": ""}
"""What the workflows' own variables may stand for."""

workflows = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def jobs(path: Path) -> dict[str, Any]:
    """Return the jobs of the workflow at `path` by name."""
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def scripts(path: Path) -> Iterator[str]:
    """Yield the commands of the workflow at `path`, each on a line of its own."""
    for job in jobs(path).values():
        for step in job["steps"]:
            yield from step.get("run", "").replace("\\\n", "").splitlines()


def arguments_of_stress(line: str) -> list[str] | None:
    """Return what `line` passes to ``stress run``, if it runs it, by itself or through make."""
    line = Template(line.replace("$((SEED * 100 + SHARD))", "703")).safe_substitute(VARIABLES)
    made = re.search(r"make stress ARGS=\"([^\"]*)\"", line)
    called = re.search(r"stress run ([^|;&]*)", line)
    passed = made or called
    return shlex.split(passed[1]) if passed else None


def test_workflows_are_there() -> None:
    """A change is checked by one workflow and every night by another."""
    assert {path.name for path in WORKFLOWS} == {"ci.yml", "nightly.yml"}


@workflows
def test_workflow_may_do_nothing_by_default(path: Path) -> None:
    """The workflow has no permissions; its jobs ask for the few they need, to read.

    One job may open issues: the one that says what is new.
    """
    whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    asked = {name: job.get("permissions", {}) for name, job in jobs(path).items()}
    if path.name == "nightly.yml":
        assert asked["gather"].pop("issues") == "write"

    assert whole["permissions"] == {}
    assert {right for given in asked.values() for right in given.values()} <= {"read"}


def test_nightly_gives_its_token_to_those_who_need_it() -> None:
    """Only the steps that fetch artifacts or open issues are given the token."""
    for job in jobs(ROOT / ".github" / "workflows" / "nightly.yml").values():
        assert "GH_TOKEN" not in job.get("env", {})
        for step in job["steps"]:
            script = step.get("run", "")
            given = "GH_TOKEN" in step.get("env", {})
            needs = script.startswith(("tools/artifact.sh", "tools/issues.sh", "gh run download"))
            assert given == needs, script


@workflows
def test_workflow_pins_actions_by_commit(path: Path) -> None:
    """Each action is pinned by a full commit, and a comment names the release that it is."""
    lines = path.read_text(encoding="utf-8").splitlines()
    used = [line for line in lines if re.search(r"\buses:", line)]

    assert used
    for line in used:
        assert re.search(r"uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@workflows
def test_workflow_keeps_no_credentials(path: Path) -> None:
    """No checkout leaves its token behind for the steps after it."""
    steps = [step for job in jobs(path).values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]

    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


@workflows
def test_workflow_names_no_host(path: Path) -> None:
    """Where packages come from is the set-up's business: a workflow names no host at all."""
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"://|\b[\w-]+\.(?:com|org|io|dev|net)\b", text) == []


@workflows
def test_workflow_ends_in_time(path: Path) -> None:
    """Each job has a time limit: the default is six hours."""
    assert all(0 < job["timeout-minutes"] <= 180 for job in jobs(path).values())


@workflows
def test_workflow_makes_what_makefile_has(path: Path) -> None:
    """Each target that the workflow makes is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    made = {found for line in scripts(path) for found in re.findall(r"\bmake ([\w-]+)", line)}

    assert made
    assert made <= targets


@workflows
def test_workflow_runs_stress_as_it_is(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each option and value that the workflow gives to ``stress run`` is one it takes."""
    given = [arguments_of_stress(line) for line in scripts(path)]
    runs = [arguments for arguments in given if arguments is not None]
    monkeypatch.chdir(tmp_path)
    Path("nights").mkdir()  # an earlier step has made it

    assert runs
    for arguments in runs:
        run.make_context("stress run", arguments)  # a usage error where it does not


@workflows
def test_workflow_expands_nothing_in_a_script(path: Path) -> None:
    """What a stranger may have written reaches a script as a variable, never as its text."""
    assert not any("${{" in line for line in scripts(path))


def test_nightly_expects_unknown_without_parallel_threads() -> None:
    """With the GIL, and on one core, any status but 3 fails the night."""
    job = jobs(ROOT / ".github" / "workflows" / "nightly.yml")["unknown"]
    kinds = {kind["name"]: kind for kind in job["strategy"]["matrix"]["include"]}
    script = "\n".join(step.get("run", "") for step in job["steps"])

    assert not kinds["gil"]["python"].endswith("t")
    assert kinds["one-core"]["within"] == "taskset -c 0"
    assert '|| status=$?\ntest "$status" -eq 3' in script


@pytest.mark.parametrize("job", ["campaign", "tests"])
def test_nightly_runs_both_architectures_and_both_versions(job: str) -> None:
    """Campaigns and tests run on x86-64 and arm64, on 3.14t and 3.15t."""
    matrix = jobs(ROOT / ".github" / "workflows" / "nightly.yml")[job]["strategy"]["matrix"]

    assert matrix["os"] == ["ubuntu-24.04", "ubuntu-24.04-arm"]
    assert matrix["python"] == ["3.14t", "3.15t"]


def test_nightly_shards_have_seeds_of_their_own() -> None:
    """Each shard's seed is made of the night's and of its own number among all shards."""
    job = jobs(ROOT / ".github" / "workflows" / "nightly.yml")["campaign"]
    script = "\n".join(step.get("run", "") for step in job["steps"])

    assert job["env"]["SHARD"] == "${{ strategy.job-index }}"
    assert '--seed "$((SEED * 100 + SHARD))"' in script


def test_nightly_profile_finds_new_examples_and_keeps_them() -> None:
    """The profile that the night runs with is neither derandomised nor without a database."""
    job = jobs(ROOT / ".github" / "workflows" / "nightly.yml")["machines"]
    profile = settings.get_profile(job["env"]["HYPOTHESIS_PROFILE"])

    assert not profile.derandomize
    assert profile.database is not None
    assert ".hypothesis/examples/" in [
        step["with"].get("path") for step in job["steps"] if "with" in step
    ]


def test_gate_needs_every_other_job() -> None:
    """The job that a merge waits for needs all others, and runs when one has failed."""
    found = jobs(ROOT / ".github" / "workflows" / "ci.yml")
    gate = found.pop("all-green")

    assert sorted(gate["needs"]) == sorted(found)
    assert gate["if"] == "always()"
