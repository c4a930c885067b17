"""Figures of a table: learning curves, paired differences, sensitivity to settings; PNG and PDF."""

import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from research.analysis import sensitivity
from research.analysis.arms_table import BETTER, WORSE, ArmsTable, Cell, Column
from research.analysis.effects_table import EffectsTable
from research.analysis.figure_style import NARROW, fitted, wrap
from research.analysis.line_plots import band, draw
from research.analysis.number_format import p_value
from research.data.progress_bar import counted
from research.errors import UserError
from research.sweeps.declare.designs import SHAPLEY
from research.sweeps.records.record import Record

# matplotlib takes a second to import, so only code that draws imports it.
if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Figures by name, each drawn when it is called: drawing takes up to a second.
Drawings: TypeAlias = "dict[str, Callable[[], Figure]]"

MOST_CURVES = 40
# Over numbers of clusters the inertia has an elbow where more of them gain little.
CLUSTERS = "arch.n_clusters"
INERTIA = Column("train inertia", "train/inertia", "lower")
# An interval that reaches so many times as far from zero as the middle one is cut off.
FAR = 10.0
# The share of a figure's width that labels of rows may take.
LABELS = 0.33

# Blue and vermilion of Okabe and Ito, safe for the colour-blind.
_VERDICTS = {
    BETTER: "#0072B2",
    WORSE: "#D55E00",
}
_MARKERS = {BETTER: "^", WORSE: "v"}  # the same in grey
_NEUTRAL = "#555555"


def write_figures(
    table: ArmsTable, directory: str | os.PathLike[str], all_rows: ArmsTable | None = None
) -> list[Path]:
    """Writes every figure of a table as PNG and PDF; returns the files.

    Args:
        table: the table.
        directory: where the files are written.
        all_rows: the table with all its rows, if `table` shows only some; sensitivity reads all.

    Raises:
        UserError: the directory cannot be written.
    """
    drawings = of_table(table, all_rows)
    return [
        path
        for name in counted([*drawings], "drawing", "figure")
        for path in save(drawings[name](), directory, name)
    ]


def left_out(table: ArmsTable, all_rows: ArmsTable | None = None) -> Iterator[str]:
    """Why figures of a table are not drawn, a sentence for each."""
    all_rows = all_rows or table
    curves = _curves(table.columns, list(table.records()))
    if len(table.rows) > MOST_CURVES and curves:
        yield (
            f"no learning curves: {len(table.rows)} rows are more than {MOST_CURVES} panels hold;"
            " choose some with --top or --where"
        )
    elif not curves:
        yield "no learning curves: the runs have recorded none"
    if table.baseline is None:
        yield "no figure of differences: they need a baseline"
    for key in sensitivity.numeric(all_rows):
        count = sensitivity.lines_of(all_rows, key)
        if count > MOST_CURVES:
            yield (
                f"no sensitivity to {key}: the other settings make {count} lines, more than"
                f" {MOST_CURVES} panels hold; choose rows with --where"
            )


def of_table(table: ArmsTable, all_rows: ArmsTable | None = None) -> Drawings:
    """Every figure that the table's records allow; `left_out` says which are not.

    all_rows: the table with all its rows.
    """
    drawings: Drawings = {}
    records = list(table.records())
    for name in _curves(table.columns, records) if len(table.rows) <= MOST_CURVES else ():
        drawings[f"curves-{name}"] = partial(learning_curves, table, name)
    for column in table.columns:
        if table.baseline is not None and table.m and len(table.rows) > 1:
            drawings[f"differences-{column.metric}"] = partial(forest, table, column)
        drawings |= _of_settings(all_rows or table, column)
    return drawings


def _of_settings(table: ArmsTable, column: Column) -> Drawings:
    """The figures of a sweep: the metric against each of its settings, and all settings side by
    side."""
    drawings: Drawings = {}
    settings = list(table.rows[0].arm.settings) if table.rows else []
    numeric = sensitivity.numeric(table)
    records = list(table.records())
    for key in numeric:
        name = f"sensitivity-{column.metric}" + (f"-{key}" if len(numeric) > 1 else "")
        if sensitivity.lines_of(table, key) <= MOST_CURVES:
            drawings[name] = partial(sensitivity.figure, records, column, table.title, key)
        split, _, metric = column.metric.partition("/")
        both = split in ("validation", "test") and sensitivity.lines_of(table, key) <= MOST_CURVES
        if key == "train_size" and both and any(f"train/{metric}" in r.metrics for r in records):
            drawings[f"train-size-{column.metric}"] = partial(
                sensitivity.figure, records, column, table.title, key, "train"
            )
    if CLUSTERS in numeric and any(INERTIA.metric in record.metrics for record in records):
        drawings["elbow"] = partial(sensitivity.figure, records, INERTIA, table.title, CLUSTERS)
    if len(settings) > 1:
        name = f"settings-{column.metric}"
        drawings[name] = partial(sensitivity.settings_figure, table, column)
    return drawings


