"""Notations: cells that write a quantity in a form that is no number, such as `10-20`."""

import re
from collections.abc import Collection
from typing import NamedTuple

_NUMBER = r"[+-]?\d+(?:[.,]\d+)?"
# A larger share of the different texts says what a column is.
_MOSTLY = 0.5


class Notation(NamedTuple):
    """What such cells are called, and what to write instead."""

    plural: str
    instead: str


_NOTATIONS = {
    r"[+-]?0[xX][0-9a-fA-F]+": Notation(
        "hexadecimal numbers", "write them in decimal: 31 for 0x1F"
    ),
    r"[+-]?(?:\d+\s+)?\d+\s*/\s*\d+": Notation("fractions", "write them as decimals: 0.25 for 1/4"),
    rf"{_NUMBER}\s*(?:±|\+/-|\+-)\s*\d+(?:[.,]\d+)?": Notation(
        "values with an uncertainty", "write the value alone, or the two in columns of their own"
    ),
    rf"{_NUMBER}\s*(?:-|–|—|\.\.\.?|to|bis)\s*{_NUMBER}|[\[(]{_NUMBER}\s*[,;]\s*{_NUMBER}[\])]": (
        Notation("ranges", "write one number for each, such as its middle")
    ),
}


def notation(texts: Collection[str]) -> tuple[str, Notation] | None:
    """(one of the texts, its notation) if most of the different texts are in one notation."""
    for pattern, known in _NOTATIONS.items():
        matching = [text for text in texts if re.fullmatch(pattern, text)]
        if len(matching) > _MOSTLY * len(texts):
            return matching[0], known
    return None
