"""How a run ends: what its last update left is looked at, and what steered it must have been
there."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.data.in_memory import InMemorySource
from research.sweeps.plan.run_planner import Planner
from research.training.apply.final_metrics import overflow_message
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import BASE, STEPS_PER_EPOCH, TABLE, run, start, train


def test_what_the_last_update_of_a_training_makes_is_looked_at() -> None:
    """One update of 1e14 times the gradient: finite parameters, and outputs that are a product of
    three of them."""
    (outcome,) = train([run(batch_size="full", epochs=1, learning_rate=1e14)], 1)
    assert (outcome.diverged_at, outcome.steps, outcome.metrics) == (0, 0, {})
    assert outcome.cause == "after the last update the outputs of 40 of the 40 train rows overflow"


@pytest.mark.parametrize(
    ("assessed", "said"),
    [
        ({"test": {"outputs": np.array([[1e30, 0.0], [0.0, 1.0]])}}, ""),
        (
            {"test": {"outputs": np.array([[np.nan, 0.0], [0.0, 1.0]])}},
            "the outputs of 1 of the 2 test rows overflow",
        ),
        (
            {"train": {"outputs": np.array([[1e30, 0.0], [0.0, 1.0]])}},
            "the outputs of 1 of the 2 train rows overflow",
        ),
        ({"train": {"loss": np.array([1e18, 0.0]), "nll": np.array([0.0, 0.0])}}, ""),
        ({"train": {"loss": np.array([1e20, 0.0])}}, "the loss of 1 of the 2 train rows overflow"),
        (
            {"train": {"loss": np.zeros(2)}, "validation": {"loss": np.array([0.0, np.inf])}},
            "validation rows overflow",
        ),
    ],
)
def test_what_overflows(assessed: dict[str, Any], said: str) -> None:
    """1e30 squared is more than a float32 holds, which the next gradient's norm would be of."""
    found = overflow_message(run().program, assessed)
    assert said in found if said else not found


@pytest.mark.parametrize("part", ["params", "batch_stats", "mean"])
def test_an_epoch_that_ends_with_nan_is_no_epoch_of_the_run(part: str) -> None:
    """The lane's parameters, running statistics or mean; its neighbour, and one that has stopped,
    are as they were."""
    runs = [
        run(seed=seed, regularization="batch_norm,ema=0.9,early_stopping=2") for seed in range(3)
    ]
    with runs[0].program.precision_context():
        chunk = start(runs, 3)
        state = chunk.state
        stopped = state.stopping._replace(stopped=jnp.array([False, False, True]))
        state = dataclasses.replace(state, step=jnp.full(3, STEPS_PER_EPOCH), stopping=stopped)
        lost = jax.tree.map(lambda leaf: leaf.at[np.array([0, 2])].set(np.nan), state.variables)
        if part == "mean":
            state = dataclasses.replace(state, mean=lost)
        else:
            one = dataclasses.replace(state.variables, **{part: getattr(lost, part)})
            state = dataclasses.replace(state, variables=one)
        outputs = jnp.zeros((3, 10, 3))
        evaluated = {"outputs": outputs, "scores": outputs}
        _, row = chunk.functions.close_epoch(state, chunk.lanes, evaluated, chunk.validation)
    assert row["diverged_at"].tolist() == [STEPS_PER_EPOCH - 1, -1, -1]
    assert row["epochs"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("settings", "steering"),
    [
        ({}, ""),
        ({"regularization": "early_stopping=2"}, "early_stopping"),
        ({"schedule": "reduce_on_plateau"}, "reduce_on_plateau"),
    ],
)
def test_a_validation_loss_that_is_never_finite_steers_nothing(
    settings: dict[str, Any], steering: str
) -> None:
    """One of the ten validation rows is 1e30, whose squared error no float32 holds.

    Early stopping would go back to the untrained network. A run that is not steered by that loss is
    what it is without the row.
    """
    base = {**BASE, **settings, "epochs": 20}
    x = TABLE.data.x.copy()
    (plain,) = Planner(lambda config: TABLE).runs([base])
    row = make_lane_inputs(plain.config, plain.program, TABLE.data).lane.validation[0]
    x[row] = 1e30
    data = InMemorySource(TABLE.spec, TABLE.data._replace(x=x))
    (of,) = Planner(lambda config: data).runs([base])
    outcome, without = (
        loop.train(of.program, [of.config], arrays, ExecutionStrategy(1, 5))[0]
        for arrays in (data.data, TABLE.data)
    )
    if steering:
        assert outcome.diverged_at is not None
        assert (
            outcome.cause
            == f"{steering} reads the validation loss, which was not finite after any epoch"
        )
        assert not outcome.metrics
    else:
        assert outcome.diverged_at is None
        assert outcome.metrics["test/r2"] == without.metrics["test/r2"]
