"""Votes and stacking: by hand, and as scikit-learn's VotingClassifier and StackingClassifier."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeRegressor

import research as rs
import research.catalogue
from research import config as config_lib
from research.errors import UserError
from research.sweeps.ensembles.arms import arm_configs
from research.sweeps.ensembles.meta_models import META_MODELS, meta_features
from research.sweeps.ensembles.stack import stack, stack_scores
from research.sweeps.ensembles.vote import votes
from research.sweeps.experiment import Experiment
from research.tasks.classification import log_softmax
from research.training.engine.predicted_rows import PredictedRows

CONFIG, _ = config_lib.resolve({"arch.hidden": "8", "split_seed": 0})


def of_rows(rows: Any, scores: Any, targets: Any) -> dict[str, PredictedRows]:
    return {"test": PredictedRows(np.asarray(rows), np.asarray(scores), np.asarray(targets))}


def scores_of(model: Any, x: np.ndarray) -> np.ndarray:
    if hasattr(model, "predict_log_proba"):
        return np.asarray(model.predict_log_proba(x))
    return np.asarray(model.predict(x)).reshape(len(x), -1)


@pytest.mark.parametrize("two", [True, False], ids=["two classes", "three"])
@pytest.mark.parametrize("how", ["soft", "hard"])
def test_votes_are_those_of_scikit_learn(how: str, two: bool) -> None:
    """Choices are equal; mean probabilities within float64 rounding."""
    x, y = load_iris(return_X_y=True)
    x, y = (x[:, :2], y) if not two else (x[50:, :2], y[50:] - 1)
    models = [LogisticRegression(), GaussianNB(), LogisticRegression(C=0.01)]
    reference = VotingClassifier([(str(n), m) for n, m in enumerate(models)], voting=how).fit(x, y)
    predicted = [
        of_rows(np.arange(len(x)), scores_of(model, x), y) for model in reference.estimators_
    ]
    scores = votes(predicted, True, "", how)["test"].scores
    np.testing.assert_array_equal(scores.argmax(axis=1), reference.predict(x))
    if how == "soft":
        np.testing.assert_allclose(np.exp(scores), reference.predict_proba(x))


def stacked_by_hand(
    models: list[Any], folds: Any, x: np.ndarray, y: np.ndarray, new: np.ndarray
) -> list[dict[str, PredictedRows]]:
    """What the members of `stack` keep: of each model its run, and one per fold."""
    predicted = []
    for model in models:
        nothing = np.zeros(len(new))
        predicted.append(of_rows(np.arange(len(new)), scores_of(model.fit(x, y), new), nothing))
        for rest, held_out in folds.split(x, y):
            scores = scores_of(model.fit(x[rest], y[rest]), x[held_out])
            predicted.append(of_rows(held_out, scores, y[held_out]))
    return predicted


@pytest.mark.parametrize("two", [True, False], ids=["two classes", "three"])
def test_stacking_is_that_of_scikit_learn(two: bool) -> None:
    """The same meta features on the same folds, and so the same model and predictions."""
    x, y = load_iris(return_X_y=True)
    x, y = (x[50:], y[50:] - 1) if two else (x, y)
    x, new, y, _ = train_test_split(x, y, random_state=0, stratify=y)
    folds = StratifiedKFold(4, shuffle=True, random_state=1)
    models = [LogisticRegression(), GaussianNB()]
    reference = StackingClassifier([(str(n), m) for n, m in enumerate(models)], cv=folds)
    reference.fit(x, y)
    predicted = stacked_by_hand(models, folds, x, y, new)
    features = meta_features(
        np.stack([predicted[place]["test"].scores for place in (0, 5)]), classes=True
    )
    np.testing.assert_allclose(features, reference.transform(new), atol=1e-12)
    scores = stack_scores(predicted, True, "", "logistic", 4)["test"].scores
    probabilities = np.exp(log_softmax(scores))
    np.testing.assert_allclose(probabilities, reference.predict_proba(new), atol=1e-12)


def test_stacking_of_numbers_is_that_of_scikit_learn() -> None:
    """Predictions of the same ridge on the same out-of-fold columns, within float64 rounding."""
    x, y = load_diabetes(return_X_y=True)
    x, new, y, _ = train_test_split(x, y, random_state=0)
    folds = KFold(3, shuffle=True, random_state=1)
    models = [LinearRegression(), DecisionTreeRegressor(max_depth=3, random_state=0)]
    reference = StackingRegressor(
        [(str(n), m) for n, m in enumerate(models)], final_estimator=Ridge(), cv=folds
    ).fit(x, y)
    predicted = stacked_by_hand(models, folds, x, y, new)
    scores = stack_scores(predicted, False, "", "ridge", 3)["test"].scores
    np.testing.assert_allclose(scores[:, 0], reference.predict(new), rtol=1e-9)


@pytest.mark.parametrize("classes", [True, False])
def test_mean_weights_find_the_arm_that_is_right(classes: bool) -> None:
    """One arm knows the targets, the other draws: all weight goes to the first."""
    generator = np.random.default_rng(0)
    targets = np.arange(60) % 3 if classes else generator.normal(size=60)
    known = np.eye(3)[targets] * 5.0 if classes else targets[:, None]
    scores = np.stack([known, generator.normal(size=known.shape)])
    features = meta_features(scores, classes)
    model = META_MODELS["mean_weights"](features, targets, 3 if classes else 0)
    first = np.log(features[:, :3]) if classes else known
    np.testing.assert_allclose(model(features), first, atol=1e-6)


@pytest.mark.parametrize("meta", META_MODELS)
def test_every_meta_model_beats_chance(meta: str) -> None:
    generator = np.random.default_rng(0)
    for count in (2, 3):
        targets = generator.integers(count, size=90)
        arms = np.eye(count)[targets] * 3 + generator.normal(size=(2, 90, count))
        model = META_MODELS[meta](meta_features(arms, True), targets, count)
        scores = model(meta_features(arms, True))
        assert scores.shape == (90, count)
        assert np.mean(scores.argmax(axis=1) == targets) > 0.8


@pytest.mark.parametrize("meta", META_MODELS)
def test_a_class_without_training_rows_is_never_predicted(meta: str) -> None:
    """The folds' training rows may lack a class that others have."""
    generator = np.random.default_rng(0)
    targets = generator.integers(2, size=90)
    arms = np.eye(3)[targets] * 3 + generator.normal(size=(2, 90, 3))
    scores = META_MODELS[meta](meta_features(arms, True), targets, 3)(meta_features(arms, True))
    assert scores.shape == (90, 3)
    assert np.mean(scores.argmax(axis=1) == targets) > 0.8


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
def test_mean_weights_do_not_depend_on_units(unit: float) -> None:
    """The least squares of w·a + (1 - w)·b have the closed form b·(b - a) / |b - a|²; the solver
    came within 1e-8 of it."""
    generator = np.random.default_rng(0)
    targets = generator.normal(size=2000) * unit
    errors = generator.normal(size=(2, 2000)) * np.array([[0.5], [1.0]]) * unit
    model = META_MODELS["mean_weights"]((targets + errors).T, targets, 0)
    weight = model(np.array([[1.0, 0.0]])).item()
    lead = errors[1] - errors[0]
    assert weight == pytest.approx((errors[1] @ lead) / (lead @ lead), abs=1e-6)


