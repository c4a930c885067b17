"""Earlier runs: what a boosted run takes from the predictions of those before it."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from research.config import RunConfig
from research.errors import UserError
from research.training.boosting import residuals, reweighting
from research.training.boosting.reweighting import BoostedWeights
from research.training.engine.predicted_rows import PredictedRows

# What a run kept, by part of the split, its training rows among them.
Kept = Mapping[str, PredictedRows]


@dataclasses.dataclass(frozen=True)
class EarlierRuns(Sequence[Kept]):
    """What earlier runs kept, each read when it is asked for: those of all members and lanes would
    fill the memory.

    run_ids: in their order. load: reads what a run kept.
    """

    run_ids: tuple[str, ...]
    load: Callable[[str], Kept]

    def __len__(self) -> int:
        return len(self.run_ids)

    def __getitem__(self, index: Any) -> Any:
        return self.load(self.run_ids[index])


def boosted_weights(earlier: Iterable[Kept], classes: int, rate: float) -> BoostedWeights:
    """AdaBoost's weights after these members.

    Args:
        earlier: what each kept; at least one.
        classes: how many there are; 0 for numbers.
        rate: what the members' weights are multiplied by.
    """
    errors = np.stack([_errors(predicted["train"], classes) for predicted in earlier])
    if classes:
        return reweighting.samme(errors, classes, rate)
    return reweighting.r2(errors, rate)


def _errors(train: PredictedRows, classes: int) -> np.ndarray:
    """Whether each training row is wrong, bool [R]; of numbers the absolute errors, float64 [R]."""
    if classes:
        return np.asarray(train.scores.argmax(axis=-1) != train.targets)
    return np.abs(train.scores[:, 0].astype(np.float64) - train.targets)


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
    rows = np.sort(train)
    if config.boost == "weights":
        weights = np.ones(len(y))
        if earlier:
            of_rows = (_of_rows(run, rows) for run in earlier)
            weights[rows] = boosted_weights(of_rows, classes, config.boost_rate).rows
        return {"row_weight": weights}
    offset = np.tile(residuals.first_scores(y[train], classes), (len(y), 1))
    if earlier:
        for predicted in _of_rows(earlier[-1], rows).values():
            offset[predicted.rows] = predicted.scores
    return {"offset": offset}


def _of_rows(run: Kept, rows: np.ndarray) -> Kept:
    """What a run kept. Raises UserError if it was trained on other rows than these, ascending."""
    if not np.array_equal(run["train"].rows, rows):
        raise UserError(
            "a run in --after was trained on other rows than this one; name runs of the same split,"
            " split_seed, fold and train_size"
        )
    return run
