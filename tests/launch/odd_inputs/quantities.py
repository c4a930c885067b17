"""Odd quantities: cells that mean a number and are none, copies of rows, classes that are numbers."""

from collections.abc import Callable
from pathlib import Path

from tests.launch.odd_inputs.case import Case, train_once

ROWS = range(40)
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"
TRAIN = (
    "train --dataset=csv:t.csv --arch=linear --batch_size=8 --epochs=1 --target=y --keep_params"
    " --name=mine"
)


def _cells(cell: Callable[[int], object]) -> Callable[[Path], object]:
    """Writes a table of the column `a`, another number and the classes u and v."""
    lines = ["a,b,y", *(f"{cell(row)},{row * 7 % 41},{'uv'[row % 2]}" for row in ROWS)]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _copies(folder: Path) -> None:
    rows = [f"{row % 20},{row % 20 / 7},{'uv'[row % 2]}" for row in ROWS]
    (folder / "t.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")


def _grades(folder: Path) -> None:
    rows = [f"{row / 7},{row % 5},{row % 4 + 1 if row else 9}" for row in ROWS]
    (folder / "t.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")


def _new_data(cell: str) -> Callable[[Path], None]:
    """Trains a run, and writes other rows of which the first has this cell."""

    def write(folder: Path) -> None:
        _cells(lambda row: row / 8)(folder)
        train_once(folder, TRAIN)
        (folder / "new.csv").write_text(f'a,b,y\n"{cell}",3,u\n1.5,4,v\n')

    return write


def _evaluate(cell: str, *says: str) -> Case:
    command = "evaluate --run=mine --split=csv:new.csv"
    return Case(f"new data with {cell}", _new_data(cell), command, 2, says)


CASES: list[Case] = [
    Case(
        "hexadecimal numbers",
        _cells(lambda row: f"0x{10 + row % 4:X}"),
        PLAN,
        says=("column 'a' has hexadecimal numbers ('0xA') and is read as 4 categories;",),
    ),
    Case(
        "fractions",
        _cells(lambda row: f"{row % 3 + 1}/8"),
        PLAN,
        says=("column 'a' has fractions ('1/8')", "write them as decimals"),
    ),
    Case(
        "ranges",
        _cells(lambda row: f"{row % 3 * 10}-{row % 3 * 10 + 9}"),
        PLAN,
        says=("column 'a' has ranges ('0-9')", "such as its middle"),
    ),
    Case(
        "intervals of pandas.cut",
        _cells(lambda row: f'"({row % 3}, {row % 3 + 1}]"'),
        PLAN,
        says=("column 'a' has ranges ('(0, 1]')",),
    ),
    Case(
        "values with an uncertainty",
        _cells(lambda row: f"{row % 4}.5 ± 0.2"),
        PLAN,
        says=("column 'a' has values with an uncertainty ('0.5 ± 0.2')",),
    ),
    Case(
        "many hexadecimal numbers",
        _cells(lambda row: f"0x{row:X}"),
        PLAN,
        2,
        ("column 'a' has 40 different texts", "is one of many hexadecimal numbers"),
    ),
    Case(
        "ranges that are names",
        _cells(lambda row: f"{row % 3 * 10}-{row % 3 * 10 + 9}"),
        PLAN + " --categories=a",
    ),
    Case(
        "rows that repeat others",
        _copies,
        PLAN,
        says=("20 of its 40 rows repeat others (the first: row 20 is row 0); a split may put",),
    ),
    Case(
        "a class of one row that is a number",
        _grades,
        PLAN,
        2,
        ("class '9' has too few rows", "read the target as a quantity with --task=regression"),
    ),
    _evaluate("0,5", "row 2, column 'a': '0,5' is a number written with ','; new data is read as"),
    _evaluate("2024-01-31", "'2024-01-31' is not a number; new data is read as"),
    _evaluate("63%", "'63%' is a number with a sign; new data is read as"),
    _evaluate("1e39", "is not a finite number; the largest is"),
]
