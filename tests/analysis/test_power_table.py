"""The table of power: seeds and rows that a pilot says are needed."""

import pytest

from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.power_table import power_table
from research.analysis.render import render
from research.analysis.table_builder import build_table
from research.errors import UserError
from research.statistics.sample_size import seeds_needed
from research.sweeps.column import Column
from research.sweeps.records.record import Record


def table(baseline: str | None = "base", seeds: int = 4) -> ArmsTable:
    """Paired differences of `other` to `base`: -1, 0, 1, 2 (mean 0.5, standard deviation 1.29)."""
    values = {"base": [5, 5, 5, 5], "other": [4, 5, 6, 7]}
    arms = [
        Arm(
            label,
            {
                seed: Record(f"{label}{seed}", "finished", {}, {"test/mse": float(of[seed])})
                for seed in range(seeds)
            },
        )
        for label, of in values.items()
    ]
    return build_table("pilot", arms, [Column("MSE", "test/mse", "lower")], baseline, range(seeds))


def test_seeds_for_the_difference_that_the_pilot_saw_and_for_a_margin() -> None:
    """The effect is the difference over its deviation by hand, within float64 rounding."""
    spread = (5 / 3) ** 0.5
    (row,) = power_table(table(), None, 0.8).rows
    assert (row.n, row.difference) == (4, 0.5)
    assert row.power == 0.0  # no flip of four seeds reaches 5 %
    assert row.effect == pytest.approx(0.5 / spread)
    assert row.seeds == seeds_needed(0.5 / spread)
    (row,) = power_table(table(), 2.0, 0.9).rows
    assert row.seeds == max(seeds_needed(2.0 / spread, 0.9), 6)
    assert row.looks is None


def test_a_sequential_design_has_its_columns() -> None:
    shown = power_table(table(), 2.0, 0.8, [8, 12])
    assert shown.rows[0].looks[0] > 0.9  # type: ignore[index]
    text = render(shown, "md")
    assert "power of looks" in text
    assert "8, 12 seeds" in text
    assert render(shown, "csv").count("\n") == 2


def test_what_has_no_pilot_is_refused() -> None:
    with pytest.raises(UserError, match="has no baseline"):
        power_table(table(None), None, 0.8)
    with pytest.raises(UserError, match="has no pilot: train two seeds"):
        power_table(table(seeds=1), None, 0.8)
