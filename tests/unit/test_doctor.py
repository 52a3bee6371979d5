"""`stress doctor`: what it reads is so, and what it cannot have it says."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stress import doctor, registry
from stress.cli import main
from stress.doctor import Reading, readings
from stress.host import Host, gil_enabled


def read(models: tuple[str, ...] = ()) -> dict[str, Reading]:
    """Return the readings by name; of several with one name, the last."""
    return {reading.name: reading for reading in readings(models)}


def in_a_process(prepare: Callable[[], Any]) -> tuple[int, dict[str, Any]]:
    """Return the status and the readings of ``stress doctor`` after `prepare` in its process."""
    done = subprocess.run(
        [sys.executable, "-m", "stress", "doctor", "--json"],
        preexec_fn=prepare,
        capture_output=True,
        check=False,
        timeout=60,
    )
    found = json.loads(done.stdout)
    return done.returncode, {each["name"]: each for each in found["readings"]}


@pytest.mark.slow
def test_doctor_says_what_each_option_of_real_threads_does_here() -> None:
    """The registrar's usual backend and layout work, and were tried."""
    found = CliRunner().invoke(main, ["doctor", "--json"])
    readings = json.loads(found.stdout)["readings"]
    tried = {each["name"]: each["found"] for each in readings if each["state"] == "ok"}

    assert "mprotect" in tried["registrar --backend"]
    assert "small" in tried["registrar --layout"]
    assert found.exit_code == (3 if gil_enabled() or Host.of_this_process().cores < 2 else 0)


@pytest.mark.slow
def test_doctor_finds_real_threads_pointless_on_one_core() -> None:
    """On one core the status is 3, and the reading says what to do."""
    status, found = in_a_process(lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}))

    assert status == 3
    assert found["cores"]["state"] == "missing"
    assert "taskset" in found["cores"]["advice"]


@pytest.mark.slow
def test_doctor_tells_a_backend_that_a_limit_forbids() -> None:
    """Without address space no mapping can be had, and the reading says so."""
    little = 3 << 30
    status, found = in_a_process(lambda: resource.setrlimit(resource.RLIMIT_AS, (little, little)))

    assert status in (0, 3)
    assert found["address space"]["state"] == "limited"
    assert found["registrar --layout"]["state"] == "limited"
    assert "ulimit -v" in found["registrar --layout"]["advice"]


def test_doctor_finds_real_threads_pointless_with_the_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the GIL on, the reading says that real threads prove nothing."""
    monkeypatch.setattr("stress.host.gil_enabled", lambda: True)
    reading = read()["GIL"]

    assert reading.state == "missing"
    assert "prove nothing" in reading.meaning
    assert "3.14t" in reading.advice


@pytest.mark.parametrize(
    ("machine", "told"),
    [("x86_64", "TSO"), ("AMD64", "TSO"), ("aarch64", "weak"), ("ppc64le", "not multi-copy")],
)
def test_doctor_knows_what_a_processor_reorders(
    machine: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor is told with its memory model; none shows all that C11 permits."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    reading = read()["processor"]

    assert told in reading.found
    assert reading.state == "limited"


def test_doctor_does_not_guess_an_unknown_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a processor that it does not know, it says so."""
    monkeypatch.setattr("platform.machine", lambda: "vax")

    assert "not known" in read()["processor"].meaning


def test_doctor_tells_a_model_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that does not load is a reading, not the end of all readings."""

    def broken(name: str) -> Any:
        raise registry.BrokenModelError(f"the model {name!r} cannot be loaded")

    monkeypatch.setattr(registry, "find", broken)
    found = read(("wreck",))

    assert found["wreck"].state == "missing"
    assert "limits" in found


def test_doctor_tells_a_folder_it_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be saved, it says so beforehand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert read()["this folder"].state == "missing"


def test_doctor_tells_a_quota_below_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quota of less time than the cores have stops threads all at once: that is said."""
    monkeypatch.setattr(doctor, "_quota", lambda: 0.5)
    monkeypatch.setattr(Host, "of_this_process", lambda: Host("CPython", gil=False, cores=2))
    reading = read()["cores"]

    assert reading.state == "limited"
    assert "0.5 by quota" in reading.found
