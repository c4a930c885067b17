"""Earlier runs: what a boosted run takes from the predictions of those before it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from research.config import RunConfig
from research.errors import UserError
from research.training.boosting import residuals, reweighting
from research.training.boosting.reweighting import BoostedWeights
from research.training.engine.predicted_rows import PredictedRows

# What a run kept, by part of the split, its training rows among them.
Kept = Mapping[str, PredictedRows]


def boosted_weights(earlier: Sequence[Kept], classes: int, rate: float) -> BoostedWeights:
    """AdaBoost's weights after these members.

    Args:
        earlier: what each kept; at least one.
        classes: how many there are; 0 for numbers.
        rate: what the members' weights are multiplied by.
    """
    targets = earlier[0]["train"].targets
    scores = np.stack([predicted["train"].scores for predicted in earlier])
    if classes:
        return reweighting.samme(scores.argmax(axis=-1) != targets, classes, rate)
    return reweighting.r2(np.abs(scores[..., 0].astype(np.float64) - targets), rate)


def lane_fields(
    config: RunConfig, y: Any, train: np.ndarray, classes: int, earlier: Sequence[Kept]
) -> dict[str, np.ndarray]:
    """The fields of a lane by which it learns from earlier runs.

    Args:
        config: the run's config.
        y: labels or values of all rows, [N].
        train: its training rows, int [R].
        classes: how many there are; 0 for numbers.
        earlier: what the runs kept that it names in `after`.

    Returns:
        For boost=weights `row_weight`, [N]; for boost=residuals `offset`, [N, C].

    Raises:
        UserError: an earlier run was trained on other rows, so that its scores of this run's test
            rows would be of rows that it has seen.
    """
    for run in earlier:
        if not np.array_equal(np.sort(run["train"].rows), np.sort(train)):
            raise UserError(
                "a run in --after was trained on other rows than this one; name runs of the same"
                " split, split_seed, fold and train_size"
            )
    if config.boost == "weights":
        weights = np.ones(len(y))
        if earlier:
            rows = earlier[0]["train"].rows
            weights[rows] = boosted_weights(earlier, classes, config.boost_rate).rows
        return {"row_weight": weights}
    offset = np.tile(residuals.first_scores(y[train], classes), (len(y), 1))
    if earlier:
        for predicted in earlier[-1].values():
            offset[predicted.rows] = predicted.scores
    return {"offset": offset}