def save(figure: "Figure", directory: str | os.PathLike[str], name: str) -> list[Path]:
    """Writes NAME.png and NAME.pdf, and as NAME.txt a title that stands outside the figure.

    Args:
        figure: the figure.
        directory: where the files are written.
        name: their name; a slash in it becomes a dash, a space an underscore.

    Raises:
        UserError: the directory cannot be written.
    """
    from research.analysis.canvas import Canvas

    stem = Path(directory) / name.replace("/", "-").replace(" ", "_")
    paths = [Path(f"{stem}.png"), Path(f"{stem}.pdf")]
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(paths[0], dpi=150 if figure.get_figwidth() > NARROW else 300)
        figure.savefig(paths[1], metadata={"CreationDate": None})
        if isinstance(figure, Canvas) and figure.paper.title == "outside":
            paths.append(Path(f"{stem}.txt"))
            paths[-1].write_text(figure.caption + "\n")
    except OSError as error:
        raise UserError(
            f"cannot write figures to '{directory}': {error.strerror or error}"
        ) from None
    return paths


def _curves(columns: Sequence[Column], records: Sequence[Record]) -> list[str]:
    """The curves worth a figure: the losses, and each column's metric on validation where it is
    recorded.

    The validation loss is left out where it is one of those metrics, as it is where nothing is
    added to it.
    """
    wanted = ["train/loss", "validation/loss"]
    for column in columns:
        wanted += [f"validation/{column.metric.rpartition('/')[2]}", column.metric]
    recorded = {name for record in records for name in record.curves}
    names = [name for name in dict.fromkeys(wanted) if name in recorded]
    same = any(
        _same("validation/loss", name, records)
        for name in names
        if name not in ("train/loss", "validation/loss")
    )
    return [name for name in names if name != "validation/loss" or not same]


def _same(name: str, other: str, records: Sequence[Record]) -> bool:
    """Whether two curves are one in every record, but for rounding."""
    pairs = [(record.curves.get(name, []), record.curves.get(other, [])) for record in records]
    return all(
        # float32 sums of the same loss differ in their last digits.
        len(a) == len(b) and np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)
        for a, b in pairs
    )


def _spelled(name: str, columns: Sequence[Column]) -> str:
    """A curve's name as the table spells it: `validation/nll` is `validation NLL` where a column is
    `test NLL`."""
    split, _, metric = name.partition("/")
    for column in columns:
        other_split, _, measured = column.metric.partition("/")
        if measured == metric and column.label.startswith(f"{other_split} "):
            return f"{split} {column.label.removeprefix(f'{other_split} ')}"
    return name.replace("/", " ")


# Learning curves
# --------------------------------------------------------------------------------------


def learning_curves(table: ArmsTable, name: str) -> "Figure":
    """The mean of one curve by epoch, a line per arm with a 95 % band over its runs that did not
    diverge.

    Where runs of an arm stopped early, its line goes on dotted and without a band over the runs
    that remain.
    """
    column = Column(name, name)
    factor = 100.0 if column.in_percent else 1.0
    lines = []
    for row in table.rows:
        records = [row.arm.records[seed] for seed in table.seeds if seed in row.arm.records]
        curves = [r.curves[name] for r in records if r.status == "finished" and r.curves.get(name)]
        if curves:
            missing = (
                f" ({len(curves)}/{len(table.seeds)})" if len(curves) < len(table.seeds) else ""
            )
            line = band(
                row.label + missing, np.arange(1.0, max(map(len, curves)) + 1), curves, factor
            )
            lines.append(dataclasses.replace(line, dashed=row.label == table.baseline))
    about = "mean over seeds with 95 % t-band"
    if any(line.dashed for line in lines):
        about += f"; dashed: {table.baseline}"
    if not all(line.complete.all() for line in lines):
        about += "; dotted: over the runs that had not stopped yet"
    label = _spelled(name, table.columns) + (" (%)" if column.in_percent else "")
    return draw(lines, f"{table.title}\n{about}", "epoch", label, log_y=not column.in_percent)


# Paired differences
# -----------------------------------------------------------------------------------


def forest(table: ArmsTable, column: Column) -> "Figure":
    """The paired difference of every arm to the baseline with its simultaneous interval, and the
    verdict beside it."""
    index = table.columns.index(column)
    rows = [(row.label, row.cells[index]) for row in table.rows if row.label != table.baseline]
    about = (
        f"paired with {table.baseline} by seed, simultaneous 95 % intervals and p over"
        f" {table.m} rows{' of all columns' if table.family == 'table' else ''}"
    )
    quantity = f"difference to {table.baseline} in {column.label}"
    return _forest(rows, column, f"{table.title}\n{about}", quantity)


