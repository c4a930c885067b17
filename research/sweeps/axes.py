"""Axes of a sweep: `--grid`, `--zip` and `--sample`, in one grammar.

    axis    := path '=' values            learning_rate=0.01|0.1      regularization=none|dropout=0.5,max_norm=2
    values  := value ('|' value)*         each is what the flag itself would take
             | NAME '(' low ',' high ')'  log(1e-4,1)  uniform(0,0.99)  int(1,8)
    sampled := axis [' if ' path '=' value ('|' value)*]
                                          optimizer.momentum=uniform(0,0.99) if optimizer=sgd
    axes    := axis (';' axis)*           zipped axes move together

Grid axes multiply; axes joined by `;` in one `--zip` move together; each of the
`--samples` points draws every sampled axis once. A sampled axis with a condition is
set in those points alone in which another sampled axis has one of these values.
"""

import dataclasses
import difflib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from research import config as config_lib
from research import grammar, rng
from research.config import FIELDS, PARTS, RunConfig
from research.errors import UserError, nearest
from research.options import format_value

Point = dict[str, str]

_DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, float, float], float]] = {
    "uniform": lambda g, low, high: low + (high - low) * g.random(),
    "log": lambda g, low, high: math.exp(math.log(low) + (math.log(high) - math.log(low)) * g.random()),
    "int": lambda g, low, high: float(g.integers(int(low), int(high) + 1)),
}


@dataclasses.dataclass(frozen=True)
class Distribution:
    """What a sampled axis draws from."""

    name: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.name}({format_value(self.low)},{format_value(self.high)})"

    def draw(self, generator: np.random.Generator) -> str:
        """A value as a flag's text."""
        return self.text(_DISTRIBUTIONS[self.name](generator, self.low, self.high))

    def text(self, value: float) -> str:
        """A value as a flag's text, of six digits: what is printed is what is trained."""
        return str(int(value)) if self.name == "int" else repr(float(f"{value:.6g}"))


@dataclasses.dataclass(frozen=True)
class Condition:
    """That another axis has one of these values."""

    path: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}={'|'.join(self.values)}"

    def holds(self, point: Mapping[str, str]) -> bool:
        """Whether it does at a point; not where that axis has a condition of its own that does not hold."""
        return point.get(self.path) in self.values


@dataclasses.dataclass(frozen=True)
class Axis:
    """A setting and its values, or the distribution that they come from. condition: where it is set; None: always."""

    path: str
    values: tuple[str, ...] = ()
    distribution: Distribution | None = None
    condition: Condition | None = None

    def __str__(self) -> str:
        """As the flag takes it."""
        condition = "" if self.condition is None else f" if {self.condition}"
        return f"{self.path}={self.distribution or '|'.join(self.values)}{condition}"


def parse(text: str, flag: str) -> Axis:
    """`epochs=1|2`, `learning_rate=log(1e-4,1)`, either `if optimizer=sgd`. Raises UserError that names the flag."""
    text, condition = _conditional(text, flag)
    path, equals, right = text.partition("=")
    path, right = path.strip(), right.strip()
    if not equals or not right:
        raise UserError(f"--{flag}='{text}' is not of the form setting=value|value or setting=log(low,high)")
    head, _, tail = path.partition(".")
    if head not in FIELDS or (tail and head not in PARTS):
        raise UserError(f"--{flag}: unknown setting '{path}'; {nearest(path, FIELDS)}")
    distribution = _distribution(right, flag)
    if distribution is not None:
        if flag != "sample":
            raise UserError(f"--{flag}='{text}' draws from a distribution; use --sample='{text}' with --samples=N")
        return Axis(path, distribution=distribution, condition=condition)
    return Axis(path, _values(right, f"--{flag}='{text}'", repeated=flag == "zip"), condition=condition)


def _values(text: str, where: str, repeated: bool = False) -> tuple[str, ...]:
    """`0.01|0.1` as its values. repeated: whether one may come again, as on an axis that moves with another."""
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
    if flag != "sample":
        raise UserError(f"--{flag}='{text}' has a condition, which only a --sample axis can have")
    path, equals, values = right.partition("=")
    if not equals or not path.strip() or not values.strip():
        raise UserError(f"--{flag}: the condition 'if {right.strip()}' is not of the form if setting=value|value")
    return axis.strip(), Condition(path.strip(), _values(values.strip(), f"--{flag}: the condition 'if {right}'"))


def sampled(texts: Sequence[str], given: Mapping[str, Sequence[str]] = {}) -> list[Axis]:
    """The `--sample` axes, each behind the one that its condition asks. Raises UserError if there is none such.

    given: what conditions may ask besides, with its values.
    """
    axes = [parse(text, "sample") for text in texts]
    by_path = {axis.path: axis for axis in axes} | {path: Axis(path, tuple(values)) for path, values in given.items()}
    _refuse_twice([axis.path for axis in axes])
    for axis in axes:
        if axis.condition is not None:
            _check_condition(axis, axis.condition, by_path)
    ordered: list[Axis] = []
    while waiting := [axis for axis in axes if axis not in ordered]:
        known = {*given, *(axis.path for axis in ordered)}
        ready = [axis for axis in waiting if axis.condition is None or axis.condition.path in known]
        if not ready:
            raise UserError(f"--sample: the conditions of {' and '.join(a.path for a in waiting)} wait for each other")
        ordered += ready
    return ordered


