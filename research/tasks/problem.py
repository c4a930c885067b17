"""Problem: what a task tells the engine; an entry of the task registry builds one."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

import jax
import numpy as np


class Encode(Protocol):
    """Labels or values y [B] as what the loss compares with, [B, C]; shift and scale are the targets' own."""

    def __call__(self, y: jax.Array, width: int, shift: jax.Array, scale: jax.Array) -> jax.Array: ...


class Decode(Protocol):
    """The loss's scores [..., C] in the units of the data."""

    def __call__(self, scores: jax.Array, shift: jax.Array, scale: jax.Array) -> jax.Array: ...


@dataclasses.dataclass(frozen=True)
class Problem:
    """A kind of problem.

    encode: labels -> targets. decode: scores -> scores in the data's units. example_metrics: what curves
    follow, (scores [B, C], y [B]) -> {name: [B]}, on the device. summary: final metrics of a whole split,
    (scores [N, C], y [N]) -> {name: value}, on the host. better: `higher` or `lower` by metric; the first
    is the task's main one.
    """

    encode: Encode
    decode: Decode
    example_metrics: Callable[[jax.Array, jax.Array], dict[str, jax.Array]]
    summary: Callable[[np.ndarray, np.ndarray], dict[str, float]]
    better: Mapping[str, str]
