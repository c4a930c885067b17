"""One update of one lane."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research import rng
from research.errors import UserError
from research.kernels import kernel_leaves, map_kernels_with_key
from research.models.layers.forward import Forward
from research.models.layers.sites import SITE
from research.optim import plateau
from research.registry import OPTIMIZERS
from research.training import means, network, objective, param_tree, update
from research.training import program as program_lib
from research.training.augment import augment_batch
from research.training.checksum import checksum
from research.training.program import Program
from research.training.state import Lane, LaneState, Tree, Variables


def train_step(
    program: Program,
    state: LaneState,
    lane: Lane,
    batch: dict[str, jax.Array],
    axis: str | None = None,
) -> LaneState:
    """One update of one lane, by the whole batch or, on a mapped axis, by each device's share of
    it.

    batch: x [B, ...] raw, y [B], factor [] (of the learning rate at this step), and where
        research/training/batch_layout.py puts examples elsewhere than they come, index [B], their
        places in the global batch; where there is padding, weight [B], 1 of a real example and 0 of
        padding. axis: the mapped axis, whose devices end with the same state.
    """
    fwd = _forward(program, lane, batch, axis)
    fwd, x, y, targets = augment_batch(program, state, lane, batch, fwd)
    params = state.variables.params
    (stats, outputs, loss), grads = _gradient(program, state, lane, params, fwd, x, targets)
    perturb = OPTIMIZERS.get(program.config.optimizer.name).perturb
    if perturb is not None:
        options = program_lib.options(program.config.optimizer, "optimizer", lane.hparams)
        at = perturb(params, grads, **options)
        grads = _gradient(program, state, lane, at, fwd, x, targets)[1]

    learning_rate = lane.hparams["learning_rate"] * batch["factor"] * state.plateau.scale
    factor = batch["factor"] * state.plateau.scale
    updates, opt_state = _update(program, state, lane, grads, params, learning_rate, factor)
    new_params = update.project(program, lane, optax.apply_updates(params, updates), learning_rate)
    variables = update.keep_frozen(program, Variables(new_params, stats), state.variables)

    row = _measured(program, lane, fwd, outputs, y, loss)
    norms = {"grad_norm": optax.tree.norm(grads), "update_norm": optax.tree.norm(updates)}
    learned = variables, opt_state, update.average(program, state, lane, variables)
    if program.counts_targets:
        # A batch without any target is no update: momentum, decay and running statistics stay as
        # they are.
        before = state.variables, state.opt_state, state.mean
        taught = row[means.EXAMPLES] > 0
        learned, norms = _chosen(
            taught, (learned, norms), (before, jax.tree.map(jnp.zeros_like, norms))
        )
    row |= norms
    finite = jnp.isfinite(row["loss"]) & jnp.isfinite(row["update_norm"])
    variables, opt_state, mean = learned
    return dataclasses.replace(
        state,
        variables=variables,
        opt_state=opt_state,
        step=state.step + 1,
        sums={name: state.sums[name] + value for name, value in row.items()},
        # One that stopped is over: what it comes to while its neighbours train on is nobody's.
        diverged_at=jnp.where(
            (state.diverged_at < 0) & ~finite & ~_stopped(state), state.step, state.diverged_at
        ),
        mean=mean,
    )


def _forward(
    program: Program, lane: Lane, batch: dict[str, jax.Array], axis: str | None
) -> Forward:
    """The Forward of all the rows that this device has of a batch."""
    rows, weight = batch["y"].shape[0], batch.get("weight")
    index = batch["index"] if "index" in batch else jnp.arange(rows)
    total: jax.Array | float | None = None
    if weight is not None:
        total = _over(jnp.sum(weight), axis)
    elif axis is not None or program.config.accumulate > 1:
        total = float(program.sizes.batch)
    return network.forward(program, lane, index, weight=weight, total=total, axis=axis)


def _measured(
    program: Program, lane: Lane, fwd: Forward, outputs: jax.Array, y: jax.Array, loss: jax.Array
) -> dict[str, jax.Array]:
    """What the update adds to the epoch's sums: the metrics of the global batch and its loss."""
    targets = objective.loss_targets(program, lane, y)
    metrics = objective.metrics(program, lane, outputs, y, targets)
    if not program.counts_targets:
        return fwd.over_devices({name: fwd.share(value) for name, value in metrics.items()}) | {
            means.LOSS: loss
        }
    sums = means.summed(program, fwd, metrics, objective.target_counts(program, targets))
    return sums | {means.LOSS: loss * sums[program.config.loss_mean]}


def _over(tree: Tree, axis: str | None) -> Tree:
    """The sum over the devices of the axis."""
    return tree if axis is None else jax.lax.psum(tree, axis)


