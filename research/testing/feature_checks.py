"""What every feature must pass, a user's own too."""

import functools
import json
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from research.data.features.feature import Feature
from research.data.features.stored import from_json, to_json
from research.registry import Entry

SHAPE = (3,)


def checks(entry: Entry) -> dict[str, Callable[[], None]]:
    """The checks of a feature, by name."""
    feature: Feature = entry.build(SHAPE)
    return {
        "reads back what is stored": functools.partial(_reads_back, feature),
        "is read as its placeholder": functools.partial(_like_its_placeholder, feature),
    }


def _reads_back(feature: Feature) -> None:
    stored = json.loads(json.dumps(to_json(feature)))
    assert from_json(stored) == feature, f"it is stored as {stored}, and read as another"


def _like_its_placeholder(feature: Feature) -> None:
    expected = feature.placeholder()
    dtype = np.dtype(np.float32)
    raw = jax.tree.map(lambda leaf: jnp.zeros((4, *leaf.shape), leaf.dtype), expected)
    fitted = jax.tree.map(lambda leaf: jnp.ones(leaf.shape, dtype), feature.fitted_like(dtype))
    seen = jax.eval_shape(lambda x: feature.normalize(x, fitted, dtype), raw)
    shapes = jax.tree.map(lambda leaf: (leaf.shape[1:], leaf.dtype), seen)
    right = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), expected)
    assert shapes == right, f"it is normalized to {shapes}; its placeholder is {right}"
