"""Axes: hand-worked grids, zips and samples, and what is refused."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import UserError
from research.sweeps import axes


def test_grids_multiply() -> None:
    paths, points = axes.points(grid=["learning_rate=0.1|0.2", "regularization=none|dropout=0.5,max_norm=2"])
    assert paths == ["learning_rate", "regularization"]
    assert points == [
        {"learning_rate": "0.1", "regularization": "none"},
        {"learning_rate": "0.1", "regularization": "dropout=0.5,max_norm=2"},
        {"learning_rate": "0.2", "regularization": "none"},
        {"learning_rate": "0.2", "regularization": "dropout=0.5,max_norm=2"},
    ]


def test_zipped_axes_move_together() -> None:
    _, points = axes.points(grid=["epochs=1|2"], zipped=["learning_rate=0.1|0.2; batch_size=8|16"])
    assert [(p["epochs"], p["learning_rate"], p["batch_size"]) for p in points] == [
        ("1", "0.1", "8"),
        ("1", "0.2", "16"),
        ("2", "0.1", "8"),
        ("2", "0.2", "16"),
    ]


def test_no_axis_is_one_point() -> None:
    assert axes.points() == ([], [{}])


def test_samples_repeat_and_stay_inside() -> None:
    sample = [
        "learning_rate=log(1e-4,1)",
        "optimizer.momentum=uniform(0,0.99)",
        "epochs=int(1,3)",
        "scaling=none|minmax",
    ]
    _, points = axes.points(sample=sample, samples=200)
    assert axes.points(sample=sample, samples=200)[1] == points
    assert axes.points(sample=sample, samples=20)[1] == points[:20]
    assert axes.points(sample=sample, samples=200, seed=1)[1] != points
    rates = [math.log10(float(p["learning_rate"])) for p in points]
    assert -4 <= min(rates) < -3.9
    assert -0.1 < max(rates) <= 0
    assert 60 <= sum(rate < -2 for rate in rates) <= 140
    assert {p["epochs"] for p in points} == {"1", "2", "3"}
    assert {p["scaling"] for p in points} == {"none", "minmax"}
    assert all(0 <= float(p["optimizer.momentum"]) <= 0.99 for p in points)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"grid": ["learning_rate"]}, "not of the form"),
        ({"grid": ["learning_rat=1"]}, "did you mean learning_rate"),
        ({"grid": ["learning_rate=0.1||0.2"]}, "empty value"),
        ({"grid": ["learning_rate=0.1|0.1"]}, "twice"),
        ({"grid": ["learning_rate=log(1,2)"]}, "--sample"),
        ({"grid": ["epochs=1|2", "epochs=3|4"]}, "two axes set epochs"),
        ({"grid": ["regularization=f(1|2"]}, "never closes"),
        ({"zipped": ["epochs=1|2"]}, "one axis"),
        ({"zipped": ["epochs=1|2;seed=1"]}, "epochs has 2, seed has 1"),
        ({"sample": ["epochs=int(1,3)"]}, "go together"),
        ({"samples": 3}, "go together"),
        ({"sample": ["learning_rate=log(0,1)"], "samples": 1}, "0 < low"),
        ({"sample": ["learning_rate=log(1)"], "samples": 1}, "two numbers"),
        ({"sample": ["learning_rate=uniform(1,0)"], "samples": 1}, "low < high"),
        ({"sample": ["learning_rate=uniform(0,inf)"], "samples": 1}, "low < high"),
    ],
)
def test_refused(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        axes.points(**arguments)  # type: ignore[arg-type]


def repeats(**arguments: list[str]) -> int:
    _, points = axes.points(**arguments)  # type: ignore[arg-type]
    return axes.repeats(points, {"arch.hidden": "4"})


@pytest.mark.parametrize(
    "axis", ["learning_rate=0.01|1e-2", "regularization.dropout=0.1|.1", "optimizer=sgd|adam|sgd", "arch.hidden=8|8.0"]
)
def test_two_values_that_are_the_same_setting_are_refused(axis: str) -> None:
    path = axis.partition("=")[0]
    with pytest.raises(UserError, match=f"{path}.* has a value twice"):
        repeats(grid=["seed=0|1", axis])


def test_values_that_differ_for_one_arm_are_kept() -> None:
    """adam has no momentum: its two points are one run, and sgd's are two."""
    assert repeats(grid=["optimizer=sgd|adam", "optimizer.momentum=0.1|0.9"]) == 1
    assert repeats(zipped=["epochs=1|2; learning_rate=0.1|0.10"]) == 0
    assert repeats(grid=["optimizer.b1=0.1|0.9"]) == 1  # nobody uses it, which planning says


def test_draws_that_coincide_are_counted() -> None:
    sample = ["scaling=none|minmax"]
    _, points = axes.points(sample=sample, samples=9)
    assert axes.repeats(points, {}, ["scaling"]) == 7


@given(st.text(alphabet="epochsd=|;,.()1 log", max_size=30))
def test_only_user_errors(text: str) -> None:
    for arguments in ({"grid": [text]}, {"zipped": [text]}, {"sample": [text], "samples": 2}):
        with contextlib.suppress(UserError):
            axes.points(**arguments)  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True))
def test_grid_round_trip(values: list[int]) -> None:
    _, points = axes.points(grid=["epochs=" + "|".join(map(str, values))])
    assert points == [{"epochs": str(value)} for value in values]
