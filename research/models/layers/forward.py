"""Forward: what the layers of a network need to know of one forward pass."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from research import rng

Member = tuple[str, tuple[tuple[str, Any], ...]]


@flax.struct.dataclass
class Forward:
    """Training or evaluation, the regularizers that act inside the network, and which examples this pass sees.

    The examples of a pass are the global batch, or where it is spread over devices or split into parts, a share
    of it.

    train: whether this pass trains. members: (regularizer, its static options) in the order in which they
    act. values: their lane values, by member and option. numbers: lane values of the architecture's own options.
    dtype: of the arithmetic, for what is neither a parameter nor an input. index: int32 [B], each example's place in
    the global batch, by which its random draws are keyed; None in evaluation. weight: [B], 1 of a real example and 0
    of padding; None if all are real. axis: the name of the mapped axis that the batch is spread over, or None.
    total: [], how many real examples the global batch has, or None if this pass sees all B and all are real. frozen:
    a pattern of the names of what does not change in training (`Dense_0/kernel`), or None.
    """

    train: bool = flax.struct.field(pytree_node=False, default=False)
    members: tuple[Member, ...] = flax.struct.field(pytree_node=False, default=())
    values: dict[str, dict[str, jax.Array]] = flax.struct.field(default_factory=dict)
    numbers: dict[str, jax.Array] = flax.struct.field(default_factory=dict)
    dtype: Any = flax.struct.field(pytree_node=False, default=jnp.float32)
    index: jax.Array | None = None
    weight: jax.Array | None = None
    total: jax.Array | float | None = None
    frozen: str | None = flax.struct.field(pytree_node=False, default=None)
    axis: str | None = flax.struct.field(pytree_node=False, default=None)

    def example_keys(self, key: jax.Array) -> jax.Array:
        """One key an example, [B], in training."""
        assert self.index is not None
        return rng.per_example(key, self.index)

    def share(self, values: jax.Array) -> jax.Array:
        """What this pass adds to the mean of `values` [B] over the global batch: over all passes they sum up to it."""
        if self.total is None:
            return jnp.mean(values)
        if self.weight is not None:
            values = jnp.where(self.weight > 0, values, 0)
        return jnp.sum(values) / self.total

    def options(self, member: Member) -> dict[str, Any]:
        """All options of a member: static ones as written, numeric ones as lane values."""
        name, static = member
        return {**dict(static), **self.values.get(name, {})}
