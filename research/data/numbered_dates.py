"""Numbers that are dates or times: 20240131, seconds since 1970, a spreadsheet's days."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

import numpy as np

from research.data.arrow import pa, pc

# Numbers that could be dates by chance.
_FEW = 5
# Days of a year or weeks that could be such by chance.
_MANY = 10
_EPOCH = datetime.datetime(1970, 1, 1)
_UNITS = {1: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
# Programs that count days, and their number of 1970-01-01.
_DAY_ZERO = {"Excel": 25_569.0, "Julian": 2_440_587.5, "MATLAB": 719_529.0}
# Whole words, so that neither lifetime nor updates is one.
_NAMES = re.compile(
    r"(?:^|[\W_])(?:date|time|day|datum|zeit|jour|fecha|(?:time)?stamp|datetime)(?:$|[\W_])"
    r"|(?:^|[\W_])(?:at|on|ts|dt)$",
    re.I,
)
# In days since 1970: 1990 to 2050.
_SINCE = 7_305
_UNTIL = 29_220
_THREE_YEARS = 1_100


def are_days(values: np.ndarray) -> bool:
    """Whether all of these whole numbers are months or days written as 202401, 240131 or 20240131,
    the latter perhaps with hours, minutes and seconds behind; by chance few would be."""
    days = [values * 100 + 1, *(values // scale for scale in (1, 100, 10_000, 1_000_000))]
    if len(np.unique(values)) < _FEW:
        return False
    if values.min() >= 100_101 and values.max() <= 991_231:
        days.append(values + 20_000_000)
    return any(map(_inside, days))


def _inside(days: np.ndarray) -> bool:
    """Whether all of these numbers are days written as 20240131."""
    if days.min() < 18_500_101 or days.max() > 21_501_231:  # most columns, and far faster
        return False
    year, rest = np.divmod(days, 10_000)
    month, day = np.divmod(rest, 100)
    inside = (
        (year >= 1850) & (year <= 2150) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    )
    return bool(inside.all())


def are_compact(codes: pa.StringArray) -> bool:
    """Whether all codes are days written as 31012024 or 01312024."""
    year = r"(?:19|20)\d\d$"
    day = r"(?:0[1-9]|[12]\d|3[01])"
    month = r"(?:0[1-9]|1[0-2])"
    orders = (f"^{day}{month}{year}", f"^{month}{day}{year}")
    return any(pc.all(pc.match_substring_regex(codes, order)).as_py() for order in orders)


def unit_since_1970(numbers: np.ndarray) -> str:
    """The unit in which all numbers [N] are times since 1970, in the years 2000 to 2050; "" if they
    are none."""
    since = 9.46e8
    until = 2.53e9
    least = numbers.min()
    most = numbers.max()
    fitting = (unit for s, unit in _UNITS.items() if since * s <= least and most <= until * s)
    return next(fitting, "")


def note_on_dates(name: str, numbers: np.ndarray) -> str:
    """The note on a column of numbers that may be dates; "" for other numbers.

    Args:
        name: the column's name.
        numbers: float64 [N], without missing ones.
    """
    what = _meaning(name, numbers)
    return what and (
        f"column '{name}' may be dates, {what}, and is read as a quantity; new dates lie outside of"
        " those that were trained on"
    )


def _meaning(name: str, numbers: np.ndarray) -> str:
    """What a column of numbers is if it may be dates, such as `days since 1899-12-30, as Excel
    counts them (45000 is 2023-03-15)`; "" for other numbers."""
    if len(numbers) < 2 or not np.isfinite(numbers).all() or numbers.min() == numbers.max():
        return ""
    return next(_meanings(name, numbers), "")


def _meanings(name: str, numbers: np.ndarray) -> Iterator[str]:
    first = float(numbers[0])
    if unit := unit_since_1970(numbers):
        scale = next(scale for scale, known in _UNITS.items() if known == unit)
        moment = _EPOCH + datetime.timedelta(seconds=first / scale)
        yield f"{unit} since 1970 ({first:.0f} is {moment:%Y-%m-%d %H:%M})"
    whole = bool((numbers == np.floor(numbers)).all())
    for program, zero in _DAY_ZERO.items():
        days = numbers - zero
        inside = days.min() >= _SINCE and days.max() <= _UNTIL
        if inside and _count_days(name, days, whole or program == "Julian"):
            moment = _EPOCH + datetime.timedelta(days=first - zero)
            yield f"days as {program} counts them ({first:.10g} is {moment:%Y-%m-%d %H:%M})"
    if not whole:
        return
    different = len(np.unique(numbers))
    year, day = np.divmod(numbers, 1000)
    of_century = (year >= 1900) & (year <= 2100)
    if different >= _MANY and (of_century & (day >= 1) & (day <= 366)).all():
        yield f"years with the day of the year ({first:.0f})"
    year, week = np.divmod(numbers, 100)
    of_century = (year >= 1990) & (year <= 2060)
    if different >= _MANY and (of_century & (week >= 1) & (week <= 53)).all():
        yield f"years with the week ({first:.0f})"
    if _inside(numbers):
        yield f"days written as {first:.0f}"


def _count_days(name: str, days: np.ndarray, whole: bool) -> bool:
    """Whether numbers in the range of days from 1970 are likely to be such: by the column's name,
    because many whole ones are within three years, or because others are whole minutes in order."""
    if _NAMES.search(name):
        return True
    if whole:
        near = days.max() - days.min() <= _THREE_YEARS
        return bool(near and len(np.unique(days)) >= _MANY)
    minutes = days * 1440
    in_order = (np.diff(days) >= 0).all() or (np.diff(days) <= 0).all()
    return bool(in_order and (np.abs(minutes - np.round(minutes)) < 1e-3).all())
