"""Forward: what the layers of a network need to know of one forward pass."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from research import rng

Member = tuple[str, tuple[tuple[str, Any], ...]]


@flax.struct.dataclass
class Forward:
    """Training or evaluation, the regularizers that act inside the network, and which examples this
    pass sees.

    The examples of a pass are the global batch, or where it is spread over devices or split into
    parts, a share of it.

    train: whether this pass trains. members: (regularizer, its static options) in the order in
        which they act. values: their lane values, by member and option. numbers: lane values of the
        architecture's own options.
    dtype: of the arithmetic, for what is neither a parameter nor an input. index: int32 [B], each
        example's place in the global batch, by which its random draws are keyed; None in
        evaluation. weight: [B], 1 of a real example and 0 of padding; None if all are real. axis:
        the name of the mapped axis that the batch is spread over, or None.
    total: [], how many real examples the global batch has, or None if this pass sees all B and all
        are real. frozen: a pattern of the names of what does not change in training
        (`Dense_0/kernel`), or None.

    An example without a target counts as padding. masked: whether places may hold nothing. steps:
    bool [B, T], which steps of the sequences that layers see now are real; None: all are. shares:
    [B], the weight of each example in the loss, over the global batch they add up to 1; None: all
    weigh alike.
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
    masked: bool = flax.struct.field(pytree_node=False, default=True)
    steps: jax.Array | None = None
    shares: jax.Array | None = None

    def example_keys(self, key: jax.Array) -> jax.Array:
        """One key an example, [B], in training."""
        assert self.index is not None
        return rng.per_example(key, self.index)

    def share(self, values: jax.Array) -> jax.Array:
        """What this pass adds to the mean of `values` [B] over the global batch: over all passes
        they sum up to it."""
        if self.total is None:
            return jnp.mean(values)
        if self.weight is not None:
            values = jnp.where(self.weight > 0, values, 0)
        return jnp.sum(values) / self.total

    def loss(self, losses: jax.Array) -> jax.Array:
        """What this pass adds to the global batch's loss, of each example's [B]."""
        if self.shares is None:
            return self.share(losses)
        return jnp.sum(jnp.where(self.shares > 0, losses, 0) * self.shares)

    def over_devices(self, tree: Any) -> Any:
        """The sum over the devices of the axis."""
        return tree if self.axis is None else jax.lax.psum(tree, self.axis)

    def over(self, steps: jax.Array | None) -> "Forward":
        """For layers over sequences whose real steps are these, bool [B, T]; None: all are.

        Every network that reads sequences says so to its layers: statistics and penalties leave
        padding out.
        """
        return self.replace(steps=steps) if self.masked else self  # type: ignore[attr-defined]

    def real_steps(self, x: jax.Array) -> jax.Array | None:
        """Which steps of x [B, T, ...] are real, bool [B, T, 1, ...]; None: all are, or x [B, D]
        has no steps."""
        if self.steps is None or x.ndim < 3 or x.shape[:2] != self.steps.shape:
            return None
        return self.steps.reshape(*self.steps.shape, *[1] * (x.ndim - 2))

    def options(self, member: Member) -> dict[str, Any]:
        """All options of a member: static ones as written, numeric ones as lane values."""
        name, static = member
        return {**dict(static), **self.values.get(name, {})}
