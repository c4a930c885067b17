"""Final metrics of kept variables on any rows, with the same bits as the evaluation at the end of
training."""

from typing import Any

import jax
import numpy as np

from research.config import RunConfig
from research.data import stream
from research.data.features.named_arrays import by_array, take
from research.data.spec import Arrays
from research.metric_names import CLEAN, UNCALIBRATED
from research.tasks import calibration
from research.tasks.problem import Problem
from research.training.apply import host_scores as host_scores_lib
from research.training.apply.host_scores import (
    COMPARED,
    host_inputs,
    host_scores,
    kept_predictor,
)
from research.training.devices.chunk_functions import ChunkFunctions
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.chunk_evaluation import part_size
from research.training.setup.lane_inputs import make_lane_inputs, stacked
from research.training.setup.program import Program
from research.training.step import means, objective
from research.training.step.state import Lane, Variables


def run_lane(program: Program, config: RunConfig, arrays: Arrays) -> Lane:
    """A run's lane: its split, its scaling, and what fills missing inputs.

    Args:
        program: the run's program.
        config: the run's config.
        arrays: its data.
    """
    with program.precision_context():
        return make_lane_inputs(config, program, arrays).lane


def final_metrics(
    problem: Problem, evaluated: dict[str, np.ndarray], y: Any, clean: Any = None
) -> dict[str, float]:
    """The final metrics of rows.

    Args:
        problem: the task, with its metrics.
        evaluated: what `evaluate_examples` returned for the rows, leaves [R, ...].
        y: their labels, [R, ...].
        clean: their labels before `label_noise`, where y are those after it; the metrics on them
            are called `clean_accuracy` and so on.
    """
    if clean is not None:
        on_clean = final_metrics(problem, evaluated, clean)
        of_clean = {f"{CLEAN}{name}": value for name, value in on_clean.items()}
        return final_metrics(problem, evaluated, y) | of_clean
    if calibration.UNCALIBRATED in evaluated:
        before = {"scores": evaluated[calibration.UNCALIBRATED]}
        uncalibrated = final_metrics(problem, before, y)
        of_calibrated = final_metrics(problem, {"scores": evaluated["scores"]}, y)
        return of_calibrated | {f"{UNCALIBRATED}{name}": v for name, v in uncalibrated.items()}
    if problem.summary is not None:
        return problem.summary(evaluated["scores"], evaluated.get(COMPARED, y))
    return problem.finish(means.of_metrics(problem, evaluated))


def final_metric_names(program: Program) -> list[str]:
    """The names of a run's final metrics, as `final_metrics` returns them."""
    problem = program.problem
    if problem.summary is not None:
        names = list(problem.better)
        calibrates = program.config.calibrate != "none"
        return names + [f"{UNCALIBRATED}{name}" for name in names if calibrates]
    return list(problem.finish(dict.fromkeys(objective.metric_names(program), 1.0)))


def overflow_message(program: Program, evaluated: dict[str, dict[str, np.ndarray]]) -> str:
    """Which of a run's splits its last update made overflow, in a few words; "" if none.

    evaluated: by split, what `evaluate_examples` returned for its rows, leaves [R, ...]. Outputs
        are checked, or where there are too many to keep, losses; a metric can hide them, as an
        accuracy hides NaN. Of training rows, outputs whose square is not finite count too, and so
        do such losses of classes, which grow with the outputs: the next update would not be
        finite. (A squared loss is a square already; other rows may be far from all that was
        fitted.)
    """
    squared = np.sqrt(np.finfo(program.dtype).max)
    for name, of_split in evaluated.items():
        what = "outputs" if "outputs" in of_split else "loss"
        if what not in of_split:  # of an episode only what it earns is known
            continue
        grows = what == "outputs" or program.spec.targets.classes
        largest = squared if name == "train" and grows else np.inf
        values = np.abs(of_split[what]).reshape(len(of_split[what]), -1)
        lost = int((~(values < largest)).any(axis=1).sum())  # NaN is not below anything
        if lost:
            return (
                f"after the last update the {what} of {lost} of the {len(values)} {name} rows"
                " overflow"
            )
    return ""


def evaluate_rows(
    program: Program,
    lane: Lane,
    variables: Variables,
    strategy: ExecutionStrategy,
    x: Any,
    rows: np.ndarray,
    y: Any = None,
) -> dict[str, np.ndarray]:
    """What `evaluate_examples` returns for some rows, with the bits of the run's training.

    Args:
        program: what the lanes have in common.
        lane: the run's lane.
        variables: the run's variables.
        strategy: the one that the run was trained with. Its width decides the last bits, so every
            lane of a chunk does the same.
        x: raw inputs, [N, ...].
        rows: which of them, [R].
        y: the labels of these rows, [R, ...], where metrics need them.

    Returns:
        The values by name, leaves [R, ...].
    """
    x = program.spec.inputs.view(x)
    if program.fitted:
        return _evaluated_by_fit(program, lane, variables, x, rows, y)
    with program.precision_context():
        functions = ChunkFunctions.of(program, strategy, jax.local_devices()[0])
        backend = functions.backend
        lanes = backend.replicate(stacked([lane] * strategy.width))
        replicated = backend.replicate(
            jax.tree.map(
                lambda leaf: np.broadcast_to(leaf, (strategy.width, *np.shape(leaf))), variables
            )
        )
        # The size of the parts is that of training's evaluation, so that it is the same program.
        size = part_size(program, len(rows))
        places = backend.replicate(np.tile(np.arange(size, dtype=np.int32), (strategy.width, 1)))
        evaluated: list[dict[str, np.ndarray]] = []
        labels = None if program.problem.summary else y
        with stream.parts(x, rows[None], size=size) as parts:
            for number, part in enumerate(parts):  # [1, size, ...]
                part_labels = None
                if labels is not None:
                    chosen = np.minimum(
                        np.arange(number * size, (number + 1) * size), len(rows) - 1
                    )
                    part_labels = backend.replicate(
                        by_array(
                            take(labels, chosen),
                            lambda y: np.broadcast_to(y, (strategy.width, *y.shape)),
                        )
                    )
                inputs = backend.share(by_array(part, lambda array: array[0]))
                of_part = functions.evaluate(replicated, lanes, inputs, places, part_labels)
                evaluated.append(
                    jax.device_get({name: values[0] for name, values in of_part.items()})
                )
    return {
        name: np.concatenate([part[name] for part in evaluated])[: len(rows)]
        for name in evaluated[0]
    }


def _evaluated_by_fit(
    program: Program, lane: Lane, variables: Variables, x: Any, rows: np.ndarray, y: Any
) -> dict[str, np.ndarray]:
    """What a host estimator makes of rows [R], whose labels are y [R, ...]."""
    predict = kept_predictor(variables)
    with program.precision_context():
        inputs = host_inputs(program, lane, x, rows)
        scores = host_scores(program, predict, inputs, len(rows))
        return host_scores_lib.evaluated(program, inputs, scores, y)
