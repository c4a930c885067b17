"""What is behind a row: every run, value and number of the test can be found in it."""

import dataclasses

import pytest

from research.analysis.arms_table import Arm, Column, Published
from research.analysis.behind_row import behind_row
from research.analysis.table_builder import Remarks, build_table
from research.errors import UserError
from research.statistics.nulls import SharedRows
from tests.support.records import arm

BASE = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95]
GOOD = [0.91, 0.93, 0.93, 0.95, 0.95, None]


@pytest.fixture(scope="module")
def table():
    arms = [
        arm("none", BASE, regularization="none"),
        arm("dropout", [b + 0.01 for b in BASE], regularization="dropout=0.5"),
        arm("l2", GOOD, regularization="l2=0.1"),
    ]
    published = {("dropout", "test accuracy"): Published(0.95, 0.01)}
    return build_table(
        "A table",
        arms,
        [Column("test accuracy", "test/accuracy")],
        "none",
        range(6),
        Remarks(published=published),
    )


def test_a_row_says_everything_behind_it(table):
    text = behind_row(table, "dropout")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "dataset digits" in lines
    assert "regularization none -> dropout=0.5" in lines
    assert "seed 0, 1, 2, 3, 4, 5" in lines
    assert "versions jax 0.10.2, flax 0.12.8" in lines
    assert {"commit abc1234", "device cpu", "way vmap"} <= set(lines)
    assert "seconds 1 to 6" in lines
    assert "0 dropout-0 finished 0.91 0.9 +0.01" in lines
    # standard deviation sqrt(17.5 / 5) hundredths, t(0.975, 5) = 2.570582
    assert "mean: 0.935 ± 0.0196331 (n = 6)" in lines
    assert "two-sided p of sign flips (exact), about these rows, from 6 pairs: 0.03125" in lines
    assert "corrected for all 2 rows: 0.03125" in lines
    assert "verdict: better" in lines
    assert "published: 0.95 ± 0.01; gap -0.015: overlap" in lines


def test_the_test_on_new_data_is_named(table):
    text = behind_row(
        dataclasses.replace(table, nulls=(SharedRows(0.1),) * len(table.columns)), "dropout"
    )
    assert "two-sided p of the t-test with the corrected variance, about new data, from 6" in text
    assert "sign flips" not in text


def test_a_diverged_run_says_where(table):
    text = behind_row(table, "l2")
    assert "diverged at step 7" in text
    assert "verdict: no test: diverged" in text
    assert "sign flips" not in text


def test_a_diverged_run_says_why_where_more_is_known():
    diverged = arm("l2", GOOD)
    cause = "after the last update the outputs of 3 of the 40 train rows overflow"
    records = {**diverged.records, 5: dataclasses.replace(diverged.records[5], error=cause)}
    arms = [arm("none", BASE), dataclasses.replace(diverged, records=records)]
    table = build_table(
        "A table", arms, [Column("test accuracy", "test/accuracy")], "none", range(6)
    )
    assert f"diverged at step 7: {cause}" in behind_row(table, "l2")


def test_an_arm_without_records_shows_what_is_declared():
    declared = {
        seed: {"dataset": "digits", "regularization": "l1=0.1", "seed": str(seed)}
        for seed in range(6)
    }
    arms = [arm("none", BASE, regularization="none"), Arm("l1", {}, declared=declared)]
    built = build_table(
        "A table", arms, [Column("test accuracy", "test/accuracy")], "none", range(6)
    )
    lines = [" ".join(line.split()) for line in behind_row(built, "l1").splitlines()]
    assert "regularization none -> l1=0.1" in lines
    assert "dataset digits" in lines
    assert "seed 0, 1, 2, 3, 4, 5" in lines
    assert "nothing: none of its runs has a record" in lines


def test_the_baseline_has_no_test(table):
    text = behind_row(table, "none")
    assert "none (the baseline)" in text
    assert "verdict" not in text
    assert "Against" not in text


def test_an_unknown_row_names_the_nearest(table):
    with pytest.raises(UserError, match=r"no row 'dropuot'; did you mean dropout\?"):
        behind_row(table, "dropuot")
