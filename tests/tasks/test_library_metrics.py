"""The library's metrics against scikit-learn, worked by hand, and undefined where it would warn."""

import warnings
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as sk

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.registry import METRICS
from research.tasks.classification import log_softmax
from research.tasks.metrics import measured_problem

EXACT = 1e-9
Expected = Callable[[np.ndarray, np.ndarray], float]


def probabilities(logits: np.ndarray) -> np.ndarray:
    return np.exp(log_softmax(logits))


def of_second(metric: Callable[..., float]) -> Expected:
    """Of the second of two classes, or the mean of one against rest."""

    def expected(y: np.ndarray, logits: np.ndarray) -> float:
        p = log_softmax(logits)
        if p.shape[1] == 2:
            return metric(y, p[:, 1] - p[:, 0])
        return metric(np.eye(p.shape[1])[y], p)

    return expected


def top(k: int) -> Expected:
    def expected(y: np.ndarray, logits: np.ndarray) -> float:
        labels = np.arange(logits.shape[1])
        return float(sk.top_k_accuracy_score(y, logits, k=k, labels=labels))

    return expected


def of_prediction(metric: Callable[..., float], **more: object) -> Expected:
    return lambda y, logits: metric(y, logits.argmax(axis=1), **more)


CLASSES: dict[str, Expected] = {
    "balanced_accuracy": of_prediction(sk.balanced_accuracy_score),
    "mcc": of_prediction(sk.matthews_corrcoef),
    "brier": lambda y, logits: sk.brier_score_loss(
        y, probabilities(logits), labels=np.arange(logits.shape[1])
    ),
    "nll": lambda y, logits: sk.log_loss(y, probabilities(logits)),
    "accuracy": of_prediction(sk.accuracy_score),
    "pr_auc": of_second(sk.average_precision_score),
    "roc_auc": of_second(sk.roc_auc_score),
    "top_2": top(2),
    "top_3": top(3),
    **{
        f"{name}_{average}": of_prediction(metric, average=average)
        for name, metric in (
            ("f1", sk.f1_score),
            ("precision", sk.precision_score),
            ("recall", sk.recall_score),
        )
        for average in ("macro", "micro", "weighted")
    },
}
NUMBERS: dict[str, Callable[..., float]] = {
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "median_ae": sk.median_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
    "pinball_0.9": lambda y, z: sk.mean_pinball_loss(y, z, alpha=0.9),
}


