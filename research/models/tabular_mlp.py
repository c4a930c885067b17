"""The MLP for tables: number and category embeddings in front of hidden layers of ReLU."""

from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.forward import Forward
from research.models.layers.sites import Activate
from research.models.layers.table_network import TableNetwork, constants, embeds
from research.models.layers.torch_linear import TorchLinear
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class TabularMLP(TableNetwork):
    """Hidden layers of ReLU over a table's columns, {numbers: [B, N], categories: [B, C]} -> [B,
    outputs].

    Weights and biases begin as PyTorch's. Dropout follows each hidden layer.

    Example:
        >>> from research.data.features.table_columns import TableColumns
        >>> from research.data.features.table_parts import TableParts
        >>> from research.models.sizes import sizes
        >>> table = TableParts((8,), table=TableColumns((8,)))
        >>> sizes(TabularMLP(1, table, hidden=(510, 263, 363)), {"numbers": [8]})
        ((1,), 235179)
    """

    hidden: Annotated[tuple[Count, ...], "widths of the hidden layers"] = (256, 256)

    @nn.compact
    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        h = self.columns(x, fwd)
        for width in self.hidden:
            h = Activate("relu")(TorchLinear(width)(h), fwd)
        return TorchLinear(self.outputs)(h)


ARCHITECTURES.add(
    Architecture(
        "tabular_mlp",
        TabularMLP,
        "multilayer perceptron for tables, with number and category embeddings",
        "Gorishniy et al. 2021, Revisiting deep learning models for tabular data; Gorishniy,"
        " Rubachev & Babenko 2022, On embeddings for numerical features in tabular deep learning",
        takes=("table_parts",),
        needs_facts=("features",),
        constants=constants,
        constraints=(embeds,),
        test_options={
            "hidden": (8,),
            "number_embedding": "piecewise_linear",
            "bins": 4,
            "number_width": 3,
        },
    )
)
