"""Figures of a tuning's trials: history, importance, slices, contours, and the best of k against
k."""

import itertools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.study import Study

from research.analysis.budget import best_of
from research.analysis.figures import save
from research.analysis.line_plots import COLOURS
from research.analysis.trial_panels import (
    PlottedTrial,
    distributions,
    figure_of,
    hide,
    importances,
    label_of,
    outliers,
    pruned_note,
    scaled,
    shown,
)
from research.sweeps.column import Column
from research.words import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN = COLOURS[:3]
# Axes of a contour figure, the most important ones: each pair has a panel.
CONTOURS = 3
# Points of a contour's grid along an axis.
GRID = 80
# Fewer finished trials say nothing about importance, nor fill a plane.
FEWEST = 6
NOTHING_TO_DRAW = {
    "importance": "all finished trials are equally good",
    "slice": "no trial has a setting",
    "contour": f"it needs two numeric axes that {FEWEST} trials share",
}


def write_figures(
    study: Study, column: Column, directory: str | os.PathLike[str]
) -> Iterator[Path | str]:
    """Writes every figure that the trials allow, as PNG and PDF.

    Args:
        study: the tuning's study.
        column: the metric that is tuned.
        directory: where the files are written.

    Yields:
        The path of each file, and a sentence for each figure that is left out.

    Raises:
        UserError: the directory cannot be written.
    """
    for name, figure in figures_of(study, column):
        if isinstance(figure, str):
            yield figure
        else:
            yield from save(figure, directory, f"{study.study_name} {name}".replace(": ", " "))


def figures_of(study: Study, column: Column) -> Iterator[tuple[str, "Figure | str"]]:
    """Each figure by its name, or why it is left out.

    They are drawn here rather than by Optuna, whose figures leave out pruned and diverged trials
    and fill the plane beyond the trials.

    Args:
        study: the tuning's study.
        column: the metric that is tuned.
    """
    trials = shown(study, column)
    finished = [trial for trial in trials if trial.state == "finished"]
    title = study.study_name
    draw_by_name: dict[str, Callable[[], Figure | None]] = {
        "history": lambda: history(trials, column, title),
        "importance": lambda: importance(study, column, title),
        "slice": lambda: slices(study, trials, column, title),
        "contour": lambda: contours(study, trials, column, title),
        "best of k": lambda: bests(trials, column, title),
    }
    for name, draw in draw_by_name.items():
        # Both fit a model to the trials, which a handful cannot support.
        if name in ("importance", "contour") and len(finished) < FEWEST:
            few = f"{plural(len(finished), 'finished trial')}, and it needs {FEWEST}"
            yield name, f"no figure {name} of '{title}': {few}"
        else:
            missing = f"no figure {name} of '{title}': {NOTHING_TO_DRAW.get(name)}"
            yield name, draw() or missing


def history(trials: Sequence[PlottedTrial], column: Column, title: str) -> "Figure":
    """Each trial's value by its number, and the best so far; crosses at the foot mark diverged
    trials.

    Args:
        trials: the trials in the order in which they were tried.
        column: the metric that is tuned.
        title: the tuning's name.
    """
    figure, (axis,) = figure_of(f"{title}\nhistory", 1, 1)
    done = [trial for trial in trials if trial.state == "finished" and trial.known]
    pruned = [trial for trial in trials if trial.state == "pruned" and trial.known]
    kinds = {"finished": (done, BLUE, BLUE), "pruned, its last value": (pruned, "white", "#888888")}
    for label, (group, face, edge) in kinds.items():
        if group:
            x = [trial.number for trial in group]
            y = [trial.value for trial in group]
            axis.plot(x, y, "o", markersize=4, mfc=face, mec=edge, alpha=0.8, label=label)
    if done:
        best = np.maximum.accumulate if column.better == "higher" else np.minimum.accumulate
        steps = best(np.array([trial.value for trial in done], float))
        axis.step(
            [trial.number for trial in done],
            steps,
            where="post",
            color=VERMILION,
            label="best so far",
        )
    lost = [trial.number for trial in trials if not trial.known]
    if lost:
        foot = axis.get_xaxis_transform()
        axis.plot(
            lost,
            [0.02] * len(lost),
            "x",
            color=VERMILION,
            transform=foot,
            label="diverged",
            clip_on=False,
        )
    axis.set_xlabel("trial")
    axis.set_ylabel(label_of(column))
    outliers(axis, [trial.value for trial in (*done, *pruned)], column)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    return figure


def importance(study: Study, column: Column, title: str) -> "Figure | None":
    """How much of being among the best trials each axis explains.

    Args:
        study: the tuning's study.
        column: the metric that is tuned.
        title: the tuning's name.

    Returns:
        The figure, or None where there are too few trials.

    Reference: Watanabe et al. 2023 (PED-ANOVA).
    """
    shares = importances(study)
    if not shares:
        return None
    names = list(shares)[::-1]
    about = f"{title}\nimportance for the {column.label} of finished trials (PED-ANOVA)"
    figure, (axis,) = figure_of(about, 1, 1, height=1.2 + 0.35 * len(names))
    axis.barh(names, [shares[name] for name in names], color=BLUE, height=0.6)
    axis.set_xlabel("share of the importance")
    axis.set_xlim(0, 1)
    return figure


