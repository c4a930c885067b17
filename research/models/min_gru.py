"""Minimal gated recurrent units: their gates do not read the state, so all steps are computed in
parallel."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.recurrence import state_cache
from research.models.layers.recurrent import (
    SEQUENCE_FACTS,
    SEQUENCES,
    Recurrent,
    sees_future,
)
from research.models.layers.sequence_input import read_is_used
from research.registry import ARCHITECTURES, Architecture


class MinCells(nn.Module):
    """h_t = (1 - σ(z_t)) h_{t-1} + σ(z_t) n_t with z_t and n_t linear in x_t, [B, T, D] -> [B, T,
    features].

    By an associative scan over the pairs (1 - σ(z), σ(z) n), in log T steps.
    """

    features: int
    kernel_init: Init
    reverse: bool = False
    truncate: int | None = None

    @nn.compact
    def __call__(self, x: jax.Array, real: jax.Array | None, fwd: Forward) -> jax.Array:
        init = initializer(self.kernel_init, "tanh")
        z, new = jnp.split(Dense(2 * self.features, kernel_init=init, name="input")(x), 2, axis=-1)
        # sigmoid(-z) is 1 - sigmoid(z) without its cancellation for large z.
        keep = nn.sigmoid(-z)
        add = nn.sigmoid(z) * new
        # After a sequence's end the state stays.
        if real is not None:
            keep, add = jnp.where(real[..., None], keep, 1), jnp.where(real[..., None], add, 0)
        if (between := state_cache(self, jnp.zeros_like(add[:, 0]))) is not None:
            # The scan starts from zero, so the carried state enters with the first step.
            h = _scan(keep, add.at[:, 0].add(keep[:, 0] * between.value))
            between.value = h[:, -1]
            return h
        if self.reverse:
            keep, add = keep[:, ::-1], add[:, ::-1]
        h = _scan(keep, add) if self.truncate is None else _truncated(keep, add, self.truncate)
        return h[:, ::-1] if self.reverse else h


def _scan(keep: jax.Array, add: jax.Array) -> jax.Array:
    """h_t = keep_t h_{t-1} + add_t from 0, [B, T, H]."""
    return jax.lax.associative_scan(_compose, (keep, add), axis=1)[1]


def _truncated(keep: jax.Array, add: jax.Array, every: int) -> jax.Array:
    """`_scan` with gradients that stop at the last state of each run of `every` steps."""
    batch, steps, width = add.shape
    # All states are computed once without gradients. Each piece starts from its own, so that
    # gradients end there and the values are those without truncation.
    before = jax.lax.stop_gradient(jnp.pad(_scan(keep, add), ((0, 0), (1, 0), (0, 0))))[
        :, :-1:every
    ]
    pieces = [
        jnp.pad(leaf, ((0, 0), (0, -steps % every), (0, 0))).reshape(batch, -1, every, width)
        for leaf in (keep, add)
    ]
    factors, offsets = jax.lax.associative_scan(_compose, tuple(pieces), axis=2)
    return (factors * before[:, :, None] + offsets).reshape(batch, -1, width)[:, :steps]


Affine = tuple[jax.Array, jax.Array]


def _compose(first: Affine, second: Affine) -> Affine:
    """h -> a h + b of the first step, then of the second."""
    return first[0] * second[0], second[0] * first[1] + second[1]


class MinGRU(Recurrent):
    """Layers of minimal gated recurrent units.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(MinGRU(outputs=10, hidden=128), [28, 28, 1])  # an image as 28 steps of 28
        ((10,), 8714)
    """

    def layer(self, reverse: bool, fwd: Forward) -> nn.Module:
        return MinCells(self.hidden, self.kernel_init, reverse, self.truncate)


ARCHITECTURES.add(
    Architecture(
        "min_gru",
        MinGRU,
        "minimal gated recurrent units, trained in parallel over the steps",
        "Feng et al. 2024, Were RNNs all we needed?",
        constraints=(read_is_used, sees_future),
        test_options={"hidden": 4},
        takes=SEQUENCES,
        answers=("example", "step"),
        needs_facts=SEQUENCE_FACTS,
    )
)
