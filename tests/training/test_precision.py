"""The settings that trade memory or digits: accumulate, remat, precision, remainder."""

import functools
from typing import Any

import jax
import numpy as np
import pytest

from research.errors import UserError
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.devices.chunk_functions import RowBlock, compiled_updates
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import chunk_batches, loop
from research.training.setup.lane_inputs import lr_factors_of, make_lane_inputs
from research.training.step.initial_state import compiled_initial_state
from research.training.step.step import train_step
from tests.support.engine import (
    BASE,
    BATCH,
    assert_close,
    data_of,
    images,
    one_step,
    run,
    start,
    train,
)

REGULARIZED = "dropout=0.3,mixup=0.4,shift=1,l2=0.01,activity_penalty=0.01"


def trained(settings: dict[str, Any]) -> loop.Outcome:
    return train([run(**settings)], 1)[0]


def batches_of(chunk: Any) -> Any:
    """The first batch of an epoch, leaves [W, 1, ...]."""
    count = chunk.lanes.train.shape[1]
    rows = chunk.functions.order(chunk.lanes, np.zeros(1, np.int32), count)
    return chunk.functions.gather(
        RowBlock(chunk.batch_source.x, chunk.batch_source.y, rows, 0), 0, steps=1
    )


def lowered(chunk: Any) -> Any:
    """The first update of a chunk, lowered."""
    batches = {**batches_of(chunk), "factor": chunk.lr_factors[:1].T}
    step = compiled_updates(chunk.functions.backend, chunk.functions.program, 1)
    return step.lower(chunk.state, chunk.lanes, batches, np.int32(0), np.int32(1))


def after_one_step(of: PlannedRun) -> Any:
    """The state after one update."""
    with of.program.precision_context():
        chunk = start([of], 1)
        arguments = (
            chunk.state,
            chunk.lanes,
            batches_of(chunk),
            chunk.lr_factors[:1],
            np.int32(0),
            np.int32(1),
        )
        return jax.device_get(chunk.functions.advance(*arguments))


@pytest.mark.parametrize("parts", [2, 3], ids=["dividing the batch", "not dividing it"])
def test_accumulated_gradients_are_the_batchs(parts: int) -> None:
    """Parts average to the batch. In float64 the order of sums shows at 1e-16 per operation, and
    1e-11 leaves all steps room; a part that is weighed wrongly shows far above it."""
    settings = {"regularization": REGULARIZED, "precision": "float64"}
    split, whole = trained({**settings, "accumulate": parts}), trained(settings)
    for name, values in whole.curves.items():
        np.testing.assert_allclose(split.curves[name], values, rtol=1e-11, err_msg=name)
    assert split.checksums != whole.checksums  # it was split


@pytest.mark.parametrize("parts", [2, 3])
def test_batch_norm_sees_a_part_at_a_time(parts: int) -> None:
    """The parts' means average to the batch's; their variances, around their own means, to less
    than its own."""
    settings = {"regularization": "batch_norm", "precision": "float64"}
    split, whole = (
        after_one_step(run(**settings, accumulate=parts)),
        after_one_step(run(**settings)),
    )
    of_split, of_whole = (
        state.variables.batch_stats["HiddenDense_0"]["Activate_0"]["Normalize_0"]["BatchNorm_0"][
            "BatchNorm_0"
        ]
        for state in (split, whole)
    )
    np.testing.assert_allclose(of_split["mean"], of_whole["mean"], rtol=1e-12)
    assert (of_split["var"] <= of_whole["var"] + 1e-12).all()
    assert (of_split["var"] < of_whole["var"] - 1e-6).any()


def test_a_padded_epoch_reads_every_row_once() -> None:
    """40 rows in batches of 12: the mean gradient of the last 4 moves the parameters as a batch of
    4 does."""
    of = run(batch_size=12, remainder="pad")
    assert of.program.sizes.steps_per_epoch == 4
    chunk = start([of], 1)
    rows = chunk_batches.order(of.program, chunk, ExecutionStrategy(1, 4), 0)
    batches = chunk.functions.gather(
        RowBlock(chunk.batch_source.x, chunk.batch_source.y, rows, 0), 0, steps=4
    )
    weight = np.asarray(batches["weight"][0])
    np.testing.assert_array_equal(weight.sum(axis=1), [12, 12, 12, 4])
    read = np.asarray(rows[0]).reshape(4, 12)[weight > 0]
    np.testing.assert_array_equal(np.sort(read), np.sort(chunk.lanes.train[0]))
    full = run(batch_size=4)
    last = {name: leaf[0, 3] for name, leaf in batches.items()}
    state = jax.tree.map(lambda leaf: leaf[0], chunk.state)
    lane = jax.tree.map(lambda leaf: leaf[0], chunk.lanes)
    padded = one_step(of.program, state, lane, {**last, "factor": np.float32(1)})
    alone = {"x": last["x"][:4], "y": last["y"][:4], "factor": np.float32(1)}
    unpadded = one_step(full.program, state, lane, alone)
    assert_close(padded.variables, unpadded.variables, 1e-6)
    assert_close(padded.sums["loss"], unpadded.sums["loss"], 1e-6)


