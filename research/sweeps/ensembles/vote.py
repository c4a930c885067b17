"""Vote: different arms, whose probabilities are averaged, or whose classes are counted."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np

from research.errors import UserError
from research.registry import ENSEMBLES, Ensemble
from research.run_config import RunConfig
from research.sweeps.ensembles.arms import arm_configs
from research.sweeps.ensembles.combination import Predicted, by_part, mean_scores
from research.training.engine.predicted_rows import PredictedRows

Arms = Annotated[str, "settings of each arm, between |: [arch=mlp|arch=linear]"]
How = Annotated[Literal["soft", "hard"], "average probabilities (or values), or count classes"]


def vote(config: RunConfig, arms: Arms, how: How = "soft") -> list[RunConfig]:
    """Different arms, whose predictions are averaged (soft), or whose classes are counted (hard).

    Its members are the runs that the arms have by themselves.

    Args:
        config: of one run.
        arms: the settings of each.
        how: they vote.

    Example:
        >>> [run.arch.name for run in vote(RunConfig(), "arch=mlp | arch=linear")]
        ['mlp', 'linear']
    """
    runs = arm_configs(config, arms)
    if len(runs) < 2:
        raise UserError(f"ensemble=vote([{arms}]) has one arm; give two or more, between |")
    return runs


def votes(
    predicted: Sequence[Predicted], classes: bool, arms: str, how: str
) -> dict[str, PredictedRows]:
    """What the arms predict together.

    Args:
        predicted: by each arm.
        classes: whether scores are logits of classes.
        arms: the option, which is not used here.
        how: `soft` or `hard`.

    Raises:
        UserError: votes for numbers are to be counted.
    """
    if how == "hard" and not classes:
        raise UserError("how=hard counts votes for classes, and the targets are numbers; use soft")
    return by_part(predicted, lambda s: mean_scores(s, classes) if how == "soft" else counted(s))


def counted(scores: np.ndarray) -> np.ndarray:
    """The logarithm of each class's share of the votes, [R, C]; of a tie the first class leads.

    The arms share one more vote evenly among the classes: (votes + 1 / C) / (M + 1). A class
    without a vote would otherwise have an infinite NLL.

    Args:
        scores: logits of each member, [M, R, C].

    Example:
        >>> two_of_three = np.array([[[2, 1]], [[0, 1]], [[0, 9]]])
        >>> np.exp(counted(two_of_three))
        array([[0.375, 0.625]])
    """
    count = np.eye(scores.shape[-1])[scores.argmax(axis=-1)].sum(axis=0)
    return np.log((count + 1 / scores.shape[-1]) / (len(scores) + 1))


ENSEMBLES.add(
    Ensemble(
        "vote",
        vote,
        "different arms, whose probabilities are averaged or whose classes are counted",
        "Dietterich, Ensemble methods in machine learning, 2000",
        test_options={"arms": "arch=mlp|arch=linear"},
        combine=votes,
    )
)
