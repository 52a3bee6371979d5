"""Failures as files: saved whole or not at all, named by their content, read back with suspicion.

>>> import tempfile
>>> failure = {"kind": "hang", "model": "registrar", "engine": "threads", "violations": []}
>>> with tempfile.TemporaryDirectory() as folder:
...     path = save(failure, Path(folder))
...     load(path)["model"]
'registrar'

A file holds JSON and is only ever read as data: no code, no pickle, no path of the machine that
wrote it.  It may be a stranger's: how large, deep and long it is has limits, and all else that it
says is held against the schema (``stress/schemas/failure.schema.json``) before anybody looks at it.
"""

import contextlib
import functools
import hashlib
import importlib.resources
import json
import math
import re
import reprlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 2
SCHEMA: Final = "failure.schema.json"
LARGEST: Final = 16 << 20
"""Bytes of the largest file that is read: a failure is small, and a file may be a stranger's."""
LONGEST_TEXT: Final = 200
"""Characters of what is wrong with a file that are shown of it."""
DEEPEST: Final = 64
"""Lists and objects within one another."""
MOST_PARTS: Final = 3_000_000
"""Texts, brackets and commas."""
LONGEST_NUMBER: Final = 1_000
"""Digits."""
_REPR: Final = reprlib.Repr(maxstring=80, maxlong=80)
_PART: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)
"""A text, a bracket or a comma; a text that does not end goes as far as there is anything."""


class OutputError(OSError):
    """What should be saved could not be; the old content of the folder is as it was."""


class FailureFileError(ValueError):
    """The file is not a saved failure."""


def save(failure: Mapping[str, Any], folder: Path, name: str = "") -> Path:
    """Save `failure` in `folder` and return its path; its `name` is else made from its content."""
    lengths = _lengths(failure)
    whole = {"format": FORMAT, **failure, **({"lengths": lengths} if lengths else {})}
    text = json.dumps(whole, indent=1)
    path = folder / (name or f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.json")
    write(path, text)
    return path


def write(path: Path, text: str) -> None:
    """Put `text` in place of the file at `path` in one step; OutputError where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".saving-")
        try:
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123  (a descriptor)
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise OutputError(
            f"cannot write {path.name} in {path.parent}: {error.strerror or error}.\n"
            f"  Nothing was left half written.  Free some space or give another folder with --out."
        ) from error


def check_writable(folder: Path) -> None:
    """Raise OutputError now, before a run, if nothing could be saved in `folder` after it."""
    probe = folder / ".writable"
    write(probe, " " * 4096)  # an empty file fits on a full disk
    probe.unlink(missing_ok=True)  # another run may use the folder, too


def load(path: Path) -> dict[str, Any]:
    """Return the failure in the file at `path`; FailureFileError, saying why, if it is none."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _not_a_failure(path, error.strerror or str(error)) from error
    if len(content) > LARGEST:
        raise _not_a_failure(path, f"it is larger than {LARGEST >> 20} MiB")
    try:
        saved = _read(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _not_a_failure(path, f"it is not JSON ({_shortened(str(error))})") from error
    if not isinstance(saved, dict) or type(saved.get("format")) is not int:
        raise _not_a_failure(path, f"it has no field format with the value {FORMAT}")
    if saved["format"] != FORMAT:
        raise FailureFileError(
            f"{path} is of format {_shortened(str(saved['format']))}, and this version reads "
            f"format {FORMAT}.\n"
            f"  What another version saved says less, or other things, than a replay needs.\n"
            f"  Find the failure again:  stress run"
        )
    if why := _wrong(saved):
        raise _not_a_failure(path, why)
    _check_lengths(saved, path)
    return saved


def read(path: Path, version: int) -> dict[str, Any]:
    """Return the JSON object of format `version` in the file at `path`, read with like suspicion.

    OSError or ValueError (or RecursionError), saying why, where there is none.
    """
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
    saved = _read(content.decode("utf-8"))
    if not isinstance(saved, dict) or saved.get("format") != version:
        raise ValueError(f"it has no field format with the value {version}")
    return saved


def _read(text: str) -> Any:
    """Return what JSON says; ValueError for what has no one meaning, or is too deep or long."""
    _check_size(text)
    return json.loads(
        text,
        object_pairs_hook=_without_doubles,
        parse_int=_number(int),
        parse_float=_number(float),
        parse_constant=_number(float),
    )


def _check_size(text: str) -> None:
    """Raise ValueError for more parts, or deeper ones, than a parser should have to remember."""
    depth = 0
    for parts, match in enumerate(_PART.finditer(text)):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} lists and objects within one another")
        if parts > MOST_PARTS:
            raise ValueError(f"more than {MOST_PARTS:,} values")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {_shortened(double)!r} is there twice")
    return found


def _number[T: (int, float)](kind: type[T]) -> Any:
    """Return what makes a number of its digits, if it is one and not too long."""

    def made(digits: str) -> T:
        if len(digits) > LONGEST_NUMBER:
            raise ValueError(f"a number of {len(digits):,} digits, of {LONGEST_NUMBER:,} at most")
        number = kind(digits)
        if not math.isfinite(number):
            raise ValueError(f"{digits} is no number in JSON")
        return number

    return made


@functools.cache
def _validator() -> Any:
    # Imported here because it takes a tenth of a second, and most commands read no failure.
    import jsonschema  # noqa: PLC0415

    schema = importlib.resources.files("stress") / "schemas" / SCHEMA
    return jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))


