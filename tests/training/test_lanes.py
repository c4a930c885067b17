"""Law 2: a lane is the run alone: same initial parameters, data order and random bits, steps equal
to rounding.

Over every part together with others: test_combinations.py.
"""

from typing import Any

import jax
import numpy as np
import pytest

from research.registry import SCHEDULES
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk_batches
from tests.support.engine import assert_close, assert_lane_is_alone, lane, run, start, steps

WIDTH = 4


@pytest.mark.parametrize(
    "changes", [{"seed": 2}, {"learning_rate": 1.001e-3}, {"regularization": "dropout=0.3001"}]
)
def test_another_run_is_not_the_run_alone(changes: dict[str, Any]) -> None:
    """What stands for rounding above hides no neighbour's number, Adam beside a normalization
    included."""
    own = {
        "learning_rate": 1e-3,
        "optimizer": "adam",
        "regularization": "batch_norm,dropout=0.3",
        "seed": 1,
    }
    changes = {
        name: f"batch_norm,{v}" if name == "regularization" else v for name, v in changes.items()
    }
    assert_lane_is_alone(lane(steps([run(**own)], 1, 2), 0), run(**own), 2)
    with pytest.raises(AssertionError, match=r"params/|batch_stats/"):
        assert_lane_is_alone(lane(steps([run(**own | changes)], 1, 2), 0), run(**own), 2)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    runs = [run(seed=seed) for seed in range(3)]
    together, alone = start(runs, WIDTH), start(runs[2:3], 1)
    program = runs[0].program
    for epoch in range(2):
        rows = np.asarray(
            chunk_batches.order(program, together, ExecutionStrategy(WIDTH, 1), epoch)
        )
        np.testing.assert_array_equal(
            rows[2],
            np.asarray(chunk_batches.order(program, alone, ExecutionStrategy(1, 1), epoch))[0],
        )
        assert sorted(rows[2]) == sorted(np.asarray(together.lanes.train[2]))
        assert (rows[2] != rows[1]).any()
    assert (
        rows != np.asarray(chunk_batches.order(program, together, ExecutionStrategy(WIDTH, 1), 0))
    ).any()


def test_schedules_share_a_program_and_their_lanes_are_the_runs_alone() -> None:
    """Law 2 of schedules, which enter as data. The tolerance is what the order of sums leaves in
    three float32 steps, 1e-5 of the whole."""
    runs = [run(schedule=entry.name) for entry in SCHEDULES]
    assert {r.program for r in runs} == {runs[0].program}
    together = steps(runs, len(runs), 3)
    for place, own in enumerate(runs):
        assert_close(lane(together, place), lane(steps([own], 1, 3), 0))


def test_lanes_differ_where_their_numbers_do() -> None:
    """No number is lost on the way into the program."""
    numbers: list[dict[str, Any]] = [{"learning_rate": 0.1}, {"seed": 5}, {"schedule": "linear"}]
    numbers += [
        {"regularization": "dropout=0.1"},
        {"optimizer.momentum": 0.9},
        {"scaling": "minmax"},
    ]
    numbers += [{"label_noise": 0.5}, {"split_seed": 3}]
    base = {"regularization": "dropout=0.4"}
    runs = [run(**{**base, **one}) for one in [{}, *numbers]]
    assert len({r.program for r in runs}) == 1
    seen = steps(runs, len(runs), 3)
    flat = [
        np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(lane(seen, i))])
        for i in range(len(runs))
    ]
    assert len({each.tobytes() for each in flat}) == len(runs)
