"""Ensembles: combined scores by hand, members as ordinary runs, and what a table says of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

import research as rs
import research.catalogue
from research import config as config_lib
from research.analysis.member_metrics import with_members
from research.errors import UserError
from research.registry import ENSEMBLES, Ensemble
from research.sweeps.ensembles.combination import disagreement, mean, mean_scores
from research.sweeps.ensembles.growth import growing_metrics
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.tasks.classification import log_softmax
from research.testing import conformance
from research.training.engine.predicted_rows import PredictedRows

IRIS = {"dataset": "iris", "arch": "linear", "epochs": 2}


@pytest.mark.parametrize("entry", list(ENSEMBLES), ids=lambda entry: entry.name)
def test_the_battery(entry: Ensemble) -> None:
    for check in conformance.trials(ENSEMBLES.kind, entry).values():
        check()


def predicted(rows: list[int], scores: Any) -> dict[str, PredictedRows]:
    return {"test": PredictedRows(np.array(rows), np.array(scores, float), np.zeros(len(rows)))}


def test_probabilities_are_averaged_and_values_too() -> None:
    """(0.5 + 0.9) / 2 = 0.7, whatever is added to the logits; (1 + 2) / 2 = 1.5."""
    sure = np.log([[0.1, 0.9]]) + 5
    together = mean_scores(np.stack([np.log([[0.5, 0.5]]), sure]), classes=True)
    np.testing.assert_allclose(np.exp(together), [[0.3, 0.7]])
    np.testing.assert_array_equal(mean_scores(np.array([[[1.0]], [[2.0]]]), False), [[1.5]])


def test_disagreement_is_of_pairs_of_members() -> None:
    """Of three members one differs from two in one of two rows: (0 + 1/2 + 1/2) / 3."""
    a, b = [[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]
    assert disagreement(np.array([a, a, b]), classes=True) == pytest.approx(1 / 3)
    assert disagreement(np.array([[[1.0]], [[2.0]], [[4.0]]]), classes=False) == 2.0


def test_members_of_other_rows_or_classes_are_refused() -> None:
    first = predicted([1, 2], [[0, 1], [1, 0]])
    with pytest.raises(UserError, match="member 1 predicted other test rows than member 0"):
        mean([first, predicted([1, 3], [[0, 1], [1, 0]])], True)
    with pytest.raises(UserError, match="member 1 has 3 scores per row, and member 0 has 2"):
        mean([first, predicted([1, 2], [[0, 1, 0], [1, 0, 0]])], True)


def test_an_ensemble_is_made_of_runs_that_others_share(tmp_path: Path) -> None:
    """Its first member is the run alone, and three members are the first three of four."""
    folders = {"records": str(tmp_path / "records"), "cache_dir": str(tmp_path / "cache")}
    sweep = rs.sweep(
        {**IRIS, "seed": 1}, grid={"ensemble": ["none", "seeds(3)", "seeds(4)"]}, **folders
    )
    alone, three, four = (run.record for run in sweep)
    store = Store(tmp_path / "records")
    assert four.provenance["members"][:3] == three.provenance["members"]
    assert three.provenance["members"][0] == alone.run_id
    assert len(list(store.ids())) == 6
    members = [store.read(run_id) for run_id in three.provenance["members"]]
    assert {member.config["split_seed"] for member in members if member} == {"1"}
    assert three.parameters == 3 * alone.parameters
    mean_accuracy = np.mean([member.metrics["test/accuracy"] for member in members if member])
    assert three.metrics["members/accuracy"] == pytest.approx(mean_accuracy)
    # A mean of probabilities has no larger NLL than its members on average (Jensen).
    assert three.metrics["test/nll"] <= three.metrics["members/nll"]
    scores = Predictions(store).load(three.run_id)["test"]
    right = np.mean(scores.scores.argmax(axis=1) == scores.targets)
    assert three.metrics["test/accuracy"] == right
    # The record is made again of the members' predictions, without training.
    store.forget(three.run_id)
    assert rs.train(**IRIS, seed=1, ensemble="seeds(3)", **folders).metrics == three.metrics


def test_members_whose_predictions_cannot_be_read_are_named(tmp_path: Path) -> None:
    folders = {"records": str(tmp_path / "records"), "cache_dir": str(tmp_path / "cache")}
    ensemble = rs.train(**IRIS, ensemble="seeds(2)", **folders, keep_params=False)
    store = Store(tmp_path / "records")
    store.forget(ensemble.id)
    _, member = ensemble.record.provenance["members"]
    predictions = Predictions(store)
    predictions.save(member, "other data", predictions.load(member))
    with pytest.raises(UserError, match=f"ensemble=.*member {member} are of other data than"):
        rs.train(**IRIS, ensemble="seeds(2)", **folders, keep_params=False)
    predictions.path(member).write_bytes(b"damaged")
    with pytest.raises(UserError, match=f"{member}.npz are damaged"):
        rs.train(**IRIS, ensemble="seeds(2)", **folders, keep_params=False)
    # What is damaged is set aside, so the next call trains the member again.
    again = rs.train(**IRIS, ensemble="seeds(2)", **folders, keep_params=False)
    assert again.metrics == ensemble.metrics


@pytest.mark.parametrize(
    "ensemble",
    [
        "bagging(2)",
        "subspaces(2)",
        "stack([arch=linear|learning_rate=0.3],folds=2)",
        "adaboost(2)",
        "boosting(2)",
    ],
)
def test_it_predicts_new_rows_as_it_predicted_its_own(ensemble: str, tmp_path: Path) -> None:
    """Probabilities of the same rows in batches of other sizes, within float32 rounding."""
    run = rs.train(
        **IRIS,
        batch_size=16,
        ensemble=ensemble,
        records=str(tmp_path),
        cache_dir=str(tmp_path / "cache"),
    )
    x, _ = load_iris(return_X_y=True)
    own = run.predictions["test"]
    expected = np.exp(log_softmax(own.scores))
    np.testing.assert_allclose(run.predict(x[own.rows].astype(np.float32)), expected, atol=1e-6)
    (again,) = run.workspace.planner.fitting([run.config])
    assert again.id == run.id


def test_the_first_members_have_metrics_of_their_own() -> None:
    """The first is wrong in the one row, the second so sure that both together are right. A member
    with other rows, as a fold of a stack, counts with the one before it."""
    settings = {"dataset": "iris", "task": "classification", "loss": "cross_entropy"}
    config, _ = config_lib.resolve({**settings, "ensemble": "seeds(2)"})
    record = Record("e", "finished", config_lib.to_flags(config))
    whole = [[0.0, 0.1, 0.1], [9.0, 0.0, 0.0]]
    wrong, right = (of_classes([7], [scores], [0]) for scores in whole)
    growth = growing_metrics(record, [wrong, right])
    assert [metrics["test/accuracy"] for metrics in growth] == [0.0, 1.0]
    config, _ = config_lib.resolve(
        {**settings, "ensemble": "stack([arch=mlp|arch=linear],folds=2)"}
    )
    stack = Record("s", "finished", config_lib.to_flags(config))
    folds = [of_classes([row], np.eye(3)[[row]], [row]) for row in (1, 2)]
    assert len(growing_metrics(stack, [wrong, *folds, right, *folds])) == 2


def of_classes(rows: list[int], scores: Any, targets: list[int]) -> dict[str, PredictedRows]:
    return {"test": PredictedRows(np.array(rows), np.array(scores), np.array(targets))}


def test_a_run_by_itself_is_its_only_member() -> None:
    alone = Record("a", "finished", {}, {"test/accuracy": 0.5})
    several = Record("b", "finished", {}, {"test/accuracy": 0.5, "members/accuracy": 0.25})
    columns = ["members/accuracy", "members/disagreement"]
    added = with_members({"a": alone, "b": several}, columns)
    assert added["a"].metrics["members/accuracy"] == 0.5
    assert added["a"].metrics["members/disagreement"] == 0.0
    assert added["b"].metrics["members/accuracy"] == 0.25
    assert with_members({"a": alone}, ["test/accuracy"])["a"] is alone
    gap = with_members({"a": alone}, ["members/accuracy - test/accuracy"])["a"]
    assert gap.metrics["members/accuracy"] == 0.5


def test_an_ensemble_goes_on_with_the_members_that_it_lacks(tmp_path: Path) -> None:
    """As after a kill: some members are done, one is not, and the ensemble has no record."""
    folders = {"records": str(tmp_path / "records"), "cache_dir": str(tmp_path / "cache")}
    settings = {**IRIS, "ensemble": "bagging(3)"}
    whole = rs.train(**settings, **folders, keep_params=False).record
    store = Store(tmp_path / "records")
    first, lost, _ = whole.provenance["members"]
    written = store.written(first)
    store.forget(whole.run_id)
    store.forget(lost)
    Predictions(store).path(lost).unlink()
    again = rs.train(**settings, **folders, keep_params=False).record
    assert (again.run_id, again.metrics) == (whole.run_id, whole.metrics)
    assert store.written(first) == written
