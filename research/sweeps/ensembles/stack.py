"""Stack: a meta model on what different arms predict of rows that they did not train on."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np

from research.errors import UserError
from research.options import Range
from research.registry import ENSEMBLES, Ensemble
from research.run_config import RunConfig
from research.sweeps.ensembles.arms import arm_configs
from research.sweeps.ensembles.combination import Predicted, stacked
from research.sweeps.ensembles.meta_models import META_MODELS, meta_features
from research.sweeps.ensembles.vote import Arms
from research.sweeps.estimates.out_of_fold import together
from research.training.engine.predicted_rows import PredictedRows

Meta = Annotated[
    Literal["logistic", "ridge", "mlp", "mean_weights"],
    "the meta model; mean_weights: the best mean of the arms, with weights that sum to 1",
]
Folds = Annotated[int, Range(2), "folds of the training rows, on which the meta model is fitted"]


def stack(
    config: RunConfig, arms: Arms, meta: Meta = "logistic", folds: Folds = 5
) -> list[RunConfig]:
    """Different arms, and a meta model that is fitted to their out-of-fold predictions.

    Each arm has 1 + folds members: the run that it has by itself, which predicts, and a run per
    fold of the training rows, which tests on that fold.

    Args:
        config: of one run.
        arms: the settings of each.
        meta: the meta model.
        folds: of the training rows.

    Raises:
        UserError: labels are redrawn.

    Example:
        >>> runs = stack(RunConfig(), "arch=mlp | arch=linear", folds=2)
        >>> [(run.arch.name, run.inner_fold) for run in runs]
        [('mlp', None), ('mlp', 0), ('mlp', 1), ('linear', None), ('linear', 0), ('linear', 1)]
    """
    runs = []
    for arm in arm_configs(config, arms):
        if arm.label_noise:
            raise UserError(
                "label_noise does not go with ensemble=stack, whose meta model would be fitted to"
                " the labels without noise; leave one of them out"
            )
        inner = [
            dataclasses.replace(arm, inner_folds=folds, inner_fold=place) for place in range(folds)
        ]
        runs += [arm, *inner]
    return runs


def stack_scores(
    predicted: Sequence[Predicted], classes: bool, arms: str, meta: str, folds: int
) -> dict[str, PredictedRows]:
    """What the meta model makes of the arms' predictions.

    Args:
        predicted: by each member, in the order of `stack`.
        classes: whether scores are logits of classes.
        arms: the option, which is not used here.
        meta: the meta model.
        folds: inner folds of each arm.
    """
    by_arm = [predicted[first : first + 1 + folds] for first in range(0, len(predicted), 1 + folds)]
    held_out = [
        PredictedRows(*together([fold["test"] for fold in inner], classes)[:3])
        for _, *inner in by_arm
    ]
    scores = stacked([{"held out": rows} for rows in held_out], "held out")
    targets = held_out[0].targets
    count = scores.shape[-1] if classes else 0
    if classes and len(np.unique(targets)) == 1:
        raise UserError(
            "ensemble=stack: all training rows are of one class; a meta model needs two"
        )
    model = META_MODELS[meta](meta_features(scores, classes), targets, count)
    alone = [whole for whole, *_ in by_arm]
    return {
        part: rows._replace(scores=model(meta_features(stacked(alone, part), classes)))
        for part, rows in alone[0].items()
    }


ENSEMBLES.add(
    Ensemble(
        "stack",
        stack,
        "a meta model on the out-of-fold predictions of different arms",
        "Wolpert, Stacked generalization, Neural Networks 1992",
        test_options={"arms": "arch=mlp|arch=linear", "folds": 2},
        combine=stack_scores,
    )
)
