"""The figure of ensembles: a metric against the number of members."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from research.analysis.arms_table import Arm, ArmsTable, Column
from research.analysis.line_plots import Line, band, draw
from research.sweeps.ensembles.growth import growing_metrics
from research.sweeps.ensembles.new_rows import members_of
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The metrics of an ensemble's first member, of its first two and so on.
Growth = Sequence[dict[str, float]]


def growths(table: ArmsTable, predictions: Predictions) -> dict[str, list[list[Growth]]]:
    """By arm and seed, the growth of each ensemble: several where a seed has folds. Only arms that
    are ensembles are there.

    Args:
        table: the table.
        predictions: what the members kept.

    Raises:
        UserError: predictions are missing or damaged.
    """
    # Ensembles share members; those of all seeds may not fit into memory.
    load = functools.lru_cache(maxsize=128)(predictions.load)

    def growth(record: Record) -> Growth:
        return growing_metrics(record, [load(run_id) for run_id in members_of(record)])

    by_arm = {row.label: _ensembles(row.arm, table.seeds) for row in table.rows}
    return {
        label: [[growth(record) for record in of_seed] for of_seed in by_seed]
        for label, by_seed in by_arm.items()
        if by_seed
    }


def _ensembles(arm: Arm, seeds: Sequence[int]) -> list[list[Record]]:
    """The finished ensembles of each seed that tested some rows."""
    by_seed = [
        [
            record
            for record in arm.behind(seed)
            if record.status == "finished" and len(members_of(record)) > 1 and _tested(record)
        ]
        for seed in seeds
    ]
    return [of_seed for of_seed in by_seed if of_seed]


def _tested(record: Record) -> bool:
    return any(name.startswith("test/") for name in record.metrics)


def figure(table: ArmsTable, column: Column, by_arm: dict[str, list[list[Growth]]]) -> "Figure":
    """A line per ensemble: the mean of a metric over seeds, by the number of members.

    Args:
        table: the table.
        column: a column of test rows.
        by_arm: as `growths` returns them.
    """
    factor = 100.0 if column.in_percent else 1.0
    lines = [_line(label, column.metric, of_arm, factor) for label, of_arm in by_arm.items()]
    title = f"{table.title}\nthe first members of each ensemble; mean over seeds with 95 % t-band"
    label = column.label + (" (%)" if column.in_percent else "")
    return draw(lines, title, "members", label, log_y=False)


def _line(label: str, metric: str, by_seed: list[list[Growth]], factor: float) -> Line:
    """The mean over seeds, each the mean of its folds."""
    values = [
        np.mean([[of_count[metric] for of_count in growth] for growth in of_seed], axis=0)
        for of_seed in by_seed
    ]
    return band(label, np.arange(1.0, max(map(len, values)) + 1), values, factor)
