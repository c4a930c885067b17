"""The multilayer perceptron."""

import itertools
import math
from typing import Annotated, Any

import flax.linen as nn
import jax

from research.errors import ShapeError
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.sites import ActivationName, Branch, HiddenDense, Site
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class MLP(nn.Module):
    """Fully connected hidden layers and a linear head, [B, ...] -> [B, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(MLP(outputs=10, hidden=(32,)), [8, 8, 1])  # 64·32 + 32 + 32·10 + 10
        ((10,), 2410)
    """

    outputs: int
    hidden: Annotated[tuple[Count, ...], "widths of the hidden layers"] = (256, 256)
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"
    residual: Annotated[
        bool, "add a hidden layer's input to its output, where the widths agree"
    ] = False

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        # Before the reshape, so that regularizers see an example in its own shape.
        x = Site("input")(x, fwd)
        x = x.reshape(x.shape[0], -1)
        for depth, width in enumerate(self.hidden, 1):
            h = HiddenDense(width, self.activation, self.kernel_init)(x, fwd)
            x = (
                Branch(depth / len(self.hidden))(x, h, fwd)
                if self.residual and x.shape == h.shape
                else h
            )
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(x)


def _agree(config: Any, spec: Any) -> str | None:
    """With `residual`, each hidden layer is as wide as its input."""
    widths = (math.prod(spec.inputs.shape), *config.arch["hidden"])
    if not config.arch["residual"] or any(a == b for a, b in itertools.pairwise(widths)):
        return None
    raise ShapeError(
        f"arch.residual=true: of the widths {', '.join(map(str, widths))} no two in a row agree"
    )


ARCHITECTURES.add(
    Architecture(
        "mlp",
        MLP,
        "multilayer perceptron",
        "Rumelhart et al. 1986",
        constraints=(_agree,),
        test_options={"hidden": (8, 8)},
    )
)
