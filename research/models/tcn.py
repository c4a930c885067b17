"""The temporal convolutional network."""

from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.recurrent import SEQUENCE_FACTS, SEQUENCES
from research.models.layers.sequence_input import (
    Embedding,
    ScanOrder,
    last,
    read_is_used,
    sequence_input,
)
from research.models.layers.sites import ActivationName, Branch, HiddenDense
from research.options import Count
from research.registry import ACTIVATIONS, ARCHITECTURES, Architecture


class TCN(nn.Module):
    """Residual blocks of two causal convolutions, dilated by 1, 2, 4, ...: [B, T, outputs], or [B,
    outputs] at the end.

    A block is act(x + conv(conv(x))), each convolution with its own activation and dropout; where
    the channels differ, x goes through a linear map. The outputs see the last 1 + 2 (kernel - 1)
    (2^levels - 1) steps. The paper's convolutions are weight-normed (--regularization=weight_norm)
    and begin small (--arch.kernel_init=small_normal).

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(TCN(outputs=10), [28, 28, 1])
        ((10,), 71910)
    """

    outputs: int
    vocabulary: int | None = None
    per_step: bool = False
    padded: bool = False
    channels: Annotated[Count, "channels of every convolution"] = 25
    levels: Annotated[Count, "blocks, each dilated twice as far as the one below"] = 8
    kernel: Annotated[Count, "taps of every convolution"] = 7
    activation: ActivationName = "relu"
    read: ScanOrder = "rows"
    embedding: Embedding = None
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        h, real = sequence_input(self)(x, fwd)
        fwd = fwd.over(real)
        for level in range(self.levels):
            branch = h
            for _ in range(2):
                seen = taps(branch, self.kernel, 2**level)
                branch = HiddenDense(self.channels, self.activation, self.kernel_init)(seen, fwd)
            if h.shape[-1] != self.channels:
                h = Dense(self.channels, kernel_init=initializer(self.kernel_init))(h)
            h = Branch((level + 1) / self.levels)(h, branch, fwd)
            # Maxout would halve the channels of the sum, and the next block adds to them.
            if ACTIVATIONS.get(self.activation).pieces == 1:
                h = ACTIVATIONS.get(self.activation).build()(h, fwd)
        h = h if self.per_step else last(h, real)
        return Dense(self.outputs, kernel_init=initializer(self.kernel_init), name="head")(h)


def taps(x: jax.Array, kernel: int, dilation: int) -> jax.Array:
    """The inputs of a causal convolution at each step, [B, T, D] -> [B, T, kernel·D].

    With them the convolution is one matrix product. That is fast inside a loop too, where XLA's
    own convolution is slow on a CPU.

    Args:
        x: [B, T, D].
        kernel: the number of taps.
        dilation: steps between taps: x_t, x_{t-d}, ..., with zeros before the first step.
    """
    steps = x.shape[1]
    # Before the first step there are only zeros, so no tap need look back further than T steps.
    backs = [min(index * dilation, steps) for index in range(kernel)]
    padded = jnp.pad(x, ((0, 0), (backs[-1], 0), (0, 0)))
    return jnp.concatenate([padded[:, backs[-1] - back :][:, :steps] for back in backs], axis=-1)


ARCHITECTURES.add(
    Architecture(
        "tcn",
        TCN,
        "temporal convolutional network: dilated causal convolutions in residual blocks",
        "Bai, Kolter & Koltun 2018, An empirical evaluation of generic convolutional and recurrent"
        " networks",
        constraints=(read_is_used,),
        test_options={"channels": 4, "levels": 2, "kernel": 2},
        takes=SEQUENCES,
        answers=("example", "step"),
        needs_facts=SEQUENCE_FACTS,
    )
)
