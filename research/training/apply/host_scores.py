"""Scores of host estimators: the inputs as they take them, what they predict, and what that is
compared with."""

import contextlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.baselines.cores import thread_share
from research.baselines.estimator import Predict
from research.baselines.stored_predictor import restored
from research.data.features.feature import Fitted
from research.data.features.named_arrays import by_array, take
from research.data.features.table_columns import TableColumns
from research.registry import ARCHITECTURES, HostEstimator
from research.training.setup.program import Program
from research.training.setup.warm_start import ESTIMATOR
from research.training.step import network
from research.training.step.state import Lane, Variables


def kept_predictor(variables: Variables) -> Predict:
    """The fitted estimator that a run keeps as its parameters."""
    return restored(np.asarray(variables.params[ESTIMATOR]))


def categorical_columns(program: Program, lane: Lane) -> tuple[int, ...]:
    """The columns of `host_inputs` that a lane's estimator takes as places of categories."""
    if not _takes_places(program):
        return ()
    inputs = program.spec.inputs.as_a(TableColumns)
    shown = seen_columns(program, lane)
    stored = zip(inputs.categories, inputs.starts, strict=True)
    left = [kind for kind, start in stored if shown[start]]
    return tuple(place for place, kind in enumerate(left) if kind)


def _takes_places(program: Program) -> bool:
    """Whether the program's estimator takes a category as its place among those of its column."""
    entry = ARCHITECTURES.get(program.config.arch.name)
    inputs = program.spec.inputs
    takes = isinstance(entry, HostEstimator) and entry.categories
    return takes and isinstance(inputs, TableColumns) and bool(inputs.coded_columns)


def seen_columns(program: Program, lane: Lane) -> np.ndarray:
    """The columns that a lane's estimator gets, bool [D]. A network gets all, and those that it
    does not see as zeros; so do estimators with `column_share`.

    Args:
        program: the lane's program.
        lane: the lane, with the scaling.
    """
    zeros = not program.fitted or program.config.column_share is not None
    if zeros or isinstance(lane.scale, dict):
        return np.ones(program.spec.inputs.shape, bool)
    return np.isfinite(lane.scale)


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
    features = program.spec.inputs
    if not isinstance(features, TableColumns):
        return inputs
    shown = seen_columns(program, lane)
    if not _takes_places(program):
        return inputs if shown.all() else inputs[:, shown]
    fitted = Fitted(lane.fill, lane.shift, lane.scale)
    places = features.with_places(inputs, jax.device_get(fitted))
    return places[:, shown[features.starts]]


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


def threads_of(inputs: Any) -> contextlib.AbstractContextManager[int]:
    """Bounds the threads of predictions from inputs, as `host_inputs` returns them."""
    return thread_share(sum(array.size for array in jax.tree.leaves(inputs)))


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
    with threads_of(inputs):
        scores = np.asarray(predict(inputs))
    expected = (count, program.width)
    if scores.shape != expected:
        name = program.config.arch.name
        raise ValueError(
            f"arch={name} predicts {list(scores.shape)} for {count} rows; expected {list(expected)}"
        )
    return scores
