"""LightGBM: gradient boosting of trees that grow leaf by leaf."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from research.baselines.cores import thread_share
from research.baselines.estimator import LabelledExamples, Predict, library_errors
from research.baselines.scikit_learn import Predictor, flat
from research.baselines.stages import Patience, labelled, of_known_classes, scores_of_margin
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
        classes = getattr(self.model, "classes_", None)
        for margin in itertools.accumulate(added):
            yield scores_of_margin(margin, classes, self.outputs)


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
        classes, _ = labelled(train, self.task)
        kind = lightgbm.LGBMRegressor if classes is None else lightgbm.LGBMClassifier
        stopping: dict[str, Any] = {}
        if self.early_stopping_rounds is not None:
            rows, labels = of_known_classes(validation, classes)
            stopping = {
                "eval_X": flat(rows),
                "eval_y": labels,
                "callbacks": [lightgbm.early_stopping(self.early_stopping_rounds, verbose=False)],
            }
        refusals = library_errors(lightgbm.basic.LightGBMError)
        with thread_share(train.x.size) as count, refusals:
            model = kind(
                **options,
                random_state=seed,
                n_jobs=count,
                # The same bits with any number of threads.
                deterministic=True,
                force_row_wise=True,
                verbosity=-1,
            )
            model.fit(
                flat(train.x),
                train.y,
                sample_weight=train.weight,
                categorical_feature=list(train.categories),
                **stopping,
            )
        return LightGBMPredictor(model, self.outputs)


ARCHITECTURES.add(
    HostEstimator(
        "lightgbm",
        LightGBM,
        "gradient boosting of trees that grow leaf by leaf",
        "Ke et al. 2017",
        needs_facts=("task",),
        weighs=True,
        categories=True,
        version=2,
        test_options={"n_estimators": 4, "min_child_samples": 2},
    )
)
