"""The residual network for tables."""

from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.forward import Forward
from research.models.layers.sites import Branch, Normalize, Site
from research.models.layers.table_network import TableNetwork, constants, embeds
from research.models.layers.torch_linear import TorchLinear
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class TabularResNet(TableNetwork):
    """A linear layer, blocks x + linear(relu(linear(norm(x)))), norm, ReLU and a linear head,
    {numbers: [B, N], categories: [B, C]} -> [B, outputs].

    Dropout follows a block's ReLU, residual dropout its last layer. Weights and biases begin
    as PyTorch's.

    Example:
        >>> from research.data.features.table_columns import TableColumns
        >>> from research.data.features.table_parts import TableParts
        >>> from research.models.sizes import sizes
        >>> table = TableParts((8,), table=TableColumns((8,)))
        >>> model = TabularResNet(1, table, layers=3, width=168, hidden=501)
        >>> sizes(model, {"numbers": [8]}, normalization="batch_norm")
        ((1,), 510040)
    """

    layers: Annotated[Count, "residual blocks"] = 2
    width: Annotated[Count, "units of the residual stream"] = 192
    hidden: Annotated[Count, "hidden units of a block"] = 384

    @nn.compact
    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        stream = TorchLinear(self.width)(self.columns(x, fwd))
        for block in range(1, self.layers + 1):
            h = nn.relu(TorchLinear(self.hidden)(Normalize()(stream, fwd)))
            h = TorchLinear(self.width)(Site("hidden")(h, fwd))
            stream = Branch(block / self.layers)(stream, h, fwd)
        return TorchLinear(self.outputs)(nn.relu(Normalize()(stream, fwd)))


ARCHITECTURES.add(
    Architecture(
        "tabular_resnet",
        TabularResNet,
        "residual network for tables",
        "Gorishniy et al. 2021, Revisiting deep learning models for tabular data",
        takes=("table_parts",),
        needs_facts=("features",),
        constants=constants,
        constraints=(embeds,),
        normalization="batch_norm",
        test_options={"layers": 1, "width": 6, "hidden": 4},
    )
)
