"""Outcomes: what becomes of each run of a chunk: final metrics, curves and checksums."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from research.data.features.named_arrays import take
from research.data.splitters.division import outside_the_folds
from research.metric_names import CLEAN
from research.regularization.stopping import LOSS
from research.tasks import calibration
from research.tasks.problem import Problem
from research.training.apply.final_metrics import final_metrics, overflow_message
from research.training.checkpoint.best_and_last import BestAndLast
from research.training.engine import chunk_evaluation
from research.training.engine.chunk import Chunk
from research.training.engine.predicted_rows import OWN_TEST, PARTS, PredictedRows
from research.training.setup import chosen_columns
from research.training.setup.program import Program


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of one lane; the run's record without its names.

    calibration: what `calibrate` fitted to its validation rows, or {}. selected: the features that
        `select` chose.
    cause: why it diverged, where more is known than that a loss or an update was not finite.
    best_and_last: its variables, where they are to be kept. predictions: the scores of validation
        and test rows, where they are.
    """

    metrics: dict[str, float]
    curves: dict[str, list[float]]
    checksums: list[str]
    steps: int
    diverged_at: int | None
    cause: str = ""
    calibration: dict[str, Any] = dataclasses.field(default_factory=dict)
    selected: list[str] = dataclasses.field(default_factory=list)
    best_and_last: BestAndLast | None = None
    predictions: Mapping[str, PredictedRows] = dataclasses.field(default_factory=dict)


def outcomes(
    program: Program,
    chunk: Chunk,
    lanes: Sequence[int] | None = None,
    keep_predictions: bool = False,
) -> list[Outcome]:
    """The outcomes of a chunk's runs as they are now, in the order of their lanes.

    To be called inside `program.precision_context()`.

    Args:
        program: what the lanes have in common.
        chunk: the chunk.
        lanes: the indices of the runs' lanes; None for all runs.
        keep_predictions: whether they hold the scores of validation and test rows.
    """
    state = chunk.state
    variables = (
        state.best if program.has_stopping else chunk.functions.evaluated(state, chunk.lanes)
    )
    parts = {name: getattr(chunk.lanes, name) for name in ("train", *PARTS)}
    if keep_predictions:
        parts[OWN_TEST] = _own_test(program, chunk)
    parts = {name: rows for name, rows in parts.items() if rows.shape[1]}
    evaluated: dict[str, dict[str, np.ndarray]] = {
        name: chunk_evaluation.evaluate_on_host(program, chunk, variables, rows)
        for name, rows in parts.items()
    }
    rows = jax.device_get(parts)
    noisy = np.asarray(chunk.lanes.hparams["label_noise"]) > 0
    best_and_last = jax.device_get(chunk.best_and_last)
    offsets = jax.device_get(chunk.lanes.offset)
    causes = _unwatched(program, chunk)
    scales = jax.device_get(chunk.lanes.scale) if program.config.selects else None
    results = []
    for lane in range(len(chunk.members)) if lanes is None else lanes:
        rows_of_lane = {name: rows[name][lane] for name in evaluated}
        of_lane = {
            name: {key: values[lane] for key, values in split.items()}
            for name, split in evaluated.items()
        }
        if offsets is not None:
            _add_offset(offsets[lane], rows_of_lane, of_lane)
        if program.sizes.uneven:
            of_lane = {name: _real(rows_of_lane[name], split) for name, split in of_lane.items()}
            rows_of_lane = {name: part[part >= 0] for name, part in rows_of_lane.items()}
        labels: dict[str, np.ndarray] = {}
        if program.problem.summary:
            labels = {name: take(chunk.clean, rows_of_lane[name]) for name in of_lane}
            if noisy[lane]:
                # `train/accuracy` is that of the labels that were trained, as in the curves.
                labels[CLEAN] = labels["train"]
                labels["train"] = chunk.trained_labels(lane)[rows_of_lane["train"]]
        # The record is the same whether or not predictions are kept.
        measured = {name: split for name, split in of_lane.items() if name != OWN_TEST}
        cause = causes[lane] or overflow_message(program, measured)
        fitted: dict[str, Any] = {}
        if program.config.calibrate != "none" and not cause and _ended(chunk, lane):
            scores = of_lane["validation"]["scores"]
            fitted = calibration.fit(program.config.calibrate, scores, labels["validation"])
            of_lane = {
                name: calibration.calibrated(fitted, split) for name, split in of_lane.items()
            }
            measured = {name: of_lane[name] for name in measured}
        outcome = _outcome(program, chunk, lane, measured, labels, cause)
        # Copied, since a view would keep the arrays of the whole chunk in memory.
        variables_of_lane = jax.tree.map(lambda leaf, i=lane: np.array(leaf[i]), best_and_last)
        predictions = {}
        if keep_predictions:
            predictions = {
                part: PredictedRows(
                    rows_of_lane[part], np.array(of_lane[part]["scores"]), labels[part]
                )
                for part in (*PARTS, OWN_TEST, *(["train"] if program.boosted else []))
                if part in of_lane
            }
        results.append(
            dataclasses.replace(
                outcome,
                calibration=fitted,
                selected=[] if scales is None else chosen_columns.names(program, scales[lane]),
                best_and_last=variables_of_lane,
                predictions=predictions,
            )
        )
    return results


