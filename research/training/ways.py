"""Ways of running: which width, how many steps a dispatch, how many devices; chosen once a program and kept."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from research.config import RunConfig
from research.data.spec import Arrays
from research.training import loop
from research.training.lanes import Way
from research.training.program import Program

# Lanes mapped together at most: beyond it a dense step gains nothing more and its memory grows.
WIDEST = 32
# Steps a dispatch at most: beyond it the dispatch is no longer what costs.
LONGEST = 64
PROBE_DISPATCHES = 3
# A candidate is compiled and timed only where the pack will take this many times what that costs.
WORTH = 8.0

Timer = Callable[[Program, Sequence[RunConfig], Arrays, Way], float]


def default(program: Program, lanes: int, convolves: bool) -> Way:
    """The way that is best in most cases: images convolve one lane at a time, everything else is mapped.

    A mapped convolution is a grouped one, which no CPU library does well, and one inside a loop is slow.
    """
    if convolves(program) and jax.default_backend() == "cpu":
        return Way(width=1, steps=1, devices=len(jax.local_devices()) if lanes > 1 else 1)
    return Way(width=min(lanes, WIDEST), steps=LONGEST)


def candidates(program: Program, lanes: int) -> Iterator[Way]:
    """The ways worth timing, the default first."""
    first = default(program, lanes)
    yield first
    widths = sorted({min(lanes, width) for width in (1, 8, WIDEST)}, reverse=True)
    devices = sorted({1, len(jax.local_devices())})
    for way in (Way(w, s, d) for w in widths for s in (LONGEST, 1) for d in devices if d == 1 or lanes > w):
        if way != first and not (way.width == 1 and way.steps == 1 and not convolves(program)):
            yield way
