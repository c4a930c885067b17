"""What a run keeps: the variables of its best and of its last epoch, whatever its neighbours and
its stops."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from research.sweeps.plan.run_plan import PlannedRun
from research.training.checkpoint.checkpoint_writer import CheckpointWriter
from research.training.checkpoint.checkpoints import Checkpoints
from research.training.checkpoint.pack_manifest import PackManifest
from research.training.checkpoint.snapshot import Snapshot, select
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.engine.chunk import PackSetup
from research.training.engine.pack_observer import NOBODY, PackObserver
from research.training.setup.lane_inputs import abstract_state
from tests.support.engine import EPOCHS, assert_same_bits, data_of, lane, run
from tests.support.observing import taking

WAYS = [ExecutionStrategy(1, 1), ExecutionStrategy(2, 2)]


def train(
    runs: Sequence[PlannedRun],
    strategy: ExecutionStrategy,
    observer: PackObserver = NOBODY,
    **setup: Any,
) -> list[loop.Outcome]:
    configs, data = [r.config for r in runs], data_of(runs[0]).data
    return loop.train(runs[0].program, configs, data, strategy, PackSetup(**setup), observer)


def followed(of: PlannedRun, strategy: ExecutionStrategy) -> tuple[list[Any], list[Any]]:
    """The evaluated variables after each epoch, the initial ones first, and each epoch's row, by
    hand."""
    with of.program.precision_context():
        (chunk,) = chunk_lib.start(of.program, [of.config], data_of(of).data, strategy)
        variables = [lane(jax.device_get(chunk.state.evaluated), 0)]
        for epoch in range(EPOCHS):
            loop.run_epoch(of.program, [chunk], strategy, epoch)
            variables.append(jax.tree.map(np.array, lane(jax.device_get(chunk.state.evaluated), 0)))
        return variables, [{name: values[0] for name, values in row.items()} for row in chunk.rows]


@pytest.mark.parametrize("strategy", WAYS, ids=repr)
@pytest.mark.parametrize("split", ["4:1:1", "5:1"])
def test_best_and_last_are_those_of_a_run_followed_by_hand(
    strategy: ExecutionStrategy, split: str
) -> None:
    """The first run's loss falls, the second's rises and falls, the third diverges after its first
    epoch or in it."""
    runs = [
        run(seed=seed, learning_rate=rate, split=split, regularization="ema=0.5,dropout=0.2")
        for seed, rate in enumerate((0.05, 3.0, 1e15))
    ]
    watched = "validation/loss" if split == "4:1:1" else "train/loss"
    best_epochs = []
    for outcome, of in zip(train(runs, strategy, keep=True), runs, strict=True):
        variables, rows = followed(of, strategy)
        live = len(outcome.curves[watched])
        losses = [float(row[watched]) for row in rows[:live]]
        best = 1 + int(np.argmin(losses)) if live else 0
        assert outcome.best_and_last is not None
        assert (int(outcome.best_and_last.best_epoch), int(outcome.best_and_last.last_epoch)) == (
            best,
            live,
        )
        assert_same_bits(outcome.best_and_last.best, variables[best])
        assert_same_bits(outcome.best_and_last.last, variables[live])
        best_epochs.append(best)
        assert live == EPOCHS or outcome.diverged_at is not None
    assert best_epochs[0] == EPOCHS
    assert len(set(best_epochs)) > 1


def test_a_run_that_stops_keeps_what_it_restores_however_long_its_neighbours_train() -> None:
    """The least decrease that counts makes its best epoch another than that of the lowest loss."""
    settings = {"epochs": 12, "learning_rate": 0.2}
    runs = [
        run(**settings, regularization=f"early_stopping({given})")
        for given in ("1,min_delta=0.05", "12")
    ]
    stopped, on = train(runs, ExecutionStrategy(2, 4), keep=True)
    assert len(stopped.checksums) < len(on.checksums)
    (alone,) = train(runs[:1], ExecutionStrategy(2, 4), keep=True)
    assert_same_bits(stopped.best_and_last, alone.best_and_last)
    assert stopped.best_and_last is not None
    assert int(stopped.best_and_last.last_epoch) == len(stopped.checksums)
    assert int(stopped.best_and_last.best_epoch) == int(stopped.best_and_last.last_epoch) - 1
    losses = stopped.curves["validation/loss"]
    assert np.argmin(losses) + 1 != int(stopped.best_and_last.best_epoch)
    short = run(
        **settings | {"epochs": int(stopped.best_and_last.best_epoch)}, regularization="none"
    )
    (by_hand,) = train([short], ExecutionStrategy(2, 4), keep=True)
    assert by_hand.best_and_last is not None
    assert_same_bits(stopped.best_and_last.best, by_hand.best_and_last.last)


def test_keeping_changes_nothing_else() -> None:
    runs = [run(seed=seed, regularization="dropout=0.3") for seed in range(2)]
    keeping = train(runs, ExecutionStrategy(2, 2), keep=True)
    assert repr([dataclasses.replace(outcome, best_and_last=None) for outcome in keeping]) == repr(
        train(runs, ExecutionStrategy(2, 2))
    )


@pytest.mark.parametrize("strategy", WAYS, ids=repr)
def test_a_resumed_run_keeps_the_same(strategy: ExecutionStrategy, tmp_path: Path) -> None:
    rates = (3.0, 1e15, 0.1)
    runs = [
        run(seed=seed, learning_rate=rate, regularization="batch_norm")
        for seed, rate in enumerate(rates)
    ]
    taken: dict[int, Snapshot] = {}

    whole = train(runs, strategy, keep=True, observer=taking(taken))
    for snapshot in taken.values():
        resumed = train(
            [runs[2], runs[0], runs[1]], strategy, keep=True, resume=select(snapshot, [2, 0, 1])
        )
        assert_same_bits(
            [outcome.best_and_last for outcome in resumed],
            [whole[i].best_and_last for i in (2, 0, 1)],
        )
    checkpoints = Checkpoints(tmp_path)
    checkpoints.prepare()
    pack = PackManifest(
        runs[0].program.id, "cpu", strategy, {r.id: {} for r in runs}, has_variables=True
    )
    with CheckpointWriter(checkpoints, pack) as writer:
        writer.save(taken[10])
    ids = [r.id for r in runs]
    found = checkpoints.find(
        ids,
        pack.program,
        lambda: abstract_state(runs[0].config, runs[0].program),
        with_variables=True,
    )
    assert found is not None
    from_disk = train(runs, strategy, keep=True, resume=found.snapshot)
    assert_same_bits(
        [outcome.best_and_last for outcome in from_disk],
        [outcome.best_and_last for outcome in whole],
    )


def test_runs_that_keep_do_not_go_on_from_runs_that_do_not(tmp_path: Path) -> None:
    """Their best parameters would not be known; the other way round nothing is missing."""
    taken: dict[int, Snapshot] = {}
    of, strategy = run(), ExecutionStrategy(1, 1)

    train([of], strategy, observer=taking(taken))
    with pytest.raises(ValueError, match="best ones are not known"):
        train([of], strategy, keep=True, resume=taken[5])
    checkpoints = Checkpoints(tmp_path)
    checkpoints.prepare()
    pack = PackManifest(of.program.id, "cpu", strategy, {of.id: {}})
    with CheckpointWriter(checkpoints, pack) as writer:
        writer.save(taken[5])

    def template() -> Any:
        return abstract_state(of.config, of.program)

    assert checkpoints.find([of.id], of.program.id, template, with_variables=True) is None
    assert checkpoints.find([of.id], of.program.id, template) is not None
    assert dataclasses.replace(pack, has_variables=True).name != pack.name


def test_what_a_stopped_run_comes_to_while_its_neighbours_train_on_is_not_its_own() -> None:
    """It would diverge if it went on, as its lane does."""
    settings = {"arch": "linear", "epochs": 30}
    rates = [(2.0, "early_stopping=1"), (0.01, "early_stopping=30")]
    runs = [
        run(True, **settings, learning_rate=rate, regularization=stopping)
        for rate, stopping in rates
    ]
    stopped, on = train(runs, ExecutionStrategy(2, 4))
    (alone,), (free,) = (
        train(runs[:1], ExecutionStrategy(2, 4)),
        train([run(True, **settings, learning_rate=2.0)], ExecutionStrategy(2, 4)),
    )
    assert free.diverged_at is not None
    assert stopped.steps < free.diverged_at < on.steps
    assert stopped.diverged_at is None
    assert repr(stopped) == repr(alone)
