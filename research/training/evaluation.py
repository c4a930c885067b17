"""Evaluation of variables that a run kept, on any rows: with the bits of the evaluation that ended its training."""

import jax
import jax.numpy as jnp
import numpy as np

from research.config import RunConfig
from research.data import stream
from research.data.spec import Arrays
from research.training import parallel
from research.training.chunk import part_size
from research.training.inputs import inputs_of, stacked
from research.training.lanes import Way
from research.training.program import Program
from research.training.state import Lane, Variables


def lane_of(program: Program, config: RunConfig, arrays: Arrays) -> Lane:
    """A run's lane: its split, its scaling, and what fills missing inputs."""
    with program.numbers():
        return inputs_of(config, program, arrays).lane


def scores_of(
    program: Program, lane: Lane, variables: Variables, way: Way, x: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Scores [R, C] of rows [R] of raw inputs x [N, ...].

    way: in which the run was trained; its width decides the last bits, so every lane of a chunk does the same.
    """
    with program.numbers():
        functions = parallel.functions(program, way, jax.local_devices()[0])
        lanes = functions.replicate(stacked([lane] * way.width))
        held = functions.replicate(
            jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (way.width, *np.shape(leaf))), variables)
        )
        size = part_size(program, len(rows))
        places = functions.replicate(np.tile(np.arange(size, dtype=np.int32), (way.width, 1)))
        found = []
        with stream.parts(x, rows[None], size=size) as parts:
            for part in parts:  # [1, size, ...]
                scores = functions.evaluate(held, lanes, functions.share(part[0]), places)["scores"]
                found.append(jax.device_get(scores[0]))
    return np.concatenate(found)[: len(rows)]
