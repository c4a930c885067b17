"""One update of one lane."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from research import rng
from research.kernels import kernel_leaves, map_kernels, map_kernels_with_key
from research.optim import plateau
from research.registry import LOSSES, OPTIMIZERS
from research.training import program as program_lib
from research.training.program import Program
from research.training.state import Lane, LaneState, Tree, Variables


def train_step(program: Program, state: LaneState, lane: Lane, batch: dict[str, jax.Array]) -> LaneState:
    """One update of one lane. batch: x [B, ...] raw, y [B], factor [] (of the learning rate at this step)."""
    x, targets = prepare(program, state, lane, batch)
    params, stats = state.variables.params, state.variables.batch_stats

    def objective(params: Tree) -> tuple[jax.Array, tuple[Any, ...]]:
        return _objective(program, state, lane, params, stats, x, targets)

    (_, (stats, outputs, loss)), grads = jax.value_and_grad(objective, has_aux=True)(params)
    ascent = OPTIMIZERS.get(program.config.optimizer.name).ascent
    if ascent is not None:
        options = program_lib.options(program.config.optimizer, "optimizer", lane.hparams)
        grads = jax.grad(objective, has_aux=True)(ascent(params, grads, **options))[0]

    learning_rate = lane.hparams["learning_rate"] * batch["factor"] * state.plateau.scale
    updates, opt_state = _update(program, state, lane, grads, params, learning_rate, batch["factor"])
    new_params = _project(program, lane, optax.apply_updates(params, updates), learning_rate)
    variables = Variables(new_params, stats)

    metrics = program.problem.example_metrics(program_lib.scores(program, lane, outputs), batch["y"])
    row = {name: jnp.mean(value) for name, value in metrics.items()} | {
        "loss": loss,
        "grad_norm": optax.tree.norm(grads),
        "update_norm": optax.tree.norm(updates),
    }
    finite = jnp.isfinite(row["loss"]) & jnp.isfinite(row["update_norm"])
    return dataclasses.replace(
        state,
        variables=variables,
        opt_state=opt_state,
        step=state.step + 1,
        sums={name: state.sums[name] + value for name, value in row.items()},
        diverged_at=jnp.where((state.diverged_at < 0) & ~finite, state.step, state.diverged_at),
        mean=_averaged(program, state, lane, variables),
    )


def prepare(program: Program, state: LaneState, lane: Lane, batch: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Raw x and y as the network's input [B, ...] and targets [B, C]: scaling, then the data and targets slots."""
    x = program_lib.scaled(program, lane, batch["x"])
    targets = program_lib.encoded(program, lane, batch["y"])
    index = jnp.arange(x.shape[0])
    for part in program.members("data"):
        transform = program_lib.regularizer(part, lane)
        keys = rng.per_example(rng.at(lane.seed, part.name, state.step), index)
        x = jax.vmap(lambda one, key, t=transform: t(one, key, True))(x, keys)
    for part in program.members("targets"):
        x, targets = program_lib.regularizer(part, lane)(x, targets, rng.at(lane.seed, part.name, state.step))
    return x, targets


def _objective(
    program: Program, state: LaneState, lane: Lane, params: Tree, stats: Tree, x: jax.Array, targets: jax.Array
) -> tuple[jax.Array, tuple[Any, ...]]:
    """The loss with its penalties, and (batch statistics, outputs, the loss alone)."""
    kernels = program_lib.effective(program, lane, params)
    noisy = kernels
    for part in program.members("parameters", "kernels"):
        key = rng.at(lane.seed, part.name, state.step)
        noisy = map_kernels_with_key(program_lib.regularizer(part, lane), noisy, key)

    names = [part.name for part in program.members("activations")] + list(program_lib.LAYER_STREAMS)
    outputs, collections = program.model.apply(
        {"params": noisy, "batch_stats": stats},
        x,
        program_lib.forward(program, lane, jnp.arange(x.shape[0])),
        rngs={name: rng.at(lane.seed, name, state.step) for name in names},
        mutable=["batch_stats", "penalties"],
    )
    loss = jnp.mean(LOSSES.get(program.config.loss).build()(outputs, targets))
    penalty = sum(jax.tree.leaves(collections.get("penalties", {})), start=jnp.zeros(()))
    for part in program.members("loss", "kernels"):
        amount = program_lib.regularizer(part, lane)
        penalty = penalty + sum(amount(w) for w in kernel_leaves(kernels))
    return loss + penalty, (collections.get("batch_stats", stats), outputs, loss)


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
    for name, transform in program_lib.chain(program, lane):
        key = rng.at(lane.seed, name, state.step)
        updates, opt_state[name] = transform.update(
            updates, state.opt_state[name], params, key=key, learning_rate=learning_rate, factor=factor
        )
    return updates, opt_state


