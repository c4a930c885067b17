"""Axes: hand-worked grids, zips and samples, and what is refused."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import research.catalogue  # noqa: F401
from research import config as config_lib
from research.errors import UserError
from research.sweeps.declare import sweep_axes
from research.sweeps.declare.distributions import Distribution
from research.sweeps.declare.sweep_axes import Axis, Condition


def test_grids_multiply() -> None:
    paths, points = sweep_axes.points(
        grid=["learning_rate=0.1|0.2", "regularization=none|dropout=0.5,max_norm=2"]
    )
    assert paths == ["learning_rate", "regularization"]
    assert points == [
        {"learning_rate": "0.1", "regularization": "none"},
        {"learning_rate": "0.1", "regularization": "dropout=0.5,max_norm=2"},
        {"learning_rate": "0.2", "regularization": "none"},
        {"learning_rate": "0.2", "regularization": "dropout=0.5,max_norm=2"},
    ]


def test_zipped_axes_move_together() -> None:
    _, points = sweep_axes.points(
        grid=["epochs=1|2"], zipped=["learning_rate=0.1|0.2; batch_size=8|16"]
    )
    assert [(p["epochs"], p["learning_rate"], p["batch_size"]) for p in points] == [
        ("1", "0.1", "8"),
        ("1", "0.2", "16"),
        ("2", "0.1", "8"),
        ("2", "0.2", "16"),
    ]


def test_no_axis_is_one_point() -> None:
    assert sweep_axes.points() == ([], [{}])


def test_samples_repeat_and_stay_inside() -> None:
    sample = [
        "learning_rate=log(1e-4,1)",
        "optimizer.momentum=uniform(0,0.99)",
        "epochs=int(1,3)",
        "scaling=none|minmax",
    ]
    _, points = sweep_axes.points(sample=sample, samples=200)
    assert sweep_axes.points(sample=sample, samples=200)[1] == points
    assert sweep_axes.points(sample=sample, samples=20)[1] == points[:20]
    assert sweep_axes.points(sample=sample, samples=200, seed=1)[1] != points
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
        ({"sample": ["learning_rate=log(0,1)"], "samples": 1}, "low > 0"),
        ({"sample": ["learning_rate=log(1)"], "samples": 1}, "two numbers"),
        ({"sample": ["learning_rate=uniform(1,0)"], "samples": 1}, "low < high"),
        ({"sample": ["learning_rate=uniform(0,inf)"], "samples": 1}, "low < high"),
        ({"grid": ["epochs=1|2 if scaling=none"]}, "and no axis sets scaling; give it an axis too"),
        ({"zipped": ["epochs=1|2 if scaling=none; seed=0|1"]}, "and no axis sets scaling"),
        ({"grid": ["epochs=1|2 if scaling=x", "scaling=none"]}, "scaling is never 'x'"),
        ({"sample": ["epochs=1|2 if scaling=none"], "samples": 1}, "no axis sets scaling"),
        (
            {"sample": ["epochs=1|2 if scaling", "scaling=none"], "samples": 1},
            "not of the form if setting=value",
        ),
        (
            {"sample": ["epochs=1|2 if scaling=", "scaling=none"], "samples": 1},
            "not of the form if setting=value",
        ),
        ({"sample": ["epochs=1|2 if scaling=none|", "scaling=none"], "samples": 1}, "empty value"),
        (
            {"sample": ["epochs=1|2 if scaling=nine", "scaling=none"], "samples": 1},
            "never 'nine'; did you mean none",
        ),
        (
            {"sample": ["epochs=1|2 if seed=1", "seed=int(1,3)"], "samples": 1},
            "seed is drawn from a distribution",
        ),
        (
            {"sample": ["epochs=1|2 if seed=1", "seed=1|2 if epochs=1"], "samples": 1},
            "epochs and seed depend on one another",
        ),
        (
            {"sample": ["epochs=1|2 if epochs=1"], "samples": 1},
            "is itself; write each axis in a flag",
        ),
    ],
)
def test_refused(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        sweep_axes.points(**arguments)  # type: ignore[arg-type]


def test_a_condition_leaves_its_axis_out() -> None:
    sample = [
        "optimizer.momentum=uniform(0,0.99) if optimizer=sgd",
        "optimizer=sgd|adam|lion",
        "epochs=int(1,9)",
    ]
    paths, points = sweep_axes.points(sample=sample, samples=60)
    assert paths == ["optimizer", "epochs", "optimizer.momentum"]
    assert {point["optimizer"] for point in points} == {"sgd", "adam", "lion"}
    assert all(("optimizer.momentum" in point) == (point["optimizer"] == "sgd") for point in points)
    _, plain = sweep_axes.points(sample=["optimizer=sgd|adam|lion", "epochs=int(1,9)"], samples=60)
    assert [
        {k: v for k, v in point.items() if k != "optimizer.momentum"} for point in points
    ] == plain


def test_conditions_follow_one_another() -> None:
    sample = [
        "epochs=1|2 if scaling=none",
        "scaling=none|robust if optimizer=sgd",
        "optimizer=sgd|adam",
    ]
    _, points = sweep_axes.points(sample=sample, samples=60)
    assert {tuple(sorted(point)) for point in points} == {
        ("epochs", "optimizer", "scaling"),
        ("optimizer", "scaling"),
        ("optimizer",),
    }


def repeats(**arguments: list[str]) -> int:
    _, points = sweep_axes.points(**arguments)  # type: ignore[arg-type]
    return sweep_axes.repeats(points, {"arch.hidden": "4"})


@pytest.mark.parametrize(
    "axis",
    [
        "learning_rate=0.01|1e-2",
        "regularization.dropout=0.1|.1",
        "optimizer=sgd|adam|sgd",
        "arch.hidden=8|8.0",
    ],
)
def test_two_values_that_are_the_same_setting_are_refused(axis: str) -> None:
    path = axis.partition("=")[0]
    with pytest.raises(UserError, match=f"{path}.* has a value twice"):
        repeats(grid=["seed=0|1", axis])


def test_values_that_differ_for_one_arm_are_kept() -> None:
    """adam has no momentum: its two points are one run, and sgd's are two."""
    assert repeats(grid=["optimizer=sgd|adam", "optimizer.momentum=0.1|0.9"]) == 1
    assert repeats(zipped=["epochs=1|2; learning_rate=0.1|0.10"]) == 0
    assert repeats(zipped=["optimizer=sgd|sgd|adam; learning_rate=0.1|0.01|0.001"]) == 0
    assert repeats(grid=["optimizer.b1=0.1|0.9"]) == 1  # nobody uses it, which planning says


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ("epochs=int(1.5,3)", "needs two whole numbers"),
        ("learning_rate=uniform(low=0,high=1)", r"needs two numbers, uniform\(low,high\)"),
        ("learning_rate=log(1e-4,1,base=10)", r"needs two numbers, log\(low,high\)"),
    ],
)
def test_what_no_distribution_has_is_refused(axis: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        sweep_axes.points(sample=[axis], samples=1)


def test_draws_that_coincide_are_counted() -> None:
    sample = ["scaling=none|minmax"]
    _, points = sweep_axes.points(sample=sample, samples=9)
    assert sweep_axes.repeats(points, {}, ["scaling"]) == 7


@given(
    st.text(alphabet="epochsd=|;,.()1 logif", max_size=30)
    | st.text(alphabet="e=|1 ", max_size=9).map("epochs=1 if".__add__)
)
def test_only_user_errors(text: str) -> None:
    for arguments in ({"grid": [text]}, {"zipped": [text]}, {"sample": [text], "samples": 2}):
        with contextlib.suppress(UserError):
            sweep_axes.points(**arguments)  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True))
