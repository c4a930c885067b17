"""Families of tests that are corrected for each other: the columns of a table."""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from research.statistics.comparisons import Comparisons, Null, consistent, scaled
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA

# The tests that p is corrected for: those of its column, or those of all columns.
Family = Literal["column", "table"]


class ColumnDifferences(NamedTuple):
    """The differences [n, m] of a column, how much of their sums can be rounding [m], and their
    distribution where nothing differs."""

    null: Null
    differences: Floats
    tolerance: Floats


def compare_columns(columns: Sequence[ColumnDifferences], family: Family) -> list[Comparisons]:
    """What the differences of each column show.

    Args:
        columns: of one table, with the same n pairs and m rows.
        family: which tests are corrected for each other. With `table`, columns with one null
            distribution are flipped or drawn together, so that p comes from the joint maximum of
            |t|. Where columns have several distributions, Holm's procedure corrects for these.
    """
    if family == "column":
        return [null.compared(values, slack, ALPHA) for null, values, slack in columns]
    tested = drawn_together([column.null for column in columns])
    level = ALPHA / max(len(tested), 1)
    result = {
        index: null.compared(values, slack, ALPHA)
        for index, (null, values, slack) in enumerate(columns)
        if null.untested
    }
    together = [_compare_group([columns[index] for index in group], level) for group in tested]
    for group, compared in zip(tested, holm(together), strict=True):
        result |= dict(zip(group, _split(compared, len(group)), strict=True))
    return [result[index] for index in range(len(columns))]


def drawn_together(nulls: Sequence[Null]) -> list[list[int]]:
    """The places of the tested columns, in groups that are flipped or drawn together."""
    groups: dict[Hashable, list[int]] = {}
    for index, null in enumerate(nulls):
        if not null.untested:
            groups.setdefault(null if null.joint else index, []).append(index)
    return list(groups.values())


def _compare_group(columns: Sequence[ColumnDifferences], alpha: float) -> Comparisons:
    """The comparisons of all columns [..., c * m], tested together."""
    if len(columns) == 1:
        ((null, values, slack),) = columns
        return null.compared(values, slack, alpha)
    # Units must not decide which comparisons vary alike.
    units = [scaled(column.differences)[0] for column in columns]
    values = np.concatenate(
        [column.differences / unit for column, unit in zip(columns, units, strict=True)], -1
    )
    slack = np.concatenate(
        [column.tolerance / unit[..., 0, :] for column, unit in zip(columns, units, strict=True)],
        -1,
    )
    compared = columns[0].null.compared(values, slack, alpha)
    unit = np.repeat(np.concatenate(units, -1)[..., 0, :], values.shape[-1] // len(columns), -1)
    return dataclasses.replace(
        compared, mean=compared.mean * unit, half_width=compared.half_width * unit
    )


def _split(compared: Comparisons, parts: int) -> list[Comparisons]:
    """Comparisons [parts * m] as `parts` of m."""
    fields = [getattr(compared, field.name) for field in dataclasses.fields(compared)]
    pieces = [np.split(values, parts, -1) for values in fields]
    return [Comparisons(*piece) for piece in zip(*pieces, strict=True)]


def holm(families: Sequence[Comparisons]) -> list[Comparisons]:
    """Families of tests, each corrected within itself, corrected for each other too.

    Each of G families has a G-th of the error. A family whose every difference is shown leaves its
    part to the others, as a single test does in Holm's procedure: before the first error, only
    families without a true null hypothesis can have left theirs. Intervals have the G-th part.

    Args:
        families: [m] each; their intervals keep ALPHA / G.

    References: Holm, Scandinavian Journal of Statistics 1979; Dmitrienko & Tamhane, Statistics in
    Medicine 2013, for families.
    """
    count = len(families)
    largest = [float(np.nanmax(each.adjusted, initial=0.0)) for each in families]
    corrected: dict[int, Comparisons] = {}
    floor = 0.0
    for place, index in enumerate(np.argsort(largest, kind="stable").tolist()):
        each = families[index]
        stepped = np.maximum((count - place) * each.adjusted, floor)
        adjusted = np.minimum(np.minimum(stepped, count * each.adjusted), 1.0)
        floor = max(floor, float(np.nanmax(adjusted, initial=0.0)))
        width = consistent(each.half_width, each.mean, adjusted <= ALPHA)
        corrected[index] = dataclasses.replace(each, adjusted=adjusted, half_width=width)
    return [corrected[index] for index in range(count)]
