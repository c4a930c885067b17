"""Importances: closed forms of linear models, scikit-learn on the same shuffles, and the axioms of
attributions."""

import dataclasses
import functools
import itertools
import math
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from sklearn.inspection import partial_dependence
from sklearn.inspection import permutation_importance as of_scikit_learn
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeClassifier

import research.catalogue  # noqa: F401
from research.analysis.importance import (
    gradients,
    importance_figures,
    permutation_importance,
)
from research.analysis.importance.dependence import dependence
from research.analysis.importance.drop_importance import drop_report
from research.analysis.importance.feature_columns import (
    FeatureColumns,
    correlated,
    features_of,
    masks_of,
)
from research.analysis.importance.fitted_importance import fitted_importance
from research.analysis.importance.importances import Importances
from research.analysis.importance.inquiry import Inquiry
from research.analysis.importance.kept_run import KeptRun
from research.analysis.importance.occlusion import occlusion
from research.analysis.importance.shapley import shapley
from research.analysis.render import render
from research.baselines.scikit_learn import Predictor
from research.baselines.stored_predictor import stored
from research.data.features.engineered_table import engineered
from research.data.features.table_columns import TableColumns
from research.data.features.table_parts import TableParts
from research.data.in_memory import InMemorySource, categories, images, table
from research.errors import UserError
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.training.apply.final_metrics import run_lane
from research.training.setup.warm_start import ESTIMATOR
from research.training.step import network
from research.training.step.state import Variables

SPLIT = {"split": "4:1:1", "split_seed": 0}


def kept(source: InMemorySource, params: Any = None, **settings: Any) -> KeptRun:
    """A run of a data set with its initial parameters, or these."""
    given = {name.replace("__", "."): value for name, value in settings.items()}
    batch = {} if params == {} else {"batch_size": 8}  # of networks
    (run,) = Planner(lambda config: source).runs([{**SPLIT, **batch, **given}])
    lane = run_lane(run.program, run.config, source.data)
    if params is None:
        with run.program.precision_context():
            variables = jax.device_get(network.init(run.program, lane))
    else:
        variables = Variables(params, {})
    arrays = run.program.spec.view(source.data)
    return KeptRun(Record(run.id, "finished", {}), run, lane, variables, arrays)


def linear(weights: np.ndarray, source: InMemorySource) -> KeptRun:
    """A linear network of unscaled inputs and targets with these weights [D]."""
    kernel = np.asarray(weights, np.float32)[:, None]
    params = {"Dense_0": {"kernel": kernel, "bias": np.array([0.5], np.float32)}}
    return kept(source, params, arch="linear", scaling="none", target_scaling="none")


def fitted(model: Any, run: KeptRun, outputs: int) -> KeptRun:
    """A run of a host estimator that is this model."""
    predictor = stored(Predictor(model, outputs))
    return dataclasses.replace(run, variables=Variables({ESTIMATOR: predictor}, {}))


@functools.cache
def mlp() -> KeptRun:
    """A network of a table's four numbers."""
    return kept(table(), arch="mlp", arch__hidden=(8,), target_scaling="none")


class AsEstimator:
    """A run as scikit-learn takes it."""

    def __init__(self, run: KeptRun) -> None:
        self.run = run

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """It is fitted."""

    def score(self, x: np.ndarray, y: np.ndarray) -> float:
        """Minus the squared error."""
        return -float(np.mean((self.run.predictions(x)[:, 0] - y) ** 2))


def test_permutations_are_those_of_scikit_learn() -> None:
    run = mlp()
    rows = run.rows("test")
    ours = permutation_importance.permutation_importance(
        [run], features_of(run.raw), "mse", "test", 5
    )
    x, y = run.inputs(rows), run.targets(rows)
    theirs = of_scikit_learn(AsEstimator(run), x, y, n_repeats=5, random_state=run.seed)
    np.testing.assert_allclose(ours[0], theirs.importances, rtol=1e-4, atol=1e-6)


def test_host_estimators_are_permuted_alike() -> None:
    source = images(side=6, rows=60)
    flat = source.data.x.reshape(60, -1)[:, :5].astype(np.float32)
    spec = dataclasses.replace(table(features=5).spec, targets=source.spec.targets)
    spec = dataclasses.replace(spec, task="classification")
    few = InMemorySource(spec, source.data._replace(x=flat))
    run = kept(few, {}, arch="decision_tree", scaling="none")
    train = run.rows("train")
    tree = DecisionTreeClassifier(random_state=0).fit(run.inputs(train), run.targets(train))
    run = fitted(tree, run, 3)
    ours = permutation_importance.permutation_importance(
        [run], features_of(run.raw), "accuracy", "train", 4
    )
    theirs = of_scikit_learn(
        tree, run.inputs(train), run.targets(train), n_repeats=4, random_state=0
    )
    np.testing.assert_allclose(ours[0], theirs.importances, atol=1e-12)
    shares, quantity = fitted_importance(run)
    np.testing.assert_allclose([*shares.values()], tree.feature_importances_)
    assert "splits" in quantity


