"""Which leaves of a parameter tree are kernels, and maps over them."""

import zlib
from collections.abc import Callable
from typing import Any

import jax
from jax.tree_util import KeyPath, tree_leaves_with_path, tree_map_with_path

from research.param_tree import leaf_name

Tree = Any


def is_kernel(path: KeyPath) -> bool:
    """True if the path goes through the key `kernel`.

    Not so the direction of a reparametrized kernel (weight normalization): its length means
    nothing, so to decay or to bound it would only change the learning rate. The scale carries the
    kernel's norm.
    """
    keys = [getattr(entry, "key", getattr(entry, "name", None)) for entry in path]
    return "kernel" in keys and keys[-1] != "direction"


def map_kernels(fn: Callable[..., Any], params: Tree, *rest: Tree) -> Tree:
    """The tree with `fn(kernel, ...)` in each kernel's place; other leaves stay. rest: trees of the
    same structure."""
    return tree_map_with_path(
        lambda path, w, *more: fn(w, *more) if is_kernel(path) else w, params, *rest
    )


def map_kernels_with_key(
    fn: Callable[[jax.Array, jax.Array], Any], params: Tree, key: jax.Array
) -> Tree:
    """Like `map_kernels` with `fn(kernel, key)`: each kernel has its own key, by its path.

    Args:
        fn: the function of a kernel and a key.
        params: the parameters; what is not a kernel stays.
        key: folded with each kernel's path.
    """
    return tree_map_with_path(
        lambda path, w: fn(w, _path_key(key, path)) if is_kernel(path) else w, params
    )


def map_with_key(fn: Callable[[jax.Array, jax.Array], Any], tree: Tree, key: jax.Array) -> Tree:
    """The tree of `fn(leaf, key)`: each leaf has its own key, by its path. So it does not depend on
    which other leaves there are.

    Args:
        fn: the function of a leaf and a key.
        tree: its leaves.
        key: folded with each leaf's path.
    """
    return tree_map_with_path(lambda path, leaf: fn(leaf, _path_key(key, path)), tree)


def kernel_mask(params: Tree) -> Tree:
    """The tree with True in each kernel's place and False elsewhere."""
    return tree_map_with_path(lambda path, _: is_kernel(path), params)


def kernel_leaves(params: Tree) -> list[jax.Array]:
    """The kernels alone, in the tree's order."""
    return [w for path, w in tree_leaves_with_path(params) if is_kernel(path)]


def _path_key(key: jax.Array, path: KeyPath) -> jax.Array:
    # crc32, since Python salts its hash of strings per process.
    return jax.random.fold_in(key, zlib.crc32(leaf_name(path).encode()))
