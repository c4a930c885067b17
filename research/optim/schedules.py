"""Schedules: the learning rate's factor at each step, as a table (data, never part of a program).

A schedule runs over the steps after the warm-up. Its x goes from 0 at the first of them to 1 just
after the last: the first step has the base rate (factor 1), and no step is spent at the final rate,
which is often 0. A warm-up of w steps rises linearly, 1/w, 2/w, ..., 1 (Goyal et al. 2017,
arXiv:1706.02677), so that its first step already learns. Percentages are of the whole training,
warm-up included.

All schedules take `steps`, the updates of the training, and `steps_per_epoch`, and return one
factor per update, float64 [steps].
"""

from collections.abc import Callable
from typing import Annotated

import numpy as np

from research.duration import Duration
from research.errors import UserError
from research.options import Count, Fraction, NonNegative, Positive, Range, options_of
from research.registry import SCHEDULES, Schedule

Warmup = Annotated[Duration, "linear rise from 0 to the base rate before the schedule starts"]
End = Annotated[Fraction, "factor at the end of the training"]
Decay = Annotated[float, Range(0, 1, low_open=True), "what the rate is multiplied by"]
NONE = Duration(0)
PERIOD = Duration(20, "%")
DROP = Duration(30, "%")
RISE = Duration(30, "%")
BOUNDARIES = (Duration(50, "%"), Duration(75, "%"))


def constant(*, steps: int, steps_per_epoch: int, warmup: Warmup = NONE) -> np.ndarray:
    """1: the base rate throughout.

    Example:
        >>> constant(steps=5, steps_per_epoch=1, warmup=Duration(2)).tolist()
        [0.5, 1.0, 1.0, 1.0, 1.0]
    """
    return _after_warmup(steps, steps_per_epoch, warmup, np.ones_like)


