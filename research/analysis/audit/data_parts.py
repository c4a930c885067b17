"""DataParts: the data of one run, with the rows of its training and test parts, as checks read
it."""

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot
from research.data.spec import Arrays, DataSpec
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.training.setup.lane_inputs import make_lane_inputs

Rows = NDArray[np.integer[Any]]
# Rows of each part that are compared with each other: enough to find leaks, and quick.
MOST_ROWS = 20_000


@dataclasses.dataclass(frozen=True)
class StoredColumn:
    """A column of a table as it is stored: numbers, or the place of each row's category.

    train, test: float64 values of the rows of the parts, [n]; NaN is missing. categories: the
    names of the categories, () of numbers.
    """

    name: str
    train: NDArray[np.float64]
    test: NDArray[np.float64]
    categories: tuple[str, ...]

    @property
    def values(self) -> NDArray[np.float64]:
        """Those of both parts."""
        return np.concatenate([self.train, self.test])


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

    @property
    def rows(self) -> Rows:
        """The rows of both parts."""
        return np.concatenate([self.train, self.test])

    @functools.cached_property
    def columns(self) -> tuple[StoredColumn, ...]:
        """The columns of a table; none of other data."""
        table = self.spec.inputs.stored
        if not isinstance(table, TableColumns):
            return ()
        x = self.arrays.x
        kinds = x.kinds if isinstance(x, OneHot) else (0,) * table.shape[0]
        stored = x.values if isinstance(x, OneHot) else x
        starts = np.cumsum([0, *(max(kind, 1) for kind in kinds)])
        train, test = (np.asarray(stored[rows], np.float64) for rows in (self.train, self.test))
        columns = []
        for column, (place, kind) in enumerate(zip(starts, kinds, strict=False)):
            names = table.names[place : place + max(kind, 1)] or (str(column),)
            parted = [name.partition("=") for name in names]
            columns.append(
                StoredColumn(
                    parted[0][0] if kind else names[0],
                    _known(train[:, column], kind),
                    _known(test[:, column], kind),
                    tuple(category for *_, category in parted) if kind else (),
                )
            )
        return tuple(columns)


def _known(values: NDArray[np.float64], kind: int) -> NDArray[np.float64]:
    """The values with NaN for a category, of so many, that is not known."""
    return np.where(values < 0, np.nan, values) if kind else values


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
