"""The checks of launch.doctor: each prints what it sees, and yields each problem with its
remedy."""

import importlib.metadata
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import jax

from research import runtime
from research.data import tfds_prepared

ROOT = Path(__file__).resolve().parents[2]
LEAST_DISK = 1 << 30


def versions() -> Iterator[str]:
    """Prints the direct requirements' versions; yields those that are not as pinned."""
    pinned = dict(re.findall(r"^([\w.-]+)==([\w.+-]+)", _requirements(), re.MULTILINE))
    shown = []
    for name, wanted in pinned.items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "missing"
        if name in (
            "jax",
            "jaxlib",
            "flax",
            "optax",
            "orbax-checkpoint",
            "tensorflow-datasets",
            "absl-py",
            "chex",
        ):
            shown.append(f"{name} {installed}")
        if installed != wanted:
            yield f"{name} is {installed}, pinned is {wanted}; run: pip install -r requirements.txt"
    print(", ".join(shown))


def _requirements() -> str:
    """The pins of the requirements file, or those that the installed package was built with, a line
    each."""
    file = ROOT / "requirements.txt"
    return (
        file.read_text()
        if file.is_file()
        else "\n".join(importlib.metadata.requires("jax-ablations") or ())
    )


def devices() -> Iterator[str]:
    """Prints JAX's devices; yields why a GPU of this machine is not among them."""
    present_devices = jax.devices()
    print(f"devices: {', '.join(f'{d.device_kind} #{d.id}' for d in present_devices)}")
    present = sorted(Path("/dev").glob("nvidia[0-9]*"))
    if any(device.platform == "gpu" for device in present_devices):
        print("JAX sees the GPU")
        return
    if not present:
        print("no NVIDIA GPU in this machine (/dev has no nvidia device); programs run on the CPU")
        return
    selected = os.environ.get("JAX_PLATFORMS", "")
    if selected and not {"cuda", "gpu"} & set(selected.split(",")):
        yield (
            f"JAX_PLATFORMS={selected} hides the {len(present)} GPU(s) of this machine; run: unset"
            " JAX_PLATFORMS"
        )
    elif not runtime.has_cuda_plugin():
        yield (
            f"{len(present)} GPU(s) here, but JAX's CUDA plugin is not installed; "
            "run: make table REQUIREMENTS=requirements-cuda.txt"
        )
    elif shutil.which("nvidia-smi") is None:
        yield (
            "GPU devices and the CUDA plugin are here, but no NVIDIA driver (nvidia-smi is"
            " missing); install it"
        )
    else:
        yield (
            f"the CUDA plugin does not start: {_cuda_error()}; compare the driver's version"
            " (nvidia-smi) with CUDA's"
        )


def _cuda_error() -> str:
    try:
        jax.devices("cuda")
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return "unknown reason"


def data(directory: str | None) -> Iterator[str]:
    """Prints the prepared data sets; yields a data directory that was named and is not there."""
    root = tfds_prepared.data_directory(directory)
    data_sets = tfds_prepared.available(directory)
    print(
        f"data directory {root}: {', '.join(sorted(data_sets)) or 'no prepared sets'}; bundled sets"
        " need none"
    )
    if not root.is_dir() and (directory or os.environ.get("TFDS_DATA_DIR")):
        yield (
            f"the data directory {root} does not exist; set --data_dir or TFDS_DATA_DIR to a folder"
            " of prepared sets"
        )


def directories(by_flag: Mapping[str, str]) -> Iterator[str]:
    """Prints where records and caches go; yields those that cannot be written or are almost
    full."""
    for flag, name in by_flag.items():
        path = Path(name)
        nearest = next(p for p in (path, *path.absolute().parents) if p.exists())
        try:
            # Permissions do not tell whether a disk is full or read-only, so a file is really
            # written.
            with tempfile.TemporaryFile(dir=nearest):
                pass
            free = shutil.disk_usage(nearest).free
        except OSError as error:
            yield (
                f"{flag} {path} cannot be written ({error.strerror}); name another place with"
                f" --{flag}"
            )
            continue
        print(f"{flag} {path.absolute()}: writable, {free / 2**30:.0f} GiB free")
        if free < LEAST_DISK:
            yield (
                f"only {free / 2**20:.0f} MiB are free for {flag}; make room, or name another place"
                f" with --{flag}"
            )
