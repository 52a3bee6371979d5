"""``python install.py NAME REQUIREMENT PYTHON``: an environment with one peer, in the cache.

Prints the path of its interpreter.  It is made once, by the tools of the set-up, which know how
packages are got on this machine; a failure is status 1, and the reason on standard error.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from cache import folder, made_once  # type: ignore[import-not-found]
from command import CommandFailed  # type: ignore[import-not-found]
from messages import SetupError  # type: ignore[import-not-found]
from pypi import run_uv, uv  # type: ignore[import-not-found]


def main() -> int:
    """Make the environment, if need be, and return the exit status."""
    name, requirement, python = sys.argv[1:]

    def build(bench: Path) -> Path:
        made = bench / "venv"
        run_uv("venv", "--no-project", "--python", python, made)
        into = ("--python", made / "bin" / "python")
        run_uv("pip", "install", *into, "--only-binary", ":all:", requirement)
        return made

    try:
        uv()  # which may itself be made once, and must be before the lock is held
        (folder() / "peers").mkdir(exist_ok=True)
        print(Path(made_once(f"peers/{name}", build)) / "bin" / "python")
    except (CommandFailed, SetupError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
