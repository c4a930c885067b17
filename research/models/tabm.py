"""TabM: an MLP for tables with members inside, which share most of their weights."""

import math
from typing import Annotated, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from research.models.layers.forward import Forward
from research.models.layers.members import MemberDense, MemberHeads, random_signs
from research.models.layers.sites import Activate
from research.models.layers.table_network import TableNetwork, constants, embeds
from research.models.layers.torch_linear import KERNEL_INIT, TorchLinear, symmetric
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class TabM(TableNetwork):
    """M MLPs with hidden layers of ReLU and a head each, {numbers: [B, N], categories: [B, C]} ->
    [B, M, outputs].

    Members read the columns times r_m. In front of the first layer r_m has one random number for
    each column of the table: a sign, or with a number embedding N(0, 1). Weights and biases begin
    as PyTorch's.

    Example:
        >>> from research.data.features.table_columns import TableColumns
        >>> from research.data.features.table_parts import TableParts
        >>> from research.models.sizes import sizes
        >>> table = TableParts((8,), table=TableColumns((8,)))
        >>> sizes(TabM(1, table, hidden=(400, 400, 400)), {"numbers": [8]})
        ((32, 1), 438688)
        >>> sizes(TabM(1, table, hidden=(304,) * 3, adapters="mini"), {"numbers": [8]})
        ((32, 1), 198192)
        >>> sizes(TabM(1, table, hidden=(992,) * 4, adapters="packed"), {"numbers": [8]})
        ((32, 1), 94882848)
    """

    hidden: Annotated[tuple[Count, ...], "widths of the hidden layers"] = (256, 256)
    members: Annotated[Count, "members, whose predictions are averaged"] = 32
    adapters: Annotated[
        Literal["tabm", "mini", "packed"],
        "what each member has of its own beside its head; tabm: factors of every layer's inputs and"
        " outputs, and biases; mini: factors of the columns; packed: all weights",
    ] = "tabm"

    @nn.compact
    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        h = self.columns(x, fwd)
        fwd = fwd.of_members(self.members)
        h = jnp.repeat(h, self.members, axis=0)
        if self.adapters == "mini":
            r = self.param("r", self._first, (self.members, h.shape[-1]))
            h = (h.reshape(-1, *r.shape) * r).reshape(h.shape)
        for place, width in enumerate(self.hidden):
            layer = self._layer(width, h.shape[-1], first=place == 0)
            h = Activate("relu")(layer(h), fwd)
        heads = self._apart(self.outputs, h.shape[-1])
        return heads(h).reshape(-1, self.members, self.outputs)

    def _layer(self, width: int, inputs: int, first: bool) -> nn.Module:
        """A hidden layer, [B·M, inputs] -> [B·M, width]."""
        if self.adapters == "mini":
            return TorchLinear(width)
        if self.adapters == "packed":
            return self._apart(width, inputs)

        def bias_init(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            # Members begin with the same biases, as in the paper's code.
            drawn = symmetric(1 / math.sqrt(inputs))(key, shape[1:], jnp.float32)
            return jnp.broadcast_to(drawn, shape)

        ones = nn.initializers.ones
        r_init = self._first if first else ones
        return MemberDense(width, self.members, r_init, ones, KERNEL_INIT, bias_init)

    def _apart(self, width: int, inputs: int) -> nn.Module:
        """A linear map of each member, [B·M, inputs] -> [B·M, width]."""
        bound = 1 / math.sqrt(inputs)
        return MemberHeads(width, self.members, KERNEL_INIT, symmetric(bound))

    def _first(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        """The first factors of the members [M, D], the same for all entries of a column."""
        widths = np.array(self.widths)
        draw = random_signs if self.number_embedding == "none" else jax.random.normal
        drawn = draw(key, (shape[0], len(widths)), jnp.float32)
        return jnp.repeat(drawn, widths, axis=1, total_repeat_length=shape[1])


ARCHITECTURES.add(
    Architecture(
        "tabm",
        TabM,
        "members inside an MLP for tables, which share its kernels",
        "Gorishniy, Kotelnikov & Babenko, TabM, ICLR 2025",
        takes=("table_parts",),
        needs_facts=("features",),
        constants=constants,
        constraints=(embeds,),
        members_option="members",
        test_options={
            "hidden": (4,),
            "members": 2,
            "number_embedding": "periodic",
            "number_width": 2,
            "frequencies": 2,
            "frequency_scale": 0.5,
        },
    )
)
