"""Lines with 95 % bands: one axis for a few, a panel each (the others in grey behind) for many."""

import dataclasses
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from research.analysis.figure_style import active, shortened
from research.statistics.intervals import t_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

# Okabe and Ito, without the yellow that vanishes on white: the colour-blind tell these apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# Lines of one axis differ in their markers too, for those who print in grey.
MARKERS = ("o", "s", "^", "D", "v", "P")
MARKS = 8  # markers along a learning curve
# More lines than this get a panel each.
OVERLAID = len(COLOURS)
PANELS_WIDE = 4
# Characters of a legend that stands beside the axis, a longer one stands below; and of a line of a
# panel's title.
BESIDE = 32
TITLE = 36
# Half of the values of a setting lie in this share of their range where they are spread by
# logarithms.
CROWDED = 0.25


@dataclasses.dataclass(frozen=True)
class Line:
    """x, mean, half_width: [N], NaN where there is none. complete: [N], whether every run of
    the line is in the mean.

    divergence_marks: (x, text) of marks at the foot of the axis.
    dashed: drawn over the others, so that it is seen where they coincide (a baseline).
    """

    label: str
    x: Array
    mean: Array
    half_width: Array
    complete: NDArray[np.bool_]
    divergence_marks: tuple[tuple[float, str], ...] = ()
    dashed: bool = False


def band(
    label: str,
    x: Array,
    runs: Sequence[Sequence[float]] | Array,
    factor: float = 1.0,
    divergence_marks: Sequence[tuple[float, str]] = (),
) -> Line:
    """The mean and 95 % t-band of some runs.

    Args:
        label: the line's label.
        x: positions [N].
        runs: values of each run, at most N; NaN counts as absent.
        factor: what values are multiplied by, such as 100 for percent.
        divergence_marks: positions and texts of runs that diverged.
    """
    values = np.full((len(runs), x.size), np.nan)
    for row, run in zip(values, runs, strict=True):
        row[: len(run)] = run
    # Infinities would pull the mean and the limits of the axis to infinity.
    values = np.where(np.isfinite(values), values * factor, np.nan)
    present = np.isfinite(values)
    n = present.sum(0)
    mean = np.divide(np.nansum(values, 0), n, out=np.full(x.size, np.nan), where=n > 0)
    squares = np.nansum((values - mean) ** 2, 0)
    # n - 1: the unbiased variance, which the t-quantile assumes.
    deviation = np.sqrt(np.divide(squares, n - 1, out=np.full(x.size, np.nan), where=n > 1))
    # One run has no spread: NaN leaves its band out.
    quantiles = np.array([t_quantile(k - 1) / math.sqrt(k) if k > 1 else np.nan for k in n])
    return Line(
        label, x, mean, deviation * quantiles, n == n.max(initial=0), tuple(divergence_marks)
    )


def draw(
    lines: Sequence[Line],
    title: str,
    x_label: str,
    y_label: str,
    *,
    log_y: bool,
    style: str = "-",
    epochs: bool = True,
) -> "Figure":
    """The figure of all lines; its y axis follows the means, and the title says what that cuts off.

    Args:
        lines: the lines, with their bands.
        title: the figure's title.
        x_label: the label of the x axis.
        y_label: the label of the y axis.
        log_y: whether y is logarithmic where the lines span more than a decade.
        style: lines, markers or both, as matplotlib writes it.
        epochs: whether x counts epochs; otherwise it is the values of a setting.
    """
    from research.analysis.canvas import Canvas

    single = len(lines) <= OVERLAID
    columns = 1 if single else active().panels(PANELS_WIDE)
    rows = 1 if single else math.ceil(len(lines) / columns)
    size = (8.0, 4.5) if single else (10.5, 1.2 + 1.9 * rows)
    figure = Canvas(*size)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel().tolist()
    _scales(grid[0], lines, epochs, log_y)
    cut = _cut(lines, *grid[0].get_ylim())
    figure.heading(f"{title}\nthe axis cuts off {cut}" if cut else title)
    if single:
        _overlaid(grid[0], lines, style)
        grid[0].set_xlabel(x_label)
        grid[0].set_ylabel(y_label)
    else:
        _panel_per_line(grid, lines, style, columns)
        figure.supxlabel(x_label, fontsize=10)
        figure.supylabel(y_label, fontsize=10)
    return figure


