"""Host fits: the outcomes of runs that are fitted on the host instead of trained by updates."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from research.baselines.constant import constant
from research.baselines.estimator import LabelledExamples, Predict, StagedPredict, Unfit
from research.baselines.stored_predictor import stored
from research.config import RunConfig
from research.data.features.named_arrays import by_array, take
from research.data.spec import Arrays
from research.data.splitters.division import outside_the_folds
from research.errors import UserError
from research.training.apply.final_metrics import final_metrics
from research.training.apply.host_scores import (
    categorical_columns,
    evaluated,
    host_inputs,
    host_scores,
    threads_of,
)
from research.training.checkpoint.best_and_last import BestAndLast
from research.training.devices import lane_functions
from research.training.engine.outcomes import Outcome
from research.training.engine.pack_observer import EpochProgress, PackObserver
from research.training.engine.predicted_rows import OWN_TEST, PARTS, PredictedRows
from research.training.setup import chosen_columns
from research.training.setup.lane_inputs import make_lane_inputs
from research.training.setup.program import Program
from research.training.setup.warm_start import ESTIMATOR
from research.training.step.state import Lane, Variables

STAGES_AT_ONCE = 100
SPLITS = ("train", "validation", "test")


def fit(
    program: Program,
    configs: Sequence[RunConfig],
    arrays: Arrays,
    observer: PackObserver,
    keep: bool = False,
) -> list[Outcome]:
    """Fits runs of one program, one after another, and returns their outcomes in order.

    Args:
        program: what the runs have in common.
        configs: the config of each run.
        arrays: the data.
        observer: follows the fits; its epoch ends once, when all are done.
        keep: whether the outcomes keep the fitted estimators.
    """
    arrays = program.spec.view(arrays)
    with program.precision_context():
        lanes = [make_lane_inputs(config, program, arrays).lane for config in configs]
        outcomes = [
            _outcome(program, config, lane, arrays, predict, observer, keep)
            for config, lane, (predict, _) in zip(
                configs, lanes, _fitted(program, configs, lanes, arrays), strict=True
            )
        ]
    epochs = program.config.epochs
    progress = EpochProgress(
        epochs,
        epochs,
        0,
        len(configs),
        curves=lambda: [outcome.curves for outcome in outcomes],
        latest=lambda: [
            {name: values[-1] for name, values in outcome.curves.items()} for outcome in outcomes
        ],
    )
    observer.at_epoch(progress)
    return outcomes


def _outcome(
    program: Program,
    config: RunConfig,
    lane: Lane,
    arrays: Arrays,
    predict: Predict | Unfit,
    observer: PackObserver,
    keep: bool,
) -> Outcome:
    """The outcome of one run, whose predictor is fitted, or cannot be."""
    if isinstance(predict, Unfit):
        return _unfit(program, f"arch={config.arch.name} cannot be fitted: {predict}")
    rows = {name: rows for name in SPLITS if len(rows := _rows(lane, name))}
    if getattr(predict, "only_training_rows", False):
        rows = {"train": rows["train"]}
    for note in getattr(predict, "notes", ()):
        observer.at_warning(f"arch={config.arch.name}, seed={config.seed}: {note}")
    inputs = {name: host_inputs(program, lane, arrays.x, split) for name, split in rows.items()}
    scores = {
        name: host_scores(program, predict, inputs[name], len(split))
        for name, split in rows.items()
    }
    lost = [name for name, values in scores.items() if not np.isfinite(values).all()]
    metrics: dict[str, float] = {}
    curves: dict[str, list[float]] = {}
    for name, values in scores.items():
        y = take(arrays.y, rows[name])
        clean = None
        if name == "train" and config.label_noise:
            clean = y
            y = trained_labels(program, lane, arrays.y)[rows[name]]
        of_rows = evaluated(program, inputs[name], values, y)
        final = final_metrics(program.problem, of_rows, y, clean)
        metrics |= {f"{name}/{metric}": value for metric, value in final.items()}
        if name != "test":
            stages: Iterable[np.ndarray] = [values]
            if isinstance(predict, StagedPredict):
                stages = predict.stages(inputs[name])
            read = program.spec.targets.read(inputs[name], y)
            with threads_of(inputs[name]):
                curves |= _curves(program, name, stages, read)
    checksum = _checksum(list(scores.values()))
    own_test = outside_the_folds(config.split, program.spec)
    if len(own_test) and "test" in rows:
        rows[OWN_TEST] = own_test
        unseen = host_inputs(program, lane, arrays.x, own_test)
        scores[OWN_TEST] = host_scores(program, predict, unseen, len(own_test))
    return Outcome(
        metrics={} if lost else metrics,
        curves=curves,
        checksums=[checksum],
        steps=program.steps,
        diverged_at=0 if lost else None,
        best_and_last=_estimator_to_keep(config, predict, observer) if keep else None,
        predictions={
            name: PredictedRows(rows[name], scores[name], take(arrays.y, rows[name]))
            for name in (*PARTS, OWN_TEST)
            if name in scores
        },
        selected=chosen_columns.names(program, lane.scale) if config.selects else [],
        cause=f"its scores of {' and '.join(lost)} rows are not all finite" if lost else "",
    )


def _unfit(program: Program, cause: str) -> Outcome:
    """The outcome of a run whose training rows do not allow a fit."""
    checksum = _checksum([np.frombuffer(cause.encode(), np.uint8)])
    return Outcome({}, {}, [checksum], program.steps, diverged_at=0, cause=cause)


def _estimator_to_keep(
    config: RunConfig, predict: Predict, observer: PackObserver
) -> BestAndLast | None:
    """A fitted estimator in the place of parameters; None, with a warning, if it cannot be
    stored."""
    try:
        variables = Variables({ESTIMATOR: stored(predict)}, {})
    except UserError as error:
        observer.at_warning(f"arch={config.arch.name} is not kept: {error}")
        return None
    epoch = np.asarray(config.epochs)
    return BestAndLast(variables, epoch, np.zeros(()), variables, epoch)


def _curves(
    program: Program, name: str, stages: Iterable[np.ndarray], y: Any
) -> dict[str, list[float]]:
    """The curves of a split: the mean metrics of its scores [N, K] after each stage of the fit, as
    `train/accuracy`."""
    curves: dict[str, list[float]] = {}
    # Many stages at once: each operation takes longer to start than for the rows of one stage.
    remaining = iter(stages)
    while block := list(itertools.islice(remaining, STAGES_AT_ONCE)):
        scores = np.stack(block)
        rows = np.tile(np.arange(scores.shape[1]), len(scores))
        of_examples = program.problem.example_metrics(
            jnp.asarray(scores.reshape(len(rows), -1)), by_array(take(y, rows), jnp.asarray)
        )
        for metric, values in of_examples.items():
            means = jnp.mean(values.reshape(scores.shape[:2]), axis=1)
            curves.setdefault(f"{name}/{metric}", []).extend(means.tolist())
    return curves


def predictor(program: Program, config: RunConfig, arrays: Arrays) -> tuple[Predict, Any]:
    """A run's fitted predictor, and the training inputs [N, ...] as it takes them.

    Args:
        program: the run's program.
        config: its config.
        arrays: its data.

    Raises:
        Unfit: the training rows do not allow the fit.
    """
    arrays = program.spec.view(arrays)
    lane = make_lane_inputs(config, program, arrays).lane
    ((predict, x),) = _fitted(program, [config], [lane], arrays)
    if isinstance(predict, Unfit):
        raise predict
    return predict, x


def _fitted(
    program: Program, configs: Sequence[RunConfig], lanes: Sequence[Lane], arrays: Arrays
) -> Iterator[tuple[Predict | Unfit, Any]]:
    """The predictor of each lane, or why there is none, and its training inputs."""
    together = program.fits_together
    if together is None:
        for config, lane in zip(configs, lanes, strict=True):
            try:
                fitted: tuple[Predict | Unfit, Any] = _fitted_alone(program, config, lane, arrays)
            except Unfit as unfit:
                # An outcome of this run: the others of its pack are fitted.
                fitted = unfit, None
            yield fitted
        return
    trains = [_examples(program, lane, arrays, _rows(lane, "train"), noisy=True) for lane in lanes]
    fits = [program.estimator(config) for config in configs]
    predictors = together(fits, trains, [config.seed for config in configs])
    yield from zip(predictors, [train.x for train in trains], strict=True)


def _fitted_alone(
    program: Program, config: RunConfig, lane: Lane, arrays: Arrays
) -> tuple[Predict, Any]:
    """The predictor of a lane, and its training inputs."""
    train = _examples(program, lane, arrays, _rows(lane, "train"), noisy=True)
    validation = _examples(program, lane, arrays, _rows(lane, "validation"), noisy=False)
    task = program.spec.task
    if task in ("classification", "regression") and _tells_nothing(train):
        known = constant(train, validation, config.seed, outputs=program.width, task=task)
        return known, train.x
    return program.estimator(config)(train, validation, config.seed), train.x


def _tells_nothing(train: LabelledExamples) -> bool:
    """Whether all targets are the same, or all inputs, as some methods refuse. All that any method
    can then say is what the constant predictor says."""
    if len(np.unique(train.y)) == 1:
        return True
    return isinstance(train.x, np.ndarray) and bool((train.x == train.x[:1]).all())


def _rows(lane: Lane, name: str) -> np.ndarray:
    """The rows of a split, [N], without those that only a larger fold has."""
    rows: np.ndarray = getattr(lane, name)
    return rows[rows >= 0]


def _examples(
    program: Program, lane: Lane, arrays: Arrays, rows: np.ndarray, noisy: bool
) -> LabelledExamples:
    """The examples of rows [N]. noisy: whether `label_noise` redraws their labels."""
    y = arrays.y
    if noisy and lane.hparams["label_noise"]:
        y = trained_labels(program, lane, y)
    y = take(y, rows)
    weight = None if arrays.weights is None else arrays.weights[rows]
    if lane.class_weight is not None:
        by_class = np.asarray(lane.class_weight)[y]
        weight = by_class if weight is None else by_class * weight
    inputs = host_inputs(program, lane, arrays.x, rows)
    return LabelledExamples(inputs, y, weight, categorical_columns(program, lane))


def trained_labels(program: Program, lane: Lane, y: Any) -> np.ndarray:
    """The labels [N] after a lane's label noise.

    Args:
        program: the lane's program.
        lane: the lane.
        y: the labels of the data, [N].
    """
    return np.asarray(lane_functions.labels(program.width, lane, jnp.asarray(y)))


def _checksum(arrays: Sequence[np.ndarray]) -> str:
    """16 hexadecimal digits that stand for all bits."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
