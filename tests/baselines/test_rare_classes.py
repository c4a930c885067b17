"""Estimators whose training rows lack a class, as those of a small fold may."""

import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.baselines.estimator import LabelledExamples, Unfit
from research.baselines.scikit_learn import IMPOSSIBLE
from research.registry import ARCHITECTURES


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost"])
def test_boosting_stops_at_the_same_iteration_whatever_its_classes_are_called(name: str) -> None:
    """Labels 1 and 2 of three classes are fitted as 0 and 1 of two are."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 4))
    y = (x[:, 0] + draw.normal(size=300) > 0).astype(int)
    entry = ARCHITECTURES.get(name)
    trees = "iterations" if name == "catboost" else "n_estimators"
    options = {trees: 60, "learning_rate": 0.1, "early_stopping_rounds": 5}

    def scores(shift: int, outputs: int) -> np.ndarray:
        train, validation = (
            LabelledExamples(x[rows], y[rows] + shift)
            for rows in (slice(None, 200), slice(200, None))
        )
        fit = entry.fit(outputs=outputs, task="classification", **options)
        predict = fit(train, validation, 0)
        assert 1 < len(list(predict.stages(x))) < 60
        return predict(x)

    of_two, of_three = scores(0, 2), scores(1, 3)
    np.testing.assert_array_equal(of_three[:, 1:], of_two)
    np.testing.assert_array_equal(of_three[:, 0], IMPOSSIBLE)


def test_validation_rows_of_unknown_classes_stop_nothing() -> None:
    train = LabelledExamples(np.array([[0.0], [1.0]]), np.array([0, 1]))
    validation = LabelledExamples(np.array([[2.0]]), np.array([2]))
    fit = ARCHITECTURES.get("lightgbm").fit(
        outputs=3, task="classification", early_stopping_rounds=2
    )
    with pytest.raises(Unfit, match="their classes do not occur in training"):
        fit(train, validation, 0)
