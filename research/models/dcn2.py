"""DCN-V2: cross layers beside a deep network."""

from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.forward import Forward
from research.models.layers.sites import Activate, Branch
from research.models.layers.table_network import TableNetwork, constants, embeds
from research.models.layers.torch_linear import TorchLinear
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class DCN2(TableNetwork):
    """A linear layer to z, cross layers x + z · linear(x) from x = z, and hidden layers of ReLU
    from z beside them, {numbers: [B, N], categories: [B, C]} -> [B, outputs].

    A cross layer raises the degree of the polynomial in z by one. Dropout follows each ReLU,
    residual dropout each z · linear(x). Weights and biases begin as PyTorch's.

    Example:
        >>> from research.data.features.table_columns import TableColumns
        >>> from research.data.features.table_parts import TableParts
        >>> from research.models.sizes import sizes
        >>> table = TableParts((8,), table=TableColumns((8,)))
        >>> sizes(DCN2(1, table, width=248, cross_layers=3, layers=7), {"numbers": [8]})
        ((1,), 620249)
    """

    width: Annotated[Count, "units of every layer"] = 256
    cross_layers: Annotated[Count, "cross layers"] = 3
    layers: Annotated[Count, "hidden layers of the deep network"] = 3
    stacked: Annotated[bool, "the deep network reads the cross layers' output"] = False

    @nn.compact
    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        z = TorchLinear(self.width)(self.columns(x, fwd))
        crossed = z
        for layer in range(1, self.cross_layers + 1):
            h = z * TorchLinear(self.width)(crossed)
            crossed = Branch(layer / self.cross_layers)(crossed, h, fwd)
        h = crossed if self.stacked else z
        for _ in range(self.layers):
            h = Activate("relu")(TorchLinear(self.width)(h), fwd)
        if not self.stacked:
            h = jnp.concatenate([crossed, h], axis=-1)
        return TorchLinear(self.outputs)(h)


ARCHITECTURES.add(
    Architecture(
        "dcn2",
        DCN2,
        "deep and cross network for tables: products of columns beside hidden layers",
        "Wang et al. 2021, DCN V2: Improved deep & cross network, as Gorishniy et al. 2021 have it",
        takes=("table_parts",),
        needs_facts=("features",),
        constants=constants,
        constraints=(embeds,),
        test_options={"width": 4, "cross_layers": 1, "layers": 1},
    )
)