def _project(program: Program, lane: Lane, params: Tree, learning_rate: jax.Array) -> Tree:
    for part in program.members("projection"):
        project = program_lib.regularizer(part, lane)
        params = map_kernels(lambda w, p=project: p(w, learning_rate), params)
    return params


def _averaged(program: Program, state: LaneState, lane: Lane, variables: Variables) -> Variables | None:
    mean = state.mean
    for part in program.members("average"):
        mean = program_lib.regularizer(part, lane)(mean, variables, state.step, program.steps)
    return mean


def initial_state(program: Program, lane: Lane) -> LaneState:
    """The state before the first step."""
    variables = program_lib.init(program, lane)
    params = variables.params
    metrics = jax.eval_shape(
        program.problem.example_metrics,
        jax.ShapeDtypeStruct((1, program.width), jnp.float32),
        jax.ShapeDtypeStruct((1,), jnp.int32 if program.spec.classes else jnp.float32),
    )
    (stopping,) = [program_lib.regularizer(p, lane).init() for p in program.members("stopping")] or [None]
    return LaneState(
        variables=variables,
        opt_state={name: transform.init(params) for name, transform in program_lib.chain(program, lane)},
        step=jnp.zeros((), jnp.int32),
        sums={name: jnp.zeros(()) for name in (*metrics, "loss", "grad_norm", "update_norm")},
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
    """Ends an epoch of one lane; evaluated: outputs [V, K] and scores [V, C] of the validation rows, or empty."""
    steps = program.sizes.steps_per_epoch
    row: dict[str, Any] = {f"train/{name}": total / steps for name, total in state.sums.items()}
    if evaluated:
        metrics = program.problem.example_metrics(evaluated["scores"], y)
        row |= {f"validation/{name}": jnp.mean(value) for name, value in metrics.items()}
        targets = program_lib.encoded(program, lane, y)
        row["validation/loss"] = jnp.mean(LOSSES.get(program.config.loss).build()(evaluated["outputs"], targets))
    watched = row.get("validation/loss", row["train/loss"])

    live = (state.diverged_at < 0) & ~_stopped(state)
    stopping, best = state.stopping, state.best
    for part in program.members("stopping"):
        stopping = program_lib.regularizer(part, lane).update(state.stopping, watched)
        best = _chosen(stopping.improved, state.evaluated, state.best)
    state = dataclasses.replace(
        state,
        sums=jax.tree.map(jnp.zeros_like, state.sums),
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


def _stopped(state: LaneState) -> jax.Array:
    return jnp.zeros((), bool) if state.stopping is None else state.stopping.stopped


def checksum(tree: Tree) -> jax.Array:
    """A digest of every bit of a float32 tree, uint32 [2]: sums of the words times odd functions of their place."""
    digest = jnp.zeros((2,), jnp.uint32)
    for place, leaf in enumerate(jax.tree.leaves(tree)):
        words = jax.lax.bitcast_convert_type(leaf, jnp.uint32).reshape(-1)
        index = jnp.arange(words.size, dtype=jnp.uint32) + jnp.uint32(place * 0x9E3779B9 % 2**32)
        mixed = jnp.stack([_mix(words ^ (index * jnp.uint32(m))) for m in (0x85EBCA6B, 0xC2B2AE35)])
        digest = digest + mixed.sum(axis=1, dtype=jnp.uint32)
    return digest


def _mix(words: jax.Array) -> jax.Array:
    """MurmurHash3's finaliser: every bit of a word moves every bit of the result."""
    words = (words ^ (words >> 16)) * jnp.uint32(0x85EBCA6B)
    words = (words ^ (words >> 13)) * jnp.uint32(0xC2B2AE35)
    return words ^ (words >> 16)
