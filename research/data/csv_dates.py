"""Which texts of a csv file are dates or times of day, and which moments these are."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import contextlib
import datetime
import itertools
import re
from collections.abc import Iterator, Sequence

import numpy as np

from research.data.arrow import pa, pc

_YEAR = r"(?:1[89]|20|21)\d\d"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_OTHER_MONTHS = (
    "märz|mär|mrz|mai|okt|dez|enero|ene|abril|abr|agosto|ago|diciembre|dic|février|févr|fév|avril|avr"
    "|juin|juillet|juil|août|aout|décembre|déc|gennaio|gen|maggio|mag|giugno|giu|luglio|lug"
    "|settembre|set|ottobre|ott|fevereiro|fev|março|maio|outubro|out|dezembro|oktober|mrt|mei"
)
_NAMED = (
    rf"(?:(?:{_OTHER_MONTHS})\.?|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?)"
)
_ZONE = r"(?:z|[a-z]{3,4}|[+-]\d\d:?\d\d(?:\[[\w/+-]+\])?)?"
_CLOCK = rf"\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?\s*{_ZONE}"
_DATES = (
    rf"{_YEAR}[-/.]{_MONTH}(?:[-/.]{_DAY})?",
    rf"{_DAY}[-/.]{_MONTH}[-/.](?:{_YEAR}|\d\d)",
    rf"{_MONTH}[-/.]{_DAY}[-/.](?:{_YEAR}|\d\d)",
    rf"{_DAY}\.?[-/ ]{_NAMED}(?:[-/ ,]+(?:{_YEAR}|\d\d))?",
    rf"{_NAMED}[-/ ]{_DAY}(?:st|nd|rd|th)?(?:[-/ ,]+(?:{_YEAR}|\d\d))?",
    rf"{_NAMED}[-/ ,]+(?:{_YEAR}|\d\d)",
    rf"{_YEAR}[-/ ]{_NAMED}(?:[-/ ]{_DAY})?",
    rf"{_YEAR}[-/ ]?(?:q[1-4]|w[0-5]?\d)(?:-?[1-7])?",
    rf"q[1-4][-/ ']*(?:{_YEAR}|\d\d)",
    rf"(?:0[1-9]|1[0-2])[-/]{_YEAR}",
    rf"{_YEAR}-[0-3]\d\d",  # the day of the year
    rf"{_YEAR}/\d\d",  # the year that a season begins in, and the next one
    "0000-00-00",  # as MySQL writes that there is none
    r"\d{4}([-/])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])",  # in other calendars
    rf"{_YEAR}[年년]\s*{_MONTH}[月월](?:\s*{_DAY}[日일])?",
)
# A time inside or behind its date, as ctime and web servers write it.
_OF_LOGS = (
    rf"{_NAMED} +{_DAY} +{_CLOCK}(?:\s*(?:[a-z]{{3,4}}|[+-]\d{{4}}))? +{_YEAR}",
    rf"\[?{_DAY}/{_NAMED}/{_YEAR}:{_CLOCK}\]?",
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_DATE = re.compile(
    rf"'?{_WEEKDAY}(?:{'|'.join(_DATES)})(?:[t"
    rf" ,]+{_CLOCK})?|{_WEEKDAY}(?:{'|'.join(_OF_LOGS)})|{_CLOCK}"
    rf"|{_YEAR}[01]\d[0-3]\dt\d{{4,6}}z?",
    re.I,
)


def is_date(text: str) -> bool:
    """Whether a text is a date, a time of day or both, in one of the usual spellings."""
    return _DATE.fullmatch(text) is not None


def is_day(text: str) -> bool:
    """Whether a text is a date, with a time of day or without."""
    return is_date(text) and re.fullmatch(_CLOCK, text, re.I) is None


def compact_dates(cells: pa.StringArray) -> np.ndarray | None:
    """The microseconds from 1970, int64 [N], of months, days or times written as 202401, 20240131
    or 202401311015; None if the cells are not all so."""
    length = len(cells[0].as_py())
    digits = pc.match_substring_regex(cells, rf"^(?:1[89]|20|21)[0-9]{{{max(0, length - 2)}}}$")
    if length not in (6, 8, 10, 12, 14) or not pc.all(digits).as_py():
        return None
    texts = cells.to_pylist()
    if length == 6:
        texts = [f"{text[:4]}-{text[4:]}" for text in texts]
    return moments([f"{text[:8]}T{text[8:]}" if text[8:] else text for text in texts])


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
    *(
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%Y-%b-%d",
        "%m/%Y",
        "%m-%Y",
        "%Y-%j",
        "%Y年%m月%d日",
        "%Y年%m月",
    ),
)
_CLOCKS = (*("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p"),)
_FORMATS = (
    *map("".join, itertools.product(_DAYS, _CLOCKS)),
    *(clock.strip() for clock in _CLOCKS[1:]),
)
_OTHERS = (
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S"),
    *("%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z", "[%d/%b/%Y:%H:%M:%S %z]"),
)
_ELAPSED = re.compile(
    r"(?:(?P<days>\d+)\s*(?:days?|d),?\s+)?(?P<hours>\d+):(?P<minutes>\d\d)"
    r"(?::(?P<seconds>\d\d(?:\.\d+)?))?"
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
    texts = [_plain(text) for text in texts]
    with contextlib.suppress(ValueError):
        read = [_iso(text) for text in texts]
        # Which came first of a time with a zone and one without cannot be known.
        if len({moment.tzinfo is None for moment in read}) > 1:
            return None
        return np.array([_microseconds(moment) for moment in read], np.int64)
    # All formats are tried: 01/02/2024 fits two of them, and choosing one would be a guess.
    readings = list(_readings(texts))
    if any((other != readings[0]).any() for other in readings[1:]):
        raise Ambiguous(readings)
    return readings[0] if readings else None


def _readings(texts: Sequence[str]) -> Iterator[np.ndarray]:
    """What the texts are in each format that all of them are written in."""
    for form in (*_FORMATS, *_OTHERS):
        try:
            for text in texts[:_TRIED]:
                datetime.datetime.strptime(text, form)
            yield np.array(
                [_microseconds(datetime.datetime.strptime(text, form)) for text in texts], np.int64
            )
        except ValueError:
            continue


def _plain(text: str) -> str:
    """A time without the name of its zone where that says nothing, and with AM and PM as Python
    reads them."""
    text = text.removesuffix(" UTC").removesuffix(" GMT")
    # The offset before it says the same.
    text = re.sub(r"(?<=\d)\[[\w/+-]+\]$", "", text)
    return re.sub(r"(?i)(?<=\d)(\s*[ap])\.?m\.?$", r"\1m", text)


def elapsed(texts: Sequence[str]) -> np.ndarray | None:
    """The microseconds of times that go on beyond a day, such as 26:00:00 and `1 days 02:00:00`,
    int64 [N]; None if a text is none of them."""
    matches = [_ELAPSED.fullmatch(text) for text in texts]
    if not all(matches):
        return None
    times = []
    for match in matches:
        assert match is not None
        hours = 24 * int(match["days"] or 0) + int(match["hours"])
        seconds = 60 * (60 * hours + int(match["minutes"]))
        times.append(1_000_000 * seconds + round(1e6 * float(match["seconds"] or 0)))
    return np.array(times, np.int64)


def _iso(text: str) -> datetime.datetime:
    """An ISO date, time or month. Raises ValueError for another text."""
    return datetime.datetime.fromisoformat(
        (f"{text}-01" if len(text) == 7 else text).replace("/", "-")
    )


def _microseconds(moment: datetime.datetime) -> int:
    if moment.tzinfo is None:
        # Local zones would make the order depend on the machine.
        moment = moment.replace(tzinfo=datetime.UTC)
    # In integers, so that equal times compare equal and no microsecond is rounded.
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)
