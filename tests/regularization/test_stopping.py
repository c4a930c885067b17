"""The stopping slot by hand."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.regularization import stopping
from tests.support.engine import run, train

LOSSES = [3.0, 2.0, 2.5, 1.9, 2.0, 2.1, 1.0]


def follow(rule: stopping.Stopping, losses: list[float] = LOSSES) -> list[stopping.StoppingState]:
    states, state = [], rule.init()
    for loss in losses:
        state = jax.jit(rule.update)(state, jnp.float32(loss))
        states.append(state)
    return states


def test_patience_by_hand() -> None:
    states = follow(stopping.early_stopping(2.0))
    assert [bool(s.improved) for s in states] == [True, True, False, True, False, False, False]
    assert [bool(s.stopped) for s in states] == [False] * 5 + [True] * 2
    assert [int(s.waited) for s in states[:6]] == [0, 0, 1, 0, 1, 2]
    assert float(states[-1].best) == np.float32(1.9)  # what comes after the stop does not count


def test_min_delta_must_be_exceeded() -> None:
    states = follow(stopping.early_stopping(2.0, min_delta=0.5), [3.0, 2.6, 2.5, 2.4, 1.0])
    assert [bool(s.improved) for s in states] == [True, False, False, False, False]
    assert [bool(s.stopped) for s in states] == [False, False, True, True, True]


def test_nan_is_no_improvement() -> None:
    states = follow(stopping.early_stopping(2.0), [math.nan, 2.0, math.nan, math.nan])
    assert [bool(s.improved) for s in states] == [False, True, False, False]
    assert bool(states[-1].stopped)
    assert float(states[-1].best) == 2.0


def test_patience_by_lane() -> None:
    """Stops after `patience` epochs without improvement; without a limit never, and the last epoch
    is kept."""

    def lane(patience: Any) -> tuple[jax.Array, jax.Array]:
        rule = stopping.early_stopping(patience)

        def epoch(
            state: stopping.StoppingState, loss: jax.Array
        ) -> tuple[stopping.StoppingState, tuple[jax.Array, jax.Array]]:
            state = rule.update(state, loss)
            return state, (state.stopped, state.improved)

        return jax.lax.scan(epoch, rule.init(), jnp.array(LOSSES))[1]

    stopped, improved = jax.jit(jax.vmap(lane))(jnp.array([1.0, 2.0, 3.0, jnp.inf]))
    assert [int(row.argmax()) if row.any() else None for row in stopped] == [2, 5, None, None]
    assert improved[3].all()


def test_it_may_watch_any_metric_of_the_validation_rows() -> None:
    """Kept are the parameters of the epoch with the best metric, which is not the one with the least
    loss, and training stops after two others; the last digit of a curve is float32's."""
    rule = "early_stopping(2,metric={})"
    for metric in ("roc_auc", "f1_macro", "accuracy"):
        one = run(
            epochs=9,
            # So high that the loss is least after an epoch and the metrics later.
            learning_rate=3.0,
            metrics="f1_macro",
            regularization=rule.format(metric),
        )
        (outcome,) = train([one], 1)
        curve = outcome.curves[f"validation/{metric}"]
        best = int(np.argmax(curve))
        assert best != np.argmin(outcome.curves["validation/nll"])
        assert len(curve) == best + 3 < 9
        assert outcome.steps == len(curve) * one.program.sizes.steps_per_epoch
        np.testing.assert_allclose(outcome.metrics[f"validation/{metric}"], curve[best], atol=1e-6)


def test_what_it_cannot_watch_is_refused() -> None:
    for metric, says in (("mcc", "--metrics=mcc"), ("acuracy", "accuracy"), ("r2", "roc_auc")):
        with pytest.raises(UserError, match=says):
            run(regularization=f"early_stopping(2,metric={metric})")
