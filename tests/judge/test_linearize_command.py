"""`stress linearize`: what it says, as text and as JSON, and its exit status."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stress.commands.criterion import named
from stress.commands.linearize import linearize
from stress.history import Span
from stress.judge.builtin import SPECIFICATIONS
from stress.judge.jepsen import lines_of, read
from stress.judge.vocabulary import VOCABULARIES
from tests.judge.histories import legal, mutated
from tests.judge.oracle import longest, real_time, respects, states_after

RECORDED = Path(__file__).parent / "recorded"
STORIES = sorted(RECORDED.glob("*/*.jsonl"))
KEYS = {"verdict", "operations", "skipped", "steps", "seconds", "witness", "by"}


def run(*arguments: str | Path, text: str = "") -> Result:
    """Run the command, with `text` as its standard input."""
    return CliRunner().invoke(linearize, list(map(str, arguments)), input=text)


def judged(*arguments: str | Path, text: str = "") -> dict[str, Any]:
    """Return the JSON that the command prints."""
    found = json.loads(run(*arguments, "--json", text=text).stdout)
    assert isinstance(found, dict)
    return found


def written(calls: list[Span], *, timed: bool = True) -> str:
    """Return calls that all have distinct instants as lines of Jepsen."""
    entries = []
    for call in calls:
        value = list(call.arguments) if len(call.arguments) > 1 else (*call.arguments, None)[0]
        entries.append((call.start, call, "invoke", value))
        if call.outcome != "info":
            entries.append((call.end, call, call.outcome, call.result))
    entries.sort(key=lambda entry: entry[0])
    lines = [
        {"process": call.process, "type": kind, "f": call.f, "value": value}
        | ({"time": time} if timed else {})
        for time, call, kind, value in entries
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


STALE = """\
{"process": 0, "type": "invoke", "f": "write", "value": 1}
{"process": "nemesis", "type": "info", "f": "start"}
{"process": 0, "type": "ok", "f": "write", "value": 1}
{"process": 1, "type": "invoke", "f": "read", "value": null}
{"process": 1, "type": "ok", "f": "read", "value": null}
"""


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.parent.name}/{story.stem}")
def test_story_has_the_verdict_of_its_folder(story: Path) -> None:
    """The model is the first word of its name; `mismatch`: illegal if a failed cas is one."""
    model, folder = story.name.split(".")[0], story.parent.name
    options = ["--failed-cas", "mismatch"] if folder == "mismatch" else []
    result = run(story, "--model", model, *options)

    assert result.exit_code == (0 if folder == "ok" else 1), result.output
    assert max(map(len, result.output.splitlines()[:2])) <= 92
    if folder == "mismatch":
        assert run(story, "--model", model).exit_code == 0


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.parent.name}/{story.stem}")
def test_witness_of_story_is_right(story: Path) -> None:
    """A legal order is one; else no more calls can be placed, and the misfit cannot."""
    model, folder = story.name.split(".")[0], story.parent.name
    if folder == "mismatch":
        return
    found = judged(story, "--model", model)
    with story.open("rb") as file:
        calls = read(lines_of(file), VOCABULARIES[model]()).calls
    specification, before = SPECIFICATIONS[model], real_time(calls)

    assert found.keys() == KEYS
    assert found["verdict"] == folder
    assert found["operations"] == len(calls)
    assert (longest(calls, specification, before) is None) is (folder == "ok")
    if folder == "ok":
        assert respects(found["witness"], before)
        assert states_after(calls, specification, found["witness"])
        return
    prefix, misfit = found["witness"]["prefix"], found["witness"]["misfit"]
    assert states_after(calls, specification, prefix)
    assert misfit not in prefix
    assert not states_after(calls, specification, [*prefix, misfit])


def test_report_shows_the_call_that_cannot_be_placed() -> None:
    """Above it, when it was made and when the others were."""
    result = run("-", "--model", "register", text=STALE)

    assert result.exit_code == 1
    assert result.output.splitlines()[2:] == [
        "history   standard input: 2 calls of 2 processes; 1 line of others skipped",
        "judged    by the monitor for register, in 0.0 s",
        "",
        "P0  ├─ write(1) ┤",
        "P1               ├─ read() = null ┤",
        "    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ time ▸",
        "",
        "longest legal order   P0 write(1)",
        "cannot be placed      P1 read() = null",
    ]


def test_open_calls_are_drawn_without_end() -> None:
    """They lead out of the drawing; the read that nothing explains is named."""
    lines = [
        '{"process": 0, "type": "invoke", "f": "write", "value": 1}',
        '{"process": 0, "type": "info", "f": "write"}',
        '{"process": 0, "type": "invoke", "f": "read"}',
        '{"process": 0, "type": "ok", "f": "read", "value": 2}',
    ]
    result = run("-", "--model", "register", text="\n".join(lines))

    assert result.exit_code == 1
    assert "P0  ├─ write(1) … ─▸\nP0   ├─ read() = 2 ┤" in result.output
    assert "1 never returned" in result.output


def test_calls_on_other_keys_are_left_out() -> None:
    """What has nothing to do with the misfit is neither drawn nor named."""
    result = run(RECORDED / "illegal" / "kv.one_key_of_two.jsonl", "--model", "kv")

    assert 'put("x", "1")' in result.output
    assert '"y"' not in result.output
    assert "Calls on other keys, 2, have nothing to do with it." in result.output


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(set(SPECIFICATIONS) - {"kv"}))
def test_report_of_larger_history_fits_its_width(model: str) -> None:
    """However many calls there are, no line is wider than 92 columns."""
    for seed in range(6):
        calls = mutated(legal(model, Random(seed), calls=60, processes=5), Random(seed), 3)
        result = run("-", "--model", model, text=written(calls))

        assert result.exit_code in (0, 1)
        assert max(map(len, result.output.splitlines())) <= 92
        assert ("cannot be placed" in result.output) is (result.exit_code == 1)


@pytest.mark.slow
@pytest.mark.parametrize("timed", [True, False])
def test_json_says_what_was_read(*, timed: bool) -> None:
    """Operations are the calls kept; the witness has them all, the open one perhaps."""
    calls = legal("queue", Random(1), calls=50, processes=3, opened=0.05)
    text = written(calls, timed=timed)
    found = judged("-", "--model", "queue", text=text)

    assert found["verdict"] == "ok"
    assert found["operations"] == 50
    ended = {index for index, call in enumerate(calls) if call.outcome != "info"}
    assert ended <= set(found["witness"]) <= set(range(50))
    assert respects(found["witness"], real_time(calls))


@pytest.mark.parametrize("model", ["register", "queue", "stack", "priority-queue", "set"])
def test_times_with_fractions_change_no_verdict(model: str) -> None:
    """Of times only the order tells: the witness is that of whole numbers."""
    for seed in range(30):
        calls = legal(model, Random(seed), calls=9, processes=3, opened=0.1)
        calls = mutated(calls, Random(seed), seed % 2)
        shorter = [call._replace(start=call.start / 8, end=call.end / 8) for call in calls]  # type: ignore[arg-type]
        whole, fraction = (
            judged("-", "--model", model, text=written(each)) for each in (calls, shorter)
        )

        assert fraction["verdict"] == whole["verdict"]
        assert fraction["witness"] == whole["witness"]


def test_value_that_is_half_a_character_is_printed_as_json() -> None:
    """JSON can say it, and UTF-8 cannot."""
    text = STALE.replace("1}", r'"\ud800"}')

    result = run("-", "--model", "register", text=text)

    assert result.exit_code == 1
    assert r'write("\ud800")' in result.output


def test_deeply_nested_value_is_refused() -> None:
    """Whatever the depth, it is judged, or refused on the line where it stands."""
    for depth in (90, *range(101, 1_100, 20), 985, 990):
        result = run(
            "-", "--model", "register", text=STALE.replace("1}", "[" * depth + "]" * depth + "}")
        )

        assert result.exit_code == (1 if depth == 90 else 2), depth
        assert depth == 90 or re.search(r"line 1 .* nested too deeply", result.stderr), depth


def test_witness_is_null_where_nothing_is_known() -> None:
    """UNKNOWN is status 3, and no verdict: neither order nor misfit."""
    calls = legal("queue", Random(5), calls=200, processes=8, opened=0.02)
    text = written(calls)
    found = judged("-", "--model", "queue", "--budget", "0.1", text=text)
    result = run("-", "--model", "queue", "--budget", "0.1", text=text)

    assert found["verdict"] == "unknown"
    assert found["witness"] is None
    assert found["by"] == "wgl"
    assert found["steps"] > 0
    assert result.exit_code == 3
    assert "This is no pass" in " ".join(result.output.split())


WRONG: dict[str, tuple[list[str], str, str]] = {
    "no model": (["-"], STALE, "--model"),
    "an unknown model": (["-", "--model", "heap"], STALE, "ones are register, cas-register"),
    "no such file": (["nowhere.jsonl", "--model", "set"], "", "No such file"),
    "a folder": ([".", "--model", "set"], "", "directory"),
    "no lines": (["-", "--model", "set"], "", "no line"),
    "another model's history": (["-", "--model", "set"], STALE, "line 1 .* does not have"),
    "a damaged line": (["-", "--model", "register"], STALE + "{", "line 6 .* damaged"),
    "a budget of nothing": (["-", "--model", "set", "--budget", "0"], STALE, "no time"),
    "a failed cas of a register": (
        ["-", "--model", "register", "--failed-cas", "mismatch"],
        STALE,
        "register has none",
    ),
    "garbage": (["-", "--model", "register"], "garbage\n" * 100, "line 1 .* damaged"),
}


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(("arguments", "text", "why"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_status_2(
    arguments: list[str], text: str, why: str, *, as_json: bool
) -> None:
    """It says why on standard error, and judges nothing."""
    result = run(*arguments, *(["--json"] if as_json else []), text=text)

    assert result.exit_code == 2
    assert not result.stdout
    assert re.search(why, result.stderr)


def test_specifications_are_found_by_name() -> None:
    """Every one of the table is, with what reads its operations."""
    for name in SPECIFICATIONS:
        assert named(name).specification is SPECIFICATIONS[name]
    with pytest.raises(LookupError, match="there is no model 'heap'"):
        named("heap")
