"""One way to run any member by its slot and site, on small inputs; what the law tests range
over."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.models.layers.forward import Forward
from research.registry import REGULARIZERS, Regularizer, load_package

load_package("research.regularization")

ENTRIES = list(REGULARIZERS)
KEY = jax.random.key(8, impl="threefry2x32")  # at which even a flip of probability 1/2 happens
LEARNING_RATE, FACTOR = 0.1, 0.5
LOSSES = jnp.array([3.0, 2.0, 2.5, 1.9, 2.0, 2.1, 2.2])


def array(*shape: int, seed: int = 0) -> jax.Array:
    """Standard normal numbers, with one -0.0 and one 0.0 among them, where a sum with zero would
    show."""
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    values.flat[0], values.flat[1] = -0.0, 0.0
    return jnp.asarray(values)


def distribution(rows: int, classes: int, seed: int = 0) -> jax.Array:
    """Target distributions, the first half one-hot."""
    soft = np.random.default_rng(seed).dirichlet(np.ones(classes), rows).astype(np.float32)
    soft[: rows // 2] = np.eye(classes, dtype=np.float32)[np.arange(rows // 2) % classes]
    return jnp.asarray(soft)


def params(seed: int = 0) -> dict[str, Any]:
    return {
        "a": {"kernel": array(5, 3, seed=seed), "bias": array(3, seed=seed + 1)},
        "b": {"kernel": array(2, 3, 4, seed=seed + 2)},
    }


def inputs(entry: Regularizer) -> Any:
    """What the member transforms."""
    return {
        "data": array(6, 5, 3),
        "targets": (array(8, 6, 5, 3), distribution(8, 4)),
        "parameters": array(5, 3),
        "normalization": 2 + 3 * array(4, 3, 3, 4),
        "activations": array(4, 6),
        "loss": jnp.float32(1.7),
        "update": params(seed=10),
        "projection": 2 * array(5, 3),
        "average": params(seed=20),
        "stopping": jnp.arange(len(LOSSES)),
    }[entry.slot]


def run(entry: Regularizer, options: dict[str, Any], x: Any, key: jax.Array = KEY) -> Any:
    """x as the member transforms it in training."""
    return _RUNNERS[entry.slot](entry, entry.build(**options), x, key)


def _parameters(entry: Regularizer, built: Any, x: Any, key: jax.Array) -> Any:
    return built(x, key) if entry.site == "kernels" else built.join(built.split(x))


def _normalization(entry: Regularizer, built: Any, x: Any, key: jax.Array) -> Any:
    variables = built.init(key, x, Forward())
    return built.apply(variables, x, Forward(train=True), mutable=["batch_stats"])


def _activations(entry: Regularizer, built: Any, x: Any, key: jax.Array) -> Any:
    return built(x, key, 0.5) if entry.site == "branch" else built(x, key)


def _update(entry: Regularizer, built: Any, x: Any, key: jax.Array) -> Any:
    return built.update(
        x, built.init(params()), params(), key=key, learning_rate=LEARNING_RATE, factor=FACTOR
    )[0]


def _stopping(entry: Regularizer, built: Any, x: Any, key: jax.Array) -> Any:
    """The epoch whose parameters are kept after each of the epochs x; -1 for what comes after the
    stop."""

    def epoch(carry: Any, now: Any) -> Any:
        state, kept = carry
        after = built.update(state, LOSSES[now])
        kept = jnp.where(after.improved, now, kept)
        return (after, kept), jnp.where(after.stopped, -1, kept)

    return jax.lax.scan(epoch, (built.init(), jnp.array(-1)), x)[1]


_RUNNERS: dict[str, Callable[[Regularizer, Any, Any, jax.Array], Any]] = {
    "data": lambda entry, built, x, key: built(x, key, True),
    "targets": lambda entry, built, x, key: built(*x, key),
    "parameters": _parameters,
    "normalization": _normalization,
    "activations": _activations,
    "loss": lambda entry, built, x, key: x + built(array(5, 3)),
    "update": _update,
    "projection": lambda entry, built, x, key: built(x, jnp.float32(LEARNING_RATE)),
    "average": lambda entry, built, x, key: built(params(), x, 7, 10),
    "stopping": _stopping,
}


def numeric(entry: Regularizer, options: dict[str, Any]) -> dict[str, Any]:
    """The numeric ones of the options."""
    names = {option.name for option in entry.options if option.numeric}
    return {name: value for name, value in options.items() if name in names}


def static(entry: Regularizer, options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in numeric(entry, options)}


def filled(entry: Regularizer, **options: Any) -> dict[str, Any]:
    """Defaults, then the tiny setting, then `options`."""
    defaults = {o.name: o.default for o in entry.options if o.name not in entry.test_options}
    return {**defaults, **entry.test_options, **options}


def lanes(entry: Regularizer, settings: list[dict[str, Any]], x: Any) -> Any:
    """The member at each setting, as lanes of one program: leaves [lanes, ...]."""
    values = {
        name: jnp.array([s[name] for s in settings], jnp.float32)
        for name in numeric(entry, settings[0])
    }
    return _program(entry.name, tuple(static(entry, settings[0]).items()))(values, x)


@functools.cache
def _program(
    name: str, fixed: tuple[tuple[str, Any], ...]
) -> Callable[[dict[str, jax.Array], Any], Any]:
    step = lambda values, x: run(REGULARIZERS.get(name), {**dict(fixed), **values}, x)  # noqa: E731
    return jax.jit(jax.vmap(step, (0, None)))


def bits(tree: Any) -> list[np.ndarray]:
    """The leaves as unsigned integers, so that -0.0 is not 0.0."""
    return [np.asarray(leaf).view(f"u{leaf.dtype.itemsize}") for leaf in jax.tree.leaves(tree)]


def assert_same_bits(got: Any, expected: Any) -> None:
    structures: list[Any] = [jax.tree.structure(tree) for tree in (got, expected)]
    assert structures[0] == structures[1]
    for a, b in zip(bits(got), bits(expected), strict=True):
        np.testing.assert_array_equal(a, b)
