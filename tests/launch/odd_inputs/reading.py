"""Odd files: csv files whose bytes, lines or header are not what a reader expects."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.launch.odd_inputs.case import Case

# 40 rows of two numbers and two classes.
ROWS = [(number / 4, number % 7, "uv"[number % 2]) for number in range(40)]
LINES = [",".join(map(str, row)) for row in ROWS]
TABLE = "\n".join(["a,b,y", *LINES]) + "\n"
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"


def _file(content: str | bytes, name: str = "t.csv") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )


def _spec(**expected: Any) -> Callable[[Path], None]:
    """Checks the fields of the spec that was read."""

    def check(folder: Path) -> None:
        (file,) = folder.glob(".cache/arrays/csv_*/spec.json")
        spec = json.loads(file.read_text())
        assert {name: spec[name] for name in expected} == expected

    return check


READ = _spec(features=["a", "b"], classes=["u", "v"], size=40)


def _read(
    name: str, content: str | bytes, *flags: str, says: tuple[str, ...] = (), reads: Any = READ
) -> Case:
    return Case(name, _file(content), " ".join([PLAN, *flags]), says=says, reads=reads)


def _refused(name: str, content: str | bytes, *says: str, flags: str = "") -> Case:
    return Case(name, _file(content), f"{PLAN} {flags}", 2, says)


def _headed(header: str) -> str:
    return TABLE.replace("a,b,y", header, 1)


def _with_cell(cell: str) -> str:
    """The table whose class u is written otherwise."""
    return TABLE.replace(",u\n", f",{cell}\n")


NUMBERED = "\n".join([",a,b,y", *(f"{place},{line}" for place, line in enumerate(LINES))])
NAMED = "\n".join(["é,b,y", *(line.replace("u", "Größe") for line in LINES)])


def _pictures(folder: Path) -> None:
    from PIL import Image

    for number in range(40):
        file = folder / "pets" / ("a\nb", "c")[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2), 20 + 200 * (number % 2) + number // 2).save(file)


def _names(folder: Path) -> None:
    (file,) = folder.glob(".cache/arrays/folder_*/spec.json")
    assert json.loads(file.read_text())["classes"] == ["a\nb", "c"]


CASES: list[Case] = [
    Case(
        "Excel's line of the separator",
        _file("sep=;\n" + TABLE.replace(",", ";")),
        PLAN,
        2,
        ("--comment=sep= leaves",),
    ),
    Case(
        "Excel's line of the separator, left out",
        _file("sep=;\n" + TABLE.replace(",", ";")),
        f"{PLAN} --comment=sep=",
        reads=_spec(features=["a", "b"]),
    ),
    Case(
        "columns separated by blanks",
        _file(TABLE.replace(",", " ")),
        PLAN,
        2,
        ("Its header has one column; several",),
    ),
    _read(
        "a class with a line break keeps its name",
        _with_cell('"a\nb"'),
        reads=_spec(classes=["a\nb", "v"]),
    ),
    _read(
        "a class with blanks inside",
        _with_cell("new  york"),
        reads=_spec(classes=["new  york", "v"]),
    ),
    _read(
        "U+2028 in a cell", _with_cell("a\u2028b"), reads=_spec(classes=["a\u2028b", "v"], size=40)
    ),
    _read("U+0085 in a cell", _with_cell("a\x85b"), reads=_spec(classes=["a\x85b", "v"], size=40)),
    _read(
        "a form feed and a vertical tab in a cell", _with_cell("a\x0cb\x0bc"), reads=_spec(size=40)
    ),
    _read(
        "commas in a quoted header of a file with semicolons",
        TABLE.replace(",", ";").replace("a;", '"a, in, cm, or, inches";', 1),
        reads=_spec(features=["a, in, cm, or, inches", "b"]),
    ),
    _read("lines that end with carriage returns alone", TABLE.replace("\n", "\r")),
    _read("no line end at the end, and empty lines", TABLE.replace("\n", "\n\n").rstrip()),
    _read("vertical bars", TABLE.replace(",", "|")),
    _read("UTF-16 that says so", TABLE.encode("utf-16")),
    _read(
        "a byte order mark of UTF-8 before a quoted header", '\ufeff"a",b,y\n' + "\n".join(LINES)
    ),
    _read("gzip", gzip.compress(TABLE.encode())),
    _read("bzip2", bz2.compress(TABLE.encode())),
    _read("xz", lzma.compress(TABLE.encode())),
    _read(
        "Windows's letters by their flag",
        NAMED.encode("cp1252"),
        "--encoding=cp1252",
        reads=_spec(size=40),
    ),
    _read("an index that pandas wrote", NUMBERED, says=("counts the rows", "left out")),
    _read(
        "an index that pandas wrote twice",
        NUMBERED.replace(",a", "Unnamed: 0,a", 1),
        says=("counts the rows",),
    ),
    _read(
        "row names that R wrote",
        "\n".join(
            ['"","a","b","y"', *(f'"{place}",{line}' for place, line in enumerate(LINES, 1))]
        ),
        says=("counts the rows",),
    ),
    _read(
        "separators at the ends of lines",
        TABLE.replace("\n", ",\n"),
        says=("neither a name nor a value",),
    ),
    _read("comments by their flag", f"# by me, in May\n# twice\n{TABLE}", "--comment=#"),
    _read("a column that is dropped", NUMBERED.replace(",a", "id,a", 1), "--drop=id"),
    _read(
        "a header that begins with #",
        TABLE.replace("a,", "#a,", 1),
        reads=_spec(features=["#a", "b"]),
    ),
    _read("columns with an equals sign", _headed("a=1,b,y"), reads=_spec(features=["a=1", "b"])),
    _refused(
        "Windows's letters",
        NAMED.encode("cp1252"),
        "row 1 is not in UTF-8 (byte 0xe9)",
        "--encoding=cp1252",
    ),
    _refused(
        "UTF-16 that does not say so",
        TABLE.encode("utf-16-le"),
        "looks like UTF-16",
        "--encoding=utf-16-le",
    ),
    _refused(
        "an encoding that is not there",
        TABLE,
        "encoding=utf-42 is unknown",
        flags="--encoding=utf-42",
    ),
    _refused("null characters", TABLE.replace("\n1.0,", "\n1\0,"), "row 6", "null character"),
    _refused(
        "a comment before the header", f"# by me\n{TABLE}", "begins with '# by me'", "--comment=#"
    ),
    _refused(
        "a title before the header",
        f"Results\n{TABLE}",
        "row 2: 3 cells",
        "('Results'); is that its header?",
    ),
    _refused("no header", "\n".join(LINES), "has no column 'y'", "if that is data, add a header"),
    _refused(
        "a nameless column in the middle",
        _headed("a,,y"),
        "column 2 ('0', ...) has no name",
        "'Unnamed: 1'",
    ),
    _refused(
        "a nameless first column of numbers",
        _headed(",b,y"),
        "column 1 ('0.0', ...)",
        "--drop='Unnamed: 0'",
    ),
    _refused("one name twice", _headed("a,a,y"), "the header has 'a' 2 times (columns 1, 2)"),
    _refused(
        "a row that is too short",
        TABLE.replace("\n1.0,4,u", "\n1.0,u"),
        "row 6: 2 cells, but the header has 3",
    ),
    _refused(
        "a quote that never closes",
        TABLE.replace("\n1.0,", '\n"1.0,'),
        "row 6: its quote is never closed",
    ),
    _refused(
        "a text after a closing quote",
        _with_cell('"u"x'),
        "row 2: a quote ends before its cell does",
    ),
    _refused(
        "a drop that is not there",
        TABLE,
        "drop=c:",
        "has no such column; known: a, b, y",
        flags="--drop=c",
    ),
    _refused("a spreadsheet", b"PK\x03\x04" + bytes(40), "is a zip archive or a spreadsheet"),
    _refused("a Parquet file", b"PAR1" + bytes(40), "is a damaged Parquet file"),
    _refused("a gzip file that was cut off", gzip.compress(TABLE.encode())[:-30], "cannot be read"),
    Case(
        "a class folder with a line break keeps its name, in evaluation too",
        _pictures,
        "train --dataset=folder:pets --arch=linear --epochs=20 --batch_size=8 --learning_rate=0.05"
        " --keep_params",
        says=("test       accuracy 1.0000",),
        reads=_names,
    ),
]
