"""Generated time series as windows, whose targets are the next values: a sine mixture and a noisy
AR(2) process."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, NamedTuple

import numpy as np

from research import rng
from research.data.array_cache import digest, fields_of, open_table
from research.data.data_table import Table
from research.data.features.numbers import Numbers
from research.data.features.time_series import TimeSeries
from research.data.origin import narrow
from research.data.spec import Source
from research.data.windows import Windowing
from research.errors import UserError
from research.options import Count, Range, options_of
from research.registry import DATASETS, Entry

# Raised when other values are generated.
VERSION = "1.0.0"
PERIODS = (12.0, 31.0, 79.0)
AMPLITUDES = (1.0, 0.7, 0.5)
NOISE = 0.1
# Roots of modulus 0.97 at a period of 14: x_t = 0.97·2·cos(2π/14) x_{t-1} - 0.97² x_{t-2} + N(0,
# 1), seen with N(0, 1).
COEFFICIENTS = (2 * 0.97 * float(np.cos(2 * np.pi / 14)), -(0.97**2))
WARM_UP = 1000

Length = Annotated[int, Range(100), "values of the series"]
Context = Annotated[Count, "values per window; each predicts the next"]
BurnIn = Annotated[
    int,
    Range(0),
    "steps at a window's start whose error does not count, while a network's state warms up",
]
Seed = Annotated[int, Range(0, 2**32 - 1), "seed of the generated data"]


def sine_mixture(length: int, seed: int) -> np.ndarray:
    """Three sines of other periods and random phases, with noise of deviation 0.1: float64
    [length].

    Example:
        >>> values = sine_mixture(10_000, seed=0)
        >>> round(float(values.std()), 1)  # sqrt((1² + 0.7² + 0.5²) / 2 + 0.1²)
        0.9
    """
    draw = rng.host(seed, "sine_mixture")
    phases = draw.uniform(0, 2 * np.pi, len(PERIODS))
    time = np.arange(length)
    waves = [
        a * np.sin(2 * np.pi * time / p + f)
        for a, p, f in zip(AMPLITUDES, PERIODS, phases, strict=True)
    ]
    return np.sum(waves, axis=0) + NOISE * draw.normal(size=length)


def noisy_ar2(length: int, seed: int) -> np.ndarray:
    """x_t = φ₁ x_{t-1} + φ₂ x_{t-2} + N(0, 1), observed as x_t + N(0, 1): float64 [length].

    Example:
        >>> values = noisy_ar2(10_000, seed=0)
        >>> round(float(np.corrcoef(values[:-7], values[7:])[0, 1]), 1)  # half a period of 14 apart
        -0.8
    """
    draw = rng.host(seed, "noisy_ar2")
    steps = draw.normal(size=WARM_UP + length)
    hidden = np.zeros(WARM_UP + length)
    for t in range(2, len(hidden)):
        hidden[t] = COEFFICIENTS[0] * hidden[t - 1] + COEFFICIENTS[1] * hidden[t - 2] + steps[t]
    return hidden[WARM_UP:] + draw.normal(size=length)


def _opener(make: Callable[[int, int], np.ndarray]) -> Callable[..., Source]:
    """What opens the windows of the series that `make(length, seed)` makes."""

    def open_made(
        *,
        data_dir: str | None,
        cache_dir: str,
        length: Length = 10_000,
        context: Context = 64,
        burn_in: BurnIn = 0,
        seed: Seed = 0,
    ) -> Source:
        name = make.__name__
        key = f"{name}_{digest([length, seed])}"
        return open_series(
            lambda: Series(make(length, seed), (length,)),
            name,
            key,
            VERSION,
            context,
            burn_in,
            cache_dir,
        )

    open_made.__doc__ = make.__doc__
    return open_made


class Series(NamedTuple):
    """values: float64 [N]. lengths: of the series that lie in them one after another. notes, units:
    as in DataSpec."""

    values: np.ndarray
    lengths: tuple[int, ...]
    notes: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()


def open_series(
    read: Callable[[], Series],
    name: str,
    key: str,
    version: str,
    context: int,
    burn_in: int,
    cache_dir: str,
) -> Source:
    """The windows of one or more series; after each value the next one is forecast.

    Args:
        read: returns the series.
        name: the data set's name.
        key: names what is read, together with `version`.
        version: raised when the reading changes.
        context: values per window.
        burn_in: first steps of a window whose error does not count.
        cache_dir: where the arrays are kept.

    Raises:
        UserError: a series is too short for a window, or a window for its burn-in.
    """

    def load() -> Table:
        series = read()
        narrowed = narrow(series.values)
        return Table(
            narrowed.values[:, None],
            np.append(narrowed.values[1:], narrowed.values[-1:]),
            notes=(*series.notes, *narrowed.notes("the series")),
            origin=(narrowed.origin,) if narrowed.origin else (),
            target_origin=narrowed.origin,
            series=series.lengths if len(series.lengths) > 1 else (),
            sequence=True,
            units=series.units,
        )

    if burn_in >= context:
        raise UserError(
            f"burn_in={burn_in} leaves no step of a window of context={context}; use at most"
            f" {context - 1}"
        )
    source = open_table(f"{key}-{version}", load, cache_dir=cache_dir, name=name)
    length = source.spec.size
    series = fields_of(source.directory).get("series", ())
    shortest = min(series or (length,))
    if shortest <= context:
        what = f"the shortest series of {name}" if series else name
        raise UserError(
            f"{what} has length={shortest}, too short for a window of context={context} and the"
            " next value"
        )
    return dataclasses.replace(
        source,
        spec=dataclasses.replace(
            source.spec,
            task="forecast",
            inputs=TimeSeries((context,), origin=source.spec.inputs.as_a(Numbers).origin),
            targets=dataclasses.replace(source.spec.targets, shape=(context,), even=True),
            size=length - context,
            fingerprint=digest([source.spec.fingerprint, context, *([burn_in] if burn_in else [])]),
            windows=Windowing(series, burn_in=burn_in),
        ),
    )


for _make, _summary in (
    (sine_mixture, "three sines with a little noise; the next value is predicted"),
    (noisy_ar2, "an AR(2) process observed with noise; the next value is predicted"),
):
    _build = _opener(_make)
    DATASETS.add(
        Entry(
            _make.__name__,
            _build,
            _summary,
            options=options_of(_build, given={"data_dir", "cache_dir"}),
        )
    )
