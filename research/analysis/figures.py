"""Figures of a table: learning curves, paired differences, sensitivity to the learning rate; PNG and PDF."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from research.analysis.axes import axes, group
from research.analysis.cells import BETTER, WORSE, Arm, Cell, Column, Table
from research.analysis.lines import Line, band, draw
from research.analysis.numerals import as_number, p_value
from research.analysis.table import outcome
from research.errors import UserError
from research.sweeps.record import Record

if TYPE_CHECKING:  # matplotlib takes a second to import: only those who draw pay for it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 40

_VERDICTS = {BETTER: "#0072B2", WORSE: "#D55E00"}  # blue and vermilion of Okabe and Ito, safe for the colour-blind
_NEUTRAL = "#555555"


def write_figures(table: Table, directory: str | os.PathLike[str]) -> list[Path]:
    """Every figure of a table, as PNG and PDF; returns the files. Raises UserError if unwritable."""
    return [path for name, figure in of_table(table) for path in save(figure, directory, name)]


def of_table(table: Table) -> "Iterator[tuple[str, Figure]]":
    """Every figure that the table's records allow, with its name.

    Learning curves are left out of tables with more than MOST_CURVES rows.
    """
    records = list(table.records())
    for name in _curves(table.columns, records) if len(table.rows) <= MOST_CURVES else ():
        yield f"curves-{name}", learning_curves(table, name)
    for column in table.columns:
        if table.baseline is not None and table.m:
            yield f"differences-{column.metric}", forest(table, column)
        if "learning_rate" in table.rows[0].arm.settings:
            yield f"sensitivity-{column.metric}", sensitivity(records, column, table.title)


def save(figure: "Figure", directory: str | os.PathLike[str], name: str) -> list[Path]:
    """Writes NAME.png and NAME.pdf; a slash in the name becomes a dash, and a space an underscore."""
    stem = Path(directory) / name.replace("/", "-").replace(" ", "_")
    paths = [Path(f"{stem}.png"), Path(f"{stem}.pdf")]
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(paths[0], dpi=150)
        figure.savefig(paths[1], metadata={"CreationDate": None})
    except OSError as error:
        raise UserError(f"cannot write figures to '{directory}': {error.strerror or error}") from None
    return paths


def _curves(columns: Sequence[Column], records: Sequence[Record]) -> list[str]:
    """The curves worth a figure: the losses, and each column's metric on validation where it is recorded.

    The validation loss is left out where it is one of those metrics, as it is where nothing is added to it.
    """
    wanted = ["train/loss", "validation/loss"]
    for column in columns:
        wanted += [f"validation/{column.metric.rpartition('/')[2]}", column.metric]
    recorded = {name for record in records for name in record.curves}
    names = [name for name in dict.fromkeys(wanted) if name in recorded]
    same = any(
        _same("validation/loss", name, records) for name in names if name not in ("train/loss", "validation/loss")
    )
    return [name for name in names if name != "validation/loss" or not same]


def _same(name: str, other: str, records: Sequence[Record]) -> bool:
    """Whether two curves are one in every record, but for rounding."""
    pairs = [(record.curves.get(name, []), record.curves.get(other, [])) for record in records]
    return all(len(a) == len(b) and np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True) for a, b in pairs)


def _spelled(name: str, columns: Sequence[Column]) -> str:
    """A curve's name as the table spells it: `validation/nll` is `validation NLL` where a column is `test NLL`."""
    split, _, metric = name.partition("/")
    for column in columns:
        of, _, measured = column.metric.partition("/")
        if measured == metric and column.label.startswith(f"{of} "):
            return f"{split} {column.label.removeprefix(f'{of} ')}"
    return name.replace("/", " ")


# Learning curves --------------------------------------------------------------------------------------


def learning_curves(table: Table, name: str) -> "Figure":
    """The mean of one curve by epoch, a line per arm with a 95 % band over its runs that did not diverge.

    Where runs of an arm stopped early, its line goes on dotted and without a band over the runs that remain.
    """
    column = Column(name, name)
    factor = 100.0 if column.in_percent else 1.0
    lines = []
    for row in table.rows:
        records = [row.arm.records[seed] for seed in table.seeds if seed in row.arm.records]
        curves = [r.curves[name] for r in records if r.status == "finished" and r.curves.get(name)]
        if curves:
            missing = f" ({len(curves)}/{len(table.seeds)})" if len(curves) < len(table.seeds) else ""
            line = band(row.label + missing, np.arange(1.0, max(map(len, curves)) + 1), curves, factor)
            lines.append(dataclasses.replace(line, dashed=row.label == table.baseline))
    about = "mean over seeds with 95 % t-band"
    if any(line.dashed for line in lines):
        about += f"; dashed: {table.baseline}"
    if not all(line.whole.all() for line in lines):
        about += "; dotted: over the runs that had not stopped yet"
    label = _spelled(name, table.columns) + (" (%)" if column.in_percent else "")
    return draw(lines, f"{table.title}\n{about}", "epoch", label, log_y=not column.in_percent)


