"""Estimators whose training rows lack a class, as those of a small fold may."""

import numpy as np

from research.baselines.estimator import LabelledExamples
from research.registry import ARCHITECTURES


def test_lightgbm_stops_at_the_same_iteration_whatever_its_classes_are_called() -> None:
    """Labels 1 and 2 of three classes are fitted as 0 and 1 of two are."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 4))
    y = (x[:, 0] + draw.normal(size=300) > 0).astype(int)
    entry = ARCHITECTURES.get("lightgbm")
    options = {"task": "classification", "n_estimators": 60, "early_stopping_rounds": 5}

    def last(shift: int, outputs: int) -> int:
        train, validation = (
            LabelledExamples(x[rows], y[rows] + shift)
            for rows in (slice(None, 200), slice(200, None))
        )
        return entry.fit(outputs=outputs, **options)(train, validation, 0).model.best_iteration_

    assert 1 < last(0, 2) == last(1, 3) < 60
