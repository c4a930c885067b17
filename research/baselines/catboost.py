"""CatBoost: gradient boosting of symmetric trees, with ordered statistics of categories."""

import dataclasses
import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from research.baselines.cores import thread_share, threads
from research.baselines.estimator import LabelledExamples, Predict, library_errors
from research.baselines.optional_library import installed, optional_library
from research.baselines.scikit_learn import flat
from research.baselines.stages import Patience, labelled, of_known_classes, scores_of_margin
from research.options import Count, NonNegative, Positive, Share
from research.registry import ARCHITECTURES, HostEstimator

MARGIN = "RawFormulaVal"


@dataclasses.dataclass(frozen=True)
class CatBoostPredictor:
    """A fitted model of CatBoost as a function [M, ...] -> scores [M, K].

    content: the model, in CatBoost's format (cbm).
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
        """The library's CatBoost."""
        return _model(self.content)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The scores after the iteration that is used."""
        margin = self.model.predict(
            _pool(x, self.categories),
            prediction_type=MARGIN,
            ntree_end=self.used,
            thread_count=threads(x.size),
        )
        return scores_of_margin(margin, self.classes, self.outputs)

    def stages(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """The scores [M, K] after each iteration."""
        margins = self.model.staged_predict(
            _pool(x, self.categories), prediction_type=MARGIN, thread_count=threads(x.size)
        )
        for margin in margins:
            yield scores_of_margin(margin, self.classes, self.outputs)


@functools.lru_cache(maxsize=4)
def _model(content: bytes) -> Any:
    """The model of these bytes."""
    model = optional_library("catboost").CatBoost()
    model.load_model(blob=content)
    return model


def _content(model: Any) -> bytes:
    """The bytes of a model, the same for the same trees."""
    for drawn in ("model_guid", "train_finish_time"):
        model.get_metadata()[drawn] = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        model.save_model(str(path))
        return path.read_bytes()


def _pool(
    x: np.ndarray,
    categories: tuple[int, ...],
    y: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> Any:
    """Inputs [M, ...], labels and weights as the library takes them: numbers before categories."""
    inputs = flat(x)
    numbers = np.delete(inputs, list(categories), axis=1)
    places = np.nan_to_num(inputs[:, list(categories)], nan=-1).astype(int)
    library = optional_library("catboost")
    features = library.FeaturesData(
        num_feature_data=numbers.astype(np.float32) if numbers.shape[1] else None,
        cat_feature_data=places.astype("S").astype(object) if categories else None,
    )
    return library.Pool(features, label=y, weight=weight, thread_count=threads(inputs.size))


@dataclasses.dataclass(frozen=True)
class CatBoost:
    """Gradient boosting by CatBoost.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0]]), np.array([0.0, 2.0]))
        >>> predict = CatBoost(
        ...     outputs=1, task="regression", iterations=1, learning_rate=0.1, l2_leaf_reg=0
        ... )(train, train, seed=0)
        >>> predict(train.x).round(2).tolist()  # the mean, and a tenth of what is left
        [[0.9], [1.1]]
    """

    outputs: int
    task: str
    iterations: Annotated[Count, "largest number of trees"] = 1000
    learning_rate: Annotated[
        Positive | None,
        "factor of each tree; none: chosen from the numbers of rows and trees, or 0.03 if"
        " l2_leaf_reg is given",
    ] = None
    depth: Annotated[Count, "depth of the trees; all nodes of one depth have the same split"] = 6
    l2_leaf_reg: Annotated[NonNegative | None, "L2 penalty of the leaves' values; none: 3"] = None
    random_strength: Annotated[NonNegative, "noise of the scores of splits"] = 1.0
    subsample: Annotated[
        Share | None, "share of the rows that each tree sees; none: the library's choice"
    ] = None
    rsm: Annotated[Share, "share of the features that each split may use"] = 1.0
    early_stopping_rounds: Patience = None

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Rows, the order of the rows and the scores' noise are drawn."""
        library = optional_library("catboost")
        options: dict[str, Any] = dataclasses.asdict(self)
        for ours in ("outputs", "task"):
            del options[ours]
        classes, y = labelled(train, self.task)
        if classes is None:
            options["loss_function"] = "RMSE"
        else:
            options["loss_function"] = "Logloss" if len(classes) == 2 else "MultiClass"
        evaluated = None
        if self.early_stopping_rounds is not None:
            rows, labels = of_known_classes(validation, classes)
            evaluated = _pool(rows, train.categories, labels)
        refusals = library_errors(library.CatBoostError)
        with thread_share(train.x.size) as count, refusals:
            model = library.CatBoost(
                {
                    **{name: value for name, value in options.items() if value is not None},
                    "random_seed": seed,
                    "thread_count": count,
                    # All trees are kept, for the curves; the predictor stops at the best one.
                    "use_best_model": False,
                    "allow_writing_files": False,
                    "logging_level": "Silent",
                }
            )
            model.fit(_pool(train.x, train.categories, y, train.weight), eval_set=evaluated)
        used = model.tree_count_ if evaluated is None else model.get_best_iteration() + 1
        return CatBoostPredictor(_content(model), self.outputs, classes, train.categories, used)


ARCHITECTURES.add(
    HostEstimator(
        "catboost",
        CatBoost,
        "gradient boosting of symmetric trees",
        "Prokhorenkova et al. 2018",
        needs_facts=("task",),
        weighs=True,
        categories=True,
        constraints=(functools.partial(installed, "catboost"),),
        test_options={"iterations": 4},
    )
)
