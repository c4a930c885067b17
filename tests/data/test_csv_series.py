"""A csv column as a series: windows in the order of time, no value in two parts, and what a file
can do wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from research.data import csv_series, stretches
from research.data.source import open_source
from research.data.spec import Source
from research.data.split import split_of
from research.data.windows import Windowing
from research.errors import UserError


def opened(folder: Path, rows: list[str], read_for: str = "forecast", **options: Any) -> Source:
    (folder / "prices.csv").write_text("\n".join(["day,price", *rows]))
    options = {"target": "price", **options}
    return open_source(
        f"csv:{folder}/prices.csv", options, data_dir=None, cache_dir=str(folder), task=read_for
    )


def days(count: int) -> list[str]:
    return [f"d{day},{day * 10}" for day in range(count)]


def test_windows_of_a_column(tmp_path: Path) -> None:
    source = opened(tmp_path, days(40), context=3, burn_in=1)
    spec, (x, y, *_) = source.spec, source.arrays()
    assert (spec.name, spec.task, spec.inputs.shape, spec.targets.shape) == (
        "csv:prices.csv",
        "forecast",
        (3,),
        (3,),
    )
    assert (spec.size, spec.inputs.channels, spec.windows) == (37, (), Windowing(burn_in=1))
    np.testing.assert_array_equal(x[np.array([0, 36])], [[0, 10, 20], [360, 370, 380]])
    np.testing.assert_array_equal(y[np.array([0, 36])], [[np.nan, 20, 30], [np.nan, 380, 390]])
    by_option = opened(tmp_path, days(40), "auto", task="forecast", context=3)
    assert by_option.spec.task == "forecast"
    assert (
        opened(tmp_path, [f"{day},{day * 10}" for day in range(40)], "auto").spec.task
        == "regression"
    )


def test_no_value_is_in_two_parts(tmp_path: Path) -> None:
    """80 rows by 2:1:1: what is read or foreseen of a part lies in its 40, 20 or 20 days."""
    source = opened(tmp_path, days(80), context=4)
    x, y, *_ = arrays = source.arrays()
    parts = split_of(source.spec, arrays, (2, 1, 1), seed=0)
    for rows, first, end in zip(parts, (0, 40, 60), (40, 60, 80), strict=True):
        touched = np.union1d(x[rows], y[rows]) / 10
        assert first <= touched.min()
        assert touched.max() < end


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (
            days(3),
            {"context": 3},
            "csv:prices.csv has length=3, too short for a window of context=3 and the next",
        ),
        (
            [*days(5), "d5,"],
            {},
            "row 7, column 'price': the value is missing; a series needs one at each step",
        ),
        ([*days(5), "d5,nan"], {}, "row 7, column 'price': the value is missing"),
        (
            [*days(5), "d5,high"],
            {},
            "row 7, column 'price': 'high' is not a number; a series consists of numbers",
        ),
        (days(9), {"target": "prize"}, "has no column 'prize'; did you mean price"),
        (days(9), {"target": ""}, "needs --target=COLUMN, the series to forecast"),
        (days(9), {"impute": "mean"}, "impute fills the columns of a table"),
        (
            days(9),
            {"read_for": "regression", "context": 3},
            "give --task=forecast, or leave them out",
        ),
    ],
)
def test_says_what_is_wrong(
    tmp_path: Path, rows: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        opened(tmp_path, rows, **options)


def test_another_file_like_it(tmp_path: Path) -> None:
    spec = opened(tmp_path, days(40), context=3, burn_in=1).spec
    (tmp_path / "more.csv").write_text("price\n" + "\n".join(map(str, range(8))))
    windows, rows, y, notes = csv_series.series_like(
        tmp_path / "more.csv", spec, {"target": "price"}
    )
    np.testing.assert_array_equal(windows[rows], [[0, 1, 2], [3, 4, 5], [4, 5, 6]])
    # The last window's first targets are in the one before, and the first of each is burn-in.
    np.testing.assert_array_equal(y, [[np.nan, 2, 3], [np.nan, 5, 6], [np.nan, np.nan, 7]])
    assert notes == ()
    (tmp_path / "short.csv").write_text("price\n1\n2\n3\n")
    with pytest.raises(UserError, match="has 3 rows, too few for a window of 3 and the next value"):
        csv_series.series_like(tmp_path / "short.csv", spec, {"target": "price"})


def written(folder: Path, header: str, rows: list[str]) -> Path:
    file = folder / "sold.csv"
    file.write_text("\n".join([header, *rows]))
    return file


DATES = [f"2024-01-{day:02d}" for day in range(1, 31)]


@pytest.mark.parametrize(
    "times",
    [
        DATES,
        [f"{date}T18:00" for date in DATES],
        [f"2024-01-01 {hour:02d}:00:00+02:00" for hour in range(24)],
        [date.replace("-", "/") for date in DATES],
        [date.replace("-", "") for date in DATES],
        [f"{1990 + month // 12}-{month % 12 + 1:02d}" for month in range(24)],
        [str(1_700_000_000 + second) for second in range(30)],
        [str(place / 8) for place in range(30)],
        [
            f"17000000000000000{place:02d}" for place in range(30)
        ],  # nanoseconds, which float64 merges
    ],
)
def test_a_time_sorts_the_rows(tmp_path: Path, times: list[str]) -> None:
    order = np.random.default_rng(0).permutation(len(times))
    file = written(tmp_path, "at,sold", [f"{times[place]},{place}" for place in order])
    read = csv_series.read_series(file, "sold", "at")
    np.testing.assert_array_equal(read.values, np.arange(len(times)))
    assert (read.lengths, read.notes) == ((len(times),), ())


def test_several_series_are_kept_apart(tmp_path: Path) -> None:
    rows = [
        f"{shop},{DATES[day]},{100 * place + day}"
        for day in range(29, -1, -1)
        for place, shop in enumerate("BAC")
    ]
    file = written(tmp_path, "shop,at,sold", rows)
    read = csv_series.read_series(file, "sold", "at", "shop")
    assert read.lengths == (30, 30, 30)
    np.testing.assert_array_equal(read.values, np.add.outer([0, 100, 200], np.arange(30)).ravel())
    options = {"target": "sold", "time": "at", "series": "shop", "context": 4}
    source = open_source(
        f"csv:{file}", options, data_dir=None, cache_dir=str(tmp_path), task="forecast"
    )
    x, y, *_ = arrays = source.arrays()
    assert stretches.lengths(source.spec) == (30, 30, 30)
    parts = split_of(source.spec, arrays, (2, 1, 0), seed=0)
    for rows_of_part, first, end in zip(parts[:2], (0, 20), (20, 30), strict=True):
        whole = np.concatenate([x[rows_of_part], y[rows_of_part][:, -1:]], axis=1)
        assert (np.diff(whole) == 1).all()  # none goes from one shop to another
        assert first <= (whole % 100).min()
        assert (whole % 100).max() < end
        assert len(np.unique(whole // 100)) == 3
    windows, starts, following, _ = csv_series.series_like(file, source.spec, options)
    assert (np.diff(windows[starts]) == 1).all()
    foreseen = following[~np.isnan(following)]
    np.testing.assert_array_equal(foreseen, np.delete(read.values, [0, 30, 60]))


SHUFFLED = [DATES[place] for place in np.random.default_rng(1).permutation(30)]


@pytest.mark.parametrize(
    ("header", "rows", "options", "message"),
    [
        (
            "at,sold",
            [f"{date},1" for date in DATES[::-1]],
            (),
            "row 3, column 'at': '2024-01-29' is not after '2024-01-30'",
        ),
        (
            "at,sold",
            [f"{date},1" for date in SHUFFLED],
            (),
            "--time=at sorts the rows, --series=COLUMN keeps several",
        ),
        (
            "at,sold",
            [f"{date},1" for date in DATES * 3],
            (),
            "row 32, column 'at': '2024-01-01' is not after",
        ),
        (
            "time,sold",
            [f"{place},1" for place in (1, 2, 2, 3)],
            (),
            "row 4, column 'time': '2' is not after '2'",
        ),
        (
            "shop,at,sold",
            [f"A,{date},1" for date in SHUFFLED],
            ("", "shop"),
            "--time=at sorts the rows, --drop=at leaves",
        ),
        (
            "at,sold",
            [f"{date},1" for date in DATES * 3],
            ("at",),
            "'2024-01-01' comes twice, .* in row 2; --series=COLUMN",
        ),
        (
            "shop,at,sold",
            ["A,1,1", "B,1,1", "A,1,1"],
            ("at", "shop"),
            "row 4.* comes twice.*delete one of the two rows",
        ),
        (
            "at,sold",
            ["2024-01-01,1", "soon,1"],
            ("at",),
            "row 3, column 'at': 'soon' is not a time that can be compared; expected a number",
        ),
        (
            "at,sold",
            ["2024-01-01,1", "1/2/24,1"],
            ("at",),
            "the column has dates that are written in several ways",
        ),
        (
            "at,sold",
            ["1/2/24,1", "3/4/24,1"],
            ("at",),
            "'1/2/24' may begin with its day or with its month",
        ),
        ("at,sold", ["1/2/24,1", "31/1/24,1"], (), "row 3, column 'at': '31/1/24' is not after"),
        ("at,sold", ["2024-01-01,1", "17,1"], ("at",), "the column mixes numbers with dates"),
        ("at,sold", ["1,1"], ("art",), "has no column 'art'; did you mean at"),
        (
            "at,shop,sold",
            ["1,A,1", "2,,1"],
            ("at", "shop"),
            "row 3, column 'shop': the row does not say which series",
        ),
        ("at,sold", ["1,1"], ("sold",), "must name different columns"),
    ],
)
def test_an_order_that_is_none_is_named(
    tmp_path: Path, header: str, rows: list[str], options: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        csv_series.read_series(written(tmp_path, header, rows), "sold", *options)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("at,sold", [f"{date},1" for date in DATES]),
        (
            "weekday,sold",
            [f"{place % 7},1" for place in range(30)],
        ),  # a number without the name of a time
        (
            "month,day,sold",
            [f"{place // 15},{place % 15},1" for place in range(30)],
        ),  # no column is the time alone
    ],
)
def test_an_order_that_is_fine_is_not_spoken_of(
    tmp_path: Path, header: str, rows: list[str]
) -> None:
    read = csv_series.read_series(written(tmp_path, header, rows), "sold")
    assert (len(read.values), read.notes) == (30, ())


def test_texts_that_may_tell_series_apart_are_named(tmp_path: Path) -> None:
    file = written(tmp_path, "shop,sold", [f"{'AB'[place % 2]},1" for place in range(30)])
    (note,) = csv_series.read_series(file, "sold").notes
    assert "column 'shop' has 2 texts ('A', ...) and is not read" in note
    assert csv_series.read_series(file, "sold", series="shop").notes == ()


def test_gaps_are_noted(tmp_path: Path) -> None:
    file = written(tmp_path, "hour,sold", [f"{hour},1" for hour in [*range(50), *range(168, 200)]])
    (note,) = csv_series.read_series(file, "sold", "hour").notes
    assert (
        note
        == "column 'hour': 1 of 81 steps are longer than 1.5 times the usual one, the longest from"
        " '49' to '168'; windows cross them"
    )


def test_a_series_that_is_too_short_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, "shop,sold", [*["A,1"] * 40, *["B,1"] * 4])
    options = {"target": "sold", "series": "shop", "context": 8}
    with pytest.raises(
        UserError,
        match=r"the shortest series of csv:sold\.csv has length=4, too short for a window",
    ):
        open_source(f"csv:{file}", options, data_dir=None, cache_dir=str(tmp_path), task="forecast")
