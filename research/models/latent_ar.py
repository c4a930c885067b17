"""Latent autoregression: a state summarizes the past, and the next step is predicted from it."""

import itertools
from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.recurrence import scan_module
from research.models.layers.recurrent import SEQUENCE_FACTS, SEQUENCES, Truncate
from research.models.layers.sequence_input import (
    Embedding,
    ScanOrder,
    last,
    read_is_used,
    sequence_input,
)
from research.models.layers.sites import HiddenDense, Site
from research.models.rnn import Affine
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class LatentAR(nn.Module):
    """h_{t+1} = g(h_t, x_t) from h_1 = 0; what follows x_t is f(h_{t+1}): [B, T, outputs], or [B,
    outputs] at the end.

    g(h, x) = R h + K x + b and f(h) = C h + c. With hidden layers (tanh), g also adds a network of
    (h, x), and f has a network before C.

    The linear model contains the Kalman filter in its innovations form: if x_t = C h_t + noise,
    then h_{t+1} = A h_t + G (x_t - C h_t) has R = A - G C and K = G. R begins small: from a
    rotation, the linear model often ends far from the filter.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(LatentAR(outputs=1, per_step=True, state=2), [100, 1])
        ((100, 1), 11)
    """

    outputs: int
    vocabulary: int | None = None
    per_step: bool = False
    padded: bool = False
    state: Annotated[Count, "size of the latent state"] = 8
    hidden: Annotated[
        tuple[Count, ...], "widths of the hidden layers of g and of f; none: both are linear"
    ] = ()
    read: ScanOrder = "rows"
    embedding: Embedding = None
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"
    recurrent_init: Annotated[Init, "initialisation of the maps of h in g"] = "small_normal"
    truncate: Truncate = None
    carries = True

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        steps, real = sequence_input(self)(x, fwd)
        fwd = fwd.over(real)
        init = initializer(self.kernel_init, "tanh")
        into = Dense(self.state, kernel_init=init, name="input")(steps)
        small = initializer(self.recurrent_init, "tanh")
        # All maps are made before the loop: flax cannot create parameters inside lax.scan.
        carry = Affine(self.state, self.state, small, name="recurrent")(into.dtype)
        layers = []
        if self.hidden:
            first = self.hidden[0]
            widths = [*self.hidden, self.state]
            hidden_into = Dense(first, kernel_init=init, name="hidden_input")(steps)
            layers = [Affine(self.state, first, small, name="hidden_recurrent")(into.dtype)]
            layers += [
                Affine(a, b, init, bias=True, name=f"hidden_{number}")(into.dtype)
                for number, (a, b) in enumerate(itertools.pairwise(widths), start=1)
            ]

        def step(h: jax.Array, now: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
            new = now[0] + carry(h)
            if layers:
                units = jnp.tanh(now[1] + layers[0](h))
                for layer in layers[1:-1]:
                    units = jnp.tanh(layer(units))
                new = new + layers[-1](units)
            return new, new

        now = (into, hidden_into) if self.hidden else (into,)
        h = scan_module(self, step, jnp.zeros_like(into[:, 0]), now, self.truncate)
        h = Site("hidden")(h if self.per_step else last(h, real), fwd)
        for width in self.hidden:
            h = HiddenDense(width, "tanh", self.kernel_init)(h, fwd)
        return Dense(self.outputs, kernel_init=init, name="head")(h)


ARCHITECTURES.add(
    Architecture(
        "latent_ar",
        LatentAR,
        "latent autoregression: a carried state sums up the past and predicts the next step;"
        " linear: the form of a Kalman filter",
        "Kalman 1960; Zhang et al., Dive into deep learning, section 9.1",
        constraints=(read_is_used,),
        test_options={"state": 3, "hidden": (4,)},
        takes=SEQUENCES,
        answers=("example", "step"),
        needs_facts=SEQUENCE_FACTS,
    )
)
