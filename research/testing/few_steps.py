"""Runs of a few steps, and whether a lane equals the run alone: what the checks compare."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from research.data.spec import Arrays
from research.param_tree import by_name
from research.sweeps.plan.run_plan import PlannedRun
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.setup.lane_inputs import make_lane_inputs
from research.training.step.initial_state import compiled_initial_state
from research.training.step.state import Lane, Variables

# How many perturbed runs measure what rounding does, and how many times that a lane may differ.
PERTURBATIONS = 3
MULTIPLE = 5


def initial(run: PlannedRun, arrays: Arrays) -> tuple[Lane, Variables]:
    """A run's lane and its variables before the first step."""
    with run.program.precision_context():
        inputs = make_lane_inputs(run.config, run.program, arrays).lane
        return inputs, compiled_initial_state(run.program, inputs).variables


def start(runs: Sequence[PlannedRun], arrays: Arrays, width: int) -> chunk_lib.Chunk:
    """The chunk of some runs before its first step, with idle lanes last.

    Args:
        runs: runs of one program.
        arrays: the data.
        width: lanes of the chunk.
    """
    program = runs[0].program
    with program.precision_context():
        (chunk,) = chunk_lib.start(
            program, [run.config for run in runs], arrays, ExecutionStrategy(width, 1)
        )
    return chunk


def steps(
    runs: Sequence[PlannedRun],
    arrays: Arrays,
    width: int,
    count: int,
    perturbation: int | None = None,
) -> Any:
    """The variables after some steps, leaves [width, ...], on the host.

    Args:
        runs: runs of one program.
        arrays: the data.
        width: lanes of the chunk.
        count: number of steps.
        perturbation: a seed that moves every initial parameter to one of the two floats next to it.
    """
    chunk = start(runs, arrays, width)
    strategy = ExecutionStrategy(width, 1)
    if perturbation is not None:
        variables = chunk.state.variables
        variables = dataclasses.replace(
            variables, params=perturb_by_one_ulp(variables.params, perturbation)
        )
        chunk.state = dataclasses.replace(chunk.state, variables=variables)
    with runs[0].program.precision_context():
        running = loop.dispatches(runs[0].program, chunk, strategy, 0)
        for _ in range(count):
            next(running)
        return jax.device_get(chunk.state.variables)


def perturb_by_one_ulp(params: Any, seed: int) -> Any:
    """The parameters, each moved to one of the two floats next to it."""
    generator = np.random.default_rng(seed)

    def perturbed(leaf: jax.Array) -> jax.Array:
        towards = np.where(generator.random(leaf.shape) < 0.5, -np.inf, np.inf).astype(np.float32)
        return jax.device_put(np.nextafter(np.asarray(leaf), towards), leaf.sharding)

    return jax.tree.map(perturbed, params)


def lane(tree: Any, index: int) -> Any:
    """One lane of a tree of lanes."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def unequal(got: Any, expected: Any) -> list[str]:
    """The leaves whose bits are not equal, -0.0 differing from 0.0 and NaN equal to itself."""
    pairs = zip(by_name(got).items(), jax.tree.leaves(expected), strict=True)
    return [name for (name, a), b in pairs if np.asarray(a).tobytes() != np.asarray(b).tobytes()]


def beyond_rounding(variables: Any, run: PlannedRun, arrays: Arrays, count: int) -> list[str]:
    """The leaves in which a lane differs from the run alone by more than rounding.

    In norm a leaf may differ by 1e-5 of the distance that the run has moved since its start, or by
    5 times the effect of moving the initial parameters by one float: the bias before a
    normalization has a gradient of mere rounding, and Adam turns it into a step. At most 3e-6 of
    the distance, and 1.3 times that effect, were measured.

    Args:
        variables: the lane's variables after `count` steps.
        run: the run of that lane.
        arrays: the data.
        count: number of steps.
    """
    alone = lane(steps([run], arrays, 1, count), 0)
    perturbed = [
        lane(steps([run], arrays, 1, count, perturbation=seed), 0) for seed in range(PERTURBATIONS)
    ]
    # On the host: on a device each shape of a leaf would be a program to compile.
    initial_variables = lane(jax.device_get(start([run], arrays, 1).state.variables), 0)
    moved = _difference(alone, initial_variables)
    distance = np.linalg.norm([np.linalg.norm(leaf) for leaf in jax.tree.leaves(moved)])
    assert np.isfinite(distance), "the run alone diverges"
    # Several perturbations, since the effect of one may happen to cancel.
    effects = [jax.tree.map(np.linalg.norm, _difference(each, alone)) for each in perturbed]
    allowed = jax.tree.map(lambda *each: max(1e-5 * distance, MULTIPLE * max(each)), *effects)
    differs = jax.tree.map(np.linalg.norm, _difference(variables, alone))
    # Not `norm > most`: a NaN is wrong too.
    wrong = jax.tree.map(lambda norm, most: not norm <= most, differs, allowed)
    return [name for name, is_wrong in by_name(wrong).items() if is_wrong]


def _difference(a: Any, b: Any) -> Any:
    return jax.tree.map(lambda x, y: x.astype(np.float64) - y, a, b)
