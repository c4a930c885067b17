"""Transformations of optax that act on each unit of a kernel [..., K]: its incoming weights are all
axes but the last.

Optax 0.2.8 takes the mean of `centralize` over all axes but the first, which is PyTorch's layout
[K, ...], and in `adaptive_grad_clip` the norm of a kernel of three axes (a convolution of a
sequence) over its first alone, and that of a kernel with one input over all units together.
"""

from collections.abc import Callable
from typing import Any

import jax
import optax

from research.kernels import Tree, kernel_mask


def centralize() -> optax.GradientTransformation:
    """Subtracts the mean over each unit's incoming weights from the gradient of a kernel.
    arXiv:2004.01461."""

    def centred(gradient: jax.Array, axes: tuple[int, ...]) -> jax.Array:
        return gradient - gradient.mean(axes, keepdims=True)

    def update(updates: Tree, state: Any, params: Tree = None) -> tuple[Tree, Any]:
        del params
        return _mapped(lambda g, axes: g if axes is None else centred(g, axes), updates), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def adaptive_grad_clip(clipping: float, eps: float = 1e-3) -> optax.GradientTransformation:
    """Scales the gradient of each unit down to `clipping` times the norm of its weights, at least
    eps.

    A unit of a kernel is its incoming weights; of other parameters what optax takes for it.
    arXiv:2102.06171.
    """

    def clipped(gradient: jax.Array, axes: tuple[int, ...] | None, w: jax.Array) -> jax.Array:
        # Optax keeps no state for this, so that its init may be called here.
        clip = optax.adaptive_grad_clip(clipping, eps, axis=axes)
        return clip.update(gradient, clip.init(w), w)[0]

    def update(updates: Tree, state: Any, params: Tree = None) -> tuple[Tree, Any]:
        return _mapped(clipped, updates, params), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def _mapped(function: Callable[..., jax.Array], tree: Tree, *rest: Tree) -> Tree:
    """The tree of `function(leaf, axes of a unit's incoming weights, ...)`; axes: None where it is
    no kernel."""

    def mapped(is_kernel: bool, leaf: jax.Array, *more: jax.Array) -> jax.Array:
        # A kernel [K] has no axis left to take a mean or a norm over.
        is_matrix = is_kernel and leaf.ndim > 1
        return function(leaf, tuple(range(leaf.ndim - 1)) if is_matrix else None, *more)

    return jax.tree.map(mapped, kernel_mask(tree), tree, *rest)
