"""The Linux backends, end to end: what they register, how the kernel refuses, what touch proves.

Natural failures need limits and holes of a process's own, so they happen in child processes.
"""

import ctypes
import errno
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from registrar import (
    GRANULARITY,
    PAGE_SIZE,
    MemoryLayout,
    MemoryRange,
    MemoryRegistrar,
    RegistrationError,
)
from registrar.backends import (
    BACKENDS,
    MADV_COLD,
    MAP_FIXED_NOREPLACE,
    PROT_NONE,
    KernelBackend,
    MlockBackend,
    MprotectBackend,
    NoReplaceBackend,
    _libc,
    _mmap,
    _munmap,
)

G = GRANULARITY
OFFSET = 1 << 50
TWO = MemoryLayout(2 * G, [MemoryRange(0x10000, 0x20000)])
"""Two chunks and a bit, the first with a gap."""
SEED = MemoryLayout(1 << 40, [MemoryRange(0x10000, 0x20000), MemoryRange(1 << 40, 2 << 40)])


def _mlock_refusal() -> str:
    """Return why this process may not lock a chunk; nothing, if it may."""
    with MlockBackend(MemoryLayout(G, []), 0) as backend:
        try:
            backend.register_range(MemoryRange(0, G))
        except OSError as refusal:
            return f"this process may not lock a chunk of 2 GiB: {refusal}"
    return ""


MLOCK_REFUSAL = _mlock_refusal()
needs_mlock = pytest.mark.skipif(bool(MLOCK_REFUSAL), reason=MLOCK_REFUSAL)
each_backend = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=needs_mlock if kind is MlockBackend else ())
        for kind in BACKENDS.values()
    ],
)
readable = pytest.mark.parametrize("kind", [MprotectBackend, NoReplaceBackend])
"""The backends whose `touch` is a pwrite."""


def pwrite(path: int, address: int) -> int:
    """Return the errno of writing the byte at the host address to an open file; 0 for none."""
    return 0 if _libc.pwrite(path, address, 1, 0) == 1 else ctypes.get_errno()


@pytest.fixture
def scratch() -> Iterator[int]:
    """Return the descriptor of a regular temporary file."""
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


# Registering, and the oracle


@each_backend
def test_backend_registers_seed_layout(kind: type[KernelBackend]) -> None:
    """Over the seed layout, touch is True for every piece of an Ok, and False before it (I1)."""
    with kind(SEED, OFFSET) as kernel:
        registrar = MemoryRegistrar(SEED, OFFSET, kernel)
        for start, end in ((0x1000, 0x8000), (1 << 33, (1 << 35) + 1), (2 << 40, (2 << 40) + 1)):
            assert not kernel.touch(start)
            registrar.register(start, end - start)
            assert kernel.touch(start)
            assert kernel.touch(end - 1)
        edges = (0xFFFF, 0x20000, G - 1, 17 * G - 1, (2 << 40) + 0xFFFF)
        beside = (G, 4 * G - 1, 17 * G, (2 << 40) - 1)

        assert [kernel.touch(address) for address in edges] == [True] * 5
        assert [kernel.touch(address) for address in beside] == [False] * 4


@each_backend
def test_backend_leaves_gap_of_chunk_alone(kind: type[KernelBackend]) -> None:
    """Registering a chunk registers its RAM, and not the gap within."""
    with kind(TWO, 0) as kernel:
        MemoryRegistrar(TWO, 0, kernel).register(0, 1)

        touched = [kernel.touch(address) for address in (0xFFFF, 0x10000, 0x1FFFF, 0x20000)]
        assert touched == [True, False, False, True]


@each_backend
def test_touch_never_registers(kind: type[KernelBackend]) -> None:
    """Touching changes nothing: what is not registered stays so (K1)."""
    with kind(TWO, 0) as kernel:
        assert [kernel.touch(0x5000) for _ in range(3)] == [False] * 3
        kernel.register_range(MemoryRange(0x5000, 0x6000))
        assert [kernel.touch(0x5000) for _ in range(3)] == [True] * 3


