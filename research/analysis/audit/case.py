"""Case: an experiment with its runs, data and table, as the checks of an audit look at them."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.analysis.arms_table import ArmsTable
from research.data.spec import Arrays, DataSpec
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.setup.lane_inputs import make_lane_inputs

Rows = NDArray[np.integer[Any]]
# Rows of each part that are compared with each other: enough to find leaks, and quick.
MOST_ROWS = 20_000


@dataclasses.dataclass(frozen=True)
class DataParts:
    """The data of one run and the rows of its training and test parts."""

    name: str
    spec: DataSpec
    arrays: Arrays
    train: Rows
    test: Rows

    def inputs(self, rows: Rows) -> NDArray[Any]:
        """The inputs of some rows, flat [N, D]."""
        x = np.asarray(self.arrays.x[rows])
        return x.reshape(len(rows), -1)

    def targets(self, rows: Rows) -> NDArray[Any]:
        """The targets of some rows [N, ...]."""
        return np.asarray(self.arrays.y[rows])


@dataclasses.dataclass(frozen=True)
class Case:
    """runs: by row of the table, none where a setting is not chosen yet. table: made of the records
    that there are; None: there are none."""

    experiment: Experiment
    runs: Mapping[str, Sequence[PlannedRun]]
    planner: Planner
    table: ArmsTable | None

    def first_runs(self) -> dict[str, PlannedRun]:
        """The first run of each row."""
        return {label: runs[0] for label, runs in self.runs.items() if runs}

    @functools.cached_property
    def data(self) -> list[DataParts]:
        """The data of the first run of each data set and split of the table."""
        parts: dict[tuple[Any, ...], DataParts] = {}
        for run in self.first_runs().values():
            config = run.config
            spec = run.program.spec
            if spec.inputs.collected or spec.inputs.arrays or spec.targets.arrays:
                continue  # an environment has no rows, and several arrays are no single table
            key = (config.dataset, config.split, config.split_seed, config.train_size)
            if key not in parts:
                parts[key] = data_parts(run, self.planner)
        return list(parts.values())


def data_parts(run: PlannedRun, planner: Planner) -> DataParts:
    """The data of a run, with at most MOST_ROWS rows of each part."""
    arrays = planner.arrays(run)
    lane = make_lane_inputs(run.config, run.program, arrays).lane
    random = np.random.default_rng(0)

    def some(rows: Any) -> Rows:
        rows = np.unique(np.asarray(rows))
        rows = rows[rows >= 0]  # the rows of a smaller fold are padded
        if len(rows) <= MOST_ROWS:
            return rows
        return np.sort(random.choice(rows, MOST_ROWS, replace=False))

    spec = run.program.spec
    return DataParts(spec.name, spec, arrays, some(lane.train), some(lane.test))
