"""Footers: the smallest difference that could be shown, seeds that lack, irregular rows, bold."""

import numpy as np

from research.analysis.arms_table import Arm, Column
from research.analysis.irregular_rows import irregular_rows
from research.analysis.reach import reach, seeds_of_undecided
from research.analysis.table_builder import build_table
from research.statistics.sample_size import power
from tests.support.records import arm, record

ACCURACY = Column("test accuracy", "test/accuracy")
RANDOM = np.random.default_rng(0)
BASE = RANDOM.normal(0.9, 0.01, 10).round(4).tolist()
NOISE = RANDOM.normal(0, 0.01, 10).round(4)


def shifted(size: float) -> list[float]:
    """Values whose paired differences have this mean, in their standard deviations."""
    standard = (NOISE - NOISE.mean()) / NOISE.std(ddof=1)
    return [base + 0.01 * (size + z) for base, z in zip(BASE, standard, strict=True)]


def built(*arms: Arm, column: Column = ACCURACY, baseline: str | None = "none"):
    return build_table("T", [arm("none", BASE), *arms], [column], baseline, range(10))


def test_the_smallest_differences_are_the_intervals_half_widths():
    table = built(arm("a", shifted(0.2)), arm("b", [v + 0.002 * i for i, v in enumerate(BASE)]))
    widths = [table.row(label).cells[0].difference.half_width for label in "ab"]
    low, high = (f"{100 * width:.2g}" for width in (min(widths), max(widths)))
    expected = f"could have been shown is {low} to {high} points, depending on the row"
    assert expected in reach(table, 0)
    assert reach(table, 0) in table.footer


def test_undecided_rows_need_the_seeds_that_the_power_asks_for():
    table = built(arm("a", shifted(0.5)), arm("clear", shifted(4.0)))
    needs = seeds_of_undecided(table, 0)
    assert [*needs] == ["a"]
    assert power(0.5, needs["a"], alpha=0.025) >= 0.8 > power(0.5, needs["a"] - 1, alpha=0.025)
    assert f"For 80 % power at the differences seen, a needs {needs['a']} seeds." in reach(table, 0)


def test_seeds_are_for_the_margin_where_one_is_declared():
    """Half a deviation needs 34 seeds, as statsmodels says in test_sample_size.py."""
    table = built(arm("a", shifted(0.1)), column=Column("acc", "test/accuracy", margin=0.005))
    assert table.row("a").cells[0].verdict == "undecided"
    assert seeds_of_undecided(table, 0)["a"] == 34  # half a deviation
    assert "For 80 % power at 0.5 points, a needs" in reach(table, 0)


def test_a_difference_of_nearly_nothing_is_out_of_reach():
    table = built(arm("a", shifted(0.001)))
    assert "a needs more than 10,000 seeds." in reach(table, 0)


def test_where_splits_share_rows_more_rows_are_asked_for():
    arms = [
        Arm(
            label,
            {
                seed: record(f"{label}{seed}", seed, value, split_seed=str(seed))
                for seed, value in enumerate(values)
            },
        )
        for label, values in (("none", BASE), ("a", shifted(0.2)))
    ]
    table = build_table("T", arms, [ACCURACY], "none", range(10))
    assert table.claims == ("new",)
    assert "a needs more rows of data, not seeds." in reach(table, 0)


def test_many_undecided_rows_are_counted():
    table = built(*(arm(f"a{i}", shifted(0.1 * i)) for i in range(1, 8)))
    needs = sorted(seeds_of_undecided(table, 0).values())
    assert len(needs) > 5
    assert f"the {len(needs)} undecided rows need at least {needs[0]} seeds, and" in reach(table, 0)


def test_rows_out_of_reach_are_counted_apart():
    arms = [arm(f"a{i}", shifted(0.5)) for i in range(4)]
    table = built(*arms, *(arm(f"b{i}", shifted(0.001)) for i in range(2)))
    needed = seeds_of_undecided(table, 0)["a0"]
    assert (
        f"of the 6 undecided rows, 4 need {needed} seeds or more, and 2 need more than 10,000 seeds"
    ) in reach(table, 0)


def test_collapsed_and_skewed_rows_are_named_in_the_footer():
    failed = [*shifted(0.5)[:9], 0.3]
    sparse = [0.9] * 9 + [0.95]
    table = built(arm("failed", failed), arm("sparse", sparse), arm("fine", shifted(0.5)))
    sentence = irregular_rows(table)
    assert sentence in table.footer
    assert sentence == (
        "Intervals of skewed values cover their mean less often than 95 %; sign flips test"
        " symmetry, which they lack, so p can be too small: failed (1 of 10 runs far from the"
        " others); sparse (strongly skewed)."
    )
    assert irregular_rows(built(arm("fine", shifted(0.5)))) == ""


def test_bold_has_its_test_without_a_baseline():
    table = built(arm("a", shifted(0.5)), baseline=None)
    [bold] = [sentence for sentence in table.footer if sentence.startswith("Bold: ")]
    assert "All pairs of rows are compared together, by sign flips (exact) paired by seed" in bold
    many = built(*(arm(f"a{i}", shifted(0.1)) for i in range(70)), baseline=None)
    [bold] = [sentence for sentence in many.footer if sentence.startswith("Bold: ")]
    assert "with Bonferroni's correction, by t-tests paired by seed" in bold
