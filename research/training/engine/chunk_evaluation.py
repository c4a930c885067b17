"""Evaluation of a chunk: its predictions for rows of the data, a part at a time."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data.features.named_arrays import take
from research.registry import ARCHITECTURES
from research.training.engine.chunk import Chunk
from research.training.setup.program import Program

# The most rows that are evaluated together: enough to fill a device. Their outputs and activations
# are what an evaluation takes beside the data.
EVALUATION_ROWS = 2048
# The same in steps or pixels, for networks that keep activations for each.
EVALUATION_STEPS = 1 << 16


def evaluate(
    program: Program, chunk: Chunk, variables: Any, rows: jax.Array
) -> dict[str, jax.Array]:
    """What `evaluate_examples` returns for rows of the data, a part at a time.

    Args:
        program: what the lanes have in common.
        chunk: the chunk.
        variables: the lanes' variables, leaves [W, ...].
        rows: each lane's rows, [W, R].

    Returns:
        The values by name, leaves [W, R, ...]; of missing rows (-1) those of another row.
    """
    return _joined(_parts(program, chunk, variables, rows), rows.shape[1], jnp.concatenate)


def evaluate_on_host(
    program: Program, chunk: Chunk, variables: Any, rows: jax.Array
) -> dict[str, np.ndarray]:
    """As `evaluate`, joined on the host: a device would compile a program for each count of parts.

    Args:
        program: what the lanes have in common.
        chunk: the chunk.
        variables: the lanes' variables, leaves [W, ...].
        rows: each lane's rows, [W, R].
    """
    parts = jax.device_get(_parts(program, chunk, variables, rows))
    return _joined(parts, rows.shape[1], np.concatenate)


def _joined(parts: list[dict[str, Any]], count: int, concatenate: Any) -> dict[str, Any]:
    """The first `count` rows of the parts, leaves [W, count, ...]."""
    if len(parts) == 1:
        return {name: values[:, :count] for name, values in parts[0].items()}
    return {
        name: concatenate([part[name] for part in parts], axis=1)[:, :count] for name in parts[0]
    }


def _parts(
    program: Program, chunk: Chunk, variables: Any, rows: jax.Array
) -> list[dict[str, jax.Array]]:
    """The values of each part of the rows [W, R], the last one's padding included."""
    count = rows.shape[1]
    size = part_size(program, count)
    if program.sizes.uneven:
        rows = jnp.maximum(rows, 0)  # the values of missing rows are masked where they are read
    # The last part repeats its last row up to the full size: a shorter one would be another program
    # to compile, which may round differently.
    padded = rows if count % size == 0 else jnp.pad(rows, ((0, 0), (0, -count % size)), mode="edge")
    # Where scores are kept, they are compared with the labels later.
    labels = itertools.repeat(None) if program.problem.summary else _labels(chunk, padded, size)
    return [
        chunk.functions.evaluate(variables, chunk.lanes, x, lane_rows, y)
        for (x, lane_rows), y in zip(chunk.batch_source.parts(padded, size), labels, strict=False)
    ]


def _labels(chunk: Chunk, rows: jax.Array, size: int) -> Iterator[jax.Array]:
    """The labels [W, size, ...] of each part of rows [W, R]."""
    # One run over several devices has equal rows on each, and `replicate` copies the first.
    lane_rows = np.asarray(rows)[: chunk.lr_factors.shape[1]]
    for begin in range(0, lane_rows.shape[1], size):
        labels = take(chunk.clean, lane_rows[:, begin : begin + size])
        yield chunk.functions.backend.replicate(labels)


def part_size(program: Program, count: int) -> int:
    """How many of `count` rows are evaluated together."""
    most = EVALUATION_ROWS
    # An architecture with outputs per step keeps activations at each step or pixel.
    if ARCHITECTURES.get(program.config.arch.name).answers != ("example",):
        shape = program.spec.inputs.shape
        most = min(most, EVALUATION_STEPS // math.prod(shape if len(shape) == 1 else shape[:-1]))
    # The size of the larger of validation and test, where they are smaller: all splits are then
    # evaluated by one compiled program.
    return max(min(most, max(program.sizes.validation, program.sizes.test) or count), 1)
