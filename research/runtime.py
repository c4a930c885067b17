"""What must be settled before JAX starts: the allocator, host devices, the compile cache."""

import contextlib
import ctypes
import importlib.metadata
import importlib.util
import logging
import os
import shlex
from pathlib import Path

# mallopt's parameters (malloc.h).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_pages() -> None:
    """Keeps freed memory in the process: page faults on fresh large buffers cost more than the
    arithmetic."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return  # another C library, with other costs
    # One arena, since each keeps free pages of its own. No mmap, whose pages go back to the system
    # at once. No trimming, and a heap that grows by 256 MiB at a time.
    for parameter, value in (
        (_M_ARENA_MAX, 1),
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, -1),
        (_M_TOP_PAD, 256 << 20),
    ):
        mallopt(parameter, value)


def host_devices(count: int) -> None:
    """Gives the CPU so many devices, unless the user's XLA_FLAGS say otherwise."""
    _add_flag("xla_force_host_platform_device_count", str(count))


def _add_flag(name: str, value: str) -> None:
    flags = os.environ.get("XLA_FLAGS", "")
    # The user's own value wins.
    if f"--{name}" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{name}={value}".strip()


def has_cuda_plugin() -> bool:
    """Whether one of JAX's CUDA plugins is installed."""
    return any(importlib.util.find_spec(f"jax_cuda{version}_plugin") for version in (12, 13))


def wants_gpu() -> bool:
    """Whether JAX looks for a GPU here, before it has been asked."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    return has_cuda_plugin() and (
        not platforms or bool({"cuda", "gpu"} & set(platforms.split(",")))
    )


def exact_on_gpu(records: str) -> None:
    """For bits that repeat: deterministic operations, and the autotuner's choices beside the
    records.

    They are kept apart by jaxlib's version, which XLA does not check. Emptying the compile cache
    leaves them, and they go where the records go. The user's XLA_FLAGS win.
    """
    _add_flag("xla_gpu_deterministic_ops", "true")
    folder = Path(records) / "autotune" / importlib.metadata.version("jaxlib")
    # Whatever then fails to write records there reports it in its own words.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)  # XLA wants it to exist
        _add_flag("xla_gpu_per_fusion_autotune_cache_dir", shlex.quote(str(folder)))


def one_line_for_orbax() -> None:
    """Silences the logs of errors in orbax's threads; its caller reports them in one line."""
    logging.getLogger("absl").addFilter(
        lambda record: f"{os.sep}orbax{os.sep}" not in record.pathname
    )


def prepare(cache_dir: str, records: str) -> None:
    """Call before anything asks JAX for a device. cache_dir: where compiled programs are kept;
    records: records."""
    keep_pages()
    one_line_for_orbax()
    # The cores that this process may use, which may be fewer than there are.
    host_devices(len(os.sched_getaffinity(0)))
    if gpu := wants_gpu():
        exact_on_gpu(records)
    import jax

    if gpu:  # else JAX would put the autotuner's choices beside its compiled programs
        jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):  # the user's own wins
        jax.config.update("jax_compilation_cache_dir", str(Path(cache_dir) / "xla"))
    # By default JAX leaves out programs that compile in under a second; a sweep has many of them.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Full float32 products: a GPU's default would round the factors to TF32.
    jax.config.update("jax_default_matmul_precision", "highest")
    jax.config.update("jax_default_prng_impl", "threefry2x32")
