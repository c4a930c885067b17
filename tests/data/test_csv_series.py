"""A csv column as a series: windows in the order of time, no value in two parts, and what a file can do wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from research.data import csv_series
from research.data.source import open_source
from research.data.spec import Source
from research.data.split import split_of
from research.errors import UserError


def opened(folder: Path, rows: list[str], read_for: str = "forecast", **options: Any) -> Source:
    (folder / "prices.csv").write_text("\n".join(["day,price", *rows]))
    options = {"target": "price", **options}
    return open_source(f"csv:{folder}/prices.csv", options, data_dir=None, cache_dir=str(folder), task=read_for)


def days(count: int) -> list[str]:
    return [f"d{day},{day * 10}" for day in range(count)]


def test_windows_of_a_column(tmp_path: Path) -> None:
    source = opened(tmp_path, days(40), context=3, burn_in=1)
    spec, (x, y, _) = source.spec, source.arrays()
    assert (spec.name, spec.task, spec.shape, spec.target_shape) == ("csv:prices.csv", "forecast", (3,), (3,))
    assert (spec.size, spec.burn_in, spec.channels, spec.windows) == (37, 1, (), True)
    np.testing.assert_array_equal(x[np.array([0, 36])], [[0, 10, 20], [360, 370, 380]])
    np.testing.assert_array_equal(y[np.array([0, 36])], [[np.nan, 20, 30], [np.nan, 380, 390]])
    by_option = opened(tmp_path, days(40), "auto", task="forecast", context=3)
    assert by_option.spec.task == "forecast"
    assert opened(tmp_path, [f"{day},{day * 10}" for day in range(40)], "auto").spec.task == "regression"


def test_no_value_is_in_two_parts(tmp_path: Path) -> None:
    """80 rows by 2:1:1: what is read or foreseen of a part lies in its 40, 20 or 20 days."""
    source = opened(tmp_path, days(80), context=4)
    x, y, _ = arrays = source.arrays()
    parts = split_of(source.spec, arrays, (2, 1, 1), seed=0)
    for rows, first, end in zip(parts, (0, 40, 60), (40, 60, 80), strict=True):
        touched = np.union1d(x[rows], y[rows]) / 10
        assert first <= touched.min()
        assert touched.max() < end


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (days(3), {"context": 3}, "csv:prices.csv of length=3 is too short for a window of context=3 and the next"),
        ([*days(5), "d5,"], {}, "row 7, column 'price': the value is missing; a series has one at each step"),
        ([*days(5), "d5,nan"], {}, "row 7, column 'price': the value is missing"),
        ([*days(5), "d5,high"], {}, "row 7, column 'price': 'high' is not a number; a series consists of numbers"),
        (days(9), {"target": "prize"}, "has no column 'prize'; did you mean price"),
        (days(9), {"target": ""}, "needs --target=COLUMN, the series to foresee"),
        (days(9), {"impute": "mean"}, "impute fills the columns of a table"),
        (days(9), {"read_for": "regression", "context": 3}, "give --task=forecast, or leave them out"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, rows: list[str], options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        opened(tmp_path, rows, **options)


def test_another_file_like_it(tmp_path: Path) -> None:
    spec = opened(tmp_path, days(40), context=3, burn_in=1).spec
    (tmp_path / "more.csv").write_text("price\n" + "\n".join(map(str, range(8))))
    arrays, rows = csv_series.series_like(tmp_path / "more.csv", spec, {"target": "price"})
    np.testing.assert_array_equal(arrays.x[rows], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arrays.y[rows], [[np.nan, 2, 3], [np.nan, 5, 6]])
    (tmp_path / "short.csv").write_text("price\n1\n2\n3\n")
    with pytest.raises(UserError, match="has 3 rows, too few for a window of 3 and the next value"):
        csv_series.series_like(tmp_path / "short.csv", spec, {"target": "price"})
