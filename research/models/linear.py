"""Linear models: linear and logistic regression, and the perceptron."""

from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.sites import Site
from research.registry import ARCHITECTURES, Architecture


class Linear(nn.Module):
    """w·x + b, [B, ...] -> [B, outputs]: linear regression, or logistic regression, by the task's
    loss.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(Linear(outputs=10), [8, 8, 1])  # 64·10 + 10
        ((10,), 650)
    """

    outputs: int
    # From zeros: with a convex loss the start does not matter, and the seed has no part in it.
    kernel_init: Annotated[Init, "kernel initialisation"] = "zeros"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(
            x.reshape(x.shape[0], -1)
        )


ARCHITECTURES.add(
    Architecture(
        "linear",
        Linear,
        "one linear map: linear regression or logistic regression, by task",
        "Legendre 1805; Cox 1958",
    )
)
ARCHITECTURES.add(
    Architecture(
        "perceptron",
        Linear,
        "one linear map: the largest score decides, and only mistakes change the weights",
        "Rosenblatt 1958",
        loss="perceptron",
    )
)