def step(
    *,
    steps: int,
    steps_per_epoch: int,
    every: Annotated[Duration, "time between drops"] = DROP,
    factor: Decay = 0.1,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """factor^k after k times `every`, counted from the first step of the training, warm-up
    included.

    Example:
        >>> print(step(steps=5, steps_per_epoch=1, every=Duration(2)).round(3))
        [1.   1.   0.1  0.1  0.01]
    """
    distance = _period("every", every, steps, steps_per_epoch)
    start = _steps("warmup", warmup, steps, steps_per_epoch)
    return _after_warmup(
        steps, steps_per_epoch, warmup, lambda s: factor ** ((s + start) // distance)
    )


def multistep(
    *,
    steps: int,
    steps_per_epoch: int,
    boundaries: Annotated[tuple[Duration, ...], "when the rate drops"] = BOUNDARIES,
    factor: Decay = 0.1,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """factor^k after k of the boundaries, counted from the first step of the training, warm-up
    included.

    Example:
        >>> boundaries = (Duration(1), Duration(80, "%"))
        >>> print(multistep(steps=5, steps_per_epoch=1, boundaries=boundaries, factor=0.5))
        [1.   0.5  0.5  0.5  0.25]
    """
    drops = [_steps("boundaries", boundary, steps, steps_per_epoch) for boundary in boundaries]
    start = _steps("warmup", warmup, steps, steps_per_epoch)
    return _after_warmup(
        steps,
        steps_per_epoch,
        warmup,
        # Right: the step at a boundary already has the lower rate.
        lambda s: factor ** np.searchsorted(np.sort(drops), s + start, side="right"),
    )


def exponential(
    *,
    steps: int,
    steps_per_epoch: int,
    every: Annotated[Duration, "time after which the rate is multiplied by the factor"] = DROP,
    factor: Decay = 0.1,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """factor^(s / every), s steps after the warm-up.

    Example:
        >>> print(exponential(steps=5, steps_per_epoch=1, every=Duration(1), factor=0.5))
        [1.     0.5    0.25   0.125  0.0625]
    """
    time = _period("every", every, steps, steps_per_epoch)
    return _after_warmup(steps, steps_per_epoch, warmup, lambda s: factor ** (s / time))


def polynomial(
    *,
    steps: int,
    steps_per_epoch: int,
    power: Annotated[Positive, "exponent of the remaining share of the training"] = 2.0,
    end: End = 0.0,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """end + (1 - end) (1 - x)^power.

    Example:
        >>> print(polynomial(steps=5, steps_per_epoch=1, power=2.0).round(2))  # (1 - t/5)²
        [1.   0.64 0.36 0.16 0.04]
    """
    return _after_warmup(
        steps, steps_per_epoch, warmup, lambda s: end + (1 - end) * (1 - _progress(s)) ** power
    )


def linear(
    *, steps: int, steps_per_epoch: int, end: End = 0.0, warmup: Warmup = NONE
) -> np.ndarray:
    """1 - (1 - end) x.

    Example:
        >>> print(linear(steps=5, steps_per_epoch=1))
        [1.  0.8 0.6 0.4 0.2]
    """
    return polynomial(
        steps=steps, steps_per_epoch=steps_per_epoch, power=1.0, end=end, warmup=warmup
    )


def cosine(
    *, steps: int, steps_per_epoch: int, end: End = 0.0, warmup: Warmup = NONE
) -> np.ndarray:
    """end + (1 - end) (1 + cos(pi x)) / 2.

    Example:
        >>> print(cosine(steps=4, steps_per_epoch=1).round(3))  # half the rate at half the time
        [1.    0.854 0.5   0.146]
        >>> print(cosine(steps=5, steps_per_epoch=1, warmup=Duration(1), end=0.5).round(3))
        [1.    1.    0.927 0.75  0.573]
    """
    return _after_warmup(steps, steps_per_epoch, warmup, lambda s: _cosine(1.0, end, _progress(s)))


def one_cycle(
    *,
    steps: int,
    steps_per_epoch: int,
    rise: Annotated[Duration, "time from the start to the base rate"] = RISE,
    start: Annotated[Fraction, "factor of the first step"] = 0.04,
    end: Annotated[Fraction, "factor at the end of the training"] = 4e-6,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """Half a cosine wave from `start` up to 1, another one down to `end`. The momentum stays as it
    is.

    Example:
        >>> print(one_cycle(steps=5, steps_per_epoch=1, rise=Duration(2), start=0.2).round(2))
        [0.2  0.6  1.   0.75 0.25]
    """
    peak = _steps("rise", rise, steps, steps_per_epoch)
    rest = steps - _steps("warmup", warmup, steps, steps_per_epoch)
    if peak > rest:
        raise UserError(
            f"schedule.rise={rise} is {peak} steps, longer than the {rest} steps after the warm-up"
        )

    def body(s: np.ndarray) -> np.ndarray:
        # np.where computes both halves, so an empty one must not divide by 0.
        up = _cosine(start, 1.0, s / max(peak, 1))
        down = _cosine(1.0, end, (s - peak) / max(rest - peak, 1))
        return np.where(s < peak, up, down)

    return _after_warmup(steps, steps_per_epoch, warmup, body)


def inverse_sqrt(
    *,
    steps: int,
    steps_per_epoch: int,
    timescale: Annotated[
        Duration | None, "tau; none: the warm-up's length, or 1 without a warm-up"
    ] = None,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """sqrt(tau / (tau + s)), s steps after the warm-up: with tau = warm-up, that of Vaswani et al.
    a step later.

    Example:
        >>> print(inverse_sqrt(steps=5, steps_per_epoch=1).round(3))  # 1 / √(1 + s)
        [1.    0.707 0.577 0.5   0.447]
    """
    length = warmup if timescale is None else timescale
    # With tau = 0 the first step would be 0/0.
    tau = max(1, _steps("timescale", length, steps, steps_per_epoch))
    return _after_warmup(steps, steps_per_epoch, warmup, lambda s: np.sqrt(tau / (tau + s)))


def cyclic(
    *,
    steps: int,
    steps_per_epoch: int,
    period: Annotated[Duration, "one cycle, up and down"] = PERIOD,
    low: Annotated[Fraction, "factor at the ends of a cycle"] = 0.25,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """A triangle wave that starts at `low` and is 1 in the middle of each period.

    Example:
        >>> print(cyclic(steps=6, steps_per_epoch=1, period=Duration(4)))
        [0.25  0.625 1.    0.625 0.25  0.625]
    """
    length = _period("period", period, steps, steps_per_epoch)
    return _after_warmup(
        steps,
        steps_per_epoch,
        warmup,
        lambda s: 1 - (1 - low) * np.abs(1 - 2 * (s % length) / length),
    )


def cosine_restarts(
    *,
    steps: int,
    steps_per_epoch: int,
    cycles: Annotated[Count, "cycles of the training"] = 5,
    end: Annotated[Fraction, "factor at the end of a cycle"] = 0.0,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """Half a cosine wave from 1 to `end` in each cycle, then 1 again. Where the steps do not divide
    into cycles, the last one is shorter.

    Example:
        >>> print(cosine_restarts(steps=6, steps_per_epoch=1, cycles=2).round(2))
        [1.   0.75 0.25 1.   0.75 0.25]
    """

    def body(s: np.ndarray) -> np.ndarray:
        length = max(-(-len(s) // cycles), 1)
        return _cosine(1.0, end, (s % length) / length)

    return _after_warmup(steps, steps_per_epoch, warmup, body)


def reduce_on_plateau(
    *,
    steps: int,
    steps_per_epoch: int,
    factor: Decay = 0.1,
    patience: Annotated[
        float, Range(1), "evaluations in a row without improvement before a drop"
    ] = 5.0,
    min_delta: Annotated[NonNegative, "what counts as an improvement of the metric"] = 1e-4,
    end: Annotated[Fraction, "the factor is never below this"] = 0.0,
    warmup: Warmup = NONE,
) -> np.ndarray:
    """1; the drops depend on a validation metric and are made in training, by
    research/optim/plateau.py.

    Patience is Keras's: the drop comes with the evaluation that is the `patience`-th in a row
    without improvement. PyTorch drops one evaluation later.

    Example:
        >>> print(reduce_on_plateau(steps=5, steps_per_epoch=1))  # drops are added in training
        [1. 1. 1. 1. 1.]
    """
    del factor, patience, min_delta, end
    return constant(steps=steps, steps_per_epoch=steps_per_epoch, warmup=warmup)


def _after_warmup(
    steps: int, steps_per_epoch: int, warmup: Duration, body: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """The warm-up's ramp, then body(0, 1, 2, ...) for the steps that remain; float64 [steps].

    Args:
        steps: of the whole training.
        steps_per_epoch: of one epoch.
        warmup: the length of the ramp.
        body: the factors after it, float64 [n] -> float64 [n].
    """
    length = _steps("warmup", warmup, steps, steps_per_epoch)
    # From 1/w, so that no step is spent at rate 0.
    ramp = np.arange(1, length + 1) / max(length, 1)
    # Float64 on the host, so that the table does not depend on the device or the precision.
    return np.concatenate([ramp, body(np.arange(steps - length, dtype=np.float64))])


def _period(name: str, duration: Duration, steps: int, steps_per_epoch: int) -> int:
    """A duration in steps, at least 1: a percentage of few steps may round to 0.

    Args:
        name: the option, for the message.
        duration: its value.
        steps: of the whole training.
        steps_per_epoch: of one epoch.

    Raises:
        UserError: if the duration itself is 0.
    """
    if duration.amount == 0:
        raise UserError(
            f"schedule.{name}={duration} is not a duration; write steps, epochs or percent: 500,"
            " 3epochs or 5%"
        )
    return max(1, _steps(name, duration, steps, steps_per_epoch))


def _steps(name: str, duration: Duration, steps: int, steps_per_epoch: int) -> int:
    """A duration in steps, which may be 0.

    The arguments are those of `_period`.

    Raises:
        UserError: if it is the warm-up's and longer than the training.
    """
    length = duration.steps(steps_per_epoch=steps_per_epoch, total_steps=steps)
    if name == "warmup" and length > steps:
        raise UserError(
            f"schedule.warmup={duration} is {length} steps, longer than the training, which has"
            f" {steps} ({steps_per_epoch} per epoch)"
        )
    return length


def _progress(s: np.ndarray) -> np.ndarray:
    """x: 0 at the first of the steps, 1 just after the last."""
    # By the number of steps, not by the last index: the end is reached just after the last step.
    return s / max(len(s), 1)


def _cosine(first: float, last: float, x: np.ndarray) -> np.ndarray:
    """Half a cosine wave from `first` at x=0 to `last` at x=1."""
    return last + (first - last) * 0.5 * (1 + np.cos(np.pi * x))


def _register(
    build: Callable[..., np.ndarray], summary: str, paper: str = "", feedback: bool = False
) -> None:
    # The engine gives the numbers of steps; they are no options.
    options = options_of(build, given={"steps", "steps_per_epoch"})
    SCHEDULES.add(
        Schedule(build.__name__, build, summary, paper, options=options, feedback=feedback)
    )


_register(constant, "the base rate throughout")
_register(step, "drops by a factor at equal intervals")
_register(multistep, "drops by a factor at given points", "He et al. 2016, arXiv:1512.03385")
_register(exponential, "decays by a factor in a given time")
_register(polynomial, "decays to the factor `end` as a power of the remaining time")
_register(linear, "decays to the factor `end` in a straight line")
_register(
    cosine,
    "decays to the factor `end` along half a cosine wave",
    "Loshchilov & Hutter 2017, arXiv:1608.03983",
)
_register(
    one_cycle,
    "rises to the base rate, then decays far below the start",
    "Smith & Topin 2018, arXiv:1708.07120",
)
_register(
    inverse_sqrt, "decays as one over the root of the step", "Vaswani et al. 2017, arXiv:1706.03762"
)
_register(cyclic, "a triangle wave between a low factor and 1", "Smith 2017, arXiv:1506.01186")
_register(
    cosine_restarts,
    "half a cosine wave in each of several cycles",
    "Loshchilov & Hutter 2017, arXiv:1608.03983; Huang et al. 2017, arXiv:1704.00109",
)
_register(
    reduce_on_plateau, "drops by a factor when the validation loss stops improving", feedback=True
)