def test_without_padding_a_step_knows_of_none() -> None:
    for settings in ({}, {"batch_size": 9}, {"remainder": "pad"}, {"accumulate": 2}):
        of = run(**settings)
        assert set(batches_of(start([of], 1))) == {"x", "y"}, settings


def test_more_than_an_accumulated_batch_has() -> None:
    with pytest.raises(UserError, match=f"accumulate={BATCH + 1} parts of a batch of {BATCH}"):
        run(accumulate=BATCH + 1)


def test_float64_is_rounded_nowhere() -> None:
    """No array of a step is float32, in whatever slot, nor is a number of the config."""
    slots = "dropout=0.3,mixup=0.4,shift=1,input_noise=0.1,weight_noise=0.1,batch_norm,l1=0.01,activity_penalty=0.01"
    slots += (
        ",gradient_noise=0.1,clip_norm=1,weight_decay=0.01,max_norm=2,ema=0.9,label_smoothing=0.1"
    )
    of = run(
        regularization=slots,
        precision="float64",
        schedule="cosine",
        learning_rate=0.1,
        optimizer="adam",
    )
    given = make_lane_inputs(of.config, of.program, data_of(of).data)
    assert float(given.lane.hparams["learning_rate"]) == 0.1
    assert lr_factors_of(of.config, of.program).dtype == given.lane.scale.dtype == np.float64
    with of.program.precision_context():
        state = compiled_initial_state(of.program, given.lane)
        assert {leaf.dtype for leaf in jax.tree.leaves(state)} <= {
            np.dtype(t) for t in ("float64", "int32", "bool")
        }
        batch = {"x": data_of(of).data.x[:8], "y": data_of(of).data.y[:8], "factor": np.float64(1)}
        text = str(
            jax.make_jaxpr(lambda *args: train_step(of.program, *args))(state, given.lane, batch)
        )
    assert "f64[" in text
    assert "f32[" not in text


def test_float64_outside_its_settings_is_refused() -> None:
    of = run(precision="float64")
    with pytest.raises(RuntimeError, match="precision_context"):
        chunk_lib.start(of.program, [of.config], data_of(of).data, ExecutionStrategy(1, 1))


def test_bfloat16_trains_and_keeps_its_state_in_float32() -> None:
    """bfloat16 has 8 bits, so 0.4 % per operation: its losses, of size 1, stay within 0.05 of
    float32's."""
    settings = {
        "regularization": "batch_norm,dropout=0.1,ema=0.9",
        "epochs": 8,
        "optimizer__momentum": 0.9,
    }
    half, full = trained({**settings, "precision": "bfloat16"}), trained(settings)
    assert half.curves["train/loss"][-1] < 0.5 * half.curves["train/loss"][0]
    np.testing.assert_allclose(half.curves["train/loss"], full.curves["train/loss"], atol=0.05)
    assert half.curves["train/loss"] != full.curves["train/loss"]
    state = after_one_step(run(**{**settings, "precision": "bfloat16"}))
    floats = {
        leaf.dtype for leaf in jax.tree.leaves(state) if np.issubdtype(leaf.dtype, np.inexact)
    }
    assert floats == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("precision", "matmul"),
    [("float32", "HIGHEST, HIGHEST"), ("tf32", "HIGH, HIGH"), ("float64", "HIGHEST, HIGHEST")],
)
def test_the_precision_of_products(precision: str, matmul: str) -> None:
    of = run(precision=precision)
    with of.program.precision_context():
        text = lowered(start([of], 1)).as_text()
    products = [line for line in text.splitlines() if "dot_general" in line]
    assert len(products) >= 8
    assert all(f"precision = [{matmul}]" in line for line in products)


@functools.cache
def temporary_bytes(**settings: Any) -> int:
    """What XLA sets aside for one update of a deep network on a large batch."""
    data = images(rows=1500)
    deep = {"batch_size": 960, "arch.hidden": (32,) * 10, "arch.activation": "gelu"}
    (of,) = Planner(lambda config: data).runs([{**BASE, **deep, **settings}])
    chunk, *_ = chunk_lib.start(of.program, [of.config], data.data, ExecutionStrategy(1, 1))
    as_users_do = {"xla_cpu_use_fusion_emitters": True}
    compiled = lowered(chunk).compile(compiler_options=as_users_do)
    return compiled.memory_analysis().temp_size_in_bytes  # type: ignore[no-any-return]


def test_recomputing_activations_saves_memory() -> None:
    assert temporary_bytes(remat=True) < 0.6 * temporary_bytes()


def test_accumulating_saves_memory() -> None:
    assert temporary_bytes(accumulate=4) < 0.4 * temporary_bytes()


def test_recomputing_activations_changes_no_number() -> None:
    """In float64, so that 1e-11 is the room of rounding and of nothing else."""
    settings = {"regularization": REGULARIZED + ",batch_norm", "precision": "float64"}
    again, kept = trained({**settings, "remat": True}), trained(settings)
    for name, values in kept.curves.items():
        np.testing.assert_allclose(again.curves[name], values, rtol=1e-11, err_msg=name)