@readable
def test_kernel_faults_before_registration(kind: type[KernelBackend], scratch: int) -> None:
    """The kernel answers EFAULT for memory that is not registered, and reads it afterwards."""
    with kind(TWO, OFFSET) as kernel:
        before = pwrite(scratch, kernel._base + 0x5FFF)
        kernel.register_range(MemoryRange(OFFSET + 0x5000, OFFSET + 0x6000))
        edges = [pwrite(scratch, kernel._base + at) for at in (0x4FFF, 0x5000, 0x5FFF, 0x6000)]

    assert before == errno.EFAULT
    assert edges == [errno.EFAULT, 0, 0, errno.EFAULT]


@readable
def test_dev_null_proves_nothing(kind: type[KernelBackend]) -> None:
    """Writing to /dev/null succeeds from memory that is not registered: nobody reads it."""
    with kind(TWO, 0) as kernel, Path("/dev/null").open("wb") as null:
        assert pwrite(null.fileno(), kernel._base) == 0


@needs_mlock
def test_kernel_refuses_cold_for_locked_memory() -> None:
    """MADV_COLD is 0 before and EINVAL after mlock2, which is what touch asks."""
    with MlockBackend(TWO, 0) as kernel:
        answers = []
        for _ in range(2):
            failed = _libc.madvise(kernel._base, PAGE_SIZE, MADV_COLD)
            answers.append(ctypes.get_errno() if failed else 0)
            kernel.register_range(MemoryRange(0, 0x5000))

    assert answers == [0, errno.EINVAL]


@each_backend
def test_touch_rejects_address_outside_layout(kind: type[KernelBackend]) -> None:
    """An address outside the layout is a ValueError: what lies there is not the backend's."""
    with kind(TWO, OFFSET) as kernel:
        for address in (-1, TWO.end_of_ram, OFFSET):
            with pytest.raises(ValueError, match="outside the layout"):
                kernel.touch(address)


@each_backend
def test_backend_rejects_piece_outside_layout(kind: type[KernelBackend]) -> None:
    """A piece outside the layout, as one without the offset is, is a ValueError (K2)."""
    end = TWO.end_of_ram
    with kind(TWO, OFFSET) as kernel:
        for start in (0, OFFSET - PAGE_SIZE, OFFSET + end, 2 * OFFSET):
            with pytest.raises(ValueError, match="shifted by the offset"):
                kernel.register_range(MemoryRange(start, start + PAGE_SIZE))
        with pytest.raises(ValueError, match="shifted by the offset"):
            kernel.register_range(MemoryRange(OFFSET, OFFSET + end + PAGE_SIZE))

        assert not kernel.touch(0)
        assert not kernel.touch(end - 1)


@each_backend
@pytest.mark.threads
def test_backend_works_from_any_thread(kind: type[KernelBackend]) -> None:
    """What one thread registers, another touches, each with a temporary file of its own."""
    touched: list[bool] = []
    with kind(TWO, 0) as kernel:
        for work in (
            lambda: touched.append(kernel.touch(0)),
            lambda: kernel.register_range(MemoryRange(0, 0x5000)),
            lambda: touched.append(kernel.touch(0)),
        ):
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()

    assert touched == [False, True]


# Twice, and again from the start


def test_noreplace_refuses_second_registration() -> None:
    """The kernel refuses with EEXIST what is registered already, wholly or in part (K3)."""
    with NoReplaceBackend(TWO, OFFSET) as kernel:
        kernel.register_range(MemoryRange(OFFSET + 0x2000, OFFSET + 0x4000))
        for start, end in ((0x2000, 0x4000), (0x3000, 0x5000), (0, 0x3000), (0, 0x10000)):
            with pytest.raises(FileExistsError) as caught:
                kernel.register_range(MemoryRange(OFFSET + start, OFFSET + end))
            assert caught.value.errno == errno.EEXIST

        assert [kernel.touch(at) for at in (0x1FFF, 0x2000, 0x3FFF, 0x4000)] == [
            False,
            True,
            True,
            False,
        ]


@pytest.mark.parametrize("kind", [MprotectBackend, pytest.param(MlockBackend, marks=needs_mlock)])
def test_other_backends_accept_second_registration(kind: type[KernelBackend]) -> None:
    """With mprotect and mlock2 a second time is as good as the first: no proof of at-most-once."""
    with kind(TWO, 0) as kernel:
        for _ in range(2):
            kernel.register_range(MemoryRange(0, G))

        assert kernel.touch(0)