# Paired differences -----------------------------------------------------------------------------------


def forest(table: Table, column: Column) -> "Figure":
    """The paired difference of every arm to the baseline with its 95 % t-interval, and the verdict beside it."""
    from matplotlib.figure import Figure

    place = table.columns.index(column)
    rows = [(row.label, row.cells[place]) for row in table.rows if row.label != table.baseline]
    factor = 100.0 if column.in_percent else 1.0
    unit = "percentage points" if column.in_percent else f"{column.better} is better"
    figure = Figure(figsize=(8.5, 1.3 + 0.3 * len(rows)), layout="constrained")
    about = f"paired with {table.baseline} by seed, 95 % t-intervals, p corrected by Holm over {table.m} rows"
    figure.suptitle(f"{table.title}\n{about}", fontsize=10)
    axis = figure.add_subplot()
    axis.axvline(0, color="black", linewidth=0.8)
    for y, (_, cell) in enumerate(rows):
        _difference(axis, y, cell, factor)
        axis.text(1.02, y, _beside(cell), transform=axis.get_yaxis_transform(), va="center", fontsize=8.5)
    axis.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=9)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(f"difference to {table.baseline} in {column.label} ({unit})", fontsize=9)
    axis.tick_params(axis="x", labelsize=9)
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)
    return figure


def _difference(axis: "Axes", y: int, cell: Cell, factor: float) -> None:
    """One row: filled where the test decides, hollow where not."""
    if cell.difference is None:
        return
    colour = _VERDICTS.get(cell.verdict, _NEUTRAL)
    axis.errorbar(
        cell.difference.mean * factor,
        y,
        xerr=(cell.difference.half_width or 0.0) * factor,
        color=colour,
        fmt="o",
        markersize=6,
        markerfacecolor=colour if cell.verdict in _VERDICTS else "white",
        capsize=3,
        linewidth=1.4,
    )


def _beside(cell: Cell) -> str:
    return cell.verdict if cell.p_holm is None else f"{cell.verdict}, p = {p_value(cell.p_holm)}".replace("= <", "< ")


# Sensitivity ------------------------------------------------------------------------------------------


def sensitivity(records: Sequence[Record], column: Column, title: str, key: str = "learning_rate") -> "Figure":
    """A final metric against a numeric setting (log axis), a line per combination of the other axes.

    Bands are 95 % t-intervals over seeds; a cross at the foot marks values at which runs diverged, with their
    number. Raises UserError if the runs do not differ in the setting.
    """
    varying = axes(records)
    if key not in varying:
        raise UserError(f"the runs do not differ in {key}; a sensitivity figure needs two values of it or more")
    others = [k for k in varying if k != key]
    by_line: dict[str, list[Arm]] = {}
    for arm in group(records, [*others, key]):
        label = ", ".join(f"{k}={arm.settings[k]}" for k in others if arm.settings[k])
        by_line.setdefault(label, []).append(arm)
    if max(len(arms) for arms in by_line.values()) == 1:  # all axes were sampled: no two runs lie on one line
        by_line = {"": sorted((arm for arms in by_line.values() for arm in arms), key=lambda arm: _rate(arm, key))}
    prefix = f"{others[0]}=" if len(others) == 1 else ""
    factor = 100.0 if column.in_percent else 1.0
    lines = [_sensitivity_line(name.removeprefix(prefix), arms, column, key, factor) for name, arms in by_line.items()]
    about = "mean over seeds with 95 % t-band"
    if any(line.crosses for line in lines):
        about += "; crosses: runs that diverged; hollow: mean of the others"
    labels = f"{key.replace('_', ' ')} (log scale)", column.label + (" (%)" if column.in_percent else "")
    return draw(lines, f"{title}\n{about}", *labels, log_y=not column.in_percent, log_x=True, markers=True)


def _sensitivity_line(label: str, arms: Sequence[Arm], column: Column, key: str, factor: float) -> Line:
    runs = [list(arm.records.values()) for arm in arms]
    width = max(map(len, runs))
    values = np.full((width, len(arms)), np.nan)
    diverged = []
    for place, records in enumerate(runs):
        outcomes = [outcome(record, column.metric) for record in records]
        finite = [r.metrics[column.metric] for r, o in zip(records, outcomes, strict=True) if o == "finished"]
        values[: len(finite), place] = finite
        if outcomes.count("diverged"):
            diverged.append((_rate(arms[place], key), f"{outcomes.count('diverged')}/{len(outcomes)}"))
    return band(label, np.array([_rate(arm, key) for arm in arms]), values, factor, diverged)


def _rate(arm: Arm, key: str) -> float:
    number = as_number(arm.settings[key])
    if number is None or number <= 0:
        raise UserError(f"{key}={arm.settings[key]} has no place on a logarithmic axis")
    return number
