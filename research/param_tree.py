"""Parameter trees: leaves by their names, such as `Dense_0/kernel`, and patterns that select
them."""

import re
from typing import Any

import jax
import jax.numpy as jnp
from jax.tree_util import DictKey, KeyPath, keystr, tree_leaves_with_path, tree_map_with_path

Tree = Any


def leaf_name(path: KeyPath, separator: str = "/") -> str:
    """A leaf's name: its path with slashes."""
    return keystr(path, simple=True, separator=separator)


def module_names(path: KeyPath) -> list[str]:
    """The names of modules and variables on the path of what a module has sown."""
    return [str(key.key) for key in path if isinstance(key, DictKey)]


def by_name(tree: Tree, separator: str = "/") -> dict[str, Any]:
    """The leaves by name, in the tree's order."""
    return {leaf_name(path, separator): leaf for path, leaf in tree_leaves_with_path(tree)}


def keep_where(pattern: str | None, new: Tree, old: Tree) -> Tree:
    """`new` with the leaves of `old` where the pattern matches within their names.

    Args:
        pattern: a regular expression; None: matches nothing.
        new: a tree.
        old: a tree of the same structure.
    """
    if pattern is None:
        return new
    return tree_map_with_path(
        lambda path, a, b: b if re.search(pattern, leaf_name(path)) else a, new, old
    )


def zero_where(pattern: str | None, tree: Tree) -> Tree:
    """The tree with zeros where the pattern is found in the leaves' names."""
    if pattern is None:
        return tree
    return keep_where(pattern, tree, jax.tree.map(jnp.zeros_like, tree))


def select(pattern: str, tree: Tree) -> Tree:
    """The tree without the leaves in whose names the pattern is not found: None takes their place.

    Maps over the tree skip them, so an optimizer has no state for them. "" returns the tree itself.
    """
    if not pattern:
        return tree
    return tree_map_with_path(
        lambda path, leaf: leaf if re.search(pattern, leaf_name(path)) else None, tree
    )


def merge(selected: Tree, tree: Tree) -> Tree:
    """The tree with the leaves of a `select` in their places."""
    return jax.tree.map(
        lambda a, b: b if a is None else a, selected, tree, is_leaf=lambda leaf: leaf is None
    )


def unflatten(tree: Tree, values: list[Any]) -> Tree:
    """A tree of that structure with these leaves."""
    return jax.tree.unflatten(jax.tree.structure(tree), values)


def where(condition: jax.Array, new: Tree, old: Tree) -> Tree:
    """`new` where the condition holds, else `old`; leaf by leaf.

    Args:
        condition: bool [].
        new: a tree.
        old: a tree of the same structure.
    """
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
