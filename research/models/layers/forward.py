"""Forward: what the layers of a network need to know of one forward pass."""

from typing import Any

import flax.struct
import jax

from research import rng

Member = tuple[str, tuple[tuple[str, Any], ...]]


@flax.struct.dataclass
class Forward:
    """Training or evaluation, and the regularizers that act inside the network.

    train: whether this pass trains. members: (regularizer, its static options) in the order in which they
    act. values: their lane values, by member and option. index: int32 [B], each example's place in the
    global batch, by which its random draws are keyed; None in evaluation.
    """

    train: bool = flax.struct.field(pytree_node=False, default=False)
    members: tuple[Member, ...] = flax.struct.field(pytree_node=False, default=())
    values: dict[str, dict[str, jax.Array]] = flax.struct.field(default_factory=dict)
    index: jax.Array | None = None

    def example_keys(self, key: jax.Array) -> jax.Array:
        """One key an example, [B], in training."""
        assert self.index is not None
        return rng.per_example(key, self.index)

    def options(self, member: Member) -> dict[str, Any]:
        """All options of a member: static ones as written, numeric ones as lane values."""
        name, static = member
        return {**dict(static), **self.values.get(name, {})}
