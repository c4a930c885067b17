"""Samplers: where a tuning's trials come from, each a function of the seed, the trial's number and
what came before.

A sampler of Optuna draws from one stream, so a process that goes on would draw what its predecessor
drew. Here every trial has a stream of its own, and the grid, random and Sobol' points, which no
result changes, are known beforehand.
"""

import functools
import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from research import rng
from research.errors import UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Axis, Point
from research.sweeps.tuning import space
from research.sweeps.tuning.journal import ENTERED

# Points that a grid may have: they are all made before the first is tried.
MOST = 100_000
SAMPLERS = ("grid", "random", "sobol", "tpe")


def sampler(name: str, axes: Sequence[Axis], seed: int) -> BaseSampler:
    """The sampler of that name.

    Args:
        name: one of SAMPLERS.
        axes: the space.
        seed: of the draws.

    Raises:
        UserError: the sampler cannot take the space.
    """
    if name == "tpe":
        for axis in axes:
            if axis.distribution is not None and not axis.distribution.bounded:
                raise UserError(
                    f"--sampler=tpe needs bounds, and {axis} has none; write"
                    f" {axis.path}=uniform(low,high), or take --sampler=random or sobol"
                )
        return TpeSampler(seed, any(axis.condition is not None for axis in axes))
    if name == "grid":
        return GridSampler(axes)
    first = axes_lib.draws if name == "random" else sobol
    return ListedSampler(axes, lambda count: first(axes, count, seed))


def count(name: str, axes: Sequence[Axis], trials: int) -> int:
    """The number of trials: a grid has its points, however many more are allowed.

    Args:
        name: one of SAMPLERS.
        axes: the space.
        trials: how many trials are allowed.

    Raises:
        UserError: the grid has more points than that.
    """
    if name != "grid":
        return trials
    points = len(grid(axes))
    if points > trials:
        raise UserError(
            f"the grid has {points} points; give --trials={points} or more, or another --sampler"
        )
    return points


def grid(axes: Sequence[Axis]) -> list[Point]:
    """Every combination of values, each once. Raises UserError for a continuous axis."""
    total = math.prod(_length(axis) for axis in axes)
    if total > MOST:
        raise UserError(
            f"--sampler=grid would have {total:,} points; list fewer values, or take another"
            " --sampler"
        )
    columns = [_listed(axis) for axis in axes]
    points: list[Point] = []
    for combination in itertools.product(*columns):
        points.append(
            axes_lib.settled(
                axes, dict(zip((axis.path for axis in axes), combination, strict=True))
            )
        )
    return list({tuple(point.items()): point for point in points}.values())


def _length(axis: Axis) -> int:
    """How many values an axis has. Raises UserError for a continuous one."""
    known = axis.distribution
    if known is None:
        return len(axis.values)
    if (count := known.count) is None:
        some = f"{known.text(known.low or known.high / 2)}|{known.text(known.high)}"
        raise UserError(
            f"--sampler=grid takes lists of values, and {axis.path} is continuous; list some of"
            f" them ({axis.path}={some}), or take another --sampler"
        )
    return count


def _listed(axis: Axis) -> Sequence[str]:
    known = axis.distribution
    return (
        axis.values
        if known is None
        else [known.text(known.low + index * (known.step or 1)) for index in range(_length(axis))]
    )


def sobol(axes: Sequence[Axis], count: int, seed: int) -> list[Point]:
    """The first points of a scrambled Sobol' sequence, which fill the space more evenly than random
    ones.

    Args:
        axes: the space, of D axes.
        count: how many points.
        seed: of the scrambling.

    Reference:
        Sobol' 1967, On the distribution of points in a cube and the approximate evaluation of
        integrals.
    """
    from scipy.stats import qmc

    engine = qmc.Sobol(len(axes), scramble=True, rng=int(rng.host(seed, "sobol").integers(2**63)))
    # The sequence is balanced at powers of two only.
    quantiles = engine.random_base2(math.ceil(math.log2(max(count, 2))))[:count]
    return [
        axes_lib.settled(
            axes,
            {axis.path: space.at(axis, quantile) for axis, quantile in zip(axes, row, strict=True)},
        )
        for row in quantiles.tolist()
    ]


class ListedSampler(BaseSampler):
    """Points that are known before any trial is: the trial's number says which. first: the first so
    many, or more."""

    def __init__(self, axes: Sequence[Axis], first: Callable[[int], list[Point]]) -> None:
        self._axes = {axis.path: axis for axis in axes}
        self._first = functools.cache(first)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Nothing is drawn together."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Any:
        """Nothing: no values are drawn together.

        Args:
            study: the study.
            trial: the trial that asks.
            search_space: the parameters to draw.
        """
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The value of the trial's listed point.

        Args:
            study: the study.
            trial: the trial that asks.
            param_name: the axis.
            param_distribution: its values.
        """
        return space.external(self._axes[param_name], self._point(study, trial.number)[param_name])

    def _point(self, study: Study, number: int) -> Point:
        return self._first(2 ** number.bit_length())[number]  # so that few numbers are asked for


class GridSampler(ListedSampler):
    """Every point of a grid; those that entered a study with earlier trials come first, and not
    again."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        points = grid(axes)
        super().__init__(axes, lambda count: points)

    def _point(self, study: Study, number: int) -> Point:
        trials = study.get_trials(deepcopy=False)
        entered = [space.texts(trial) for trial in trials if ENTERED in trial.user_attrs]
        points = self._first(0)
        return (
            [point for point in points if point not in entered][number - len(entered)]
            if entered
            else points[number]
        )


class TpeSampler(BaseSampler):
    """Tree-structured Parzen estimators, Optuna's, drawn from a stream of each trial's own.

    A trial that was interrupted while its values were drawn gets the same ones. conditional:
    whether the space is. Bergstra et al. 2011, Algorithms for hyper-parameter optimization.
    """

    def __init__(self, seed: int, conditional: bool) -> None:
        self._seed = seed
        self._conditional = conditional
        self._together: TPESampler | None = None

    def _sampler(self, trial: FrozenTrial, name: str = "") -> TPESampler:
        seed = int(rng.host(self._seed, f"trial {trial.number} {name}").integers(2**32))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(seed=seed, group=self._conditional)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """What is drawn together: parameters that occur together."""
        self._together = self._sampler(trial)
        return self._together.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Any:
        """Values that are drawn together.

        Args:
            study: the study.
            trial: the trial that asks.
            search_space: the parameters to draw.
        """
        assert self._together is not None
        return self._together.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A value that is drawn by itself: there are too few results, or the parameter has not
        occurred yet.

        Args:
            study: the study.
            trial: the trial that asks.
            param_name: the axis.
            param_distribution: its values.
        """
        return self._sampler(trial, param_name).sample_independent(
            study, trial, param_name, param_distribution
        )
