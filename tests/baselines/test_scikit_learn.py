"""Classic methods as host estimators: the predictions are those of a direct call of the library."""

from typing import Any

import numpy as np
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import (
    discriminant_analysis,
    ensemble,
    linear_model,
    naive_bayes,
    neighbors,
    svm,
    tree,
)
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from xgboost import XGBClassifier, XGBRegressor

from research.baselines.estimator import LabelledExamples, StagedPredict
from research.baselines.scikit_learn import IMPOSSIBLE
from research.baselines.support_vectors import of_standard_targets
from research.errors import UserError
from research.registry import ARCHITECTURES, HostEstimator
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.testing import conformance
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import host_fit, loop
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import IMAGES, data_of, planner, weighted
from tests.support.observing import PackObserving

SETTINGS: dict[str, Any] = {"split": "4:1:1", "split_seed": 0, "seed": 3}
ESTIMATORS = [entry for entry in ARCHITECTURES if isinstance(entry, HostEstimator)]
LABELLED = ("classification", "regression")
CASES = [(entry.name, task) for entry in ESTIMATORS for task in entry.tasks if task in LABELLED]
SEED = {"random_state": 3}
QUIET = {"random_seed": 3, "allow_writing_files": False, "logging_level": "Silent"}
STUMP = tree.DecisionTreeClassifier(max_depth=1)
# What a user of the library would write, by the entry's name.
CLASSIFIERS: dict[str, Any] = {
    "nearest_neighbors": neighbors.KNeighborsClassifier(3),
    "naive_bayes": naive_bayes.GaussianNB(),
    "lda": discriminant_analysis.LinearDiscriminantAnalysis(),
    "qda": discriminant_analysis.QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.5),
    "logistic": linear_model.LogisticRegression(max_iter=1000),
    "ridge": linear_model.RidgeClassifier(),
    "linear_svm": svm.LinearSVC(max_iter=10_000, **SEED),
    "svm": svm.SVC(break_ties=True),
    "decision_tree": tree.DecisionTreeClassifier(**SEED),
    "random_forest": ensemble.RandomForestClassifier(4, **SEED),
    "extra_trees": ensemble.ExtraTreesClassifier(4, **SEED),
    "adaboost_trees": ensemble.AdaBoostClassifier(STUMP, n_estimators=4, **SEED),
    "gradient_boosting": ensemble.GradientBoostingClassifier(n_estimators=4, **SEED),
    "histogram_boosting": ensemble.HistGradientBoostingClassifier(
        max_iter=4, min_samples_leaf=2, early_stopping=False, **SEED
    ),
    "gaussian_process": GaussianProcessClassifier(ConstantKernel() * RBF()),
    "lightgbm": LGBMClassifier(n_estimators=4, min_child_samples=2, verbosity=-1, **SEED),
    "xgboost": XGBClassifier(n_estimators=4, **SEED),
    "catboost": CatBoostClassifier(iterations=4, **QUIET),
}
REGRESSORS: dict[str, Any] = {
    "nearest_neighbors": neighbors.KNeighborsRegressor(3),
    "ridge": linear_model.Ridge(),
    "lasso": linear_model.Lasso(max_iter=10_000),
    "elastic_net": linear_model.ElasticNet(max_iter=10_000),
    "linear_svm": of_standard_targets(svm.LinearSVR(max_iter=10_000, **SEED)),
    "svm": of_standard_targets(svm.SVR()),
    "decision_tree": tree.DecisionTreeRegressor(**SEED),
    "random_forest": ensemble.RandomForestRegressor(4, **SEED),
    "extra_trees": ensemble.ExtraTreesRegressor(4, **SEED),
    "adaboost_trees": ensemble.AdaBoostRegressor(
        tree.DecisionTreeRegressor(max_depth=1), n_estimators=4, **SEED
    ),
    "gradient_boosting": ensemble.GradientBoostingRegressor(n_estimators=4, **SEED),
    "histogram_boosting": ensemble.HistGradientBoostingRegressor(
        max_iter=4, min_samples_leaf=2, early_stopping=False, **SEED
    ),
    "gaussian_process": GaussianProcessRegressor(
        ConstantKernel() * RBF() + WhiteKernel(), normalize_y=True
    ),
    "lightgbm": LGBMRegressor(n_estimators=4, min_child_samples=2, verbosity=-1, **SEED),
    "xgboost": XGBRegressor(n_estimators=4, **SEED),
    "catboost": CatBoostRegressor(iterations=4, **QUIET),
}


