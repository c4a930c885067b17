"""The best and the last variables of runs, beside their states: keeping them changes no step."""

import functools

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from research.training.step.state import Array, LaneState, Tree, Variables


@flax.struct.dataclass
class BestAndLast:
    """What runs keep of the variables that they were evaluated with. Leaves [W, ...], a run's own
    without that axis.

    best: of the epoch of the lowest loss (see means.to_minimize), or the one that early stopping
        restores. last: of the last epoch of a run that neither diverged nor
        stopped before. Epochs are counted from 1; 0 is before the first step. loss: that of the
        best epoch.
    """

    best: Variables
    best_epoch: Array
    loss: Array
    last: Variables
    last_epoch: Array


def before_training(states: LaneState) -> BestAndLast:
    """Before the first step, of states on the host. Copies, since the states' arrays are given away
    by it."""
    epoch, loss = np.zeros_like(states.epochs), np.full_like(states.sums["loss"], np.inf)
    copied = functools.partial(jax.tree.map, np.copy)
    return BestAndLast(
        copied(states.evaluated), epoch, loss, copied(states.evaluated), np.copy(epoch)
    )


def template(state: LaneState) -> BestAndLast:
    """The shapes of what a run with such a state keeps."""
    return BestAndLast(
        state.evaluated, state.epochs, state.sums["loss"], state.evaluated, state.epochs
    )


# Donated, so that keeping variables costs their size twice (best and last) and not four times.
@functools.partial(jax.jit, donate_argnames=("earlier",))
def update(
    earlier: BestAndLast, states: LaneState, variables: Variables, loss: jax.Array
) -> BestAndLast:
    """What runs keep after an epoch that `close_epoch` ended.

    A run that is over keeps what it had, however long its neighbours train on.

    Args:
        earlier: what they kept before.
        states: the lanes' states after the epoch.
        variables: those that evaluation uses.
        loss: the loss that decides which epoch is best, [W].
    """
    # `epochs` stands still once a run stopped or diverged.
    live = states.epochs > earlier.last_epoch
    improved = live & (loss < earlier.loss if states.stopping is None else states.stopping.improved)
    return BestAndLast(
        best=_chosen(improved, variables, earlier.best),
        best_epoch=jnp.where(improved, states.epochs, earlier.best_epoch),
        loss=jnp.where(improved, loss, earlier.loss),
        last=_chosen(live, variables, earlier.last),
        last_epoch=jnp.where(live, states.epochs, earlier.last_epoch),
    )


def _chosen(condition: jax.Array, new: Tree, old: Tree) -> Tree:
    def one(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.where(condition.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(one, new, old)
