"""The examination of data: each check finds its fault where it is, and nothing in sound data."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from research.analysis.audit import column_checks, row_checks
from research.analysis.audit.data_parts import DataParts
from research.analysis.audit.drift import drift
from research.analysis.audit.examination import examine, examine_file
from research.analysis.audit.finding import Finding
from research.analysis.audit.histograms import histograms
from research.data.csv_options import CsvOptions
from research.data.features.label import Label
from research.data.features.table_columns import TableColumns
from research.data.in_memory import table
from research.data.one_hot import OneHot
from research.data.spec import Arrays
from research.errors import UserError

ROWS = 400


def data(
    x: np.ndarray,
    y: np.ndarray | None = None,
    names: Sequence[str] = (),
    categories: tuple[int, ...] = (),
    classes: tuple[str, ...] = ("u", "v"),
) -> DataParts:
    """Rows [N, C], of which the first three quarters train. y: classes, or alternating ones."""
    size = len(x)
    y = np.arange(size) % 2 if y is None else y
    coded = OneHot(x.astype(np.float32), categories) if categories else x.astype(np.float32)
    inputs = TableColumns((coded.shape[1],), tuple(names), categories=categories)
    spec = dataclasses.replace(
        table().spec, name="t", inputs=inputs, targets=Label((), names=classes), size=size
    )
    arrays = Arrays(coded, y.astype(np.int32), np.zeros(0, np.int32))
    rows = np.arange(size)
    return DataParts("t", spec, arrays, rows[: 3 * size // 4], rows[3 * size // 4 :])


def sound() -> DataParts:
    """Two numbers that say nothing of the classes."""
    return data(np.random.default_rng(0).normal(size=(ROWS, 2)), names="ab")


def texts(findings: Iterable[Finding]) -> list[str]:
    return [f"{finding.level}: {finding.text}" for finding in findings]


def test_sound_data_has_few_test_rows_and_no_other_fault() -> None:
    report = examine(sound(), lambda name: None)
    assert [name for name, found in report.items() if found] == ["few test rows"]


def test_repeated_rows_are_counted_in_each_part() -> None:
    x = np.random.default_rng(0).normal(size=(ROWS, 2))
    y = np.arange(ROWS) % 2
    x[10], y[10] = x[4], y[4]
    x[20], y[20] = x[5], 1 - y[5]  # another class: contradicting, not repeated
    x[390], y[390] = x[391], y[391]
    repeated = data(x, y)
    assert texts(row_checks.repeated_rows(repeated)) == [
        "caution: t: 1 training row of 300 repeat another training row, target included",
        "caution: t: 1 test row of 100 repeat another test row, target included",
    ]
    (text,) = texts(row_checks.contradictions(repeated))
    # One of 400 rows must be wrong.
    assert "2 rows of 400" in text
    assert "99.75 % of the rows" in text


def test_balance_of_classes() -> None:
    y = np.zeros(ROWS, int)
    y[:5] = 1
    x = np.random.default_rng(0).normal(size=(ROWS, 1))
    found = texts(row_checks.class_balance(data(x, y, classes=("often", "seldom", "never"))))
    assert "problem: t: no training row is of the class 'never'" in found
    assert "problem: t: no test row is of the class 'seldom' or 'never'" in found
    assert "caution: t: the class 'seldom' has 5 training rows" in found
    assert any("98.3 % of the training rows are of the class 'often'" in text for text in found)


def test_columns_that_hardly_vary_number_the_rows_or_lack_values() -> None:
    draw = np.random.default_rng(0)
    x = np.stack(
        [
            np.ones(ROWS),
            np.where(np.arange(ROWS) == 7, 1, 0),
            1000 + draw.permutation(ROWS),
            np.where(draw.random(ROWS) < 0.25, np.nan, draw.normal(size=ROWS)),
            draw.normal(size=ROWS),
            np.where(np.arange(ROWS) < 3, 0, 1),
        ],
        axis=1,
    )
    faulty = data(x, names=["c", "d", "e", "f", "g", "h=u", "h=v"], categories=(0, 0, 0, 0, 0, 2))
    constant = texts(column_checks.constant_columns(faulty))
    assert "column 'c' is the same in all 300 training rows" in constant[0]
    assert "column 'd' is 0 in all but 1 of 300 training rows" in constant[1]
    assert "column 'h' is 'v' in all but 3 of 300 training rows" in constant[2]
    assert len(constant) == 3
    (text,) = texts(column_checks.identifiers(faulty))
    assert "column 'e' has a different whole number in each row" in text
    (text,) = texts(column_checks.missing_values(faulty))
    share = 100 * np.isnan(x[:, 3]).mean()
    assert text == f"caution: t: column 'f' has no value in {share:.3g} % of the rows"


def test_values_that_are_missing_in_one_part_are_said_so() -> None:
    x = np.random.default_rng(0).normal(size=(ROWS, 1))
    x[300:] = np.nan
    (text,) = texts(column_checks.missing_values(data(x, names="a")))
    assert text.endswith("25 % of the rows (0 % of training rows, 100 % of test rows)")


def test_drift_names_the_column_that_moves() -> None:
    x = np.random.default_rng(0).normal(size=(ROWS, 3))
    assert not list(drift(data(x)))
    x[300:, 1] += 2
    (text,) = texts(drift(data(x, names="abc")))
    assert text.startswith(
        "problem: t: a classifier tells test rows from training rows with an AUC"
    )
    assert "they differ most in 'b'" in text


def test_a_file_is_examined_column_by_column(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    lines = [
        f"{10**9 + row / 100},person {row},{'' if row == 3 else row},{row % 2}" for row in range(40)
    ]
    file.write_text("\n".join(["a,name,b,y", *lines]) + "\n")
    examined = examine_file(file, CsvOptions(target="y"))
    assert list(examined.unread) == ["name"]
    assert "40 different texts in 40 rows, like names or ids" in examined.unread["name"].text
    assert "--drop=name" in examined.unread["name"].remedy
    assert examined.gaps
    assert not examined.merged  # differences from an origin keep these apart
    wide = "\n".join(f"{scale}{row},{row % 2}" for row in range(40) for scale in ("1e18", "1e-9"))
    file.write_text(f"a,y\n{wide}\n")
    with pytest.raises(UserError, match="no such column"):
        examine_file(file, CsvOptions(target="y", drop=("z",)))


def test_histograms_have_a_panel_per_column_and_one_of_the_target() -> None:
    x = np.random.default_rng(0).normal(size=(ROWS, 2))
    x[:, 1] = np.arange(ROWS) % 3
    coded = data(x, names=["a", "b=p", "b=q", "b=r"], categories=(0, 3))
    figure = histograms(coded)
    assert [axis.get_title() for axis in figure.axes if axis.axison] == ["target", "a", "b"]
