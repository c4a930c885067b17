"""Odd orders: times of series in the spellings of logs and calendars, and signs of several series."""

import datetime
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case

FIRST = datetime.datetime(2024, 1, 1)
ROWS = range(120)
# An order without a rule: 47 and 120 have no common factor.
SHUFFLED = [47 * row % 120 for row in ROWS]
WAVE = [round(math.sin(row / 5), 5) for row in ROWS]
PLAN = "plan --dataset=csv:t.csv --target=v --task=forecast --arch=ar --context=8"


def _series(
    time: Callable[[int], object], order: list[int] | range = ROWS, values: list[float] = WAVE
) -> Callable[[Path], object]:
    lines = ["t,v", *(f"{time(row)},{values[row]}" for row in order)]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _hours(spelling: str) -> Callable[[int], str]:
    return lambda row: (FIRST + datetime.timedelta(hours=row)).strftime(spelling)


def _is_sorted(folder: Path) -> None:
    (file,) = (folder / ".cache" / "arrays").glob("csv_*/x.npy")
    np.testing.assert_allclose(np.load(file)[:, 0], WAVE, rtol=1e-6)


def _shuffled(name: str, time: Callable[[int], object]) -> list[Case]:
    return [
        Case(f"{name}, shuffled", _series(time, SHUFFLED), PLAN, 2, ("is not after",)),
        Case(f"{name}, sorted", _series(time, SHUFFLED), f"{PLAN} --time=t", reads=_is_sorted),
    ]


CASES: list[Case] = [
    *_shuffled("times as ctime writes them", _hours("%a %b %d %H:%M:%S %Y")),
    *_shuffled("times of a web server", _hours("[%d/%b/%Y:%H:%M:%S +0000]")),
    *_shuffled("hours as one number", _hours("%Y%m%d%H")),
    *_shuffled("days of the year", lambda row: f"2024-{row + 1:03}"),
    *_shuffled("dates of East Asia", lambda row: f"{2010 + row // 12}年{row % 12 + 1:02}月01日"),
    *_shuffled("months as one number", lambda row: 100 * (2010 + row // 12) + row % 12 + 1),
    *_shuffled("seconds since 1970", lambda row: 1.7e9 + 60 * row + row % 3),
    *_shuffled("numbers of rows with gaps", lambda row: row + row // 5),
    Case(
        "quarters newest first",
        _series(lambda row: f"Q{4 - row % 4} {2020 - row // 4}"),
        PLAN,
        2,
        ("is not a time that can be compared", "--drop=t"),
    ),
    Case(
        "times with a zone beside times without",
        _series(lambda row: f"{_hours('%Y-%m-%dT%H:%M')(row)}{'Z' * (row % 2)}"),
        PLAN,
        2,
        ("has dates that are written in several ways",),
    ),
    Case(
        "a gap in times that rise",
        _series(lambda row: (FIRST + datetime.timedelta(row + 119 * (row > 60))).date()),
        PLAN,
        says=("column 't': 1 of 119 steps are longer", "windows cross them"),
    ),
    Case(
        "a count that starts again",
        _series(lambda row: row % 40),
        PLAN,
        says=("column 't' counts from 0 to 39 and starts again in row 42; if a series ends there",),
    ),
    Case(
        "hours of the day start again",
        _series(lambda row: row % 24),
        PLAN,
        reads=_is_sorted,
    ),
    Case(
        "numbers of shops",
        _series(lambda row: row // 40),
        PLAN,
        says=("column 't' has 3 numbers ('0', ...) and is not read; if it names the series",),
    ),
    Case(
        "-999 in a series",
        _series(lambda row: row, values=[-999 if row % 30 == 5 else WAVE[row] for row in ROWS]),
        PLAN,
        says=("column 'v': -999, in 4 of 120 rows, lies far from all other values",),
    ),
]
