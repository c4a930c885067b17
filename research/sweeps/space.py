"""The space that a tuning searches: sampled axes as Optuna knows them, and a trial's values as settings."""

import dataclasses
import math
from collections.abc import Sequence

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import BaseTrial

from research.sweeps.axes import Axis, Point


def distribution(axis: Axis) -> BaseDistribution:
    """An axis as Optuna knows it."""
    if axis.distribution is None:
        return CategoricalDistribution(axis.values)
    name, low, high = dataclasses.astuple(axis.distribution)
    return IntDistribution(int(low), int(high)) if name == "int" else FloatDistribution(low, high, log=name == "log")


def suggested(trial: BaseTrial, axes: Sequence[Axis]) -> Point:
    """The trial's values as settings, drawn where it has none yet. axes: each behind the one that its condition asks.

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
    name, low, high = dataclasses.astuple(axis.distribution)
    if name == "int":
        return axis.distribution.text(trial.suggest_int(axis.path, int(low), int(high)))
    return axis.distribution.text(trial.suggest_float(axis.path, low, high, log=name == "log"))


def at(axis: Axis, place: float) -> str:
    """The value at a place in [0, 1) of an axis: equal stretches are equally probable."""
    if axis.distribution is None:
        return axis.values[int(place * len(axis.values))]
    name, low, high = dataclasses.astuple(axis.distribution)
    if name == "int":
        return axis.distribution.text(math.floor(int(low) + place * (int(high) - int(low) + 1)))
    if name == "log":
        return axis.distribution.text(math.exp(math.log(low) + place * (math.log(high) - math.log(low))))
    return axis.distribution.text(low + place * (high - low))


def external(axis: Axis, text: str) -> str | float:
    """A setting's text as the value that Optuna keeps."""
    if axis.distribution is None:
        return text
    return int(text) if axis.distribution.name == "int" else float(text)


def of_arm(axes: Sequence[Axis], label: str) -> list[Axis]:
    """The axes of an experiment's arm: those without the condition `if arm=…`, and those whose condition names it."""
    kept: dict[str, Axis] = {}
    for axis in axes:
        condition = axis.condition
        if condition is not None and condition.path == ARM:
            if label in condition.values:
                kept[axis.path] = dataclasses.replace(axis, condition=None)
        elif condition is None or condition.path in kept:
            kept[axis.path] = axis
    return list(kept.values())


# What a condition calls the arm of an experiment: `regularization.dropout=uniform(0,0.8) if arm=dropout`.
ARM = "arm"
