"""The sizes of a network, computed from shapes alone: nothing is allocated."""

import math
from collections.abc import Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.forward import Forward


def sizes(
    model: nn.Module,
    example: Sequence[int] | Mapping[str, Sequence[int]],
    *,
    tokens: bool = False,
    normalization: str = "",
) -> tuple[tuple[int, ...], int]:
    """The shape of a network's outputs for one example, and the number of its parameters.

    Args:
        model: a network of the catalogue.
        example: the shape of an example, without a batch axis; by name if there are several inputs.
        tokens: whether the example is tokens, int32, and not numbers.
        normalization: a regularizer such as `batch_norm` that normalizes the hidden layers.

    >>> class Mean(nn.Module):
    ...     @nn.compact
    ...     def __call__(self, x, fwd):
    ...         return x.mean(axis=1, keepdims=True) * self.param("scale", nn.initializers.ones, [])
    >>> sizes(Mean(), [8])
    ((1,), 1)
    """
    dtype = jnp.int32 if tokens else jnp.float32
    shapes = dict(example) if isinstance(example, Mapping) else example
    x = jax.tree.map(
        lambda shape: jax.ShapeDtypeStruct((1, *shape), dtype),
        shapes,
        is_leaf=lambda node: type(node) is not dict,
    )
    fwd = Forward(members=((normalization, ()),) if normalization else ())
    init = jax.eval_shape(lambda x: model.init_with_output(jax.random.key(0), x, fwd), x)
    outputs, variables = init
    leaves = jax.tree.leaves(variables.get("params", {}))
    return outputs.shape[1:], sum(math.prod(leaf.shape) for leaf in leaves)
