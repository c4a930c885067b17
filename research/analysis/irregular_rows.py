"""What a footer says of rows whose intervals cover less than they promise."""

import numpy as np

from research.analysis.arms_table import ArmsTable, Cell
from research.statistics.irregular import collapsed, strongly_skewed

# Rows that are named; the others are counted.
MOST_NAMED = 5


def irregular_rows(table: ArmsTable) -> str:
    """One sentence on rows with collapsed runs or strongly skewed values; none where none has."""
    several = len(table.columns) > 1
    rows = []
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            if reason := _reason(cell):
                in_column = f"{column.label}: " if several else ""
                rows.append(f"{row.label} ({in_column}{reason})")
    if not rows:
        return ""
    more = len(rows) - MOST_NAMED
    named = "; ".join([*rows[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
    flips = "rows" in table.claims and table.m
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


def _reason(cell: Cell) -> str:
    values = np.array([value for value in cell.values if value is not None])
    if values.size < 3:
        return ""
    far = int(collapsed(values).sum())
    if far:
        return f"{far} of {values.size} runs far from the others"
    return "strongly skewed" if strongly_skewed(values) else ""
