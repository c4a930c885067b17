"""Bias and variance by hand, and that they add up to the models' mean loss."""

import numpy as np
import pytest

from research.statistics.bias_variance import of_classes, of_squares


def test_domingos_parts_by_hand() -> None:
    """Three models and three rows of two classes.

    Row 0 is right twice: its main prediction is right, and variance harms in 1/3. Row 1 is right
    once: its main prediction is wrong, and variance helps in 1/3. Row 2 is right by all.
    """
    predictions = np.array([1, 1, 0, 0, 0, 1, 1, 1, 1])
    parts = of_classes(predictions, np.repeat(np.arange(3), 3), np.array([1, 1, 1]), 2)
    assert parts == pytest.approx({"bias": 1 / 3, "variance": 2 / 9, "net_variance": 0})


def test_of_more_classes_not_all_variance_helps() -> None:
    """The main prediction 0 is wrong; of the two that differ from it, one is right."""
    parts = of_classes(np.array([0, 0, 1, 2]), np.zeros(4, int), np.array([2]), 3)
    assert parts == pytest.approx({"bias": 1, "variance": 0.5, "net_variance": -0.25})


@pytest.mark.parametrize("classes", [2, 5])
def test_the_parts_add_up_to_the_mean_loss_of_rows(classes: int) -> None:
    """Bias and variance add up to the mean loss, within float64 rounding."""
    generator = np.random.default_rng(classes)
    targets = generator.integers(0, classes, 40)
    row = np.concatenate([np.arange(40), np.arange(40), generator.integers(0, 40, 200)])
    predictions = np.where(
        generator.random(len(row)) < 0.5, targets[row], generator.integers(0, classes, len(row))
    )
    parts = of_classes(predictions, row, targets, classes)
    losses = [np.mean(predictions[row == r] != targets[r]) for r in range(40)]
    assert parts["bias"] + parts["net_variance"] == pytest.approx(np.mean(losses))
    values = targets[row] + generator.normal(size=len(row))
    parts = of_squares(values, row, targets.astype(float))
    squares = [np.mean((values[row == r] - targets[r]) ** 2) for r in range(40)]
    assert parts["bias"] + parts["variance"] == pytest.approx(np.mean(squares))


def test_a_row_of_one_prediction_says_nothing() -> None:
    alone = of_squares(np.array([1.0]), np.array([0]), np.array([5.0]))
    assert np.isnan([*alone.values()]).all()
    both = of_classes(np.array([0, 1, 1]), np.array([0, 1, 1]), np.array([1, 1]), 2)
    assert both == {"bias": 0, "variance": 0, "net_variance": 0}
