"""Earlier trials: a tuning whose space has changed keeps those that lie in the new space."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, create_trial

from research import config as config_lib
from research.config import RunConfig
from research.errors import UserError
from research.sweeps.declare import strengths
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Axis, Point
from research.sweeps.tuning import space
from research.sweeps.tuning.journal import ENTERED, Studied

# What may change of a tuning's definition: no value of a trial depends on it.
FREE = ("sample", "sampler", "parallel", "seed")


@dataclasses.dataclass(frozen=True)
class Space:
    """What trials are drawn from. settings: those that all trials share."""

    settings: Mapping[str, Any]
    axes: Sequence[Axis]

    @classmethod
    def before(cls, definition: Mapping[str, Any]) -> "Space":
        """The space of a definition."""
        return cls(definition.get("settings", {}), axes_lib.sampled(definition.get("sample", ())))

    def config(self, point: Point) -> RunConfig | None:
        """The run of a point, None if no run can have its values."""
        try:
            return config_lib.resolve({**self.settings, **point})[0]
        except UserError:
            return None


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The parts of two definitions that differ although trials of the one are no trials of the
    other then.

    A setting may become an axis, or an axis a setting; a part such as an optimizer may be added to
    a space or leave it.
    """
    tuned = {
        axis.path
        for text in (*before.get("sample", ()), *now.get("sample", ()))
        for axis in [_axis(text)]
    }
    versions = before.get("versions", {}).keys() & now.get("versions", {}).keys()

    def compared(definition: Mapping[str, Any], key: str) -> Any:
        value: Any = definition.get(key)
        if key == "settings":
            return {path: text for path, text in value.items() if path not in tuned}
        return {entry: value[entry] for entry in versions} if key == "versions" else value

    return [
        key for key in before if key not in FREE and compared(before, key) != compared(now, key)
    ]


def with_results(earlier: Sequence[Studied]) -> list[tuple[Studied, FrozenTrial]]:
    """The trials that have their results, each in the study in which it was tried first."""
    trials: list[tuple[Studied, FrozenTrial]] = []
    for each in earlier:
        before = [space.texts(trial) for _, trial in trials]
        trials += [
            (each, trial)
            for trial in each.trials
            if trial.state.is_finished()
            and ENTERED not in trial.user_attrs
            and space.texts(trial) not in before
        ]
    return trials


def entering(earlier: Sequence[Studied], new: Space, distinct: bool) -> list[FrozenTrial]:
    """The earlier trials that are points of the new space, as trials of it.

    Args:
        earlier: the earlier studies.
        new: the new space.
        distinct: whether only the first of equal trials enters.
    """
    spaces = {each.name: Space.before(each.definition or {}) for each in earlier}
    trials: list[FrozenTrial] = []
    for each, trial in with_results(earlier):
        params = _params(trial, spaces[each.name], new)
        if params is not None and not (
            distinct and any(other.params == params for other in trials)
        ):
            trials.append(_entered(trial, f"{each.name} {trial.number}", params, new))
    return trials


def _params(trial: FrozenTrial, old: Space, new: Space) -> dict[str, Any] | None:
    """The values of an earlier trial on the new axes; None if its run is none of the new space."""
    config = old.config(space.texts(trial))
    if config is None:
        return None
    flat = config_lib.to_flags(config)
    values = {**flat, **strengths.strengths(flat[strengths.KEY]), **trial.params}
    params: dict[str, Any] = {}
    point: Point = {}
    for axis in new.axes:
        if axis.condition is None or axis.condition.holds(point):
            value = _value(axis, values.get(axis.path))
            if value is None:
                return None
            params[axis.path] = value
            point[axis.path] = space.text(value)
    return params if new.config(point) == config else None


def _value(axis: Axis, value: Any) -> Any:
    """An earlier value as one of the axis; None if the axis has no such value."""
    number = _number(value)
    if axis.distribution is None:
        texts = [text for text in axis.values if text == value]
        same = [text for text in axis.values if number is not None and _number(text) == number]
        return next(iter(texts + same), None)
    distribution = space.distribution(axis)
    if (
        number is None
        or isinstance(distribution, CategoricalDistribution)
        or not distribution._contains(number)
    ):
        return None
    return int(number) if axis.distribution.whole else number


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _entered(trial: FrozenTrial, origin: str, params: dict[str, Any], new: Space) -> FrozenTrial:
    """The trial with its result, in the new space."""
    distributions = {
        axis.path: space.distribution(axis) for axis in new.axes if axis.path in params
    }
    return create_trial(
        state=trial.state,
        value=trial.value,
        params=params,
        distributions=distributions,
        user_attrs={**trial.user_attrs, ENTERED: origin},
        system_attrs=trial.system_attrs,
        intermediate_values=trial.intermediate_values,
    )


def _axis(text: str) -> Axis:
    return axes_lib.parse(text, "sample")
