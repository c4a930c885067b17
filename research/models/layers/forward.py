"""Forward: what the layers of a network need to know of one forward pass."""

import dataclasses
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from research import rng

Member = tuple[str, tuple[tuple[str, Any], ...]]


@flax.struct.dataclass
class Forward:
    """One forward pass: training or evaluation, the regularizers in the network, and its examples.

    A pass sees the global batch, or a part of it if the batch is spread over devices or split.

    train: training, not evaluation.
    recompute: an evaluation in which batch norm normalizes by its batch, and leaves that batch's
        statistics in the collection `recomputed`.
    members: (regularizer, static options) in the order in which they act.
    values: the regularizers' lane values, by regularizer and option.
    numbers: the lane values of the architecture's options.
    dtype: of the arithmetic, for arrays that are neither parameters nor inputs.
    index: int32 [B], the position of each example in the global batch, which keys its random draws;
        None in evaluation.
    weight: [B], 1 for a real example and 0 for padding or an example without a target; None: all
        are real.
    total: [], the number of real examples in the global batch; None: this pass sees all of them.
    frozen: a pattern of the names of parameters that do not change (`Dense_0/kernel`), or None.
    axis: the mapped axis over which the batch is spread; None: one device has it all.
    masked: whether sequences may have padding.
    steps: bool [B, T], the real steps of the sequences that the layers see now; None: all are real.
    constants: what the network computes with and does not train, fitted to the training rows; None:
        nothing. See entry_kinds.Architecture.
    shares: [B], the weight of each example in the loss; they sum to 1 over the global batch. None:
        all weigh the same.
    """

    # Static fields shape the program. The others are traced, so that lanes may differ in them.
    train: bool = flax.struct.field(pytree_node=False, default=False)
    recompute: bool = flax.struct.field(pytree_node=False, default=False)
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
    constants: Any = None

    def example_keys(self, key: jax.Array) -> jax.Array:
        """One key an example, [B], in training."""
        assert self.index is not None
        return rng.per_example(key, self.index)

    def share(self, values: jax.Array) -> jax.Array:
        """The part of this pass in the mean of `values` [B] over the global batch.

        The parts of all passes sum to that mean.
        """
        if self.total is None:
            return jnp.mean(values)
        if self.weight is not None:
            # A select, not a product: the loss of a padded row may be NaN, and 0 · NaN is NaN.
            values = jnp.where(self.weight > 0, values, 0)
        # By the global count, so that the parts of a batch sum up to its mean.
        return jnp.sum(values) / self.total

    def loss(self, losses: jax.Array) -> jax.Array:
        """The part of this pass in the global batch's loss; losses: [B], per example."""
        if self.shares is None:
            return self.share(losses)
        # As in `share`: the select keeps the NaN of a padded row out of the sum.
        return jnp.sum(jnp.where(self.shares > 0, losses, 0) * self.shares)

    def over_devices(self, tree: Any) -> Any:
        """The sum over the devices of the axis."""
        return tree if self.axis is None else jax.lax.psum(tree, self.axis)

    def of_members(self, count: int) -> "Forward":
        """The pass for layers that see each example once for each member of the network, [B·M, ...]
        with an example's members side by side.

        Each copy counts as an example: it has draws of its own, penalties are means over members,
        and batch statistics are of all members. count: M.
        """

        def each(of_examples: jax.Array | None) -> jax.Array | None:
            return None if of_examples is None else jnp.repeat(of_examples, count, axis=0)

        index = each(self.index)
        if index is not None:
            # By the position in the global batch, so that draws do not depend on the devices.
            index = index * count + jnp.arange(index.size) % count
        return dataclasses.replace(
            self,
            index=index,
            weight=each(self.weight),
            total=None if self.total is None else self.total * count,
            steps=each(self.steps),
            shares=None if self.shares is None else each(self.shares / count),
        )

    def over(self, steps: jax.Array | None) -> "Forward":
        """The pass for layers over sequences with these real steps, bool [B, T]; None: all are.

        Every network that reads sequences calls it, so that statistics and penalties leave padding
        out.
        """
        return dataclasses.replace(self, steps=steps) if self.masked else self

    def real_steps(self, x: jax.Array) -> jax.Array | None:
        """Which steps of x [B, T, ...] are real, bool [B, T, 1, ...]; None: all are, or x [B, D]
        has no steps."""
        # An array of another shape is not the sequence that `steps` describes.
        if self.steps is None or x.ndim < 3 or x.shape[:2] != self.steps.shape:
            return None
        return self.steps.reshape(*self.steps.shape, *[1] * (x.ndim - 2))

    def options(self, member: Member) -> dict[str, Any]:
        """All options of a member: static ones as written, numeric ones as lane values."""
        name, static = member
        return {**dict(static), **self.values.get(name, {})}
