"""Figures of importances: bars with intervals, Shapley values of every row, and curves of
dependence."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from research.analysis.figure_style import active, shortened
from research.analysis.importance.dependence import Dependence
from research.analysis.importance.importances import Importances
from research.analysis.importance.kept_run import KeptRun
from research.analysis.importance.shapley import ShapleyValues
from research.analysis.line_plots import COLOURS
from research.data.features.numbers import Numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_FEATURES = 30
LONGEST = 32
# Rows whose curves are drawn, and outputs that have a panel or a line.
MOST_CURVES = 50
MOST_OUTPUTS = 6
PANELS_WIDE = 4
# Categories that are named along an axis.
MOST_NAMES = 6


def bars(title: str, quantity: str, importances: Importances, factor: float) -> "Figure":
    """The features that matter most, each with its 95 % interval.

    Args:
        title: the figure's title.
        quantity: what the numbers are.
        importances: of one row.
        factor: what they are multiplied by, 100 for percentage points.
    """
    from research.analysis.canvas import Canvas

    order = importances.order()[:MOST_FEATURES]
    intervals = importances.intervals()
    means = [factor * intervals[place].mean for place in order]
    widths = [factor * (intervals[place].half_width or 0.0) for place in order]
    canvas = Canvas(6.0, 0.24 * len(order) + 1.3)
    left = len(importances.features) - len(order)
    canvas.heading(f"{title}\n{left} more features are not drawn" if left else title)
    axis = canvas.add_subplot()
    places = np.arange(len(order))
    axis.barh(places, means, 0.7, color=COLOURS[0], alpha=0.6)
    axis.errorbar(means, places, xerr=widths, fmt="none", ecolor="black", capsize=2, linewidth=0.9)
    names = [shortened(importances.features[place], LONGEST) for place in order]
    axis.set_yticks(places, names, fontsize=8)
    axis.set_ylim(len(order) - 0.4, -0.6)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlabel(quantity)
    axis.spines[["top", "right"]].set_visible(False)
    return canvas


def beeswarm(
    title: str, features: Sequence[str], x: Any, masks: Any, shapley: ShapleyValues, run: KeptRun
) -> "Figure":
    """A point per row and feature: its Shapley value, coloured by the feature's value. Of two
    classes the second is drawn, of more a panel each.

    Args:
        title: the figure's title.
        features: F names.
        x: raw inputs of N rows.
        masks: which columns each feature has.
        shapley: their values.
        run: the run.
    """
    from matplotlib import colormaps

    from research.analysis.canvas import Canvas

    outputs = _outputs(run)
    mean = np.abs(shapley.values).mean(axis=(0, 2))
    order = np.argsort(-mean, kind="stable")[:MOST_FEATURES]
    canvas = Canvas(5.2 * len(outputs) + 0.8, 0.26 * len(order) + 1.4)
    canvas.heading(f"{title}: Shapley values of {len(shapley.values):,} rows, seed {run.seed}")
    axes = canvas.subplots(1, len(outputs), squeeze=False, sharey=True)[0]
    for axis, (output, name) in zip(axes, outputs, strict=True):
        for place, feature in enumerate(order):
            values = shapley.values[:, feature, output]
            points = axis.scatter(
                values,
                place + _spread(values),
                s=8,
                c=_ranks(_first_column(x, masks, feature)),
                # A missing value is neither low nor high.
                cmap=colormaps["coolwarm"].with_extremes(bad="darkgrey"),
                plotnonfinite=True,
                vmin=0,
                vmax=1,
                linewidths=0,
            )
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_xlabel(f"Shapley value of {name}", fontsize=8.5)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(
        range(len(order)), [shortened(features[place], LONGEST) for place in order], fontsize=8
    )
    axes[0].set_ylim(len(order) - 0.5, -0.5)
    bar = canvas.colorbar(points, ax=axes, ticks=[0, 1], fraction=0.03)
    bar.set_ticklabels(["low", "high"])
    bar.set_label("value of the feature", fontsize=8.5)
    return canvas


def curves(title: str, of_runs: Sequence[Sequence[Dependence]], run: KeptRun) -> "Figure":
    """A panel per feature: the mean prediction over the feature's values, a line per seed, above
    the curves of single rows of the first seed.

    Args:
        title: the figure's title.
        of_runs: of each seed, the dependence on each feature.
        run: the first seed's run.
    """
    from research.analysis.canvas import Canvas

    features = sorted(range(len(of_runs[0])), key=lambda place: -of_runs[0][place].spread)
    features = features[:MOST_FEATURES]
    wide = min(active().panels(PANELS_WIDE), len(features))
    high = math.ceil(len(features) / wide)
    canvas = Canvas(2.7 * wide, 2.1 * high + 0.8)
    outputs = _outputs(run)
    what = ", ".join(name for _, name in outputs)
    single = f"; grey: single rows of seed {run.seed}" if len(outputs) == 1 else ""
    canvas.heading(f"{title}: mean {what}, a line per run{single}")
    axes = canvas.subplots(high, wide, squeeze=False, sharey=True).ravel()
    for axis, place in zip(axes, features, strict=False):
        _draw_curves(axis, [of_run[place] for of_run in of_runs], outputs)
        _name_categories(axis, of_runs[0][place], run)
    for axis in axes[len(features) :]:
        axis.set_axis_off()
    return canvas


def _draw_curves(
    axis: "Axes", of_seeds: Sequence[Dependence], outputs: Sequence[tuple[int, str]]
) -> None:
    first = of_seeds[0]
    if len(outputs) == 1:
        axis.plot(
            first.grid,
            first.curves[:, :MOST_CURVES, outputs[0][0]],
            color="grey",
            alpha=0.25,
            linewidth=0.6,
        )
    for of_seed in of_seeds:
        for place, (output, name) in enumerate(outputs):
            label = name if of_seed is first and len(outputs) > 1 else None
            axis.plot(
                of_seed.grid,
                of_seed.mean[:, output],
                color=COLOURS[place],
                linewidth=1.4,
                marker="o" if len(of_seed.grid) < 4 else None,
                markersize=3,
                label=label,
            )
    axis.set_title(shortened(first.feature.name, LONGEST), fontsize=8.5)
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)


def _name_categories(axis: "Axes", dependence: Dependence, run: KeptRun) -> None:
    """Writes a category's values along the axis."""
    if not dependence.feature.coded:
        return
    names = run.raw.as_a(Numbers).names
    values = [names[place].partition("=")[2] for place in dependence.feature.columns[""]]
    # Ceiling division: a step that never leaves more than MOST_NAMES names.
    step = -(-len(values) // MOST_NAMES)
    axis.set_xticks(dependence.grid[::step], [shortened(value, 10) for value in values[::step]])


def _outputs(run: KeptRun) -> list[tuple[int, str]]:
    """The outputs that are drawn, with their names: of two classes the second."""
    classes = run.spec.targets.classes
    if not classes:
        return [(0, "the prediction")]
    if len(classes) == 2:
        return [(1, f"p({classes[1]})")]
    return [(place, f"p({name})") for place, name in enumerate(classes[:MOST_OUTPUTS])]


def _first_column(x: Any, masks: Any, feature: int) -> np.ndarray:
    """The values [N] by which a feature's points are coloured: its first column, the mean of a
    series; of a category the place of the column that is set."""
    for array, mask in zip(jax.tree.leaves(x), jax.tree.leaves(masks), strict=True):
        columns = array[..., mask[feature]]
        if columns.shape[-1]:
            steps = columns.reshape(len(array), -1, columns.shape[-1]).mean(axis=1)
            return steps[:, 0] if steps.shape[1] == 1 else steps.argmax(axis=1).astype(float)
    return np.zeros(len(jax.tree.leaves(x)[0]))


def _ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value, from 0 to 1; equal values have the same, NaN has none."""
    _, place = np.unique(values, return_inverse=True)
    known = ~np.isnan(values)
    return np.where(known, place / max(place[known].max(initial=0), 1), np.nan)


def _spread(values: np.ndarray) -> np.ndarray:
    """How far points are moved aside, so that those with nearly the same value are all seen."""
    if np.ptp(values) == 0:
        return np.linspace(-0.3, 0.3, len(values))
    bins = np.digitize(values, np.linspace(values.min(), values.max(), 40))
    aside = np.zeros(len(values))
    for each in np.unique(bins):
        places = np.flatnonzero(bins == each)
        size = 0.35 * min(1.0, len(places) / 10)
        aside[places] = np.linspace(-size, size, len(places)) if len(places) > 1 else 0.0
    return aside