def _overlaid(axis: "Axes", lines: Sequence[Line], style: str) -> None:
    """All lines on one axis, with the legend outside."""
    for index, (line, colour) in enumerate(zip(lines, COLOURS, strict=False)):
        _line(axis, line, colour, style, MARKERS[index], index)
        _divergence_marks(axis, line, colour, 0.03 + 0.045 * index, overlaid=True)
    longest = max((len(line.label) for line in lines), default=0)
    if longest > BESIDE or (longest and active().narrow):
        axis.legend(loc="upper left", bbox_to_anchor=(0, -0.14), frameon=False, fontsize=8)
    elif longest:
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    clean(axis)


def _panel_per_line(grid: "list[Axes]", lines: Sequence[Line], style: str, columns: int) -> None:
    """A panel per line; the other lines stand behind it in grey."""
    for axis, line in zip(grid, lines, strict=False):
        for other in lines:
            if other.dashed and other is not line:
                axis.plot(other.x, other.mean, "--", color="black", linewidth=0.8, zorder=5)
            else:
                axis.plot(other.x, other.mean, color="#cccccc", linewidth=0.6, zorder=1)
        _line(axis, line, COLOURS[0], style)
        _divergence_marks(axis, line, COLOURS[1], 0.06, overlaid=False)
        axis.set_title(
            textwrap.fill(shortened(line.label, 3 * TITLE), TITLE),
            fontsize=9 if len(line.label) <= TITLE else 7,
        )
        clean(axis)
    for axis in grid[len(lines) :]:
        axis.set_visible(False)
    for axis in grid[max(0, len(lines) - columns) : len(lines)]:
        axis.tick_params(labelbottom=True)


