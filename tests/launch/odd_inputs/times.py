"""Odd times of series: dates in many spellings, counts of rows, and series that no time tells
apart."""

import datetime
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case

FIRST = datetime.datetime(2024, 1, 1)
ROWS = range(120)
WAVE = [round(math.sin(row / 5), 5) for row in ROWS]
PLAN = "plan --dataset=csv:t.csv --target=v --task=forecast --arch=ar --context=8"


def _file(header: str, rows: Iterable[Sequence[object]]) -> Callable[[Path], object]:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n")


def _latest_first(time: Callable[[int], object]) -> Callable[[Path], object]:
    return _file("t,v", [(time(row), WAVE[row]) for row in reversed(ROWS)])


def _days(spelling: str) -> Callable[[int], str]:
    return lambda row: (FIRST + datetime.timedelta(row)).strftime(spelling)


def _is_sorted(folder: Path) -> None:
    (file,) = (folder / ".cache" / "arrays").glob("csv_*/x.npy")
    np.testing.assert_allclose(np.load(file)[:, 0], WAVE, rtol=1e-6)


SPELLINGS = (
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%b-%y",
    '"%b %d, %Y"',
    "%m/%d/%Y %I:%M %p",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%dT%H:%M+01:00[Europe/Berlin]",
)

CASES: list[Case] = [
    *(
        Case(
            f"latest first in {spelling}",
            _latest_first(_days(spelling)),
            PLAN,
            2,
            ("is not after", "--time=t sorts"),
        )
        for spelling in SPELLINGS
    ),
    *(
        Case(
            f"sorted by {spelling}",
            _latest_first(_days(spelling)),
            f"{PLAN} --time=t",
            reads=_is_sorted,
        )
        for spelling in SPELLINGS
    ),
    Case(
        "a count that falls",
        _latest_first(int),
        PLAN,
        2,
        ("row 3, column 't': '118' is not after '119'",),
    ),
    Case(
        "years that fall",
        _latest_first(lambda row: f"{1900 + row / 12:.3f}"),
        PLAN,
        2,
        ("is not after",),
    ),
    Case(
        "hours that fall",
        _latest_first(lambda row: f"{row // 60}:{row % 60:02}"),
        PLAN,
        2,
        ("is not after",),
    ),
    Case(
        "hours beside a date",
        _file("t,v", [(f"{row % 24}:00", WAVE[row]) for row in ROWS]),
        PLAN,
        reads=_is_sorted,
    ),
    Case(
        "quarters",
        _latest_first(lambda row: f"{1990 + row // 4}Q{row % 4 + 1}"),
        PLAN,
        2,
        (
            "row 2, column 't': '2019Q4' is not a time that can be compared",
            "--drop=t leaves the rows in the order",
        ),
    ),
    Case(
        "seasons, latest first",
        _latest_first(lambda row: f"{1900 + row}/{(row + 1) % 100:02}"),
        PLAN,
        2,
        ("row 2, column 't': '2019/20' is not a time that can be compared",),
    ),
    Case(
        "zones by name, latest first",
        _latest_first(lambda row: f"{_days('%Y-%m-%d %H:%M')(row)} CET"),
        PLAN,
        2,
        ("'2024-04-29 00:00 CET' is not a time that can be compared",),
    ),
    Case(
        "hours and minutes that have passed, latest first",
        _latest_first(lambda row: f"{row}:30:00"),
        PLAN,
        2,
        ("'118:30:00' is not after '119:30:00'", "--time=t sorts"),
    ),
    Case(
        "sorted by days and hours that have passed",
        _latest_first(lambda row: f"{row // 24} days {row % 24}:00:00"),
        f"{PLAN} --time=t",
        reads=_is_sorted,
    ),
    Case(
        "seconds since 1970 that come twice",
        _file("x,v", [(1704067200 + row // 2 * 3600, WAVE[row]) for row in ROWS]),
        PLAN,
        2,
        ("column 'x': '1704067200' is not after '1704067200'",),
    ),
    Case(
        "a time of day in a column beside its date",
        _file("t,c,v", [(_days("%Y-%m-%d")(row // 9), f"{row % 9}:00", 1) for row in ROWS]),
        f"{PLAN} --time=t",
        2,
        ("comes twice", "if the time of day is in 'c', write both in one column"),
    ),
    Case(
        "a date that is missing",
        _file("t,v", [("" if row == 7 else _days("%Y-%m-%d")(row), WAVE[row]) for row in ROWS]),
        PLAN,
        2,
        ("row 9, column 't': '' is not a time that can be compared",),
    ),
    Case(
        "an hour that comes twice as summer ends",
        _file("t,v", [(f"2024-10-27 0{hour}:00", hour) for hour in (0, 1, 2, 2, 3)]),
        f"{PLAN} --time=t",
        2,
        (
            "row 5, column 't': the time '2024-10-27 02:00' comes twice, the first time in row 4;",
            "where clocks were set back, write the zone behind each time (+02:00, +01:00)",
        ),
    ),
    Case(
        "days that may be months",
        _file("t,v", [(f"{row % 12 + 1}/{row % 7 + 1}/{2000 + row}", WAVE[row]) for row in ROWS]),
        f"{PLAN} --time=t",
        2,
        ("row 2, column 't': '1/1/2000' may begin with its day or with its month",),
    ),
    Case(
        "shops without a time",
        _file("shop,v", [("AB"[row % 2], WAVE[row]) for row in ROWS]),
        PLAN,
        says=(
            "column 'shop' has 2 texts ('A', ...) and is not read",
            "--series=shop keeps these apart",
        ),
    ),
]
