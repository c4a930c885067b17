"""The average slot against sums written out."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.regularization import averages

STEPS = [4.0, 8.0, 2.0, 6.0, 10.0]


def means(
    average: averages.Average, initial: float = 100.0, steps: Iterable[float] = STEPS
) -> list[float]:
    """The mean after each step, in a tree of one parameter."""
    mean, kept = {"w": jnp.array(initial)}, []
    for step, value in enumerate(steps):
        mean = average(mean, {"w": jnp.array(value)}, jnp.int32(step), len(STEPS))
        kept.append(float(mean["w"]))
    return kept


def test_ema_by_hand() -> None:
    """Decay ½: 4; (½·4 + 8)/1.5 = 20/3; (¼·4 + ½·8 + 2)/1.75 = 4. The initial 100 leaves no
    trace."""
    np.testing.assert_allclose(means(averages.ema(0.5))[:3], [4, 20 / 3, 4], rtol=1e-6)


@pytest.mark.parametrize("decay", [0.9, 0.999, 0.999999])
def test_ema_is_adams_corrected_average(decay: float) -> None:
    """m ← d·m + (1 - d)·p in float64, divided by 1 - d^t."""
    d, biased = float(np.float32(decay)), 0.0
    for t, (value, got) in enumerate(
        zip(STEPS, means(averages.ema(jnp.float32(decay))), strict=True), 1
    ):
        biased = d * biased + (1 - d) * value
        np.testing.assert_allclose(got, biased / (1 - d**t), rtol=1e-6)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (0.0, [4, 6, 14 / 3, 5, 6]),
        (0.4, [4, 8, 2, 4, 6]),  # from the third of five steps on
        (0.8, [4, 8, 2, 6, 10]),  # the last alone
        (1.0, [4, 8, 2, 6, 10]),
    ],
)
def test_swa_by_hand(start: float, expected: list[float]) -> None:
    """The mean of the last parameters by hand; 1e-6 is eight roundings of float32."""
    np.testing.assert_allclose(means(averages.swa(start)), expected, rtol=1e-6)


def test_strengths_by_lane() -> None:
    """decay is a lane value: 0 gives the parameters themselves."""

    def lane(decay: Any) -> jax.Array:
        mean = jnp.array(100.0)
        for step, value in enumerate(STEPS):
            mean = averages.ema(decay)(mean, jnp.array(value), step, len(STEPS))
        return mean

    got = jax.jit(jax.vmap(lane))(jnp.array([0.0, 0.5]))
    assert got[0] == 10.0
    np.testing.assert_allclose(got[1], means(averages.ema(0.5))[-1], rtol=1e-6)