def slices(
    study: Study, trials: Sequence[PlottedTrial], column: Column, title: str
) -> "Figure | None":
    """The value against each axis, a panel each.

    Later trials are darker, pruned ones hollow, diverged ones crosses.

    Args:
        study: the tuning's study.
        trials: its trials.
        column: the metric that is tuned.
        title: the tuning's name.
    """
    names = [name for name in distributions(study) if any(name in trial.params for trial in trials)]
    if not names:
        return None
    columns = min(len(names), 3)
    legend = "; crosses: trials that diverged" if not all(trial.known for trial in trials) else ""
    about = f"{title}\nlater trials are darker, pruned ones hollow{legend}"
    figure, axes = figure_of(about, math.ceil(len(names) / columns), columns)
    for axis, name in zip(axes, names, strict=False):
        measured = [trial for trial in trials if name in trial.params and trial.known]
        diverged = [trial for trial in trials if name in trial.params and not trial.known]
        x = scaled(axis, study, name, "x")
        # An empty line on a log axis has no place, and would push the panels apart.
        if diverged:
            axis.plot(
                [x(trial.params[name]) for trial in diverged],
                [0.02] * len(diverged),
                "x",
                color=VERMILION,
                transform=axis.get_xaxis_transform(),
                markersize=5,
                clip_on=False,
            )
        shade = [0.25 + 0.75 * trial.number / max(trials[-1].number, 1) for trial in measured]
        faces = [
            (0, 0.45, 0.7, s) if t.state == "finished" else "none"
            for t, s in zip(measured, shade, strict=True)
        ]
        values = [trial.value for trial in measured]
        axis.scatter(
            [x(t.params[name]) for t in measured],
            values,
            s=18,
            c=faces,
            edgecolors="#33669988",
            linewidths=0.7,
        )
        axis.set_xlabel(name)
        outliers(axis, values, column)
    hide(axes[len(names) :])
    figure.supylabel(label_of(column), fontsize=10)
    return figure


def contours(
    study: Study, trials: Sequence[PlottedTrial], column: Column, title: str
) -> "Figure | None":
    """The value over each pair of the most important numeric axes, interpolated between the trials.

    Args:
        study: the tuning's study.
        trials: its trials, which are the points.
        column: the metric that is tuned.
        title: the tuning's name.
    """
    from matplotlib.ticker import MaxNLocator

    numeric = [
        n for n, d in distributions(study).items() if not isinstance(d, CategoricalDistribution)
    ]
    ranked = [name for name in importances(study) if name in numeric][:CONTOURS]
    known = [trial for trial in trials if trial.known]
    pairs = [
        (a, b, some)
        for a, b in itertools.combinations(ranked, 2)
        if len(some := [trial for trial in known if a in trial.params and b in trial.params])
        >= FEWEST
    ]
    if not pairs:
        return None
    figure, axes = figure_of(
        f"{title}\n{label_of(column)} between the trials{pruned_note(known)}",
        1,
        len(pairs),
        height=3.6,
    )
    values = np.array([trial.value for trial in known], float)
    # The worst tenth may be orders of magnitude off and would take up all the levels.
    low, high = np.quantile(values, [0.1, 1.0] if column.better == "higher" else [0.0, 0.9])
    levels = MaxNLocator(12).tick_values(low, high if high > low else low + 1.0)
    for axis, (a, b, some) in zip(axes, pairs, strict=True):
        x, y = (np.array([float(trial.params[name]) for trial in some]) for name in (a, b))
        scaled(axis, study, a, "x")
        scaled(axis, study, b, "y")
        _contour(axis, x, y, np.array([trial.value for trial in some]), levels)
        axis.set_xlabel(a)
        axis.set_ylabel(b)
    figure.colorbar(axes[-1].collections[0], ax=axes, label=label_of(column))
    return figure


def _contour(axis: "Axes", x: np.ndarray, y: np.ndarray, values: np.ndarray, levels: Any) -> None:
    """Draws values [N] at the points (x, y) [N], linear between three of them on the scales of the
    axes."""
    from matplotlib.tri import LinearTriInterpolator, Triangulation

    # Triangles are cut in the unit square: in raw units the longer axis would make slivers of them.
    grid = np.linspace(0, 1, GRID)
    u, grid_x = _unit(x, grid, axis.get_xscale() == "log")
    v, grid_y = _unit(y, grid, axis.get_yscale() == "log")
    mesh = LinearTriInterpolator(Triangulation(u, v), values)(*np.meshgrid(grid, grid))
    axis.contourf(grid_x, grid_y, mesh, levels=levels, cmap="viridis", extend="both")
    axis.plot(x, y, "o", color="white", mec="black", markersize=3, markeredgewidth=0.6)


def _unit(x: np.ndarray, grid: np.ndarray, log: bool) -> tuple[np.ndarray, np.ndarray]:
    """(x [N] moved to 0..1 on its scale, where the grid [G] in 0..1 lies on x's axis)."""
    scaled = np.log(x) if log else x
    low = scaled.min()
    span = np.ptp(scaled) or 1.0  # a setting that all trials share
    back = low + span * grid
    return (scaled - low) / span, np.exp(back) if log else back


def bests(trials: Sequence[PlottedTrial], column: Column, title: str) -> "Figure":
    """The expected best of k of the trials against k: what another budget would have given.

    It is exact for trials that are drawn independently (grid, random, Sobol').

    Args:
        trials: the tuning's trials.
        column: the metric that is tuned.
        title: the tuning's name.
    """
    figure, (axis,) = figure_of(
        f"{title}\nexpected best of k of its {len(trials)} trials{pruned_note(trials)}", 1, 1
    )
    expected = best_of([trial.value for trial in trials], column.better)
    axis.plot(np.arange(1, len(expected) + 1), expected, color=BLUE)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_xlabel("k (log scale)")
    axis.set_ylabel(label_of(column))
    return figure
