"""csv files: what is inferred, and one line naming row and column for everything that is wrong."""

import contextlib
import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data import csv_file
from research.data.csv_columns import PLAIN, Reading
from research.data.csv_numbers import Format
from research.data.features.table_columns import TableColumns
from research.data.source import open_source
from research.errors import UserError

FLOWERS = """length,colour,wet,species
1.5,red,0,rose
2,blue,1,tulip
-3e-1,red,0,rose
4,green,1,aster
"""


@pytest.fixture
def read(tmp_path):
    def read(text, target="y", impute=False, task="auto", reading=PLAIN):
        file = tmp_path / "table.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return csv_file.read(file, target, impute, task, reading)

    return read


def test_types_are_inferred(tmp_path):
    (tmp_path / "flowers.csv").write_text(FLOWERS)
    source = open_source(
        f"csv:{tmp_path}/flowers.csv", {"target": "species"}, data_dir=None, cache_dir=str(tmp_path)
    )
    spec, (x, y, own_test, *_) = source.spec, source.arrays()
    assert spec.inputs.as_a(TableColumns).names == (
        "length",
        "colour=blue",
        "colour=green",
        "colour=red",
        "wet",
    )
    expected = [[1.5, 0, 0, 1, 0], [2, 1, 0, 0, 1], [-0.3, 0, 0, 1, 0], [4, 0, 1, 0, 1]]
    np.testing.assert_array_equal(x[:], np.array(expected, np.float32))
    assert (spec.targets.classes, list(y)) == (("aster", "rose", "tulip"), [1, 2, 1, 0])
    assert (spec.name, spec.task, spec.inputs.shape, spec.size) == (
        "csv:flowers.csv",
        "classification",
        (5,),
        4,
    )
    assert (
        spec.test_size,
        spec.split_by_seed,
        spec.inputs.as_a(TableColumns).impute,
        len(own_test),
    ) == (0, True, "", 0)


def test_regression(tmp_path):
    (tmp_path / "flowers.csv").write_text(FLOWERS)
    source = open_source(
        f"csv:{tmp_path}/flowers.csv", {"target": "length"}, data_dir=None, cache_dir=str(tmp_path)
    )
    assert source.spec.task == "regression"
    np.testing.assert_array_equal(source.arrays().y, np.array([1.5, 2, -0.3, 4], np.float32))


