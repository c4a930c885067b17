"""XGBoost: gradient boosting of trees by the loss's first and second derivatives."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from research.baselines.cores import thread_share
from research.baselines.estimator import LabelledExamples, Predict, library_errors
from research.baselines.optional_library import installed, optional_library
from research.baselines.scikit_learn import flat
from research.baselines.stages import Patience, labelled, of_known_classes, scores_of_margin
from research.options import Count, NonNegative, Positive, Share
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class XGBoostPredictor:
    """A fitted model of XGBoost as a function [M, ...] -> scores [M, K].

    content: the model, in XGBoost's format (UBJSON).
    outputs: K: classes, or 1 for a regression.
    classes: the labels of the classes in training, [C]; None for a regression.
    categories: the columns that hold places of categories.
    used: the iteration whose scores are the predictions, from 1.
    """

    content: bytes
    outputs: int
    classes: np.ndarray | None
    categories: tuple[int, ...]
    used: int

    @property
    def model(self) -> Any:
        """The library's Booster."""
        return _booster(self.content)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The scores after the iteration that is used."""
        matrix = _matrix(x, None, self.categories)
        margin = self.model.predict(matrix, output_margin=True, iteration_range=(0, self.used))
        return scores_of_margin(margin, self.classes, self.outputs)

    def stages(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """The scores [M, K] after each iteration."""
        booster = self.model
        matrix = _matrix(x, None, self.categories)
        for start in range(booster.num_boosted_rounds()):
            iteration = (start, start + 1)
            margin = booster.predict(matrix, output_margin=True, iteration_range=iteration)
            yield scores_of_margin(margin, self.classes, self.outputs)
            # The next iteration adds to it, instead of to the base score.
            matrix.set_base_margin(margin)


@functools.lru_cache(maxsize=4)
def _booster(content: bytes) -> Any:
    """The model of these bytes."""
    booster = optional_library("xgboost").Booster()
    booster.load_model(bytearray(content))
    return booster


def _matrix(x: np.ndarray, y: np.ndarray | None, categories: tuple[int, ...], **more: Any) -> Any:
    """Inputs [M, ...] and labels as the library takes them."""
    inputs = flat(x)
    types = ["c" if column in categories else "q" for column in range(inputs.shape[1])]
    library = optional_library("xgboost")
    return library.DMatrix(inputs, y, feature_types=types, enable_categorical=True, **more)


@dataclasses.dataclass(frozen=True)
class XGBoost:
    """Gradient boosting by XGBoost.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0]]), np.array([0.0, 2.0]))
        >>> predict = XGBoost(outputs=1, task="regression", n_estimators=1)(train, train, seed=0)
        >>> predict(train.x).round(2).tolist()  # the mean, and 0.3 * half of what is left
        [[0.85], [1.15]]
    """

    outputs: int
    task: str
    n_estimators: Annotated[Count, "largest number of iterations; each adds a tree per class"] = 100
    learning_rate: Annotated[Positive, "factor of each tree"] = 0.3
    max_depth: Annotated[Count, "largest depth of a tree"] = 6
    min_child_weight: Annotated[NonNegative, "smallest sum of second derivatives in a leaf"] = 1.0
    gamma: Annotated[NonNegative, "smallest gain of a split"] = 0.0
    subsample: Annotated[Share, "share of the rows that each tree sees"] = 1.0
    colsample_bytree: Annotated[Share, "share of the features that each tree sees"] = 1.0
    colsample_bylevel: Annotated[Share, "share of these that each depth sees"] = 1.0
    reg_alpha: Annotated[NonNegative, "L1 penalty of the leaves' values"] = 0.0
    reg_lambda: Annotated[NonNegative, "L2 penalty of the leaves' values"] = 1.0
    early_stopping_rounds: Patience = None

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Rows and features may be drawn."""
        library = optional_library("xgboost")
        options: dict[str, Any] = dataclasses.asdict(self)
        for ours in ("outputs", "task", "n_estimators", "early_stopping_rounds"):
            del options[ours]
        classes, y = labelled(train, self.task)
        if classes is None:
            options["objective"] = "reg:squarederror"
        elif len(classes) == 2:
            options["objective"] = "binary:logistic"
        else:
            options |= {"objective": "multi:softprob", "num_class": len(classes)}
        with thread_share(train.x.size) as count, library_errors():
            options |= {"seed": seed, "nthread": count, "tree_method": "hist", "verbosity": 0}
            evaluated: list[Any] = []
            if self.early_stopping_rounds is not None:
                rows, labels = of_known_classes(validation, classes)
                evaluated = [(_matrix(rows, labels, train.categories), "validation")]
            booster = library.train(
                options,
                _matrix(train.x, y, train.categories, weight=train.weight, nthread=count),
                self.n_estimators,
                evals=evaluated,
                early_stopping_rounds=self.early_stopping_rounds,
                verbose_eval=False,
            )
        return XGBoostPredictor(
            bytes(booster.save_raw()),
            self.outputs,
            classes,
            train.categories,
            used=booster.best_iteration + 1 if evaluated else booster.num_boosted_rounds(),
        )


ARCHITECTURES.add(
    HostEstimator(
        "xgboost",
        XGBoost,
        "gradient boosting of trees by first and second derivatives",
        "Chen & Guestrin 2016",
        needs_facts=("task",),
        weighs=True,
        categories=True,
        constraints=(functools.partial(installed, "xgboost"),),
        test_options={"n_estimators": 4},
    )
)
