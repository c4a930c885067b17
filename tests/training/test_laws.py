"""Laws 4 and 5: a lane that diverges costs nobody else anything, and the second step compiles
nothing."""

import dataclasses
from typing import Any

import chex
import jax
import numpy as np
import pytest

from research.training.devices import chunk_functions
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from tests.support.engine import EPOCHS, STEPS_PER_EPOCH, data_of, run, train
from tests.support.observing import PackObserving

EXPLODING = 1e15


def test_a_diverged_lane_is_marked_and_alone() -> None:
    """The others' curves and checksums are bitwise those without it, at the same width."""
    good = [run(seed=seed) for seed in range(3)]
    bad = run(seed=1, learning_rate=EXPLODING)
    beside, without = train([good[0], bad, good[2]], 3), train(good, 3)
    for place in (0, 2):
        assert repr(beside[place]) == repr(without[place])
    lost = beside[1]
    assert lost.diverged_at is not None
    assert 0 < lost.diverged_at < STEPS_PER_EPOCH
    assert lost.steps == lost.diverged_at
    assert lost.metrics == {}
    assert len(lost.checksums) == len(lost.curves["train/loss"]) <= 1
    assert without[1].diverged_at is None
    assert len(without[1].checksums) == EPOCHS


def test_a_chunk_without_live_lanes_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatched: list[int] = []
    original = loop.close

    def counting(program: Any, chunk: Any, *rest: Any) -> Any:
        dispatched.append(chunk.members[0])
        return original(program, chunk, *rest)

    monkeypatch.setattr(loop, "close", counting)
    bad = [run(seed=seed, learning_rate=EXPLODING) for seed in range(2)]
    outcomes = train([*bad, run(seed=0), run(seed=1)], 2)
    assert dispatched == [0, 2] + [2] * (EPOCHS - 1)
    assert [outcome.diverged_at is None for outcome in outcomes] == [False, False, True, True]


def test_a_pack_that_is_all_lost_ends_at_once() -> None:
    seen: list[int] = []
    bad = run(learning_rate=EXPLODING)
    loop.train(
        bad.program,
        [bad.config],
        data_of(bad).data,
        ExecutionStrategy(1, 5),
        observer=PackObserving(at_epoch=lambda progress: seen.append(progress.epoch)),
    )
    assert seen == [1]


def test_idle_lanes_change_nothing() -> None:
    runs = [run(seed=seed) for seed in range(4)]
    assert repr(train(runs[:3], 4)) == repr(train(runs, 4)[:3])


def test_the_second_step_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do other numbers: rate, dropout, momentum, seed, schedule."""
    settings: dict[str, Any] = {"regularization": "dropout=0.5,ema=0.9", "arch.hidden": (6, 8)}
    changed = {
        "regularization": "dropout=0.1,ema=0.5",
        "learning_rate": 0.3,
        "optimizer.momentum": 0.9,
    }
    changed |= {"seed": 7, "schedule": "cosine", "scaling": "minmax", "split_seed": 4}
    first, second = run(**settings), run(**{**settings, **changed})
    assert first.program == second.program
    chex.clear_trace_counter()
    traced = chex.assert_max_traces(chunk_functions.train_step, n=1)
    monkeypatch.setattr(chunk_functions, "train_step", traced)
    train([first], 1, 1)
    train([second], 1, 1)


def test_a_finished_epoch_compiles_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    """No XLA compilation at all in a second pack of the same program."""
    train([run(seed=0), run(seed=1)], 2)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        train([run(seed=5, schedule="linear"), run(seed=6, learning_rate=0.01)], 2)
    assert [
        r.getMessage() for r in caplog.records if "Finished XLA compilation" in r.getMessage()
    ] == []


def test_a_run_repeats_bitwise_and_steps_a_dispatch_change_only_rounding() -> None:
    """Law 1. Another number of steps per dispatch is another compiled program, whose sums may round
    in another order: 1e-7 a step in float32, which 15 steps keep within 1e-5."""
    runs = [run(seed=seed, regularization="dropout=0.3") for seed in range(2)]
    once = train(runs, 2, 5)
    assert repr(train(runs, 2, 5)) == repr(once)
    single = train(runs, 2, 1)
    for a, b in zip(once, single, strict=True):
        np.testing.assert_allclose(a.curves["train/loss"], b.curves["train/loss"], rtol=1e-5)


def test_outcomes_are_complete() -> None:
    (outcome,) = train([run()], 1)
    names = {
        f"{split}/{metric}"
        for split in ("train", "validation")
        for metric in ("accuracy", "nll", "loss")
    }
    assert set(outcome.curves) == names | {"train/grad_norm", "train/update_norm"}
    assert {len(values) for values in outcome.curves.values()} == {EPOCHS}
    assert outcome.steps == EPOCHS * STEPS_PER_EPOCH
    metrics = ("accuracy", "nll", "calibration_error", "roc_auc")
    assert set(outcome.metrics) == {
        f"{s}/{m}" for s in ("train", "validation", "test") for m in metrics
    }
    assert dataclasses.asdict(outcome)["diverged_at"] is None
