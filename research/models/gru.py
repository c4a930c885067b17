"""Gated recurrent units."""

from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.forward import Forward
from research.models.layers.initializers import Init
from research.models.layers.recurrence import State
from research.models.layers.recurrent import (
    SEQUENCE_FACTS,
    SEQUENCES,
    Cells,
    Recurrent,
    sees_future,
)
from research.models.layers.sequence_input import read_is_used
from research.registry import ARCHITECTURES, Architecture


def cell(state: State, x: jax.Array, product: jax.Array) -> State:
    """h' = (1 - σ(z)) n + σ(z) h with n = tanh(x_n + σ(r) product_n).

    Args:
        state: h [B, H].
        x: the gates [r, z, n] of the input, [B, 3H].
        product: the gates [r, z, n] of the state, [B, 3H].
    """
    (h,) = state
    x_gates, x_new = jnp.split(x, [2 * h.shape[-1]], axis=-1)
    product_gates, product_new = jnp.split(product, [2 * h.shape[-1]], axis=-1)
    r, z = jnp.split(nn.sigmoid(x_gates + product_gates), 2, axis=-1)
    # The reset gate acts after the product, so that one product per step serves all gates, as in
    # cuDNN and PyTorch.
    new = jnp.tanh(x_new + r * product_new)
    return ((1 - z) * new + z * h,)


class GRU(Recurrent):
    """GRU layers whose reset gate acts on the product with the state, that product's bias
    included.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(GRU(outputs=10, hidden=128), [28, 28, 1])  # an image as 28 steps of 28
        ((10,), 61706)
    """

    recurrent_init: Annotated[
        Init, "initialisation of the kernels that read the state, gate by gate"
    ] = "orthogonal"

    def layer(self, reverse: bool, fwd: Forward) -> nn.Module:
        return Cells(
            cell,
            self.hidden,
            gates=3,
            kernel_init=self.kernel_init,
            recurrent_init=self.recurrent_init,
            state_bias=True,
            reverse=reverse,
            truncate=self.truncate,
        )


ARCHITECTURES.add(
    Architecture(
        "gru",
        GRU,
        "gated recurrent units: gates blend the old state with a new one",
        "Cho et al. 2014, Learning phrase representations using RNN encoder-decoder",
        constraints=(read_is_used, sees_future),
        test_options={"hidden": 4},
        takes=SEQUENCES,
        answers=("example", "step"),
        needs_facts=SEQUENCE_FACTS,
    )
)
