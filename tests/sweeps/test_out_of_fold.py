"""Out-of-fold scores: by hand, as scikit-learn's cross_val_predict, and for own test rows."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import research as rs
from research.data.in_memory import InMemorySource, images, table
from research.errors import UserError
from research.sweeps.column import refuse_unknown
from research.sweeps.estimates.out_of_fold import metrics_of, of_runs, together, with_out_of_fold
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.tasks.classification import log_softmax
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import PackSetup
from research.training.engine.predicted_rows import PredictedRows


def predicted(rows: list[int], scores: list[Any], targets: list[int]) -> PredictedRows:
    return PredictedRows(
        np.array(rows, np.int32), np.array(scores, np.float32), np.array(targets, np.int32)
    )


def test_each_row_once_keeps_its_bits() -> None:
    first = predicted([1, 4], [[0.1, 0.2], [0.3, 0.4]], [0, 1])
    second = predicted([0, 2], [[0.5, 0.6], [0.7, 0.8]], [1, 0])
    predictions = together([first, second], classes=True)
    assert predictions.rows.tolist() == [0, 1, 2, 4]
    assert predictions.folds == [(1,), (0,), (1,), (0,)]
    assert predictions.targets.tolist() == [1, 0, 0, 1]
    expected = np.array([[0.5, 0.6], [0.1, 0.2], [0.7, 0.8], [0.3, 0.4]], np.float32)
    np.testing.assert_array_equal(predictions.scores, expected)


def test_rows_that_several_folds_predict_are_averaged() -> None:
    """Of classes the probabilities: (0.5 + 0.9) / 2 = 0.7; of numbers the values."""
    even, sure = np.log([[0.5, 0.5]]), np.log([[0.1, 0.9]])
    kept = [predicted([3], even, [1]), predicted([3], sure, [1])]
    predictions = together(kept, classes=True)
    np.testing.assert_allclose(np.exp(predictions.scores), [[0.3, 0.7]], rtol=1e-6)
    assert predictions.folds == [(0, 1)]
    kept = [predicted([3, 5], [[1.0], [4.0]], [0, 0]), predicted([3], [[2.0]], [0])]
    np.testing.assert_allclose(together(kept, classes=False).scores, [[1.5], [4.0]])


def fold(number: int, **changes: Any) -> Record:
    config = {"task": "classification", "seed": "0", "split": "kfold", "fold": str(number)}
    return Record(f"run{number}", "finished", config, {"test/accuracy": 0.5}, **changes)


def test_it_differs_from_the_mean_of_folds(tmp_path: Path) -> None:
    """Folds of 1 and 3 rows, of which 1 and 0 are right: the mean is 1/2, out of fold it is 1/4."""
    kept = Predictions(Store(tmp_path))
    right, wrong = [1.0, 0.0], [0.0, 1.0]
    kept.save("run0", "data", {"test": predicted([2], [right], [0])})
    kept.save("run1", "data", {"test": predicted([0, 1, 3], [wrong] * 3, [0] * 3)})
    records = {record.run_id: record for record in (fold(0), fold(1))}
    added = with_out_of_fold(records, [records.keys()], kept)
    assert {record.metrics["oof/accuracy"] for record in added.values()} == {0.25}
    # A fold that is missing or has diverged leaves none.
    assert with_out_of_fold(records, [[*records, "run2"]], kept) == records
    lost = records | {"run1": dataclasses.replace(records["run1"], status="diverged")}
    assert with_out_of_fold(lost, [records.keys()], kept) == lost
    (tmp_path / "predictions/run1.npz").unlink()
    with pytest.raises(UserError, match="run run1 kept no predictions; keep them with"):
        with_out_of_fold(records, [records.keys()], kept)


def test_predictions_of_other_rows_or_data_are_no_folds_of_one_seed(tmp_path: Path) -> None:
    kept = Predictions(Store(tmp_path))
    kept.save("run0", "data", {"test": predicted([2], [[1.0, 0.0]], [0])})
    kept.save("run1", "other data", {"test": predicted([3], [[1.0, 0.0]], [0])})
    with pytest.raises(UserError, match="run1 are of other data than those of run0"):
        of_runs([fold(0), fold(1)], kept)


def test_without_folds_the_column_is_refused() -> None:
    refuse_unknown(["oof/accuracy"], ["accuracy"], folds=True)
    with pytest.raises(UserError, match="'oof/accuracy' is of the predictions of all folds, and"):
        refuse_unknown(["oof/accuracy"], ["accuracy"])


def test_logistic_regression_is_that_of_scikit_learn(tmp_path: Path) -> None:
    """Each fold of 120 rows minimises the mean loss plus 0.05 |w|^2, so C = 1 / (120 * 0.1)."""
    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    result = rs.train(
        data=(x, y.astype(np.int32)),
        arch="linear",
        split="stratified_kfold(5)",
        split_seed=3,
        batch_size="full",
        epochs=250,
        learning_rate=0.3,
        optimizer="sgd(momentum=0.9)",
        regularization="l2=0.1",
        precision="float64",
        records=str(tmp_path / "records"),
        cache_dir=str(tmp_path / "cache"),
        keep_params=False,
        keep_predictions=True,
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / 12, tol=1e-10, max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    # In float64, since scikit-learn would solve float32 rows in float32.
    expected = cross_val_predict(model, x.astype(float), y, cv=folds, method="predict_proba")
    scores = result.predictions["oof"].scores
    np.testing.assert_allclose(np.exp(log_softmax(scores)), expected, atol=1e-5)
    right = np.mean(expected.argmax(axis=1) == y)
    assert result.out_of_fold["oof/accuracy"] == pytest.approx(right)


@pytest.mark.parametrize(("source", "arch"), [(images(), "linear"), (table(), "constant")])
def test_own_test_rows_are_predicted_by_every_fold(source: InMemorySource, arch: str) -> None:
    """They stay out of the folds, and what the record says does not depend on whether predictions
    are kept."""
    own = np.arange(50, 60, dtype=np.int32)
    spec = dataclasses.replace(source.spec, test_size=10)
    source = InMemorySource(spec, source.data._replace(own_test=own))
    settings = {"arch": arch, "split": "kfold(3)"}
    settings |= {"epochs": 1, "batch_size": 8} if arch == "linear" else {}
    runs = Planner(lambda config: source).runs([{**settings, "fold": n} for n in range(3)])
    plain, keeping = (
        loop.train(
            runs[0].program,
            [run.config for run in runs],
            source.data,
            ExecutionStrategy(3, 1),
            PackSetup(keep_predictions=keep),
        )
        for keep in (False, True)
    )
    for without, outcome in zip(plain, keeping, strict=True):
        assert outcome.metrics == without.metrics
        assert outcome.checksums == without.checksums
        np.testing.assert_array_equal(outcome.predictions["own_test"].rows, own)
        assert not {*own} & {*outcome.predictions["test"].rows}
    kept = [outcome.predictions["own_test"] for outcome in keeping]
    average = together(kept, classes=bool(spec.targets.classes))
    scores = np.stack([of_fold.scores for of_fold in kept]).astype(np.float64)
    if spec.targets.classes:
        scores = np.exp(log_softmax(scores.reshape(30, -1))).reshape(scores.shape)
        average = average._replace(scores=np.exp(average.scores))
    np.testing.assert_allclose(average.scores, scores.mean(axis=0), rtol=1e-6)
    record = Record("", "finished", {"task": spec.task})
    assert {name.partition("/")[0] for name in metrics_of(record, {"own_test": average})} == {
        "own_test"
    }
