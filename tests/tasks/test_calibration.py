"""Calibration against scikit-learn, by hand, and end to end: never from rows that test."""

import csv
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

import research as rs
from research.tasks import calibration
from research.tasks.classification import log_softmax
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import start
from tests.support.command_lines import run_all
from tests.support.engine import data_of, run
from tests.support.records import stored_records

WINE = ["--dataset=wine", "--arch=mlp", "--epochs=9"]


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose inputs are its logits."""

    def __init__(self, classes: int = 2) -> None:
        self.classes = classes
        self.classes_ = np.arange(classes)

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Given":
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return x.argmax(axis=1)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.exp(log_softmax(x))


def logits_of(rows: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are three times too sure, and their classes."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, classes, rows)
    return 3 * (generator.normal(size=(rows, classes)) + np.eye(classes)[y]), y


def nll(scores: np.ndarray, y: np.ndarray) -> float:
    return float(-log_softmax(scores)[np.arange(len(y)), y].mean())


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_calibrated_probabilities_are_scikit_learns(method: str, classes: int) -> None:
    """Isotonic and vector maps are scikit-learn's within float64 rounding; 1e-7 is how far its
    search for a temperature goes."""
    logits, y = logits_of(150, classes)
    new, _ = logits_of(60, classes, seed=1)
    fitted = calibration.fit(method, logits, y)
    got = np.exp(calibration.calibrated(fitted, {"scores": new})["scores"])
    model = CalibratedClassifierCV(FrozenEstimator(Given(classes)), method=method)
    expected = model.fit(logits, y).predict_proba(new)
    np.testing.assert_allclose(got, expected, atol=1e-7 if method == "temperature" else 1e-9)


def test_vector_scaling_is_at_its_minimum() -> None:
    """No small change of any of its numbers lowers the NLL, which is below that of a
    temperature."""
    logits, y = logits_of(200, 3)
    logits = logits + np.array([0.0, 2.0, 0.0])
    fitted = calibration.fit("vector", logits, y)
    least = nll(calibration.calibrated(fitted, {"scores": logits})["scores"], y)
    temperature = calibration.fit("temperature", logits, y)
    by_temperature = nll(calibration.calibrated(temperature, {"scores": logits})["scores"], y)
    assert least < by_temperature < nll(logits, y)
    for name in ("scale", "shift"):
        for k in range(3):
            for step in (-1e-3, 1e-3):
                moved = dict(fitted) | {name: list(fitted[name])}
                moved[name][k] += step
                assert nll(calibration.apply_vector(moved, logits), y) > least - 1e-9


def test_isotonic_by_hand() -> None:
    """Classes 0 1 0 1 in the order of their probabilities: the two in the middle are pooled."""
    p = np.array([0.1, 0.4, 0.6, 0.9])
    logits = np.log(np.stack([1 - p, p], axis=1))
    fitted = calibration.fit("isotonic", logits, np.array([0, 1, 0, 1]))
    got = np.exp(calibration.calibrated(fitted, {"scores": logits})["scores"])[:, 1]
    np.testing.assert_allclose(got, [0, 0.5, 0.5, 1], atol=1e-12)


def test_rows_that_test_decide_nothing() -> None:
    """Garbage in the test rows' inputs and classes changes no bit of the fitted map, nor of the
    validation metrics."""
    # k-fold reads no classes, which the test rows' garbage has too.
    own = run(calibrate="vector", epochs=3, split="kfold(3,validation=0.2)", fold=0)
    arrays = data_of(own).data
    clean, *_ = loop.train(own.program, [own.config], arrays, ExecutionStrategy(1, 1))
    (chunk,) = start(own.program, [own.config], arrays, ExecutionStrategy(1, 1))
    test = np.asarray(chunk.lanes.test[0])
    test = test[test >= 0]
    x, y = np.array(arrays.x), np.array(arrays.y)
    x[test] = 255 - x[test]
    y[test] = (y[test] + 1) % 3
    garbled = arrays._replace(x=x, y=y)
    spoilt, *_ = loop.train(own.program, [own.config], garbled, ExecutionStrategy(1, 1))
    assert clean.calibration == spoilt.calibration != {}
    for name, value in clean.metrics.items():
        assert (spoilt.metrics[name] == value) == (not name.startswith("test/")), name


def test_evaluations_packages_and_tables_use_it(tmp_path: Path) -> None:
    """The package's probabilities are those of the evaluation, written with six digits."""
    columns = "--columns=test/nll,test/uncalibrated_nll"
    trained, table, no_rows, no_classes = run_all(
        [
            ["train", *WINE, "--calibrate=temperature", "--keep_params", "--name=mine"],
            ["sweep", *WINE, "--grid=calibrate=none|temperature", "--seeds=1", columns],
            ["train", *WINE, "--calibrate=vector", "--split=8:2"],
            ["train", "--dataset=diabetes", "--calibrate=vector"],
        ],
        tmp_path,
    )
    assert trained.code == table.code == 0, trained.err + table.err
    assert no_rows.code == no_classes.code == 2
    assert "calibrate=vector reads the validation rows; split=8:2 leaves none" in no_rows.err
    assert "calibrate=vector maps scores of classes; the task is regression" in no_classes.err
    assert "for runs without calibration it is test/nll" in " ".join(table.out.split())
    evaluated, packaged = run_all(
        [["evaluate", "--run=mine", "--out=files"], ["package", "--run=mine", "--out=model"]],
        tmp_path,
    )
    assert evaluated.code == packaged.code == 0, evaluated.err + packaged.err
    (record,) = (each for each in stored_records(tmp_path).values() if each.get("calibration"))
    for name in ("nll", "uncalibrated_nll"):
        assert f"{name} {record['metrics'][f'test/{name}']!r}" in evaluated.out
    assert (tmp_path / "files/calibration_before.png").exists()
    with (tmp_path / "files/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    x = sklearn.datasets.load_wine().data[[int(row["row"]) for row in rows]]
    predicted = rs.load(str(tmp_path / "model"), cache_dir=str(tmp_path / "cache")).predict(x)
    names = [name for name in rows[0] if name.startswith("p(")]
    expected = np.array([[float(row[name]) for name in names] for row in rows])
    np.testing.assert_allclose(predicted, expected, rtol=1e-5)
