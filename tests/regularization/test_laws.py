"""Laws of every member of the registry; a new member is covered by being registered."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.options import REQUIRED
from research.registry import SLOTS, Regularizer
from tests.regularization import cases
from tests.regularization.cases import (
    ENTRIES,
    KEY,
    assert_same_bits,
    filled,
    lanes,
    numeric,
    run,
    static,
)

NEUTRAL = [entry for entry in ENTRIES if entry.neutral is not None]
NUMERIC = [entry for entry in ENTRIES if any(option.numeric for option in entry.options)]


def named(entries: list[Regularizer]) -> Any:
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def of(slot: str, *sites: str) -> list[Regularizer]:
    return [e for e in ENTRIES if e.slot == slot and (not sites or e.site in sites)]


@named(ENTRIES)
def test_an_entry_is_complete(entry: Regularizer) -> None:
    assert entry.paper
    assert entry.summary.endswith(".")
    assert len(entry.summary) <= 120
    for option in entry.options:
        assert option.help
        assert option.default is not REQUIRED or option.name in entry.test_options
        assert not option.numeric or option.default is REQUIRED or isinstance(option.default, float)
    for name, value in entry.test_options.items():
        given = entry.option(name)
        assert given is not None
        assert given.parse(str(value), name) == value
    for name, value in (entry.neutral or {}).items():
        given = entry.option(name)
        assert given is not None
        assert given.numeric
        assert isinstance(value, float)


def test_every_slot_has_a_member() -> None:
    assert {entry.slot for entry in ENTRIES} == set(SLOTS)


@named(NEUTRAL)
def test_neutral_value_returns_the_input_bitwise(entry: Regularizer) -> None:
    x = cases.inputs(entry)
    settings = filled(entry, **(entry.neutral or {}))
    assert_same_bits(jax.tree.map(lambda leaf: leaf[1], lanes(entry, [settings] * 3, x)), x)


@named(NEUTRAL)
def test_neutral_lane_beside_an_active_one(entry: Regularizer) -> None:
    x = cases.inputs(entry)
    result = lanes(entry, [filled(entry), filled(entry, **(entry.neutral or {})), filled(entry)], x)
    assert_same_bits(jax.tree.map(lambda leaf: leaf[1], result), x)
    active = jax.tree.map(lambda leaf: leaf[0], result)
    assert any((a != b).any() for a, b in zip(cases.bits(active), cases.bits(x), strict=True)), (
        "tiny does nothing"
    )


@named([entry for entry in NEUTRAL if entry.slot in ("data", "parameters", "activations")])
def test_neutral_value_returns_the_gradient_bitwise(entry: Regularizer) -> None:
    x = cases.inputs(entry)
    cotangent = (
        cases.array(*x.shape, seed=3).at[0].set(1.5)
    )  # a sum of cotangents would lose the sign of -0.0

    def gradient(values: dict[str, Any]) -> jax.Array:
        options = {**static(entry, filled(entry)), **values}
        return jax.vjp(lambda x: run(entry, options, x), x)[1](cotangent)[0]

    values = numeric(entry, filled(entry, **(entry.neutral or {})))
    got = jax.jit(gradient)(jax.tree.map(jnp.float32, values))
    np.testing.assert_array_equal(got, cotangent)


@named(NUMERIC)
def test_a_lane_is_what_it_is_alone(entry: Regularizer) -> None:
    """Bitwise the same at whatever neighbours and place; to rounding the same as alone.

    Another width may fuse and sum in another order: some units in the last place of float32, which
    are 1.2e-7 of a value of size 1.
    """
    x = cases.inputs(entry)
    tiny = filled(entry)
    halved = {**tiny, **{name: value / 2 for name, value in numeric(entry, tiny).items()}}
    together, neighbours = (
        lanes(entry, [tiny, halved, tiny], x),
        lanes(entry, [halved, tiny, halved], x),
    )
    alone = jax.tree.map(lambda leaf: leaf[0], lanes(entry, [tiny], x))
    for place in (0, 2):
        lane = jax.tree.map(lambda leaf, place=place: leaf[place], together)
        assert_same_bits(lane, jax.tree.map(lambda leaf: leaf[1], neighbours))
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=5e-7), lane, alone
        )


@named(
    [entry for entry in ENTRIES if entry.slot in ("data", "targets", "parameters", "activations")]
)
def test_half_precision_stays_half(entry: Regularizer) -> None:
    x = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), cases.inputs(entry))
    fixed, values = static(entry, filled(entry)), numeric(entry, filled(entry))
    strong = jax.tree.map(jnp.float32, values)
    result = jax.eval_shape(lambda values, x: run(entry, {**fixed, **values}, x), strong, x)
    assert {leaf.dtype for leaf in jax.tree.leaves(result)} == {jnp.dtype(jnp.bfloat16)}


@named(of("data"))
def test_data_in_evaluation(entry: Regularizer) -> None:
    x = cases.inputs(entry)
    result = entry.build(**filled(entry))(x, None, False)
    if entry.name == "crop":
        assert_same_bits(result, x[1:5, 1:4])
    else:
        assert_same_bits(result, x)


# Noise and dropping
# -----------------------------------------------------------------------------------

DEPTH = 0.5
DRAWS = 40_000

# The variance of an entry of value x. The mean is x in every case: noise has mean zero, dropping is
# unbiased.
VARIANCES: dict[str, Callable[..., Any]] = {
    "input_noise": lambda x, sd: sd**2,
    "activation_noise": lambda x, sd: sd**2,
    "weight_noise": lambda x, sd: sd**2,
    "gradient_noise": lambda x, eta, gamma: eta,
    "dropout": lambda x, rate: x**2 * rate / (1 - rate),
    "input_dropout": lambda x, rate: x**2 * rate / (1 - rate),
    "residual_dropout": lambda x, rate: x**2 * rate / (1 - rate),
    "attention_dropout": lambda x, rate: x**2 * rate / (1 - rate),
    "gaussian_dropout": lambda x, rate: x**2 * rate / (1 - rate),
    "variational_dropout": lambda x, rate: x**2 * rate / (1 - rate),
    "dropconnect": lambda x, rate: x**2 * rate / (1 - rate),
    "stochastic_depth": lambda x, rate: x**2 * rate * DEPTH / (1 - rate * DEPTH),
}
# Random, but neither: it keeps the moments of units, not each unit's mean.
KEEPS_MOMENTS = {"alpha_dropout"}
# Random, but no noise: they move, cut, mix or colour their inputs.
GEOMETRY = {
    "shift",
    "crop",
    "flip",
    "cutout",
    "mixup",
    "cutmix",
    "rotation",
    "scale",
    "colour",
    "random_erasing",
}


def draws_bits(entry: Regularizer) -> bool:
    x = cases.inputs(entry)
    return "random_bits" in str(jax.make_jaxpr(lambda key: run(entry, filled(entry), x, key))(KEY))


def test_every_random_member_is_accounted_for() -> None:
    random = {
        entry.name for entry in ENTRIES if entry.slot != "normalization" and draws_bits(entry)
    }
    assert random == set(VARIANCES) | GEOMETRY | KEEPS_MOMENTS


@named([entry for entry in ENTRIES if entry.name in VARIANCES])
def test_noise_has_mean_and_variance_as_stated(entry: Regularizer) -> None:
    """Over 40 000 draws the mean lies within 5 standard errors and the variance within 5 of its
    own."""
    options = filled(entry)
    x = {"update": {"a": jnp.array([1.5, -0.5])}}.get(entry.slot, jnp.array([1.5, -0.5]))
    draw = {
        "data": lambda built, key: built(x, key, True),
        "update": lambda built, key: built.update(x, built.init(x), x, key=key)[0]["a"],
        "activations": lambda built, key: (
            built(x, key, DEPTH) if entry.site == "branch" else built(x, key)
        ),
    }.get(entry.slot, lambda built, key: built(x, key))
    built = entry.build(**options)
    keys = jax.vmap(lambda i: jax.random.fold_in(KEY, i))(jnp.arange(DRAWS))
    draws = np.asarray(jax.jit(jax.vmap(lambda key: draw(built, key)))(keys), np.float64)
    values = np.array([1.5, -0.5])
    variance = np.broadcast_to(VARIANCES[entry.name](values, **options), (2,))
    np.testing.assert_array_less(abs(draws.mean(0) - values), 5 * np.sqrt(variance / DRAWS))
    fourth = ((draws - draws.mean(0)) ** 4).mean(0)
    error = np.sqrt((fourth - variance**2) / DRAWS)  # of the sample variance
    np.testing.assert_array_less(abs(draws.var(0) - variance), 5 * error + 1e-12)
    np.testing.assert_array_less(5 * error, 0.1 * variance)  # the bound is one that can fail
    if entry.name != "stochastic_depth":
        assert abs(np.asarray(np.corrcoef(draws.T))[0, 1]) < 5 / np.sqrt(
            DRAWS
        )  # entries are independent


# Mixing
# -----------------------------------------------------------------------------------------------


@named(of("targets"))
def test_targets_stay_distributions(entry: Regularizer) -> None:
    """Mixed classes are not negative and sum to 1, to the rounding of a few float32 sums."""
    x, y = cases.inputs(entry)
    for seed in range(20):
        mixed_x, mixed_y = run(entry, filled(entry), (x, y), jax.random.fold_in(KEY, seed))
        assert mixed_x.shape == x.shape
        assert mixed_y.shape == y.shape
        assert (mixed_y >= 0).all()
        np.testing.assert_allclose(mixed_y.sum(1), 1, rtol=1e-6)


# Penalties
# --------------------------------------------------------------------------------------------


@named(of("loss"))
def test_a_penalty_has_the_gradient_of_its_finite_differences(entry: Regularizer) -> None:
    """Central differences in float64; every weight is farther from l1's kink than the difference's
    step.

    With a step of 1e-6 they err by about 1e-12 (the cut-off) and 1e-10 (rounding, 1e-16 / 1e-6).
    """
    with jax.enable_x64(True):
        w = jnp.asarray(
            np.random.default_rng(1).choice([-1, 1], (4, 3)) * np.linspace(0.1, 2, 12).reshape(4, 3)
        )
        directions = jnp.eye(12, dtype=jnp.float64).reshape(12, 4, 3) * 1e-6
        choices: list[dict[str, Any]] = [{}] + [
            {o.name: c} for o in entry.options for c in o.choices
        ]
        for choice in choices:
            penalty = entry.build(**filled(entry, **choice))
            differences = [(penalty(w + d) - penalty(w - d)) / 2e-6 for d in directions]
            np.testing.assert_allclose(jax.grad(penalty)(w).ravel(), differences, rtol=1e-7)
            assert penalty(w).dtype == jnp.float64
            assert penalty(w).shape == ()
            assert penalty(w) > 0


# Projections
# ------------------------------------------------------------------------------------------


@named(of("projection", "norm"))
def test_a_projection_is_idempotent_and_inside_its_bound(entry: Regularizer) -> None:
    """Twice is once, the norm is at most the bound, and the direction stays.

    A norm in float32 is a root of a sum and a quotient: a few units in the last place (1.2e-7).
    """
    for shape in ((5, 3), (3, 3, 2, 4), (1, 3)):
        w = 3 * cases.array(*shape)
        project = entry.build(**filled(entry))
        once = project(w, jnp.float32(0.1))
        norms = np.sqrt(np.square(np.asarray(once, np.float64)).sum(tuple(range(w.ndim - 1))))
        before = np.sqrt(np.square(np.asarray(w, np.float64)).sum(tuple(range(w.ndim - 1))))
        bound = entry.test_options.get("bound", 1.0)
        assert (norms <= bound * (1 + 1e-6)).all()
        np.testing.assert_allclose(project(once, jnp.float32(0.1)), once, rtol=3e-7)
        cosine = (np.asarray(once, np.float64) * w).sum(tuple(range(w.ndim - 1)))
        np.testing.assert_allclose(cosine, norms * before, rtol=1e-6)  # the direction stays
        assert np.isfinite(once).all()


@named(of("projection", "proximal"))
def test_a_proximal_step_contracts(entry: Regularizer) -> None:
    """A proximal map is firmly nonexpansive: ‖p(a) - p(b)‖² <= <p(a) - p(b), a - b>.

    1e-6 is the rounding of a float32 sum of 15 products of size 1.
    """
    project = entry.build(**filled(entry))
    for seed in range(5):
        a, b = cases.array(5, 3, seed=seed), cases.array(5, 3, seed=seed + 100)
        moved = project(a, jnp.float32(0.4)) - project(b, jnp.float32(0.4))
        assert jnp.sum(moved**2) <= jnp.sum(moved * (a - b)) + 1e-6


# Normalizations
# ---------------------------------------------------------------------------------------


@named(of("normalization"))
def test_normalizations_are_lane_safe_and_keep_shape(entry: Regularizer) -> None:
    """The shape stays, and the second moment is 1 at scale 1 and bias 0.

    It is less than 1 by the epsilon beside the variance, which 1e-3 covers.
    """
    x = cases.inputs(entry)
    y, _ = run(entry, filled(entry), x)
    assert y.shape == x.shape
    np.testing.assert_allclose(jnp.mean(jnp.square(y)), 1, rtol=1e-3)
    # Channels last and places anywhere: two-dimensional inputs are one place.
    flat, _ = run(entry, filled(entry), cases.array(4, 6))
    assert flat.shape == (4, 6)
