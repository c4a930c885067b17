"""Figures of the table that answers an experiment's question: effects, or several data sets."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from research.analysis import figures
from research.analysis.arms_table import Column
from research.analysis.datasets_table import DatasetsTable
from research.analysis.effects_table import EffectsTable
from research.analysis.line_plots import COLOURS, MARKERS
from research.analysis.over_datasets import Spanned, is_comparable
from research.statistics.datasets import performance_profile

# matplotlib takes a second to import, so only code that draws imports it.
if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Answer = EffectsTable | DatasetsTable | None
# Worse, equivalent, better: safe for the colour-blind.
SHARES = (("worse", "#D55E00"), ("equivalent", "#BBBBBB"), ("better", "#0072B2"))
STYLES = ("-", "--", ":", "-.")


def of_answer(table: Answer) -> figures.Drawings:
    """Every figure of an answer."""
    if isinstance(table, EffectsTable):
        return figures.of_effects(table)
    drawings: figures.Drawings = {}
    for index in range(len(table.columns)) if table else ():
        assert table is not None
        drawings |= _of_column(table, index)
    return drawings


def _of_column(table: DatasetsTable, index: int) -> figures.Drawings:
    column = table.columns[index]
    ranked = [row for row in table.rows if row.together[index].rank is not None]
    if len(ranked) < 2:
        return {}
    drawings: figures.Drawings = {
        f"ranks-{column.metric}": partial(critical_difference, table, index)
    }
    comparable = is_comparable(column)
    if comparable:
        middles = {row.label: row.together[index].middle for row in ranked}
        quantity = f"IQM of {_in_unit(column)}"
        drawings[f"iqm-{column.metric}"] = partial(_estimates, table, column, middles, quantity)
    compared = {
        row.label: row.together[index].improvement
        for row in ranked
        if row.together[index].improvement is not None
    }
    if compared:
        quantity = f"probability of a better {column.label} than {table.baseline}"
        drawings[f"improvement-{column.metric}"] = partial(
            _estimates, table, None, compared, quantity, 0.5
        )
    if any(row.together[index].posterior for row in ranked):
        drawings[f"signed-ranks-{column.metric}"] = partial(signed_ranks, table, index)
    if comparable:
        drawings[f"profiles-{column.metric}"] = partial(profiles, table, index)
    return drawings


def critical_difference(table: DatasetsTable, index: int) -> "Figure":
    """Average ranks on an axis; a bar joins arms whose ranks do not differ (Demšar 2006)."""
    from research.analysis.canvas import Canvas

    ranking = table.rankings[index]
    assert ranking is not None
    ranks = {
        row.label: rank for row in table.rows if (rank := row.together[index].rank) is not None
    }
    ordered = sorted(ranks, key=lambda label: ranks[label])
    bars = _groups([ranks[label] for label in ordered], ranking.critical_difference)
    rows = (len(ordered) + 1) // 2
    figure = Canvas(7.0, 1.6 + 0.25 * (rows + len(bars)))
    figure.heading(
        f"{table.title}: average ranks of {table.columns[index].label} over"
        f" {len(table.datasets)} data sets\nbars join arms that do not differ (Nemenyi, 5 %;"
        f" critical difference {ranking.critical_difference:.2f})"
    )
    axis = figure.add_subplot()
    below = 0.5 * len(bars) + 0.5
    for place, label in enumerate(ordered):
        left = place < rows
        depth = below + (place if left else len(ordered) - 1 - place) + 0.5
        end = 1 - 0.1 if left else len(ordered) + 0.1
        axis.plot([ranks[label], ranks[label], end], [0, depth, depth], color="#333333", lw=0.9)
        side = "right" if left else "left"
        text = f"{label} ({ranks[label]:.2f})"
        axis.text(end, depth, f" {text} ", ha=side, va="center", fontsize=9)
    for height, (low, high) in enumerate(bars):
        axis.plot([low - 0.03, high + 0.03], [0.5 * (height + 1)] * 2, color="black", lw=3)
    axis.set_xlim(1, len(ordered))
    axis.set_ylim(below + rows + 0.2, 0)
    axis.set_xticks(range(1, len(ordered) + 1))
    axis.xaxis.tick_top()
    axis.spines[["left", "right", "bottom"]].set_visible(False)
    axis.set_yticks([])
    axis.margins(x=0.3)
    axis.set_clip_on(False)
    for artist in axis.get_children():
        artist.set_clip_on(False)
    return figure


def _groups(ranks: list[float], difference: float) -> list[tuple[float, float]]:
    """The longest stretches of sorted ranks that lie within the difference, two arms or more."""
    groups: list[tuple[float, float]] = []
    for first, low in enumerate(ranks):
        inside = [rank for rank in ranks[first:] if rank - low <= difference]
        # A stretch that ends where the one before ends is part of it.
        if len(inside) > 1 and (not groups or inside[-1] > groups[-1][1]):
            groups.append((low, inside[-1]))
    return groups


def _in_unit(column: Column) -> str:
    return column.label + (" (%)" if column.in_percent else "")


def _estimates(
    table: DatasetsTable,
    column: Column | None,
    estimates: dict[str, Spanned | None],
    quantity: str,
    middle: float | None = None,
) -> "Figure":
    """Values with their intervals, an arm per line.

    Args:
        table: the table.
        column: the metric that the values are of; None: they are shares.
        estimates: by arm.
        quantity: what they are.
        middle: where a line is drawn.
    """
    from research.analysis.canvas import Canvas

    factor = 100.0 if column is not None and column.in_percent else 1.0
    figure = Canvas(7.0, 1.3 + 0.3 * len(estimates))
    spanned = any(each is not None and each.low is not None for each in estimates.values())
    intervals = ", 95 % bootstrap intervals" if spanned else ""
    figure.heading(f"{table.title}: {len(table.datasets)} data sets{intervals}")
    axis = figure.add_subplot()
    if middle is not None:
        axis.axvline(middle, color="black", linewidth=0.8)
    for y, estimate in enumerate(estimates.values()):
        if estimate is None:
            continue
        if estimate.low is not None and estimate.high is not None:
            # Percentiles of a bootstrap may leave the value out, so this is no errorbar.
            ends = [factor * estimate.low, factor * estimate.high]
            axis.plot(ends, [y, y], "|-", color="#333333", linewidth=1.4)
        axis.plot(factor * estimate.value, y, "o", color="#333333")
    _rows(axis, list(estimates))
    axis.set_xlabel(quantity, fontsize=9)
    return figure


def signed_ranks(table: DatasetsTable, index: int) -> "Figure":
    """The posterior probabilities that a typical data set is worse, equivalent or better."""
    from research.analysis.canvas import Canvas

    posteriors = {
        row.label: posterior
        for row in table.rows
        if (posterior := row.together[index].posterior) is not None
    }
    figure = Canvas(7.0, 1.5 + 0.35 * len(posteriors))
    column = table.columns[index]
    figure.heading(f"{table.title}: {column.label} against {table.baseline}, Bayesian signed ranks")
    axis = figure.add_subplot()
    starts = np.zeros(len(posteriors))
    for (word, colour), shares in zip(SHARES, zip(*posteriors.values(), strict=True), strict=True):
        widths = np.array(shares)
        places = range(len(posteriors))
        axis.barh(places, widths, 0.6, starts, color=colour, edgecolor="white", label=word)
        for y, (start, width) in enumerate(zip(starts, widths, strict=True)):
            if width > 0.08:
                axis.text(
                    start + width / 2, y, f"{width:.2f}", ha="center", va="center", fontsize=8
                )
        starts = starts + widths
    _rows(axis, list(posteriors))
    axis.set_xlim(0, 1)
    axis.set_xlabel("posterior probability of a typical data set", fontsize=9)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8, frameon=False)
    return figure


def profiles(table: DatasetsTable, index: int) -> "Figure":
    """The share of all runs above each threshold, a line per arm (Agarwal et al. 2021)."""
    from research.analysis.canvas import Canvas

    column = table.columns[index]
    sign = 1 if column.better == "higher" else -1
    factor = 100.0 if column.in_percent else 1.0
    values = table.values[index]
    figure = Canvas(7.0, 4.0)
    figure.heading(f"{table.title}: runs on {len(table.datasets)} data sets that are better")
    axis = figure.add_subplot()
    finite = values[np.isfinite(values)]
    # Just outside the values, so that every line goes from all to none.
    slack = 0.02 * (np.ptp(finite) or 1.0)
    thresholds = np.linspace(finite.min() - slack, finite.max() + slack, 400)
    for arm, row in enumerate(table.rows):
        if np.isfinite(values[arm]).all():
            axis.plot(
                factor * thresholds,
                performance_profile(sign * values[arm], sign * thresholds),
                color=COLOURS[arm % len(COLOURS)],
                linestyle=STYLES[arm % len(STYLES)],
                marker=MARKERS[arm % len(MARKERS)],
                markevery=40,
                markersize=4,
                label=row.label,
            )
    axis.set_xlabel(f"threshold of {_in_unit(column)}", fontsize=9)
    axis.set_ylabel("share of runs beyond it", fontsize=9)
    axis.legend(fontsize=8, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def _rows(axis: "Axes", labels: list[str]) -> None:
    axis.set_yticks(range(len(labels)), labels, fontsize=9)
    axis.set_ylim(len(labels) - 0.5, -0.5)
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)
