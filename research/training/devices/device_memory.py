"""Device memory: how many lanes fit a device, as the compiled program itself says."""

import functools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from research.config import RunConfig
from research.data.features.named_arrays import by_array, nbytes
from research.data.spec import Arrays
from research.training.devices.chunk_functions import ChunkFunctions, RowBlock, compiled_updates
from research.training.devices.strategy import ExecutionStrategy
from research.training.devices.vmap import VmapBackend
from research.training.engine import chunk_batches, chunk_evaluation
from research.training.engine.chunk import ALL_ON_DEVICE, StreamingPolicy
from research.training.setup.lane_inputs import abstract_lane, abstract_state, footprint
from research.training.setup.program import Program

# A program is compiled for its size only where a rough guess comes within this share of the limit.
SUSPICIOUS = 1 / 8
# That guess: of each lane so many times its state (parameters, gradients, updates) and its batch
# (activations).
STATES, BATCHES = 4, 64
# What is left free: for what other programs keep, and for fragments.
MARGIN = 0.9
# What XLA says of memory that is not there: on a GPU, and on a CPU.
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory")


def ran_out(error: Exception) -> bool:
    """Whether an error says that memory ran out."""
    return isinstance(error, jax.errors.JaxRuntimeError) and any(
        word in str(error) for word in _OUT_OF_MEMORY
    )


def available() -> float:
    """Bytes that programs may take on a device of this process; on a CPU what the host, or its job,
    has left."""
    stats = jax.local_devices()[0].memory_stats()
    # On a GPU: what JAX may take in all.
    if stats and stats.get("bytes_limit"):
        return float(stats["bytes_limit"])
    # Imported where runs are about to be trained: plans and lists do without it.
    import psutil

    granted = os.environ.get("SLURM_MEM_PER_NODE", "")  # MB
    limits = [float(psutil.virtual_memory().available), *_cgroup_limits()]
    return min(
        [*limits, float(granted) * 2**20] if granted.isdigit() and granted != "0" else limits
    )


def _cgroup_limits() -> list[float]:
    """Bytes that each control group around this process has left."""
    try:
        group_path = Path("/proc/self/cgroup").read_text().rpartition("0::/")[2].strip()
        groups = [Path("/sys/fs/cgroup", group_path), *Path("/sys/fs/cgroup", group_path).parents][
            :-3
        ]
        most = {
            group: (group / "memory.max").read_text().strip()
            for group in groups
            if (group / "memory.max").exists()
        }
        return [
            float(text) - float((g / "memory.current").read_text())
            for g, text in most.items()
            if text != "max"
        ]
    except (OSError, ValueError):
        return []


def max_lanes(
    program: Program,
    config: RunConfig,
    arrays: Arrays,
    strategy: ExecutionStrategy,
    limit: float,
    memory: StreamingPolicy = ALL_ON_DEVICE,
) -> int:
    """How many lanes, at most the strategy's width, fit into memory as one chunk.

    Args:
        program: what the lanes have in common.
        config: the config of one of the runs.
        arrays: the data.
        strategy: the strategy whose width is wanted.
        limit: the memory of the device, in bytes.
        memory: when inputs are streamed from the host.
    """
    streams = memory.streams(arrays.x)
    arrays = program.spec.view(arrays)
    batch = program.sizes.batch * math.prod(program.spec.inputs.shape) * program.dtype.itemsize
    state = footprint(config, program)[1]
    guess = (
        strategy.width * (STATES * state + BATCHES * batch)
        + nbytes(arrays.y)
        + (0 if streams else nbytes(arrays.x))
    )
    # Measuring compiles the step and the evaluation once more, which small networks need not pay.
    if guess < SUSPICIOUS * limit:
        return strategy.width
    return largest_fitting(
        strategy.width,
        MARGIN * limit,
        lambda width: required_bytes(program, config, arrays, width, strategy.steps, streams),
    )


