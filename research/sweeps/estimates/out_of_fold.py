"""Out of fold: one score over all rows, each of them predicted by the folds that did not train on
it."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from research.errors import UserError
from research.registry import TASKS, load_package
from research.statistics import bias_variance
from research.sweeps.estimates.seed_value import fold_of
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.tasks.classification import log_softmax
from research.tasks.metrics import recorded_problem
from research.training.engine.predicted_rows import OWN_TEST, PredictedRows

# The head of the names of its metrics, as `oof/roc_auc`.
OUT_OF_FOLD = "oof"
# By the head of a metric, the part of the kept predictions that it is computed from.
PARTS = {OUT_OF_FOLD: "test", OWN_TEST: OWN_TEST}


class FoldPredictions(NamedTuple):
    """What the folds predicted together: `rows` int32 [R], ascending, `scores` [R, C] and
    `targets` [R]; folds: of each row, those that predicted it.

    parts: of bootstrap samples, the bias and the variance of their models (bias_variance.py).
    """

    rows: np.ndarray
    scores: np.ndarray
    targets: np.ndarray
    folds: list[tuple[int, ...]]
    parts: Mapping[str, float] = MappingProxyType({})


def together(by_fold: Sequence[PredictedRows], classes: bool) -> FoldPredictions:
    """The predictions of all folds by row. A row that several folds predicted has their average.

    Args:
        by_fold: of each fold, in order.
        classes: whether scores are logits, whose average is that of their probabilities; else the
            scores are averaged.
    """
    rows = np.concatenate([of_fold.rows for of_fold in by_fold])
    scores = np.concatenate([of_fold.scores for of_fold in by_fold])
    targets = np.concatenate([of_fold.targets for of_fold in by_fold])
    fold = np.repeat(np.arange(len(by_fold)), [len(of_fold.rows) for of_fold in by_fold])
    # Stable, so that the folds of a row stay in order.
    order = np.argsort(rows, kind="stable")
    distinct, first, counts = np.unique(rows[order], return_index=True, return_counts=True)
    folds = [tuple(map(int, part)) for part in np.split(fold[order], first[1:])]
    if counts.max() > 1:
        # In float64, as probabilities near 0 and 1 are; a row of one fold keeps its bits instead.
        averaged = np.exp(log_softmax(scores)) if classes else scores.astype(np.float64)
        sums = np.add.reduceat(averaged[order], first, axis=0)
        means = sums / counts.reshape(-1, *[1] * (scores.ndim - 1))
        # A probability of 0 has a logarithm that is still a number.
        scores = np.log(np.maximum(means, np.finfo(float).tiny)) if classes else means
    else:
        scores = scores[order]
    return FoldPredictions(distinct, scores, targets[order][first], folds)


def of_runs(records: Sequence[Record], predictions: Predictions) -> dict[str, FoldPredictions]:
    """What the runs of one seed's folds kept, by the head of its metrics (`oof`, `own_test`).

    Args:
        records: of all folds.
        predictions: where they lie.

    Raises:
        UserError: a run kept none, they are damaged, or they are of other data.
    """
    ordered = sorted(records, key=fold_of)
    by_fold = [predictions.load(record.run_id) for record in ordered]
    of_data = [predictions.data_of(record.run_id) for record in ordered]
    for record, data in zip(ordered, of_data, strict=True):
        if data != of_data[0]:
            raise UserError(
                f"the predictions of run {record.run_id} are of other data than those of"
                f" {ordered[0].run_id}, though both are folds of"
                f" {ordered[0].config.get('dataset')}; has the file changed? train both again"
            )
    classes = of_classes(ordered[0].config)
    combined = {}
    for head, part in PARTS.items():
        of_part = [of_fold[part] for of_fold in by_fold if part in of_fold]
        if len(of_part) == len(by_fold):
            combined[head] = together(of_part, classes)
            # Other folds train on rows that they choose not to share, and so differ too little.
            if ordered[0].config["split"].startswith("bootstrap"):
                parts = bias_and_variance(of_part, classes)
                combined[head] = combined[head]._replace(parts=parts)
    return combined


def of_classes(config: Mapping[str, str]) -> bool:
    """Whether the scores of a recorded run are logits of classes.

    Args:
        config: of its record.
    """
    load_package("research.tasks")
    return "accuracy" in TASKS.get(config["task"]).build().better


def bias_and_variance(by_sample: Sequence[PredictedRows], classes: bool) -> dict[str, float]:
    """The parts of the models' mean loss, over the rows that several of them predicted.

    Args:
        by_sample: what the model of each bootstrap sample predicted.
        classes: whether scores are logits, and the loss 0/1; else it is squared.
    """
    rows = np.concatenate([of_sample.rows for of_sample in by_sample])
    scores = np.concatenate([of_sample.scores for of_sample in by_sample])
    targets = np.concatenate([of_sample.targets for of_sample in by_sample])
    _, first, row = np.unique(rows, return_index=True, return_inverse=True)
    targets = targets[first]
    if not classes:
        return bias_variance.of_squares(
            scores[:, 0].astype(np.float64), row, targets.astype(np.float64)
        )
    if targets.ndim > 1:  # shares of classes
        targets = targets.argmax(axis=-1)
    return bias_variance.of_classes(scores.argmax(axis=1), row, targets, scores.shape[1])


def metrics_of(
    record: Record, combined: Mapping[str, FoldPredictions | PredictedRows]
) -> dict[str, float]:
    """The final metrics of combined predictions, as `oof/accuracy`.

    Args:
        record: of one of the runs, which names the task and its metrics.
        combined: by the head of the metrics.
    """
    load_package("research.tasks")
    problem = recorded_problem(record.config)
    assert problem.summary is not None
    metrics: dict[str, float] = {}
    for head, predicted in combined.items():
        of_head = problem.summary(predicted.scores, predicted.targets)
        if isinstance(predicted, FoldPredictions):
            of_head |= predicted.parts
        metrics |= {f"{head}/{name}": value for name, value in of_head.items()}
    return metrics


def with_out_of_fold(
    records: Mapping[str, Record], seeds: Iterable[Collection[str]], predictions: Predictions
) -> dict[str, Record]:
    """The records, with out-of-fold metrics added to the record of every fold.

    All folds of a seed get the same values, so the mean over folds does not change them. A seed
    gets none if one of its folds is missing, failed or diverged.

    Args:
        records: by run id.
        seeds: the runs of each seed that were asked for, one per fold.
        predictions: the kept predictions.

    Raises:
        UserError: as `of_runs` does.
    """
    added = dict(records)
    for run_ids in dict.fromkeys(map(frozenset, seeds)):
        folds = [records[run_id] for run_id in run_ids if run_id in records]
        finished = all(record.status == "finished" for record in folds)
        if len(run_ids) == 1 or len(folds) < len(run_ids) or not finished:
            continue
        combined = of_runs(folds, predictions)
        metrics = metrics_of(folds[0], combined)
        for record in folds:
            added[record.run_id] = dataclasses.replace(record, metrics=record.metrics | metrics)
    return added
