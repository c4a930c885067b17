"""Trainings with the snapshots of their boundaries, from which others go on."""

from collections.abc import Sequence
from typing import Any

from research.sweeps.plan.run_plan import PlannedRun
from research.training.checkpoint.snapshot import Snapshot
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import PackSetup
from research.training.engine.pack_observer import NOBODY, PackObserver
from tests.support.engine import data_of
from tests.support.observing import taking


def train(
    runs: Sequence[PlannedRun],
    strategy: ExecutionStrategy,
    observer: PackObserver = NOBODY,
    **setup: Any,
) -> list[loop.Outcome]:
    configs, data = [r.config for r in runs], data_of(runs[0]).data
    return loop.train(runs[0].program, configs, data, strategy, PackSetup(**setup), observer)


def snapshots(
    runs: Sequence[PlannedRun], strategy: ExecutionStrategy
) -> tuple[list[loop.Outcome], dict[int, Snapshot]]:
    """The outcomes of an uninterrupted training, and the snapshot of each of its boundaries."""
    taken: dict[int, Snapshot] = {}

    return train(runs, strategy, observer=taking(taken)), taken
