"""Case: an experiment with its runs, data and table, as the checks of an audit look at them."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from research.analysis.arms_table import ArmsTable
from research.analysis.audit.data_parts import DataParts, data_parts
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner


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
