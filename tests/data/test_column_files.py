"""Parquet and Arrow files, delimiters and dates: read as the csv file of the same table is."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest

from research.data.csv_file import LikeTable, open_csv, read_like
from research.data.spec import Source
from research.errors import UserError

ROWS = 24
START = datetime.datetime(2023, 12, 30)
TIMES = [START + datetime.timedelta(days=row, hours=6 * (row % 2)) for row in range(ROWS)]
COLUMNS: dict[str, list[Any]] = {
    "day": [time.date() for time in TIMES],
    "at": TIMES,
    "zip": [f"0{1000 + row % 3}" for row in range(ROWS)],
    "share": [row / 7 for row in range(ROWS)],
    "good": [row % 3 == 0 for row in range(ROWS)],
    "y": [row * 1.5 for row in range(ROWS)],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("columns")
    table = pa.table(COLUMNS)
    place = table.column_names.index("zip")
    table = table.set_column(place, "zip", table["zip"].dictionary_encode())
    parquet.write_table(table, folder / "t.parquet")
    feather.write_feather(table, folder / "t.arrow")
    for suffix, mark in (("tsv", "\t"), ("txt", "~")):
        rows = [COLUMNS, *zip(*COLUMNS.values(), strict=True)]
        (folder / f"t.{suffix}").write_text("".join(mark.join(map(str, r)) + "\n" for r in rows))
    return folder


def opened(folder: Path, name: str, **options: Any) -> Source:
    cache = str(folder / "cache")
    return open_csv(str(folder / name), data_dir=None, cache_dir=cache, target="y", **options)


def like(folder: Path, name: str, source: Source, **options: Any) -> LikeTable:
    return read_like(folder / name, source.spec, {"target": "y", **options})


def test_each_kind_of_file_is_the_same_table(folder: Path) -> None:
    ways = {"t.tsv": {}, "t.txt": {"delimiter": "~"}, "t.parquet": {}, "t.arrow": {}}
    sources = [opened(folder, name, dates="ordinal", **way) for name, way in ways.items()]
    first = sources[0].arrays()
    for source in sources:
        assert source.spec.inputs == sources[0].spec.inputs
        np.testing.assert_array_equal(source.arrays().x.values, first.x.values)
        np.testing.assert_array_equal(source.arrays().y, first.y)
    new = like(folder, "t.parquet", sources[0], dates="ordinal")
    np.testing.assert_array_equal(new.x.values, first.x.values)
    days = (np.array(COLUMNS["day"], "datetime64[D]") - np.datetime64("1970-01-01")).astype(int)
    numbers = first.x.values[:, :2] + np.array(sources[0].spec.inputs.of_table["origin"][:2] or 0)
    expected = [days, days + 0.25 * (np.arange(ROWS) % 2)]
    np.testing.assert_allclose(numbers, np.transpose(expected), atol=2e-3)


def test_parts_of_dates(folder: Path) -> None:
    source = opened(folder, "t.parquet", dates="parts", drop=("zip", "share", "good"))
    names = [*(f"day.{part}" for part in ("year", "month", "day", "weekday"))]
    names += [*(f"at.{part}" for part in ("year", "month", "day", "weekday", "hour"))]
    assert source.spec.inputs.of_table["features"] == tuple(names)
    # A Saturday, and the Monday after it at midnight.
    expected = [[2023, 12, 30, 6, 2023, 12, 30, 6, 0], [2024, 1, 1, 1, 2024, 1, 1, 1, 0]]
    np.testing.assert_array_equal(source.arrays().x[[0, 2]], expected)
    assert source.arrays().x[1, -1] == 6
    # New rows have the parts of the training rows, whatever their times.
    (folder / "new.csv").write_text("day,at\n2024-02-29,2024-02-29\n2024-03-01,2024-03-01\n")
    new = like(folder, "new.csv", source, dates="parts")
    assert new.x.tolist()[0] == [2024, 2, 29, 4, 2024, 2, 29, 4, 0]
    assert not new.unread


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a;y\n1;2\n", {"delimiter": "::"}, "delimiter=::: expected one character, such as ; or"),
        ("a,y\n01/02/2024,1\n02/02/2024,3\n", {"dates": "parts"}, "row 2, column 'a': '01/02/2"),
        (
            "a,y\n2024-01-01,1\nsoon,3\n2024-01-05,3\n",
            {"dates": "ordinal"},
            "row 3, column 'a': 'soon' is no date, .* --missing=soon reads it as a missing value",
        ),
        (
            "a,a.day,y\n2024-01-01,1,2\n2024-01-02,3,4\n",
            {"dates": "parts"},
            "has a column 'a.day' beside the dates of 'a'; rename it, or set --dates=ordinal",
        ),
        ("a,y\n2024-01-01,1\n2024-01-05,3\n", {}, "for a quantity --dates=ordinal reads days"),
    ],
)
def test_what_cannot_be_read(
    tmp_path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UserError, match=message) as error:
        opened(tmp_path, "t.csv", **options)
    assert "\n" not in str(error.value)


def test_files_of_columns_have_no_delimiter_and_no_nested_cells(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [[1], [2, 3]], "y": [1, 2]}), tmp_path / "t.parquet")
    with pytest.raises(UserError, match=r"delimiter is for files of text, and .* is Parquet"):
        opened(tmp_path, "t.parquet", delimiter=";")
    with pytest.raises(UserError, match=r"column 'a' has cells of type list.*--drop=a"):
        opened(tmp_path, "t.parquet")
    with pytest.raises(UserError, match=r"drop=z: .* has no such column; known: a, y"):
        opened(tmp_path, "t.parquet", drop=("z",))
