"""Odd series in csv files: their order, and numbers that float32 merges."""

import datetime
import json
import math
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case

FIRST = datetime.date(2024, 1, 1)
DAYS = [str(FIRST + datetime.timedelta(day)) for day in range(120)]
WAVE = [round(math.sin(day / 5), 6) for day in range(120)]
SHUFFLED = random.Random(0).sample(range(120), 120)
ORDERED = "--target=v --task=forecast --arch=ar --context=8"


def _file(
    header: str, rows: Iterable[Sequence[object]], name: str = "t.csv"
) -> Callable[[Path], None]:
    lines = [header, *(",".join(map(str, row)) for row in rows)]

    def write(folder: Path) -> None:
        (folder / name).write_text("\n".join(lines) + "\n")

    return write


def _plan(flags: str) -> str:
    return f"plan --dataset=csv:t.csv {ORDERED} {flags}"


def _train(flags: str) -> str:
    return f"train --dataset=csv:t.csv {ORDERED} --epochs=1 --learning_rate=0.01 {flags}"


def _array(folder: Path, part: str = "x") -> np.ndarray:
    """What was read, differences from the origin in float64 added to it."""
    (file,) = (folder / ".cache" / "arrays").glob(f"csv_*/{part}.npy")
    spec = json.loads((file.parent / "spec.json").read_text())
    origin = np.array(spec.get("origin", [0.0]) if part == "x" else spec.get("target_origin", 0.0))
    return np.load(file) + origin


def _reads(values: Sequence[float]) -> Callable[[Path], None]:
    return lambda folder: np.testing.assert_allclose(_array(folder)[:, 0], values, rtol=1e-7)


def _exactly(values: np.ndarray, part: str = "x") -> Callable[[Path], None]:
    """Each of the values is read to a millionth, which is far less than float32 has near them."""
    return lambda folder: np.testing.assert_allclose(
        _array(folder, part), values, rtol=0, atol=1e-6
    )


def _dated(order: Sequence[int]) -> list[tuple[str, float]]:
    return [(DAYS[day], WAVE[day]) for day in order]


SHOPS = [
    (shop, DAYS[day], WAVE[day] + 10 * place)
    for place, shop in enumerate("ABC")
    for day in range(120)
]
GAP = [(DAYS[day], WAVE[day]) for day in range(60)] + [
    (str(FIRST + datetime.timedelta(day + 119)), WAVE[day]) for day in range(60, 120)
]

_NORMAL = np.random.default_rng(0).normal(size=(120, 2))
_BIG = 1e8 + _NORMAL[:, 0]
_GOAL = 1e9 + 3 * _NORMAL[:, 1]
_HIGH = 1e8 + np.sin(np.arange(120) / 5)
_TABLE = "--epochs=1 --arch=linear --batch_size=8"


def _table(x: np.ndarray, y: Iterable[object]) -> Callable[[Path], None]:
    rows = zip(x.tolist(), _NORMAL[:, 1].tolist(), y, strict=True)
    return _file("a,b,y", rows)


def _two_columns(x: np.ndarray) -> np.ndarray:
    return np.stack([x, _NORMAL[:, 1]], axis=1)


_KINDS = ["uv"[row % 2] for row in range(120)]
_ID = 1234567890123456

