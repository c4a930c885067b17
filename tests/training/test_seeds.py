"""Seeds set apart: each source of randomness follows its own, and nothing else does."""

from typing import Any

import jax
import numpy as np
import pytest

from research import identity
from research.config import resolve
from research.errors import UserError
from research.sweeps.plan.run_plan import PlannedRun
from research.training.devices import lane_functions
from research.training.setup.lane_inputs import make_lane_inputs
from research.training.step.initial_state import initial_state
from tests.support.engine import IMAGES, lane, planner, run, steps

NOISY = {"regularization": "dropout=0.4", "label_noise": 0.5}


def _drawn(own: PlannedRun) -> dict[str, Any]:
    """What a run draws from each source of randomness."""
    arrays = IMAGES.arrays()
    inputs = make_lane_inputs(own.config, own.program, arrays).lane
    return {
        "init": jax.device_get(initial_state(own.program, inputs).variables.params),
        # Of all rows, so that it does not depend on the split.
        "order": np.argsort(lane_functions.order(40, 0, False, inputs, np.int32(0))),
        "noise": lane_functions.labels(3, inputs, arrays.y),
        "split": inputs.train,
    }


def _equal(a: Any, b: Any) -> bool:
    return all(map(np.array_equal, jax.tree.leaves(a), jax.tree.leaves(b)))


@pytest.mark.parametrize("source", ["init", "order", "noise", "split"])
def test_a_seed_of_its_own_changes_its_source_alone(source: str) -> None:
    base = {"split": "4:1:1", "split_seed": "seed", "label_noise": 0.5, "batch_size": 8}
    plans = planner()
    first = _drawn(plans.runs([{**base, "seed": 1}])[0])
    other = _drawn(plans.runs([{**base, "seed": 2}])[0])
    apart = {**base, "seed": 1, f"{source}_seed": 2}
    mixed = _drawn(plans.runs([apart])[0])
    for name, drawn in mixed.items():
        expected = other if name == source else first
        if name == "order" and source == "split":
            continue  # the order is of other rows
        assert _equal(drawn, expected[name]), name
        assert not _equal(first[name], other[name]), name


def test_seeds_apart_are_lanes_of_one_program_and_change_the_training() -> None:
    seeds = ("init_seed", "order_seed", "noise_seed")
    runs = [run(**NOISY, **apart) for apart in [{}, *({name: 3} for name in seeds)]]
    assert len({each.program for each in runs}) == 1
    assert len({each.id for each in runs}) == len(runs)
    seen = steps(runs, len(runs), 2)
    flat = [np.concatenate([*map(np.ravel, jax.tree.leaves(lane(seen, i)))]) for i in range(4)]
    assert len({each.tobytes() for each in flat}) == len(runs)


def test_a_seed_that_is_the_runs_own_changes_no_id() -> None:
    assert run(seed=3).id == run(seed=3, init_seed=3, noise_seed=3, **{"seed.order": 3}).id
    assert run(seed=3).id != run(seed=3, init_seed=0).id


def test_runs_that_are_planned_by_their_seed_alone_are_those_planned_one_by_one() -> None:
    requests = [{"batch_size": 8, "seed.noise": 2, "seed": seed} for seed in range(4)]
    together = planner().runs(requests)
    alone = [planner().runs([request])[0] for request in requests]
    assert [each.id for each in together] == [each.id for each in alone]
    assert [each.config for each in together] == [each.config for each in alone]
    assert len({each.id for each in together}) == 4


def test_each_seed_has_two_spellings_and_takes_one_of_them() -> None:
    for source in ("init", "order", "noise", "split"):
        short, _ = resolve({f"seed.{source}": 4})
        assert short == resolve({f"{source}_seed": 4})[0]
        assert identity.static_id(short) == identity.static_id(resolve({})[0])
        with pytest.raises(UserError, match=f"seed.{source} is short for {source}_seed"):
            resolve({f"seed.{source}": 4, f"{source}_seed": 4})
    with pytest.raises(UserError, match=r"unknown setting .seed\.noises.*seed\.noise"):
        resolve({"seed.noises": 4})
