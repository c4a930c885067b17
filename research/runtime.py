"""What must be settled before JAX starts: the allocator, host devices, the compile cache."""

import ctypes
import os
from pathlib import Path

# mallopt's parameters (malloc.h).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_pages() -> None:
    """Keeps freed memory in the process: page faults on fresh large buffers cost more than the arithmetic."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return  # another C library, with other costs
    for parameter, value in ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, -1), (_M_TOP_PAD, 256 << 20)):
        mallopt(parameter, value)


def host_devices(count: int) -> None:
    """Gives the CPU so many devices, unless the user's XLA_FLAGS say otherwise."""
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_force_host_platform_device_count" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count={count}".strip()


def prepare(cache_dir: str) -> None:
    """Call before anything asks JAX for a device. cache_dir: where compiled programs are kept."""
    keep_pages()
    host_devices(os.cpu_count() or 1)
    import jax

    jax.config.update("jax_compilation_cache_dir", str(Path(cache_dir) / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_default_matmul_precision", "highest")
    jax.config.update("jax_default_prng_impl", "threefry2x32")
