"""Gradient boosting: members trained one after another, each on what the sum of those before it
leaves."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated

from research.options import Positive
from research.registry import ENSEMBLES, Ensemble
from research.run_config import RunConfig
from research.sweeps.ensembles.adaboost import following
from research.sweeps.ensembles.combination import Predicted
from research.sweeps.ensembles.member_seeds import Members, reseeded
from research.training.engine.predicted_rows import PredictedRows

Rate = Annotated[Positive, "what each member's part is multiplied by"]


def boosting(config: RunConfig, members: Members = 50, rate: Rate = 0.1) -> list[RunConfig]:
    """Members that fit the negative gradient of the loss at the sum of those before them, by least
    squares: residuals of numbers, and of each class's probability.

    The first is added to the mean of the targets, or to the logarithm of each class's share.

    Args:
        config: of one run.
        members: how many.
        rate: what each member's part is multiplied by.

    Reference: Friedman, Greedy function approximation: a gradient boosting machine, 2001.
    """
    boosted = dataclasses.replace(config, boost="residuals", boost_rate=rate)
    return [reseeded(boosted, number) for number in range(members)]


def sum_so_far(
    predicted: Sequence[Predicted], classes: bool, **options: object
) -> dict[str, PredictedRows]:
    """What the last member predicts: the scores of each are the sum up to it.

    Args:
        predicted: by each member.
        classes: not used.
        **options: not used.
    """
    return dict(predicted[-1])


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
