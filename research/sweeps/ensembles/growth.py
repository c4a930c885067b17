"""Growth: the metrics of the first members of an ensemble, of one more and so on up to all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from research import config as config_lib
from research.registry import ENSEMBLES
from research.sweeps.ensembles.combination import Predicted, mean
from research.sweeps.estimates.out_of_fold import metrics_of, of_classes
from research.sweeps.records.record import Record

# What the combination of test scores reads: training rows are those of boosted members.
READ = ("train", "test")


def growing_metrics(record: Record, predicted: Sequence[Predicted]) -> list[dict[str, float]]:
    """The test metrics of the first member, of the first two and so on.

    Members that predict other rows, as the folds of a stack do, count with the member before them.

    Args:
        record: of the ensemble.
        predicted: by each member, in order.

    Raises:
        UserError: members predicted other rows or classes.
    """
    chosen = config_lib.resolve(record.config)[0].ensemble
    combine: Any = ENSEMBLES.get(chosen.name).combine or mean
    options, classes = dict(chosen.options), of_classes(record.config)
    read = [{part: member[part] for part in READ if part in member} for member in predicted]
    metrics = []
    for end in _ends(read):
        together = combine(read[:end], classes, **options)
        metrics.append(metrics_of(record, {"test": together["test"]}))
    return metrics


def _ends(predicted: Sequence[Mapping[str, Any]]) -> list[int]:
    """How many members there are up to each that predicts the rows of the ensemble, those that
    belong to it included."""
    rows = predicted[0]["test"].rows
    of_ensemble = [np.array_equal(member["test"].rows, rows) for member in predicted]
    return [*np.flatnonzero(of_ensemble)[1:].tolist(), len(predicted)]