def test_grid_round_trip(values: list[int]) -> None:
    _, points = sweep_axes.points(grid=["epochs=" + "|".join(map(str, values))])
    assert points == [{"epochs": str(value)} for value in values]


numbers = st.floats(1e-9, 1e9, allow_subnormal=False)
words = st.lists(
    st.from_regex(r"[a-z0-9.]{1,5}", fullmatch=True), min_size=1, max_size=4, unique=True
).map(tuple)
distributions = st.builds(
    lambda name, ends: Distribution(name, *sorted(ends)),
    st.sampled_from(["uniform", "log"]),
    st.lists(numbers, min_size=2, max_size=2, unique=True),
) | st.builds(
    lambda ends: Distribution("int", *map(float, sorted(ends))),
    st.lists(st.integers(0, 10**9), min_size=2, max_size=2, unique=True),
)
conditions = st.none() | st.builds(Condition, st.sampled_from(["optimizer", "arch.hidden"]), words)


@given(st.builds(Axis, st.sampled_from(["epochs", "learning_rate"]), words, st.none(), conditions))
def test_a_list_of_values_round_trips(axis: Axis) -> None:
    assert sweep_axes.parse(str(axis), "sample") == axis


@given(
    st.builds(
        Axis, st.sampled_from(["epochs", "learning_rate"]), st.just(()), distributions, conditions
    )
)
def test_a_distribution_round_trips(axis: Axis) -> None:
    assert sweep_axes.parse(str(axis), "sample") == axis