def _add_offset(
    offset: np.ndarray,
    rows: Mapping[str, np.ndarray],
    evaluated: Mapping[str, dict[str, np.ndarray]],
) -> None:
    """Adds what the members before a run predict to its part, so that its scores are theirs all.

    Args:
        offset: of each row of the data, [N, C].
        rows: by split, the rows that were evaluated.
        evaluated: by split, what `evaluate_examples` returned for them.
    """
    for name, of_split in evaluated.items():
        of_split["scores"] = of_split["scores"] + offset[rows[name]]


def _ended(chunk: Chunk, lane: int) -> bool:
    """Whether a lane's training ended without diverging, so that its scores are finite."""
    return int(chunk.rows[-1]["diverged_at"][lane]) < 0


def _own_test(program: Program, chunk: Chunk) -> jax.Array:
    """The rows of the data set's own test split for each lane, [W, T]; T is 0 unless the folds
    leave them out."""
    rows = outside_the_folds(program.config.split, program.spec)
    lanes = chunk.lr_factors.shape[1]
    own_test: jax.Array = chunk.functions.backend.replicate(np.tile(rows, (lanes, 1)))
    return own_test


def _real(rows: np.ndarray, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The values of the rows that are not missing."""
    return {name: of_rows[rows >= 0] for name, of_rows in values.items()}


def _outcome(
    program: Program,
    chunk: Chunk,
    lane: int,
    evaluated: dict[str, dict[str, np.ndarray]],
    labels: dict[str, np.ndarray],
    cause: str,
) -> Outcome:
    """The outcome of one run, without its variables.

    Args:
        program: what the lanes have in common.
        chunk: the run's chunk.
        lane: the index of its lane.
        evaluated: by split, what `evaluate_examples` returned for its rows.
        labels: by split, the labels of these rows; with label noise, `clean_` are those of the
            training rows before it.
        cause: why it counts as diverged although its training ended, or "".
    """
    last = chunk.rows[-1]
    epochs = int(last["epochs"][lane])
    diverged = int(last["diverged_at"][lane])
    metrics: dict[str, float] = {}
    steps = epochs * program.sizes.steps_per_epoch
    if diverged >= 0:
        cause = ""
    elif cause:
        # Such a cause shows only after training, so the run diverged at its last update.
        diverged = steps - 1
    else:
        for name, of_split in evaluated.items():
            clean = labels.get(CLEAN) if name == "train" else None
            summary = final_metrics(program.problem, of_split, labels.get(name), clean)
            metrics |= {f"{name}/{metric}": value for metric, value in summary.items()}
    return Outcome(
        metrics=metrics,
        curves=_curves(program, chunk, lane),
        checksums=["{:08x}{:08x}".format(*row["checksum"][lane]) for row in _rows(chunk, lane)],
        steps=steps if diverged < 0 else diverged,
        diverged_at=None if diverged < 0 else diverged,
        cause=cause,
    )


def _unwatched(program: Program, chunk: Chunk) -> list[str]:
    """Per lane, why it counts as diverged if the validation loss or metric that steers it was never
    finite, else ""."""
    stopping = [member.name for member in program.members("stopping")]
    if program.watched != LOSS:
        lowest = jax.device_get(chunk.state.stopping.best)
        never = f"{stopping[0]} watches validation/{program.watched}, which no epoch defined"
        return ["" if np.isfinite(best) else never for best in lowest]
    best, patience = jax.device_get((chunk.state.plateau.best, chunk.lanes.plateau["patience"]))
    causes = []
    for lowest, lane_patience in zip(best, patience, strict=True):
        # An infinite patience is that of a schedule without feedback.
        steering = stopping + ["reduce_on_plateau"] * bool(np.isfinite(lane_patience))
        cause = (
            f"{' and '.join(steering)} reads the validation loss, which was not finite after any"
            " epoch"
        )
        causes.append(cause if steering and not np.isfinite(lowest) else "")
    return causes


def _rows(chunk: Chunk, lane: int) -> list[dict[str, np.ndarray]]:
    """The epochs of one of a chunk's runs, all lanes side by side."""
    first = chunk.first_epoch[lane]
    return chunk.rows[first : first + int(chunk.rows[-1]["epochs"][lane])]


def _curves(program: Program, chunk: Chunk, lane: int) -> dict[str, list[float]]:
    """The curves of one of a chunk's runs, by name."""
    rows = _rows(chunk, lane)
    names = [name for name in chunk.rows[0] if "/" in name]
    return complete_curves(
        program.problem, {name: [float(row[name][lane]) for row in rows] for name in names}
    )


def every_curve(program: Program, chunks: Sequence[Chunk]) -> list[dict[str, list[float]]]:
    """The curves of every run of a pack, in order."""
    return [_curves(program, chunk, lane) for chunk in chunks for lane in range(len(chunk.members))]


def latest_metrics(program: Program, chunks: Sequence[Chunk], epoch: int) -> list[dict[str, float]]:
    """The metrics of every run of a pack in its latest epoch, in order.

    Args:
        program: the runs' program.
        chunks: the pack's chunks.
        epoch: the number of the latest epoch; {} for a run that ended before it.
    """
    metrics: list[dict[str, float]] = []
    for chunk in chunks:
        row = chunk.rows[-1]
        for lane in range(len(chunk.members)):
            trained = int(row["epochs"][lane]) == epoch
            metrics.append(row_metrics(program, row, lane) if trained else {})
    return metrics


def row_metrics(program: Program, row: Mapping[str, np.ndarray], lane: int) -> dict[str, float]:
    """The metrics of one lane in an epoch's row.

    Args:
        program: the lanes' program.
        row: the curves' values, [W] by name.
        lane: the lane's index.
    """
    curves = complete_curves(
        program.problem, {name: [float(row[name][lane])] for name in row if "/" in name}
    )
    return {name: value for name, (value,) in curves.items()}


def complete_curves(problem: Problem, curves: dict[str, list[float]]) -> dict[str, list[float]]:
    """The curves with each epoch's metrics completed as the final ones are."""
    complete: dict[str, list[float]] = {}
    for split in dict.fromkeys(name.partition("/")[0] for name in curves):
        of_split = {
            name.partition("/")[2]: values
            for name, values in curves.items()
            if name.startswith(f"{split}/")
        }
        epochs = zip(*of_split.values(), strict=True)
        rows = [problem.finish(dict(zip(of_split, epoch, strict=True))) for epoch in epochs]
        # A run without an epoch has empty curves under the unfinished names.
        names = rows[0] if rows else of_split
        complete |= {f"{split}/{name}": [row[name] for row in rows] for name in names}
    return complete
