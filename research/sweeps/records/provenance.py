"""Provenance: where and how a run was trained; nothing in it depends on the config."""

import contextlib
import datetime
import functools
import importlib.metadata
import os
import platform
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from research.sweeps.records.source_version import COMMIT, PACKAGES_OF_CODE, ROOT
from research.training.devices.strategy import ExecutionStrategy

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "tensorflow-datasets")


@functools.cache
def machine() -> dict[str, Any]:
    """The host, its devices, and the versions of code and libraries."""
    device = jax.local_devices()[0]
    return {
        "host": socket.gethostname(),
        "cores": os.cpu_count(),
        "device": device_kind(),
        "platform": device.platform,
        "commit": commit_of(ROOT),
        "versions": (
            {"python": platform.python_version()}
            | {p: importlib.metadata.version(p) for p in PACKAGES}
        ),
    }


def device_kind() -> str:
    """The kind of device that programs run on, as a name for files."""
    return jax.local_devices()[0].device_kind.replace(" ", "-").replace("/", "-")


def described(strategy: ExecutionStrategy) -> str:
    """A strategy in words."""
    over = f", each run over {strategy.replicas}" if strategy.replicas > 1 else ""
    chunk = f"{strategy.width} lanes a chunk, {strategy.steps} steps a dispatch"
    options = [f"{name}={value}" for name, value in strategy.compiler_options]
    compiled = f", compiled with {', '.join(options)}" if options else ""
    return f"{chunk}, {strategy.devices} devices{over}{compiled}"


def provenance(
    strategy: ExecutionStrategy,
    lanes: int,
    seconds: float,
    started: float,
    earlier: Sequence[str] = (),
) -> dict[str, Any]:
    """The provenance of one of the runs that trained together.

    Args:
        strategy: how they were trained.
        lanes: how many runs trained together.
        seconds: what all of them took; each gets an equal share.
        started: when they began, in seconds since 1970.
        earlier: other strategies that trained the first steps.
    """
    stored = strategy.to_json()
    return machine() | {
        "way": described(strategy),
        "earlier": list(earlier),
        "width": stored.pop("width"),
        "steps_per_dispatch": stored.pop("steps"),
        **stored,
        "lanes": lanes,
        "seconds": round(seconds / lanes, 4),
        "date": (
            datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat(timespec="seconds")
        ),
    }


def recorded_strategy(provenance: Mapping[str, Any]) -> ExecutionStrategy | None:
    """The strategy with which a record's run was trained, or None if that was on another kind of
    device."""
    if provenance.get("device") != device_kind():
        return None
    return strategy_of(provenance)


def strategy_of(provenance: Mapping[str, Any]) -> ExecutionStrategy:
    """The strategy with which a record's run was trained, on whichever device. Raises KeyError if
    it does not say."""
    fields = {name: provenance[name] for name in ("width", "devices")}
    fields |= {
        name: provenance[name] for name in ("replicas", "compiler_options") if name in provenance
    }
    return ExecutionStrategy.from_json({**fields, "steps": provenance["steps_per_dispatch"]})


def commit_of(root: Path) -> str:
    """The commit of the code in `root`, with `+changes` if what is there differs from it; `unknown`
    outside git.

    A snapshot says which it was taken of.
    Untracked files count where they are code that may have run, not elsewhere (records, notes).
    """
    with contextlib.suppress(FileNotFoundError):
        return (root / COMMIT).read_text()
    try:
        git = functools.partial(
            subprocess.run, cwd=root, capture_output=True, text=True, timeout=10, check=True
        )
        commit = git(["git", "rev-parse", "--short=12", "HEAD"]).stdout.strip()
        changed = git(
            # Without locks: this look must not block a git command of the user's.
            ["git", "--no-optional-locks", "status", "--porcelain", "--untracked-files=no"]
        ).stdout.strip()
        changed += git(
            ["git", "ls-files", "--others", "--exclude-standard", "--", *PACKAGES_OF_CODE]
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return commit + ("+changes" if changed else "")
