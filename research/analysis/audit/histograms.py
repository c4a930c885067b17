"""Histograms of a table's columns and of its target, training rows beside test rows."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from research.analysis.audit.data_parts import DataParts, StoredColumn
from research.analysis.figure_style import active, shortened
from research.analysis.line_plots import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 60
PANELS_WIDE = 4
BINS = 24
# Categories that are drawn: the most frequent ones.
MOST_CATEGORIES = 12
LONGEST = 30


def histograms(data: DataParts) -> "Figure":
    """A panel per column, and one of the target where it is a class or a number."""
    from research.analysis.canvas import Canvas

    columns = [*_target(data), *data.columns[:MOST_COLUMNS]]
    wide = min(active().panels(PANELS_WIDE), max(len(columns), 1))
    high = math.ceil(len(columns) / wide)
    figure = Canvas(2.7 * wide, 1.9 * max(high, 1) + 0.7)
    left = len(data.columns) - MOST_COLUMNS
    more = f"; {left} more columns are not drawn" if left > 0 else ""
    figure.heading(
        f"{data.name}: {len(data.train):,} training rows (filled), {len(data.test):,} test rows"
        f" (line){more}"
    )
    axes = figure.subplots(max(high, 1), wide, squeeze=False).ravel()
    for axis, column in zip(axes, columns, strict=False):
        draw = _draw_categories if column.categories else _draw_numbers
        draw(axis, column)
        axis.set_title(shortened(column.name, LONGEST), fontsize=8.5)
        axis.tick_params(labelsize=7)
        axis.set_yticks([])
        axis.spines[["top", "right", "left"]].set_visible(False)
    for axis in axes[len(columns) :]:
        axis.set_axis_off()
    return figure


def _target(data: DataParts) -> list[StoredColumn]:
    """The target as a column; none where an example has several."""
    train, test = data.targets(data.train), data.targets(data.test)
    if train.ndim != 1:
        return []
    names = data.spec.targets.classes
    return [StoredColumn("target", train.astype(float), test.astype(float), names)]


def _draw_numbers(axis: "Axes", column: StoredColumn) -> None:
    """The densities of both parts over the same bins."""
    train, test = (part[~np.isnan(part)] for part in (column.train, column.test))
    if not len(train) + len(test):
        return
    edges = np.histogram_bin_edges(np.concatenate([train, test]), BINS)
    for part, how in ((train, {"alpha": 0.5}), (test, {"histtype": "step", "linewidth": 1.2})):
        if len(part):
            colour = COLOURS[0] if part is train else COLOURS[1]
            axis.hist(
                part, edges.tolist(), weights=np.full(len(part), 1 / len(part)), color=colour, **how
            )


def _draw_categories(axis: "Axes", column: StoredColumn) -> None:
    """The share of each category in both parts."""
    count = len(column.categories)
    train, test = (_shares(part, count) for part in (column.train, column.test))
    # The most frequent ones, in their own order.
    order = np.sort(np.argsort(-(train + test), kind="stable")[:MOST_CATEGORIES])
    places = np.arange(len(order))
    axis.bar(places, train[order], 0.8, color=COLOURS[0], alpha=0.5)
    axis.bar(places, test[order], 0.8, facecolor="none", edgecolor=COLOURS[1], linewidth=1.2)
    names = [shortened(column.categories[place], 10) for place in order]
    slanted = max(map(len, names), default=0) * len(names) > 24
    axis.set_xticks(
        places, names, rotation=45 if slanted else 0, ha="right" if slanted else "center"
    )


def _shares(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    known = values[~np.isnan(values)].astype(int)
    return np.bincount(known, minlength=count) / max(len(values), 1)