def test_fingerprint_is_of_the_content(tmp_path):
    specs = []
    for place, name, text in [
        ("a", "f", FLOWERS),
        ("b", "g", FLOWERS),
        ("c", "f", FLOWERS.replace("1.5", "1.6")),
    ]:
        (tmp_path / place).mkdir()
        (tmp_path / place / f"{name}.csv").write_text(text)
        path = f"csv:{tmp_path}/{place}/{name}.csv"
        specs.append(
            open_source(path, {"target": "species"}, data_dir=None, cache_dir=str(tmp_path)).spec
        )
    first, moved, changed = (spec.fingerprint for spec in specs)
    assert first == moved != changed


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        (["1", "0", "1"], "auto", ("0", "1")),
        (["10", "9", "-1"], "auto", ("-1", "9", "10")),  # in the order of the numbers
        (["1.0", "0.0", "1.0"], "auto", ("0", "1")),  # as pandas writes them beside a NaN
        (["1.5", "0.5", "1.5"], "auto", ()),
        (["1.0", "0.0", "1.0"], "regression", ()),
        (["1", "0", "1"], "regression", ()),
        (["1.5", "0.5", "1.5"], "classification", ("0.5", "1.5")),
        (["1", "b", "c"], "auto", ("1", "b", "c")),
        ([str(n) for n in range(21)], "auto", ()),
        ([str(n) for n in range(20)], "auto", tuple(str(n) for n in range(20))),
    ],
)
def test_task_of_the_target(read, cells, task, classes):
    table = read("x,y\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)), task=task)
    assert table.classes == classes
    named = [classes[index] for index in table.y] if classes else list(table.y)
    assert [value(name) for name in named] == [value(cell) for cell in cells]


def value(text):
    """A number whatever its spelling."""
    with contextlib.suppress(ValueError):
        return float(text)
    return text


@pytest.mark.parametrize(
    ("cells", "task", "says"),
    [
        (
            ["1", "0", "1"],
            "auto",
            "has 2 different whole numbers (0, 1) and is read as classes; --task=regression",
        ),
        (
            [str(n) for n in range(1, 27)] * 5,
            "auto",
            "has 26 different whole numbers (1, 2, 3, ...) and is read as cl",
        ),
        (
            [str(n) for n in range(1, 27)] * 4,
            "auto",
            "is read as a quantity; --task=classification reads",
        ),
        (
            [str(2 * n) for n in range(1, 27)] * 5,
            "auto",
            "is read as a quantity; --task=classification reads",
        ),
        (["0", "2.5", "1"], "auto", ""),
        (["1", "0", "1"], "classification", ""),
        (["u", "v", "NA"], "auto", "'NA' is a text; --missing=NA reads it as a missing value"),
    ],
)
def test_what_the_target_is_taken_for_is_said(read, cells, task, says):
    table = read(
        "x,y\n" + "".join(f"{row}.5,{cell}\n" for row, cell in enumerate(cells)), task=task
    )
    assert len(table.notes) == bool(says)
    assert says in "".join(table.notes)


def test_missing_numbers_stay_nan_and_missing_categories_have_no_column_set(read):
    table = read("a,b,y\n1,red,0\n,?,1\nNaN,blue,0\n4,red,1\n", impute=True)
    np.testing.assert_array_equal(
        table.x[:], [[1, 0, 1], [np.nan, 0, 0], [np.nan, 1, 0], [4, 0, 1]]
    )
    assert table.features == ("a", "b=blue", "b=red")


def test_impute_reaches_the_spec(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n1,0\n,1\n3,1\n")
    options = {"target": "y", "impute": "median"}
    source = open_source(f"csv:{tmp_path}/t.csv", options, data_dir=None, cache_dir=str(tmp_path))
    assert source.spec.inputs.as_a(TableColumns).impute == "median"
    np.testing.assert_array_equal(source.arrays().x[:, 0], [1, np.nan, 3])


@pytest.mark.parametrize("text", ["a;b;y\n1,5;2;0\n2,5;3;1\n", "a\tb\ty\n1,5\t2\t0\n2,5\t3\t1\n"])
def test_other_separators(read, text):
    with pytest.raises(
        UserError, match="column 'a': '1,5' is a number written with ','; --decimal=, "
    ):
        read(text)
    assert read(text, reading=Reading(form=Format(decimal=","))).x.tolist() == [[1.5, 2], [2.5, 3]]


def test_columns_whose_kind_is_said(read):
    text = "share,zip,y\n63%,01000,0\n64%,02000,1\n"
    table = read(text, reading=Reading(form=Format(numbers=("share", "zip"))))
    assert table.x.tolist() == [[63, 1000], [64, 2000]]
    table = read(text, reading=Reading(form=Format(categories=("share", "y"))))
    assert (table.features, table.classes) == (
        ("share=63%", "share=64%", "zip=01000", "zip=02000"),
        ("0", "1"),
    )
    with pytest.raises(
        UserError, match=r"numbers=shar: .* has no such column; did you mean share\?"
    ):
        read(text, reading=Reading(form=Format(numbers=("shar",))))
    with pytest.raises(UserError, match="column 'y' is named by --numbers and by --categories"):
        Format(numbers=("y",), categories=("y",))
    with pytest.raises(UserError, match=r"thousands=\.: expected|is the decimal mark already"):
        Format(thousands=".")


def test_byte_order_mark_quotes_and_blank_lines(read):
    table = read('\ufeffa,"b, c",y\n\n"1",2,"one ""x"""\n3,4,two\n\n')
    assert (table.features, table.classes) == (("a", "b, c"), ('one "x"', "two"))


ERRORS = [
    ("", {}, r"table.csv is empty"),
    ("a,y\n", {}, r"has a header but no rows"),
    (
        "a,y\n1,0\n2,1\n",
        {"target": ""},
        r"needs --target=COLUMN, the column to predict; known: a, y",
    ),
    ("age,y\n1,0\n2,1\n", {"target": "agee"}, r"has no column 'agee'; did you mean age\?"),
    ("y\n1\n2\n", {}, r"has no column but the target 'y'"),
    ("a,a,y\n1,1,0\n", {}, r"the header has 'a' 2 times \(columns 1, 2\); give each its own name"),
    (
        "a,,y\n1,1,0\n",
        {},
        r"column 2 \('1', ...\) has no name .*leave it out with --drop='Unnamed: 1'",
    ),
    ("a,y\n1,0\n2\n", {}, r"row 3: 1 cell, but the header has 2 columns"),
    ("a,y\n1,0\n,1\n", {}, r"row 3, column 'a': the value is missing; .*--impute=mean"),
    ("a,b,y\n1,u,0\n2,,1\n", {}, r"row 3, column 'b': the value is missing"),
    (
        "a,y\n1,0\n2,\n",
        {"impute": True},
        r"row 3, column 'y': the value is missing; a target has one in each row",
    ),
    (
        "a,y\n1,0\n2,1\nx,1\n",
        {},
        r"row 4, column 'a': 'x' is not a number, but 2 of the column's 3 values are",
    ),
    (
        "a,y\n1,0\n2,1\ninf,1\n",
        {},
        r"row 4, column 'a': 'inf' is not a finite number; the largest is 3.4e",
    ),
    ("a,y\n-inf,0\ninf,1\nnear,1\n", {}, r"row 4, column 'a': 'near' is not a number"),
    ("a,y\ninf,0\ninf,1\n", {}, r"row 2, column 'a': 'inf' is not a finite number"),
    ("a,y\n1,0.5\n2,inf\n", {}, r"row 3, column 'y': 'inf' is not a finite number"),
    ("a,y\n1,0\n2,1\n1e39,1\n", {}, r"row 4, column 'a': '1e39' is not a finite number"),
    (
        "a,y\n1,0\n2,1\n1_000,1\n",
        {},
        r"row 4, column 'a': '1_000' is a number written with '_'; --thousands=_ reads it as 1000",
    ),
    ("a,y\n1,0.5\n2,1.5\n3,high\n", {}, r"row 4, column 'y': 'high' is not a number"),
    (
        "a,y\n1,u\n2,v\n",
        {"task": "regression"},
        r"row 2, column 'y': 'u' is not a number; a regression needs numbers",
    ),
    (
        "a,y\n1,5.5\n2,5.5\n",
        {},
        r"column 'y': all 2 rows have the value 5.5; nothing can be learned",
    ),
    (
        "a,y\n1,1\n2,0\n3,NA\n",
        {},
        r"row 4, column 'y': the value is missing \('NA'\); .*--categories=y makes a class",
    ),
    (
        "a,y\n" + "".join(f"{n},name {n}\n" for n in range(40)),
        {},
        r"each of the 40 rows has a class of its own",
    ),
    (
        "a,y\n1,0\n2,1\nx y,0\n",
        {},
        r"--missing='x y' reads it as a missing value; --categories=a reads",
    ),
    (
        "a,y\n1,u\n2,u\n",
        {},
        r"column 'y': all 2 rows have one class, 'u'; nothing can be learned",
    ),
    ("a,b,y\n1,,0\n2,,1\n", {"impute": True}, r"column 'b' has no values; --drop=b leaves it out"),
    ('a,y\n1,"u\n', {}, r"row 2: "),
    (
        b"a,y\n\xff,0\n",
        {},
        r"row 2 is not in UTF-8 \(byte 0xff\); as cp1252 it reads 'ÿ,0': .* add --encoding=cp1252",
    ),
    (
        "a,y\n" + "".join(f"name {n},{n % 2}\n" for n in range(40)),
        {},
        r"column 'a' has 40 different texts in 40 rows",
    ),
]


@pytest.mark.parametrize(("text", "options", "message"), ERRORS)
def test_errors_name_row_and_column(read, text, options, message):
    with pytest.raises(UserError, match=message) as error:
        read(text, **options)
    assert "\n" not in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"csv:.*/no\.csv: No such file"):
        open_source(
            f"csv:{tmp_path}/no.csv", {"target": "y"}, data_dir=None, cache_dir=str(tmp_path)
        )
    with pytest.raises(UserError, match="csv: names no file"):
        open_source("csv:", {"target": "y"}, data_dir=None, cache_dir=str(tmp_path))
    with pytest.raises(UserError, match="Is a directory"):
        open_source(f"csv:{tmp_path}", {"target": "y"}, data_dir=None, cache_dir=str(tmp_path))


def test_wrong_impute(tmp_path):
    (tmp_path / "t.csv").write_text(FLOWERS)
    with pytest.raises(UserError, match="impute=mode: allowed are mean, median, most_frequent"):
        open_source(
            f"csv:{tmp_path}/t.csv", {"impute": "mode"}, data_dir=None, cache_dir=str(tmp_path)
        )


CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=5))
def test_whatever_the_cells_there_is_a_table_or_one_clear_line(tmp_path_factory, rows):
    file = tmp_path_factory.getbasetemp() / "any.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["a", "y"], *rows])
    with contextlib.suppress(UserError):
        table = csv_file.read(file, "y", True, "auto")
        assert table.x.shape == (len(table.y), len(table.features))
        assert not np.isinf(table.x[:]).any()
