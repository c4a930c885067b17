"""The first updates of every optimizer, worked by hand, and formulas in another form."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.optim import sam
from research.registry import OPTIMIZERS, load_package

load_package("research.optim")

TINY = 1e-30  # an eps that vanishes beside the numbers below


def updates(name, options, grads, param=(2.0,)):
    """The updates of one kernel for these gradients in turn; the kernel itself stays where it
    is."""
    chain = OPTIMIZERS.get(name).build(**options)
    params = {"kernel": jnp.asarray(param, jnp.float32)}
    state, seen = chain.init(params), []
    for grad in grads:
        update, state = chain.update(
            {"kernel": jnp.broadcast_to(jnp.float32(grad), np.shape(param))}, state, params
        )
        seen.append(np.asarray(update["kernel"]).ravel())
    return np.concatenate(seen)


HALVES = {"b1": 0.5, "b2": 0.5, "eps": TINY}
# In each case with HALVES and g = 1, 3: m = 0.5, 1.75, so m̂ = 1, 7/3; v = 0.5, 4.75, so v̂ = 1,
# 19/3.
CASES = [
    ("sgd", {}, [1, 3], [1, 3]),
    ("sgd", {"momentum": 0.5}, [1, 1], [1, 1.5]),
    ("sgd", {"momentum": 0.5, "style": "average"}, [1, 1], [0.5, 0.75]),
    ("sgd", {"momentum": 0.5, "nesterov": True}, [1, 1], [1 + 0.5 * 1, 1 + 0.5 * 1.5]),
    (
        "sgd",
        {"momentum": 0.5, "nesterov": True, "style": "average"},
        [1, 1],
        [0.5 + 0.5 * 0.5, 0.5 + 0.5 * 0.75],
    ),
    ("sam", {"momentum": 0.5}, [1, 1], [1, 1.5]),
    ("adagrad", {"initial_accumulator": 0.0, "eps": TINY}, [3, 4], [3 / 3, 4 / 5]),
    ("rmsprop", {"decay": 0.5, "eps": TINY}, [2, 2], [2 / math.sqrt(2), 2 / math.sqrt(3)]),
    (
        "rmsprop",
        {"decay": 0.5, "eps": TINY, "momentum": 0.5},
        [2, 2],
        [2 / math.sqrt(2), 1 / math.sqrt(2) + 2 / math.sqrt(3)],
    ),
    # v = 2, 3; the past updates' square is 0, then 0.5 * 4/3.
    (
        "adadelta",
        {"rho": 0.5, "eps": 1.0},
        [2, 2],
        [2 * math.sqrt(1 / 3), 2 * math.sqrt((1 + 2 / 3) / 4)],
    ),
    ("adam", HALVES, [1, 3], [1, 7 / 3 / math.sqrt(19 / 3)]),
    ("adamw", HALVES | {"weight_decay": 0.1}, [1, 3], [1 + 0.2, 7 / 3 / math.sqrt(19 / 3) + 0.2]),
    ("adamax", HALVES, [1, 3], [1, 7 / 3 / 3]),
    ("nadam", HALVES, [1, 3], [0.25 / 0.75 + 1, (0.875 / 0.875 + 2) / math.sqrt(19 / 3)]),
    ("radam", HALVES, [1, 3], [1, 7 / 3]),  # ρ∞ = 3: the variance is never tractable
    # v = 8, 4, so v̂ = 16, 16/3: the first one stays.
    ("amsgrad", HALVES, [4, 0], [1, (1 / 0.75) / 4]),
    # surprises 2 - 1 and 0 - 0.5: s = 0.5, 0.375, so ŝ = 1, 0.5; m̂ = 2, 2/3.
    ("adabelief", HALVES, [2, 0], [2, 2 / 3 / math.sqrt(0.5)]),
    # m = 0.5 after the first: 0.9 * 0.5 - 0.1 * 3 is still positive, then m = -1.25.
    ("lion", {"b1": 0.9, "b2": 0.5}, [1, -3, 1], [1, 1, -1]),
    # 1 - 2^-0.8 = 0.42565: v = 1, then 0.42565 + 0.57435 * 9 = 5.5948; times the parameter, 2.
    ("adafactor", {"clipping_threshold": 10.0}, [1, 3], [2, 2 * 3 / math.sqrt(5.594825)]),
    ("adafactor", {"clipping_threshold": 1.0}, [1, 3], [2, 2]),
    ("adafactor", {"clipping_threshold": 1.0, "parameter_scale": False}, [1, 3], [1, 1]),
    ("muon", HALVES, [1, 3], [1, 7 / 3 / math.sqrt(19 / 3)]),  # one axis: Adam
]


@pytest.mark.parametrize(
    ("name", "options", "grads", "expected"), CASES, ids=lambda c: c if isinstance(c, str) else ""
)
def test_by_hand(name, options, grads, expected):
    """The first updates by each paper's formula; 1e-5: a few float32 products and roots, and
    eps."""
    np.testing.assert_allclose(updates(name, options, grads), expected, rtol=1e-5)


def test_every_optimizer_has_a_case():
    assert {case[0] for case in CASES} | {"lamb"} == set(OPTIMIZERS.names())


def test_lamb_steps_by_the_norm_of_the_array():
    """Adam's update, scaled to the norm of the parameters; 1e-5: float32 norms and eps."""
    # Adam's update is (1, 1), |w| = 5; with decay 1 it is (1 + 3, 1 + 4).
    np.testing.assert_allclose(
        updates("lamb", {"eps": TINY}, [1], (3.0, 4.0)), 5 / math.sqrt(2), rtol=1e-5
    )
    decayed = updates("lamb", {"eps": TINY, "weight_decay": 1.0}, [1], (3.0, 4.0))
    np.testing.assert_allclose(decayed, np.array([4, 5]) * 5 / math.sqrt(41), rtol=1e-5)
    np.testing.assert_allclose(updates("lamb", {"eps": TINY}, [1], (0.0, 0.0)), 1, rtol=1e-5)


