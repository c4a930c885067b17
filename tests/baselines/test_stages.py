"""Stages: AdaBoost's, by hand and as the library has them."""

import numpy as np
import pytest
from sklearn.ensemble import AdaBoostRegressor

import research.catalogue  # noqa: F401
from research.baselines.estimator import LabelledExamples
from research.registry import ARCHITECTURES


@pytest.mark.parametrize("seed", [0, 1])
def test_medians_of_boosted_trees_are_those_of_the_library(seed: int) -> None:
    """Bit for bit; each tree predicts once."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(60, 3))
    examples = LabelledExamples(x, x[:, 0] + draw.normal(size=60))
    fit = ARCHITECTURES.get("adaboost_trees").fit(
        outputs=1, task="regression", n_estimators=12, max_depth=2
    )
    predict = fit(examples, examples, seed)
    model: AdaBoostRegressor = predict.model
    expected = list(model.staged_predict(x))
    assert len(expected) > 4
    np.testing.assert_array_equal([scores[:, 0] for scores in predict.stages(x)], expected)
    np.testing.assert_array_equal(predict(x)[:, 0], expected[-1])
