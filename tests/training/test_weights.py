"""Weights in the training loss: Σ w l / Σ w over each batch, whatever its parts and devices."""

from typing import Any

import jax
import numpy as np
import pytest
import torch

from research.class_weight import BALANCED
from research.data.split import Split
from research.data.splitters.division import division
from research.errors import UserError
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk, loop
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import (
    BASE,
    IMAGES,
    TABLE,
    assert_close,
    assert_same_bits,
    planned,
    planner,
    run,
    steps,
    train,
    weighted,
)

CLASSES = IMAGES.spec.targets.classes
WEIGHTS = "{" + ", ".join(f"{name}: {2 * k + 0.5}" for k, name in enumerate(CLASSES)) + "}"
# One update with all training rows.
FULL: dict[str, Any] = {"arch": "linear", "batch_size": "full", "epochs": 1, "precision": "float64"}


def _split(own: Any) -> Split:
    return division(own.config.split).splits(IMAGES.spec, IMAGES.data, seed=0)[0]


@pytest.mark.parametrize("weights", ["balanced", WEIGHTS])
def test_an_update_is_that_of_pytorch(weights: str) -> None:
    """`CrossEntropyLoss(weight=)` divides by the sum of the weights of its batch too."""
    own = run(**FULL, learning_rate=1, class_weight=weights)
    (outcome,) = train([own], 1)
    with own.program.precision_context():
        trained = steps([own], 1, 1)
    rows = _split(own).train
    x = IMAGES.data.x[rows].reshape(len(rows), -1).astype(np.float64)
    lane = make_lane_inputs(own.config, own.program, IMAGES.arrays()).lane
    x = (x - np.asarray(lane.shift)) / np.asarray(lane.scale)
    y = torch.tensor(IMAGES.data.y[rows], dtype=torch.int64)
    loss_of = torch.nn.CrossEntropyLoss(weight=torch.tensor(lane.class_weight))
    kernel = torch.zeros(x.shape[1], len(CLASSES), dtype=torch.float64, requires_grad=True)
    loss = loss_of(torch.tensor(x) @ kernel, y)
    loss.backward()
    assert kernel.grad is not None
    (layer,) = trained.params.values()
    np.testing.assert_allclose(layer["kernel"][0], -kernel.grad.numpy(), rtol=1e-9, atol=1e-12)
    assert outcome.curves["train/loss"] == [pytest.approx(loss.item(), rel=1e-9)]


def test_metrics_and_the_validation_loss_are_unweighted() -> None:
    tiny = {"learning_rate": 1e-30, "epochs": 1, "batch_size": "full"}
    plain, weighted = (
        train([own], 1)[0] for own in planned(tiny, {**tiny, "class_weight": WEIGHTS})
    )
    assert plain.metrics == weighted.metrics
    for name, values in plain.curves.items():
        same = weighted.curves[name] == values
        assert same == (name not in ("train/loss", "train/grad_norm")), name


def test_equal_weights_are_none() -> None:
    """Equal weights are normalized to 1; `assert_close` allows float32 rounding."""
    equal = "{" + ", ".join(f"{name}: 3" for name in CLASSES) + "}"
    assert_close(steps([run(class_weight=equal)], 1), steps([run()], 1))


@pytest.mark.parametrize("more", [{}, {"regularization": "mixup=0.4,label_smoothing=0.1"}])
def test_parts_of_a_batch_add_up(more: dict[str, Any]) -> None:
    """The sum of weights is the whole batch's; 40 rows in batches of 12 leave one of 4."""
    settings = {**more, "class_weight": WEIGHTS, "batch_size": 12, "remainder": "pad"}
    whole, parts = (train([run(**settings, accumulate=count)], 1)[0] for count in (1, 3))
    for name, values in whole.curves.items():
        np.testing.assert_allclose(parts.curves[name], values, rtol=1e-4, err_msg=name)


def test_weights_are_numbers_of_the_lanes_of_one_program() -> None:
    runs = planned(*({"class_weight": text} for text in ("balanced", WEIGHTS)))
    assert runs[0].program == runs[1].program
    assert runs[0].program.id == runs[1].program.id
    assert run().program.id != runs[0].program.id
    assert len({own.id for own in (*runs, run())}) == 3
    together = train(runs, 2)
    for own, lane in zip(runs, together, strict=True):
        assert train([own], 2)[0].checksums == lane.checksums