CALENDAR = [(*map(int, day.split("-")), value) for day, value in zip(DAYS, WAVE, strict=True)]
HOURS = [(2024, 1, 1 + hour // 24, hour % 24, WAVE[hour]) for hour in range(120)]

CASES: list[Case] = [
    Case(
        "year, month and day newest first",
        _file("Year,Month,Day,v", CALENDAR[::-1]),
        _plan(""),
        2,
        (
            "row 3, column 'Year': by the columns 'Year', 'Month', 'Day' the date 2024-04-28 comes"
            " after 2024-04-29",
            "sort the rows, or write the date in one column for --time; --drop=Year leaves them",
        ),
    ),
    Case(
        "year, month and day in order",
        _file("year,month,day,v", CALENDAR),
        _plan(""),
        reads=_reads(WAVE),
    ),
    Case(
        "year, month and day newest first as they stand",
        _file("year,month,day,v", CALENDAR[::-1]),
        _plan("--drop=year"),
        reads=_reads(WAVE[::-1]),
    ),
    Case(
        "months shuffled",
        _file("year,month,v", [(2000 + row // 12, row % 12 + 1, WAVE[row]) for row in SHUFFLED]),
        _plan(""),
        2,
        ("by the columns 'year', 'month' the date",),
    ),
    Case(
        "hours beside year, month and day",
        _file("year,month,day,hour,v", HOURS),
        _plan(""),
        reads=_reads(WAVE),
    ),
    Case(
        "newest first",
        _file("date,v", _dated(range(119, -1, -1))),
        _plan(""),
        2,
        (
            "row 3, column 'date': '2024-04-28' is not after '2024-04-29'",
            "--time=date sorts the rows",
        ),
    ),
    Case(
        "newest first, sorted",
        _file("date,v", _dated(range(119, -1, -1))),
        _plan("--time=date"),
        reads=_reads(WAVE),
    ),
    Case(
        "shuffled",
        _file("date,v", _dated(SHUFFLED)),
        _plan(""),
        2,
        ("column 'date'", "is not after"),
    ),
    Case(
        "shuffled, sorted",
        _file("date,v", _dated(SHUFFLED)),
        _plan("--time=date"),
        reads=_reads(WAVE),
    ),
    Case(
        "newest first as it stands",
        _file("date,v", _dated(range(119, -1, -1))),
        _plan("--drop=date"),
        reads=_reads(WAVE[::-1]),
    ),
    Case(
        "Unix times, shuffled",
        _file("timestamp,v", [(1_700_000_000 + 3600 * hour, WAVE[hour]) for hour in SHUFFLED]),
        _plan(""),
        2,
        ("column 'timestamp'", "--time=timestamp sorts the rows"),
    ),
    Case(
        "times with a zone, shuffled, sorted",
        _file(
            "at,v",
            [
                (f"2024-01-{day + 1:02}T{hour:02}:00:00+02:00", WAVE[24 * day + hour])
                for day, hour in (divmod(place, 24) for place in SHUFFLED)
            ],
        ),
        _plan("--time=at"),
        reads=_reads(WAVE),
    ),
    Case(
        "three shops stacked",
        _file("shop,date,v", SHOPS),
        _plan(""),
        2,
        (
            "row 122, column 'date': '2024-01-01' is not after '2024-04-29'",
            "--series=COLUMN keeps several series apart",
        ),
    ),
    Case(
        "three shops stacked, sorted as one",
        _file("shop,date,v", SHOPS),
        _plan("--time=date"),
        2,
        ("'2024-01-01' comes twice", "--series=COLUMN keeps several series apart"),
    ),
    Case(
        "three shops stacked, kept apart",
        _file("shop,date,v", SHOPS),
        _plan("--series=shop --time=date"),
        reads=_reads([value for *_, value in SHOPS]),
    ),
    Case(
        "three shops side by side, kept apart",
        _file("shop,date,v", sorted(SHOPS, key=lambda row: str(row[1]))),
        _plan("--series=shop"),
        reads=_reads([value for *_, value in SHOPS]),
    ),
    Case(
        "a shop with too few days",
        _file("shop,date,v", SHOPS[:125]),
        _plan("--series=shop"),
        2,
        ("the shortest series of csv:t.csv has length=5, too short for a window of context=8",),
    ),
    Case(
        "a row without its shop",
        _file("shop,date,v", [*SHOPS, ("", "2024-06-01", 1)]),
        _plan("--series=shop"),
        2,
        ("row 362, column 'shop': the row does not say which series it belongs to",),
    ),
    Case(
        "doubled times",
        _file("date,v", [*_dated(range(50)), *_dated(range(49, 120))]),
        _plan(""),
        2,
        ("row 52, column 'date': '2024-02-19' is not after '2024-02-19'",),
    ),
    Case(
        "doubled times, sorted",
        _file("date,v", [*_dated(range(50)), *_dated(range(49, 120))]),
        _plan("--time=date"),
        2,
        ("row 52, column 'date': the time '2024-02-19' comes twice",),
    ),
    Case(
        "an hour that the clocks turn back to",
        _file("at,v", [(f"2024-10-27 0{hour}:30", 1) for hour in (0, 1, 2, 2, 3)]),
        _plan("--time=at"),
        2,
        ("row 5, column 'at': the time '2024-10-27 02:30' comes twice",),
    ),
    Case(
        "a gap of 119 steps",
        _file("date,v", GAP),
        _plan("--time=date"),
        says=(
            "note: csv:t.csv: column 'date': 1 of 119 steps are longer",
            "from '2024-02-29' to '2024-06-28'",
        ),
    ),
    Case(
        "a time that is none",
        _file("date,v", [("soon", 1), ("01/01/2024", 2)]),
        _plan("--time=date"),
        2,
        (
            (
                "row 2, column 'date': 'soon' is not a time that can be compared; expected a"
                " number or"
                " a date such as 2024-05"
            ),
        ),
    ),
    Case(
        "a time that is not there",
        _file("date,v", _dated(range(120))),
        _plan("--time=data"),
        2,
        ("did you mean date",),
    ),
    Case(
        "a time of a table",
        _file("date,v", _dated(range(120))),
        "plan --dataset=csv:t.csv --target=v --arch=linear --time=date",
        2,
        ("time and series apply only to a series; give --task=forecast",),
    ),
    Case(
        "a large column beside a small one",
        _table(_BIG, _KINDS),
        f"plan --dataset=csv:t.csv --target=y {_TABLE}",
        reads=_exactly(_two_columns(_BIG)),
    ),
    Case(
        "a large column without scaling",
        _table(_BIG, _KINDS),
        f"plan --dataset=csv:t.csv --target=y --scaling=none {_TABLE}",
        2,
        (
            (
                "float32 merges values of the column 'a' of csv:t.csv, which are near 1e+08; try"
                " --scaling=standard"
            ),
        ),
    ),
    Case(
        "a large column without scaling, in float64",
        _table(_BIG, _KINDS),
        "plan --dataset=csv:t.csv --target=y --scaling=none --precision=float64"
        f" --learning_rate=1e-18 {_TABLE}",
        reads=_exactly(_two_columns(_BIG)),
    ),
    Case(
        "Unix times a minute apart",
        _table(1_700_000_000 + 60 * np.arange(120), _KINDS),
        f"plan --dataset=csv:t.csv --target=y {_TABLE}",
        reads=_exactly(_two_columns(1.7e9 + 60 * np.arange(120))),
    ),
    Case(
        "ids of 16 digits as numbers",
        _table(_ID + np.arange(120), _KINDS),
        f"plan --dataset=csv:t.csv --target=y --numbers=a {_TABLE}",
        reads=_exactly(_two_columns(_ID + np.arange(120.0))),
    ),
    Case(
        "ids of two ranges",
        _table(np.where(np.arange(120) % 2, 10**15, 9 * 10**15) + np.arange(120), _KINDS),
        f"plan --dataset=csv:t.csv --target=y --numbers=a {_TABLE}",
        says=(
            (
                "note: csv:t.csv: column 'a' has 120 different values, and float32 tells only 61 of"
                " them apart."
            ),
        ),
    ),
    Case(
        "a target that float32 merges",
        _table(_NORMAL[:, 0], _GOAL),
        f"plan --dataset=csv:t.csv --target=y --target_scaling=none {_TABLE}",
        2,
        (
            (
                "float32 merges targets of csv:t.csv, which are near 1e+09; try"
                " --target_scaling=standard"
            ),
        ),
    ),
    Case(
        "a target that float32 merges, scaled",
        _table(_NORMAL[:, 0], _GOAL),
        f"train --dataset=csv:t.csv --target=y --target_scaling=standard {_TABLE}",
        reads=_exactly(_GOAL, "y"),
    ),
    Case(
        "a high series",
        _file("t,v", enumerate(_HIGH)),
        _plan("--target_scaling=none"),
        2,
        (
            (
                "float32 merges targets of csv:t.csv, which are near 1e+08; try"
                " --target_scaling=standard"
            ),
        ),
    ),
    Case(
        "a high series, scaled",
        _file("t,v", enumerate(_HIGH)),
        _train("--target_scaling=standard"),
        reads=_exactly(_HIGH[:, None]),
    ),
]
