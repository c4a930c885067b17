"""What a footer says of rows whose intervals cover less than they promise."""

from collections.abc import Sequence

import numpy as np

from research.analysis.arms_table import ArmsTable, Cell
from research.statistics.irregular import collapsed, strongly_skewed
from research.statistics.nulls import SignFlips

# Rows that are named; the others are counted.
MOST_NAMED = 5


def irregular_rows(table: ArmsTable) -> str:
    """One sentence on rows with collapsed runs or strongly skewed values; none where none has."""
    places = [
        f"{row.label} ({f'{column.label}: ' if table.columns[1:] else ''}"
        for row in table.rows
        for column in table.columns
    ]
    reasons = _reasons([cell for row in table.rows for cell in row.cells])
    rows = [f"{place}{reason})" for place, reason in zip(places, reasons, strict=True) if reason]
    if not rows:
        return ""
    more = len(rows) - MOST_NAMED
    named = "; ".join([*rows[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
    flips = table.m and any(isinstance(null, SignFlips) for null in table.nulls)
    tests = "; sign flips test symmetry, which they lack, so p can be too small" if flips else ""
    return f"Intervals of skewed values cover their mean less often than 95 %{tests}: {named}."


def beyond_range(table: ArmsTable) -> str:
    """One sentence on intervals of shares that leave 0 to 100 % or have no width; "" where none
    does."""
    rows = []
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            interval = cell.interval
            if not column.in_percent or interval is None or interval.half_width is None:
                continue
            low = interval.mean - interval.half_width
            high = interval.mean + interval.half_width
            if low < 0 or high > 1 or low == high:
                rows.append(f"{row.label} ({column.label})" if table.columns[1:] else row.label)
    if not rows:
        return ""
    more = len(rows) - MOST_NAMED
    named = "; ".join([*rows[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
    return (
        "Intervals that go beyond 0 or 100 %, or have no width, say too little: near the end of its"
        f" range a metric is skewed, and a t-interval is symmetric: {named}."
    )


def _reasons(cells: Sequence[Cell]) -> list[str]:
    """What is irregular in each cell, or ""."""
    reasons = [""] * len(cells)
    by_size: dict[int, dict[int, list[float]]] = {}
    for place, cell in enumerate(cells):
        values = [value for value in cell.values if value is not None]
        by_size.setdefault(len(values), {})[place] = values
    # All rows of a size together: a sweep may have thousands.
    for size, rows in by_size.items():
        if size < 3:
            continue
        x = np.array(list(rows.values()))
        for place, far, skewed in zip(rows, collapsed(x).sum(-1), strongly_skewed(x), strict=True):
            if far:
                reasons[place] = f"{far} of {size} runs far from the others"
            elif skewed:
                reasons[place] = "strongly skewed"
    return reasons
