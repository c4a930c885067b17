"""Odd dates: numbers that count seconds or days, and dates in other languages."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.launch.odd_inputs.case import Case

ROWS = range(40)
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"


def _table(columns: Mapping[str, Callable[[int], object]]) -> Callable[[Path], object]:
    """Writes a table of these columns and the classes u and v."""
    lines = [",".join([*columns, "y"])]
    for row in ROWS:
        cells = [str(cell(row)) for cell in columns.values()]
        lines.append(",".join([*cells, "uv"[row % 2]]))
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _refused(name: str, cell: Callable[[int], object], *says: str) -> Case:
    return Case(name, _table({"a": cell, "b": lambda row: row * 7 % 11 / 4}), PLAN, 2, says)


CASES: list[Case] = [
    Case(
        "numbers that count seconds or days",
        _table(
            {
                "milliseconds": lambda row: 1704067200000 + row * 86400123,
                "seconds": lambda row: f"{1704067200 + row * 86413}.25",
                "spreadsheet": lambda row: 45000.5 + row * 1.5,
                "serial": lambda row: 45000 + row * 3 % 31,
                "two": lambda row: 20240229 if row % 3 else 20240131,
                "year_and_day": lambda row: 2024001 + row * 9 % 366,
                "julian": lambda row: 2460310.5 + row,
                "matlab": lambda row: 738000 + row,
            }
        ),
        PLAN,
        says=(
            "column 'milliseconds' may be dates, milliseconds since 1970 (1704067200000 is"
            " 2024-01-01 00:00), and is read as a quantity; new dates lie outside",
            "--drop=milliseconds leaves it out",
            "column 'seconds' may be dates, seconds since 1970",
            "column 'spreadsheet' may be dates, days as Excel counts them (45000.5 is 2023-03-15"
            " 12:00)",
            "column 'serial' may be dates, days as Excel",
            "column 'two' may be dates, days written as 20240131",
            "column 'year_and_day' may be dates, years with the day of the year (2024001)",
            "column 'julian' may be dates, days as Julian counts them (2460310.5 is 2024-01-01",
            "column 'matlab' may be dates, days as MATLAB",
        ),
    ),
    _refused(
        "microseconds since 1970",
        lambda row: 1704067200000000 + row * 86400123456,
        "has 16 digits, as ids have; --drop=a leaves",
        "as times they would be microseconds since 1970",
    ),
    _refused(
        "days of six digits",
        lambda row: f"24{row % 12 + 1:02}{row % 28 + 1:02}",
        "'240101' is a date or a time; --drop=a leaves the column out",
    ),
    _refused(
        "days before months before years, without marks",
        lambda row: f"{row % 28 + 1:02}{row % 12 + 1:02}2024",
        "'01012024' is a date or a time",
    ),
    _refused("days in German", lambda row: f"{row % 7 + 1}. März 2024", "is a date or a time"),
    _refused(
        "days that a database lacks",
        lambda row: "0000-00-00" if row % 3 else f"2024-01-{row % 28 + 1:02}",
        "'2024-01-01' is a date or a time",
    ),
]