def test_only_training_rows_balance() -> None:
    """With other labels in all other rows, each fold has the same weights."""
    for fold in range(3):
        own = run(split="kfold(3)", fold=fold, class_weight="balanced")
        rows = division(own.config.split).splits(IMAGES.spec, IMAGES.data, seed=0)[fold].train
        y = np.full_like(IMAGES.data.y, 0)
        y[rows] = IMAGES.data.y[rows]
        garbled = IMAGES.arrays()._replace(y=y)
        lanes = [
            make_lane_inputs(own.config, own.program, arrays).lane
            for arrays in (IMAGES.arrays(), garbled)
        ]
        np.testing.assert_array_equal(lanes[1].train, rows)
        assert_same_bits(*(lane.class_weight for lane in lanes))
        counts = np.bincount(y[rows], minlength=len(CLASSES))
        expected = BALANCED.of_classes(CLASSES, counts).astype(np.float32)
        np.testing.assert_array_equal(lanes[0].class_weight, expected)


def test_a_batch_without_weight_makes_no_gradient() -> None:
    nothing = "{" + ", ".join(f"{name}: 0" for name in CLASSES[1:]) + "}"
    own = run(class_weight=nothing, batch_size=1)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(steps([own], 1, 10)))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"class_weight": "{nine: 2}"}, "there is no class 'nine'"),
        ({"class_weight": "blanced"}, "neither balanced nor"),
        ({"class_weight": "balanced", "arch": "lda"}, "arch=lda does not weigh examples"),
        (
            {"class_weight": "balanced", "task": "reconstruction", "scaling": "none"},
            "class_weight weighs examples by their class, and",
        ),
    ],
)
def test_what_cannot_be_weighed(settings: dict[str, str], says: str) -> None:
    base = {"split": "4:1:1", "split_seed": 0}
    with pytest.raises(UserError, match=says):
        planner().runs([{**base, **settings}])


def _weighted_run(**settings: Any) -> PlannedRun:
    """A run on images whose rows have weights."""
    source = weighted(IMAGES)
    return Planner(lambda config: source).runs([{**BASE, **settings}])[0]


def _trained(own: PlannedRun, regression: bool = False, **setup: Any) -> loop.Outcome:
    """The outcome of a run on rows with weights."""
    data = weighted(TABLE if regression else IMAGES).data
    strategy = ExecutionStrategy(1, 2)
    return loop.train(own.program, [own.config], data, strategy, setup=chunk.PackSetup(**setup))[0]


def test_the_loss_is_a_weighted_mean_and_the_metric_is_not() -> None:
    """At a linear model of zeros, whose squared errors are the squares of the targets."""
    settings = {"arch": "linear", "batch_size": "full", "epochs": 1, "precision": "float64"}
    source = weighted(TABLE)
    base = {name: BASE[name] for name in ("split", "split_seed", "learning_rate")}
    (own,) = Planner(lambda config: source).runs([{**base, **settings, "target_scaling": "none"}])
    outcome = _trained(own, regression=True)
    rows = division(own.config.split).splits(TABLE.spec, TABLE.data, seed=0)[0].train
    targets = TABLE.data.y[rows].astype(np.float64)
    assert source.data.weights is not None
    expected = np.average(targets**2, weights=source.data.weights[rows])
    assert outcome.curves["train/loss"] == [pytest.approx(expected, rel=1e-9)]
    assert outcome.curves["train/mse"] == [pytest.approx(np.mean(targets**2), rel=1e-6)]


def test_a_row_of_weight_0_changes_no_bit() -> None:
    own = _weighted_run(scaling="none")
    data = weighted(IMAGES).data
    assert data.weights is not None
    x = np.where(data.weights[:, None, None, None] == 0, 255 - data.x, data.x)
    strategy = ExecutionStrategy(1, 2)
    plain, garbled = (
        loop.train(own.program, [own.config], arrays, strategy)[0]
        for arrays in (data, data._replace(x=x))
    )
    assert plain.checksums == garbled.checksums
    assert plain.curves["train/nll"] != garbled.curves["train/nll"]


def test_streamed_rows_bring_their_weights() -> None:
    own = _weighted_run()
    streamed = _trained(own, memory=chunk.StreamingPolicy(device=0))
    assert streamed.checksums == _trained(own).checksums
    assert streamed.checksums != train([run()], 1, 2)[0].checksums


def test_rows_and_classes_weigh_together_in_parts() -> None:
    """40 rows in batches of 12 leave one of 4; parts of a batch have weights that differ."""
    settings = {"class_weight": WEIGHTS, "batch_size": 12, "remainder": "pad"}
    whole, parts = (_trained(_weighted_run(**settings, accumulate=count)) for count in (1, 3))
    for name, values in whole.curves.items():
        np.testing.assert_allclose(parts.curves[name], values, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"regularization": "mixup=0.2"}, "mixup mixes rows, whose weights may differ"),
        ({"arch": "lda"}, "arch=lda does not weigh examples; leave --weight out, or take one"),
    ],
)
def test_rows_that_cannot_be_weighed(settings: dict[str, str], says: str) -> None:
    source = weighted(IMAGES)
    with pytest.raises(UserError, match=says):
        Planner(lambda config: source).runs([{"split": "4:1:1", "split_seed": 0, **settings}])
