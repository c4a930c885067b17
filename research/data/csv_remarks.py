"""Notes on a column that was understood, where its cells could have meant something else."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import numpy as np

from research.data.arrow import pa, pc
from research.data.csv_columns import CsvColumn
from research.data.csv_notations import joined, notation
from research.data.csv_numbers import AMONG_NUMBERS, NOTHING, Format
from research.data.csv_refused import flag
from research.data.sentinels import sentinels

# Up to which float64 has every whole number.
_EXACT = 2.0**53
# Rows that show most columns to be no such.
_LOOKED_AT = 1000


def notes_on(column: CsvColumn, form: Format, numbers: np.ndarray) -> tuple[str, ...]:
    """Notes on a column of numbers: words and numbers that may mean a missing value, marks that may
    separate thousands, and values that float64 merges.

    Args:
        column: the column.
        form: how numbers are written.
        numbers: float64 [N]; NaN is missing.
    """
    return (
        *_words_without_value(column, form),
        *_placeholder(column, form, numbers),
        *_thousands(column, form),
        *(() if form.recorded else _merged(column, numbers)),
    )


def _placeholder(column: CsvColumn, form: Format, numbers: np.ndarray) -> Iterator[str]:
    """A note on numbers such as -999 that may mean a missing value."""
    for sentinel in sentinels(numbers):
        remedy = f"--missing={sentinel.value:.0f} reads it as a missing value"
        if form.recorded:
            remedy = "leave the cell empty where the value is missing"
        yield sentinel.note(column.name, len(numbers), remedy)


def _thousands(column: CsvColumn, form: Format) -> Iterator[str]:
    """A note if each decimal mark could separate thousands: 950 and 1.250, but neither 0.125 nor
    1.25."""
    if form.thousands:
        return
    mark = re.escape(form.decimal)
    either = rf"^[+-]?(?:[1-9][0-9]{{0,2}}{mark}[0-9]{{3}}|[0-9]{{1,3}}|)$"
    for cells in (column.cells[:_LOOKED_AT], column.cells):
        if not pc.all(pc.match_substring_regex(cells, either)).as_py():
            return
    marked = column.cells.filter(pc.match_substring(column.cells, form.decimal))
    whole = pc.sum(pc.match_substring_regex(column.cells, "^[+-]?[0-9]+$")).as_py()
    # Where all have three decimals, they are more likely rounded than all above a thousand.
    if len(marked) and whole:
        other = Format(",."[form.decimal == ","], form.decimal)
        cell = marked[0]
        meant = f"{other.numbers_in(marked[:1])[0]:g}"
        remedy = f"write {meant}" if form.recorded else f"{other.flags()} reads it as {meant}"
        yield (
            f"column '{column.name}': '{cell}' is read as"
            f" {form.numbers_in(marked[:1])[0]:g}; if the mark separates thousands, {remedy}"
        )


def _merged(column: CsvColumn, numbers: np.ndarray) -> Iterator[str]:
    """A note if whole numbers beyond 2**53 fall together in float64, as neighbouring ids of 19
    digits do."""
    # Above 2^53 neighbouring whole numbers share a float64, so ids may silently become one.
    large = np.abs(numbers) >= _EXACT
    if not large.any():
        return
    cells = column.cells.filter(pa.array(large))
    written = pc.unique(
        cells.filter(pc.match_substring_regex(cells, r"^[+-]?[0-9]+(?:\.0*)?$"))
    ).to_pylist()
    whole = {int(text.partition(".")[0]) for text in written}
    left = len({float(value) for value in whole})
    if left < len(whole):
        yield (
            f"column '{column.name}' has {len(whole):,} different whole numbers beyond 2^53, and"
            f" float64 tells only {left:,} of them apart; {flag('categories', column)} reads it as"
            f" categories, {flag('drop', column)} leaves it out"
        )


def notes_on_texts(column: CsvColumn, form: Format, names: tuple[str, ...]) -> list[str]:
    """Notes on categories that the user did not ask for: those that may mean a missing value or a
    number.

    Args:
        column: the column.
        form: how numbers are written.
        names: its categories.
    """
    notes = [
        f"column '{column.name}': '{name}' is a text; --missing={shlex.quote(name)} reads it"
        " as a missing value"
        for name in names
        if name.lower() in AMONG_NUMBERS
    ]
    if known := notation(names):
        text, (plural, instead) = known
        notes.append(
            f"column '{column.name}' has {plural} ('{text}') and is read as {len(names)}"
            f" categories; for a quantity {instead}; {flag('categories', column)} says that they"
            " are names"
        )
    if several := joined(names):
        text, parts = several
        shown = " and ".join(f"'{part}'" for part in parts[:3])
        notes.append(
            f"column '{column.name}': '{text}' joins {shown}, and is read as a category beside"
            " them; if a row may have several, write each in a column of its own"
        )
    numbers = ~np.isnan(form.numbers_in(pa.array(names, pa.string())))
    if numbers.any() and not numbers.all():
        number = names[int(numbers.argmax())]
        text = names[int(numbers.argmin())]
        notes.append(
            f"column '{column.name}' has numbers ('{number}') and texts ('{text}'), and is read as"
            " categories"
        )
    return notes


def _words_without_value(column: CsvColumn, form: Format) -> tuple[str, ...]:
    """A note on words of a column of numbers that are taken for missing values, but could be names
    elsewhere."""
    words = column.cells.filter(pa.array(form.absent(column.cells, among_numbers=True)))
    words = words.filter(pc.invert(pc.is_in(pc.utf8_lower(words), pa.array(NOTHING))))
    if not len(words):
        return ()
    shown = ", ".join(f"'{word}'" for word in pc.unique(words).to_pylist()[:3])
    return (
        (
            f"column '{column.name}': {shown} is read as a missing value, in {len(words)} of"
            f" {len(column.cells)} rows"
        ),
    )
