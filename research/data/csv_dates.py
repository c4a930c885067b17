"""Which texts and whole numbers of a csv file are dates or times of day."""

import re

import numpy as np

_YEAR, _MONTH, _DAY = r"(?:1[89]|20|21)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_NAMED = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?\s*(?:z|utc|gmt|[+-]\d\d:?\d\d)?"
_DATES = (
    rf"{_YEAR}[-/.]{_MONTH}(?:[-/.]{_DAY})?",
    rf"{_DAY}[-/.]{_MONTH}[-/.](?:{_YEAR}|\d\d)",
    rf"{_MONTH}[-/.]{_DAY}[-/.](?:{_YEAR}|\d\d)",
    rf"{_DAY}\.?[-/ ]{_NAMED}(?:[-/ ,]+(?:{_YEAR}|\d\d))?",
    rf"{_NAMED}[-/ ]{_DAY}(?:st|nd|rd|th)?(?:[-/ ,]+(?:{_YEAR}|\d\d))?",
    rf"{_NAMED}[-/ ,]+(?:{_YEAR}|\d\d)",
    rf"{_YEAR}[-/ ]{_NAMED}(?:[-/ ]{_DAY})?",
    rf"{_YEAR}[-/ ]?(?:q[1-4]|w[0-5]?\d)(?:-?[1-7])?",
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_DATE = re.compile(
    rf"{_WEEKDAY}(?:{'|'.join(_DATES)})(?:[t ,]+{_CLOCK})?|{_CLOCK}|{_YEAR}[01]\d[0-3]\dt\d{{4,6}}z?", re.I
)


def is_date(text: str) -> bool:
    """Whether a text is a date, a time of day or both, in one of the usual spellings."""
    return _DATE.fullmatch(text) is not None


def are_days(values: np.ndarray) -> bool:
    """Whether all of these whole numbers are days written as 20240131; by chance few would be."""
    year, rest = np.divmod(values, 10_000)
    month, day = np.divmod(rest, 100)
    inside = (year >= 1850) & (year <= 2150) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    return bool(inside.all()) and len(np.unique(values)) >= 5
