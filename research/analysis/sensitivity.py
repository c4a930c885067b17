"""Sensitivity: how a final metric depends on the settings of a sweep, one setting at a time."""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from research.analysis.arms_table import Arm, ArmsTable, Column
from research.analysis.axes import axes, group, ranking
from research.analysis.figure_style import active, shortened
from research.analysis.line_plots import COLOURS, PANELS_WIDE, Line, band, clean, draw, set_scale
from research.analysis.number_format import as_number
from research.analysis.table_builder import outcome
from research.errors import UserError
from research.sweeps.records.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Points further from the middle half of all than this many times its width lie at the edge of a
# figure of settings.
FAR = 5.0
# More values than these of one setting were drawn, not listed: they have no line through their
# best.
LISTED = 20
# Characters of a word on an axis.
LONGEST = 24


def numeric(table: ArmsTable) -> list[str]:
    """The settings of a sweep that have two numbers or more among their values."""
    # An option that its entry's name settles is a column of the table, and no axis of a figure.
    varying = {*axes([*table.records()])}
    keys = [key for key in _settings(table) if key in varying]
    values = {key: {row.arm.settings[key] for row in table.rows} for key in keys}
    return [
        key
        for key, of_key in values.items()
        if sum(as_number(value) is not None for value in of_key) > 1
    ]


def lines_of(table: ArmsTable, key: str) -> int:
    """How many lines the figure of a setting has: one for each combination of the others, one if no
    two agree."""
    settings = [
        row.arm.settings for row in table.rows if as_number(row.arm.settings[key]) is not None
    ]
    others = {tuple(value for k, value in of_row.items() if k != key) for of_row in settings}
    return 1 if len(others) == len(settings) else len(others)


def _settings(table: ArmsTable) -> list[str]:
    return list(table.rows[0].arm.settings) if table.rows else []


# One setting
# ------------------------------------------------------------------------------------------


def figure(
    records: Sequence[Record],
    column: Column,
    title: str,
    key: str = "learning_rate",
    beside: str = "",
) -> "Figure":
    """A final metric against a numeric setting, a line per combination of the other axes; two with
    the metric of another split beside it, as in a learning curve over sizes of the training set.

    Bands are 95 % t-intervals over seeds. A cross at the foot marks values at which runs diverged,
    with
    their number. Values that are not numbers are left out and named.

    Args:
        records: the runs' records.
        column: the metric.
        title: the figure's title.
        key: the setting.
        beside: the other split, as `train`; "": none.

    Raises:
        UserError: the setting has fewer than two numbers.
    """
    varying = axes(records)
    if key not in varying:
        raise UserError(
            f"the runs do not differ in {key}; a sensitivity figure needs two values of it or more"
        )
    others = [k for k in varying if k != key]
    arms = group(records, [*others, key])
    placed = [arm for arm in arms if as_number(arm.settings[key]) is not None]
    if len({as_number(arm.settings[key]) for arm in placed}) < 2:
        words = ", ".join(dict.fromkeys(arm.settings[key] for arm in arms if arm not in placed))
        raise UserError(
            f"{key} has no two numbers among its values ({words}); a sensitivity figure needs them"
        )
    by_line: dict[str, list[Arm]] = {}
    for arm in placed:
        label = ", ".join(f"{k}={arm.settings[k]}" for k in others if arm.settings[k])
        by_line.setdefault(label, []).append(arm)
    # All axes were sampled: no two runs lie on one line.
    sampled = max(map(len, by_line.values())) == 1
    if sampled:
        by_line = {"": sorted(placed, key=lambda arm: _number(arm, key))}
    prefix = f"{others[0]}=" if len(others) == 1 else ""
    factor = 100.0 if column.in_percent else 1.0
    lines = [
        _line(f"{name.removeprefix(prefix)} {split}".strip(), of_line, metric, key, factor)
        for name, of_line in by_line.items()
        for split, metric in _splits(column, beside)
    ]
    return draw(
        lines,
        f"{title}\n{_about(lines, arms, key)}",
        key,
        (column.metric.partition("/")[2] if beside else column.label) + " (%)" * column.in_percent,
        log_y=not column.in_percent,
        style="o" if sampled else "o-",
        epochs=False,
    )


def _splits(column: Column, beside: str) -> list[tuple[str, Column]]:
    """What lines show, and the name of each one's split where there are two."""
    if not beside:
        return [("", column)]
    split, _, name = column.metric.partition("/")
    other = dataclasses.replace(column, metric=f"{beside}/{name}")
    return [(beside, other), (split, column)]


def _about(lines: Sequence[Line], arms: Sequence[Arm], key: str) -> str:
    """What the marks of the figure are, and which values have no place in it."""
    parts = ["mean over seeds with 95 % t-band"]
    if any(line.divergence_marks for line in lines):
        parts.append("crosses: runs that diverged; hollow: mean of the others")
    words = dict.fromkeys(arm.settings[key] for arm in arms if as_number(arm.settings[key]) is None)
    named = [word for word in words if word]
    if named:
        parts.append(f"without {key}={', '.join(named)}")
    return "; ".join(parts)


def _line(label: str, arms: Sequence[Arm], column: Column, key: str, factor: float) -> Line:
    runs = [list(arm.records.values()) for arm in arms]
    width = max(map(len, runs))
    values = np.full((width, len(arms)), np.nan)
    diverged = []
    for index, records in enumerate(runs):
        outcomes = [outcome(record, column.metric) for record in records]
        finite = [
            r.metrics[column.metric]
            for r, o in zip(records, outcomes, strict=True)
            if o == "finished"
        ]
        values[: len(finite), index] = finite
        if outcomes.count("diverged"):
            diverged.append(
                (_number(arms[index], key), f"{outcomes.count('diverged')}/{len(outcomes)}")
            )
    return band(label, np.array([_number(arm, key) for arm in arms]), values, factor, diverged)