def classified(seed: int, rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits [N, C] as a network gives them, some equal, and classes [N] that they partly tell."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, classes, rows)
    logits = generator.normal(size=(rows, classes)) + np.eye(classes)[y]
    logits[: rows // 2] = logits[0]
    return logits.astype(np.float32), y


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_metrics_of_classes_are_scikit_learns(classes: int) -> None:
    """EXACT is float64 rounding."""
    names = {name: e for name, e in CLASSES.items() if classes > 3 or not name.startswith("top")}
    problem = measured_problem("classification", [name for name in names if name in METRICS_ADDED])
    logits, y = classified(classes, 211, classes)
    assert problem.summary is not None
    got = problem.summary(logits, y)
    for name, expected in names.items():
        assert got[name] == pytest.approx(expected(y, logits), abs=EXACT), name


METRICS_ADDED = {*METRICS.names(), "top_2", "top_3", "pinball_0.9"}


def test_metrics_of_the_second_of_two_classes_are_scikit_learns() -> None:
    """EXACT is float64 rounding."""
    problem = measured_problem("classification", ["f1", "precision", "recall"])
    logits, y = classified(2, 120, 2)
    assert problem.summary is not None
    got = problem.summary(logits, y)
    for name in ("f1", "precision", "recall"):
        expected = getattr(sk, f"{name}_score")(y, logits.argmax(axis=1))
        assert got[name] == pytest.approx(expected, abs=EXACT)


def test_metrics_of_numbers_are_scikit_learns() -> None:
    """EXACT is float64 rounding, of values near 300,000 relative to them."""
    generator = np.random.default_rng(0)
    y = generator.normal(300_000, 50_000, 151).astype(np.float32)
    z = (y + generator.normal(size=151) * 20_000 + 5_000).astype(np.float32)[:, None]
    problem = measured_problem("regression", [name for name in NUMBERS if name in METRICS_ADDED])
    assert problem.summary is not None
    got = problem.summary(z, y)
    for name, metric in NUMBERS.items():
        expected = metric(y.astype(np.float64), z[:, 0].astype(np.float64))
        assert got[name] == pytest.approx(expected, rel=EXACT), name


def test_where_scikit_learn_warns_the_metric_is_undefined() -> None:
    """Over many tiny splits: NaN where it warns of an ill-defined value, else its value."""
    problem = measured_problem("classification", [n for n in CLASSES if n in METRICS_ADDED])
    assert problem.summary is not None
    names = [f"{r}_{m}" for r in ("precision", "recall", "f1") for m in ("macro", "weighted")]
    undefined = 0
    for seed in range(40):
        logits, y = classified(seed, 5, 3)
        got = problem.summary(logits, y)
        for name in names:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                expected = CLASSES[name](y, logits)
            said = any("ill-defined" in str(warning.message) for warning in warned)
            # In a recall that weighs by rows, a class without rows weighs nothing.
            if said and name != "recall_weighted":
                undefined += 1
                assert np.isnan(got[name]), (name, seed)
            else:
                assert got[name] == pytest.approx(expected, abs=EXACT), (name, seed)
    assert undefined > 20


def test_metrics_by_hand() -> None:
    """Classes 0 0 1 1 1, taken for 0 1 1 1 0: class 1 has two hits of three rows and three taken."""
    logits = np.log([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7], [0.7, 0.3]])
    y = np.array([0, 0, 1, 1, 1])
    names = ["precision", "recall", "f1", "f1_macro", "balanced_accuracy", "mcc", "brier", "pr_auc"]
    problem = measured_problem("classification", names)
    assert problem.summary is not None
    got = problem.summary(logits, y)
    expected = {
        "precision": 2 / 3,
        "recall": 2 / 3,
        "f1": 2 / 3,
        "f1_macro": (1 / 2 + 2 / 3) / 2,
        "balanced_accuracy": (1 / 2 + 2 / 3) / 2,
        # (2 * 1 - 1 * 1) / sqrt(3 * 3 * 2 * 2), from the counts of right and wrong.
        "mcc": 1 / 6,
        "brier": (0.1**2 + 0.6**2 + 0.2**2 + 0.3**2 + 0.7**2) / 5,
        # Ranked 0.8, 0.7, 0.6, 0.3, 0.1: members at 1, 2 and 4 of the ranks.
        "pr_auc": (1 + 1 + 3 / 4) / 3,
    }
    assert {name: got[name] for name in names} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "y"),
    [
        ("mcc", [1, 1, 1]),  # one class alone
        ("pr_auc", [1, 1, 1]),
        ("precision_macro", [0, 1, 2]),  # class 0 is never predicted
        ("recall_macro", [1, 1, 1]),  # class 2 has no rows
    ],
)
def test_undefined_metrics_are_nan_and_not_zero(name: str, y: list[int]) -> None:
    logits = np.array([[0.0, 2.0, 1.0], [0.0, 2.0, 1.0], [0.0, 1.0, 2.0]])
    problem = measured_problem("classification", [name])
    assert problem.summary is not None
    assert np.isnan(problem.summary(logits, np.array(y))[name])


def test_a_share_of_zero_and_a_constant_target_are_undefined() -> None:
    problem = measured_problem("regression", ["mape", "explained_variance"])
    assert problem.summary is not None
    assert np.isnan(problem.summary(np.ones((2, 1)), np.array([0.0, 2.0]))["mape"])
    constant = problem.summary(np.array([[1.0], [2.0]]), np.array([3.0, 3.0]))
    assert np.isnan(constant["explained_variance"])
    assert np.isnan(constant["r2"])


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_on_the_device_and_over_real_rows_alone_the_metrics_are_the_same(task: str) -> None:
    """Each under jit, with rows of garbage that do not count."""
    names = [
        entry.name for entry in METRICS if entry.whole and entry.generic and task in entry.tasks
    ]
    names = [name for name in names if name not in ("f1", "precision", "recall")]
    problem = measured_problem(task, names)
    logits, y = classified(3, 60, 3)
    targets = y if task == "classification" else logits[:, 1] * 2 + y
    real = np.arange(60) % 4 > 0
    assert problem.summary is not None
    expected = problem.summary(logits[real], targets[real])
    assert set(names) < set(problem.whole)
    for name, function in problem.whole.items():
        got = jax.jit(function)(jnp.asarray(logits), jnp.asarray(targets), jnp.asarray(real))
        assert float(got) == pytest.approx(expected[name], abs=2e-6), name


@pytest.mark.parametrize(
    ("name", "says"), [("top_0", "top_5"), ("top_many", "top_5"), ("pinball_1.5", "pinball_0.9")]
)
def test_a_metric_of_no_such_number_is_refused(name: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        METRICS.get(name)