def largest_fitting(width: int, limit: float, measure: Callable[[int], float]) -> int:
    """The largest number of lanes up to `width` that needs at most `limit` bytes.

    Nothing more is compiled where `width` fits, since it is compiled anyway. Else a second width is
    measured, the line through both gives a guess, and the guess is measured.

    Args:
        width: the most lanes.
        limit: bytes.
        measure: the bytes that so many lanes need; compiles, and so is slow.
    """
    most = measure(width)
    while width > 1 and most > limit:
        other = max(width // 2, 1)
        at_other = measure(other)
        a_lane = (most - at_other) / (width - other)
        # Memory is nearly linear in the lanes: the line hits the limit with few compilations.
        guess = other + (limit - at_other) / a_lane if 0 < a_lane < math.inf else other
        width = max(1, min(int(guess), width - 1))
        most = at_other if width == other else measure(width)
    return width


def required_bytes(
    program: Program,
    config: RunConfig,
    arrays: Arrays,
    width: int,
    steps: int,
    streams: bool = False,
) -> float:
    """Bytes that a chunk needs on a device in training or evaluation, the data included.

    Args:
        program: what the lanes have in common.
        config: the config of one of the runs.
        arrays: the data.
        width: how many lanes the chunk has.
        steps: the most updates per dispatch.
        streams: whether inputs are streamed; then only those of a dispatch, or of a part of an
            evaluation, are on the device.
    """
    # Only shapes: nothing is allocated on a device that may be too small for it.
    strategy = ExecutionStrategy(width, steps)
    states, lane = (
        _lanes(tree, width)
        for tree in (abstract_state(config, program), abstract_lane(config, program))
    )
    y = by_array(arrays.y, lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype))
    count = chunk_batches.dispatch_steps(program, strategy)
    number = jax.ShapeDtypeStruct((), jnp.int32)
    rows = jax.ShapeDtypeStruct(
        (width, program.sizes.steps_per_epoch * program.sizes.batch), jnp.int32
    )
    part = chunk_evaluation.part_size(program, program.sizes.train)
    assessed = jax.ShapeDtypeStruct((width, part), jnp.int32)
    arrays = program.spec.view(arrays)
    x, seen = (
        _rows(arrays.x, width * each if streams else program.spec.size)
        for each in (count * program.sizes.batch, part)
    )
    factors = jax.ShapeDtypeStruct((width, count), program.dtype)
    functions = ChunkFunctions(program, VmapBackend(width))
    with program.precision_context():
        gather = functools.partial(functions.gather, steps=count)
        batches = jax.eval_shape(lambda x, y, rows: gather(RowBlock(x, y, rows, 0), 0), x, y, rows)
        step = _bytes(
            lambda: compiled_updates(functions.backend, program, count).lower(
                states, lane, {**batches, "factor": factors}, number, number
            )
        )
        variables = jax.eval_shape(lambda state: state.evaluated, states)
        labels = None if program.problem.summary else _labels(y, assessed)
        evaluation = _bytes(
            lambda: functions.compiled_evaluate.lower(variables, lane, seen, assessed, labels)
        )
    stored = (
        sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(x))
        if streams
        else nbytes(arrays.x)
    )
    # Training and evaluation take turns, so the larger of them decides.
    return max(step + stored, evaluation) + nbytes(arrays.y)


def _lanes(tree: object, width: int) -> object:
    """Shapes with a leading lane axis."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((width, *leaf.shape), leaf.dtype), tree)


def _rows(x: Any, count: int) -> Any:
    """So many rows of inputs, as shapes."""
    return by_array(x, lambda array: jax.ShapeDtypeStruct((count, *array.shape[1:]), array.dtype))


def _labels(y: Any, rows: jax.ShapeDtypeStruct) -> Any:
    return by_array(
        y, lambda array: jax.ShapeDtypeStruct((*rows.shape, *array.shape[1:]), array.dtype)
    )


def _bytes(lower: Callable[[], jax.stages.Lowered]) -> float:
    """What a compiled program takes beside others; infinite if it is too large even to be
    compiled."""
    try:
        analysis = lower().compile().memory_analysis()
    except jax.errors.JaxRuntimeError as error:
        if ran_out(error):
            return math.inf
        raise
    if analysis is None:  # this kind of device does not say
        return 0.0
    together = (
        analysis.argument_size_in_bytes
        + analysis.output_size_in_bytes
        + analysis.temp_size_in_bytes
    )
    # A donated argument is counted as input and as output, and is there once.
    return float(together - analysis.alias_size_in_bytes)
