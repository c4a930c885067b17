"""Categories that estimators take as places: LightGBM, XGBoost, CatBoost, histogram boosting."""

import dataclasses
import sys
from typing import Any

import numpy as np
import pytest
from catboost import CatBoostClassifier, Pool
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from xgboost import XGBClassifier

from research.baselines.optional_library import optional_library
from research.baselines.stored_predictor import restored, stored
from research.data.features.label import Label
from research.data.features.table_columns import TableColumns
from research.data.in_memory import InMemorySource
from research.data.one_hot import OneHot
from research.data.splitters.drawn_rows import shown_columns
from research.errors import UserError
from research.registry import ARCHITECTURES
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.engine import host_fit
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import IMAGES

ROWS = 1200
COLOURS = 8
NAMES = ("size", *(f"colour={letter}" for letter in "abcdefgh"))
DRAW = np.random.default_rng(0)
SIZE = DRAW.normal(size=ROWS).astype(np.float32)
COLOUR = DRAW.integers(COLOURS, size=ROWS)
# Every other colour: a question about the set of colours answers at once, one-hot columns do not.
Y = (COLOUR % 2).astype(np.int32)
OPTIONS: dict[str, dict[str, Any]] = {
    "histogram_boosting": {"max_iter": 1, "max_leaf_nodes": 2, "min_samples_leaf": 2},
    "lightgbm": {"n_estimators": 1, "num_leaves": 2, "min_child_samples": 2},
    "xgboost": {"n_estimators": 1, "max_depth": 1},
    "catboost": {"iterations": 30, "depth": 2, "learning_rate": 0.5},
}
CATEGORIES = [entry.name for entry in ARCHITECTURES if getattr(entry, "categories", False)]


def source(counts: tuple[int, ...] = (0, COLOURS), places: np.ndarray = COLOUR) -> InMemorySource:
    """A number, and a category of which every 50th is missing."""
    stored = np.stack([SIZE, np.where(np.arange(ROWS) % 50, places, np.nan)], axis=1)
    width = int(np.maximum(counts, 1).sum())
    names = NAMES if width == len(NAMES) else tuple(f"c={place}" for place in range(width))
    inputs = TableColumns((width,), names, categories=counts)
    targets = Label(names=("no", "yes"))
    spec = dataclasses.replace(
        IMAGES.spec, inputs=inputs, targets=targets, size=ROWS, test_size=0, fingerprint=str(width)
    )
    arrays = IMAGES.data._replace(
        x=OneHot(stored.astype(np.float32), counts), y=Y, own_test=np.zeros(0, np.int32)
    )
    return InMemorySource(spec, arrays)


def planned(arch: str, data: InMemorySource, **settings: Any) -> PlannedRun:
    base = {"split": "4:1:1", "split_seed": 0, "arch": arch}
    options = {f"arch.{name}": value for name, value in OPTIONS[arch].items()}
    return Planner(lambda config: data).runs([{**base, **options, **settings}])[0]


def test_these_take_categories() -> None:
    assert set(CATEGORIES) == set(OPTIONS)


def fitted(of: PlannedRun, data: InMemorySource) -> tuple[Any, np.ndarray]:
    with of.program.precision_context():
        return host_fit.predictor(of.program, of.config, data.data)


@pytest.mark.parametrize("arch", OPTIONS)
def test_predictions_are_those_of_the_library_with_these_categories(arch: str) -> None:
    """The inputs are the number, standardized, and the place. One question may be about a set of
    colours, as one-hot columns do not allow."""
    data = source()
    of = planned(arch, data)
    predict, x = fitted(of, data)
    rows = make_lane_inputs(of.config, of.program, data.data).lane.train
    np.testing.assert_array_equal(x[:, 1], np.where(rows % 50, COLOUR[rows], np.nan))
    y = Y[rows]
    assert (predict(x).argmax(axis=1) == y)[rows % 50 > 0].mean() > 0.85
    np.testing.assert_allclose(np.exp(predict(x)), direct(arch, x, y), rtol=1e-6)
    np.testing.assert_array_equal(restored(stored(predict))(x), predict(x))


def direct(arch: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The shares [N, 2] of a direct call of the library."""
    options = OPTIONS[arch]
    x = x.astype(np.float64)
    if arch == "histogram_boosting":
        kind = HistGradientBoostingClassifier
        model = kind(categorical_features=[1], early_stopping=False, random_state=0, **options)
    elif arch == "lightgbm":
        model = LGBMClassifier(verbosity=-1, random_state=0, **options)
        return np.asarray(model.fit(x, y, categorical_feature=[1]).predict_proba(x))
    elif arch == "xgboost":
        model = XGBClassifier(feature_types=["q", "c"], enable_categorical=True, **options)
    else:
        cells = [[size, "-1" if np.isnan(place) else str(int(place))] for size, place in x]
        pool = Pool(cells, y, cat_features=[1])
        model = CatBoostClassifier(
            random_seed=0, allow_writing_files=False, logging_level="Silent", **options
        )
        return np.asarray(model.fit(pool).predict_proba(pool))
    return np.asarray(model.fit(x, y).predict_proba(x))


@pytest.mark.parametrize("scaling", ["none", "robust", "minmax"])
def test_places_do_not_depend_on_the_scaling(scaling: str) -> None:
    data = source()
    _, expected = fitted(planned("lightgbm", data), data)
    _, x = fitted(planned("lightgbm", data, scaling=scaling), data)
    np.testing.assert_array_equal(x[:, 1], expected[:, 1])


def test_columns_that_are_not_shown_are_missing() -> None:
    """Half of the nine columns are; a colour whose column is not shown is none."""
    data = source()
    of = planned("lightgbm", data, column_share=0.5, scaling="none")
    _, x = fitted(of, data)
    shown = shown_columns(of.config, (9,))[1:]
    assert set(x[~np.isnan(x[:, 1]), 1]) == set(np.flatnonzero(shown))


def test_too_many_categories_are_refused() -> None:
    data = source((0, 300))
    with pytest.raises(UserError, match=r"at most 255 categories per column, .* has 300; use lig"):
        planned("histogram_boosting", data)
    planned("lightgbm", data)


@pytest.mark.parametrize("arch", ["xgboost", "catboost"])
def test_a_library_that_is_not_installed_is_named(
    arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, arch, None)
    with pytest.raises(UserError, match=f"{arch}, which is not installed; run: pip .*-trees.txt"):
        planned(arch, source())
    with pytest.raises(UserError, match="is not installed"):
        optional_library(arch)
