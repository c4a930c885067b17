"""AdaBoost: members trained one after another, each on what those before it get wrong."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from research.options import Positive
from research.registry import ENSEMBLES, Ensemble
from research.run_config import RunConfig
from research.sweeps.ensembles.combination import Predicted, by_part
from research.sweeps.ensembles.member_seeds import Members, reseeded
from research.training.boosting.earlier_runs import boosted_weights
from research.training.boosting.reweighting import votes, weighted_median
from research.training.engine.predicted_rows import PredictedRows

Rate = Annotated[Positive, "what the weight of each member is multiplied by"]


def adaboost(config: RunConfig, members: Members = 20, rate: Rate = 1.0) -> list[RunConfig]:
    """Members whose training rows weigh more where those before them are wrong: SAMME for classes,
    R2 for numbers.

    Weights are in the loss; Drucker's R2 draws rows by them instead.

    Args:
        config: of one run.
        members: how many.
        rate: what the weight of each is multiplied by.

    Example:
        >>> runs = adaboost(RunConfig(), members=2, rate=0.5)
        >>> [(run.boost, run.boost_rate) for run in runs]
        [('weights', 0.5), ('weights', 0.5)]

    References: Zhu, Zou, Rosset & Hastie, Multi-class AdaBoost, 2009; Drucker, Improving regressors
        using boosting techniques, 1997.
    """
    boosted = dataclasses.replace(config, boost="weights", boost_rate=rate)
    return [reseeded(boosted, number) for number in range(members)]


def following(config: RunConfig, earlier: tuple[str, ...]) -> RunConfig:
    """The config of a member that learns from those before it.

    Args:
        config: of the member.
        earlier: their ids, in order.
    """
    return dataclasses.replace(config, after=earlier)


def weighted_votes(
    predicted: Sequence[Predicted], classes: bool, members: int, rate: float
) -> dict[str, PredictedRows]:
    """The weighted vote of members for a class, or the weighted median of their values.

    Args:
        predicted: by each member, its training rows among them.
        classes: whether scores are logits of classes.
        members: how many; not used.
        rate: what the weight of each is multiplied by.
    """
    width = predicted[0]["train"].scores.shape[-1]
    weights = boosted_weights(predicted, width if classes else 0, rate).members

    def together(scores: np.ndarray) -> np.ndarray:
        if classes:
            return votes(scores.argmax(axis=-1), weights, width)
        return weighted_median(scores[..., 0], weights)[:, None]

    return by_part(predicted, together)


ENSEMBLES.add(
    Ensemble(
        "adaboost",
        adaboost,
        "members one after another, on what those before them get wrong (SAMME; R2 for numbers)",
        "Zhu et al. 2009, Multi-class AdaBoost; Drucker 1997",
        combine=weighted_votes,
        follow=following,
        test_options={"members": 2},
    )
)
