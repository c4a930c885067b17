"""Label noise: `train/accuracy` is on the labels that were trained, `train/clean_accuracy` on
those before the noise; by a network and by a fit on the host."""

import numpy as np
import pytest

from research import identity
from research.training.devices import lane_functions
from research.training.engine import host_fit
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import IMAGES, planned, planner, run, train


def _agreement(label_noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(the trained labels, the clean ones) of a run's training rows."""
    own = run(label_noise=label_noise, seed=seed)
    arrays = IMAGES.arrays()
    lane = make_lane_inputs(own.config, own.program, arrays).lane
    noisy = np.asarray(lane_functions.labels(own.program.width, lane, arrays.y))
    return noisy[lane.train], arrays.y[lane.train]


def test_lanes_with_and_without_noise_share_a_program_and_have_their_own_labels() -> None:
    """The metric at the end and the curve count the same labels, within float32 rounding."""
    # A rate of nearly zero: the network keeps its initial parameters, and so its predictions.
    tiny = {"learning_rate": 1e-30, "epochs": 1, "batch_size": "full"}
    runs = planned(tiny, {**tiny, "label_noise": 0.5})
    assert len({each.program.id for each in runs}) == 1
    assert runs[0].program == runs[1].program
    quiet, noisy = train(runs, 2)
    assert not any("clean_" in name for name in quiet.metrics)
    # The same predictions on the same clean labels.
    for name in ("accuracy", "nll", "roc_auc"):
        assert noisy.metrics[f"train/clean_{name}"] == quiet.metrics[f"train/{name}"]
        assert noisy.metrics[f"test/{name}"] == quiet.metrics[f"test/{name}"]
    assert noisy.metrics["train/nll"] != noisy.metrics["train/clean_nll"]
    # One batch of all rows: the curve and the final metric are of the same labels and parameters.
    for outcome in (quiet, noisy):
        assert outcome.metrics["train/accuracy"] == pytest.approx(
            outcome.curves["train/accuracy"][-1], abs=1e-6
        )


def test_a_fit_on_the_host_says_the_same() -> None:
    """Shares of the most frequent label by hand, within float64 rounding."""
    settings = {"arch": "constant", "split": "4:1:1", "split_seed": 0, "seed": 3}
    (own,) = planner().runs([{**settings, "label_noise": 0.5}])
    (outcome,) = train([own], 1)
    trained, clean = _agreement(0.5, 3)
    largest = np.bincount(trained).argmax()
    assert outcome.metrics["train/accuracy"] == pytest.approx(np.mean(trained == largest))
    assert outcome.metrics["train/clean_accuracy"] == pytest.approx(np.mean(clean == largest))
    assert outcome.curves["train/accuracy"] == [pytest.approx(outcome.metrics["train/accuracy"])]
    lane = make_lane_inputs(own.config, own.program, IMAGES.arrays()).lane
    labels = host_fit.trained_labels(own.program, lane, IMAGES.arrays().y)
    np.testing.assert_array_equal(labels[lane.train], trained)


def test_only_runs_with_noise_have_a_new_version() -> None:
    assert "trained labels" in dict(identity.versions(run(label_noise=0.1).config))
    assert "trained labels" not in dict(identity.versions(run().config))