def _gradient(
    program: Program,
    state: LaneState,
    lane: Lane,
    params: Tree,
    fwd: Forward,
    x: jax.Array,
    targets: jax.Array,
) -> tuple[tuple[Tree, jax.Array, jax.Array], Tree]:
    """((batch statistics, outputs [B, ..., K], the loss without penalties), gradient), of the
    global batch.

    Each device differentiates its own share of the objective. What flows back through a sum over
    devices is summed over them as well, so the devices' gradients add up to the objective's.
    """
    count = program.config.accumulate

    def of_part(fwd: Forward, x: jax.Array, targets: jax.Array) -> Any:
        own = functools.partial(_objective, program, state, lane, fwd)
        (_, found), grads = jax.value_and_grad(own, has_aux=True)(params, x, targets)
        return found, grads

    if count == 1:
        (stats, outputs, loss), gradient = of_part(fwd, x, targets)
        loss, gradient = _over((loss, gradient), fwd.axis)
        return (stats, outputs, loss), param_tree.zero_where(program.config.freeze, gradient)

    def add(total: Tree, own: Tree) -> Any:
        index, weight, shares, x, targets = own
        part = dataclasses.replace(fwd, index=index, weight=weight, shares=shares)
        (stats, outputs, loss), grads = of_part(part, x, targets)
        return jax.tree.map(jnp.add, total, (loss, grads)), (stats, outputs)

    whole = fwd.index, fwd.weight, fwd.shares, x, targets
    rows = jax.tree.map(lambda leaf: leaf.reshape(count, -1, *leaf.shape[1:]), whole)
    zeros = jnp.zeros((), program.dtype), jax.tree.map(jnp.zeros_like, params)
    total, (stats, outputs) = jax.lax.scan(add, zeros, rows, unroll=_slow_in_loops(params))
    loss, gradient = _over(total, fwd.axis)
    gradient = param_tree.zero_where(program.config.freeze, gradient)
    return (_mean_stats(fwd, stats, count), outputs.reshape(-1, *outputs.shape[2:]), loss), gradient


def _slow_in_loops(params: Tree) -> bool:
    """Whether the network convolves on a CPU: several times slower in a loop. Unrolled, XLA
    schedules the parts side by side, so that they save no memory there."""
    return jax.default_backend() == "cpu" and any(w.ndim > 2 for w in kernel_leaves(params))


def _mean_stats(fwd: Forward, stats: Tree, parts: int) -> Tree:
    """The mean of the batch statistics [parts, ...] that the parts left, each weighted by its real
    examples."""
    if fwd.weight is None:
        return jax.tree.map(lambda leaf: leaf.mean(axis=0), stats)
    shares = _over(fwd.weight.reshape(parts, -1).sum(axis=1), fwd.axis) / fwd.total
    return jax.tree.map(lambda leaf: jnp.tensordot(shares, leaf, 1), stats)


def _objective(
    program: Program,
    state: LaneState,
    lane: Lane,
    fwd: Forward,
    params: Tree,
    x: jax.Array,
    targets: jax.Array,
) -> tuple[jax.Array, tuple[Any, ...]]:
    """This pass's share of the loss with its penalties, and (batch statistics, outputs, its share
    of the loss)."""
    kernels = network.joined_kernels(program, lane, params)
    noisy = kernels
    for member in program.members("parameters", "kernels"):
        key = rng.at(lane.seed, member.name, state.step)
        noisy = map_kernels_with_key(program_lib.regularizer(member, lane), noisy, key)

    names = [member.name for member in program.members("activations")] + list(network.LAYER_STREAMS)

    def apply(params: Tree, x: jax.Array) -> tuple[jax.Array, dict[str, Tree]]:
        return program.model.apply(  # type: ignore[return-value]
            {"params": params, "batch_stats": state.variables.batch_stats},
            x,
            fwd,
            rngs={name: rng.at(lane.seed, name, state.step) for name in names},
            mutable=["batch_stats", "penalties"],
        )

    if program.config.remat:
        apply = jax.checkpoint(apply, policy=jax.checkpoint_policies.save_only_these_names(SITE))
    outputs, collections = apply(*network.cast_to_compute(program, (noisy, x)))
    outputs = outputs.astype(program.dtype)
    loss = fwd.loss(objective.losses(program, outputs, targets))
    penalty = sum(jax.tree.leaves(collections.get("penalties", {})), start=jnp.zeros(()))
    # Every part on every device has the same kernels, so each takes its share of their penalty.
    passes = program.config.accumulate * (1 if fwd.axis is None else jax.lax.axis_size(fwd.axis))
    for member in program.members("loss", "kernels"):
        amount = program_lib.regularizer(member, lane)
        of_kernels = sum(amount(w) for w in kernel_leaves(kernels))
        penalty = penalty + (of_kernels if passes == 1 else of_kernels / passes)
    return loss + penalty, (
        collections.get("batch_stats", state.variables.batch_stats),
        outputs,
        loss,
    )


