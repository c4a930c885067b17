"""Folds are lanes of one program: padded where they differ in size, and blind to rows of others."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from engine import IMAGES, TABLE, run

from research.data.in_memory import InMemorySource
from research.data.splitters.division import division
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from tests.training.stops import snapshots, train

# 60 rows in 7 folds: four test 9 rows and three test 8.
UNEVEN = {"split": "kfold(7,validation=0.1)", "split_seed": 3, "epochs": 2}


def outcomes(runs: list[PlannedRun], source: InMemorySource, width: int) -> list[loop.Outcome]:
    configs = [own.config for own in runs]
    return loop.train(runs[0].program, configs, source.data, ExecutionStrategy(width, 2))


def folds(count: int = 7, **settings: Any) -> list[PlannedRun]:
    return [run(**{**UNEVEN, **settings}, fold=fold) for fold in range(count)]


def test_folds_share_a_program_and_pad_what_is_smaller() -> None:
    runs = folds()
    assert {own.program for own in runs} == {runs[0].program}
    sizes = runs[0].program.sizes
    assert (sizes.train, sizes.validation, sizes.test) == (47, 5, 9)
    assert sizes.fewest == (46, 5, 8)
    assert len({own.id for own in runs}) == 7


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 8},
        {"batch_size": "full"},
        {"batch_size": 10, "remainder": "pad", "regularization": "dropout=0.3,batch_norm"},
    ],
    ids=["drop", "full", "pad"],
)
def test_a_fold_alone_is_the_fold_as_a_lane(settings: dict[str, Any]) -> None:
    """At one width the bits are the same, whatever the other lanes are."""
    runs = folds(**settings)
    together = outcomes(runs, IMAGES, 7)
    for fold in (0, 6):
        (alone,) = outcomes(runs[fold : fold + 1], IMAGES, 7)
        assert alone.metrics == together[fold].metrics
        assert alone.checksums == together[fold].checksums
        assert alone.curves == together[fold].curves


def test_a_smaller_fold_trains_and_is_measured_on_its_own_rows() -> None:
    """Full batches of a linear model: gradient descent by hand on the rows of each fold."""
    settings = {"arch": "linear", "batch_size": "full", "epochs": 3, "target_scaling": "none"}
    runs = [
        run(regression=True, **{**UNEVEN, **settings, "learning_rate": 0.1}, fold=fold)
        for fold in range(7)
    ]
    x, y = TABLE.data.x.astype(np.float64), TABLE.data.y.astype(np.float64)
    splits = division(runs[0].config.split).splits(TABLE.spec, TABLE.data, seed=3)
    for outcome, split in zip(outcomes(runs, TABLE, 7), splits, strict=True):
        mean, deviation = x[split.train].mean(axis=0), x[split.train].std(axis=0)
        scaled = (x - mean) / deviation
        weights, bias = np.zeros(4), 0.0  # the linear model starts at zeros
        for _ in range(3):
            errors = scaled[split.train] @ weights + bias - y[split.train]
            weights = weights - 0.1 * 2 * scaled[split.train].T @ errors / len(errors)
            bias = bias - 0.1 * 2 * errors.mean()
        for part in ("validation", "test"):
            rows = getattr(split, part)
            error = np.mean((scaled[rows] @ weights + bias - y[rows]) ** 2)
            assert outcome.metrics[f"{part}/mse"] == pytest.approx(error, rel=1e-4)
            if part == "validation":
                assert outcome.curves["validation/mse"][-1] == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize("strategy", [ExecutionStrategy(3, 2), ExecutionStrategy(1, 1, 2)])
def test_folds_that_are_stopped_anywhere_end_with_the_same_bits(
    strategy: ExecutionStrategy,
) -> None:
    """Folds of two sizes, the smaller ones padded in the last batch of each epoch."""
    settings = {"batch_size": 10, "remainder": "pad", "regularization": "dropout=0.3,ema=0.5"}
    runs = folds(**settings)[2:7:2]
    whole, taken = snapshots(runs, strategy)
    for step in (1, 4, 7):
        assert repr(train(runs, strategy, resume=taken[step])) == repr(whole)


def with_garbage(source: InMemorySource, rows: np.ndarray) -> InMemorySource:
    """The source with other inputs and targets in these rows."""
    x, y = np.array(source.data.x), np.array(source.data.y)
    generator = np.random.default_rng(7)
    x[rows] = generator.permuted(x[rows], axis=0) + x.dtype.type(9)
    y[rows] = y[rows][::-1] if source.spec.classes else 1000 * y[rows] + 5
    return dataclasses.replace(source, data=source.data._replace(x=x, y=y))


def with_holes(source: InMemorySource, impute: str) -> InMemorySource:
    """The source with missing inputs."""
    x = np.array(source.data.x)
    x[np.random.default_rng(1).random(x.shape) < 0.2] = np.nan
    inputs = dataclasses.replace(source.spec.inputs, impute=impute)  # type: ignore[call-arg]
    spec = dataclasses.replace(source.spec, inputs=inputs, fingerprint="holes")
    return InMemorySource(spec, source.data._replace(x=x))


SPLITS = ("8:1:1", "kfold(7,validation=0.1)", "kfold(3)")


@pytest.mark.parametrize("impute", ["", "mean", "median", "most_frequent"])
@pytest.mark.parametrize("scaling", ["none", "minmax", "standard", "robust"])
@pytest.mark.parametrize("split", SPLITS)
def test_no_row_that_validates_or_tests_changes_a_bit(
    split: str, scaling: str, impute: str
) -> None:
    """The parameters of a fold are a function of its training rows: with garbage in all others
    they have the same bits."""
    source = with_holes(TABLE, impute) if impute else TABLE
    settings = {
        "split": split,
        "split_seed": 3,
        "scaling": scaling,
        "batch_size": 8,
        "epochs": 1,
        "arch": "linear",
        "learning_rate": 0.01,
    }
    if split != "8:1:1":
        settings["fold"] = 1
    checksums = []
    own = Planner(lambda config: source).runs([settings])[0]
    rows = division(own.config.split).splits(source.spec, source.data, seed=3)
    rows_of_fold = rows[settings.get("fold", 0)]
    others = np.concatenate([rows_of_fold.validation, rows_of_fold.test])
    assert len(others)
    for given in (source, with_garbage(source, others)):
        (outcome,) = loop.train(own.program, [own.config], given.data, ExecutionStrategy(1, 8))
        checksums.append(outcome.checksums)
    assert checksums[0] == checksums[1]
