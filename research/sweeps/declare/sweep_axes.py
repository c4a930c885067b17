"""Axes of a sweep: `--grid`, `--zip` and `--sample`, in one grammar.

    axis    := path '=' values            learning_rate=0.01|0.1
                                          regularization=none|dropout=0.5,max_norm=2
    values  := value ('|' value)*         each is what the flag itself would take;
                                          optimizer=sgd(momentum=0.9)|adam
             | distribution               log(1e-4,1); only --sample takes one, see distributions.py
    any     := axis [' if ' path '=' value ('|' value)*]
                                          optimizer.momentum=0|0.9 if optimizer=sgd
    axes    := any (';' any)*             zipped axes move together

Grid axes multiply; axes joined by `;` in one `--zip` move together; each of the
`--samples` points draws every sampled axis once. An axis with a condition is set
only in the points in which another axis has one of these values.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from research import config as config_lib
from research import grammar, rng
from research.config import FIELDS, NESTED, PARTS, SHORT, RunConfig
from research.errors import UserError, nearest
from research.sweeps.declare import distributions
from research.sweeps.declare.distributions import Distribution
from research.synonyms import synonym

Point = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Condition:
    """That another axis has one of these values."""

    path: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}={'|'.join(self.values)}"

    def holds(self, point: Mapping[str, str]) -> bool:
        """Whether it holds at a point; it does not where the other axis is not set.

        `optimizer=sgd` also holds where the other axis has `sgd(momentum=0.9)`.
        """
        return self.path in point and _meets(point[self.path], self.path, self.values)


def _meets(value: str, path: str, allowed: Sequence[str]) -> bool:
    name = value.partition("(")[0] if path in PARTS else value
    return value in allowed or name in allowed


@dataclasses.dataclass(frozen=True)
class Axis:
    """A setting and its values, or the distribution that they come from. condition: where it is
    set; None: always."""

    path: str
    values: tuple[str, ...] = ()
    distribution: Distribution | None = None
    condition: Condition | None = None

    def __str__(self) -> str:
        """As the flag takes it."""
        condition = "" if self.condition is None else f" if {self.condition}"
        return f"{self.path}={self.distribution or '|'.join(self.values)}{condition}"


def parse(text: str, flag: str) -> Axis:
    """`epochs=1|2`, `learning_rate=log(1e-4,1)`, either `if optimizer=sgd`. Raises UserError that
    names the flag."""
    text, condition = _conditional(text, flag)
    path, equals, right = text.partition("=")
    path, right = SHORT.get(path.strip(), path.strip()), right.strip()
    if not equals or not right:
        raise UserError(
            f"--{flag}='{text}' is not of the form setting=value|value or setting=log(low,high)"
        )
    head, _, tail = path.partition(".")
    if head not in FIELDS or (tail and head not in NESTED):
        raise UserError(
            f"--{flag}: unknown setting '{path}'; {nearest(synonym(path) or path, FIELDS)}"
        )
    distribution = distributions.parse(right, flag)
    if distribution is not None:
        if flag != "sample":
            raise UserError(
                f"--{flag}='{text}' draws from a distribution; use --sample='{text}' with"
                " --samples=N"
            )
        return Axis(path, distribution=distribution, condition=condition)
    return Axis(
        path, _values(right, f"--{flag}='{text}'", repeated=flag == "zip"), condition=condition
    )


def _values(text: str, where: str, repeated: bool = False) -> tuple[str, ...]:
    """`0.01|0.1` as its values. repeated: whether one may come again, as on an axis that moves with
    another."""
    values = grammar.split(text, "|")
    if "" in values:
        raise UserError(f"{where} has an empty value; separate values by single |")
    if len(set(values)) < len(values) and not repeated:
        raise UserError(f"{where} has a value twice")
    return tuple(values)


def _conditional(text: str, flag: str) -> tuple[str, Condition | None]:
    """An axis without its condition, and the condition."""
    axis, word, right = text.rpartition(" if ")
    if not word:
        return text, None
    path, equals, values = right.partition("=")
    if not equals or not path.strip() or not values.strip():
        raise UserError(
            f"--{flag}: the condition 'if {right.strip()}' is not of the form if"
            " setting=value|value"
        )
    path = path.strip()
    return axis.strip(), Condition(
        SHORT.get(path, path), _values(values.strip(), f"--{flag}: the condition 'if {right}'")
    )


def sampled(texts: Sequence[str], given: Mapping[str, Sequence[str]] = {}) -> list[Axis]:
    """The `--sample` axes, each behind the one that its condition asks. Raises UserError if there
    is none such.

    given: what conditions may ask besides, with its values.
    """
    return _ordered([parse(text, "sample") for text in texts], given)


def _ordered(axes: Sequence[Axis], given: Mapping[str, Sequence[str]] = {}) -> list[Axis]:
    """The axes, each behind the one that its condition asks. Raises UserError for a wrong
    condition."""
    by_path = {axis.path: axis for axis in axes} | {
        path: Axis(path, tuple(values)) for path, values in given.items()
    }
    _refuse_twice([axis.path for axis in axes])
    for axis in axes:
        if axis.condition is not None:
            _check_condition(axis, axis.condition, by_path)
    ordered: list[Axis] = []
    while waiting := [axis for axis in axes if axis not in ordered]:
        known = {*given, *(axis.path for axis in ordered)}
        ready = [axis for axis in waiting if axis.condition is None or axis.condition.path in known]
        if not ready:
            raise UserError(
                f"the conditions of {' and '.join(a.path for a in waiting)} depend on one another"
            )
        ordered += ready
    return ordered


def _check_condition(axis: Axis, condition: Condition, by_path: Mapping[str, Axis]) -> None:
    where = f"{axis.path} is set if {condition}"
    if condition.path == axis.path:
        raise UserError(
            f"{where}, which is itself; write each axis in a flag of its own, since ; joins axes"
            " only in --zip"
        )
    if condition.path not in by_path:
        raise UserError(
            f"{where}, and no axis sets {condition.path}; give it an axis too: '{condition.path}=…'"
        )
    values = by_path[condition.path].values
    if not values:
        raise UserError(
            f"{where}, and {condition.path} is drawn from a distribution; list its values"
        )
    for value in condition.values:
        if not any(_meets(other, condition.path, [value]) for other in values):
            raise UserError(
                f"{where}, and {condition.path} is never '{value}'; {nearest(value, values)}"
            )


def points(
    grid: Sequence[str] = (),
    zipped: Sequence[str] = (),
    sample: Sequence[str] = (),
    samples: int = 0,
    seed: int = 0,
) -> tuple[list[str], list[Point]]:
    """The points of the axes. Without axes there is one point, {}.

    Args:
        grid: `--grid` axes; they multiply.
        zipped: `--zip` groups; the axes of a group move together.
        sample: `--sample` axes; every point draws each of them once.
        samples: how many points are drawn.
        seed: of the draws, so that the same command asks for the same runs.

    Returns:
        The paths of the axes in order, and the settings of each point.

    Raises:
        UserError: an axis is malformed, is set twice, or has a condition that never holds.
    """
    columns = [parse(text, "grid") for text in grid]
    groups = [[parse(axis, "zip") for axis in grammar.split(text, ";")] for text in zipped]
    drawn = [parse(text, "sample") for text in sample]
    if bool(drawn) != bool(samples):
        raise UserError(
            "--sample and --samples go together: --sample='learning_rate=log(1e-4,1)' --samples=32"
        )
    factors = [_column(axis) for axis in columns]
    factors += [_together(group, text) for group, text in zip(groups, zipped, strict=True)]
    if drawn:
        factors.append(_draws(drawn, samples, seed))
    listed = [*columns, *(axis for group in groups for axis in group)]
    ordered = _ordered([*listed, *drawn])
    merged = [
        dict(itertools.chain.from_iterable(point.items() for point in combination))
        for combination in itertools.product(*factors)
    ]
    settled_points = [settled(ordered, point) for point in merged]
    # Values of an axis that is not set are one point.
    if any(axis.condition is not None for axis in listed):
        settled_points = list(
            {tuple(sorted(point.items())): point for point in settled_points}.values()
        )
    return [axis.path for axis in ordered], settled_points


def _refuse_twice(paths: Sequence[str]) -> None:
    for path in paths:
        if paths.count(path) > 1:
            raise UserError(f"two axes set {path}; each setting can be on one axis")


def repeats(
    points: Sequence[Point], settings: Mapping[str, Any], sampled: Sequence[str] = ()
) -> int:
    """The number of points that give the same run as an earlier point. Only drawn points may.

    Args:
        points: the settings of each point.
        settings: the settings that all points share.
        sampled: the axes that may repeat a value, because their values are drawn.

    Raises:
        UserError: two values of an axis are the same setting, as 0.01 and 1e-2 are.
    """
    resolved = [resolve(settings, point) for point in points]
    for path in dict.fromkeys(path for point in points for path in point):
        there = [
            (point[path], *resolution)
            for point, resolution in zip(points, resolved, strict=True)
            if path in point
        ]
        # Planning says of a setting that no point uses that it is not used.
        if path not in sampled and not all(path in unused for _, _, unused in there):
            by_value: dict[str, list[RunConfig]] = {}
            for value, config, _ in there:
                by_value.setdefault(value, []).append(config)
            _refuse_equal(path, by_value)
    return len(points) - len({config for config, _ in resolved})


def resolve(settings: Mapping[str, Any], point: Point) -> tuple[RunConfig, frozenset[str]]:
    """A point's config and its unused settings. Raises UserError, also for `a,b` in place of
    `a|b`."""
    wanted = {**settings, **point}
    try:
        return config_lib.resolve(wanted)
    except UserError as error:
        for path, value in point.items():
            pieces = grammar.split(value, ",")
            if len(pieces) > 1 and all(_resolves({**wanted, path: piece}) for piece in pieces):
                raise UserError(
                    f"{path}={value} is one value; several are separated by |:"
                    f" '{path}={'|'.join(pieces)}'"
                ) from error
        raise


def _resolves(settings: Mapping[str, Any]) -> bool:
    try:
        config_lib.resolve(settings)
    except UserError:
        return False
    return True


def _refuse_equal(path: str, by_value: Mapping[str, Sequence[RunConfig]]) -> None:
    """by_value: the configs of each value of an axis, those of the other axes' points in the same
    order."""
    seen: dict[tuple[RunConfig, ...], str] = {}
    for value, configs in by_value.items():
        other = seen.setdefault(tuple(configs), value)
        if other != value:
            raise UserError(f"the axis {path} has a value twice: {other} and {value} are the same")


def _column(axis: Axis) -> list[Point]:
    return [{axis.path: value} for value in axis.values]


def _together(axes: list[Axis], text: str) -> list[Point]:
    lengths = {axis.path: len(axis.values) for axis in axes}
    if len(axes) < 2:
        raise UserError(f"--zip='{text}' has one axis; write --zip='a=1|2; b=3|4', or use --grid")
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{path} has {count}" for path, count in lengths.items())
        raise UserError(
            f"--zip='{text}': axes that move together need equally many values; {counts}"
        )
    return [
        dict(zip(lengths, values, strict=True))
        for values in zip(*(axis.values for axis in axes), strict=True)
    ]


def draws(axes: Sequence[Axis], samples: int, seed: int) -> list[Point]:
    """The first points of sampled axes.

    Args:
        axes: ordered as `sampled` does; each axis has its own stream.
        samples: how many points.
        seed: of the streams.
    """
    return [settled(axes, point) for point in _draws(axes, samples, seed)]


def _draws(axes: Sequence[Axis], samples: int, seed: int) -> list[Point]:
    """The points with a value on every axis, whatever its condition."""
    # A stream per axis, drawn from at every point: another axis, or a condition, shifts no draw.
    generators = {axis.path: rng.host(seed, f"sample {axis.path}") for axis in axes}
    return [
        {axis.path: _draw(axis, generators[axis.path]) for axis in axes} for _ in range(samples)
    ]


def settled(axes: Sequence[Axis], point: Mapping[str, str]) -> Point:
    """The point without the axes whose conditions do not hold at it. axes: as `sampled` orders
    them."""
    present: Point = {}
    for axis in axes:
        if axis.condition is None or axis.condition.holds(present):
            present[axis.path] = point[axis.path]
    return present


def _draw(axis: Axis, generator: np.random.Generator) -> str:
    if axis.distribution is not None:
        return axis.distribution.draw(generator)
    return axis.values[int(generator.integers(len(axis.values)))]
