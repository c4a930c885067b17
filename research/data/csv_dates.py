"""Which texts and whole numbers of a csv file are dates or times of day, and which moments these
are."""

import datetime
import itertools
import re
from collections.abc import Iterator, Sequence

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
    rf"{_WEEKDAY}(?:{'|'.join(_DATES)})(?:[t"
    rf" ,]+{_CLOCK})?|{_CLOCK}|{_YEAR}[01]\d[0-3]\dt\d{{4,6}}z?",
    re.I,
)


def is_date(text: str) -> bool:
    """Whether a text is a date, a time of day or both, in one of the usual spellings."""
    return _DATE.fullmatch(text) is not None


def is_day(text: str) -> bool:
    """Whether a text is a date, with a time of day or without."""
    return is_date(text) and re.fullmatch(_CLOCK, text, re.I) is None


def are_days(values: np.ndarray) -> bool:
    """Whether all of these whole numbers are days written as 20240131; by chance few would be."""
    year, rest = np.divmod(values, 10_000)
    month, day = np.divmod(rest, 100)
    inside = (
        (year >= 1850) & (year <= 2150) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    )
    return bool(inside.all()) and len(np.unique(values)) >= 5


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_DAYS = (
    *(
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d/%m/%y",
        "%m/%d/%y",
        "%d.%m.%Y",
        "%d.%m.%y",
        "%d-%m-%Y",
        "%m-%d-%Y",
    ),
    *(
        "%d %b %Y",
        "%d %B %Y",
        "%d-%b-%Y",
        "%d-%b-%y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%b %Y",
        "%B %Y",
        "%b-%Y",
        "%b-%y",
    ),
    *("%Y/%m/%d", "%Y.%m.%d", "%Y-%b-%d", "%m/%Y"),
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_FORMATS = (
    *map("".join, itertools.product(_DAYS, _CLOCKS)),
    *(clock.strip() for clock in _CLOCKS[1:]),
)
# Texts of a column by which a format is refused early.
_TRIED = 100


class Ambiguous(ValueError):
    """The texts are one thing if the day comes first, and another if the month does; `readings`:
    [N] each."""

    def __init__(self, readings: Sequence[np.ndarray]) -> None:
        super().__init__("the day may be the month")
        self.readings = tuple(readings)


def moments(texts: Sequence[str]) -> np.ndarray | None:
    """The microseconds from 1970, int64 [N], of dates and times that are all written alike; None if
    they are not.

    Those without a zone are taken alike. ISO 8601 comes first, then the usual spellings. Raises
    Ambiguous.
    """
    try:
        return np.array([_microseconds(_iso(text)) for text in texts], np.int64)
    except ValueError:
        pass
    # All formats are tried: 01/02/2024 fits two of them, and choosing one would be a guess.
    read = list(_readings([text.removesuffix(" UTC").removesuffix(" GMT") for text in texts]))
    if any((other != read[0]).any() for other in read[1:]):
        raise Ambiguous(read)
    return read[0] if read else None


def _readings(texts: Sequence[str]) -> Iterator[np.ndarray]:
    """What the texts are in each format that all of them are written in."""
    for form in _FORMATS:
        try:
            for text in texts[:_TRIED]:
                datetime.datetime.strptime(text, form)
            yield np.array(
                [_microseconds(datetime.datetime.strptime(text, form)) for text in texts], np.int64
            )
        except ValueError:
            continue


def _iso(text: str) -> datetime.datetime:
    """An ISO date, time or month. Raises ValueError for another text."""
    text = text.removesuffix(" UTC").removesuffix(" GMT")
    return datetime.datetime.fromisoformat(
        (f"{text}-01" if len(text) == 7 else text).replace("/", "-")
    )


def _microseconds(moment: datetime.datetime) -> int:
    if moment.tzinfo is None:
        # Local zones would make the order depend on the machine.
        moment = moment.replace(tzinfo=datetime.UTC)
    # In integers, so that equal times compare equal and no microsecond is rounded.
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)
