"""Gradient boosting: members trained one after another, each on what the sum of those before it
leaves."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from research.options import Positive
from research.registry import ENSEMBLES, Ensemble
from research.run_config import RunConfig
from research.sweeps.ensembles.adaboost import following
from research.sweeps.ensembles.combination import Predicted, stacked
from research.sweeps.ensembles.member_seeds import Members, reseeded
from research.training.boosting.residuals import first_scores
from research.training.engine.predicted_rows import OWN_TEST, PARTS, PredictedRows

# A member keeps the sum up to it for these parts of a split.
KEPT = ("train", *PARTS, OWN_TEST)

Rate = Annotated[Positive, "what each member's part is multiplied by"]


def boosting(config: RunConfig, members: Members = 50, rate: Rate = 0.1) -> list[RunConfig]:
    """Members that fit the negative gradient of the loss at the sum of those before them, by least
    squares: residuals of numbers, and of each class's probability.

    The first is added to the mean of the targets, or to the logarithm of each class's share.

    Args:
        config: of one run.
        members: how many.
        rate: what each member's part is multiplied by.

    Example:
        >>> runs = boosting(RunConfig(), members=2, rate=0.5)
        >>> [(run.boost, run.boost_rate) for run in runs]
        [('residuals', 0.5), ('residuals', 0.5)]

    Reference: Friedman, Greedy function approximation: a gradient boosting machine, 2001.
    """
    boosted = dataclasses.replace(config, boost="residuals", boost_rate=rate)
    return [reseeded(boosted, number) for number in range(members)]


def sum_so_far(
    predicted: Sequence[Predicted], classes: bool, **options: object
) -> dict[str, PredictedRows]:
    """The sum of the members. Of rows that members kept, it is what the last of them kept; of other
    rows each member predicts its part alone.

    Args:
        predicted: by each member, its training rows among them.
        classes: whether scores are logits of classes.
        **options: not used.
    """
    last = predicted[-1]
    targets, width = last["train"].targets, last["train"].scores.shape[-1]
    first = first_scores(targets, width if classes else 0)
    together = {}
    for part, rows in last.items():
        if part not in KEPT:
            summed = first + stacked(predicted, part).sum(axis=0, dtype=np.float64)
            rows = rows._replace(scores=summed)
        together[part] = rows
    return together


ENSEMBLES.add(
    Ensemble(
        "boosting",
        boosting,
        "members one after another, on what the sum of those before them leaves",
        "Friedman 2001, Greedy function approximation: a gradient boosting machine",
        combine=sum_so_far,
        follow=following,
        test_options={"members": 2},
    )
)
