"""Which parameters are kernels: weight decay and Muon act on these and leave biases and norm scales alone."""

from collections.abc import Callable
from typing import Any

import jax


def mask(params: Any) -> Any:
    """A tree of bool like `params`: True for every leaf whose path contains the key "kernel"."""
    return jax.tree_util.tree_map_with_path(lambda path, _: _is_kernel(path), params)


def label(params: Any, kernel: str, rest: str, where: Callable[[Any], bool]) -> Any:
    """A tree of labels like `params`: `kernel` for the kernels for which `where(leaf)` holds, else `rest`."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: kernel if _is_kernel(path) and where(leaf) else rest, params
    )


def _is_kernel(path: tuple[Any, ...]) -> bool:
    return any(getattr(entry, "key", getattr(entry, "name", None)) == "kernel" for entry in path)