@given(
    st.dictionaries(
        st.sampled_from(["epochs", "seed", "scaling", "optimizer"]), words, min_size=2, max_size=4
    ),
    st.data(),
)
def test_a_point_has_an_axis_exactly_where_its_condition_holds(
    values: dict[str, tuple[str, ...]], data: st.DataObject
) -> None:
    """Each axis asks, or not, one that stands before it; they are given in any order."""
    made: list[Axis] = []
    for path, own in values.items():
        condition = None
        if made and data.draw(st.booleans()):
            asked = data.draw(st.sampled_from(made))
            some = data.draw(st.lists(st.sampled_from(asked.values), min_size=1, unique=True))
            condition = Condition(asked.path, tuple(some))
        made.append(Axis(path, own, None, condition))
    texts = [str(axis) for axis in data.draw(st.permutations(made))]
    ordered = sweep_axes.sampled(texts)
    assert sorted(map(str, ordered)) == sorted(map(str, made))
    for point in sweep_axes.draws(ordered, 5, 0):
        for axis in made:
            assert (axis.path in point) == (axis.condition is None or axis.condition.holds(point))


def test_a_grid_axis_takes_a_condition() -> None:
    """The two points of adam that differ in a momentum which is not set are one."""
    grid = ["optimizer.momentum=0|0.9 if optimizer=sgd", "optimizer=sgd|adam"]
    paths, points = sweep_axes.points(grid=grid)
    assert paths == ["optimizer", "optimizer.momentum"]
    assert sorted(points, key=str) == [
        {"optimizer": "adam"},
        {"optimizer": "sgd", "optimizer.momentum": "0"},
        {"optimizer": "sgd", "optimizer.momentum": "0.9"},
    ]
    assert sweep_axes.repeats(points, {}) == 0
    _, wider = sweep_axes.points(
        grid=grid, zipped=["epochs=1|2; batch_size=8|16 if optimizer=adam"]
    )
    assert len(wider) == 6
    assert all(("batch_size" in point) == (point["optimizer"] == "adam") for point in wider)


def test_a_sampled_axis_may_ask_for_a_grids_value() -> None:
    sample = ["optimizer.momentum=uniform(0,0.99) if optimizer=sgd"]
    _, points = sweep_axes.points(grid=["optimizer=sgd|adam"], sample=sample, samples=4)
    assert len(points) == 8
    assert all(("optimizer.momentum" in point) == (point["optimizer"] == "sgd") for point in points)


def test_values_carry_options_of_their_part() -> None:
    _, points = sweep_axes.points(grid=["optimizer=sgd(momentum=0.9)|adam(b1=0.8,b2=0.99)"])
    sgd, adam = (config_lib.resolve(point)[0].optimizer for point in points)
    assert (sgd.name, sgd["momentum"]) == ("sgd", 0.9)
    assert (adam.name, adam["b1"], adam["b2"]) == ("adam", 0.8, 0.99)


def test_a_condition_on_a_part_holds_whatever_its_options() -> None:
    _, points = sweep_axes.points(
        grid=["optimizer=sgd(momentum=0.9)|adam", "optimizer.style=heavy_ball|ema if optimizer=sgd"]
    )
    assert [point.get("optimizer.style") for point in points] == ["heavy_ball", "ema", None]


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("learning_rate=0.1,0.2", "'learning_rate=0.1|0.2'"),
        ("optimizer=sgd(momentum=0.9),adam", "'optimizer=sgd(momentum=0.9)|adam'"),
        ("regularization=dropout=0.5,dropout=0.3", "'regularization=dropout=0.5|dropout=0.3'"),
        ("optimizer.momentum=0,0.9", "'optimizer.momentum=0|0.9'"),
    ],
)
def test_commas_in_place_of_bars_are_named(value: str, right: str) -> None:
    _, points = sweep_axes.points(grid=[value])
    with pytest.raises(UserError, match="several are separated by") as raised:
        sweep_axes.repeats(points, {})
    assert right in str(raised.value)
