"""Evaluation of a chunk: what its variables predict of rows of the data, a part at a time."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.registry import ARCHITECTURES
from research.training.chunk import Chunk
from research.training.program import Program

# The most rows that are evaluated together: enough to fill a device. Their outputs and activations
# are what an evaluation takes beside the data.
EVALUATION_ROWS = 2048
# The same in steps or pixels, for networks that keep activations for each.
EVALUATION_STEPS = 1 << 16


def evaluate(
    program: Program, chunk: Chunk, variables: Any, rows: jax.Array
) -> dict[str, jax.Array]:
    """What `evaluate_examples` finds of rows [W, R], leaves [W, R, ...], a part at a time."""
    count = rows.shape[1]
    size = part_size(program, count)
    padded = rows if count % size == 0 else jnp.pad(rows, ((0, 0), (0, -count % size)), mode="edge")
    labels = itertools.repeat(None) if program.problem.summary else _labels(chunk, padded, size)
    parts = [
        chunk.functions.evaluate(variables, chunk.lanes, x, lane_rows, y)
        for (x, lane_rows), y in zip(chunk.batch_source.parts(padded, size), labels, strict=False)
    ]
    if len(parts) == 1:
        return {name: values[:, :count] for name, values in parts[0].items()}
    return {
        name: jnp.concatenate([part[name] for part in parts], axis=1)[:, :count]
        for name in parts[0]
    }


def _labels(chunk: Chunk, rows: jax.Array, size: int) -> Iterator[jax.Array]:
    """The labels [W, size, ...] of each part of rows [W, R]."""
    lane_rows = np.asarray(rows)[: chunk.lr_factors.shape[1]]
    for begin in range(0, lane_rows.shape[1], size):
        yield chunk.functions.replicate(chunk.clean[lane_rows[:, begin : begin + size]])


def part_size(program: Program, count: int) -> int:
    """How many of `count` rows are evaluated together."""
    most = EVALUATION_ROWS
    if (
        "per_step" in ARCHITECTURES.get(program.config.arch.name).needs_facts
    ):  # it keeps what it knows at each step
        shape = program.spec.shape
        most = min(most, EVALUATION_STEPS // math.prod(shape if len(shape) == 1 else shape[:-1]))
    return max(min(most, max(program.sizes.validation, program.sizes.test) or count), 1)
