"""Distributions of sampled axes: their values by hand, and against scipy's and Optuna's."""

import numpy as np
import optuna
import pytest
from scipy import stats

from research.errors import UserError
from research.sweeps.declare.distributions import Distribution, parse
from research.sweeps.declare.sweep_axes import Axis
from research.sweeps.tuning import space

PLACES = np.linspace(0.001, 0.999, 400)


def of(text: str) -> Distribution:
    found = parse(text, "sample")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("uniform(0,1,step=0.25)", ["0.0", "0.25", "0.5", "0.75", "1.0"]),
        ("uniform(0,0.3,step=0.1)", ["0.0", "0.1", "0.2", "0.3"]),
        ("int(1,9,step=4)", ["1", "5", "9"]),
        ("int(-1,1)", ["-1", "0", "1"]),
    ],
)
def test_steps_are_equally_probable(text: str, values: list[str]) -> None:
    count = of(text).count
    assert count == len(values)
    assert [of(text).at((place + 0.5) / count) for place in range(count)] == values
    assert (of(text).at(0.0), of(text).at(1 - 1e-12)) == (values[0], values[-1])
    generator = np.random.default_rng(0)
    drawn = [of(text).draw(generator) for _ in range(600)]
    assert set(drawn) == set(values)
    assert stats.chisquare([drawn.count(value) for value in values]).pvalue > 1e-3


def test_quantiles_are_scipys() -> None:
    """Quantiles are scipy's to the six digits that settings are written with."""
    for text, reference in {
        "normal(3,0.5)": stats.norm(3, 0.5),
        "uniform(-1,3)": stats.uniform(-1, 4),
        "log(1e-4,1)": stats.loguniform(1e-4, 1),
    }.items():
        ours = [float(of(text).at(place)) for place in PLACES]
        np.testing.assert_allclose(
            ours, reference.ppf(PLACES), rtol=1e-5, atol=1e-6
        )  # six digits are written


def test_whole_numbers_by_their_logarithm_have_optunas_shares() -> None:
    """Number k has the part of the scale between log(k - 1/2) and log(k + 1/2)."""
    low, high = np.log(0.5), np.log(8.5)
    shares = [(np.log(k + 0.5) - np.log(k - 0.5)) / (high - low) for k in range(1, 9)]
    places = (np.arange(100_000) + 0.5) / 100_000
    distribution = of("log_int(1,8)")
    values = np.array([int(distribution.at(place)) for place in places])
    np.testing.assert_allclose([(values == k).mean() for k in range(1, 9)], shares, atol=2e-5)


@pytest.mark.parametrize(
    "text",
    [
        "uniform(0,1,step=0.1)",
        "int(1,9,step=2)",
        "log_int(1,512)",
        "normal(0,1)",
        "log(1e-3,1)",
        "int(0,4)",
    ],
)
def test_what_is_drawn_is_a_value_for_optuna(text: str) -> None:
    axis = Axis("epochs", distribution=of(text))
    known = space.distribution(axis)
    generator = np.random.default_rng(1)
    for _ in range(200):
        value = space.external(axis, of(text).draw(generator))
        assert known._contains(known.to_internal_repr(value))
    assert space.suggested(optuna.trial.FixedTrial({"epochs": value}), [axis]) == {
        "epochs": of(text).text(value)
    }
    assert parse(str(of(text)), "sample") == of(text)


def test_another_name() -> None:
    assert of("loguniform(1e-4,1)") == of("log(1e-4,1)") == Distribution("log", 1e-4, 1.0)
    assert parse("0.1|0.2", "sample") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("int(1,99999999999999999999)", r"whole numbers below 2\^53"),
        ("int(0,9007199254740993)", r"whole numbers below 2\^53"),
        ("uniform(0,1,step=0)", "step > 0"),
        ("uniform(0,1,step=2)", "a step that divides the range from 0 to 1"),
        ("uniform(0,1,step=1e-300)", "a larger step"),
        ("int(0,4,step=0.5)", "whole numbers"),
        ("normal(0,-1)", "sd > 0"),
        ("normal(0,inf)", "sd > 0"),
        ("log_int(0.5,4)", "whole numbers"),
        ("log(1,2,step=1)", "two numbers"),
        ("uniform(0,1,step=a)", "two numbers"),
        ("unifrom(0,1)", "did you mean uniform"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        parse(text, "sample")
