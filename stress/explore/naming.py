"""Where in the source a thread stands, and what the user calls the word or lock it uses there.

Nobody should have to name a word twice: the variable that holds it has a name already.  It is
looked for where the word is used (a local, a variable of an enclosing function, an attribute of
``self``, an item of a list), and, if that is not the same everywhere, from the functions that the
threads run.
"""

import linecache
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, FunctionType, MethodType, TracebackType
from typing import Any, Final

HARNESS: Final = tuple(
    f"{Path(__file__).parents[1] / part}{end}" for part in ("explore", "threads") for end in "/\\"
)
"""Where the simulated machine is, and what observes a subject on either machine."""
DEPTH: Final = 6
"""How many functions, attributes and items the way to a name may go through."""
LOOKED_AT: Final = 2_000
"""Objects that are looked at for one name, at most."""

_LEAVES: Final = (int, str, bytes, float, type(None), type)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread stands."""

    where: str = ""
    """``file.py:line``, relative to the current directory; empty inside the harness."""
    source: str = ""
    """The line."""
    call: str = ""
    """The method of the `Sync`, or of what it makes, that was called there."""
    called: Any = None
    """What it is a method of."""
    frame: FrameType | None = None
    function: str = ""
    """The qualified name of the function that the line is in."""


def place_of(frame: FrameType | None) -> Place:
    """Return the innermost place in user code that `frame` was called from."""
    call, called = "", None
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(HARNESS):
            where, source = _line(name, frame.f_lineno)
            return Place(where, source, call, called, frame, frame.f_code.co_qualname)
        call, called = frame.f_code.co_name, frame.f_locals.get("self")
        frame = frame.f_back
    return Place(call=call)


def place_of_error(error: BaseException) -> Place:
    """Return the innermost place in user code that `error` came from."""
    found = Place()
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith(HARNESS):
            function = trace.tb_frame.f_code.co_qualname
            found = Place(*_line(name, trace.tb_lineno), function=function)
        trace = trace.tb_next
    return found


def _line(file: str, number: int) -> tuple[str, str]:
    return f"{relative(file)}:{number}", linecache.getline(file, number).strip()


def relative(file: str) -> str:
    """Return `file` as seen from the current directory, or its name alone if it is not below it."""
    path = Path(file)
    if path.is_relative_to(Path.cwd()):
        return path.relative_to(Path.cwd()).as_posix()
    return path.name


@dataclass(slots=True)
class Names:
    """What locations are called."""

    given: dict[int, str]
    """The names that the scenario gave, by location."""
    seen: dict[int, list[str]] = field(default_factory=dict)
    """The names that were found where a location is used."""
    paths: dict[int, str] = field(default_factory=dict)
    """How it is reached from the functions of the threads."""
    _looked: set[tuple[int, Any, int]] = field(default_factory=set)

    def notice(self, location: int, place: Place, function: Any) -> None:
        """Look for the name of `location`, which is used at `place` by a thread of `function`."""
        frame = place.frame
        if self.given.get(location) or place.called is None or frame is None:
            return
        spot = location, frame.f_code, frame.f_lasti
        if spot in self._looked:
            return
        self._looked.add(spot)
        name = found_in(frame, place.called)
        if name:
            self.seen.setdefault(location, []).append(name)
        if location not in self.paths and (path := path_to(place.called, {"": function})):
            self.paths[location] = path

    def resolved(self, kinds: dict[int, str]) -> dict[int, str]:
        """Return a name for each location, no two the same; `kinds`: word, cell or lock."""
        alone = Counter(name for names in self.seen.values() for name in set(names))
        found: dict[int, str] = {}
        for location in sorted(kinds):
            names = self.seen.get(location, [])
            if given := self.given.get(location):
                found[location] = given
            elif len(set(names)) == 1 and alone[names[0]] == 1:
                found[location] = names[0]
            else:
                found[location] = self.paths.get(location, names[0] if names else "")
        counts = Counter(self.given.values())
        return distinct({at: name or _numbered(kinds[at], counts) for at, name in found.items()})


def _numbered(kind: str, counts: Counter[str]) -> str:
    counts[kind] += 1
    return f"{kind} {counts[kind]}"


def distinct(names: dict[int, str]) -> dict[int, str]:
    """Return `names`, the second that is called ``bump`` as ``bump 2``.

    >>> distinct({0: "main", 1: "bump", 2: "bump"})
    {0: 'main', 1: 'bump', 2: 'bump 2'}
    """
    found: dict[int, str] = {}
    taken: set[str] = set()
    for key, name in names.items():
        new, number = name, 1
        while new in taken or (number > 1 and new in names.values()):
            number += 1
            new = f"{name} {number}"
        found[key] = new
        taken.add(new)
    return found


def found_in(frame: FrameType | None, target: object) -> str:
    """Return what `target` is called in `frame` or in the user's frames that called it, or ""."""
    while frame is not None and not frame.f_code.co_filename.startswith(HARNESS):
        path = path_to(target, frame.f_locals)
        if path:
            return path
        frame = frame.f_back
    return ""


def path_to(target: object, roots: dict[str, Any]) -> str:
    """Return the shortest way to `target` from the variables in `roots`, or "".

    >>> words = [object(), object()]
    >>> path_to(words[1], {"x": 3, "words": words})
    'words[1]'
    """
    waiting = deque((name, value, 0) for name, value in roots.items())
    seen: set[int] = set()
    while waiting and len(seen) < LOOKED_AT:
        path, value, depth = waiting.popleft()
        if value is target:
            return path
        if depth < DEPTH and id(value) not in seen:
            seen.add(id(value))
            waiting.extend((step, found, depth + 1) for step, found in _within(path, value))
    return ""


def _within(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what `value` holds, each with how to reach it from `path`."""
    if isinstance(value, _LEAVES):
        return
    if isinstance(value, FunctionType):
        yield from _closure(value)
    elif isinstance(value, MethodType):
        yield "self", value.__self__
    elif isinstance(value, list | tuple):
        yield from ((f"{path}[{number}]", item) for number, item in enumerate(value))
    elif isinstance(value, dict):
        yield from ((f"{path}[{key!r}]", item) for key, item in list(value.items()))
    elif not type(value).__module__.startswith(("stress.explore.", "builtins")):
        yield from ((f"{path}.{name}", item) for name, item in _attributes(value))


def _closure(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the variables that `function` has from the functions around it."""
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # an empty cell
            yield name, cell.cell_contents


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what `value` stores; properties are not asked."""
    yield from list(getattr(value, "__dict__", {}).items())
    for name in _slots(type(value)):
        with suppress(AttributeError):  # not set
            yield name, getattr(value, name)


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