def _number(arm: Arm, key: str) -> float:
    number = as_number(arm.settings[key])
    assert number is not None
    return number


# All settings
# -----------------------------------------------------------------------------------------


def settings_figure(table: ArmsTable, column: Column) -> "Figure":
    """The mean of every row against each setting, a panel each: which settings matter, and where
    the best rows lie.

    The best row is marked in every panel. The line joins the best row of each value. Rows without a
    mean are crosses at the foot. Outliers lie at the edge.
    """
    from research.analysis.canvas import Canvas

    keys, index = _settings(table), table.columns.index(column)
    factor = 100.0 if column.in_percent else 1.0
    intervals = [row.cells[index].interval for row in table.rows]
    means = np.array(
        [math.nan if interval is None else interval.mean * factor for interval in intervals]
    )
    rows = math.ceil(len(keys) / active().panels(PANELS_WIDE))
    columns = math.ceil(len(keys) / rows)
    drawing = Canvas(1.2 + 2.7 * columns, 1.2 + 2.4 * rows)
    grid = drawing.subplots(rows, columns, sharey=True, squeeze=False).ravel().tolist()
    if not column.in_percent:
        set_scale(grid[0], "y", means)
    low, top, cut = _limits(means)
    if grid[0].get_yscale() == "linear" and low < top:
        margin = 0.06 * (top - low)
        grid[0].set_ylim(low - margin, top + margin)
    else:
        cut = 0
    # Outliers are drawn at the edge, since one of them would flatten all panels.
    clipped = np.clip(means, low, top) if cut else means
    for axis, key in zip(grid, keys, strict=False):
        _panel(axis, key, table, clipped, column)
    for axis in grid[len(keys) :]:
        axis.set_visible(False)
    parts = ["points: means of rows"]
    if any(_joined(_positions(key, table)[0]) for key in keys):
        parts.append("line: the best row of each value")
    parts.append("diamond: the best row")
    if any(np.isnan(_positions(key, table)[0]).any() for key in keys):
        parts.append("rows without a setting are left out of its panel")
    if not np.isfinite(means).all():
        parts.append("crosses: rows without a mean")
    if cut:
        parts.append(f"at the edge: {cut} outlier{'s' * (cut > 1)}")
    drawing.heading(f"{table.title}\n{'; '.join(parts)}")
    drawing.supylabel(column.label + (" (%)" if column.in_percent else ""), fontsize=10)
    return drawing


def _limits(means: np.ndarray) -> tuple[float, float, int]:
    """(low, high) of the means [N] without outliers, and the number of these."""
    # A row whose runs all diverged has no mean.
    finite = means[np.isfinite(means)]
    if not finite.size:
        return 0.0, 0.0, 0
    # Quartiles are not moved by the outliers that they are to find.
    quarter, three = np.quantile(finite, [0.25, 0.75])
    near = finite[
        (finite >= quarter - FAR * (three - quarter)) & (finite <= three + FAR * (three - quarter))
    ]
    # Most values are equal, so none is an outlier.
    if three == quarter:
        near = finite
    return float(near.min()), float(near.max()), int(finite.size - near.size)


def _positions(key: str, table: ArmsTable) -> tuple[np.ndarray, list[str]]:
    """(where each row lies on the axis of a setting [N], the names of the positions if they are
    words).

    Where numbers were drawn from an interval, words among them have no place: NaN.
    """
    texts = [row.arm.settings[key] for row in table.rows]
    numbers = [as_number(text) for text in texts]
    drawn = sum(number is not None for number in set(numbers)) > LISTED
    if drawn or None not in numbers:
        return np.array([math.nan if number is None else number for number in numbers]), []
    ranks = ranking(texts)
    words = sorted(ranks, key=lambda text: ranks[text])
    names = [shortened(word, LONGEST) for word in words]
    return np.array([float(words.index(text)) for text in texts]), [name or "–" for name in names]


def _joined(x: np.ndarray) -> bool:
    """Whether rows share positions on an axis, so that the best one of each can be joined."""
    return 1 < np.unique(x[np.isfinite(x)]).size <= min(LISTED, x.size // 2)


def _panel(axis: "Axes", key: str, table: ArmsTable, means: np.ndarray, column: Column) -> None:
    """One setting. means: of the rows [N], NaN where there is none."""
    x, names = _positions(key, table)
    if names:
        slanted = max(map(len, names)) > 5
        axis.set_xticks(
            range(len(names)),
            names,
            rotation=30 if slanted else 0,
            ha="right" if slanted else "center",
        )
    else:
        set_scale(axis, "x", x)
    finite = np.isfinite(means)
    axis.scatter(
        x[finite], means[finite], s=12, color=COLOURS[0], alpha=0.45, linewidths=0, zorder=3
    )
    # fmax and fmin skip rows without a mean.
    best = np.fmax if column.better == "higher" else np.fmin
    if _joined(x):
        values = np.unique(x)
        axis.plot(
            values,
            [best.reduce(means[x == value]) for value in values],
            color=COLOURS[0],
            linewidth=1.2,
        )
    if finite.any():
        winner = int(np.nanargmax(means) if column.better == "higher" else np.nanargmin(means))
        axis.plot(x[winner], means[winner], "D", color=COLOURS[1], markersize=5, zorder=5)
    foot = axis.get_xaxis_transform()
    axis.plot(
        x[~finite],
        np.full((~finite).sum(), 0.02),
        "x",
        color=COLOURS[1],
        transform=foot,
        markersize=4,
        zorder=4,
    )
    axis.set_xlabel(key, fontsize=9)
    clean(axis)
