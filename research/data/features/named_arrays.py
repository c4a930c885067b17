"""Inputs or targets as the engine handles them: one array, or a dict of arrays by name."""

from collections.abc import Callable
from typing import Any

import jax


def by_array(x: Any, function: Callable[[Any], Any]) -> Any:
    """A function of one array, or of each array of a dict.

    An array is whatever is indexed as arrays are, such as Windows and OneHot.
    """
    return jax.tree.map(function, x, is_leaf=lambda node: type(node) is not dict)


def take(x: Any, rows: Any) -> Any:
    """x[rows], of one array or of each of a dict."""
    return by_array(x, lambda array: array[rows])


def nbytes(x: Any) -> int:
    """The bytes of one array, or of all arrays of a dict."""
    arrays = x.values() if type(x) is dict else [x]
    return sum(int(array.nbytes) for array in arrays)
