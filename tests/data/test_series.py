"""Generated series: windows and the values after, scaled as one series, and the moments that they must have."""

import numpy as np
import pytest

from research.data import series
from research.data.source import open_source
from research.data.split import split_of
from research.errors import UserError
from research.sweeps.plan import Planner
from research.training.inputs import inputs_of


@pytest.mark.parametrize("name", ["sine_mixture", "noisy_ar2"])
def test_a_target_is_the_value_after_each_place(cache, name):
    source = open_source(name, {"length": 300, "context": 20}, data_dir=None, cache_dir=cache)
    spec, (x, y, _) = source.spec, source.arrays()
    assert (spec.task, spec.shape, spec.target_shape, spec.size) == ("forecast", (20,), (20,), 280)
    rows = np.array([0, 7, 279])
    assert x[rows].dtype == np.float32
    np.testing.assert_array_equal(x[rows][:, 1:], y[rows][:, :-1])
    train, validation, test = split_of(spec, source.arrays(), (8, 1, 1), seed=0)
    assert (len(train), list(validation), list(test)) == (220, [240], [270])
    with pytest.raises(UserError, match="too short for a window of context=300"):
        open_source(name, {"length": 300, "context": 300}, data_dir=None, cache_dir=cache)


def test_inputs_and_targets_are_scaled_by_the_training_stretch(cache):
    def source(config):
        return open_source("noisy_ar2", {"length": 300, "context": 20}, data_dir=None, cache_dir=cache)

    plans = Planner(source)
    settings = {"dataset": "noisy_ar2", "arch": "ar", "target_scaling": "standard", "batch_size": 10}
    (run,) = plans.runs([settings])
    arrays = plans.arrays(run)
    lane = inputs_of(run.config, run.program, arrays).lane
    seen, answered = arrays.x[lane.train], arrays.y[lane.train]
    assert lane.shift.shape == lane.scale.shape == ()
    np.testing.assert_allclose((lane.shift, lane.scale), (seen.mean(), seen.std()), rtol=1e-5)
    np.testing.assert_allclose((lane.target_shift, lane.target_scale), (answered.mean(), answered.std()), rtol=1e-5)


def test_the_ar2_process_has_its_covariances():
    """Yule and Walker's: γ₁/γ₀ = φ₁/(1 - φ₂), γ₂ = φ₁γ₁ + φ₂γ₀, γ₀ = 1 + φ₁γ₁ + φ₂γ₂; seen is 1 more at lag 0."""
    one, two = series.COEFFICIENTS
    first = one / (1 - two)
    second = one * first + two
    variance = 1 / (1 - one * first - two * second)
    seen = series.noisy_ar2(200_000, seed=3)
    found = [np.mean(seen[: len(seen) - lag] * seen[lag:]) for lag in range(3)]
    np.testing.assert_allclose(found, [variance + 1, first * variance, second * variance], rtol=0.05)


def test_the_sines_are_sines():
    values = series.sine_mixture(31 * 12 * 79, seed=1)  # whole periods of each
    power = np.abs(np.fft.rfft(values)) ** 2 * 2 / len(values) ** 2
    bins = [round(len(values) / period) for period in series.PERIODS]
    np.testing.assert_allclose(power[bins], np.square(series.AMPLITUDES) / 2, rtol=0.02)
    assert power[1:].sum() - power[bins].sum() == pytest.approx(series.NOISE**2, rel=0.05)