def test_lamb_moves_a_bias_as_adam_does():
    """By 1 a step along a gradient that stays 2, from 0: not by its own norm, which was 0."""
    chain = OPTIMIZERS.get("lamb").build(eps=TINY)
    params = {"bias": jnp.zeros(2), "scale": jnp.full(2, 5.0), "embedding": jnp.full((1, 4), 2.0)}
    state, moved = chain.init(params), params
    for _ in range(3):
        step, state = chain.update(
            jax.tree.map(lambda p: jnp.full_like(p, 2.0), params), state, moved
        )
        moved = optax.apply_updates(moved, step)
    np.testing.assert_allclose(moved["bias"], 3, rtol=1e-5)
    np.testing.assert_allclose(moved["scale"], 8, rtol=1e-5)
    np.testing.assert_allclose(
        moved["embedding"], 2 * 2**3, rtol=1e-5
    )  # |w| = 4 and |d| = 2: doubled each time


def test_radam_rectifies_once_the_variance_is_tractable():
    """The rectification r(t) in float64; 1e-5: float32 loses a digit in 1 - b2**t."""
    # A constant gradient: m̂ = v̂ = 1, so the update is r itself.
    rho_inf = 2 / (1 - 0.9) - 1
    rho = [rho_inf - 2 * t * 0.9**t / (1 - 0.9**t) for t in range(1, 9)]
    r = [
        (
            math.sqrt((p - 4) * (p - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * p))
            if p >= 5
            else 1
        )
        for p in rho
    ]
    assert {value == 1 for value in r} == {True, False}
    np.testing.assert_allclose(updates("radam", {"b2": 0.9}, [1] * 8), r, rtol=1e-5)


