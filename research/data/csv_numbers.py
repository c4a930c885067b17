"""How a csv file writes numbers: its decimal and thousands marks, signs and units, and texts for a
missing value."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Collection, Sequence

import numpy as np

from research.data.arrow import pa, pc
from research.errors import UserError

# Texts, in small letters, that say in any column that there is no value; the other ones say so
# among numbers only, where a name cannot be meant. Between texts, NA is Namibia and none an answer.
NOTHING = (
    "",
    "?",
    "nan",
    "-nan",
    "n/a",
    "#n/a",
    "#na",
    "#n/a n/a",
    "<na>",
    "null",
    "(null)",
    "\\n",
    "nat",
)
AMONG_NUMBERS = (
    *(
        "na",
        "none",
        "nil",
        "missing",
        "unknown",
        "n.a.",
        "n.d.",
        "nd",
        "-",
        "--",
        "---",
        "–",
        "—",
        ".",
        "..",
        "...",
        "…",
    ),
    *(
        "*",
        "#div/0!",
        "#value!",
        "#ref!",
        "#name?",
        "#num!",
        "#null!",
        "1.#ind",
        "-1.#ind",
        "1.#qnan",
        "-1.#qnan",
    ),
)
# The usual space, and those that do not break or are thin.
_BLANKS = " \u00a0\u2009\u202f"
# Thousands marks, and what is taken for each.
MARKS = {
    ",": ",",
    ".": ".",
    "'": "'’",
    " ": _BLANKS,
    "_": "_",
}
# The marks that go with digits of other scripts: Arabic ones, and wide ones.
_MARKS = str.maketrans("٫٬．，", ".,.,")
# Other characters for a minus sign, hyphens and a dash among them.
_MINUS = "−﹣－‐‑‒–"


@dataclasses.dataclass(frozen=True)
class Format:
    """What a user says of how cells are to be read.

    decimal: the decimal mark. thousands: the mark between groups of three digits, "" for none.
        missing: more texts for a missing value. numbers, categories: columns whose kind she says.
        recorded: it is how a run's own data was read, which no flag changes for new data; units
        are then those of its columns, as `signed` gives them. Raises UserError if these contradict
        each other.
    """

    decimal: str = "."
    thousands: str = ""
    missing: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    # Not in the repr, whose digest is the key of a decoded copy.
    recorded: bool = dataclasses.field(default=False, repr=False)
    units: tuple[tuple[str, str], ...] = dataclasses.field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.thousands and self.thousands not in MARKS:
            known = " ".join(f"'{mark}'" for mark in MARKS)
            raise UserError(
                f"thousands={self.thousands}: expected the mark between groups of digits, one of"
                f" {known}"
            )
        if self.thousands == self.decimal:
            raise UserError(
                f"thousands={self.thousands} is the decimal mark already; set --decimal to"
                " another one"
            )
        if both := sorted({*self.numbers} & {*self.categories}):
            raise UserError(
                f"column '{both[0]}' is named by --numbers and by --categories; leave one of"
                " them out"
            )

    @property
    def pattern(self) -> str:
        """What a number looks like, without the anchors; read by RE2 and by Python."""
        decimal, digits = re.escape(self.decimal), "[0-9]"
        whole = f"{digits}+"
        if self.thousands:
            mark = f"[{re.escape(MARKS[self.thousands])}]"
            # Indian grouping has pairs above the last three digits: 12,34,567.
            # Groups of two digits, as in India.
            pairs = (
                f"{digits}{{1,2}}(?:,{digits}{{2}})+,{digits}{{3}}|"
                if self.thousands == ","
                else ""
            )
            whole = f"(?:{pairs}{digits}{{1,3}}(?:{mark}{digits}{{3}})+|{whole})"
        fraction = f"{decimal}{digits}*"
        return f"[+{_MINUS}-]?(?:{whole}(?:{fraction})?|{decimal}{digits}+)(?:[eE][+-]?{digits}+)?"

    def numbers_in(self, cells: pa.StringArray) -> np.ndarray:
        """The number in each cell, float64 [N], be it infinite; NaN for what is no number."""
        if self.decimal == "." and not self.thousands:
            # The fast path for a column of plain numbers only: a tenth of the time.
            try:
                return pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
            except pa.ArrowInvalid:
                pass
        cells = _with_plain_digits(cells)
        written = pc.match_substring_regex(cells, f"^(?:{self.pattern}|(?i:[+-]?inf(?:inity)?))$")
        plain = pc.replace_substring_regex(pc.if_else(written, cells, None), f"[{_MINUS}]", "-")
        if self.thousands:
            plain = pc.replace_substring_regex(plain, f"[{re.escape(MARKS[self.thousands])}]", "")
        plain = pc.replace_substring(plain, self.decimal, ".")
        return pc.cast(pc.replace_substring_regex(plain, r"^\+", ""), pa.float64()).to_numpy(
            zero_copy_only=False
        )

    def flags(self) -> str:
        """The flags that say how numbers are written."""
        mark = f'"{self.thousands}"' if self.thousands in " '" else self.thousands
        given = {
            f"--decimal={self.decimal}": self.decimal != ".",
            f"--thousands={mark}": self.thousands != "",
        }
        return " ".join(text for text, differs in given.items() if differs)

    def absent(self, cells: pa.StringArray, among_numbers: bool) -> np.ndarray:
        """Where a cell says that there is no value, bool [N]."""
        more = [text.lower() for text in self.missing]
        words = pa.array([*NOTHING, *(AMONG_NUMBERS if among_numbers else ()), *more])
        absent = pc.is_in(pc.utf8_lower(cells), words).to_numpy(zero_copy_only=False)
        # A program that writes -999 in one column writes -999.0 in another.
        numbers = self.numbers_in(pa.array(self.missing, pa.string()))
        if among_numbers and not np.isnan(numbers).all():
            absent = absent | np.isin(self.numbers_in(cells), numbers[~np.isnan(numbers)])
        return absent


def _with_plain_digits(cells: pa.StringArray) -> pa.StringArray:
    """The cells with 0 to 9 for the digits of other scripts, such as wide or Arabic ones, and with
    the points and commas that belong to them."""
    if not pc.any(pc.match_substring_regex(cells, r"[^\P{Nd}0-9]")).as_py():
        return cells
    texts = [
        text
        and "".join(str(unicodedata.decimal(letter, letter)) for letter in text.translate(_MARKS))
        for text in cells.to_pylist()
    ]
    return pa.array(texts, pa.string())


# Every way to write numbers that a message can propose; the first is the usual one.
FORMATS = tuple(
    Format(decimal, thousands)
    for decimal in ".,"
    for thousands in ("", ",", ".", " ", "'", "_")
    if thousands != decimal
)

_DIGITS = (
    rf"(?:\d{{1,3}}(?:[.,'’_{_BLANKS}]\d{{3}})+(?:[.,]\d*)?|\d{{1,2}}(?:,\d\d)+,\d{{3}}(?:\.\d*)?|"
    r"\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
)
_BEFORE = r"[<>≤≥~≈±]=?|(?:US|R|A|C)?[$€£¥₹₽₩₺₴₫₪฿]|[A-Z]{3}|kr\.?|Rs\.?|zł|Kč"
_AFTER = r"[%％﹪٪‰€£¥$₹₽₩₺₴₫₪฿°]|[^\W\d_][^\s\d]*|°[CF]"
_SIGNED = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-{_MINUS}])?\s*(?P<before>{_BEFORE})?\s*"
    rf"(?P<number>[-+{_MINUS}]?{_DIGITS})(?P<dash>[-{_MINUS}—]+)?"
    rf"\s*(?P<after>{_AFTER})?\s*(?(open)\))"
)
_CURRENCIES = {
    "USD",
    "EUR",
    "GBP",
    "CHF",
    "JPY",
    "CNY",
    "INR",
    "AUD",
    "CAD",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "CZK",
    "BRL",
}
_UNIT_WORDS = (
    "% ‰ ° °C °F $ € £ ¥ ₹ ₽ ₩ kr zł Kč kg g mg µg μg ug ng lb lbs oz t km m cm mm µm μm nm in ft"
    " yd mi s sec secs ms min mins h hr hrs d day days week weeks month months mo yr yrs year years"
    " y W kW MW kWh MWh V mV kV A mA Hz kHz MHz GHz mph kph km/h m/s l L ml mL dl dL cl K M B k bn"
    " mn Mio Mrd mmHg bpm kcal cal J kJ Pa hPa kPa bar psi mg/dL mg/dl g/dL g/dl mmol/L mmol/l g/L"
    " g/l U/L U/l ng/mL ng/ml KB kB MB GB TB px x"
)
_UNITS = {*_UNIT_WORDS.split()}
_ORDINALS = {"st", "nd", "rd", "th"}
_FEW_SIGNS = 3
_FEW_NUMBERS = 6


def signed(text: str) -> tuple[str, str] | None:
    """(sign, number) of a text such as `63%`, `$ 63.00`, `70 kg` or `(1,250)`, else None; the sign
    can be empty."""
    match = _SIGNED.fullmatch(text)
    if match is None:
        return None
    # A dash in place of cents (5.-) says nothing; one behind a number (5-) is a minus.
    behind = bool(match["dash"]) and match["number"][-1] not in ".,"
    minus = (bool(match["open"]) + bool(match["minus"]) + behind) % 2 == 1
    before = match["before"] or ""
    after = match["after"] or ""
    if before.isalpha() and before.isupper() and before not in _CURRENCIES:
        return None
    # Of ½ and ², which are no letters, the first adds to the number and the second is its power.
    if after and unicodedata.category(after[0]) == "No":
        return None
    return f"{before}…{after}" if before or after else "", "-" * minus + match["number"]


def is_number(text: str) -> bool:
    """Whether Python reads the text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def written_otherwise(texts: Collection[str]) -> dict[str, str]:
    """Of texts that are no plain numbers, those that are numbers written in another way, each with
    its sign.

    A letter after a number makes a code as often as a quantity. It counts as a unit if it is a
    usual one, or if it follows each of many numbers; and different signs are few.
    """
    split = {text: parts[0] for text in texts if (parts := signed(text)) is not None}
    after = {text: sign.partition("…")[2] for text, sign in split.items()}
    unusual = {
        unit for unit in after.values() if unit and unit not in _UNITS and unit not in _CURRENCIES
    }
    common = len({*after.values()}) == 1 and len(split) >= _FEW_NUMBERS and not unusual & _ORDINALS
    letters = (
        {unit for unit in after.values() if len(unit) == 1 and unit.isalpha()} if unusual else set()
    )
    usual = {
        text: sign for text, sign in split.items() if common or after[text] not in unusual | letters
    }
    return usual if len({*usual.values()} - {""}) <= _FEW_SIGNS else {}


def readings(texts: Sequence[str]) -> dict[float, Format]:
    """The formats in which all of these texts are numbers once their signs are taken off, by the
    first one's number."""
    numbers = pa.array(
        [parts[1] if (parts := signed(text)) else text for text in texts], pa.string()
    )
    fitting: dict[float, Format] = {}
    for candidate in FORMATS:
        values = candidate.numbers_in(numbers)
        if not np.isnan(values).any():
            # The first of several formats that read the same number is kept, so that advice is
            # stable.
            fitting.setdefault(float(values[0]), candidate)
    return fitting