def _wrong(saved: dict[str, Any]) -> str:
    """Return what of `saved` is against the schema, or ""."""
    for error in _validator().iter_errors(saved):
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            where = f" of {_place(error.absolute_path)}" if error.absolute_path else ""
            return f"it has no field {', '.join(missing)}{where}"
        said = f"{_place(error.absolute_path)} is {_REPR.repr(error.instance)}"
        limits = {
            "enum": "which is none of {}",
            "type": "which is not of type {}",
            "pattern": "which does not match {}",
            "maxLength": "which is longer than {} characters",
            "maxItems": "which has more than {} items",
            "minItems": "which has fewer than {} items",
            "maxProperties": "which has more than {} fields",
            "minimum": "which is less than {}",
            "maximum": "which is more than {}",
        }
        limit = limits.get(error.validator, "which the schema does not permit ({0})")
        value = error.validator_value
        return f"{said}, {limit.format(', '.join(value) if isinstance(value, list) else value)}"
    return ""


def _place(path: Any) -> str:
    """Return where in a file something is: ``trace.steps[3].reads``."""
    found = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return _shortened(found.removeprefix(".")) or "it"


def _shortened(text: str) -> str:
    """Return the beginning of what a stranger wrote, with nothing in it that a terminal obeys."""
    short = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in short
    )


def _lengths(failure: Mapping[str, Any]) -> dict[str, int]:
    """Return how long the lists are that a replay goes through."""
    saved = failure.get("saved")
    lists = {
        "history": failure.get("history"),
        "schedule": failure.get("schedule"),
        "calls": saved.get("calls") if isinstance(saved, Mapping) else None,
    }
    return {name: len(each) for name, each in lists.items() if isinstance(each, list)}


def _check_lengths(saved: Mapping[str, Any], path: Path) -> None:
    """Refuse lists that were cut: what is left may fail no more, and that says nothing."""
    for name, length in _lengths(saved).items():
        before = saved.get("lengths", {}).get(name)
        if before != length:
            was = "how many it had is not said" if before is None else f"{before:,} were saved"
            what = f"the list of calls is {'empty' if not length else 'cut'}"
            if name != "calls":
                what = f"the {name} is {'empty' if not length else 'cut or lengthened'}"
            raise FailureFileError(
                f"{path} is damaged: {what}: it has {length:,} entries, and {was}.\n"
                f"  What is left may fail no more, and that says nothing of the subject.\n"
                f"  Take the file as it was saved, or find the failure again:  stress run"
            )


def _not_a_failure(path: Path, why: str) -> FailureFileError:
    return FailureFileError(
        f"{path} is not a saved failure: {why}.\n"
        f"  `stress run` saves them in its output folder, under failures/."
    )
