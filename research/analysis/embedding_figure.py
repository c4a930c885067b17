"""The figures of an embedding: rows as points of a plane, coloured by group, and a dendrogram."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from research.analysis.figure_style import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 5.0  # inches of a panel
LONGEST = 24  # characters of a group's name
MOST_LEAVES = 30  # of a dendrogram; the lowest joins are left out
# Of so many groups each has a colour and its name; of more they share a scale.
MOST_GROUPS = 20
GREY = "#999999"
LEGEND_SIZE = 25.0


@dataclasses.dataclass(frozen=True)
class Colouring:
    """What colours the points of a panel.

    title: what it is. values: of each point, [N]: a group's number, -1 for none, or a number.
    names: of the groups; () of numbers.
    """

    title: str
    values: np.ndarray
    names: tuple[str, ...] = ()


def embedding_figure(
    title: str, points: np.ndarray, axes: tuple[str, str], colourings: Sequence[Colouring]
) -> "Figure":
    """Points of a plane, a panel per colouring.

    Args:
        title: the figure's title.
        points: [N, 2].
        axes: what the two numbers are.
        colourings: what the points are coloured by; none: they are all alike.
    """
    from research.analysis.canvas import Canvas

    panels = list(colourings) or [Colouring("", np.zeros(len(points)))]
    figure = Canvas((SIDE + 1.2) * len(panels), SIDE + 0.6)
    figure.heading(title)
    for axis, colouring in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        size = float(np.clip(10_000 / max(len(points), 1), 5, 30))
        if colouring.names and len(colouring.names) <= MOST_GROUPS:
            _groups(axis, points, colouring, size)
        else:
            drawn = axis.scatter(
                *points.T, c=colouring.values, cmap="viridis", s=size, linewidths=0
            )
            if colouring.title:
                figure.colorbar(drawn, ax=axis, shrink=0.8)
        axis.set_title(colouring.title, fontsize=9)
        axis.set_xlabel(axes[0], fontsize=9)
        axis.set_ylabel(axes[1], fontsize=9)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _groups(axis: "Axes", points: np.ndarray, colouring: Colouring, size: float) -> None:
    """The points of each group in a colour of its own, with its name beside the panel."""
    import matplotlib

    count = len(colouring.names)
    palette = matplotlib.colormaps["tab10" if count <= 10 else "tab20"]
    for group, name in enumerate(colouring.names):
        of_group = points[colouring.values == group]
        label = shortened(name, LONGEST)
        axis.scatter(
            of_group[:, 0], of_group[:, 1], color=palette(group), s=size, linewidths=0, label=label
        )
    none = points[colouring.values < 0]
    if len(none):
        axis.scatter(
            none[:, 0], none[:, 1], color=GREY, s=size, marker="x", linewidths=0.8, label="none"
        )
    legend = axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for mark in legend.legend_handles:
        mark.set_sizes([LEGEND_SIZE])  # type: ignore[union-attr]


def dendrogram_figure(title: str, tree: np.ndarray, clusters: int) -> "Figure":
    """A hierarchy of clusters as a tree, in whose branches below the cut the colours differ.

    Args:
        title: the figure's title.
        tree: scipy's linkage, [N - 1, 4].
        clusters: how many clusters the cut leaves.
    """
    from scipy.cluster.hierarchy import dendrogram, set_link_color_palette

    from research.analysis.canvas import Canvas
    from research.analysis.line_plots import COLOURS

    figure = Canvas(9.0, 5.0)
    figure.heading(title)
    axis = figure.add_subplot()
    # Between the last join inside the clusters and the first one of two of them.
    heights = np.concatenate([[0.0], np.sort(tree[:, 2])])
    cut = float(heights[len(heights) - clusters : len(heights) - clusters + 2].mean())
    set_link_color_palette(list(COLOURS))
    dendrogram(
        tree,
        p=max(MOST_LEAVES, clusters),
        truncate_mode="lastp",
        color_threshold=cut,
        above_threshold_color=GREY,
        leaf_font_size=7,
        leaf_rotation=90,
        ax=axis,
    )
    set_link_color_palette(None)
    if clusters > 1:
        axis.axhline(cut, color="black", linewidth=0.8, linestyle="--")
    axis.set_xlabel("row, or (number of rows) of a branch", fontsize=9)
    axis.set_ylabel("distance at which two clusters are joined", fontsize=9)
    axis.tick_params(axis="y", labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