# The option that counts the trees of each boosted method.
BOOSTED = {
    "gradient_boosting": "n_estimators",
    "histogram_boosting": "max_iter",
    "lightgbm": "n_estimators",
    "xgboost": "n_estimators",
    "catboost": "iterations",
}


def planned(arch: str, task: str = "classification", **options: Any) -> PlannedRun:
    given = {f"arch.{name}": value for name, value in options.items()}
    return planner(task == "regression").runs([{**SETTINGS, "arch": arch, **given}])[0]


def examples(of: PlannedRun) -> tuple[LabelledExamples, LabelledExamples]:
    """What the estimator of a run is fitted to, and its validation examples."""
    seen: list[LabelledExamples] = []

    class Watching:
        def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Any:
            seen.extend((train, validation))

    program = of.program
    entry = ARCHITECTURES.get(of.config.arch.name)
    with pytest.MonkeyPatch.context() as patch, program.precision_context():
        patch.setattr(type(entry), "fit", lambda self, **_: Watching())
        host_fit.predictor(program, of.config, data_of(of).data)
    return seen[0], seen[1]


def fitted(of: PlannedRun) -> Any:
    with of.program.precision_context():
        predict, _ = host_fit.predictor(of.program, of.config, data_of(of).data)
    return predict


@pytest.mark.parametrize(("name", "task"), [case for case in CASES if case[0] != "constant"])
def test_predictions_are_those_of_the_library(name: str, task: str) -> None:
    """Bit for bit, since both get the same numbers; log-probabilities up to one rounding, which
    XGBoost does in float32."""
    of = planned(name, task, **ARCHITECTURES.get(name).test_options)
    train, validation = examples(of)
    x, unseen = (
        np.asarray(part.x, np.float64).reshape(len(part.x), -1) for part in (train, validation)
    )
    scores = fitted(of)(validation.x)
    if task == "regression":
        reference = REGRESSORS[name].fit(x, train.y)
        np.testing.assert_array_equal(scores[:, 0], reference.predict(unseen))
        return
    reference = CLASSIFIERS[name].fit(x, train.y)
    np.testing.assert_array_equal(scores.argmax(axis=1), np.ravel(reference.predict(unseen)))
    if hasattr(reference, "predict_proba"):
        rounding = 1e-6 if name == "xgboost" else 1e-13
        np.testing.assert_allclose(
            np.exp(centred(scores)), reference.predict_proba(unseen), rtol=rounding, atol=1e-37
        )


@pytest.mark.parametrize("entry", ESTIMATORS, ids=lambda entry: entry.name)
def test_the_battery(entry: HostEstimator) -> None:
    for check in conformance.trials(ARCHITECTURES.kind, entry).values():
        check()


@pytest.mark.parametrize("name", BOOSTED)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_last_stage_is_the_prediction_and_curves_are_by_stage(name: str, task: str) -> None:
    """The last stage is the same float64 scores within rounding; curves and metrics are kept in
    float32."""
    of = planned(name, task, **ARCHITECTURES.get(name).test_options)
    predict = fitted(of)
    assert isinstance(predict, StagedPredict)
    _, validation = examples(of)
    *_, last = predict.stages(validation.x)
    expected = predict(validation.x)
    # Scores of one row may differ by a constant, which no probability depends on.
    np.testing.assert_allclose(centred(last), centred(expected), rtol=1e-9, atol=1e-12)
    (outcome,) = loop.train(of.program, [of.config], data_of(of).data, ExecutionStrategy(1, 1))
    loss = "nll" if task == "classification" else "mse"
    assert len(outcome.curves[f"validation/{loss}"]) == 4
    final = outcome.metrics[f"validation/{loss}"]
    assert outcome.curves[f"validation/{loss}"][-1] == pytest.approx(final, rel=1e-5)


