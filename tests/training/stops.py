"""Trainings with the snapshots of their boundaries, from which others go on."""

from collections.abc import Sequence
from typing import Any

from engine import data_of

from research.sweeps.plan.run_plan import PlannedRun
from research.training.checkpoint.snapshot import Snapshot
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop


def train(
    runs: Sequence[PlannedRun], strategy: ExecutionStrategy, **more: Any
) -> list[loop.Outcome]:
    return loop.train(
        runs[0].program, [r.config for r in runs], data_of(runs[0]).data, strategy, **more
    )


def snapshots(
    runs: Sequence[PlannedRun], strategy: ExecutionStrategy
) -> tuple[list[loop.Outcome], dict[int, Snapshot]]:
    """The outcomes of an uninterrupted training, and the snapshot of each of its boundaries."""
    taken: dict[int, Snapshot] = {}

    def at_boundary(boundary: loop.Boundary) -> None:
        taken[boundary.step] = boundary.snapshot()

    return train(runs, strategy, at_boundary=at_boundary), taken
