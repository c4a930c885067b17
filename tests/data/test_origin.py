"""Origins: numbers that float32 merges stay apart in tables, prepared sets and series, and are
scaled exactly."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

import research.catalogue  # noqa: F401
from research.data.builder import open_built
from research.data.data_table import Table
from research.data.features.number import Number
from research.data.features.numbers import Numbers
from research.data.origin import differences, narrow
from research.data.series import Series, open_series
from research.data.source import open_source
from research.errors import UserError
from research.sweeps.plan.run_planner import Planner
from research.training.setup.lane_inputs import make_lane_inputs

NORMAL = np.random.default_rng(0).normal(size=300)
ROUNDING = 5e-7  # of differences below 8 in float32, and of numbers near 1e9 in float64


@pytest.mark.parametrize(
    "values",
    [
        1e8 + NORMAL,
        1.7e9 + np.arange(300),  # Unix times, a second apart
        1234567890123456 + np.arange(300.0),
        2**53 + np.arange(1, 301),  # whole numbers that float64 merges, too
        np.append(np.zeros(200), 1e8 + NORMAL[:100]),  # most are at another place
    ],
)
def test_what_float32_merges_is_kept_as_differences(values: np.ndarray) -> None:
    """Differences from the origin are those of float64 to half a last digit of float32, 6e-8."""
    assert len(np.unique(values.astype(np.float32))) < len(np.unique(values)) / 2
    narrowed = narrow(values)
    assert narrowed.values.dtype == np.float32
    assert (
        len(np.unique(narrowed.values))
        == len(np.unique(values))
        == narrowed.left
        == narrowed.distinct
    )
    assert narrowed.notes("x") == []
    near = np.abs(values - narrowed.origin) < 1e4
    np.testing.assert_allclose(
        narrowed.values[near], values[near] - values.dtype.type(narrowed.origin), rtol=6e-8
    )


@pytest.mark.parametrize(
    "values",
    [
        NORMAL,
        1000 + NORMAL,
        np.round(NORMAL, 3),
        np.arange(300),
        np.append(NORMAL, np.nan),
        np.random.default_rng(1).random(10_000),
        np.full(3, np.nan),
        np.array([0.1, 1e300, np.inf]),
    ],
)
def test_other_numbers_are_rounded_as_they_are(values: np.ndarray) -> None:
    narrowed = narrow(values)
    assert (narrowed.origin, narrowed.notes("x")) == (0, [])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(narrowed.values, values.astype(np.float32))


def test_what_no_origin_tells_apart_is_named() -> None:
    """Two groups of ids: from the middle of the one, the other's stay 9e15 away."""
    narrowed = narrow(np.concatenate([1e15 + np.arange(150), 9e15 + np.arange(150)]))
    assert narrowed.left == 151
    expected = "column 'id' has 300 different values, and float32 tells only 151 of them apart"
    assert narrowed.notes("column 'id'") == [expected]


def test_missing_numbers_stay_missing() -> None:
    narrowed = narrow(np.append(1e8 + NORMAL, np.nan))
    assert narrowed.origin
    assert np.flatnonzero(np.isnan(narrowed.values)).tolist() == [300]


def table() -> Table:
    columns = [1e8 + NORMAL, np.float32(NORMAL[::-1]), 1.7e9 + 3600 * np.arange(300.0)]
    return Table(np.stack(columns, axis=1), 1e9 + NORMAL, features=("big", "small", "hour"))


SCALERS = {"minmax": MinMaxScaler, "standard": StandardScaler, "robust": RobustScaler}


@pytest.mark.parametrize("scaling", SCALERS)
def test_a_table_is_scaled_as_in_float64(cache: str, scaling: str) -> None:
    """Scaled values are scikit-learn's in float64 to a few last digits of float32; the offset lies
    within the spread of the targets."""
    source = open_built(table, "origin", "1.0.0", cache_dir=cache, name="mine")
    assert [bool(origin) for origin in source.spec.inputs.as_a(Numbers).origin] == [
        True,
        False,
        False,
    ]
    assert source.spec.targets.as_a(Number).offset == pytest.approx(1e9, abs=5)
    plans = Planner(lambda config: source)
    (run,) = plans.runs([{"scaling": scaling, "target_scaling": "standard"}])
    x, y, *_ = arrays = source.arrays()
    assert x.dtype == y.dtype == np.float32
    lane = make_lane_inputs(run.config, run.program, arrays).lane
    scaled = (x - lane.shift) / lane.scale
    expected = SCALERS[scaling]().fit(table().x[lane.train]).transform(table().x)
    np.testing.assert_allclose(scaled[:, :2], expected[:, :2], atol=1e-6)
    answers = (y - lane.target_shift) / lane.target_scale
    exact = StandardScaler().fit(table().y[lane.train, None]).transform(table().y[:, None])[:, 0]
    np.testing.assert_allclose(answers, exact, atol=1e-6)
    np.testing.assert_array_equal(
        differences(table().x, np.array(source.spec.inputs.as_a(Numbers).origin)), x
    )


