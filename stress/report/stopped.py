r"""Where threads stood when they hung or the interpreter died: what is the subject's, and no more.

>>> print(shortened(['worker 0\n'
...     '  File "/usr/lib/python3.14/threading.py", line 9, in run\n    self._target()\n'
...     '  File "/home/me/stack.py", line 7, in pop\n    self._lock.acquire()\n'])[0])
thread 0
  stack.py:7  pop  self._lock.acquire()
  and 1 frame of the harness and the library

The innermost frame comes last, as in a traceback.  Frames of the harness and of Python's library
are counted, and a thread that has no others is only named.
"""

import re
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

FRAME: Final = re.compile(
    r'\s*File "(?P<file>[^"]*)", line (?P<line>\d+)(?:,? in (?P<function>.*))?'
)
"""As `traceback` and as `faulthandler` write it."""
NEWEST_FIRST: Final = "(most recent call first):"
OF_HARNESS: Final = re.compile(
    r"<frozen |(?:^|.*[/\\])"
    r"(?:stress[/\\](?:\w+[/\\])*\w+\.py$|registrar[/\\]sync[/\\]|lib(?:64)?[/\\]python3)",
    re.IGNORECASE,
)
LIBRARY: Final = Path(sysconfig.get_path("stdlib"))
DIED: Final = "the thread that died"
OF_C: Final = re.compile(r'\s*Binary file "')
MOST: Final = 12
"""Frames of one thread that are shown: the innermost."""
LINES: Final = 6
"""Lines that are shown of what is no stack."""


@dataclass(slots=True)
class _Thread:
    """A thread, and where it stood, the innermost frame last."""

    name: str
    frames: list[tuple[str, str, str]] = field(default_factory=list)
    """Place, function and source of what is not the harness'."""
    innermost: str = ""
    """Of all frames, the harness' included."""
    folded: int = 0
    beneath: int = 0
    """Frames of C that are told of it."""
    turned: bool = False
    """Whether the innermost frame comes first in what was saved."""


def shortened(stacks: Sequence[str]) -> list[str]:
    """Return the stacks without what is not the subject's; lines that are no stack come first."""
    threads: list[_Thread] = []
    others: list[str] = []
    for stack in stacks:
        _read(stack.splitlines(), threads, others)
    shown = [_spelled(each) for each in threads if each.frames or each.name == DIED]
    idle = [called(each.name) for each in threads if not each.frames and each.name != DIED]
    found = ["\n".join(others[:LINES])] if others else []
    if idle:
        shown.append(f"{', '.join(idle)}: in the harness or the library alone")
    return found + shown


def called(thread: str) -> str:
    """Return what a thread is called where reports tell of it."""
    return re.sub(r"^worker (?=\d)", "thread ", thread)


def _read(lines: list[str], threads: list[_Thread], others: list[str]) -> None:
    """Read the threads of one saved text, and what else it says."""
    name, thread = "", None
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        if line.rstrip().endswith(NEWEST_FIRST):
            if "C stack" not in line:
                thread = _Thread(_called(line), turned=True)
                threads.append(thread)
        elif match := FRAME.fullmatch(line):
            if thread is None:
                thread = _Thread(name or "a thread")
                threads.append(thread)
            _note(thread, match, after)
        elif OF_C.match(line) and thread is not None:
            thread.beneath += 1
        elif line[:1].strip():
            others += [name] * bool(name and thread is None)
            name, thread = line.strip(), None
        elif line.strip() and not FRAME.fullmatch(before):
            others += [name] * bool(name and thread is None) + [line.rstrip()]
            name = ""
    others += [name] * bool(name and thread is None)


def _called(heading: str) -> str:
    """Return what a thread is called, from the heading that `faulthandler` gives it."""
    if heading.startswith(("Current thread", "Stack")):
        return DIED
    return heading.replace(NEWEST_FIRST, "").strip().replace("Thread", "thread")


def _note(thread: _Thread, match: re.Match[str], following: str) -> None:
    place = f"{re.split(r'[/\\]', match['file'])[-1]}:{match['line']}"
    function = (match["function"] or "").strip()
    if not (thread.innermost and thread.turned):
        thread.innermost = f"{place}  {function}"
    if _is_harness(match["file"]):
        thread.folded += 1
        return
    source = following.strip() if following[:4].isspace() and not FRAME.match(following) else ""
    thread.frames.append((place, function, source))


def _is_harness(file: str) -> bool:
    """Return whether a frame is in the harness or Python's library.

    What is saved names a file of the library as it is imported: ``threading.py``.
    """
    return bool(OF_HARNESS.match(file)) or (
        not file.startswith(("/", "..")) and (LIBRARY / file).is_file()
    )


def _spelled(thread: _Thread) -> str:
    frames = thread.frames[::-1] if thread.turned else thread.frames
    left, frames = len(frames[:-MOST]), frames[-MOST:]
    wide = [max((len(frame[at]) for frame in frames), default=0) for at in (0, 1)]
    rows = [
        f"  {place:<{wide[0]}}  {function:<{wide[1]}}  {source}".rstrip()
        for place, function, source in frames
    ]
    counted = [
        f"  {_frames(left, 'outer ')}, and then" * bool(left),
        *(rows or [f"  {thread.innermost}"]),
        f"  and {_frames(thread.folded)} of the harness and the library" * bool(thread.folded),
        f"  and {_frames(thread.beneath)} of C" * bool(thread.beneath),
    ]
    return "\n".join([called(thread.name), *filter(None, counted)])


def _frames(count: int, which: str = "") -> str:
    return f"{count:,} {which}frame{'s' * (count != 1)}"
