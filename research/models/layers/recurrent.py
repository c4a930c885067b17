"""Recurrent networks: stacked layers over a sequence in one or both directions, and a linear
head."""

from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.recurrence import Cell, recurrence, scan_cell, state_cache
from research.models.layers.sequence_input import (
    NEXT_STEP_TASKS,
    Embedding,
    ScanOrder,
    last,
    sequence_input,
)
from research.models.layers.sites import SharedDropoutMask, Site
from research.options import Count

Truncate = Annotated[Count | None, "truncate backpropagation after this many steps; none: never"]
# What can be read as a sequence: see sequence_input.py.
SEQUENCES = ("tokens", "series", "padded series", "table", "image")
# The facts of the data that a network over the steps of a sequence needs.
SEQUENCE_FACTS = ("vocabulary", "per_step", "padded")
GIVEN = ("outputs", *SEQUENCE_FACTS)


def sees_future(config: Any, spec: Any) -> str | None:
    """A network that reads the following steps cannot predict them."""
    if spec.targets.shape and config.task in NEXT_STEP_TASKS and config.arch["bidirectional"]:
        return f"arch.bidirectional=true reads what task={config.task} predicts; leave it out"
    return None


class Recurrent(nn.Module):
    """Recurrent layers and a linear head: [B, T, outputs], or [B, outputs] after the last real
    step.

    A family defines `layer`, one direction of a layer: a module (h [B, T, D], real [B, T] or None,
    fwd) -> [B, T, hidden]. Dropout acts after each layer. A dropout that drops the same units at
    every step also acts on the inputs of the first layer and on the states.
    """

    outputs: int
    vocabulary: int | None = None
    per_step: bool = False
    padded: bool = False
    hidden: Annotated[Count, "units of each layer"] = 128
    layers: Annotated[Count, "stacked layers"] = 1
    bidirectional: Annotated[bool, "add as many units that read each sequence backwards"] = False
    read: ScanOrder = "rows"
    embedding: Embedding = None
    kernel_init: Annotated[Init, "initialisation of the kernels that read inputs"] = "auto"
    head_bias: Annotated[bool, "whether the head has a bias"] = True
    truncate: Truncate = None

    # A call continues from the states in the collection `cache`.
    carries = True

    def layer(self, reverse: bool, fwd: Forward) -> nn.Module:
        """One direction of a layer. Flax modules cannot be abstract classes."""
        raise NotImplementedError

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        h, real = sequence_input(self)(x, fwd)
        fwd = fwd.over(real)
        h = _same_at_every_step(h, fwd, 0)
        for depth in range(1, self.layers + 1):
            directions = [self.layer(False, fwd)(h, real, fwd)]
            if self.bidirectional:
                directions.append(self.layer(True, fwd)(h, real, fwd))
            if depth == self.layers and not self.per_step:
                # A reversed layer has read everything at the first step.
                directions = [last(directions[0], real), *(h[:, 0] for h in directions[1:])]
            h = Site("hidden")(jnp.concatenate(directions, axis=-1), fwd)
            h = _same_at_every_step(h, fwd, depth)
        return Dense(
            self.outputs, use_bias=self.head_bias, kernel_init=initializer("auto"), name="head"
        )(h)


def _same_at_every_step(h: jax.Array, fwd: Forward, index: int) -> jax.Array:
    """h [B, T, D] or [B, D] with the dropouts that drop the same units at every step.

    index: the number of such calls before; it names the random stream.
    """
    mask = SharedDropoutMask(name=f"Mask_{index}")
    factors = mask((h.shape[0], *[1] * (h.ndim - 2), h.shape[-1]), fwd)
    return h if factors is None else h * factors


class Cells(nn.Module):
    """One direction of a layer of cells, [B, T, D] -> [B, T, features].

    cell, truncate: as in research/models/layers/recurrence.py.
    gates: products per unit. states: arrays of the state.
    bias_init: of the bias of the inputs' products.
    state_bias: the last gate's product with the state has a bias too.
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
        width = self.gates * self.features
        init = initializer(self.kernel_init, "tanh")
        # [B, T, G].
        inputs = Dense(width, kernel_init=init, bias_init=self.bias_init, name="input")(x)
        recurrent = Kernel(
            self.features, self.gates, self.recurrent_init, self.state_bias, name="recurrent"
        )
        # Cast once before the loop, not at every step of it.
        kernel, bias = jax.tree.map(lambda leaf: leaf.astype(inputs.dtype), recurrent())
        state = tuple(
            jnp.zeros((x.shape[0], self.features), inputs.dtype) for _ in range(self.states)
        )
        # The scope's name keys the random draws: it does not change.
        dropout_mask = SharedDropoutMask(name="Mask_0")((x.shape[0], self.features), fwd)
        inputs = inputs.swapaxes(0, 1)
        real = None if real is None else real.T
        if self.reverse:
            # Padding then comes first. It leaves the state at its start, so that a short sequence
            # begins from zeros as a long one does.
            inputs = inputs[::-1]
            real = None if real is None else real[::-1]
        # States are carried from call to call in generation only, without dropout and padding.
        if (cache := state_cache(self, state)) is not None:
            cache.value, h = scan_cell(self.cell, cache.value, inputs, kernel, bias)
            return h.swapaxes(0, 1)
        h = recurrence(self.cell, self.truncate)(state, inputs, kernel, bias, dropout_mask, real)
        return (h[::-1] if self.reverse else h).swapaxes(0, 1)


class Kernel(nn.Module):
    """A recurrent kernel [features, gates·features], initialised by gate, and its bias or None.

    Only the last gate has a bias: for the others it would merely add to that of the inputs.
    """

    features: int
    gates: int
    kernel_init: Init
    bias: bool = False

    @nn.compact
    def __call__(self) -> tuple[jax.Array, jax.Array | None]:
        side = self.features

        def blocks(key: jax.Array) -> jax.Array:
            init = initializer(self.kernel_init, "tanh")
            keys = jax.random.split(key, self.gates)
            # Gate by gate: of one draw [H, G·H] no gate's block would be orthogonal.
            return jnp.concatenate([init(key, (side, side), jnp.float32) for key in keys], axis=1)

        kernel = self.param("kernel", blocks)
        if not self.bias:
            return kernel, None
        bias = self.param("bias", nn.initializers.zeros, (side,))
        return kernel, jnp.pad(bias, (side * (self.gates - 1), 0))
