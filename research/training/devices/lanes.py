"""Lanes: the pure functions of one lane, mapped over a pack's lanes and compiled."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research import rng
from research.data.features.named_inputs import take
from research.training.devices import batch_layout
from research.training.devices.strategy import ExecutionStrategy
from research.training.setup.program import Program, Sizes
from research.training.step import update
from research.training.step.epoch_end import end_epoch
from research.training.step.initial_state import initial_state
from research.training.step.objective import evaluate_examples
from research.training.step.state import Lane, LaneState, Tree, Variables
from research.training.step.step import train_step


@dataclasses.dataclass(frozen=True)
class Functions:
    """What the loop calls of a chunk: lanes mapped together, or one run spread over devices.

    A leaf of a lane or a state has a leading axis [W, ...]: the lanes, or the devices of this
    process, all alike.

    share: what all lanes read, leaves without that axis, onto the device or devices. replicate:
        leaves [W, ...], one for each run, as leaves with the leading axis. The others are as this
        file's functions of the same name, less the arguments that a program and a strategy fix.
    """

    share: Callable[[Tree], Tree]
    replicate: Callable[[Tree], Tree]
    labels: Callable[[Lane, jax.Array], jax.Array]
    order: Callable[..., jax.Array]
    gather: Callable[..., dict[str, jax.Array]]
    advance: Callable[..., LaneState]
    evaluated: Callable[[LaneState, Lane], Variables]
    evaluate: Callable[..., dict[str, jax.Array]]
    close_epoch: Callable[..., tuple[LaneState, dict[str, Any]]]


def functions(
    program: Program, strategy: ExecutionStrategy, device: jax.Device | None
) -> Functions:
    """The functions of lanes that are mapped together on a device.

    Args:
        program: the lanes' program.
        strategy: its width and steps per dispatch.
        device: the device that all arguments are committed to; None: the default.
    """
    return Functions(
        share=functools.partial(jax.device_put, device=device),
        replicate=functools.partial(jax.device_put, device=device),
        labels=functools.partial(labels, classes=program.width),
        order=functools.partial(order, uneven=program.sizes.uneven),
        gather=functools.partial(
            gather,
            sizes=program.sizes,
            parts=program.parts,
            rank=1 + len(program.spec.target_shape),
        ),
        advance=functools.partial(advance, program, strategy.width),
        evaluated=functools.partial(evaluated, program, strategy.width),
        evaluate=functools.partial(evaluate, program, strategy.width),
        close_epoch=functools.partial(close_epoch, program, strategy.width),
    )


def mapped(function: Callable[..., Tree], width: int) -> Callable[..., Tree]:
    """`function` of one lane over a leading lane axis. One lane is not mapped: its convolutions
    stay plain."""
    # Mapped convolutions become grouped ones, which are slow; a single lane need not pay for that.
    if width > 1:
        return jax.vmap(function)

    def alone(*trees: Tree) -> Tree:
        one = function(*jax.tree.map(lambda leaf: leaf[0], trees))
        return jax.tree.map(lambda leaf: leaf[None], one)

    return alone


# What runs once is not worth much optimisation: so LLVM takes half as long for the draws of many
# kernels, or a third, and makes the same bits.
ONCE = {"xla_backend_optimization_level": 1}


@functools.partial(jax.jit, static_argnames=("program",), compiler_options=ONCE)
def init(program: Program, lane: Lane) -> LaneState:
    """The initial state of one lane. Never mapped, so that its bits are the same in every pack."""
    return initial_state(program, lane)


@functools.partial(jax.jit, static_argnames=("program",), compiler_options=ONCE)
def init_from(program: Program, lane: Lane, variables: Variables) -> LaneState:
    """The initial state of one lane that starts from given variables.

    Args:
        program: the lane's program.
        lane: its inputs.
        variables: what it starts from.
    """
    return initial_state(program, lane, variables)


@functools.partial(jax.jit, static_argnames=("classes",))
def labels(lanes: Lane, y: jax.Array, *, classes: int) -> jax.Array:
    """Each lane's labels [W, N]: with probability `label_noise` redrawn over all classes, by row.

    Args:
        lanes: the lanes' inputs, leaves [W, ...].
        y: labels [N].
        classes: number of classes.
    """
    return jax.vmap(functools.partial(noisy_labels, classes=classes), (0, None))(lanes, y)


def noisy_labels(lane: Lane, y: jax.Array, *, classes: int) -> jax.Array:
    """One lane's labels [N]; see `labels`.

    Args:
        lane: the lane's inputs.
        y: labels [N].
        classes: number of classes.
    """

    def noisy(row: jax.Array, label: jax.Array) -> jax.Array:
        # A key per row of the data, so that a label does not depend on the split or the order.
        choose, draw = jax.random.split(
            jax.random.fold_in(rng.stream(lane.seed, "label_noise"), row)
        )
        redrawn = jax.random.bernoulli(choose, lane.hparams["label_noise"])
        return jnp.where(redrawn, jax.random.randint(draw, (), 0, classes, label.dtype), label)

    return jax.vmap(noisy)(jnp.arange(y.shape[0]), y)


@functools.partial(jax.jit, static_argnames=("count", "padding", "uneven"))
def order(
    lanes: Lane, epoch: jax.Array, *, count: int, padding: int = 0, uneven: bool = False
) -> jax.Array:
    """The rows that an epoch's updates read, in their order, [W, count + padding].

    Args:
        lanes: the lanes' inputs.
        epoch: per lane [W], or the same for all [].
        count: how many rows; beyond the training rows the last one is repeated.
        padding: how many more times the last row is repeated.
        uneven: whether some lanes have fewer training rows; see `Lane`.
    """
    epochs = jnp.broadcast_to(epoch, lanes.seed.shape)
    return jax.vmap(lambda lane, lane_epoch: ordered(lane, lane_epoch, count, padding, uneven))(
        lanes, epochs
    )


def ordered(
    lane: Lane, epoch: jax.Array, count: int, padding: int, uneven: bool = False
) -> jax.Array:
    """One lane's order of rows, [count + padding].

    Args:
        lane: the lane's inputs, with its training rows.
        epoch: which epoch, [].
        count: rows that the epoch reads.
        padding: how often the last row is repeated at the end.
        uneven: whether rows may be missing (-1); these come last, with a weight of 0.
    """
    # A function of seed and epoch alone, so that a resumed run needs no stored order.
    key = rng.at(lane.seed, "order", epoch)
    places = jax.random.permutation(key, lane.train.shape[0])
    if uneven:
        # Rows that are missing come last, and the order of the others stays a random one.
        places = places[jnp.argsort(lane.train[places] < 0, stable=True)]
    rows = lane.train[places[:count]]
    if uneven:
        rows = jnp.where(rows < 0, lane.train[0], rows)  # its weight is 0
    return jnp.pad(rows, (0, count + padding - rows.shape[0]), mode="edge")


@functools.partial(jax.jit, static_argnames=("steps", "sizes", "parts", "rank"))
def gather(
    x: jax.Array,
    y: jax.Array,
    rows: jax.Array,
    begin: jax.Array,
    first: jax.Array,
    real: jax.Array | None = None,
    *,
    steps: int,
    sizes: Sizes,
    parts: int = 1,
    rank: int = 1,
) -> dict[str, jax.Array]:
    """The batches of consecutive updates.

    Past the epoch's end the last rows are repeated.

    Args:
        x: raw inputs, [N, ...].
        y: labels [N, ...], of that rank; or [W, N] where lanes differ in them.
        rows: rows of x, [W, R].
        begin: which batch of `rows` is the first; `first` itself where they are the whole epoch's.
        first: the step of the epoch that the first batch belongs to.
        real: how many rows each lane's epoch reads, [W]; None where all read as many.
        steps: how many batches.
        sizes: the rows of each split and the batch.
        parts: how many parts a batch is cut into.
        rank: the rank of labels that all lanes share.

    Returns:
        x and y, [steps, W, B, ...], and the masks of `batch_layout.batch_masks`.
    """
    width, batch = rows.shape[0], sizes.batch
    # Gathered before the dispatch, so that `advance` reads neither the data nor the rows: data on
    # the device and streamed data train by one program.
    chosen = jax.lax.dynamic_slice_in_dim(rows, begin * batch, steps * batch, axis=1)
    chosen = chosen.reshape(width, steps, batch).swapaxes(0, 1)
    (positions,) = batch_layout.example_positions(batch, parts)
    if len(positions) > batch:
        chosen = chosen[..., np.minimum(positions, batch - 1)]  # padding repeats the last row
    targets = (
        y[chosen] if y.ndim == rank else jax.vmap(lambda lane_y, r: lane_y[r], (0, 1), 1)(y, chosen)
    )
    if real is None:
        alike = batch_layout.batch_masks(sizes, parts, 1, 0, first, steps)
        masks = {
            name: jnp.broadcast_to(mask[:, None], chosen.shape) for name, mask in alike.items()
        }
    else:
        masks = jax.vmap(
            lambda count: batch_layout.batch_masks(sizes, parts, 1, 0, first, steps, count),
            out_axes=1,
        )(real)
    return {"x": take(x, chosen), "y": targets, **masks}


# The states are donated: a chunk then has its parameters and optimizer state in memory only once.
@functools.partial(jax.jit, static_argnames=("program", "width"), donate_argnames=("states",))
def advance(
    program: Program,
    width: int,
    states: LaneState,
    lanes: Lane,
    batches: dict[str, jax.Array],
    factors: jax.Array,
    first: jax.Array,
    count: jax.Array,
) -> LaneState:
    """Updates a chunk of lanes; the old states are given away.

    Args:
        program: what the lanes have in common.
        width: how many lanes are mapped.
        states: the lanes' states.
        lanes: the lanes' inputs.
        batches: those of a dispatch, leaves [steps, W, ...].
        factors: of the learning rate, [steps, W] or [steps, W, players].
        first: the first update of the dispatch to make.
        count: how many updates to make.
    """
    step = mapped(functools.partial(train_step, program), width)
    inputs = {**batches, "factor": factors}
    # Outside a loop: inside one, XLA on a CPU runs a convolution several times slower.
    if factors.shape[0] == 1:
        return step(states, lanes, jax.tree.map(lambda leaf: leaf[0], inputs))

    def update(i: jax.Array, states: LaneState) -> LaneState:
        return step(states, lanes, jax.tree.map(lambda leaf: leaf[i], inputs))

    # The bounds are arguments, so that a piece of any length is the same compiled program, and a
    # stop between pieces changes no bit.
    return jax.lax.fori_loop(first, first + count, update, states)


def evaluated(program: Program, width: int, states: LaneState, lanes: Lane) -> Variables:
    """What evaluation uses of each lane, leaves [W, ...].

    They are the states' own arrays where nothing is to be computed.

    Args:
        program: the lanes' program.
        width: number of lanes W.
        states: their states, leaves [W, ...].
        lanes: their inputs, leaves [W, ...].
    """
    return (
        _projected_mean(program, width, states, lanes)
        if program.projects_mean
        else states.evaluated
    )


@functools.partial(jax.jit, static_argnames=("program", "width"))
def _projected_mean(program: Program, width: int, states: LaneState, lanes: Lane) -> Variables:
    return mapped(functools.partial(update.evaluated_variables, program), width)(states, lanes)


@functools.partial(jax.jit, static_argnames=("program", "width"))
def evaluate(
    program: Program,
    width: int,
    variables: Variables,
    lanes: Lane,
    x: jax.Array,
    rows: jax.Array,
    y: Any = None,
) -> dict[str, jax.Array]:
    """What `evaluate_examples` returns for rows of each lane, leaves [W, E, ...].

    Args:
        program: what the lanes have in common.
        width: how many lanes are mapped.
        variables: the lanes' variables.
        lanes: the lanes' inputs.
        x: raw inputs, [N, ...].
        rows: each lane's rows of x, [W, E].
        y: their labels, [W, E, ...], where they are read.
    """

    def one(lane_variables: Variables, lane: Lane, r: jax.Array, y: Any) -> dict[str, jax.Array]:
        return evaluate_examples(program, lane_variables, lane, take(x, r), y)

    return mapped(one, width)(variables, lanes, rows, y)


@functools.partial(jax.jit, static_argnames=("program", "width"), donate_argnames=("states",))
def close_epoch(
    program: Program,
    width: int,
    states: LaneState,
    lanes: Lane,
    evaluated: dict[str, jax.Array],
    y: jax.Array,
) -> tuple[LaneState, dict[str, Any]]:
    """Ends an epoch of a chunk; the old states are given away.

    Args:
        program: what the lanes have in common.
        width: how many lanes are mapped.
        states: the lanes' states.
        lanes: the lanes' inputs.
        evaluated: `evaluate` of the validation rows, or empty.
        y: their labels, [W, V].

    Returns:
        The states with stopping, plateau and sums moved on, and the curves' row, {name: [W]}.
    """
    return mapped(functools.partial(end_epoch, program), width)(states, lanes, evaluated, y)
