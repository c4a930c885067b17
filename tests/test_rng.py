"""Random keys: functions of seed, stream, step and example, and of nothing else."""

import zlib

import jax
import jax.numpy as jnp
import numpy as np

from research import rng


def bits(key: jax.Array) -> tuple[int, ...]:
    return tuple(np.asarray(jax.random.key_data(key)).ravel().tolist())


def test_keys_follow_the_formula() -> None:
    """fold_in(fold_in(key(seed), crc32(stream)), step), then the example."""
    key = jax.random.fold_in(jax.random.key(7, impl="threefry2x32"), zlib.crc32(b"dropout"))
    assert bits(rng.stream(7, "dropout")) == bits(key)
    assert bits(rng.at(7, "dropout", 3)) == bits(jax.random.fold_in(key, 3))
    per = rng.per_example(key, jnp.array([4, 9]))
    assert bits(per[1]) == bits(jax.random.fold_in(key, 9))


def test_bits_are_these() -> None:
    """They may never change: records hang on them."""
    assert np.asarray(jax.random.bits(rng.stream(0, "init"), (2,))).tolist() == [
        432271249,
        3899918182,
    ]
    assert rng.host(0, "split").integers(0, 1000, 3).tolist() == [915, 542, 146]


def test_keys_are_all_different() -> None:
    seen = {
        bits(rng.at(seed, name, step))
        for seed in range(3)
        for name in ("a", "b", "order")
        for step in range(4)
    }
    assert len(seen) == 3 * 3 * 4


def test_an_examples_key_does_not_depend_on_the_batch() -> None:
    key = rng.at(1, "mixup", 0)
    whole = rng.per_example(key, jnp.arange(6))
    half = rng.per_example(key, jnp.arange(3, 6))
    assert [bits(k) for k in whole[3:]] == [bits(k) for k in half]


def test_traced_seeds_give_the_same_keys() -> None:
    traced = jax.jit(lambda seed, step: jax.random.key_data(rng.at(seed, "x", step)))(
        jnp.uint32(2**31 + 5), 3
    )
    np.testing.assert_array_equal(traced, jax.random.key_data(rng.at(np.uint32(2**31 + 5), "x", 3)))


def test_host_generators_repeat() -> None:
    assert rng.host(3, "a").random() == rng.host(3, "a").random()
    assert rng.host(3, "a").random() != rng.host(3, "b").random()
    assert rng.host(3, "a").random() != rng.host(4, "a").random()
