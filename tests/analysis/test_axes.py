"""Sweeps: which settings are axes, rows in their order, and runs that do not fit."""

import pytest

from research.analysis.arms_table import Column
from research.analysis.axes import Grouping, axes, sweep_table
from research.analysis.render import render
from research.errors import UserError
from tests.support.records import record

ACCURACY = Column("test accuracy", "test/accuracy")


def sweep(rates=("0.1", "0.01"), optimizers=("sgd", "adam"), seeds=range(3)):
    momentum = {"sgd": {"optimizer.momentum": "0.9"}, "adam": {"optimizer.b1": "0.9"}}
    return [
        record(
            f"{o}-{r}-{s}",
            s,
            0.9 + 0.01 * s,
            optimizer=o,
            **momentum[o],
            learning_rate=r,
            split_seed=str(s),
        )
        for o in optimizers
        for r in rates
        for s in seeds
    ]


def test_axes_are_what_differs_and_follows_from_nothing_else():
    assert axes(sweep()) == ("optimizer", "learning_rate")
    assert axes(sweep(rates=("0.1",), optimizers=("adam",))) == ()


def test_a_setting_that_older_records_lack_has_its_default_there() -> None:
    old = record("a", 0, 0.9, learning_rate="0.1")
    new = record("b", 0, 0.9, learning_rate="0.2", objective="supervised")
    assert axes([old, new]) == ("learning_rate",)
    other = record("c", 0, 0.9, learning_rate="0.2", objective="policy_gradient")
    assert axes([old, other]) == ("learning_rate", "objective")


def test_an_option_that_its_entry_does_not_settle_is_an_axis():
    runs = [
        record(f"{m}", 0, 0.9, optimizer="sgd", **{"optimizer.momentum": m}) for m in ("0", "0.9")
    ]
    assert axes(runs) == ("optimizer.momentum",)


def test_a_split_seed_of_its_own_is_an_axis():
    runs = [record(f"{s}{p}", s, 0.9, split_seed=str(p)) for s in (0, 1) for p in (0, 1)]
    assert axes(runs) == ("split_seed",)


def test_rows_are_combinations_numbers_in_order_of_size_words_as_they_come():
    """The mean of 0.90, 0.91 and 0.92 is 0.91 within float64 rounding."""
    table = sweep_table("A sweep", sweep(rates=("0.1", "0.01", "1e-3")), [ACCURACY])
    assert [tuple(row.arm.settings.values()) for row in table.rows] == [
        (o, r) for o in ("sgd", "adam") for r in ("1e-3", "0.01", "0.1")
    ]
    assert table.rows[0].label == "optimizer=sgd, learning_rate=1e-3"
    assert table.rows[0].cells[0].interval.mean == pytest.approx(0.91)
    assert (table.baseline, table.seeds) == (None, (0, 1, 2))
    assert "| optimizer | learning_rate |" in render(table, "md")


def test_the_axes_can_be_given_in_their_order():
    table = sweep_table("A sweep", sweep(), [ACCURACY], Grouping(["learning_rate", "optimizer"]))
    assert table.rows[1].label == "learning_rate=0.01, optimizer=adam"


def test_one_combination_is_one_row():
    (row,) = sweep_table("A sweep", sweep(rates=("0.1",), optimizers=("sgd",)), [ACCURACY]).rows
    assert row.label == "all runs"


def test_a_forgotten_axis_is_an_error_that_names_it():
    with pytest.raises(
        UserError, match="share a row and a seed but differ in learning_rate; add an axis"
    ):
        sweep_table("A sweep", sweep(), [ACCURACY], Grouping(["optimizer"]))


def test_an_unknown_axis_is_an_error_with_the_nearest():
    with pytest.raises(
        UserError, match=r"no run has the setting 'learning_rat'; did you mean learning_rate\?"
    ):
        sweep_table("A sweep", sweep(), [ACCURACY], Grouping(["learning_rat"]))


def test_a_sweep_of_ten_seeds_has_bold_rows():
    runs = [
        record(f"{r}{s}", s, base + 0.001 * s, learning_rate=r)
        for r, base in (("0.1", 0.9), ("0.2", 0.8))
        for s in range(10)
    ]
    assert [row.cells[0].bold for row in sweep_table("S", runs, [ACCURACY]).rows] == [True, False]


def test_seeds_that_move_with_another_axis_are_missing_in_no_row() -> None:
    """As in --zip='learning_rate=0.1|0.01; seed=3,4': each row has the one seed that was asked for
    it."""
    zipped = [
        *sweep(rates=("0.1",), seeds=[3], optimizers=("sgd",)),
        *sweep(rates=("0.01",), seeds=[4])[:1],
    ]
    table = sweep_table("A sweep", zipped, [ACCURACY], Grouping(ragged=True))
    for row in table.rows:
        assert (
            row.cells[0].count("finished"),
            row.cells[0].count("missing"),
            row.cells[0].asked,
        ) == (1, 0, 1)
    shown = render(table, "md")
    assert "missing" not in shown
    assert "1/1" not in shown


def test_a_row_of_a_sweep_can_be_the_baseline() -> None:
    """Differences and p by hand, within float64 rounding."""
    rates = {"0.01": 0.1, "0.1": 0.0, "1.0": 0.2}
    runs = [
        record(f"{rate}-{seed}", seed, 0.5 + gain + 0.001 * seed * (gain > 0), learning_rate=rate)
        for rate, gain in rates.items()
        for seed in range(8)
    ]
    table = sweep_table("S", runs, [ACCURACY], baseline="learning_rate=0.1")
    low, same, high = (row.cells[0] for row in table.rows)
    assert low.difference is not None
    assert high.difference is not None
    # The mean of seeds 0 to 7 is 3.5.
    assert low.difference.mean == pytest.approx(0.1035)
    assert high.difference.mean == pytest.approx(0.2035)
    assert (
        low.p == high.p == pytest.approx(2 / 2**8)
    )  # all differences have one sign: 2 of the 2^8 flips are as large
    assert low.p_adjusted == pytest.approx(low.p)
    assert same.difference is None
    with pytest.raises(
        UserError, match=r"the baseline 'learning_rate=0\.2' is not a row; did you mean"
    ):
        sweep_table("S", runs, [ACCURACY], baseline="learning_rate=0.2")
