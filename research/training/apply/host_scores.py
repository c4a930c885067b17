"""Scores of host estimators: the inputs as they take them, and what they predict."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.baselines.estimator import Predict
from research.data.features.named_arrays import by_array, take
from research.training.setup.program import Program
from research.training.step import network
from research.training.step.state import Lane


def host_inputs(program: Program, lane: Lane, x: Any, rows: np.ndarray) -> Any:
    """The inputs [M, ...] of rows, filled and scaled as a network sees them; of several, each by
    its name.

    Args:
        program: the lane's program.
        lane: the lane, with the scaling.
        x: raw inputs, [N, ...].
        rows: which of them, [M].
    """
    raw = by_array(take(x, rows), jnp.asarray)
    return jax.device_get(network.normalize_inputs(program, lane, raw))


def host_scores(program: Program, predict: Predict, inputs: Any, count: int) -> np.ndarray:
    """The scores [M, K] of an estimator.

    Args:
        program: its program.
        predict: the fitted estimator.
        inputs: as `host_inputs` returns them.
        count: M.

    Raises:
        ValueError: they have another shape.
    """
    scores = np.asarray(predict(inputs))
    expected = (count, program.width)
    if scores.shape != expected:
        name = program.config.arch.name
        raise ValueError(
            f"arch={name} predicts {list(scores.shape)} for {count} rows; expected {list(expected)}"
        )
    return scores
