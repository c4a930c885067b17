"""The columns of csv files: dialects, packed files, encodings, and that the fast and the strict
reader agree."""

import bz2
import csv
import gzip
import io
import lzma
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data import csv_columns, csv_text
from research.data.csv_columns import Reading, read_columns
from research.errors import UserError


def columns(folder: Path, content: str | bytes, **reading: Any) -> dict[str, list[str]]:
    file = folder / "table.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    sheet = read_columns(file, Reading(**reading))
    return {name: column.cells.to_pylist() for name, column in sheet.columns.items()}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\r\n1,2\r\n3,4\r\n", {"a": ["1", "3"], "b": ["2", "4"]}),
        ("a,b\r1,2\r3,4", {"a": ["1", "3"], "b": ["2", "4"]}),
        ("a|b\n1|2\n", {"a": ["1"], "b": ["2"]}),
        ('"name, first, last";b\nx;2\n', {"name, first, last": ["x"], "b": ["2"]}),
        ('"a;b;c;d",y\n1,2\n', {"a;b;c;d": ["1"], "y": ["2"]}),
        ('"two\nlines",y\n1,2\n', {"two\nlines": ["1"], "y": ["2"]}),
        ('a,y\n"two\nlines",2\n', {"a": ["two\nlines"], "y": ["2"]}),
        ('a,y\n5" pipe,2\n"a ""b""",3\n', {"a": ['5" pipe', 'a "b"'], "y": ["2", "3"]}),
        # Line separators of Unicode, form feeds and the like are part of a cell.
        ("a,y\none\u2028two,1\nthree\x85four\x0bfive\x0csix\x1cseven,2\n", None),
        ("a\n\n1\n", {"a": ["1"]}),
        ("a,y\n\n , \n,,,\n1,2\n \t\n3,4\n", {"a": ["1", "3"], "y": ["2", "4"]}),
        ("a, b \n 1 ,\t2\u3000\n", {"a": ["1"], "b": ["2"]}),
    ],
)
def test_dialects(tmp_path: Path, content: str, expected: dict[str, list[str]] | None) -> None:
    if expected is None:
        expected = {"a": ["one\u2028two", "three\x85four\x0bfive\x0csix\x1cseven"], "y": ["1", "2"]}
    assert columns(tmp_path, content) == expected


TABLE = "a,b\nüben,€ 5\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-16"),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-32"),
        gzip.compress(TABLE.encode(), mtime=0),
        bz2.compress(TABLE.encode("utf-16")),
        lzma.compress(TABLE.encode()),
    ],
)
def test_what_says_itself_how_it_is_written(tmp_path: Path, content: bytes) -> None:
    assert columns(tmp_path, content) == {"a": ["üben"], "b": ["€ 5"]}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be", "iso-8859-15"])
def test_other_encodings_are_given(tmp_path: Path, encoding: str) -> None:
    assert columns(tmp_path, TABLE.encode(encoding), encoding=encoding) == {
        "a": ["üben"],
        "b": ["€ 5"],
    }


def test_comments_and_dropped_columns(tmp_path: Path) -> None:
    text = '# made, "today\na,b,y\n#1,1,1\n1,2,3\n'
    assert columns(tmp_path, text, comment="#", drop=("b",)) == {"a": ["1"], "y": ["3"]}
    assert columns(tmp_path, "#id,y\n1,2\n") == {"#id": ["1"], "y": ["2"]}


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (",a,y\n0,5,1\n1,6,2\n2,7,1\n", "the first column has no name and counts the rows"),
        ('"","a","y"\n"1",5,"p"\n"2",6,"q"\n', "the first column has no name and counts the rows"),
        ("Unnamed: 0,a,y\n0,5,1\n1,6,2\n", "the first column has no name and counts the rows"),
        ("a,y,\n5,1,\n6,2,\n", "column 3 has neither a name nor a value"),
        ("1960,1970\n5,1\n6,2\n", "its header is numbers alone ('1960'); if that row is data"),
    ],
)
def test_notes_on_headers(tmp_path: Path, content: str, note: str) -> None:
    file = tmp_path / "table.csv"
    file.write_text(content)
    names, notes = read_columns(file)
    assert list(names) == (["1960", "1970"] if "1960" in content else ["a", "y"])
    (said,) = notes
    assert note in said


