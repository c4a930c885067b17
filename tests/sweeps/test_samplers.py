"""Samplers: known points, conditions, what each cannot take, and a minimum that TPE finds."""

import statistics

import pytest

from research.errors import UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.distributions import Distribution
from research.sweeps.declare.sweep_axes import Axis, Point
from research.sweeps.tuning import trial_samplers
from research.sweeps.tuning.search import Result, search
from research.sweeps.tuning.study import study
from research.sweeps.tuning.trial_samplers import count, grid, sampler, sobol

SPACE = axes_lib.sampled(
    [
        "learning_rate=log(1e-4,1)",
        "optimizer=sgd|adam",
        "optimizer.momentum=uniform(0,0.99) if optimizer=sgd",
    ]
)


def points(
    name: str, axes: list[Axis], trials: int, seed: int = 0, parallel: int = 4
) -> list[Point]:
    """What a search asks for."""
    asked: list[Point] = []

    def evaluate(round_: list[Point]) -> list[Result]:
        asked.extend(round_)
        return [Result(float(point.get("learning_rate", "0"))) for point in round_]

    search(
        study(None, name, "lower", {}, sampler(name, axes, seed)), axes, trials, parallel, evaluate
    )
    return asked


def test_random_points_are_those_of_a_sweep() -> None:
    _, swept = axes_lib.points(sample=[str(axis) for axis in SPACE], samples=20, seed=3)
    assert points("random", SPACE, 20, seed=3) == swept
    assert points("random", SPACE, 9, seed=3) == swept[:9]


@pytest.mark.parametrize("name", ["random", "sobol", "tpe"])
def test_points_repeat_and_keep_conditions(name: str) -> None:
    asked = points(name, SPACE, 24)
    assert points(name, SPACE, 24) == asked
    assert points(name, SPACE, 24, seed=1) != asked
    assert len({point["learning_rate"] for point in asked}) == len(asked)
    assert {point["optimizer"] for point in asked} == {"sgd", "adam"}
    for point in asked:
        assert ("optimizer.momentum" in point) == (point["optimizer"] == "sgd")
        assert 1e-4 <= float(point["learning_rate"]) <= 1


def test_a_grid_has_every_point_once() -> None:
    axes = axes_lib.sampled(
        ["optimizer.nesterov=true|false if optimizer=sgd", "epochs=int(1,2)", "optimizer=sgd|adam"]
    )
    found = grid(axes)
    assert len(found) == count("grid", axes, 100) == 6
    assert {"epochs": "2", "optimizer": "adam"} in found
    assert {"epochs": "1", "optimizer": "sgd", "optimizer.nesterov": "true"} in found
    assert sorted(map(str, points("grid", axes, 6))) == sorted(map(str, found))
    with pytest.raises(UserError, match="the grid has 6 points; give --trials=6 or more"):
        count("grid", axes, 5)


def test_a_grid_takes_no_continuous_axis() -> None:
    with pytest.raises(
        UserError, match="--sampler=grid takes lists of values, and learning_rate is continuous"
    ):
        grid(SPACE)


def test_sobol_points_fill_each_axis_evenly() -> None:
    axes = axes_lib.sampled(["learning_rate=log(1e-4,1)", "epochs=int(1,4)", "scaling=none|minmax"])
    found = sobol(axes, 16, seed=0)
    assert sobol(axes, 5, seed=0) == found[:5]
    for decade in range(-4, 0):
        assert (
            sum(10**decade <= float(point["learning_rate"]) < 10 ** (decade + 1) for point in found)
            == 4
        )
    assert sorted(point["epochs"] for point in found) == sorted("1234" * 4)
    assert sum(point["scaling"] == "none" for point in found) == 8


def test_tpe_finds_a_minimum() -> None:
    """(x - 2)^2 on [-10, 10] in 60 trials, one after another: within 0.05 of 2 in the median of 20
    seeds."""
    axes = [Axis("x", distribution=Distribution("uniform", -10, 10))]

    def evaluate(asked: list[Point]) -> list[Result]:
        return [Result((float(point["x"]) - 2) ** 2) for point in asked]

    errors = []
    for seed in range(20):
        found = study(
            None, f"quadratic {seed}", "lower", {}, trial_samplers.sampler("tpe", axes, seed)
        )
        search(found, axes, 60, 1, evaluate)
        assert len(found.trials) == 60
        errors.append(abs(found.best_params["x"] - 2))
    assert statistics.median(errors) < 0.05, sorted(errors)
