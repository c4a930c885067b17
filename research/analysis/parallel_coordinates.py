"""Parallel coordinates: a line per row of a sweep over its settings, coloured by its metric."""

from typing import TYPE_CHECKING

import numpy as np

from research.analysis.arms_table import ArmsTable, Column
from research.analysis.axes import ranking
from research.analysis.number_format import as_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Characters of a value beside an axis.
LONGEST = 14
MOST_TICKS = 8


def parallel_figure(table: ArmsTable, column: Column) -> "Figure":
    """An axis per setting, the metric's last; the best row is black and on top.

    Rows without a mean are left out, as they have no position on the last axis.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    from research.analysis.canvas import Canvas

    index = table.columns.index(column)
    factor = 100.0 if column.in_percent else 1.0
    rows = [row for row in table.rows if row.cells[index].interval is not None]
    means = np.array([row.cells[index].interval.mean * factor for row in rows])  # type: ignore[union-attr]
    keys = list(table.rows[0].arm.settings)
    figure = Canvas(2.0 + 1.6 * len(keys), 4.2)
    axis = figure.add_subplot()
    heights = [_heights([row.arm.settings[key] for row in rows]) for key in keys]
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
    figure.heading(f"{table.title}\na line per row; black: the best")
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
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
