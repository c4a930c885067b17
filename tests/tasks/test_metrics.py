"""Final metrics against scikit-learn and values worked by hand."""

import numpy as np
import pytest
from sklearn import metrics

from research.tasks import classification, language_model, regression
from research.tasks.classification import one_against_rest, roc_area


def roc_auc(scores: np.ndarray, y: np.ndarray) -> float:
    return float(one_against_rest(roc_area, scores, y, np.ones(len(y), bool)))


def test_roc_auc_of_two_classes_with_ties() -> None:
    """scikit-learn's area, where ties count half; 1e-12 is float64 rounding."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 200)
    scores = np.round(generator.normal(size=(200, 2)) + np.eye(2)[y], 1)
    expected = metrics.roc_auc_score(y, scores[:, 1] - scores[:, 0])
    assert roc_auc(scores, y) == pytest.approx(expected, abs=1e-12)


def test_roc_auc_of_many_classes() -> None:
    """scikit-learn's mean of one class against the others; 1e-12 is float64 rounding."""
    generator = np.random.default_rng(1)
    y = generator.integers(0, 4, 300)
    p = generator.dirichlet(np.ones(4), 300) + 0.3 * np.eye(4)[y]
    p /= p.sum(1, keepdims=True)
    expected = metrics.roc_auc_score(y, p, multi_class="ovr")
    assert roc_auc(p, y) == pytest.approx(expected, abs=1e-12)


def test_roc_auc_without_one_class_is_undefined() -> None:
    assert np.isnan(roc_auc(np.ones((3, 2)), np.zeros(3, int)))


def test_calibration_error_by_hand() -> None:
    """Two in the bin of 0.8 (one right), one in the last bin (right): (|1.62 - 1| + |1 - 1|) /
    3."""
    error = classification.calibration_error(
        np.array([0.81, 0.81, 1.0]), np.array([True, False, True])
    )
    assert error == pytest.approx(0.62 / 3)
    assert np.isnan(
        classification.calibration_error(np.array([0.81, np.nan]), np.array([True, False]))
    )


def test_classification_summary() -> None:
    """Accuracy by hand, and scikit-learn's log loss; 1e-6: scores are float32."""
    logits = np.array([[2, 1, 0], [0, 0, 5], [1, 3, 0], [1, 0, 0]], np.float32)
    y = np.array([0, 2, 0, 1])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    got = classification.summary(logits, y)
    assert got["accuracy"] == 0.5
    assert got["nll"] == pytest.approx(metrics.log_loss(y, p), rel=1e-6)
    examples = classification.example_metrics(logits, y)
    np.testing.assert_array_equal(examples["accuracy"], [1, 1, 0, 0])
    assert float(examples["nll"].mean()) == pytest.approx(got["nll"], rel=1e-6)


def test_regression_summary_is_scikit_learns() -> None:
    """scikit-learn's scores; 1e-6: the scores are rounded to float32."""
    generator = np.random.default_rng(2)
    y = generator.normal(100, 10, 50).astype(np.float32)
    z = (y + generator.normal(size=50))[:, None].astype(np.float32)
    got = regression.summary(z, y)
    assert got["r2"] == pytest.approx(metrics.r2_score(y, z[:, 0]), rel=1e-6)
    assert got["mse"] == pytest.approx(metrics.mean_squared_error(y, z[:, 0]), rel=1e-6)
    assert got["mae"] == pytest.approx(metrics.mean_absolute_error(y, z[:, 0]), rel=1e-6)
    assert np.isnan(regression.summary(z, np.ones(50))["r2"])


def test_scaled_targets_come_back_in_their_units() -> None:
    y = np.array([10.0, 14.0], np.float32)
    encoded = regression.encode(y, 1, np.float32(12), np.float32(2))
    np.testing.assert_array_equal(encoded, [[-1], [1]])
    np.testing.assert_array_equal(
        regression.decode(encoded, np.float32(12), np.float32(2))[:, 0], y
    )


def test_a_perplexity_beyond_floats_is_infinite() -> None:
    """As of a run on its way to diverge, whose curve is completed too."""
    finish = language_model.finish
    assert finish({"nll": 2.0})["perplexity"] == pytest.approx(np.exp(2.0))
    assert finish({"nll": 1e4})["perplexity"] == np.inf
    assert np.isnan(finish({"nll": float("nan")})["perplexity"])
