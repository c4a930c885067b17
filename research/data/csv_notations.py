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


# ISO 8601: P1DT2H.
_ISO_DURATION = r"P(?=[\dT])(?:\d+[YMWD])*(?:T(?:\d+(?:\.\d+)?[HMS])+)?"
# Minutes and seconds with a fraction, more than 99 of them, or days before them.
_CLOCK = r"(?:\d+\s*days?,?\s+)?\d+:\d\d(?::\d\d)?(?:[.,]\d+)?"
_VULGAR = "[¼½¾⅐-⅞]"
_NOTATIONS = {
    rf"{_NUMBER}\s*[x×*·]\s*10\s*(?:\^|\*\*)?\s*[-+−⁻]?(?:\d+|[⁰¹²³⁴-⁹]+)": Notation(
        "powers of ten", "write them with an e: 1.5e3 for 1.5×10^3"
    ),
    r"\d+\s*(?:'|′|ft\.?)\s*\d+(?:\.\d+)?\s*(?:\"|″|''|in\.?)?": Notation(
        "feet and inches", "write them in one unit: 71 for 5'11\""
    ),
    r"[+-]?\d+\s*°\s*\d+\s*['′].*": Notation(
        "degrees and minutes", "write them as decimals: 52.5 for 52°30'"
    ),
    rf"(?:\d+\s*(?:d|h|m|min|s|sec)\s*){{2,}}|\d+h\d+|{_ISO_DURATION}|{_CLOCK}": Notation(
        "durations", "write them in one unit: 90 for 1h 30m"
    ),
    # As spreadsheets mark a number that stays a text.
    rf"=?(?P<mark>['\"]){_NUMBER}(?P=mark)?|={_NUMBER}": Notation(
        "numbers marked as texts", "write them without the mark: 5 for ='5'"
    ),
    rf"{_NUMBER}\s*(?:[*†‡§]+|\[\w\]|\([a-z]\))": Notation(
        "numbers with footnotes", "write them without: 5 for 5*"
    ),
    r"[+-]?\d*\.\d+[dD][+-]?\d+|[+-]?\d+[dD][+-]\d+": Notation(
        "numbers as Fortran writes them", "write them with an e: 1.5e3 for 1.5D3"
    ),
    r"[+-]?\d+[·﹒]\d+": Notation(
        "numbers with another decimal mark", "write them with a point: 1.5 for 1·5"
    ),
    rf"[+-]?\d*\s*{_VULGAR}": Notation("fractions", "write them as decimals: 0.5 for ½"),
    r"[+-]?0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d+)?": Notation(
        "hexadecimal numbers", "write them in decimal: 31 for 0x1F"
    ),
    r"[+-]?(?:\d+\s+)?\d+\s*/\s*\d+": Notation("fractions", "write them as decimals: 0.25 for 1/4"),
    rf"{_NUMBER}\s*(?:±|\+/-|\+-)\s*\d+(?:[.,]\d+)?": Notation(
        "values with an uncertainty", "write the value alone, or the two in columns of their own"
    ),
    rf"{_NUMBER}\s*(?:-|–|—|\.\.\.?|to|bis)\s*{_NUMBER}|[\[(]{_NUMBER}\s*[,;]\s*{_NUMBER}[\])]": (
        Notation("ranges", "write one number for each, such as its middle")
    ),
    r"\[.*\]|\{.*\}|\(.*,.*\)": Notation(
        "lists", "write each of their elements in a column of its own"
    ),
}


def joined(texts: Collection[str]) -> tuple[str, list[str]] | None:
    """(a text, its parts) if some text is others of the texts with a mark between them."""
    known = {*texts}
    for mark in "|;,/+&":
        for text in texts:
            parts = [part.strip() for part in text.split(mark)]
            if len(parts) > 1 and known.issuperset(parts):
                return text, parts
    return None


def notation(texts: Collection[str]) -> tuple[str, Notation] | None:
    """(one of the texts, its notation) if most of the different texts are in one notation."""
    for pattern, known in _NOTATIONS.items():
        matching = [text for text in texts if re.fullmatch(pattern, text)]
        if len(matching) > _MOSTLY * len(texts):
            return matching[0], known
    return None
