"""The points of a space as runs, and errors for spaces that have none."""

import contextlib
import itertools
from collections.abc import Sequence

from research import config as config_lib
from research.config import PARTS, SEEDS, RunConfig
from research.errors import UserError
from research.options import Settings
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Axis, Point
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.plan.unused_settings import unused_message
from research.sweeps.tuning import space
from research.sweeps.tuning.search import Result

# How near its ends an interval is tried; the ends themselves are hardly ever drawn.
EDGE = 1e-9
# So many random points of a space are looked at before it is said that none can be trained, and so
# many combinations of parts.
LOOKS = 32
COMBINATIONS = 1024


def planned_folds(
    settings: Settings, point: Point, planner: Planner, folds: Sequence[int] = ()
) -> Sequence[PlannedRun] | Result:
    """The runs of a point, one per fold of its split, or why there are none.

    Args:
        settings: those of every trial.
        point: the values of the axes.
        planner: plans the runs.
        folds: those of the split that are trained; (): all.

    Returns:
        The runs, or a `refused` result if a value cannot be, or values exclude each other.
    """
    try:
        axes_lib.resolve(settings, point)  # its errors name what the axes should be
        whole = {**settings, **point}
        requests = [{**whole, "fold": fold} for fold in folds] or planner.each_fold([whole])
        return [planner.run(config_lib.resolve(request)[0]) for request in requests]
    except UserError as error:
        return Result(None, "refused", note=str(error))


def planned(settings: Settings, point: Point, planner: Planner) -> PlannedRun | Result:
    """The first run of a point, or why there is none; see `planned_folds`.

    Args:
        settings: those of every trial.
        point: the values of the axes.
        planner: plans the runs.
    """
    runs = planned_folds(settings, point, planner)
    return runs if isinstance(runs, Result) else runs[0]


def first_run(settings: Settings, axes: Sequence[Axis], planner: Planner) -> PlannedRun:
    """A run of the space.

    Args:
        settings: those of every trial.
        axes: the space; without axes it has one point.
        planner: plans the run.

    Raises:
        UserError: no point can be trained, or no run would use a setting.
    """
    for axis in axes:
        if axis.path in settings:
            raise UserError(
                f"--{axis.path} is given, and an axis sets it too; leave one of them out"
            )
        if axis.path in ("seed", *SEEDS.values()):
            raise UserError("a seed cannot be tuned: the choice is reported on fresh seeds")
    if not axes:
        return planner.runs(planner.each_fold([settings]))[0]
    points = [*_corners(axes), *axes_lib.draws(axes, LOOKS, 0)]
    _check_used([{**settings, **point} for point in points])
    refusal = ""
    for point in points:
        run = planned(settings, point, planner)
        if isinstance(run, PlannedRun):
            _check_values(settings, axes)
            return run
        refusal = refusal or run.note
    raise UserError(
        f"none of {len(points)} points of the space can be trained; the first: {refusal}"
    )


def _check_values(settings: Settings, axes: Sequence[Axis]) -> None:
    """Raises UserError for a value, or an interval, that costs trials since no run can have it,
    whatever its others."""
    for axis in axes:
        fixed = dict(settings)
        if axis.condition is not None:
            fixed[axis.condition.path] = axis.condition.values[0]
        for value in axis.values or [space.at(axis, quantile) for quantile in (EDGE, 1 - EDGE)]:
            try:
                config_lib.resolve({**fixed, axis.path: value})
            except UserError as error:
                raise UserError(f"--sample='{axis}' has an impossible value: {error}") from None


def _corners(axes: Sequence[Axis]) -> list[Point]:
    """Every combination of the parts (architecture, optimizer, …) among the axes, the others at
    their middle."""
    columns = [
        axis.values if axis.path in PARTS and axis.values else (space.at(axis, 0.5),)
        for axis in axes
    ]
    paths = [axis.path for axis in axes]
    some = itertools.islice(itertools.product(*columns), COMBINATIONS)
    return [axes_lib.settled(axes, dict(zip(paths, values, strict=True))) for values in some]


def _check_used(requests: Sequence[Settings]) -> None:
    """Raises UserError on a setting that the parts of no request have; requests that are refused
    say nothing."""
    paths = {path for request in requests for path in request}
    configs: list[RunConfig] = []
    unused: list[frozenset[str]] = []
    for request in requests:
        with contextlib.suppress(UserError):
            config, left = config_lib.resolve(request)
            configs.append(config)
            # A setting that a request does not set is not used there.
            unused.append(left | (paths - set(request)))
    for setting in sorted(frozenset.intersection(*unused)) if unused else ():
        raise UserError(unused_message(setting, configs))
