"""Long short-term memory."""

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
    """c' = σ(f) c + σ(i) tanh(g) and h' = σ(o) tanh(c'), with the gates [i, f, g, o] = x + product.

    Args:
        state: h and c, [B, H] each.
        x: the input's part of the gates, [B, 4H].
        product: the state's part, [B, 4H].
    """
    _, c = state
    i, f, g, o = jnp.split(x + product, 4, axis=-1)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
    return nn.sigmoid(o) * jnp.tanh(c), c


class LSTM(Recurrent):
    """LSTM layers with one bias a gate; without peepholes.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(LSTM(outputs=10, hidden=128), [28, 28, 1])  # an image as 28 steps of 28
        ((10,), 81674)
    """

    recurrent_init: Annotated[
        Init, "initialisation of the kernels that read the state, gate by gate"
    ] = "orthogonal"
    forget_bias: Annotated[float, "initial bias of the forget gates"] = 1.0

    def layer(self, reverse: bool, fwd: Forward) -> nn.Module:
        # An open forget gate lets gradients through long sequences (Jozefowicz et al. 2015). The
        # value may be a lane value, which comes with the pass.
        forget = fwd.numbers.get("forget_bias", self.forget_bias)

        def bias_init(
            key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32
        ) -> jax.Array:
            return (
                jnp.zeros(shape, dtype)
                # The forget gate is the second of [i, f, g, o].
                .at[self.hidden : 2 * self.hidden]
                .set(jnp.asarray(forget, dtype))
            )

        return Cells(
            cell,
            self.hidden,
            gates=4,
            states=2,
            kernel_init=self.kernel_init,
            recurrent_init=self.recurrent_init,
            bias_init=bias_init,
            reverse=reverse,
            truncate=self.truncate,
        )


ARCHITECTURES.add(
    Architecture(
        "lstm",
        LSTM,
        "long short-term memory: gated cells that can keep a value for many steps",
        "Hochreiter & Schmidhuber 1997; Gers et al. 2000 (forget gates)",
        constraints=(read_is_used, sees_future),
        test_options={"hidden": 4},
        takes=SEQUENCES,
        answers=("example", "step"),
        needs_facts=SEQUENCE_FACTS,
    )
)
