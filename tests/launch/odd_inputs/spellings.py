"""Odd spellings: numbers, dates and targets that are written in ways of other places and programs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case

ROWS = range(40)
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"


def _cells(cell: Callable[[int], object], separator: str = ",") -> Callable[[Path], object]:
    """Writes a table of the column `a`, another number and the classes u and v."""
    rows = [(cell(row), row * 7 % 41, "uv"[row % 2]) for row in ROWS]
    lines = [separator.join(map(str, cells)) for cells in [("a", "b", "y"), *rows]]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _targets(cell: Callable[[int], object], count: int = 40) -> Callable[[Path], object]:
    """Writes a table of a number and the target `y`."""
    lines = ["a,y", *(f"{row / 7},{cell(row)}" for row in range(count))]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _reads(expected: Callable[[int], float]) -> Callable[[Path], None]:
    """Checks the first column."""

    def check(folder: Path) -> None:
        (file,) = (folder / ".cache" / "arrays").glob("csv_*/x.npy")
        np.testing.assert_allclose(np.load(file)[:, 0], [expected(row) for row in ROWS])

    return check


def _date(text: str) -> Case:
    """Dates of which this is one."""
    return Case(
        f"dates such as {text}",
        _cells(lambda row: text),
        PLAN,
        2,
        ("is a date or a time; --drop=a leaves the column out;",),
    )


CASES: list[Case] = [
    Case(
        "points that may separate thousands",
        _cells(lambda row: ["950", "1.250", "12.500"][row % 3]),
        PLAN,
        says=(
            "'1.250' is read as 1.25; if the mark separates thousands, --decimal=, --thousands=.",
        ),
    ),
    Case(
        "points that separate thousands, by their flags",
        _cells(lambda row: ["950", "1.250", "12.500"][row % 3]),
        f"{PLAN} --decimal=, --thousands=.",
        reads=_reads(lambda row: [950, 1250, 12500][row % 3]),
    ),
    Case(
        "a hyphen for a minus",
        _cells(lambda row: f"‐{row}.5"),
        PLAN,
        reads=_reads(lambda row: -row - 0.5),
    ),
    Case(
        "a dash for a minus",
        _cells(lambda row: f"–{row}.5"),
        PLAN,
        reads=_reads(lambda row: -row - 0.5),
    ),
    Case(
        "a minus behind its number",
        _cells(lambda row: f"{row}.5-"),
        PLAN,
        2,
        ("'0.5-' is a number written with '.-'; --numbers=a reads it as -0.5;",),
    ),
    Case(
        "a minus behind its number, by its flag",
        _cells(lambda row: f"{row}.5-"),
        f"{PLAN} --numbers=a",
        reads=_reads(lambda row: -row - 0.5),
    ),
    Case(
        "francs without cents",
        _cells(lambda row: f"CHF {row + 1}'250.-"),
        f'{PLAN} --numbers=a --thousands="\'"',
        reads=_reads(lambda row: 1000 * (row + 1) + 250),
    ),
    Case(
        "a wide percent sign",
        _cells(lambda row: f"{row}％"),
        PLAN,
        2,
        ("--numbers=a reads it as 0;",),
    ),
    Case(
        "commas beside an exponent",
        _cells(lambda row: f"{row + 1},7E+03", ";"),
        PLAN,
        2,
        ("'1,7E+03' is a number written with ','; --decimal=, reads it as 1700;",),
    ),
    Case(
        "a half behind a number is no unit",
        _cells(lambda row: f"{row % 5}½"),
        PLAN,
        says=("column 'a' has fractions ('0½')", "0.5 for ½"),
    ),
    Case(
        "feet and inches",
        _cells(lambda row: f"{row % 2 + 5}'{row % 4}\""),
        PLAN,
        says=("column 'a' has feet and inches (",),
    ),
    Case(
        "durations",
        _cells(lambda row: f"{row % 4}h {row % 2 * 30}m"),
        PLAN,
        says=("column 'a' has durations ('0h 0m')", "90 for 1h 30m"),
    ),
    Case(
        "powers of ten",
        _cells(lambda row: f"{row}x10^3"),
        PLAN,
        2,
        ("is one of many powers of ten, write them with an e",),
    ),
    Case(
        "letters that were lost",
        _cells(lambda row: ["Z\ufffdrich", "Bern"][row % 2]),
        PLAN,
        says=("has a replacement character: letters were lost",),
    ),
    Case(
        "ids of 16 digits that pandas wrote beside a missing value",
        _cells(lambda row: f"{1234567890123456 + row}.0"),
        PLAN,
        2,
        ("has 16 digits, as ids have",),
    ),
    *map(_date, ("01/2024", "Q1 2024", "2024-011", "2024年1月31日", "Wed Jan 31 10:15:00 2024")),
    *map(_date, ("Wed Oct 10 20:19:24 +0000 2018", "1402/11/01", "[01/Jan/2024:09:00:00 +0000]")),
    Case(
        "months as one number",
        _cells(lambda row: 202401 + row % 12),
        PLAN,
        2,
        ("'202401' is a date or a time;", "--numbers=a as a number;"),
    ),
    Case(
        "a column that tells the target",
        _cells(lambda row: "pq"[row % 2]),
        PLAN,
        says=("column 'a' tells the target in all 40 rows, as a copy of it does",),
    ),
    Case(
        "150 classes as numbers",
        _targets(lambda row: row % 150, 1500),
        PLAN,
        says=("has 150 different whole numbers (0, 1, 2, ...) and is read as a quantity",),
    ),
    Case(
        "a word for a missing value in a target",
        _targets(lambda row: "k.A." if row == 5 else row / 3),
        PLAN,
        2,
        ("delete the rows without a value", "--target=COLUMN names another column"),
    ),
]
