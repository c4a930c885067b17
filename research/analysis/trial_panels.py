"""What the figures of a tuning's trials share: the trials as they are shown, panels and scales."""

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.study import Study
from optuna.trial import TrialState

from research.analysis.line_plots import set_scale
from research.sweeps.column import Column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class PlottedTrial:
    """A trial as figures show it. value: the last one that it had, in the figure's unit; NaN if it
    had none."""

    number: int
    value: float
    state: str
    params: Mapping[str, Any]

    @property
    def known(self) -> bool:
        """Whether it had a value."""
        return math.isfinite(self.value)


def shown(study: Study, column: Column) -> list[PlottedTrial]:
    """The trials that are over and were trained, by number."""
    # Trials that run, wait or failed before training have no value to draw.
    words = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned"}
    factor = 100.0 if column.in_percent else 1.0
    plotted = []
    for trial in study.get_trials(deepcopy=False):
        if trial.state in words:
            value = (
                math.nan if trial.value is None or math.isinf(trial.value) else trial.value * factor
            )
            state = trial.user_attrs.get("outcome", words[trial.state])
            plotted.append(PlottedTrial(trial.number, value, state, trial.params))
    return plotted


def importances(study: Study) -> dict[str, float]:
    """How much each axis explains, the most important first; nothing where all trials are equally
    good.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of an axis that few trials have
        try:
            return optuna.importance.get_param_importances(study)
        except (ValueError, RuntimeError):
            # Too few trials, or none that differ.
            return {}


def distributions(study: Study) -> dict[str, Any]:
    """The axes, in the order in which trials first had them."""
    by_name: dict[str, Any] = {}
    for trial in study.get_trials(deepcopy=False):
        for name, distribution in trial.distributions.items():
            by_name.setdefault(name, distribution)
    return by_name


def scaled(axis: "Axes", study: Study, name: str, which: str) -> Callable[[Any], float]:
    """Sets the scale of an axis of the figure.

    Args:
        axis: matplotlib's axes.
        study: the tuning's study, which knows the values of its settings.
        name: the setting.
        which: x or y.

    Returns:
        The function from a value to its position.
    """
    distribution = distributions(study)[name]
    if isinstance(distribution, CategoricalDistribution):
        choices = list(distribution.choices)
        axis.set(**{f"{which}ticks": range(len(choices)), f"{which}ticklabels": choices})
        return lambda value: float(choices.index(value))
    if distribution.log:
        axis.set(**{f"{which}scale": "log"})
    return float


def outliers(axis: "Axes", values: Sequence[float], column: Column) -> None:
    """Sets a logarithmic scale where a few huge losses would flatten the others.

    Args:
        axis: matplotlib's axes.
        values: the trials' values [N].
        column: the metric that is tuned.
    """
    if not column.in_percent:
        set_scale(axis, "y", np.array(values, float))


def pruned_note(trials: Sequence[PlottedTrial]) -> str:
    """What a title says of pruned trials, "" if there are none."""
    return (
        ", pruned ones with their last value"
        if any(trial.state == "pruned" for trial in trials)
        else ""
    )


def label_of(column: Column) -> str:
    """The metric's label, with its unit."""
    return column.label + (" (%)" if column.in_percent else "")


def figure_of(
    title: str, rows: int, columns: int, height: float = 0.0
) -> "tuple[Figure, list[Axes]]":
    """A figure with a title, and its panels.

    Args:
        title: the title.
        rows: rows of panels.
        columns: columns of panels.
        height: inches; 0: by the number of rows.
    """
    from research.analysis.canvas import Canvas

    size = (
        (8.0, height or 4.0) if rows * columns == 1 else (3.6 * columns, height or 0.8 + 2.4 * rows)
    )
    figure = Canvas(*size)
    figure.heading(title)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=False).ravel().tolist()
    for axis in axes:
        axis.grid(color="#eeeeee", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure, axes


def hide(axes: "Sequence[Axes]") -> None:
    """Hides the panels that are left over."""
    for axis in axes:
        axis.set_visible(False)
