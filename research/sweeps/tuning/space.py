"""The space that a tuning searches: sampled axes as Optuna knows them, and a trial's values as
settings."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial, FrozenTrial

from research.sweeps.declare.sweep_axes import Axis, Point


def distribution(axis: Axis) -> BaseDistribution:
    """An axis as Optuna knows it, which has no normal distribution: that becomes an interval of all
    that is drawn."""
    known = axis.distribution
    if known is None:
        return CategoricalDistribution(axis.values)
    if known.whole:
        return IntDistribution(
            int(known.low), int(known.high), log=known.log, step=int(known.step or 1)
        )
    if not known.bounded:
        return FloatDistribution(float(known.at(0.0)), float(known.at(1.0)))
    return FloatDistribution(known.low, known.high, log=known.log, step=known.step)


def suggested(trial: BaseTrial, axes: Sequence[Axis]) -> Point:
    """The trial's values as settings, drawn where it has none yet. axes: each behind the one that
    its condition asks.

    An axis whose condition does not hold is no parameter of the trial.
    """
    point: Point = {}
    for axis in axes:
        if axis.condition is None or axis.condition.holds(point):
            point[axis.path] = _suggested(trial, axis)
    return point


def _suggested(trial: BaseTrial, axis: Axis) -> str:
    if axis.distribution is None:
        return trial.suggest_categorical(axis.path, axis.values)
    known = distribution(axis)
    if isinstance(known, IntDistribution):
        value: float = trial.suggest_int(
            axis.path, known.low, known.high, step=known.step, log=known.log
        )
    else:
        assert isinstance(known, FloatDistribution)
        value = trial.suggest_float(
            axis.path, known.low, known.high, step=known.step, log=known.log
        )
    return axis.distribution.text(value)


def texts(trial: FrozenTrial) -> Point:
    """The values that a trial has, as settings."""
    return {path: text(value) for path, value in trial.params.items()}


def text(value: Any) -> str:
    """A value that Optuna keeps as a setting: of a listed axis it is the text, numbers are drawn to
    six digits."""
    return repr(float(f"{value:.6g}")) if isinstance(value, float) else str(value)


def at(axis: Axis, quantile: float) -> str:
    """The value at a place in [0, 1) of an axis: equal stretches are equally probable."""
    if axis.distribution is None:
        return axis.values[int(quantile * len(axis.values))]
    return axis.distribution.at(quantile)


def external(axis: Axis, setting: str) -> str | float:
    """A setting's text as the value that Optuna keeps."""
    if axis.distribution is None:
        return setting
    return int(setting) if axis.distribution.whole else float(setting)


def of_arm(axes: Sequence[Axis], label: str) -> list[Axis]:
    """The axes of an experiment's arm: those without the condition `if arm=…`, and those whose
    condition names it."""
    by_path: dict[str, Axis] = {}
    for axis in axes:
        condition = axis.condition
        if condition is not None and condition.path == ARM:
            if label in condition.values:
                by_path[axis.path] = dataclasses.replace(axis, condition=None)
        elif condition is None or condition.path in by_path:
            by_path[axis.path] = axis
    return list(by_path.values())


# What a condition calls the arm of an experiment: `regularization.dropout=uniform(0,0.8) if
# arm=dropout`.
ARM = "arm"
