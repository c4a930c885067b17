"""Simple recurrent networks: Elman's, whose state is its hidden units, and Jordan's, whose state is
its outputs."""

from collections.abc import Callable
from typing import Annotated, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.recurrence import State, scan_module
from research.models.layers.recurrent import (
    SEQUENCE_FACTS,
    SEQUENCES,
    Cells,
    Recurrent,
    Truncate,
    sees_future,
)
from research.models.layers.sequence_input import (
    Embedding,
    ScanOrder,
    last,
    read_is_used,
    sequence_input,
)
from research.models.layers.sites import Site
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


def _tanh(state: State, x: jax.Array, product: jax.Array) -> State:
    return (jnp.tanh(x + product),)


def _relu(state: State, x: jax.Array, product: jax.Array) -> State:
    return (jax.nn.relu(x + product),)


_CELLS = {"tanh": _tanh, "relu": _relu}


class Elman(Recurrent):
    """h_t = tanh(W x_t + R h_{t-1} + b).

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(Elman(outputs=1, hidden=4), [100, 1])  # 4 + 16 + 4, and 4 + 1
        ((1,), 29)
    """

    recurrent_init: Annotated[Init, "initialisation of the kernels that read the state"] = (
        "orthogonal"
    )
    nonlinearity: Annotated[Literal["tanh", "relu"], "of the hidden units"] = "tanh"

    def layer(self, reverse: bool, fwd: Forward) -> nn.Module:
        return Cells(
            _CELLS[self.nonlinearity],
            self.hidden,
            kernel_init=self.kernel_init,
            recurrent_init=self.recurrent_init,
            reverse=reverse,
            truncate=self.truncate,
        )


class Jordan(nn.Module):
    """h_t = tanh(W x_t + U σ(y_{t-1}) + b) and y_t = V h_t + c; σ(y_0) is taken as 0. [B, T,
    outputs] or the last.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(Jordan(outputs=1, hidden=4), [100, 1])  # 4 + 4 + 4, and 4 + 1
        ((1,), 17)
    """

    outputs: int
    vocabulary: int | None = None
    per_step: bool = False
    padded: bool = False
    hidden: Annotated[Count, "hidden units"] = 128
    read: ScanOrder = "rows"
    embedding: Embedding = None
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"
    truncate: Truncate = None
    carries = True

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        steps, real = sequence_input(self)(x, fwd)
        fwd = fwd.over(real)
        init = initializer(self.kernel_init, "tanh")
        inputs = Dense(self.hidden, kernel_init=init, name="input")(steps)
        # Made before the loop: flax cannot create parameters inside lax.scan.
        back = Affine(self.outputs, self.hidden, init, name="recurrent")(inputs.dtype)
        head = Affine(self.hidden, self.outputs, init, bias=True, name="head")(inputs.dtype)

        def step(context: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
            h = jnp.tanh(x + back(context))
            return nn.sigmoid(head(h)), h

        first = jnp.zeros((x.shape[0], self.outputs), inputs.dtype)
        h = scan_module(self, step, first, inputs, self.truncate)
        # The head runs again behind the regularizers of hidden units, which do not act in the loop:
        # there they would change the state.
        return head(Site("hidden")(h if self.per_step else last(h, real), fwd))


class Affine(nn.Module):
    """The map h -> h W (+ b) as a function that a loop can call, [..., inputs] -> [...,
    outputs]."""

    inputs: int
    outputs: int
    kernel_init: jax.nn.initializers.Initializer
    bias: bool = False

    @nn.compact
    def __call__(self, dtype: jnp.dtype) -> Callable[[jax.Array], jax.Array]:
        kernel = self.param(
            "kernel", self.kernel_init, (self.inputs, self.outputs), jnp.float32
        ).astype(dtype)
        if not self.bias:
            return lambda h: h @ kernel
        bias = self.param("bias", nn.initializers.zeros, (self.outputs,), jnp.float32).astype(dtype)
        return lambda h: h @ kernel + bias


_TINY = {"hidden": 4}
ARCHITECTURES.add(
    Architecture(
        "rnn",
        Elman,
        "simple recurrent network: hidden units read their own previous state",
        "Elman 1990, Finding structure in time",
        constraints=(read_is_used, sees_future),
        test_options=_TINY,
        takes=SEQUENCES,
        answers=("example", "step"),
        needs_facts=SEQUENCE_FACTS,
    )
)
ARCHITECTURES.add(
    Architecture(
        "jordan",
        Jordan,
        "simple recurrent network: hidden units read the previous step's outputs",
        "Jordan 1986, Serial order: a parallel distributed processing approach",
        constraints=(read_is_used,),
        test_options=_TINY,
        takes=SEQUENCES,
        answers=("example", "step"),
        needs_facts=SEQUENCE_FACTS,
    )
)
