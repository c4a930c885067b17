"""Tables of simulated values: the arms, records and kept scores that a table is built from."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.kept_scores import KeptScores
from research.analysis.table_builder import Scope, build_table
from research.statistics.comparisons import Floats
from research.sweeps.column import Column
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.training.engine.predicted_rows import PredictedRows

COLUMN = Column("test accuracy", "test/accuracy")
# A data set that each seed splits, and one split for all.
RESPLIT = {"split": "8:1:1", "task": "classification"}
FIXED = {**RESPLIT, "split_seed": "0"}


class KeptInMemory(Predictions):
    """Predictions of simulated runs: which test rows [R] each has right, by run id."""

    def __init__(self, right: Mapping[str, Floats]) -> None:
        self.__dict__["right"] = right

    def has(self, run_id: str) -> bool:
        """Whether the run has any."""
        return run_id in self.__dict__["right"]

    def load(self, run_id: str) -> dict[str, PredictedRows]:
        """Scores of two classes; the first is true."""
        right = self.__dict__["right"][run_id]
        rows = np.arange(len(right), dtype=np.int32)
        scores = np.stack([right, 1 - right], -1)
        return {"test": PredictedRows(rows, scores, np.zeros(len(rows), np.int32))}


def arms(values: Floats, config: Mapping[str, str]) -> list[Arm]:
    """The arms of values [n, k] of n seeds and k arms; the first is the baseline."""
    return [
        Arm(
            f"arm {arm}",
            {
                seed: Record(
                    f"{arm}-{seed}",
                    "finished",
                    {"split_seed": str(seed), **config, "seed": str(seed)},
                    {COLUMN.metric: float(values[seed, arm])},
                )
                for seed in range(len(values))
            },
        )
        for arm in range(values.shape[1])
    ]


def table(
    values: Floats, config: Mapping[str, str], right: Sequence[Floats] | None = None
) -> ArmsTable:
    """The table of values, as launch.table builds it.

    Args:
        values: [n, k] of n seeds and k arms.
        config: of every run.
        right: of each arm, which test rows [n, R] its seeds have right; None: no run kept scores.
    """
    scores = None
    if right is not None:
        of_runs = {
            f"{arm}-{seed}": rows
            for arm, of_arm in enumerate(right)
            for seed, rows in enumerate(of_arm)
        }
        scores = KeptScores(KeptInMemory(of_runs))
    given = arms(values, config)
    scope = Scope(scores=scores)
    return build_table("simulated", given, [COLUMN], "arm 0", range(len(values)), scope=scope)


def half_widths(table: ArmsTable) -> list[float]:
    """The half-widths of the means, a row each; NaN where there is none."""
    intervals = [row.cells[0].interval for row in table.rows]
    return [math.nan if each is None else each.half_width or math.nan for each in intervals]


def adjusted_p(table: ArmsTable) -> list[float]:
    """The corrected p of each row but the baseline; NaN where there is none."""
    cells = [row.cells[0] for row in table.rows if row.label != table.baseline]
    return [math.nan if cell.p_adjusted is None else cell.p_adjusted for cell in cells]