def test_host_and_device_agree_and_runs_are_seeds() -> None:
    run = mlp()
    other = dataclasses.replace(run, variables=jax.tree.map(lambda leaf: -leaf, run.variables))
    arguments = (features_of(run.raw), "r2", "test", 3)
    on_device = permutation_importance._on_device([run, other], *arguments)
    on_host = permutation_importance._on_host([run, other], *arguments)
    for ours, theirs in zip(on_device, on_host, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert on_device[1].shape == (2, 4, 3)
    with pytest.raises(UserError, match=r"--metric=acuracy: .* no such metric"):
        permutation_importance.permutation_importance([run], arguments[0], "acuracy", "test", 1)


def test_a_category_is_one_feature() -> None:
    run = kept(categories(), arch="linear", target_scaling="none")
    features = features_of(run.raw)
    assert [feature.name for feature in features] == ["x0", "x1", "a", "b"]
    x = run.inputs(run.rows("test"))
    masks = masks_of(features, x)
    assert masks.sum(axis=1).tolist() == [1, 1, 3, 3]
    moved = permutation_importance._moved(x, masks[2], np.arange(len(x))[None, ::-1])
    np.testing.assert_array_equal(moved[:, 2:5], x[::-1, 2:5])
    assert (moved[:, 2:5].sum(axis=1) == 1).all()
    np.testing.assert_array_equal(moved[:, 5:], x[:, 5:])


def test_images_have_no_columns() -> None:
    with pytest.raises(UserError, match="no columns; --method=gradient"):
        features_of(images().spec.inputs)


def test_features_are_those_of_the_raw_examples() -> None:
    names = ("age", "port=a", "port=b")
    table = TableColumns((3,), names, categories=(0, 2))
    made = engineered(table, "bins(age, 4)")
    assert [feature.columns for feature in features_of(made)] == [{"": (0,)}, {"": (1, 2)}]
    parts = features_of(TableParts((3,), table=table))
    assert parts == [("age", {"numbers": (0,)}), ("port", {"categories": (0,)})]


def test_correlated_features_stay_together_only_if_each_pair_is() -> None:
    steps = np.arange(50.0)
    noise = np.random.default_rng(0).normal(size=50)
    x = np.stack([steps, steps**3, noise, -steps], axis=1)
    names = [FeatureColumns(name, {"": (place,)}) for place, name in enumerate("abcd")]
    groups = correlated(names, x, 0.9)
    assert [(group.name, group.columns[""]) for group in groups] == [
        ("a + b + d", (0, 1, 3)),
        ("c", (2,)),
    ]
    assert len(correlated(names, x, 1.0)) == 2  # ranks, so that a cube is correlated by 1


def test_intervals_are_over_seeds_or_over_the_shuffles_of_one() -> None:
    values = np.array([[[1.0, 3.0]], [[5.0, 7.0]]])  # means 2 and 6
    (interval,) = Importances("", ["a"], values).intervals()
    # The standard error of 2 and 6 is 2, and t(1) is 12.706.
    assert (interval.mean, interval.n) == (4.0, 2)
    assert interval.half_width == pytest.approx(25.412, abs=1e-2)
    (alone,) = Importances("", ["a"], values[:1]).intervals()
    assert (alone.mean, alone.n) == (2.0, 2)
    assert Importances("", ["a"], values[:1, :, :1]).intervals()[0].half_width is None


def test_shapley_values_of_a_linear_network() -> None:
    run = linear(np.array([2.0, -1.0, 0.5, 0.0]), table())
    x, background = run.inputs(run.rows("test")), run.inputs(run.rows("train"))
    masks = masks_of(features_of(run.raw), x)
    values = shapley(run.predictions, x[:3], background, masks, 1, 0)
    expected = np.array([2.0, -1.0, 0.5, 0.0]) * (x[:3] - background.mean(axis=0))
    np.testing.assert_allclose(values.values[..., 0], expected, atol=1e-5)
    assert not values.half_width.any()


def test_shapley_values_are_the_mean_over_all_orders() -> None:
    def predict(x: np.ndarray) -> np.ndarray:
        return np.stack([x[:, 0] * x[:, 1] * x[:, 2], np.maximum(x[:, 0], x[:, 2])], axis=1)

    draw = np.random.default_rng(0)
    x, background = draw.normal(size=(1, 3)), draw.normal(size=(4, 3))
    by_hand = np.zeros((3, 2))
    for order in itertools.permutations(range(3)):
        known = np.array(background)
        before = predict(known).mean(axis=0)
        for feature in order:
            known[:, feature] = x[0, feature]
            after = predict(known).mean(axis=0)
            by_hand[feature] += (after - before) / math.factorial(3)
            before = after
    values = shapley(predict, x, background, np.eye(3, dtype=bool), 1, 0)
    np.testing.assert_allclose(values.values[0], by_hand, atol=1e-12)


def test_sampled_shapley_values_add_up_and_lie_in_their_bounds() -> None:
    """Of 11 features: 10 in pairs x0 x1 + x2 x3 + …, whose values are known, and one without
    effect."""

    def predict(x: np.ndarray) -> np.ndarray:
        return (x[:, 0:10:2] * x[:, 1:10:2]).sum(axis=1, keepdims=True)

    draw = np.random.default_rng(1)
    x, background = draw.normal(size=(2, 11)), draw.normal(size=(8, 11))
    values = shapley(predict, x, background, np.eye(11, dtype=bool), 20, 0)
    total = values.values.sum(axis=1) + values.expected
    np.testing.assert_allclose(total, values.predicted, atol=1e-10)
    # Of a product a b: half of (a - a') (b + b'), averaged over the background.
    a, b = x[:, 0:10:2, None], x[:, 1:10:2, None]
    a_, b_ = background.T[0:10:2], background.T[1:10:2]
    first = ((a - a_) * (b + b_) / 2).mean(axis=2)
    outside = np.abs(values.values[:, 0:10:2, 0] - first) > values.half_width[:, 0:10:2, 0]
    assert outside.mean() <= 0.2  # 5 % are expected outside of their 95 % bounds
    assert np.abs(values.values[:, 10]).max() == 0
    assert 0 < values.half_width[:, :10].max() < 0.5


def test_gradients_of_a_linear_network_are_its_weights() -> None:
    weights = np.array([2.0, -1.0, 0.5, 0.0])
    run = linear(weights, table())
    x = run.inputs(run.rows("test"))
    classes = gradients.explained_classes(run, x)
    np.testing.assert_allclose(
        gradients.input_gradients(run, x, classes), np.tile(weights, (len(x), 1)), rtol=1e-5
    )
    integrated = gradients.integrated_gradients(run, x, np.ones(4), classes, steps=2)
    np.testing.assert_allclose(integrated, weights * (x - 1), rtol=1e-4, atol=1e-6)


def test_integrated_gradients_add_up_to_the_difference() -> None:
    run = kept(images(), arch="mlp", arch__hidden=(8,), arch__activation="tanh")
    x = np.asarray(run.inputs(run.rows("test")), np.float64)
    baseline = np.zeros(x.shape[1:])
    classes = gradients.explained_classes(run, x)
    attributions = gradients.integrated_gradients(run, x, baseline, classes)
    difference = gradients.explained(run, x, classes) - gradients.explained(
        run, np.zeros_like(x), classes
    )
    np.testing.assert_allclose(attributions.reshape(len(x), -1).sum(axis=1), difference, atol=2e-3)
    assert np.abs(difference).max() > 0.1


def test_log_odds_are_explained_of_classes() -> None:
    run = kept(images(), arch="mlp", arch__hidden=(8,))
    x = np.asarray(run.inputs(run.rows("test")), np.float64)
    classes = gradients.explained_classes(run, x)
    shares = run.predictions(x)[np.arange(len(x)), classes]
    np.testing.assert_allclose(
        gradients.explained(run, x, classes), np.log(shares / (1 - shares)), atol=1e-4
    )


def test_occlusion_shows_the_pixel_that_is_read() -> None:
    @dataclasses.dataclass(frozen=True)
    class OnePixel:
        """Predicts the value of one pixel."""

        def predictions(self, x: np.ndarray) -> np.ndarray:
            return x[:, 2, 3, :]

    x = np.ones((1, 8, 8, 1))
    falls = occlusion(OnePixel(), x, np.zeros(1), np.zeros(1, int))  # type: ignore[arg-type]
    assert falls[0, 2, 3] == 1
    assert not falls[0, 5:].any()


def test_dependence_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    run = kept(table(), {}, arch="ridge", scaling="none")
    x = run.inputs(run.rows("train"))
    model = Ridge().fit(np.asarray(x, np.float64), draw.normal(size=len(x)))
    run = fitted(model, run, 1)
    ours = dependence(run, features_of(run.raw)[1], x, x)
    theirs = partial_dependence(
        model, np.asarray(x, np.float64), [1], custom_values={1: ours.grid}, kind="both"
    )
    np.testing.assert_allclose(ours.mean[:, 0], theirs["average"][0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours.curves[..., 0].T, theirs["individual"][0], rtol=1e-4)
    weights, _ = fitted_importance(run)
    np.testing.assert_allclose([*weights.values()], np.abs(model.coef_))


def test_the_dependence_on_a_category_tries_each() -> None:
    run = linear(np.array([0, 0, 1, 2, 4, 0, 0, 0]), categories())
    x = run.inputs(run.rows("test"))
    of_a = dependence(run, features_of(run.raw)[2], x, x)
    np.testing.assert_allclose(of_a.mean[:, 0], [1.5, 2.5, 4.5], atol=1e-5)


def test_weights_of_a_linear_network() -> None:
    weights, quantity = fitted_importance(linear(np.array([0, -3, 1, 2, 4, 0, 1, 0]), categories()))
    assert weights == {"x0": 0, "x1": 3, "a": 4, "b": 1}
    assert "|weight|" in quantity
    with pytest.raises(UserError, match="arch=mlp has neither"):
        fitted_importance(mlp())


def test_a_category_on_a_curve_is_one_feature() -> None:
    run = kept(categories(), arch="linear", scaling="quantile", target_scaling="none")
    features = features_of(run.raw)
    assert [feature.name for feature in features] == ["x0", "x1", "a", "b"]
    x = run.inputs(run.rows("test"))
    assert masks_of(features, x).tolist() == np.eye(4, dtype=bool).tolist()
    assert len(dependence(run, features[2], x, x).grid) == 3
    with pytest.raises(UserError, match="gradients require inputs that are numbers"):
        gradients.check_differentiable(run)


def test_values_that_are_missing_have_no_colour() -> None:
    ranks = importance_figures._ranks(np.array([3.0, np.nan, 1.0, 3.0, 2.0]))
    np.testing.assert_array_equal(ranks, [1, np.nan, 0, 1, 0.5])


class NothingKept:
    """What members kept that an average does not read."""

    def load(self, run_id: str) -> dict[str, Any]:
        """Nothing."""
        return {}


def test_an_ensemble_predicts_what_its_members_do_together() -> None:
    first = mlp()
    second = dataclasses.replace(first, variables=jax.tree.map(lambda leaf: -leaf, first.variables))
    record = Record("e", "finished", {"dataset": "wine", "ensemble": "seeds(2)"})
    record.provenance["members"] = ["a", "b"]
    kept_predictions: Any = NothingKept()
    together = dataclasses.replace(
        first, record=record, members=(first, second), predicted=kept_predictions
    )
    x = first.inputs(first.rows("test"))
    mean = (first.predictions(x) + second.predictions(x)) / 2
    np.testing.assert_allclose(together.predictions(x), mean, rtol=1e-5, atol=1e-6)
    values = permutation_importance.permutation_importance(
        [together], features_of(together.raw), "mse", "test", 2
    )
    assert values.shape == (1, 4, 2)
    for refused in (gradients.check_differentiable, fitted_importance):
        with pytest.raises(UserError, match="e is an ensemble"):
            refused(together)


class Names:
    """A planner of runs that are called by what they lack."""

    def each_feature(self, requests: list[dict[str, str]]) -> list[dict[str, str]]:
        """The requests without a, and without b."""
        return [{**request, "drop_feature": name} for request in requests for name in "ab"]

    def plan(self, requests: list[dict[str, str]]) -> list[Any]:
        """A run each."""
        return [
            SimpleNamespace(id=request["seed"] + request["drop_feature"]) for request in requests
        ]


def test_leaving_out_compares_runs_of_one_seed() -> None:
    def record(name: str, accuracy: float) -> Record:
        config = {"task": "classification", "seed": name[0]}
        return Record(name, "finished", config, {"test/accuracy": accuracy, "test/nll": -accuracy})

    def obtain(runs: Any) -> dict[str, Record]:
        accuracies = {"0a": 0.5, "0b": 0.75, "1a": 0.25, "1b": 0.5}
        return {run.id: record(run.id, accuracies[run.id]) for run in runs}

    rows = {"r": [record("0", 0.75), record("1", 0.75)]}
    planner: Any = Names()
    for metric in (None, "nll"):  # a fall of one is a rise of the other
        report = drop_report(rows, Inquiry(metric=metric), planner, obtain, print)
        assert report.importances["r"].values[..., 0].tolist() == [[0.25, 0], [0.5, 0.25]]
    table = report.table()
    assert table is not None
    assert "rise of test/nll" in render(table, "md")
    with pytest.raises(UserError, match="no metric test/accuracies; did you mean test/accuracy"):
        drop_report(rows, Inquiry(metric="accuracies"), planner, obtain, print)
    lacking = [dataclasses.replace(rows["r"][0], config={"drop_feature": "c"})]
    with pytest.raises(UserError, match="run 0 already lacks c"):
        drop_report({"r": lacking}, Inquiry(), planner, obtain, print)
