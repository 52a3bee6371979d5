"""The pinned requirements, compiled anew: every version and hash, and no index's address.

`requirements.in` names what the project needs, `pins.in` what the set-up itself needs before
there is a `.venv`.  The pins hold for every platform and every Python the project supports.
"""

from __future__ import annotations

from pathlib import Path

from cache import ROOT
from messages import say
from pypi import run_uv

TOOLS = Path(__file__).parent
OPTIONS = ("--universal", "--upgrade", "--generate-hashes", "--no-emit-index-url")
HEADER = ("--custom-compile-command", "make requirements")


def compile_pins(source: Path, *options: str) -> None:
    """Compile `source` into the .txt beside it."""
    target = source.with_suffix(".txt")
    run_uv("pip", "compile", *OPTIONS, *HEADER, *options, source, "--output-file", target)
    say(f"{target.relative_to(ROOT)} is up to date")


if __name__ == "__main__":
    compile_pins(ROOT / "requirements.in", "--python-version=3.12", "--no-annotate")
    compile_pins(TOOLS / "pins.in", "--python-version=3.14", "--no-annotate", "--no-deps")
