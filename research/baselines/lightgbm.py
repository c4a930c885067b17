"""LightGBM: gradient boosting of trees that grow leaf by leaf."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import CLASSIFICATION, Predictor, flat, threads
from research.baselines.stages import Patience, scores_of_margins
from research.options import Count, NonNegative, Positive, Share
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class LightGBMPredictor(Predictor):
    """A fitted LightGBM estimator, which uses its best iteration."""

    def stages(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """The scores [M, K] after each iteration."""
        inputs = flat(x)
        booster = self.model.booster_
        added = (
            booster.predict(inputs, raw_score=True, start_iteration=start, num_iteration=1)
            for start in range(booster.current_iteration())
        )
        margins = itertools.accumulate(added)
        return scores_of_margins(margins, getattr(self.model, "classes_", None), self.outputs)


@dataclasses.dataclass(frozen=True)
class LightGBM:
    """Gradient boosting by LightGBM.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0]]), np.array([0.0, 2.0]))
        >>> predict = LightGBM(
        ...     outputs=1, task="regression", n_estimators=1, min_child_samples=1
        ... )(train, train, seed=0)
        >>> predict(train.x).round(2).tolist()  # the mean, and a tenth of what is left
        [[0.9], [1.1]]
    """

    outputs: int
    task: str
    n_estimators: Annotated[Count, "the most trees, a class each"] = 100
    learning_rate: Annotated[Positive, "what each tree is multiplied with"] = 0.1
    num_leaves: Annotated[Count, "the most leaves of a tree"] = 31
    max_depth: Annotated[Count | None, "the most questions to a leaf; none: no limit"] = None
    min_child_samples: Annotated[Count, "the fewest examples in a leaf"] = 20
    min_child_weight: Annotated[NonNegative, "the least sum of second derivatives in a leaf"] = 1e-3
    subsample: Annotated[Share, "the share of rows that trees see, if subsample_freq is set"] = 1.0
    subsample_freq: Annotated[int, "rows are drawn again after so many trees; 0: never"] = 0
    colsample_bytree: Annotated[Share, "the share of features that each tree sees"] = 1.0
    reg_alpha: Annotated[NonNegative, "an L1 penalty of the leaves' values"] = 0.0
    reg_lambda: Annotated[NonNegative, "an L2 penalty of the leaves' values"] = 0.0
    early_stopping_rounds: Patience = None

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Rows and features may be drawn."""
        import lightgbm

        options: dict[str, Any] = dataclasses.asdict(self)
        for ours in ("outputs", "task", "early_stopping_rounds"):
            del options[ours]
        options["max_depth"] = self.max_depth or -1
        kind = lightgbm.LGBMRegressor
        if self.task == CLASSIFICATION:
            kind = lightgbm.LGBMClassifier
        model = kind(
            **options,
            random_state=seed,
            n_jobs=threads(train.x),
            # The same bits with any number of threads.
            deterministic=True,
            force_row_wise=True,
            verbosity=-1,
        )
        stopping: dict[str, Any] = {}
        if self.early_stopping_rounds is not None:
            x, y = flat(validation.x), validation.y
            if self.task == CLASSIFICATION:
                # LightGBM numbers the classes of the training rows, but not those given here. Rows
                # of other classes lose the same in each iteration.
                known = np.unique(train.y)
                there = np.isin(y, known)
                x, y = x[there], np.searchsorted(known, y[there])
            stopping = {
                "eval_X": x,
                "eval_y": y,
                "callbacks": [lightgbm.early_stopping(self.early_stopping_rounds, verbose=False)],
            }
        model.fit(flat(train.x), train.y, sample_weight=train.weight, **stopping)
        return LightGBMPredictor(model, self.outputs)


ARCHITECTURES.add(
    HostEstimator(
        "lightgbm",
        LightGBM,
        "gradient boosting of trees that grow leaf by leaf",
        "Ke et al. 2017",
        needs_facts=("task",),
        weighs=True,
        test_options={"n_estimators": 4, "min_child_samples": 2},
    )
)