def _check_condition(axis: Axis, condition: Condition, by_path: Mapping[str, Axis]) -> None:
    where = f"--sample: {axis.path} is set if {condition}"
    if condition.path not in by_path:
        raise UserError(f"{where}, and {condition.path} is not sampled; add --sample='{condition.path}=…'")
    values = by_path[condition.path].values
    if not values:
        raise UserError(f"{where}, and {condition.path} has no list of values, but a distribution")
    for value in condition.values:
        if value not in values:
            raise UserError(f"{where}, and {condition.path} is never '{value}'; {nearest(value, values)}")


def _distribution(text: str, flag: str) -> Distribution | None:
    name = text.partition("(")[0].strip()
    close = difflib.get_close_matches(name, _DISTRIBUTIONS, n=1)
    if close and name not in _DISTRIBUTIONS and text.endswith(")"):
        raise UserError(f"--{flag}: {text}: there is no distribution '{name}'; did you mean {close[0]}?")
    if name not in _DISTRIBUTIONS or not text.endswith(")"):
        return None
    call = grammar.value(text)
    assert isinstance(call, grammar.Call)
    try:
        if any(key is not None for key, _ in call.arguments):
            raise ValueError
        low, high = (float(str(argument)) for _, argument in call.arguments)
    except ValueError:
        raise UserError(f"--{flag}: {text} needs two numbers, {name}(low,high)") from None
    if not low < high or not math.isfinite(low + high):
        raise UserError(f"--{flag}: {text} needs low < high")
    if name == "int" and not (low.is_integer() and high.is_integer()):
        raise UserError(f"--{flag}: {text} needs two whole numbers")
    if name == "log" and low <= 0:
        raise UserError(f"--{flag}: {text} needs 0 < low; logarithms do")
    return Distribution(name, low, high)


def points(
    grid: Sequence[str] = (), zipped: Sequence[str] = (), sample: Sequence[str] = (), samples: int = 0, seed: int = 0
) -> tuple[list[str], list[Point]]:
    """(the axes' paths in order, the settings of each point). Without axes there is one point, {}.

    Sampled points are a function of the axes and `seed`, so the same command asks for the same runs.
    """
    factors: list[list[Point]] = [_column(parse(text, "grid")) for text in grid]
    for text in zipped:
        factors.append(_together([parse(part, "zip") for part in grammar.split(text, ";")], text))
    paths = [path for factor in factors for path in factor[0]]
    drawn = sampled(sample)
    if bool(drawn) != bool(samples):
        raise UserError("--sample and --samples go together: --sample='learning_rate=log(1e-4,1)' --samples=32")
    if drawn:
        factors.append(draws(drawn, samples, seed))
        paths += [axis.path for axis in drawn]
    _refuse_twice(paths)
    merged = [{k: v for part in parts for k, v in part.items()} for parts in itertools.product(*factors)]
    return paths, merged


def _refuse_twice(paths: Sequence[str]) -> None:
    for path in paths:
        if paths.count(path) > 1:
            raise UserError(f"two axes set {path}; each setting can be on one axis")


def repeats(points: Sequence[Point], settings: Mapping[str, Any], sampled: Sequence[str] = ()) -> int:
    """How many points come to the same run as an earlier one, which drawn points may. settings: of every point.

    Raises UserError if two values of an axis come to the same setting, as 0.01 and 1e-2 do. sampled: axes exempt.
    """
    resolved = [config_lib.resolve({**settings, **point}) for point in points]
    for path in points[0]:
        # Planning says of a setting that no point uses that it is not used.
        if path not in sampled and not all(path in unused for _, unused in resolved):
            by_value: dict[str, list[RunConfig]] = {}
            for point, (config, _) in zip(points, resolved, strict=True):
                by_value.setdefault(point[path], []).append(config)
            _refuse_equal(path, by_value)
    return len(points) - len({config for config, _ in resolved})


def _refuse_equal(path: str, by_value: Mapping[str, Sequence[RunConfig]]) -> None:
    """by_value: the configs of each value of an axis, those of the other axes' points in the same order."""
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
        raise UserError(f"--zip='{text}': axes that move together need as many values each; {counts}")
    return [dict(zip(lengths, values, strict=True)) for values in zip(*(axis.values for axis in axes), strict=True)]


def draws(axes: Sequence[Axis], samples: int, seed: int) -> list[Point]:
    """The first `samples` points of axes as `sampled` orders them; each axis has a stream of its own."""
    generators = {axis.path: rng.host(seed, f"sample {axis.path}") for axis in axes}
    return [settled(axes, {axis.path: _draw(axis, generators[axis.path]) for axis in axes}) for _ in range(samples)]


def settled(axes: Sequence[Axis], point: Mapping[str, str]) -> Point:
    """The point without the axes whose conditions do not hold at it. axes: as `sampled` orders them."""
    kept: Point = {}
    for axis in axes:
        if axis.condition is None or axis.condition.holds(kept):
            kept[axis.path] = point[axis.path]
    return kept


def _draw(axis: Axis, generator: np.random.Generator) -> str:
    if axis.distribution is not None:
        return axis.distribution.draw(generator)
    return axis.values[int(generator.integers(len(axis.values)))]
