"""Distributions that a sampled axis draws from, and how they are written.

    uniform(low,high)             log(low,high)        of equal density, or equal density of the
    logarithm uniform(low,high,step=0.1)    int(1,9,step=2)      low, low + step, … high, each
    equally probable int(low,high)                 log_int(1,512)       whole numbers, both ends
    included normal(mean,sd)

`loguniform` is another name for `log`.
"""

import dataclasses
import difflib
import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from statistics import NormalDist

import numpy as np

from research import grammar
from research.errors import UserError
from research.options import format_value

# Whole numbers up to here are floats, too, each apart from all others.
LARGEST = 2**53 - 1
# How near the ends of [0, 1] a place is: the ends of a normal distribution are infinite.
_EDGE = 2.0**-53


@dataclasses.dataclass(frozen=True)
class Distribution:
    """What a sampled axis draws from. low, high: its ends, of a normal distribution its mean and
    standard deviation.

    step: between neighbouring values; None: 1 for whole numbers, else there is none.
    """

    name: str
    low: float
    high: float
    step: float | None = None

    def __str__(self) -> str:
        step = "" if self.step is None else f",step={format_value(self.step)}"
        return f"{self.name}({format_value(self.low)},{format_value(self.high)}{step})"

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.name in ("int", "log_int")

    @property
    def log(self) -> bool:
        """Whether its values are drawn by their logarithm."""
        return self.name in ("log", "log_int")

    @property
    def bounded(self) -> bool:
        """Whether it has ends."""
        return self.name != "normal"

    @property
    def count(self) -> int | None:
        """How many values it has; None where that is no number."""
        if self.step is None and not self.whole:
            return None
        return round((self.high - self.low) / (self.step or 1)) + 1

    def draw(self, generator: np.random.Generator) -> str:
        """A value as a flag's text."""
        if self.name == "int":
            return self.text(
                int(self.low) + int(self.step or 1) * int(generator.integers(self.count or 1))
            )
        return self.at(generator.random())

    def at(self, quantile: float) -> str:
        """The value at a place in [0, 1), as a flag's text: equal stretches are equally
        probable."""
        return self.text(_QUANTILES[self.name](self, quantile))

    def text(self, value: float) -> str:
        """A value as a flag's text, of six digits: what is printed is what is trained."""
        return str(int(value)) if self.whole else repr(float(f"{value:.6g}"))


def _uniform(known: Distribution, quantile: float) -> float:
    if known.step is None:
        return known.low + quantile * (known.high - known.low)
    return known.low + known.step * math.floor(quantile * (known.count or 1))


def _log(known: Distribution, quantile: float) -> float:
    return math.exp(math.log(known.low) + quantile * (math.log(known.high) - math.log(known.low)))


def _int(known: Distribution, quantile: float) -> float:
    return int(known.low) + int(known.step or 1) * math.floor(quantile * (known.count or 1))


def _log_int(known: Distribution, quantile: float) -> float:
    """Rounded, so that each number has the part of the logarithmic scale that is nearest to it, as
    in Optuna."""
    low, high = math.log(known.low - 0.5), math.log(known.high + 0.5)
    value = round(math.exp(low + quantile * (high - low)))
    return min(max(value, known.low), known.high)


def _normal(known: Distribution, quantile: float) -> float:
    return NormalDist(known.low, known.high).inv_cdf(min(max(quantile, _EDGE), 1 - _EDGE))


_QUANTILES: dict[str, Callable[[Distribution, float], float]] = {
    "uniform": _uniform,
    "log": _log,
    "int": _int,
    "log_int": _log_int,
    "normal": _normal,
}
_ALIASES = {"loguniform": "log", "log_uniform": "log"}


def parse(text: str, flag: str) -> Distribution | None:
    """`log(1e-4,1)` as a distribution; None for what is a list of values. Raises UserError that
    names the flag."""
    written = text.partition("(")[0].strip()
    name = _ALIASES.get(written, written)
    close = difflib.get_close_matches(written, [*_QUANTILES, *_ALIASES], n=1)
    if close and name not in _QUANTILES and text.endswith(")"):
        raise UserError(
            f"--{flag}: {text}: there is no distribution '{written}'; did you mean {close[0]}?"
        )
    if name not in _QUANTILES or not text.endswith(")"):
        return None
    call = grammar.value(text)
    assert isinstance(call, grammar.Call)
    form = f"{name}(mean,sd)" if name == "normal" else f"{name}(low,high)"
    try:
        numbers = [float(str(argument)) for key, argument in call.arguments if key is None]
        named = {key: float(str(argument)) for key, argument in call.arguments if key is not None}
        first, second = numbers
        if named.keys() - ({"step"} if name in ("uniform", "int") else set()):
            raise ValueError
    except ValueError:
        raise UserError(f"--{flag}: {text} needs two numbers, {form}") from None
    distribution = Distribution(name, first, second, named.get("step"))
    if wrong := _wrong(distribution):
        raise UserError(f"--{flag}: {text} needs {wrong}")
    return distribution


def _wrong(known: Distribution) -> str:
    """What a distribution of these numbers would need; "" if it is one."""
    if not known.bounded:
        return (
            "" if math.isfinite(known.low + known.high) and known.high > 0 else "a mean, and sd > 0"
        )
    if not known.low < known.high or not math.isfinite(known.low + known.high):
        return "low < high"
    if known.whole and not (
        known.low.is_integer() and known.high.is_integer() and (known.step or 1.0).is_integer()
    ):
        return "two whole numbers" if known.step is None else "whole numbers"
    if known.whole and max(abs(known.low), abs(known.high)) > LARGEST:
        return "whole numbers below 2^53"
    if known.log and known.low <= 0:
        return "low > 0, since it is logarithmic"
    return "" if known.step is None else _wrong_step(known, known.step)


def _wrong_step(known: Distribution, step: float) -> str:
    """As `_wrong`; in decimals, so that steps of 0.1 lead from 0 to 1."""
    if not 0 < step < math.inf:
        return "step > 0"
    try:
        left = (Decimal(str(known.high)) - Decimal(str(known.low))) % Decimal(str(step))
    except InvalidOperation:
        return "a larger step"
    return (
        f"a step that divides the range from {format_value(known.low)} to"
        f" {format_value(known.high)}"
        if left
        else ""
    )