@each_backend
def test_clear_forgets_registrations(kind: type[KernelBackend]) -> None:
    """After clear() nothing is registered, and a new registrar can register it again."""
    with kind(TWO, 0) as kernel:
        for _ in range(3):
            assert [kernel.touch(0), kernel.touch(2 * G)] == [False, False]
            MemoryRegistrar(TWO, 0, kernel).register(0, 2 * G + 1)
            assert [kernel.touch(0), kernel.touch(2 * G)] == [True, True]
            kernel.clear()
        assert not kernel.touch(0)


@each_backend
def test_close_gives_window_back(kind: type[KernelBackend]) -> None:
    """After close() nothing is mapped in the window, and the backend refuses every use."""
    kernel = kind(TWO, 0)
    MemoryRegistrar(TWO, 0, kernel).register(0, 1)
    kernel.close()
    kernel.close()

    found = _mmap(kernel._base, TWO.end_of_ram, PROT_NONE, MAP_FIXED_NOREPLACE)
    _munmap(found, TWO.end_of_ram)
    with pytest.raises(ValueError, match="outside"):
        kernel.touch(0)
    with pytest.raises(ValueError, match="outside"):
        kernel.register_range(MemoryRange(0, PAGE_SIZE))


@each_backend
def test_windows_never_share_addresses(kind: type[KernelBackend]) -> None:
    """Backends used side by side register apart, and a window given up is used again."""
    kernels = [kind(TWO, 0) for _ in range(4)]
    kernels.pop(1).close()
    kernels.append(kind(SEED, 0))
    kernels.append(kind(TWO, 0))
    try:
        for index, kernel in enumerate(kernels):
            kernel.register_range(MemoryRange(0, G))
            assert [other.touch(0) for other in kernels] == [
                position <= index for position in range(len(kernels))
            ]
    finally:
        for kernel in kernels:
            kernel.close()


def test_noreplace_windows_keep_apart_around_foreign_mapping() -> None:
    """A foreign mapping where a window would fit does not push it into another window."""
    first, second = NoReplaceBackend(TWO, 0), NoReplaceBackend(TWO, 0)
    first.close()
    foreign = _mmap(first._base, PAGE_SIZE, PROT_NONE, MAP_FIXED_NOREPLACE)
    with NoReplaceBackend(TWO, 0) as third, second:
        assert abs(third._base - second._base) >= TWO.end_of_ram
        assert abs(third._base - foreign) >= PAGE_SIZE
    _munmap(foreign, PAGE_SIZE)


def test_backends_are_listed_by_name() -> None:
    """Every backend is listed under its own name."""
    assert {name: kind.name for name, kind in BACKENDS.items()} == {
        "mprotect": "mprotect",
        "noreplace": "noreplace",
        "mlock2": "mlock2",
    }


@each_backend
def test_two_tebibytes_cost_no_memory(kind: type[KernelBackend]) -> None:
    """A window of 2 TiB, all of it registered and touched in places, costs under 4 MiB."""
    layout = MemoryLayout(2 << 40, [])
    before = resident()
    with kind(layout, 0) as kernel:
        MemoryRegistrar(layout, 0, kernel).register(0, 2 << 40)
        assert all(kernel.touch(address) for address in range(0, 2 << 40, 128 * G))
        grown = resident() - before

    assert grown < 4 << 20


def resident() -> int:
    """Return how many bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_SIZE


# Natural failures, each in a process of its own

PRELUDE = """
import ctypes, errno, os, resource
from registrar import *
from registrar.backends import *

G = GRANULARITY

def limit(name, field, more):
    with open("/proc/self/status") as status:
        used = next(int(line.split()[1]) << 10 for line in status if line.startswith(field))
    resource.setrlimit(name, (used + more, used + more))

def outcome(registrar, address, length=1):
    try:
        registrar.register(address, length)
    except RegistrationError as error:
        cause = error.__cause__
        return error.address, cause and errno.errorcode[cause.errno]
    return "ok"
