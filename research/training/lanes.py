"""Lanes: the pure functions of one lane, mapped over a pack's and compiled, as the chosen way says."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from research import rng
from research.training.program import Program, predict, scores
from research.training.state import Lane, LaneState, Tree, Variables
from research.training.step import end_epoch, initial_state, train_step


@dataclasses.dataclass(frozen=True)
class Way:
    """How a pack runs; together with program, versions and device kind it fixes every bit.

    width: lanes mapped together in one chunk. steps: most updates a dispatch. devices: over how many
    devices the chunks are spread.
    """

    width: int
    steps: int
    devices: int = 1


def mapped(function: Callable[..., Tree], width: int) -> Callable[..., Tree]:
    """`function` of one lane over a leading lane axis. One lane is not mapped: its convolutions stay plain."""
    if width > 1:
        return jax.vmap(function)

    def alone(*trees: Tree) -> Tree:
        one = function(*jax.tree.map(lambda leaf: leaf[0], trees))
        return jax.tree.map(lambda leaf: leaf[None], one)

    return alone


@functools.partial(jax.jit, static_argnames=("program",))
def init(program: Program, lane: Lane) -> LaneState:
    """The initial state of one lane. Never mapped, so that its bits are the same in every pack."""
    return initial_state(program, lane)


@functools.partial(jax.jit, static_argnames=("classes",))
def labels(lanes: Lane, y: jax.Array, *, classes: int) -> jax.Array:
    """Each lane's labels [W, N]: with probability `label_noise` drawn anew over all classes, by row."""

    def one(lane: Lane) -> jax.Array:
        def noisy(row: jax.Array, label: jax.Array) -> jax.Array:
            choose, draw = jax.random.split(jax.random.fold_in(rng.stream(lane.seed, "label_noise"), row))
            anew = jax.random.bernoulli(choose, lane.hparams["label_noise"])
            return jnp.where(anew, jax.random.randint(draw, (), 0, classes, label.dtype), label)

        return jax.vmap(noisy)(jnp.arange(y.shape[0]), y)

    return jax.vmap(one)(lanes)


@functools.partial(jax.jit, static_argnames=("count", "padding"))
def order(lanes: Lane, epoch: jax.Array, *, count: int, padding: int = 0) -> jax.Array:
    """The rows that an epoch's updates read, in their order, [W, count + padding]: a function of seed and epoch.

    The padding repeats the last row; no update reads it.
    """

    def one(lane: Lane) -> jax.Array:
        key = rng.at(lane.seed, "order", epoch)
        rows = lane.train[jax.random.permutation(key, lane.train.shape[0])[:count]]
        return jnp.pad(rows, (0, padding), mode="edge")

    return jax.vmap(one)(lanes)


@functools.partial(jax.jit, static_argnames=("steps", "batch"))
def gather(
    x: jax.Array, y: jax.Array, rows: jax.Array, first: jax.Array, *, steps: int, batch: int
) -> dict[str, jax.Array]:
    """The batches of `steps` updates from `first` on: x [steps, W, batch, ...], y [steps, W, batch].

    y: labels [N] or, where lanes differ in them, [W, N]. Past the epoch's end the last rows are repeated.
    """
    width = rows.shape[0]
    chosen = jax.lax.dynamic_slice_in_dim(rows, first * batch, steps * batch, axis=1)
    chosen = chosen.reshape(width, steps, batch).swapaxes(0, 1)
    targets = y[chosen] if y.ndim == 1 else jax.vmap(lambda own, r: own[r], (0, 1), 1)(y, chosen)
    return {"x": x[chosen], "y": targets}


@functools.partial(jax.jit, static_argnames=("program", "width"), donate_argnames=("states",))
def advance(
    program: Program,
    width: int,
    states: LaneState,
    lanes: Lane,
    batches: dict[str, jax.Array],
    factors: jax.Array,
    count: jax.Array,
) -> LaneState:
    """`count` updates of a chunk of lanes; the old states are given away.

    batches: leaves [steps, W, ...]; factors: of the learning rate, [steps, W].
    """
    step = mapped(functools.partial(train_step, program), width)
    inputs = {**batches, "factor": factors}
    if factors.shape[0] == 1:
        return step(states, lanes, jax.tree.map(lambda leaf: leaf[0], inputs))
    return jax.lax.fori_loop(0, count, lambda i, s: step(s, lanes, jax.tree.map(lambda leaf: leaf[i], inputs)), states)


@functools.partial(jax.jit, static_argnames=("program", "width"))
def evaluate(
    program: Program, width: int, variables: Variables, lanes: Lane, x: jax.Array, rows: jax.Array
) -> dict[str, jax.Array]:
    """Evaluation of rows [W, E] of x: the loss's outputs [W, E, K] and the metrics' scores [W, E, C]."""

    def one(own: Variables, lane: Lane, r: jax.Array) -> dict[str, jax.Array]:
        outputs = predict(program, own, lane, x[r])
        return {"outputs": outputs, "scores": scores(program, lane, outputs)}

    return mapped(one, width)(variables, lanes, rows)


@functools.partial(jax.jit, static_argnames=("program", "width"), donate_argnames=("states",))
def close_epoch(
    program: Program, width: int, states: LaneState, lanes: Lane, evaluated: dict[str, jax.Array], y: jax.Array
) -> tuple[LaneState, dict[str, Any]]:
    """Ends an epoch: the curves' row, {name: [W]}, and the states with stopping, plateau and sums moved on.

    evaluated: `evaluate` of the validation rows, or empty; y: their labels [W, V].
    """
    return mapped(functools.partial(end_epoch, program), width)(states, lanes, evaluated, y)
