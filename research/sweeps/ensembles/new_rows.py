"""New rows: what an ensemble predicts of rows that no record knows, from its members' scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from research import config as config_lib
from research.registry import ENSEMBLES
from research.sweeps.ensembles.combination import mean
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.training.engine.predicted_rows import PredictedRows

# The name of these rows among the parts of the split that the members kept.
NEW = "new"


def members_of(record: Record) -> list[str]:
    """The ids of an ensemble's members, in order; none of a run."""
    return [*record.provenance.get("members", ())]


def scores_of_new_rows(
    record: Record, scores: Sequence[np.ndarray], predictions: Predictions, classes: bool
) -> np.ndarray:
    """The scores of an ensemble, [R, C].

    Args:
        record: of the ensemble.
        scores: of each member, in order, [R, C] each.
        predictions: what the members kept, to which stacking and boosting fit their weights.
        classes: whether scores are logits of classes.

    Raises:
        UserError: predictions are missing or damaged.
    """
    config, _ = config_lib.resolve(record.config)
    rows = np.arange(len(scores[0]), dtype=np.int32)
    predicted = [
        {**predictions.load(run_id), NEW: PredictedRows(rows, of_member, np.zeros(len(rows), int))}
        for run_id, of_member in zip(members_of(record), scores, strict=True)
    ]
    combine: Any = ENSEMBLES.get(config.ensemble.name).combine or mean
    together = combine(predicted, classes, **dict(config.ensemble.options))
    combined: np.ndarray = together[NEW].scores
    return combined