def of_effects(table: EffectsTable) -> Drawings:
    """Per column, a figure of the effects of a design and one of its Shapley values."""
    drawings: Drawings = {}
    about = "means over seeds, simultaneous 95 % intervals and p per kind of effect"
    for index, column in enumerate(table.columns):
        groups: dict[str, list[tuple[str, Cell]]] = {}
        for row in table.rows:
            quantity = SHAPLEY if row.effect.kind == SHAPLEY else "effect"
            groups.setdefault(quantity, []).append((row.label, row.cells[index]))
        for quantity, rows in groups.items():
            heading = f"{table.title}\n{about}"
            name = quantity.partition(" ")[0].lower()
            label = f"{quantity} in {column.label}"
            drawings[f"{name}-{column.metric}"] = partial(_forest, rows, column, heading, label)
    return drawings


def _forest(
    rows: Sequence[tuple[str, Cell]], column: Column, heading: str, quantity: str
) -> "Figure":
    """Differences with their intervals and verdicts, one below the other, by label."""
    from research.analysis.canvas import Canvas

    factor = 100.0 if column.in_percent else 1.0
    unit = "percentage points" if column.in_percent else f"{column.better} is better"
    figure = Canvas(8.5, 1.3 + 0.3 * len(rows))
    narrow = figure.paper.narrow
    axis = figure.add_subplot()
    axis.axvline(0, color="black", linewidth=0.8)
    reach = _reach([cell for _, cell in rows], factor)
    for y, (_, cell) in enumerate(rows):
        _difference(axis, y, cell, factor, reach)
        axis.text(
            1.02,
            y,
            _beside(cell, narrow),
            transform=axis.get_yaxis_transform(),
            va="center",
            fontsize=8.5,
        )
    more = (
        "\nthe axis cuts off wide intervals and what arrows point to"
        if math.isfinite(reach)
        else ""
    )
    figure.heading(heading + more)
    # Two lines of a label are as high as a row.
    room = LABELS * figure.get_figwidth(), 9 * figure.paper.scale
    axis.set_yticks(range(len(rows)), [fitted(label, *room, 2) for label, _ in rows], fontsize=9)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    if math.isfinite(reach):
        axis.set_xlim(-1.05 * reach, 1.05 * reach)
    label = f"{quantity} ({unit})"
    axis.set_xlabel(wrap(label, 0.6 * figure.get_figwidth(), 9 * figure.paper.scale), fontsize=9)
    axis.tick_params(axis="x", labelsize=9)
    if narrow:
        axis.locator_params(axis="x", nbins=4)
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)
    return figure


def _reach(cells: Sequence[Cell], factor: float) -> float:
    """How far from zero the axis goes: intervals that are FAR wider than most do not flatten the
    others."""
    ends = [
        abs(d.mean) + (d.half_width or 0.0) for cell in cells if (d := cell.difference) is not None
    ]
    # An interval from two seeds may be infinite and must not set the axis.
    finite = np.array([end for end in ends if math.isfinite(end)]) * factor
    if not finite.size:
        return math.inf
    near = finite[finite <= FAR * np.median(finite)]
    return math.inf if near.size == len(ends) else 1.3 * float(near.max())


def _difference(axis: "Axes", y: int, cell: Cell, factor: float, reach: float) -> None:
    """One row: filled where the test decides, hollow where not; an arrow and its number beyond the
    axis' reach."""
    if cell.difference is None:
        return
    mean = cell.difference.mean * factor
    verdict = cell.verdict.partition(" (")[0]  # without the look that decided
    colour = _VERDICTS.get(verdict, _NEUTRAL)
    if not abs(mean) <= reach:
        side = math.copysign(1.0, mean)
        inward = "right" if side > 0 else "left"
        text = f"{mean:+.3g}".replace("-", "−")
        axis.plot(side * reach, y, ">" if side > 0 else "<", color=colour, markersize=7)
        axis.text(0.96 * side * reach, y, text, ha=inward, va="center", fontsize=7.5)
        return
    axis.errorbar(
        mean,
        y,
        xerr=min((cell.difference.half_width or 0.0) * factor, 10 * reach),
        color=colour,
        fmt=_MARKERS.get(verdict, "o"),
        markersize=6,
        markerfacecolor=colour if verdict in _VERDICTS else "white",
        capsize=3,
        linewidth=1.4,
    )


def _beside(cell: Cell, narrow: bool) -> str:
    """The verdict with its p; the p alone where there is little room: the marker has the
    verdict."""
    if cell.p_adjusted is None:
        return cell.verdict
    p = f"p = {p_value(cell.p_adjusted)}".replace("= <", "< ")
    return p if narrow else f"{cell.verdict}, {p}"
