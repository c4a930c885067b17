"""Parallel coordinates: a line per row of a sweep, or per trial, coloured by its metric."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from research.analysis.arms_table import ArmsTable, Column
from research.analysis.axes import ranking
from research.analysis.figure_style import shortened
from research.analysis.number_format import as_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Characters of a value beside an axis.
LONGEST = 14
MOST_TICKS = 8


# The settings of a line, and its value in the column's unit.
Line = tuple[Mapping[str, str], float]


def parallel_figure(table: ArmsTable, column: Column) -> "Figure":
    """A line per row of a sweep.

    Rows without a mean are left out, as they have no position on the last axis.
    """
    index = table.columns.index(column)
    rows = [
        (row.arm.settings, row.cells[index].interval.mean)  # type: ignore[union-attr]
        for row in table.rows
        if row.cells[index].interval is not None
    ]
    return lines_figure(f"{table.title}\na line per row; black: the best", rows, column)


def lines_figure(heading: str, rows: Sequence[Line], column: Column) -> "Figure":
    """An axis per setting, the metric's last; the best line is black and on top.

    Args:
        heading: over the figure.
        rows: at least one line; a setting that it lacks is none there.
        column: the metric.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    from research.analysis.canvas import Canvas

    factor = 100.0 if column.in_percent else 1.0
    means = np.array([value * factor for _, value in rows])
    keys = list(dict.fromkeys(key for settings, _ in rows for key in settings))
    figure = Canvas(2.0 + 1.6 * len(keys), 4.2)
    axis = figure.add_subplot()
    heights = [_heights([settings.get(key, "") for settings, _ in rows]) for key in keys]
    # Where all means are equal their span is 0.
    span = float(np.ptp(means)) or 1.0
    lines = np.column_stack([*(height for height, _ in heights), (means - means.min()) / span])
    colours = ScalarMappable(Normalize(means.min(), means.max()), "viridis")
    # The best row comes last, whichever direction is better.
    order = np.argsort(means if column.better == "higher" else -means)
    x = np.arange(len(keys) + 1)
    # Worse rows first, so that good ones are drawn over them.
    for i in order[:-1]:
        axis.plot(x, lines[i], color=colours.to_rgba(means[i]), linewidth=0.8, alpha=0.7)
    axis.plot(x, lines[order[-1]], color="black", linewidth=2.0, marker="o", markersize=4)
    for position, (_, ticks) in enumerate(heights):
        axis.axvline(position, color="#888888", linewidth=0.8)
        for height, text in ticks:
            axis.annotate(
                text, (position, height), xytext=(3, 2), textcoords="offset points", fontsize=7
            )
    axis.axvline(len(keys), color="#888888", linewidth=0.8)
    axis.set_xticks(x, [*keys, column.label], rotation=15, ha="right", fontsize=8)
    axis.set_yticks([])
    axis.set_ylim(-0.05, 1.08)
    axis.spines[:].set_visible(False)
    figure.colorbar(colours, ax=axis, label=column.label + (" (%)" if column.in_percent else ""))
    figure.heading(heading)
    return figure


def _heights(texts: list[str]) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """(where each value lies between 0 and 1 [N], ticks of an axis): evenly by rank, words
    first."""
    ranks = ranking(texts)
    values = sorted(ranks, key=lambda text: ranks[text])
    last = max(len(values) - 1, 1)
    heights = {value: i / last for i, value in enumerate(values)}
    step = -(-len(values) // MOST_TICKS)
    ticks = [(heights[value], _short(value)) for value in values[::step]]
    return np.array([heights[text] for text in texts]), ticks


def _short(value: str) -> str:
    number = as_number(value)
    text = f"{number:.3g}" if number is not None else value or "–"
    return shortened(text, LONGEST)
