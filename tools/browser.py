"""The browser in which the HTML report is tested and photographed: Chromium, without a window.

`make browser` gets one; nothing is installed, and root is not needed.  The ways to one, best first:

1. One that the user names with STRESS_BROWSER, which is used or refused.
2. Debian's, of this machine's own release, with the libraries that are missing here and with fonts:
   apt knows which, and they are unpacked into the cache.  `chromium` there is a script that starts
   it with them.
3. One on PATH, such as the Chrome of a continuous-integration machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import sys
from pathlib import Path

import cache
import debian
from command import CommandFailed, run
from messages import SetupError, say

HERE = Path(__file__).parent
PACKAGES = ["chromium-headless-shell", "fonts-dejavu-core", "fonts-inter", "fonts-jetbrains-mono"]
ON_PATH = ("chromium-headless-shell", "google-chrome", "google-chrome-stable", "chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""A browser of the tests opens our own files alone, may be started by root, and calls nobody."""
SCRIPT = """\
#!/bin/sh
export LD_LIBRARY_PATH={libraries}
export FONTCONFIG_FILE={place}/fonts.conf
exec {executable} "$@"
"""
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{place}/usr/share/fonts</dir>
  <cachedir>{place}/fonts</cachedir>
  <alias><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>JetBrains Mono</family></prefer></alias>
</fontconfig>
"""


def main() -> int:
    """Get a browser, say where it is, and return the exit status: 0, or 2 without one."""
    try:
        say(f"the browser: {got()}")
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def got() -> str:
    """Return the path of a browser, fetching one if need be."""
    if os.environ.get("STRESS_BROWSER"):
        return named_by_user(os.environ["STRESS_BROWSER"])
    try:
        path = cache.made_once(name(), unpacked, sound) / "chromium"
        version(path)
        return str(path)
    except (CommandFailed, OSError) as error:
        say(f"Debian's Chromium: no, {error}")
        if (found := on_path()) is not None:
            return found
        raise SetupError(
            "There is no browser, and Debian's Chromium could not be fetched.",
            f"The last that was heard: {error}.",
            "Install Chromium or Chrome, or name one:  make browser STRESS_BROWSER=/path/to/it",
        ) from error


def found() -> str | None:
    """Return the path of a browser that is there, or None if one must be fetched first."""
    if os.environ.get("STRESS_BROWSER"):
        return named_by_user(os.environ["STRESS_BROWSER"])
    place = cache.folder() / name()
    return str(place / "chromium") if sound(place) else on_path()


def named_by_user(named: str) -> str:
    """Return the path of the browser that STRESS_BROWSER names, or refuse it."""
    path = shutil.which(named)
    if path is not None and starts(path):
        return path
    raise SetupError(
        f"STRESS_BROWSER is {named!r}, which cannot be used.",
        "It does not start as Chromium does." if path else "There is no such program.",
        "Name a Chromium or Chrome, or leave STRESS_BROWSER out and one is fetched.",
    )


def on_path() -> str | None:
    """Return the first browser on PATH that starts."""
    paths = filter(None, map(shutil.which, ON_PATH))
    return next(filter(starts, paths), None)


def starts(executable: str | Path) -> bool:
    """Tell whether `executable` finds its libraries and says that it is Chromium or Chrome."""
    with contextlib.suppress(CommandFailed):
        return "Chrom" in version(executable)
    return False


def version(executable: str | Path) -> str:
    """Return what `executable` says that it is; CommandFailed with its last words."""
    return run(executable, "--version", seconds=60)


def name() -> str:
    """Name the result by what goes into it, so that a change of recipe makes a new one."""
    recipe = hashlib.sha256()
    for part in ("browser.py", "debian.py"):
        recipe.update((HERE / part).read_bytes())
    return f"chromium-{platform.machine()}-{recipe.hexdigest()[:8]}"


def sound(place: Path) -> bool:
    """Tell whether what is unpacked at `place` starts, with the libraries this machine has."""
    return starts(place / "chromium")


def unpacked(bench: Path) -> Path:
    """Unpack the packages into `bench`, with a script that starts the browser."""
    why = debian.why_not()
    if why is not None:
        raise CommandFailed(why)
    say("fetching Debian's Chromium (100 MB, once)")
    made = debian.unpack_missing(PACKAGES, bench)
    place = cache.folder() / name()
    executable = next(made.glob("usr/lib/chromium*/*headless*shell"), None)
    if executable is None:
        raise CommandFailed(f"{PACKAGES[0]} has no executable where it used to be")
    folders = sorted({path.parent for path in made.glob("usr/lib/**/*.so*")})
    script = made / "chromium"
    script.write_text(
        SCRIPT.format(
            libraries=":".join(str(place / each.relative_to(made)) for each in folders),
            place=place,
            executable=place / executable.relative_to(made),
        )
    )
    script.chmod(0o755)
    (made / "fonts.conf").write_text(FONTS.format(place=place))
    return made


if __name__ == "__main__":
    sys.exit(main())
