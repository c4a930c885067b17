"""Autoregressive windows: the next step from the last few, by a linear map or hidden layers; and
the n-gram."""

import math
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError
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
from research.models.layers.sites import ActivationName, HiddenDense
from research.models.tcn import taps
from research.options import Count
from research.registry import ARCHITECTURES, Architecture

MOST = 1 << 26  # entries of an n-gram's table
# Standard deviations to either side of the mean that its cells divide.
SPAN = 3.0


class AR(nn.Module):
    """A function of the last `order` steps: [B, T, outputs], or [B, outputs] at the last step.

    y_t = f(x_t, ..., x_{t-order+1}) with zeros before the first step. f is linear, or has hidden
    layers.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(AR(outputs=1, order=8), [100, 1])  # of each step the last 8, and a bias
        ((1,), 9)
    """

    outputs: int
    vocabulary: int | None = None
    per_step: bool = False
    padded: bool = False
    order: Annotated[Count, "steps that it reads, the current one included"] = 8
    hidden: Annotated[tuple[Count, ...], "widths of the hidden layers; none: linear"] = ()
    activation: ActivationName = "tanh"
    read: ScanOrder = "rows"
    embedding: Embedding = None
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        h, real = sequence_input(self)(x, fwd)
        fwd = fwd.over(real)
        # With the window as features, f is one matrix product over all steps.
        h = taps(h, self.order, 1)
        h = h if self.per_step else last(h, real)
        for width in self.hidden:
            h = HiddenDense(width, self.activation, self.kernel_init)(h, fwd)
        return Dense(self.outputs, kernel_init=initializer(self.kernel_init), name="head")(h)


class NGram(nn.Module):
    """A table of what follows each run of `order` tokens, [B, T] -> [B, T, outputs], or [B,
    outputs] at the end.

    A place before the first token counts as a further symbol. The table holds outputs, begins with
    zeros and is trained like any kernel. With `bins`, a scaled number becomes the index of its cell
    of [-3, 3], or of the nearest cell.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(NGram(outputs=65, vocabulary=65, order=2), [16], tokens=True)  # 66² rows of 65
        ((65,), 283140)
    """

    outputs: int
    vocabulary: int | None = None
    per_step: bool = False
    order: Annotated[Count, "tokens that determine the next, the current one included"] = 2
    bins: Annotated[Count | None, "bins for numeric inputs; none: the inputs are tokens"] = None

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        if self.bins is not None:
            x = jnp.clip(jnp.floor((x + SPAN) * self.bins / (2 * SPAN)), 0, self.bins - 1).astype(
                jnp.int32
            )
        symbols = (self.bins or self.vocabulary or 0) + 1
        row = jnp.zeros_like(x)
        for back in range(self.order):
            # The -1 before the first token becomes digit 0, so that a missing token is a symbol
            # too.
            before = jnp.pad(x, ((0, 0), (back, 0)), constant_values=-1)[:, : x.shape[1]]
            row = row * symbols + before + 1
        # Zeros: each context begins with equal outputs, and the seed does not matter.
        table = self.param(
            "kernel", nn.initializers.zeros, (symbols**self.order, self.outputs), jnp.float32
        )
        logits = table[row]
        return logits if self.per_step else last(logits, x >= 0)


def _fits(config: Any, spec: Any) -> str | None:
    """The inputs are tokens, or `bins` is set, and the table of counts is not too large."""
    bins = config.arch["bins"]
    tokens = spec.inputs.tokens
    if not tokens and not bins:
        return (
            f"arch=ngram counts tokens, and the inputs of {spec.name} are numbers; arch.bins=16"
            " counts them in 16 bins, and arch=ar reads them as they are"
        )
    if tokens and bins:
        return f"arch.bins applies only to numbers, and {spec.name} has tokens; leave it out"
    symbols = len(tokens.vocabulary) if tokens else bins
    order = config.arch["order"]
    outputs = max(len(spec.targets.classes), 1)
    # In logarithms, since the power of a large order would take long to compute.
    if order * math.log2(symbols + 1) + math.log2(outputs) > math.log2(MOST):
        raise ShapeError(
            f"arch.order={order} of {symbols} symbols is a table of {symbols + 1}^{order} rows of"
            f" {outputs}; at most {MOST:,} entries are allowed"
        )
    return None


ARCHITECTURES.add(
    Architecture(
        "ar",
        AR,
        "autoregressive window: a linear map or hidden layers read the last few steps",
        "Yule 1927; Bengio et al. 2003, A neural probabilistic language model",
        constraints=(read_is_used,),
        test_options={"order": 3, "hidden": (4,)},
        takes=SEQUENCES,
        answers=("example", "step"),
        needs_facts=SEQUENCE_FACTS,
    )
)
ARCHITECTURES.add(
    Architecture(
        "ngram",
        NGram,
        "n-gram: counts which token follows each short run of tokens (a Markov chain)",
        "Markov 1913; Shannon 1948, A mathematical theory of communication",
        constraints=(_fits,),
        test_options={"order": 2},
        takes=("tokens", "table", "series"),
        answers=("example", "step"),
        needs_facts=("vocabulary", "per_step"),
    )
)
