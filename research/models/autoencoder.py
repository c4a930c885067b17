"""Autoencoder of dense layers: through a code and back to the inputs."""

from typing import Annotated, Any, Literal

import flax.linen as nn
import jax

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.sites import ActivationName, HiddenDense, Site
from research.options import Count
from research.registry import ACTIVATIONS, ARCHITECTURES, Architecture

Output = Annotated[
    Literal["identity", "sigmoid"], "activation of the output; sigmoid suits inputs in [0, 1]"
]


class Autoencoder(nn.Module):
    """Dense layers to a code, and as many back, [B, ...] -> [B, outputs].

    Without hidden layers and with linear activations, the best code spans the first principal
    components (Baldi & Hornik 1989). It learns to denoise if a regularizer of the data slot adds
    noise to its inputs, since the targets are always the clean inputs.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(Autoencoder(outputs=64, hidden=(), code=2), [64])  # 64·2 + 2 + 2·64 + 64
        ((64,), 322)
    """

    outputs: int
    hidden: Annotated[
        tuple[Count, ...], "widths of the hidden layers before the code; mirrored after it"
    ] = (128,)
    code: Annotated[Count, "width of the code"] = 32
    activation: ActivationName = "relu"
    code_activation: Annotated[str, ACTIVATIONS, "activation of the code"] = "identity"
    output: Output = "identity"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd).reshape(x.shape[0], -1)
        for width in self.hidden:
            x = HiddenDense(width, self.activation, self.kernel_init)(x, fwd)
        x = HiddenDense(self.code, self.code_activation, self.kernel_init)(x, fwd)
        for width in reversed(self.hidden):
            x = HiddenDense(width, self.activation, self.kernel_init)(x, fwd)
        x = Dense(self.outputs, kernel_init=initializer(self.kernel_init))(x)
        return nn.sigmoid(x) if self.output == "sigmoid" else x


def reconstructs(config: Any, spec: Any) -> str | None:
    """The targets are the inputs."""
    if spec.targets.reconstructs:
        return None
    return f"arch={config.arch.name} reconstructs its inputs; say --task=reconstruction"


def in_range(config: Any, spec: Any) -> str | None:
    """With output=sigmoid, the targets lie in [0, 1]."""
    if config.arch["output"] != "sigmoid" or spec.inputs.in_unit_interval(config.scaling):
        return None
    return (
        f"arch.output=sigmoid is for inputs in [0, 1], which scaling={config.scaling} does not"
        " make; use minmax"
    )


ARCHITECTURES.add(
    Architecture(
        "autoencoder",
        Autoencoder,
        "dense layers to a narrow code and back to the inputs",
        "Hinton & Salakhutdinov 2006, Reducing the dimensionality of data with neural networks",
        constraints=(reconstructs, in_range),
        test_options={"hidden": (6,), "code": 3},
    )
)
