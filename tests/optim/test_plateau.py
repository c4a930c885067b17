"""Reduce on plateau by hand, as lanes, and neutral at factor 1."""

import jax
import jax.numpy as jnp
import numpy as np

from research.optim import plateau
from research.registry import SCHEDULES
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from tests.support.engine import STEPS_PER_EPOCH, data_of, run

OPTIONS = {"factor": 0.5, "patience": 2.0, "min_delta": 0.1, "end": 0.2}


def scales(metrics, options):
    """The scale after each evaluation; metrics: [T]."""

    def step(state, metric):
        state = plateau.update(state, metric, options)
        return state, state.scale

    return jax.lax.scan(step, plateau.init(), jnp.asarray(metrics, jnp.float32))[1]


def test_by_hand():
    """Factors by hand, within float32 rounding."""
    # best 1.0; 0.95 is no improvement by 0.1 and 1.2 none at all: drop. 0.8 improves; then two
    # drops, to 0.2.
    metrics = [1.0, 0.95, 1.2, 0.8, 0.8, 0.8, np.nan, 0.75, 0.8, 0.8]
    expected = [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2]
    np.testing.assert_allclose(scales(metrics, OPTIONS), expected, rtol=1e-6)


def test_small_gains_add_up():
    # each gain is below min_delta, but together they pass it before the patience ends
    np.testing.assert_array_equal(scales([1.0, 0.94, 0.88, 0.82, 0.76], OPTIONS), 1)


def test_neutral_at_factor_one():
    metrics = np.random.default_rng(0).normal(size=50)
    np.testing.assert_array_equal(scales(metrics, OPTIONS | {"factor": 1.0}), 1)


def test_lanes():
    lanes = {
        "factor": jnp.float32([0.5, 0.1, 1.0]),
        "patience": jnp.float32([1, 2, 3]),
        "min_delta": jnp.float32([0, 0.1, 0]),
        "end": jnp.float32([0, 0.2, 0]),
    }
    metrics = np.float32(np.random.default_rng(1).normal(size=(3, 20)))
    together = jax.vmap(scales)(metrics, lanes)
    for lane in range(3):
        np.testing.assert_array_equal(
            together[lane], scales(metrics[lane], {k: v[lane] for k, v in lanes.items()})
        )


def test_its_options_are_numeric_options_of_the_schedule():
    entry = SCHEDULES.get("reduce_on_plateau")
    assert {o.name for o in entry.options if o.numeric} == OPTIONS.keys()


def test_independent_decay_falls_with_the_rate():
    """At a rate of zero the kernels shrink by (1 - strength) a step, and half as fast once the rate
    has been halved."""
    settings = {"schedule": "reduce_on_plateau", "schedule__factor": 0.5, "schedule__patience": 1}
    settings |= {"schedule__min_delta": 10.0, "learning_rate": 1e-30, "epochs": 4}
    own = run(**settings, regularization="independent_decay=0.01")
    with own.program.precision_context():
        (chunk,) = chunk_lib.start(
            own.program, [own.config], data_of(own).data, ExecutionStrategy(1, 1)
        )
        norms = [np.linalg.norm(jax.tree.leaves(chunk.state.variables.params)[1])]
        halvings = []
        for epoch in range(4):
            halvings.append(float(chunk.state.plateau.scale[0]))
            loop.run_epoch(own.program, [chunk], ExecutionStrategy(1, 1), epoch)
            norms.append(np.linalg.norm(jax.tree.leaves(chunk.state.variables.params)[1]))
    assert halvings[0] == 1 > halvings[-1]
    expected = [(1 - 0.01 * scale) ** STEPS_PER_EPOCH for scale in halvings]
    np.testing.assert_allclose(np.divide(norms[1:], norms[:-1]), expected, rtol=1e-5)
