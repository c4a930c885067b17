"""How a snapshot is stored: named arrays in an orbax folder, with their checksums beside them."""

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from research import param_tree
from research.durable_files import array_checksum, check_format
from research.training.checkpoint import best_and_last as best_and_last_lib
from research.training.checkpoint.snapshot import Snapshot
from research.training.devices.strategy import ExecutionStrategy
from research.training.step.state import LaneState

FORMAT = 1
_named = functools.partial(param_tree.by_name, separator=".")


def open_manager(folder: Path, **options: Any) -> Any:
    """An orbax manager for this process only.

    All processes of a run hold the same state, so one of them writes it, without barriers.

    Args:
        folder: the pack's folder; orbax adds a folder per step.
        options: more of `orbax.checkpoint.CheckpointManagerOptions`.
    """
    import orbax.checkpoint as ocp

    process = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=process, active_processes={process}, barrier_sync_key_prefix=folder.name
    )
    # If directories are made in the background, orbax waits for them by signals whose names come
    # from a counter of the whole process. Two packs that save at the same moment would take each
    # other's signals, and wait for a time-out of 300 s.
    at_once = ocp.options.AsyncOptions(create_directories_asynchronously=False)
    # Compression saves a twelfth of the size, and takes three times the processor time from the
    # training.
    plain = ocp.PyTreeCheckpointHandler(use_compression=False, multiprocessing_options=alone)
    return ocp.CheckpointManager(
        folder.absolute(),
        item_handlers={
            "state": plain,
            "meta": ocp.JsonCheckpointHandler(multiprocessing_options=alone),
        },
        options=ocp.CheckpointManagerOptions(
            create=False, multiprocessing_options=alone, async_options=at_once, **options
        ),
    )


def to_arrays(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """A snapshot's arrays by name, without empty ones, which orbax cannot store."""
    named = {f"state.{name}": leaf for name, leaf in _named(snapshot.state).items()}
    named |= {f"kept.{name}": leaf for name, leaf in _named(snapshot.best_and_last).items()}
    named |= {f"rows.{name}": values for name, values in snapshot.rows.items()}
    return {name: array for name, array in named.items() if array.size}


def read(path: Path, template: LaneState, run_ids: Sequence[str] | None = None) -> Snapshot:
    """Reads a step's snapshot.

    Args:
        path: the step's folder.
        template: the shapes of one run's state.
        run_ids: the runs that the snapshot must hold, in order; None accepts any.

    Raises:
        ValueError, KeyError, OSError: it is damaged, or holds another kind of state, another step
            or other runs.
    """
    import orbax.checkpoint as ocp

    items = ocp.args.Composite(state=ocp.args.PyTreeRestore(), meta=ocp.args.JsonRestore())
    with open_manager(path.parent) as manager:
        restored = manager.restore(int(path.name), args=items)
    arrays, meta = dict(restored["state"]), restored["meta"]
    check_format(meta["format"], FORMAT)
    if {name: array_checksum(array) for name, array in arrays.items()} != meta["crc32"]:
        raise ValueError("its checksums do not fit")
    if meta["step"] != int(path.name):
        raise ValueError(f"it is of step {meta['step']}; was it copied or renamed?")
    runs = next(iter(arrays.values())).shape[0]
    if run_ids is not None:
        _check_runs(list(run_ids), runs, meta)
    state = _taken(arrays, "state", runs, template)
    keeps = any(name.startswith("kept.") for name in arrays)
    best_and_last = (
        _taken(arrays, "kept", runs, best_and_last_lib.template(template)) if keeps else None
    )
    if any(name.startswith("state.") for name in arrays):
        raise ValueError(
            f"it holds {next(name for name in arrays if name.startswith('state.'))}, which the run"
            " lacks"
        )
    rows = {name.removeprefix("rows."): array for name, array in arrays.items()}
    trained = (ExecutionStrategy.from_json(meta["way"]), meta["device"]) if "way" in meta else None
    return Snapshot(
        meta["step"],
        state,
        rows,
        meta["seconds"],
        best_and_last,
        tuple(meta.get("earlier", ())),
        trained,
    )


def _check_runs(run_ids: list[str], count: int, meta: dict[str, Any]) -> None:
    """Raises ValueError if a snapshot of `count` runs does not hold exactly these runs."""
    if count != len(run_ids):
        raise ValueError(f"it holds {count} runs, its pack {len(run_ids)}")
    # Snapshots of earlier versions do not name their runs.
    if meta.get("runs", run_ids) != run_ids:
        raise ValueError("it holds other runs than its pack; was it copied or renamed?")


def _taken(arrays: dict[str, np.ndarray], part: str, runs: int, template: Any) -> Any:
    """Takes a tree's arrays out of `arrays`: the template's, with a leading axis of runs."""
    # Taken out one by one, so that what is left over afterwards is what the run lacks.
    leaves = [
        _fitting(arrays, f"{part}.{name}", runs, shape) for name, shape in _named(template).items()
    ]
    return jax.tree.unflatten(jax.tree.structure(template), leaves)


def _fitting(arrays: dict[str, np.ndarray], name: str, runs: int, shape: Any) -> np.ndarray:
    """Takes the array of that name out of `arrays`, if it is of the template's shape and type."""
    # Empty arrays are not stored; see `to_arrays`.
    if not math.prod(shape.shape):
        return np.zeros((runs, *shape.shape), shape.dtype)
    array = arrays.pop(name)
    if array.shape != (runs, *shape.shape) or array.dtype != shape.dtype:
        raise ValueError(
            f"{name} is {array.dtype}{list(array.shape)}, the run needs"
            f" {shape.dtype}{list(shape.shape)}"
        )
    return array
