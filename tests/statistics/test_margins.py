"""Verdicts about a margin, and the columns that declare it."""

import pytest

from research.analysis.arms_table import Column
from research.analysis.table_builder import build_table
from research.errors import UserError
from research.statistics.margins import judge
from tests.support.records import arm


@pytest.mark.parametrize(
    ("difference", "half_width", "verdict"),
    [
        (0.1, 0.2, "equivalent"),
        (0.2, 0.1, "equivalent"),  # shown, and smaller than what is of interest
        (0.6, 0.2, "better"),
        (-0.6, 0.2, "worse"),
        (0.3, 0.4, "not inferior"),
        (-0.1, 0.45, "undecided"),
        (0.0, 0.5, "undecided"),  # reaches the margin
    ],
)
def test_an_interval_against_a_margin_of_a_half(difference, half_width, verdict):
    assert judge(difference, half_width, 0.5) == verdict
    assert judge(-difference, half_width, 0.5, higher=False) == verdict


def test_a_column_with_a_margin():
    base = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97]
    near = [b + g for b, g in zip(base, [0.001, -0.001] * 4, strict=True)]
    column = Column("accuracy", "test/accuracy", margin=0.005)
    built = build_table("T", [arm("none", base), arm("near", near)], [column], "none", range(8))
    assert built.row("near").cells[0].verdict == "equivalent"
    assert any(
        "a margin of 0.5 points: 'equivalent' means" in sentence for sentence in built.footer
    )
    assert any("could have been shown" in sentence for sentence in built.footer)


def test_a_margin_is_above_zero():
    with pytest.raises(UserError, match="margin=0 of 'a': it must be above 0"):
        Column("a", "test/accuracy", margin=0)