def _update(
    program: Program,
    state: LaneState,
    lane: Lane,
    grads: Tree,
    params: Tree,
    learning_rate: jax.Array,
    factor: jax.Array,
) -> tuple[Tree, dict[str, Any]]:
    updates, opt_state = grads, {}
    noisy = {member.name for member in program.members("update", "gradient")}
    for name, transform in update.chain(program, lane):
        key = rng.at(lane.seed, name, state.step)
        updates, opt_state[name] = transform.update(
            updates,
            state.opt_state[name],
            params,
            key=key,
            learning_rate=learning_rate,
            factor=factor,
        )
        if jax.tree.map(jnp.shape, updates) != jax.tree.map(jnp.shape, params):
            raise UserError(
                f"the {name} of this update returns other shapes than those of the parameters"
            )
        if name in noisy:  # what is frozen is to count in no norm
            updates = param_tree.zero_where(program.config.freeze, updates)
    return param_tree.zero_where(program.config.freeze, updates), opt_state


def initial_state(program: Program, lane: Lane, variables: Variables | None = None) -> LaneState:
    """The state before the first step. To be called inside `program.precision_context()`, as all
    that follows.

    variables: those to start from, in place of the lane's own initial ones.
    """
    if program.dtype == np.float64 and jnp.zeros(()).dtype != np.float64:
        raise RuntimeError(
            "a float64 program was entered without program.precision_context(); JAX would round to"
            " float32"
        )
    variables = network.init(program, lane) if variables is None else variables
    params = variables.params
    sums = [*objective.metric_names(program), means.LOSS, "grad_norm", "update_norm"]
    sums += means.COUNTS if program.counts_targets else ()
    (stopping,) = [
        program_lib.regularizer(p, lane).init() for p in program.members("stopping")
    ] or [None]
    return LaneState(
        variables=variables,
        opt_state={name: transform.init(params) for name, transform in update.chain(program, lane)},
        step=jnp.zeros((), jnp.int32),
        sums={name: jnp.zeros(()) for name in sums},
        diverged_at=jnp.full((), -1, jnp.int32),
        epochs=jnp.zeros((), jnp.int32),
        mean=variables if program.has_mean else None,
        plateau=plateau.init(),
        stopping=stopping,
        best=variables if program.has_stopping else None,
    )


def end_epoch(
    program: Program, state: LaneState, lane: Lane, evaluated: dict[str, jax.Array], y: jax.Array
) -> tuple[LaneState, dict[str, Any]]:
    """Ends an epoch of one lane; evaluated: what `evaluate_examples` found of the validation rows,
    leaves [V, ...], or empty.

    A run diverges here if its last update left parameters or statistics that are not finite: no
    loss shows it before the next update, which the last one of a training does not have.
    """
    row: dict[str, Any] = {
        f"train/{name}": mean for name, mean in means.of_epoch(program, state.sums).items()
    }
    if "scores" in evaluated:
        metrics = program.problem.example_metrics(evaluated["scores"], y)
        row |= {f"validation/{name}": jnp.mean(value) for name, value in metrics.items()}
        targets = objective.loss_targets(program, lane, y)
        row["validation/loss"] = jnp.mean(objective.losses(program, evaluated["outputs"], targets))
    else:
        row |= {
            f"validation/{name}": mean for name, mean in means.of_split(program, evaluated).items()
        }
    watched = row.get("validation/loss", row["train/loss"])

    variables = update.evaluated_variables(program, state, lane)
    live = (state.diverged_at < 0) & ~_stopped(state)
    lost = live & ~_finite((state.variables, variables))
    live = live & ~lost
    stopping, best = state.stopping, state.best
    for part in program.members("stopping"):
        stopping = program_lib.regularizer(part, lane).update(state.stopping, watched)
        best = _chosen(stopping.improved & ~lost, variables, state.best)
    state = dataclasses.replace(
        state,
        sums=jax.tree.map(jnp.zeros_like, state.sums),
        diverged_at=jnp.where(lost, state.step - 1, state.diverged_at),
        epochs=state.epochs + live,
        plateau=plateau.update(state.plateau, watched, lane.plateau),
        stopping=stopping,
        best=best,
    )
    row |= {
        "checksum": checksum(state.variables.params),
        "diverged_at": state.diverged_at,
        "stopped": _stopped(state),
        "epochs": state.epochs,
    }
    return state, row


def _chosen(condition: jax.Array, new: Tree, old: Tree) -> Tree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)


def _finite(tree: Tree) -> jax.Array:
    """Whether every number of a float tree is finite, bool []."""
    return jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)], bool))


def _stopped(state: LaneState) -> jax.Array:
    return jnp.zeros((), bool) if state.stopping is None else state.stopping.stopped
