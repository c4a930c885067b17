"""Drawn rows: samples and inner folds of the training rows, as scikit-learn draws them."""

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import resample

import research.catalogue  # noqa: F401  (fills the registries)
from research import config as config_lib
from research.data import in_memory
from research.data.split import Split
from research.data.splitters.drawn_rows import drawn, shown_columns
from research.errors import UserError
from research.sweeps.plan.run_plan import row_counts
from research.sweeps.plan.run_planner import Planner
from research.training.setup.lane_inputs import make_lane_inputs, split_rows

ROWS = Split(np.arange(10, 30), np.arange(5), np.arange(5, 10))
TABLE, IMAGES = in_memory.table(rows=60), in_memory.images(rows=60)


def rows(source: in_memory.InMemorySource = TABLE, **settings: Any) -> Split:
    config, _ = config_lib.resolve({"split_seed": 0, **settings})
    return drawn(config, ROWS, source.spec, source.data)


def test_samples_are_those_of_scikit_learn() -> None:
    bootstrap = rows(bootstrap=True, seed=7)
    np.testing.assert_array_equal(bootstrap.train, np.sort(resample(ROWS.train, random_state=7)))
    assert len(set(bootstrap.train)) < 20
    pasted = rows(row_share=0.6, seed=7).train
    expected = resample(ROWS.train, replace=False, n_samples=12, random_state=7)
    np.testing.assert_array_equal(pasted, np.sort(expected))
    assert bootstrap.test is ROWS.test
    assert rows() == ROWS


@pytest.mark.parametrize("stratified", [True, False])
def test_inner_folds_are_those_of_scikit_learn(stratified: bool) -> None:
    """They divide the training rows by the seed of the split; each row is held out once."""
    source = IMAGES if stratified else TABLE
    labels = np.asarray(source.data.y)
    folds: Any = (StratifiedKFold if stratified else KFold)(4, shuffle=True, random_state=5)
    expected = folds.split(np.zeros((20, 1)), labels[ROWS.train])
    held_out = []
    for place, (rest, held) in enumerate(expected):
        settings = {"inner_folds": 4, "inner_fold": place, "split_seed": 5}
        inner = rows(source, **settings)
        np.testing.assert_array_equal(inner.train, ROWS.train[rest])
        np.testing.assert_array_equal(inner.test, ROWS.train[held])
        held_out += [*inner.test]
    assert sorted(held_out) == [*ROWS.train]


@pytest.mark.parametrize(
    "settings",
    [
        {"bootstrap": True},
        {"row_share": 0.5},
        {"inner_folds": 3, "inner_fold": 1},
        {"split": "kfold(3)", "fold": 2, "inner_folds": 2, "inner_fold": 0, "row_share": 0.7},
        {"column_share": 0.25},
    ],
)
@pytest.mark.parametrize("source", [IMAGES, TABLE])
def test_a_lane_has_the_rows_that_the_plan_counts(
    source: in_memory.InMemorySource, settings: dict[str, Any]
) -> None:
    base = {"arch": "linear", "split": "8:1:1", "batch_size": 8, "seed": 1}
    (run,) = Planner(lambda config: source).runs([{**base, **settings}])
    lane = make_lane_inputs(run.config, run.program, source.data).lane
    sizes = run.program.sizes
    assert len(lane.train) == sizes.train
    assert len(lane.test) == sizes.test
    if "column_share" in settings:
        shown = shown_columns(run.config, source.spec.inputs.shape)
        np.testing.assert_array_equal(np.isfinite(lane.scale), shown)
        assert shown.sum() == max(1, int(shown.size * 0.25))
    assert row_counts(run)["train_rows"] == np.sum(lane.train >= 0)


@pytest.mark.parametrize("stratified", [True, False])
def test_inner_folds_part_no_group(stratified: bool) -> None:
    """They are scikit-learn's, and as large as the plan says without the data."""
    source = in_memory.grouped(IMAGES if stratified else TABLE, size=2)
    y, groups = source.data.y, source.data.groups
    assert groups is not None
    folds: Any = (StratifiedGroupKFold if stratified else GroupKFold)(2)
    name = "stratified_group_kfold" if stratified else "group_kfold"
    settings: dict[str, Any] = {
        "dataset": "csv:patients.csv",
        "split": f"{name}(3,group=patient)",
        "fold": 1,
        "arch": "linear",
        "batch_size": 4,
    }
    planner = Planner(lambda config: source)
    (outer,) = planner.runs([settings])
    train = split_rows(outer.config, source.spec, source.data).train
    for place, (rest, held) in enumerate(folds.split(train, y[train], groups[train])):
        (run,) = planner.runs([{**settings, "inner_folds": 2, "inner_fold": place}])
        split = split_rows(run.config, source.spec, source.data)
        np.testing.assert_array_equal(split.train, train[rest])
        np.testing.assert_array_equal(split.test, train[held])
        assert row_counts(run)["train_rows"] == len(split.train)
        assert not {*groups[split.train]} & {*groups[split.test]}


def test_what_cannot_be_drawn_is_said() -> None:
    planner = Planner(lambda config: in_memory.images(rows=60))
    base = {"arch": "linear", "batch_size": 8}
    cases: dict[str, dict[str, Any]] = {
        "inner_folds and inner_fold are given together": {"inner_folds": 3},
        "inner_fold=3: there are 3 inner folds, from 0": {"inner_folds": 3, "inner_fold": 3},
        "inner_folds=17 of the 48 training rows: class '0' has 16 of 48 rows, too few for one in": {
            "inner_folds": 17,
            "inner_fold": 0,
        },
        "inner folds of stack are drawn at random, and would train on rows after": {
            "inner_folds": 3,
            "inner_fold": 0,
            "split": "time_series(3)",
            "fold": 2,
        },
        "input_noise changes inputs, and column_share": {
            "column_share": 0.5,
            "regularization": "input_noise=0.1",
        },
    }
    for text, settings in cases.items():
        with pytest.raises(UserError, match=text):
            planner.runs([{**base, **settings}])
