"""Recurrent networks: stacked layers over the steps of a sequence, read one way or both, and a
linear head."""

from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.recurrence import Cell, carried, carried_on, recurrence
from research.models.layers.sites import Mask, Site
from research.models.layers.steps import FORETELLING, Embedding, Read, Steps, last
from research.options import Count

Truncate = Annotated[Count | None, "truncate backpropagation after this many steps; none: never"]
# What the engine tells a network over the steps of a sequence.
SEQUENCE_FACTS = ("vocabulary", "per_step", "padded")
GIVEN = ("outputs", *SEQUENCE_FACTS)


def foretells(config: Any, spec: Any) -> str | None:
    """A network that reads the following steps cannot predict them."""
    if spec.target_shape and config.task in FORETELLING and config.arch["bidirectional"]:
        return f"arch.bidirectional=true reads what task={config.task} is to foretell; leave it out"
    return None


class Recurrent(nn.Module):
    """Recurrent layers and a linear head: [B, T, outputs], or after the last real step [B,
    outputs].

    A family says in `layer` what one way of a layer is: a module (h [B, T, D], real [B, T] or None,
    fwd) -> [B, T, hidden]. Dropout acts after each layer; the dropout that is the same at every
    step also on what the first one reads, and on the states.
    """

    outputs: int
    vocabulary: int | None = None
    per_step: bool = False
    padded: bool = False
    hidden: Annotated[Count, "units of each layer"] = 128
    layers: Annotated[Count, "stacked layers"] = 1
    bidirectional: Annotated[bool, "add as many units that read each sequence backwards"] = False
    read: Read = "rows"
    embedding: Embedding = None
    kernel_init: Annotated[Init, "initialisation of the kernels that read inputs"] = "auto"
    head_bias: Annotated[bool, "whether the head has a bias"] = True
    truncate: Truncate = None

    carries = True  # it goes on from the states that it left in the collection `cache`

    def layer(self, reverse: bool, fwd: Forward) -> nn.Module:
        """One layer of the family, as each says of itself; flax's modules cannot be abstract
        classes as well."""
        raise NotImplementedError

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        h, real = Steps(self.vocabulary, self.read, self.embedding, self.padded)(x, fwd)
        fwd = fwd.over(real)
        h = _same_at_every_step(h, fwd)
        for depth in range(1, self.layers + 1):
            ways = [
                self.layer(reverse, fwd)(h, real, fwd)
                for reverse in (False, True)[: 1 + self.bidirectional]
            ]
            if depth == self.layers and not self.per_step:
                ways = [last(ways[0], real), *(way[:, 0] for way in ways[1:])]
            h = Site("hidden")(jnp.concatenate(ways, axis=-1), fwd)
            h = _same_at_every_step(h, fwd)
        return Dense(
            self.outputs, use_bias=self.head_bias, kernel_init=initializer("auto"), name="head"
        )(h)


def _same_at_every_step(h: jax.Array, fwd: Forward) -> jax.Array:
    """h [B, T, D] or [B, D] under the dropouts of its units that are the same at every step."""
    factors = Mask()((h.shape[0], *[1] * (h.ndim - 2), h.shape[-1]), fwd)
    return h if factors is None else h * factors


class Cells(nn.Module):
    """One way of a layer of cells, [B, T, D] -> [B, T, features]: the cell of
    research/models/layers/recurrence.py.

    gates: products a unit has. states: arrays of its state. bias_init: of the inputs' bias.
        state_bias: the last gate's product with the state has a bias of its own. truncate: as in
        `recurrence`.
    """

    cell: Cell
    features: int
    gates: int = 1
    states: int = 1
    kernel_init: Init = "auto"
    recurrent_init: Init = "orthogonal"
    bias_init: Any = nn.initializers.zeros
    state_bias: bool = False
    reverse: bool = False
    truncate: int | None = None

    @nn.compact
    def __call__(self, x: jax.Array, real: jax.Array | None, fwd: Forward) -> jax.Array:
        width, init = self.gates * self.features, initializer(self.kernel_init, "tanh")
        inputs = Dense(width, kernel_init=init, bias_init=self.bias_init, name="input")(
            x
        )  # [B, T, G]
        recurrent = Kernel(
            self.features, self.gates, self.recurrent_init, self.state_bias, name="recurrent"
        )
        kernel, bias = jax.tree.map(lambda leaf: leaf.astype(inputs.dtype), recurrent())
        state = tuple(
            jnp.zeros((x.shape[0], self.features), inputs.dtype) for _ in range(self.states)
        )
        kept = Mask()((x.shape[0], self.features), fwd)
        inputs, real = inputs.swapaxes(0, 1), None if real is None else real.T
        if self.reverse:
            inputs, real = inputs[::-1], None if real is None else real[::-1]
        if (between := carried(self, state)) is not None:
            between.value, h = carried_on(self.cell, between.value, inputs, kernel, bias)
            return h.swapaxes(0, 1)
        h = recurrence(self.cell, state, inputs, kernel, bias, kept, real, self.truncate)
        return (h[::-1] if self.reverse else h).swapaxes(0, 1)


class Kernel(nn.Module):
    """A recurrent kernel [features, gates·features], each gate's block initialised on its own, and
    its bias or None.

    The bias is zero but for the last gate: that of the others would only add to the inputs'.
    """

    features: int
    gates: int
    kernel_init: Init
    bias: bool = False

    @nn.compact
    def __call__(self) -> tuple[jax.Array, jax.Array | None]:
        side = self.features

        def blocks(key: jax.Array) -> jax.Array:
            own = initializer(self.kernel_init, "tanh")
            return jnp.concatenate(
                [own(k, (side, side), jnp.float32) for k in jax.random.split(key, self.gates)], 1
            )

        kernel = self.param("kernel", blocks)
        if not self.bias:
            return kernel, None
        bias = self.param("bias", nn.initializers.zeros, (side,))
        return kernel, jnp.pad(bias, (side * (self.gates - 1), 0))
