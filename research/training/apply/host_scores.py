"""Scores of host estimators: the inputs as they take them, what they predict, and what that is
compared with."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.baselines.cores import thread_share
from research.baselines.estimator import Predict
from research.data.features.feature import Fitted
from research.data.features.named_arrays import by_array, take
from research.data.features.table_columns import TableColumns
from research.registry import ARCHITECTURES, HostEstimator
from research.training.setup.program import Program
from research.training.step import network
from research.training.step.state import Lane


def categorical_columns(program: Program) -> tuple[int, ...]:
    """The columns of the inputs that the program's estimator takes as places of categories."""
    entry = ARCHITECTURES.get(program.config.arch.name)
    inputs = program.spec.inputs
    if isinstance(entry, HostEstimator) and entry.categories and isinstance(inputs, TableColumns):
        return tuple(inputs.coded_columns)
    return ()


def host_inputs(program: Program, lane: Lane, x: Any, rows: np.ndarray) -> Any:
    """The inputs [M, ...] of rows, filled and scaled as a network sees them; of several, each by
    its name. See `categorical_columns` for categories.

    Args:
        program: the lane's program.
        lane: the lane, with the scaling.
        x: raw inputs, [N, ...].
        rows: which of them, [M].
    """
    raw = by_array(take(x, rows), jnp.asarray)
    inputs = jax.device_get(network.normalize_inputs(program, lane, raw))
    if not categorical_columns(program):
        return inputs
    fitted = Fitted(lane.fill, lane.shift, lane.scale)
    return program.spec.inputs.as_a(TableColumns).with_places(inputs, jax.device_get(fitted))


# What the metrics of a task without labels compare scores with, beside them.
COMPARED = "compared"


def evaluated(program: Program, inputs: Any, scores: np.ndarray, y: Any) -> dict[str, Any]:
    """What `final_metrics` reads of a host estimator's rows.

    Args:
        program: its program.
        inputs: the rows as `host_inputs` returns them, [M, ...].
        scores: as `host_scores` returns them, [M, K].
        y: the rows' labels, [M, ...].

    Returns:
        The scores, or where there are too many to keep, the task's metrics of each row, [M].
    """
    if not program.spec.targets.unlabelled:
        return {"scores": scores}
    targets = program.spec.targets.read(inputs, y)
    if program.problem.summary is not None:
        return {"scores": scores, COMPARED: targets}
    of_rows = program.problem.example_metrics(jnp.asarray(scores), jnp.asarray(targets))
    return {name: np.asarray(values) for name, values in of_rows.items()}


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
    with thread_share(sum(array.size for array in jax.tree.leaves(inputs))):
        scores = np.asarray(predict(inputs))
    expected = (count, program.width)
    if scores.shape != expected:
        name = program.config.arch.name
        raise ValueError(
            f"arch={name} predicts {list(scores.shape)} for {count} rows; expected {list(expected)}"
        )
    return scores