def test_a_header_that_counts_the_columns_needs_no_note(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("0,1\n5,1\n")
    assert read_columns(file).notes == []


@pytest.mark.parametrize(
    ("content", "reading", "message"),
    [
        (
            ",a,y\n7,5,1\n8,6,2\n",
            {},
            r"column 1 \('7', ...\) has no name in the header; .*--drop='Unnamed: 0'",
        ),
        ("a,,y\n0,5,1\n1,6,2\n", {}, r"column 2 \('5', ...\) has no name .*--drop='Unnamed: 1'"),
        (
            "# by me; in May\na,y\n1,2\n",
            {},
            r"begins with '# by me; in May'; if that is a comment, --comment=# leaves",
        ),
        ("% one\n% two\na,y\n", {}, r"--comment=% leaves"),
        (
            "Report\na,y\n1,2\n",
            {},
            r"row 2: 2 cells, but the header has 1 column \('Report'\); is that its header\?",
        ),
        ("a,y\n1,2\n\n3\n", {}, r"row 4: 1 cell, but the header has 2 columns$"),
        ('a,y\n"1\n2",2\n3\n', {}, r"row 4: 1 cell, but"),
        ('a,y\n1,2\n3,"4\n5,6\n', {}, r"row 3: its quote is never closed"),
        ('a,y\n1,2\n"3"x,4\n', {}, r"row 3: a quote ends before its cell does"),
        (
            "a,y\n1,2\x00\n",
            {},
            r"row 2: it has a null character \(a byte 0\), so it is damaged or not a csv file",
        ),
        (TABLE.encode("utf-16-le"), {}, r"it looks like UTF-16; say so with --encoding=utf-16-le"),
        (
            TABLE.encode("cp1252"),
            {},
            r"row 2 is not in UTF-8 \(byte 0xfc\); as cp1252 .*'üben,€ 5'.*--encoding=cp1252",
        ),
        (
            "a,y\n1,2\n",
            {"encoding": "utf-9"},
            r"encoding=utf-9 is unknown; such are utf-8, utf-16, cp1252",
        ),
        ("a,y\n1,2\n", {"drop": ("b",)}, r"drop=b: .* has no such column; known: a, y"),
        (
            b"PK\x03\x04xx",
            {},
            r"is a zip archive or a spreadsheet \(.xlsx, .ods\); expected a csv file",
        ),
        (b"PAR1xxxx", {}, r"is a damaged Parquet file: "),
        (
            gzip.compress(b"a,y\n1,2\n" * 99, mtime=0)[:-20],
            {},
            r"cannot be read: Compressed file ended before",
        ),
    ],
)
def test_errors(
    tmp_path: Path, content: str | bytes, reading: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as error:
        columns(tmp_path, content, **reading)
    assert "\n" not in str(error.value)


def test_an_error_names_the_line_on_which_its_row_begins(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text('# note\na,y\n\n"1\n\n2",2\n ,\n3,4\n')
    column = read_columns(file, Reading(comment="#")).columns["a"]
    assert column.cells.to_pylist() == ["1\n\n2", "3"]
    assert [str(column.error(row, "no")).split(", ")[1] for row in (0, 1)] == ["row 4", "row 8"]


CELL = st.text(st.sampled_from('ab, \t;\r\n"\u2028\x85#5'), max_size=4)


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=6),
    st.booleans(),
    st.sampled_from(["", "#"]),
)
def test_pyarrow_and_python_read_the_same_cells(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], raw: bool, comment: str
) -> None:
    """Whatever the file, well formed or not: the fast reader gives what the strict one does, or
    leaves it to that."""
    out = io.StringIO()
    if raw:
        out.write("\n".join(map(",".join, rows)))
    else:
        csv.writer(out).writerows(rows)
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(f"x,y\n{out.getvalue()}".encode())
    quoted = csv_text.check(file, "utf-8")
    layout = csv_columns.Layout(file, "utf-8", comment, ",", quoted, ("x", "y"), 1)
    read: list[Any] = []
    for by in (csv_columns._split, csv_columns._split_by_python):
        try:
            read.append(
                [[cell for piece in pieces for cell in piece.to_pylist()] for pieces in by(layout)]
            )
        except UserError as error:
            read.append(str(error))
    assert read[0] == read[1]
