"""The multilayer perceptron."""

import itertools
import math
from collections.abc import Callable
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError
from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.members import Adapters, member_dense, member_head
from research.models.layers.sites import ActivationName, Branch, HiddenDense, Site
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class MLP(nn.Module):
    """Fully connected hidden layers and a linear head, [B, ...] -> [B, outputs]; of M members
    [B, M, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(MLP(outputs=10, hidden=(32,)), [8, 8, 1])  # 64·32 + 32 + 32·10 + 10
        ((10,), 2410)
        >>> # TabM on eight columns: 8·400 + 32·(8 + 800) + 2·(400² + 32·1200) + 32·401
        >>> sizes(MLP(outputs=1, hidden=(400, 400, 400), members=32), [8])
        ((32, 1), 438688)
    """

    outputs: int
    hidden: Annotated[tuple[Count, ...], "widths of the hidden layers"] = (256, 256)
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"
    residual: Annotated[
        bool, "add a hidden layer's input to its output, where the widths agree"
    ] = False
    members: Annotated[
        Count | None,
        "members inside the network, which share its kernels; their predictions are averaged; none:"
        " a single network",
    ] = None
    adapters: Adapters = "tabm"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        # Before the reshape, so that regularizers see an example in its own shape.
        x = Site("input")(x, fwd)
        x = x.reshape(x.shape[0], -1)
        if self.members is not None:
            fwd = fwd.of_members(self.members)
            x = jnp.repeat(x, self.members, axis=0)
        for depth, width in enumerate(self.hidden, 1):
            h = HiddenDense(width, self.activation, self.kernel_init, self._dense(depth))(x, fwd)
            x = (
                Branch(depth / len(self.hidden))(x, h, fwd)
                if self.residual and x.shape == h.shape
                else h
            )
        head_init = initializer(self.kernel_init)
        if self.members is None:
            return nn.Dense(self.outputs, kernel_init=head_init)(x)
        heads = member_head(self.members, self.adapters)(self.outputs, kernel_init=head_init)
        return heads(x).reshape(-1, self.members, self.outputs)

    def _dense(self, depth: int) -> Callable[..., nn.Module]:
        """The linear map of the hidden layer at that depth, counted from 1."""
        if self.members is None:
            return Dense
        return member_dense(self.members, self.adapters, first=depth == 1)


def _agree(config: Any, spec: Any) -> str | None:
    """With `residual`, each hidden layer is as wide as its input."""
    widths = (math.prod(spec.inputs.shape), *config.arch["hidden"])
    if not config.arch["residual"] or any(a == b for a, b in itertools.pairwise(widths)):
        return None
    raise ShapeError(
        f"arch.residual=true: of the widths {', '.join(map(str, widths))} no two in a row agree"
    )


def _members(config: Any, spec: Any) -> str | None:
    """Members inside the network are trained by the supervised objective."""
    if config.arch["members"] is None:
        if config.arch["adapters"] == "tabm":
            return None
        return f"arch.adapters={config.arch['adapters']} applies only with arch.members"
    if config.objective.name == "supervised":
        return None
    return (
        "arch.members applies only to objective=supervised, whose loss is a mean over members;"
        f" with objective={config.objective.name}, leave it out"
    )


ARCHITECTURES.add(
    Architecture(
        "mlp",
        MLP,
        "multilayer perceptron",
        "Rumelhart et al. 1986",
        constraints=(_agree, _members),
        members_option="members",
        test_options={"hidden": (8, 8)},
    )
)
