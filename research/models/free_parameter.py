"""No network: a point whose coordinates are the only parameters."""

from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.autoencoder import reconstructs
from research.models.layers.forward import Forward
from research.registry import ARCHITECTURES, Architecture


class FreeParameter(nn.Module):
    """The same learned values for every example, [B, ...] -> [B, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(FreeParameter(outputs=100), [100])
        ((100,), 100)
    """

    outputs: int
    start: Annotated[float, "initial value of every coordinate"] = 1.0

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        # A lane value is a tracer, so it comes with the pass; the field has the value outside
        # lanes.
        start: Any = fwd.numbers.get("start", self.start)
        point = self.param(
            "point", lambda key: jnp.broadcast_to(jnp.asarray(start, jnp.float32), (self.outputs,))
        )
        return jnp.broadcast_to(point, (x.shape[0], self.outputs))


ARCHITECTURES.add(
    Architecture(
        "point",
        FreeParameter,
        "no network: the same learned values for every example",
        "Schneider, Balles & Hennig 2019, DeepOBS: a deep learning optimizer benchmark suite",
        constraints=(reconstructs,),
    )
)
