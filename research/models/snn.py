"""The self-normalizing network for tables."""

from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.sites import Site
from research.models.layers.table_network import TableNetwork, constants, embeds
from research.options import Count
from research.registry import ARCHITECTURES, Architecture

# The variance 1/D for D inputs. Its paper's normal distribution is not truncated.
_KERNEL_INIT = nn.initializers.variance_scaling(1, "fan_in", "normal")


class SNN(TableNetwork):
    """Hidden layers of SELU, {numbers: [B, N], categories: [B, C]} -> [B, outputs].

    Kernels begin as N(0, 1/D) for D inputs and biases as zeros, so that units keep mean 0 and
    variance 1. The regularizer that keeps them in training is `alpha_dropout`.

    Example:
        >>> from research.data.features.table_columns import TableColumns
        >>> from research.data.features.table_parts import TableParts
        >>> from research.models.sizes import sizes
        >>> table = TableParts((8,), table=TableColumns((8,)))
        >>> sizes(SNN(1, table, hidden=(245, 67, 67, 67, 67, 210)), {"numbers": [8]})
        ((1,), 46846)
    """

    hidden: Annotated[tuple[Count, ...], "widths of the hidden layers"] = (256, 256, 256, 256)

    @nn.compact
    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        h = self.columns(x, fwd)
        for width in self.hidden:
            h = Site("hidden")(nn.selu(Dense(width, kernel_init=_KERNEL_INIT)(h)), fwd)
        return Dense(self.outputs, kernel_init=_KERNEL_INIT)(h)


ARCHITECTURES.add(
    Architecture(
        "snn",
        SNN,
        "self-normalizing network for tables: SELU, for alpha_dropout",
        "Klambauer et al. 2017, Self-normalizing neural networks",
        takes=("table_parts",),
        needs_facts=("features",),
        constants=constants,
        constraints=(embeds,),
        test_options={"hidden": (6,)},
    )
)