def test_adafactor_factors_matrices_of_rank_one_exactly():
    """A factored second moment of rank one loses nothing; 1e-5: float32 means and roots."""
    grad = np.outer([1.0, 2.0], [1.0, 3.0])
    ones = {"parameter_scale": False, "clipping_threshold": 10.0}
    for smallest in (2, 128):
        got = updates(
            "adafactor", ones | {"min_dim_size_to_factor": smallest}, [grad, grad], np.ones((2, 2))
        )
        np.testing.assert_allclose(got, 1, rtol=1e-5)


@pytest.mark.parametrize("shape", [(2, 8), (2, 2, 3, 4)])
def test_muon_is_newton_schulz_on_the_singular_values(shape):
    """Each singular value goes through the polynomial; 2e-5: five rounds of it in float32."""
    matrix = np.random.default_rng(0).normal(size=(math.prod(shape[:-1]), shape[-1]))
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    s = s / np.linalg.norm(s)
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    expected = (u * s) @ v * math.sqrt(max(1, matrix.shape[1] / matrix.shape[0]))
    got = updates("muon", {}, [matrix.reshape(shape)], np.zeros(shape))
    np.testing.assert_allclose(got, expected.ravel(), rtol=2e-5, atol=1e-5)


def test_nesterov_takes_the_gradient_after_the_step():
    """The look-ahead points of the textbook form; 1e-5: five float32 steps beside float64."""
    # The textbook form keeps the point before the step: v = mu v - lr g(w + mu v), w = w + v.
    mu, rate, w, v, look_ahead = 0.9, 0.1, 1.0, 0.0, [1.0]
    for _ in range(5):
        v = mu * v - rate * math.sin(w + mu * v)
        w += v
        look_ahead.append(w + mu * v)
    chain = OPTIMIZERS.get("sgd").build(momentum=mu, nesterov=True)
    x = jnp.float32(1.0)
    state, seen = chain.init(x), [x]
    for _ in range(5):
        update, state = chain.update(jnp.sin(x), state)
        x = x - rate * update
        seen.append(x)
    np.testing.assert_allclose(seen, look_ahead, rtol=1e-5)


def test_sam_ascends_along_the_gradient():
    """w + rho·g/‖g‖ with norm 5 by hand; 1e-6 is eight roundings of float32."""
    params = {"kernel": jnp.array([1.0, 1.0]), "bias": jnp.array([1.0])}
    grads = {"kernel": jnp.array([0.0, 3.0]), "bias": jnp.array([4.0])}
    point = sam.perturb(params, grads, rho=0.5, momentum=0.9)
    np.testing.assert_allclose(point["kernel"], [1.0, 1.3], rtol=1e-6)
    np.testing.assert_allclose(point["bias"], [1.4], rtol=1e-6)
    still = sam.perturb(params, {"kernel": jnp.zeros(2), "bias": jnp.zeros(1)}, rho=0.5)
    np.testing.assert_array_equal(still["kernel"], params["kernel"])


def test_decay_is_on_kernels_only():
    """With no gradient only kernels move, by decay·w; 1e-6 is eight roundings of float32."""
    params = {
        "Dense_0": {"kernel": jnp.ones(2), "bias": jnp.ones(2)},
        "LayerNorm_0": {"scale": jnp.ones(2)},
    }
    zeros = {
        "Dense_0": {"kernel": jnp.zeros(2), "bias": jnp.zeros(2)},
        "LayerNorm_0": {"scale": jnp.zeros(2)},
    }
    for name in ("adamw", "chain(add_decayed_weights(0.01))"):
        chain = OPTIMIZERS.get(name).build()
        got, _ = chain.update(zeros, chain.init(params), params)
        np.testing.assert_allclose(got["Dense_0"]["kernel"], 0.01, rtol=1e-6)
        np.testing.assert_array_equal(got["Dense_0"]["bias"], 0)
        np.testing.assert_array_equal(got["LayerNorm_0"]["scale"], 0)