def test_arms_are_settings_beside_those_of_the_run() -> None:
    mlp, linear = arm_configs(CONFIG, "learning_rate=0.5,regularization=[dropout=0.5]|arch=linear")
    assert mlp.arch == CONFIG.arch
    assert mlp.learning_rate == 0.5
    assert mlp.regularization[0].name == "dropout"
    assert linear.arch.name == "linear"
    assert linear.split_seed == 0
    assert arm_configs(CONFIG, "|arch=linear") == [CONFIG, linear]
    members = stack(CONFIG, "arch=mlp|arch=linear", folds=3)
    assert [member.inner_fold for member in members] == [None, 0, 1, 2] * 2


def test_arms_that_cannot_be_are_said() -> None:
    cases = {
        "mlp|arch=linear": "the arm 'mlp' is neither a setting, as arch=mlp, nor the name of",
        "arch=linear,arch.hidden=3": "sets arch.hidden, which nothing in it uses",
        "arhc=mlp": "unknown setting 'arhc'; did you mean arch",
        "ensemble=seeds(2)": "is an ensemble; an ensemble's arms are single runs",
    }
    for arms, text in cases.items():
        with pytest.raises(UserError, match=text):
            arm_configs(CONFIG, arms)
    with pytest.raises(UserError, match="how=hard counts votes for classes"):
        votes([], False, "", "hard")


def test_an_experiment_names_its_arms() -> None:
    experiment = Experiment(
        "e",
        "a vote",
        {"dataset": "iris"},
        {
            "small, fast": {"arch.hidden": "4,4", "epochs": 1},
            "linear": {"arch": "linear"},
            "vote": {"ensemble": "vote(arms=[small, fast|linear], how=hard)"},
            "stack": {"ensemble": "stack([linear, linear])"},
        },
    )
    text = "vote(arms=[arch.hidden=[4,4],epochs=1|arch=linear],how=hard)"
    assert experiment.arms["vote"]["ensemble"] == text
    assert experiment.arms["stack"]["ensemble"] == "stack([arch=linear|arch=linear])"


def test_members_of_other_rows_or_data_are_refused_before_training(tmp_path: Path) -> None:
    cases = {
        "vote([arch=linear|split=6:2:2])": "member 1 has split=6:2:2, and the ensemble has 8:1:1",
        "vote([arch=linear|arch=linear])": "members 0 and 1 are the same run",
        "vote([arch=linear|split_seed=3])": "member 1 has split_seed=3, and the ensemble has 0",
        "vote([arch=linear|dataset=wine])": "member 1 is trained on wine, and member 0 on iris",
        "stack([arch=linear|arch=mlp],folds=1)": "ensemble.folds=1 is out of range",
    }
    for ensemble, text in cases.items():
        with pytest.raises(UserError, match=text):
            rs.train(dataset="iris", ensemble=ensemble, records=str(tmp_path))
    assert not [*tmp_path.rglob("*.json")]
