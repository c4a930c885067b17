"""The first difference: a run is trained twice, update by update, until an array of its state
differs."""

import contextlib
import dataclasses

import jax
import numpy as np

from research import param_tree
from research.config import RunConfig
from research.data.spec import Arrays
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.engine.chunk import START, PackSetup
from research.training.engine.dispatch_size import ONE_BY_ONE
from research.training.engine.outcomes import Outcome, outcomes
from research.training.setup.program import Program
from research.training.step.state import LaneState


@dataclasses.dataclass(frozen=True)
class ArrayDifference:
    """An array that is not the same in both trainings.

    path: `params/Dense_0/kernel`. elements: how many of its `size` differ. absolute, relative: the
        largest difference, and the largest relative to the greater of the two values; infinite
        where one of them is not finite.
    """

    path: str
    elements: int
    size: int
    absolute: float
    relative: float


@dataclasses.dataclass(frozen=True)
class Divergence:
    """Where two trainings of a run part: after `step` updates, or at the end of the epoch that
    these complete."""

    step: int
    closing: bool
    arrays: tuple[ArrayDifference, ...]


def train_twice(
    program: Program,
    config: RunConfig,
    arrays: Arrays,
    strategy: ExecutionStrategy,
    epochs: int,
    setup: PackSetup = START,
) -> tuple[Divergence | None, Outcome | None]:
    """Trains a run twice from its start, side by side, until the two differ.

    Args:
        program: the run's program.
        config: the run's config.
        arrays: the data.
        strategy: how the run is trained.
        epochs: after how many epochs to stop.
        setup: what the run starts from, and when inputs are streamed from the host.

    Returns:
        The first difference and None, or None and the outcome that both have after `epochs`.
    """
    with program.precision_context(), contextlib.ExitStack() as stack:
        one, other = (
            chunk_lib.start(program, [config], arrays, strategy, setup)[0] for _ in range(2)
        )
        if apart := compare(one.state, other.state):
            return Divergence(0, False, apart), None
        per_epoch = program.sizes.steps_per_epoch
        # Update by update: within a longer dispatch the first difference would not be seen.
        for epoch in range(epochs):
            both = [
                stack.enter_context(
                    contextlib.closing(
                        loop.dispatches(program, c, strategy, epoch, pace=ONE_BY_ONE)
                    )
                )
                for c in (one, other)
            ]
            for step, _ in enumerate(zip(*both, strict=True), epoch * per_epoch + 1):
                if apart := compare(one.state, other.state):
                    return Divergence(step, False, apart), None
            loop.finish(program, [one, other], strategy)
            if apart := compare(one.state, other.state):
                return Divergence((epoch + 1) * per_epoch, True, apart), None
            if not one.training.any():
                break
        return None, outcomes(program, one)[0]


def compare(one: LaneState, other: LaneState) -> tuple[ArrayDifference, ...]:
    """The arrays of the first lane that are not bit for bit the same, in the order of the state.
    Leaves [W, ...]."""
    mine = param_tree.by_name(jax.device_get(one))
    others = jax.tree.leaves(jax.device_get(other))
    return tuple(
        _apart(name.removeprefix("variables/"), np.asarray(a[0]), np.asarray(b[0]))
        for (name, a), b in zip(mine.items(), others, strict=True)
        if np.asarray(a[0]).tobytes() != np.asarray(b[0]).tobytes()
    )


def _apart(path: str, a: np.ndarray, b: np.ndarray) -> ArrayDifference:
    raw = [
        np.ascontiguousarray(x).reshape(-1).view(np.uint8).reshape(x.size, x.itemsize)
        for x in (a, b)
    ]
    # Bytes are compared and not values: -0.0 differs from 0.0, and a NaN equals itself.
    differ = (raw[0] != raw[1]).any(axis=1)
    mine, others = (np.asarray(x, np.float64).reshape(-1)[differ] for x in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        absolute = np.abs(mine - others)
        relative = np.where(absolute == 0, 0.0, absolute / np.maximum(np.abs(mine), np.abs(others)))
    largest = [float(np.max(np.where(np.isnan(x), np.inf, x))) for x in (absolute, relative)]
    return ArrayDifference(path, int(differ.sum()), a.size, *largest)