def centred(scores: np.ndarray) -> np.ndarray:
    """Scores [M, K] as their log-probabilities; values [M, 1] as they are."""
    if scores.shape[1] == 1:
        return scores
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("name", BOOSTED)
def test_boosting_stops_early_at_the_best_iteration_on_validation_rows(name: str) -> None:
    """The stopped fit has the scores of the full one at its best iteration, within float64
    rounding."""
    # At so high a rate the validation loss rises soon.
    options = {**ARCHITECTURES.get(name).test_options, BOOSTED[name]: 30, "learning_rate": 1.5}
    of = planned(name, **options)
    _, validation = examples(of)
    staged = [centred(scores) for scores in fitted(of).stages(validation.x)]
    labels = np.arange(len(validation.y)), validation.y
    losses = [-np.mean(scores[labels]) for scores in staged]
    # The first that is the least so far and that none of the next two is below.
    best = next(n for n in range(30) if losses[n] == min(losses[: n + 3]))
    assert best < 29
    stopped = fitted(planned(name, **options, early_stopping_rounds=2))
    scores = centred(stopped(validation.x))
    np.testing.assert_allclose(scores, staged[best], rtol=1e-9, atol=1e-12)


def test_stopping_early_requires_validation_rows() -> None:
    with pytest.raises(UserError, match="early_stopping_rounds reads the validation rows; split"):
        planner().runs(
            [{**SETTINGS, "split": "4:0:1", "arch": "lightgbm", "arch.early_stopping_rounds": 2}]
        )


def test_a_class_without_training_rows_is_never_predicted() -> None:
    entry = ARCHITECTURES.get("decision_tree")
    train = LabelledExamples(np.array([[0.0], [1.0]]), np.array([0, 2]))
    predict = entry.fit(outputs=3, task="classification")(train, train, seed=0)
    expected = [[0, IMPOSSIBLE, IMPOSSIBLE], [IMPOSSIBLE, IMPOSSIBLE, 0]]
    np.testing.assert_array_equal(predict(train.x), expected)


def test_examples_are_weighed() -> None:
    """By a column and by their class, as the library weighs them; others refuse weights."""
    source = weighted(IMAGES)
    plans = Planner(lambda config: source)
    names = source.spec.targets.classes
    settings = {**SETTINGS, "arch": "logistic", "class_weight": f"{{{names[1]}: 2, {names[2]}: 3}}"}
    (of,) = plans.runs([settings])
    with of.program.precision_context():
        predict, x = host_fit.predictor(of.program, of.config, source.data)
    rows = make_lane_inputs(of.config, of.program, source.data).lane.train
    y = source.data.y[rows]
    weights = source.data.weights[rows] * np.array([1, 2, 3])[y]
    inputs = np.asarray(x, np.float64).reshape(len(x), -1)
    reference = linear_model.LogisticRegression(max_iter=1000).fit(inputs, y, weights)
    np.testing.assert_allclose(np.exp(predict(x)), reference.predict_proba(inputs), rtol=1e-10)
    with pytest.raises(UserError, match="arch=lda does not weigh examples; leave --class_weight"):
        plans.runs([{**settings, "arch": "lda"}])


def test_a_fit_that_does_not_converge_says_so() -> None:
    of = planned("logistic", max_iter=1)
    heard: list[str] = []
    observer = PackObserving(at_warning=heard.append)
    host_fit.fit(of.program, [of.config], data_of(of).data, observer)
    (line,) = heard
    assert line.startswith("arch=logistic, seed=3: lbfgs failed to converge after 1 iteration")