def _line(
    axis: "Axes", line: Line, colour: str, style: str, marker: str = "", index: int = 0
) -> None:
    """The mean with its band while every run is in it, dotted where runs are missing.

    marker: tells the line from others without colour; index: of the line, which staggers the
        markers so that they do not hide each other.
    """
    low = line.mean - line.half_width
    high = line.mean + line.half_width
    # A single point has neither a line nor a band.
    if np.isfinite(line.mean).sum() == 1 or "-" not in style:
        face = [colour if complete else "white" for complete in line.complete]
        bars: dict[str, Any] = {
            "elinewidth": 1.2,
            "capsize": 3,
            "alpha": 1.0 if line.x.size == 1 else 0.4,
        }
        axis.errorbar(
            line.x, line.mean, line.half_width, fmt="none", ecolor=colour, zorder=3, **bars
        )
        marker = marker or "o"
        axis.plot(
            line.x, line.mean, marker, color=colour, markersize=3.5, label=line.label, zorder=4
        )
        axis.scatter(line.x, line.mean, s=12, c=face, marker=marker, edgecolors=colour, zorder=5)
        return
    axis.fill_between(
        line.x,
        low,
        high,
        where=line.complete.tolist(),
        color=colour,
        alpha=0.2,
        linewidth=0,
        zorder=2,
    )
    if not line.complete.all():
        axis.plot(
            line.x,
            line.mean,
            color=colour,
            linestyle=":",
            linewidth=1.3,
            marker=(marker or "o") if "o" in style else "",
            markersize=4,
            mfc="white",
            zorder=3,
        )
    # NaN breaks the line where some runs are missing, so no mean of others fills the gap.
    complete_mean = np.where(line.complete, line.mean, np.nan)
    spacing = 1 if "o" in style else max(1, line.x.size // MARKS)
    axis.plot(
        line.x,
        complete_mean,
        color=colour,
        linestyle="--" if line.dashed else "-",
        linewidth=1.6,
        marker=marker or ("o" if "o" in style else ""),
        markersize=4,
        markevery=(index % spacing, spacing),
        label=line.label,
        zorder=5 if line.dashed else 4,
    )


def _divergence_marks(axis: "Axes", line: Line, colour: str, height: float, overlaid: bool) -> None:
    """Marks at the foot with their texts: to the right where lines are overlaid, above where a
    panel is narrow."""
    for x, text in line.divergence_marks:
        foot = axis.get_xaxis_transform()
        axis.plot(
            [x],
            [height],
            "x",
            color=colour,
            transform=foot,
            markersize=6,
            markeredgewidth=1.8,
            zorder=5,
        )
        beside: dict[str, Any] = (
            {"xytext": (5, 0), "va": "center"}
            if overlaid
            else {"xytext": (0, 4), "ha": "center", "va": "bottom"}
        )
        axis.annotate(
            text, (x, height), xycoords=foot, textcoords="offset points", fontsize=6.5, **beside
        )


def _scales(axis: "Axes", lines: Sequence[Line], epochs: bool, log_y: bool) -> None:
    """Limits from the means, so that one wide band does not flatten all lines.

    Of epochs the first tenth does not count either: what differs is at the end.
    """
    from matplotlib.ticker import MaxNLocator

    end = max((line.x[-1] for line in lines), default=0.0)
    if not epochs:
        set_scale(axis, "x", np.concatenate([line.x for line in lines] or [np.zeros(0)]))
    elif end > 1:
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axis.set_xlim(0.5, 1.5)
        axis.set_xticks([1])
    means = np.concatenate(
        [line.mean[(line.x > end / 10) | (not epochs)] for line in lines] or [np.zeros(0)]
    )
    means = means[np.isfinite(means)]
    if log_y:
        set_scale(axis, "y", means)
    if not means.size:
        return
    transform = axis.yaxis.get_transform()
    low, high = (float(end) for end in transform.transform([means.min(), means.max()]))
    # The margin is taken on the scale of the axis: of decades where it is logarithmic.
    margin = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    axis.set_ylim(*transform.inverted().transform([low - margin, high + margin]).tolist())


def set_scale(axis: "Axes", which: Literal["x", "y"], values: Array) -> None:
    """Scales an axis so that the values are apart: by logarithms where they span more than a
    decade.

    Values of x must also crowd at the small end, as those drawn evenly from an interval do not.
    Where
    zero or negative values are among them, the axis is linear around zero and logarithmic farther
    out,
    if otherwise the largest values would flatten the others.

    Args:
        axis: matplotlib's axes.
        which: x or y.
        values: [N].
    """
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not sizes.size:
        return
    middle = float(np.median(sizes))
    most = float(sizes.max())
    if np.all(values[np.isfinite(values)] > 0):
        least = float(sizes.min())
        distinct = np.unique(sizes)
        crowded = distinct.size == 2 or np.median(distinct) - least < CROWDED * (most - least)
        if most > 10 * least and (which == "y" or crowded):
            axis.set(**{f"{which}scale": "log"})
    elif most > 100 * middle or (
        np.all(values[np.isfinite(values)] >= 0) and most > 50 * sizes.min()
    ):
        set_of = axis.set_xscale if which == "x" else axis.set_yscale
        set_of("symlog", linthresh=float(sizes.min()) if np.all(values >= 0) else middle)


def _cut(lines: Sequence[Line], low: float, high: float) -> str:
    """What lies outside the limits of the y axis, in words."""
    means = [(line.mean < low) | (line.mean > high) for line in lines]
    ends = [
        (line.mean - line.half_width < low) | (line.mean + line.half_width > high) for line in lines
    ]
    bands = [
        end & line.complete & ~mean for line, mean, end in zip(lines, means, ends, strict=True)
    ]
    cuts = {"the first epochs": means, "wide bands": bands}
    return " and ".join(words for words, masks in cuts.items() if any(mask.any() for mask in masks))


def clean(axis: "Axes") -> None:
    """The style of an axis: a light grid, without a frame, and no ticks that overprint."""
    from matplotlib.ticker import AutoLocator

    if active().narrow and isinstance(axis.xaxis.get_major_locator(), AutoLocator):
        axis.locator_params(axis="x", nbins=4)
    axis.grid(color="#eeeeee", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