def test_without_scaling_float32_refuses_and_float64_is_exact(cache: str) -> None:
    """ROUNDING is that of differences in float32 and of numbers near 1e9 in float64."""
    source = open_built(table, "origin", "1.0.0", cache_dir=cache, name="mine")
    plans = Planner(lambda config: source)
    with pytest.raises(
        UserError,
        match=r"float32 merges values of the column 'big' of mine.*try --scaling=standard",
    ):
        plans.runs([{"scaling": "none", "target_scaling": "standard"}])
    # A fit on the host has no precision to choose.
    with pytest.raises(UserError, match=r"try --scaling=standard$"):
        plans.runs([{"scaling": "none", "arch": "constant"}])
    with pytest.raises(
        UserError, match=r"float32 merges targets of mine, .* near 1e\+09; try --target_scaling"
    ):
        plans.runs([{"target_scaling": "none"}])
    as_they_are = {"scaling": "none", "target_scaling": "none"}
    (run,) = plans.runs([{**as_they_are, "precision": "float64"}])
    arrays = source.arrays()
    with run.program.precision_context():
        lane = make_lane_inputs(run.config, run.program, arrays).lane
    np.testing.assert_allclose(
        arrays.x[:, 0] - lane.shift[0], table().x[:, 0], rtol=0, atol=ROUNDING
    )
    np.testing.assert_allclose(arrays.y - lane.target_shift, table().y, rtol=0, atol=ROUNDING)


def test_a_table_that_float32_can_hold_has_no_origin(cache: str) -> None:
    exact = Table(np.stack([NORMAL, NORMAL], axis=1), NORMAL)
    wide = open_built(lambda: exact, "origin_wide", "1.0.0", cache_dir=cache, name="wide")
    rounded = Table(exact.x.astype(np.float32), NORMAL.astype(np.float32))
    plain = open_built(lambda: rounded, "origin_plain", "1.0.0", cache_dir=cache, name="wide")
    assert wide.spec == plain.spec
    assert wide.spec.inputs.as_a(Numbers).origin == ()


def test_prepared_sets_have_origins(make_set, tmp_path) -> None:
    features = {
        "t": {"at": np.int64, "by": np.float64, "kind": tfds.features.ClassLabel(num_classes=2)},
        "y": np.int64,
    }
    examples = [
        {"t": {"at": 1_700_000_000 + row, "by": row / 4, "kind": row % 2}, "y": 2**40 + row % 30}
        for row in range(300)
    ]
    data_dir = make_set("times", features, {"train": examples}, ("t", "y"))
    source = open_source("times", {}, data_dir=data_dir, cache_dir=str(tmp_path / "cache"))
    stored, y, *_ = source.arrays()
    x = stored[np.arange(300)]  # categories are stored as indices, and read one-hot
    assert x.dtype == y.dtype == np.float32
    at, *others = source.spec.inputs.as_a(Numbers).origin
    assert others == [0, 0, 0]
    np.testing.assert_array_equal(x[:, 0].astype(np.float64) + at, 1.7e9 + np.arange(300))
    np.testing.assert_array_equal(x[:, 1], np.arange(300) / 4)
    np.testing.assert_array_equal(
        y.astype(np.float64) + source.spec.targets.as_a(Number).offset, 2**40 + np.arange(300) % 30
    )


def test_a_series_has_one_origin(cache: str) -> None:
    """Stored differences and the origin add up to the values, within float64 rounding of 1e8."""
    values = 1e8 + np.sin(np.arange(400) / 5)
    source = open_series(
        lambda: Series(values, (400,)), "high", "origin_high", "1.0.0", 16, 0, cache
    )
    stored, y, *_ = source.arrays()
    x = stored[np.arange(300)]  # categories are stored as indices, and read one-hot
    (origin,) = source.spec.inputs.as_a(Numbers).origin
    assert origin == source.spec.targets.as_a(Number).offset
    rows = np.arange(10)
    np.testing.assert_allclose(
        x[rows].astype(np.float64) + origin, values[rows[:, None] + np.arange(16)], rtol=1e-15
    )
    np.testing.assert_allclose(
        y[rows].astype(np.float64) + origin, values[rows[:, None] + np.arange(1, 17)], rtol=1e-15
    )
