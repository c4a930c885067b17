"""Wide & deep: a linear model of columns and crossed categories beside a deep network."""

import itertools
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.sites import Activate
from research.models.layers.table_network import (
    TableNetwork,
    constants,
    embeds,
    one_hot,
)
from research.models.layers.torch_linear import KERNEL_INIT, TorchLinear
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class WideDeep(TableNetwork):
    """The sum of a linear model of the numbers and one-hot categories, and of hidden layers of ReLU
    over the embedded columns, {numbers: [B, N], categories: [B, C]} -> [B, outputs].

    With `crosses`, the linear model also has a weight of each pair of categories of two columns.
    Weights begin as PyTorch's, those of pairs as zeros.

    Example:
        >>> from research.data.features.table_columns import TableColumns
        >>> from research.data.features.table_parts import TableParts
        >>> from research.models.sizes import sizes
        >>> table = TableParts((8,), table=TableColumns((8,)))
        >>> sizes(WideDeep(1, table, hidden=(32,)), {"numbers": [8]})  # 8·32 + 32 + 32 + 1 + 8
        ((1,), 329)
    """

    hidden: Annotated[tuple[Count, ...], "widths of the hidden layers"] = (256, 256)
    crosses: Annotated[bool, "weights of each pair of two columns' categories"] = False

    @nn.compact
    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        h = self.columns(x, fwd)
        for width in self.hidden:
            h = Activate("relu")(TorchLinear(width)(h), fwd)
        deep = TorchLinear(self.outputs)(h)
        return deep + self._wide(x, fwd)

    def _wide(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        columns = [x["numbers"]] if "numbers" in x else []
        counts = self.features.parts["categories"].counts if "categories" in x else ()
        if counts:
            columns.append(one_hot(x["categories"], counts, fwd))
        # The deep network's head has a bias already.
        linear = Dense(self.outputs, use_bias=False, kernel_init=KERNEL_INIT, name="wide")
        wide = linear(jnp.concatenate(columns, axis=-1))
        if not self.crosses:
            return wide
        for first, second in itertools.combinations(range(len(counts)), 2):
            shape = (counts[first], counts[second], self.outputs)
            weights = self.param(f"cross_{first}_{second}", nn.initializers.zeros, shape)
            a, b = x["categories"][:, first], x["categories"][:, second]
            known = (a >= 0) & (b >= 0)
            wide = wide + jnp.where(known[:, None], weights[a, b], 0)
        return wide


def _pairs(config: Any, spec: Any) -> str | None:
    """With `crosses`, the table has two columns of categories at least."""
    categories = spec.inputs.parts.get("categories")
    if not config.arch["crosses"] or (categories is not None and len(categories.counts) > 1):
        return None
    columns = 0 if categories is None else len(categories.counts)
    return f"arch.crosses needs two columns of categories, and {spec.name} has {columns}"


ARCHITECTURES.add(
    Architecture(
        "wide_deep",
        WideDeep,
        "linear model beside a deep network, for tables",
        "Cheng et al. 2016, Wide & deep learning for recommender systems",
        takes=("table_parts",),
        needs_facts=("features",),
        constants=constants,
        constraints=(embeds, _pairs),
        test_options={"hidden": (6,)},
    )
)
