"""Data parallelism: one run over several devices, each with a share of every batch and a copy of
the state.

`jax.pmap` over the devices, those of other processes too (jax.distributed): each process feeds and
reads its own. All devices hold the same state, so what is saved or reported is the first one's.

A sum over devices waits for all of them: programs that are dispatched to the same devices from
several threads, in another order on each device, would wait for ever.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from research.data.features.named_inputs import take
from research.training.devices import batch_layout
from research.training.devices import lanes as lanes_lib
from research.training.devices.lanes import Functions
from research.training.devices.strategy import ExecutionStrategy
from research.training.setup.program import Program, Sizes
from research.training.step import update
from research.training.step.epoch_end import end_epoch
from research.training.step.objective import evaluate_examples
from research.training.step.state import Lane, LaneState, Tree, Variables
from research.training.step.step import train_step

AXIS = "batch"

Devices = tuple[jax.Device, ...]


def functions(
    program: Program, strategy: ExecutionStrategy, device: jax.Device | None = None
) -> Functions:
    """The functions of a chunk: one run over `strategy.replicas` devices, or lanes mapped on one
    device.

    Args:
        program: the chunk's program.
        strategy: its width, replicas and steps per dispatch.
        device: the device of mapped lanes; None: the default.
    """
    if strategy.replicas == 1:
        return lanes_lib.functions(program, strategy, device)
    # The leading axis is that of the devices, so none is left for lanes.
    assert strategy.width == 1, "a run that is spread over devices is alone in its chunk"
    devices = devices_of(strategy.replicas)
    return Functions(
        share=functools.partial(share, devices),
        replicate=functools.partial(replicate, devices),
        labels=_labels(devices, program.width),
        order=lambda lanes, epoch, *, count, padding=0: _order(
            devices, count, padding, program.sizes.uneven
        )(lanes, epoch.reshape(-1)[0]),
        gather=functools.partial(
            gather,
            devices,
            program.sizes,
            program.parts,
            1 + len(program.spec.target_shape),
        ),
        advance=functools.partial(advance, program, devices),
        evaluated=(
            _evaluated(program, devices)
            if program.projects_mean
            else lambda states, lanes: states.evaluated
        ),
        evaluate=_evaluate(program, devices),
        close_epoch=_close_epoch(program, devices),
    )


def devices_of(replicas: int) -> Devices:
    """The devices that a run is spread over, as many of each process, a process's side by side."""
    each, left = divmod(replicas, jax.process_count())
    assert not left, (
        f"{replicas} devices cannot be taken evenly from {jax.process_count()} processes"
    )
    every = [
        jax.local_devices(process_index=process)[:each] for process in range(jax.process_count())
    ]
    assert all(len(of_process) == each for of_process in every), f"{replicas} devices are not there"
    return tuple(device for of_process in every for device in of_process)


def _local(devices: Devices, spec: PartitionSpec) -> NamedSharding:
    local = [device for device in devices if device.process_index == jax.process_index()]
    return NamedSharding(Mesh(np.array(local), (AXIS,)), spec)


def share(devices: Devices, tree: Tree) -> Tree:
    """What all devices read, on each of them; leaves keep their shapes."""
    return jax.device_put(tree, _local(devices, PartitionSpec()))


def replicate(devices: Devices, tree: Tree) -> Tree:
    """Leaves [1, ...] of one run as leaves [devices of this process, ...], each device's own
    copy."""
    sharding = _local(devices, PartitionSpec(AXIS))
    count = sharding.num_devices
    return jax.tree.map(
        lambda leaf: jax.device_put(
            np.broadcast_to(np.asarray(leaf), (count, *leaf.shape[1:])), sharding
        ),
        tree,
    )


def _mapped(
    function: Callable[..., Any], devices: Devices, in_axes: Any = 0, donate: tuple[int, ...] = ()
) -> Any:
    return jax.pmap(
        function, axis_name=AXIS, in_axes=in_axes, devices=devices, donate_argnums=donate
    )


# Cached: `jax.pmap` compiles per function object, and each call here would make another one.
@functools.cache
def _labels(devices: Devices, classes: int) -> Callable[[Lane, jax.Array], jax.Array]:
    return _mapped(functools.partial(lanes_lib.noisy_labels, classes=classes), devices, (0, None))


@functools.cache
def _order(
    devices: Devices, count: int, padding: int, uneven: bool
) -> Callable[[Lane, Any], jax.Array]:
    ordered = functools.partial(lanes_lib.ordered, count=count, padding=padding, uneven=uneven)
    return _mapped(ordered, devices, (0, None))