"""


def in_child(code: str) -> None:
    """Run `code` after the prelude in a new interpreter, which must not fail."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PRELUDE + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "limited", "field"),
    [("MprotectBackend", "RLIMIT_DATA", "VmData"), ("NoReplaceBackend", "RLIMIT_AS", "VmSize")],
)
def test_limit_of_process_fails_third_chunk(kind: str, limited: str, field: str) -> None:
    """With room for two and a half chunks, the others fail with ENOMEM, for good (E10, K3)."""
    in_child(f"""
kernel = {kind}(MemoryLayout(4 * G, []), G)
registrar = MemoryRegistrar(MemoryLayout(4 * G, []), G, kernel)
assert not kernel.touch(0)
limit(resource.{limited}, "{field}", 5 * G // 2)
found = [outcome(registrar, chunk * G) for chunk in (0, 1, 2, 3, 2)]
assert found == ["ok", "ok", (3 * G, "ENOMEM"), (4 * G, "ENOMEM"), (2 * G, None)], found
assert [kernel.touch(chunk * G) for chunk in range(4)] == [True, True, False, False]
assert registrar.inspect()["chunks_registered"] == 2
""")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up being root")
def test_locking_limit_fails_chunk() -> None:
    """Without privilege, mlock2 refuses a chunk above RLIMIT_MEMLOCK with ENOMEM (K3)."""
    in_child("""
kernel = MlockBackend(MemoryLayout(2 * G, []), 0)
registrar = MemoryRegistrar(MemoryLayout(2 * G, []), 0, kernel)
resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20))
os.setuid(65534)
kernel.register_range(MemoryRange(0, 1 << 20))
found = [outcome(registrar, G), outcome(registrar, G)]
assert found == [(G, "ENOMEM"), (G, None)], found
assert [kernel.touch(0), kernel.touch(G)] == [True, False]
""")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["MprotectBackend", pytest.param("MlockBackend", marks=needs_mlock)]
)
def test_hole_registers_part_before_it(kind: str) -> None:
    """A hole in a chunk fails it for good, though the part before the hole is registered (E7)."""
    in_child(f"""
kernel = {kind}(MemoryLayout(2 * G, []), 0)
registrar = MemoryRegistrar(MemoryLayout(2 * G, []), 0, kernel)
libc = ctypes.CDLL(None)
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
assert libc.munmap(kernel._base + G // 2, 1 << 20) == 0
found = [outcome(registrar, 0), outcome(registrar, 0), outcome(registrar, G)]
assert found == [(0, "ENOMEM"), (0, None), "ok"], found
ends = [0, G // 2 - 1, G // 2 + (1 << 20), G - 1, G]
assert [kernel.touch(address) for address in ends] == [True, True, False, False, True]
assert registrar.inspect()["chunks_registered"] == 1
""")


def test_foreign_mapping_fails_chunk_of_noreplace() -> None:
    """Something mapped in the window fails the chunk with EEXIST, and none of it is registered."""
    layout = MemoryLayout(2 * G, [])
    with NoReplaceBackend(layout, 0) as kernel:
        registrar = MemoryRegistrar(layout, 0, kernel)
        _mmap(kernel._base + G // 2, PAGE_SIZE, PROT_NONE, MAP_FIXED_NOREPLACE)
        with pytest.raises(RegistrationError) as caught:
            registrar.register(0, 1)
        registrar.register(G, 1)

        assert isinstance(caught.value.__cause__, FileExistsError)
        assert [kernel.touch(address) for address in (0, G - 1, G)] == [False, False, True]


@pytest.mark.parametrize("kind", BACKENDS.values())
@pytest.mark.parametrize("size", [1 << 47, 1 << 62, (1 << 63) + PAGE_SIZE])
def test_constructor_raises_where_layout_exceeds_address_space(
    kind: type[KernelBackend], size: int
) -> None:
    """A layout larger than the address space is an OSError at construction."""
    with pytest.raises(OSError, match="mmap"):
        kind(MemoryLayout(size, []), 0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind.__name__ for kind in BACKENDS.values()])
def test_constructor_raises_where_address_space_is_used_up(kind: str) -> None:
    """With too little address space left, construction is an OSError with ENOMEM."""
    in_child(f"""
limit(resource.RLIMIT_AS, "VmSize", G)
try:
    {kind}(MemoryLayout(2 * G, []), 0)
except OSError as error:
    assert error.errno == errno.ENOMEM, error
else:
    raise AssertionError("it was constructed")
""")
