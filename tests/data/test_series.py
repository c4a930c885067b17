"""Generated series: windows and the values after, scaled as one series, and the moments that they
must have."""

import tracemalloc

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import research.catalogue  # noqa: F401
from research.data import series
from research.data.source import open_source
from research.data.split import split_of
from research.errors import UserError
from research.sweeps.plan.run_planner import Planner
from research.training.setup.lane_inputs import make_lane_inputs


@pytest.mark.parametrize("name", ["sine_mixture", "noisy_ar2"])
def test_a_target_is_the_value_after_each_place(cache, name):
    source = open_source(name, {"length": 300, "context": 20}, data_dir=None, cache_dir=cache)
    spec, (x, y, *_) = source.spec, source.arrays()
    assert (spec.task, spec.inputs.shape, spec.targets.shape, spec.size) == (
        "forecast",
        (20,),
        (20,),
        280,
    )
    rows = np.array([0, 7, 279])
    assert x[rows].dtype == np.float32
    np.testing.assert_array_equal(x[rows][:, 1:], y[rows][:, :-1])
    train, validation, test = split_of(spec, source.arrays(), (8, 1, 1), seed=0)
    assert (len(train), list(validation), list(test)) == (220, [240], [270])
    with pytest.raises(UserError, match="too short for a window of context=300"):
        open_source(name, {"length": 300, "context": 300}, data_dir=None, cache_dir=cache)


def test_inputs_and_targets_are_scaled_by_the_training_stretch(cache):
    """Shift and scale are scikit-learn's, within float32 rounding."""

    def source(config):
        return open_source(
            "noisy_ar2", {"length": 300, "context": 20}, data_dir=None, cache_dir=cache
        )

    plans = Planner(source)
    settings = {
        "dataset": "noisy_ar2",
        "arch": "ar",
        "target_scaling": "standard",
        "batch_size": 10,
    }
    (run,) = plans.runs([settings])
    arrays = plans.arrays(run)
    lane = make_lane_inputs(run.config, run.program, arrays).lane
    values = (
        series.noisy_ar2(300, seed=0).astype(np.float32).astype(np.float64)[:240, None]
    )  # the first eight tenths
    inputs, targets = StandardScaler().fit(values[:-1]), StandardScaler().fit(values[1:])
    assert lane.shift.shape == lane.scale.shape == ()
    np.testing.assert_allclose(
        (lane.shift, lane.scale), (inputs.mean_[0], inputs.scale_[0]), rtol=1e-6
    )
    np.testing.assert_allclose(
        (lane.target_shift, lane.target_scale), (targets.mean_[0], targets.scale_[0]), rtol=1e-6
    )


def test_of_drawn_windows_the_values_in_them_count_once(cache):
    """Mean and deviation of the values that the windows contain, within float32 rounding."""
    source = open_source(
        "noisy_ar2", {"length": 300, "context": 20, "burn_in": 4}, data_dir=None, cache_dir=cache
    )
    plans = Planner(lambda config: source)
    settings = {
        "dataset": "noisy_ar2",
        "arch": "ar",
        "arch.order": 4,
        "target_scaling": "standard",
        "batch_size": 3,
    }
    (run,) = plans.runs([settings | {"train_size": 3, "seed": 1}])
    arrays = plans.arrays(run)
    lane = make_lane_inputs(run.config, run.program, arrays).lane
    seen = sorted({place for row in lane.train for place in range(row, row + 20)})
    answered = sorted({place for row in lane.train for place in range(row + 5, row + 21)})
    values = np.asarray(arrays.x.values, np.float64)
    np.testing.assert_allclose(
        (lane.shift, lane.scale), (values[seen].mean(), values[seen].std()), rtol=1e-6
    )
    expected = values[answered].mean(), values[answered].std()
    np.testing.assert_allclose((lane.target_shift, lane.target_scale), expected, rtol=1e-6)


def test_scaling_does_not_copy_the_windows(cache):
    """20,000 windows of 1,000 values are 80 MB, the series is 84 kB."""
    options = {"length": 21_000, "context": 1000}
    source = open_source("noisy_ar2", options, data_dir=None, cache_dir=cache)
    plans = Planner(lambda config: source)
    settings = {
        "dataset": "noisy_ar2",
        "arch": "ar",
        "target_scaling": "standard",
        "scaling": "robust",
    }
    (run,) = plans.runs([settings])
    arrays = plans.arrays(run)
    tracemalloc.start()
    make_lane_inputs(run.config, run.program, arrays)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8e6


def test_the_ar2_process_has_its_covariances():
    """Yule and Walker's: γ₁/γ₀ = φ₁/(1 - φ₂), γ₂ = φ₁γ₁ + φ₂γ₀, γ₀ = 1 + φ₁γ₁ + φ₂γ₂; seen is 1
    more at lag 0."""
    one, two = series.COEFFICIENTS
    first = one / (1 - two)
    second = one * first + two
    variance = 1 / (1 - one * first - two * second)
    seen = series.noisy_ar2(200_000, seed=3)
    found = [np.mean(seen[: len(seen) - lag] * seen[lag:]) for lag in range(3)]
    np.testing.assert_allclose(
        found, [variance + 1, first * variance, second * variance], rtol=0.05
    )


def test_the_sines_are_sines():
    """Each sine has its power and the rest is noise; 1.4 % and 3.3 % are four standard errors, of
    the weakest sine and of the noise's variance."""
    values = series.sine_mixture(31 * 12 * 79, seed=1)  # whole periods of each
    power = np.abs(np.fft.rfft(values)) ** 2 * 2 / len(values) ** 2
    bins = [round(len(values) / period) for period in series.PERIODS]
    np.testing.assert_allclose(power[bins], np.square(series.AMPLITUDES) / 2, rtol=0.014)
    assert power[1:].sum() - power[bins].sum() == pytest.approx(series.NOISE**2, rel=0.033)