def gather(
    devices: Devices,
    sizes: Sizes,
    parts: int,
    rank: int,
    x: jax.Array,
    y: jax.Array,
    rows: jax.Array,
    begin: Any,
    first: Any,
    real: Any = None,
    *,
    steps: int,
) -> dict[str, jax.Array]:
    """Each device's rows of the batches of consecutive updates.

    Args:
        devices: the devices that the run is spread over.
        sizes: the rows of each split and the batch.
        parts: how many parts a batch is cut into.
        rank: the rank of labels that all devices share.
        x: raw inputs, [N, ...], shared.
        y: labels [N, ...], of that rank, shared; or [devices, N] where labels are noisy.
        rows: the epoch's rows, [devices, R].
        begin: which batch of `rows` is the first.
        first: the step of the epoch that the first batch belongs to.
        real: how many rows the run's epoch reads, [1]; None where the program says it.
        steps: how many batches.

    Returns:
        Leaves [devices, steps, rows, ...].
    """
    count = np.int32(sizes.real) if real is None else np.int32(real[0])
    return _gather(devices, sizes, parts, steps, y.ndim == rank)(x, y, rows, begin, first, count)


@functools.cache
def _gather(
    devices: Devices, sizes: Sizes, parts: int, steps: int, shared: bool
) -> Callable[..., dict[str, jax.Array]]:
    def one(
        x: jax.Array,
        y: jax.Array,
        rows: jax.Array,
        begin: jax.Array,
        first: jax.Array,
        real: jax.Array,
    ) -> dict[str, jax.Array]:
        place = jax.lax.axis_index(AXIS)
        positions = jnp.minimum(
            jnp.asarray(batch_layout.example_positions(sizes.batch, parts, len(devices)))[place],
            sizes.batch - 1,  # padding reads the last row; its weight is 0
        )
        chosen = jax.lax.dynamic_slice_in_dim(rows, begin * sizes.batch, steps * sizes.batch)
        chosen = chosen.reshape(steps, sizes.batch)[:, positions]
        return {
            "x": take(x, chosen),
            "y": y[chosen],
            **batch_layout.batch_masks(sizes, parts, len(devices), place, first, steps, real),
        }

    return _mapped(one, devices, (None, None if shared else 0, 0, None, None, None))


def advance(
    program: Program,
    devices: Devices,
    states: LaneState,
    lanes: Lane,
    batches: dict[str, jax.Array],
    factors: np.ndarray,
    first: Any,
    count: Any,
) -> LaneState:
    """Like `lanes.advance`, over several devices.

    Args:
        program: the run's program.
        devices: the devices, D.
        states: the state on each device, leaves [D, ...].
        lanes: the run's inputs on each device, leaves [D, ...].
        batches: what `gather` returned.
        factors: of the learning rate, [steps, 1].
        first: the first step of the dispatch that is taken.
        count: how many steps are taken.
    """
    return _advance(program, devices, len(factors))(
        states, lanes, batches, factors[:, 0], first, count
    )


@functools.cache
def _advance(program: Program, devices: Devices, steps: int) -> Callable[..., LaneState]:
    def one(
        state: LaneState, lane: Lane, batches: Any, factors: jax.Array, first: Any, count: Any
    ) -> LaneState:
        inputs = {**batches, "factor": factors}

        def step(i: Any, state: LaneState) -> LaneState:
            return train_step(
                program, state, lane, jax.tree.map(lambda leaf: leaf[i], inputs), AXIS
            )

        return (
            step(0, state) if steps == 1 else jax.lax.fori_loop(first, first + count, step, state)
        )

    # The state is donated, as in lanes.py.
    return _mapped(one, devices, (0, 0, 0, None, None, None), donate=(0,))


@functools.cache
def _evaluated(program: Program, devices: Devices) -> Callable[[LaneState, Lane], Variables]:
    return _mapped(functools.partial(update.evaluated_variables, program), devices)


@functools.cache
def _evaluate(program: Program, devices: Devices) -> Callable[..., dict[str, jax.Array]]:
    """`lanes.evaluate` of one run: each device predicts its rows, filled up with the last one, and
    gets all outputs."""

    def one(
        variables: Variables, lane: Lane, x: jax.Array, rows: jax.Array, y: Any
    ) -> dict[str, jax.Array]:
        # pmap needs equal shapes, so the last device repeats rows; the slice below drops them.
        each = -(-rows.size // len(devices))
        places = jnp.minimum(jax.lax.axis_index(AXIS) * each + jnp.arange(each), rows.size - 1)
        own_y = jax.tree.map(lambda leaf: leaf[places], y)
        outputs = evaluate_examples(program, variables, lane, take(x, rows[places]), own_y)
        return jax.tree.map(
            lambda leaf: jax.lax.all_gather(leaf, AXIS, tiled=True)[: rows.size], outputs
        )

    mapped = _mapped(one, devices, (0, 0, None, 0, 0))
    return lambda variables, lanes, x, rows, y=None: mapped(variables, lanes, x, rows, y)


@functools.cache
def _close_epoch(
    program: Program, devices: Devices
) -> Callable[..., tuple[LaneState, dict[str, Any]]]:
    return _mapped(functools.partial(end_epoch, program), devices, donate=(0,))
