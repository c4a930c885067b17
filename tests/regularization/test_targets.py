"""The targets slot against hand-worked batches and scipy's Beta distribution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from research.registry import Regularizer
from research.regularization import targets
from tests.regularization import cases

EYE = jnp.eye(4)


def test_label_smoothing_by_hand() -> None:
    """(1 - s)·y + s/K by hand; 1e-6 is eight roundings of float32. Inputs stay exactly."""
    x, y = jnp.ones((2, 3)), jnp.array([[0.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])
    same_x, smooth = targets.label_smoothing(0.2)(x, y, cases.KEY)
    np.testing.assert_allclose(
        smooth, [[0.05, 0.85, 0.05, 0.05], [0.45, 0.45, 0.05, 0.05]], rtol=1e-6
    )
    np.testing.assert_array_equal(same_x, x)


def test_mixup_mixes_inputs_and_targets_alike() -> None:
    """With the batch's own identity as inputs and targets, rows are λ at the diagonal and 1 - λ at
    the partner."""
    x, y = targets.mixup(0.4)(EYE, EYE, cases.KEY)
    np.testing.assert_array_equal(x, y)
    weights = np.asarray(y)
    np.testing.assert_allclose(weights.sum(0), 1, rtol=1e-6)  # partners are a permutation
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
    share = np.diag(weights)[np.diag(weights) < 1]
    np.testing.assert_array_equal(share, share[0])  # one λ


def test_mixup_takes_a_regression() -> None:
    """Inputs and targets are mixed with one weight and partner; 1e-6: two products and a sum."""
    x, y = cases.array(6, 3), cases.array(6, 1)
    mixed_x, mixed_y = targets.mixup(1.0)(x, y, cases.KEY)
    weight, partner = targets._weight(cases.KEY, 1.0), targets._partners(cases.KEY, 6)
    np.testing.assert_allclose(mixed_y, weight * y + (1 - weight) * y[partner], rtol=1e-6)
    np.testing.assert_allclose(mixed_x, weight * x + (1 - weight) * x[partner], rtol=1e-6)


@pytest.mark.parametrize(
    "entry", [e for e in cases.ENTRIES if e.slot == "targets"], ids=lambda entry: entry.name
)
def test_who_does_not_mix_sees_one_example_alone(entry: Regularizer) -> None:
    """Those get a device's share of the batch: no row may depend on the others. Those that mix say
    so."""
    x, y = cases.inputs(entry)
    other_x, other_y = x.at[1:].add(1.0), y.at[1:].set(y[::-1][1:])
    keys = [jax.random.fold_in(cases.KEY, seed) for seed in range(20)]

    def first_rows(x: jax.Array, y: jax.Array) -> list[np.ndarray]:
        pairs = [cases.run(entry, cases.filled(entry), (x, y), key) for key in keys]
        return [np.asarray(leaf[0]) for pair in pairs for leaf in pair]

    pairs = zip(first_rows(x, y), first_rows(other_x, other_y), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs) == (not entry.mixes_examples)


@pytest.mark.parametrize("mix", [targets.mixup(1.0), targets.cutmix(1.0)], ids=["mixup", "cutmix"])
def test_padding_is_nobodys_partner(mix: targets.Mix) -> None:
    """A row whose partner would be padding is its own; the other rows mix as they would without
    any."""
    x = jnp.broadcast_to(EYE[:, None, None, :], (4, 6, 5, 4))
    real = jnp.array([True, True, True, False])
    for seed in range(20):
        key = jax.random.fold_in(cases.KEY, seed)
        partner = np.asarray(targets._partners(key, 4))
        (x_all, y_all), (x_real, y_real) = mix(x, EYE, key), mix(x, EYE, key, real)
        assert not np.asarray(x_real)[:3, ..., 3].any()
        assert not np.asarray(y_real)[:3, 3].any()
        for row in range(3):
            alone = partner[row] == 3
            np.testing.assert_allclose(y_real[row], EYE[row] if alone else y_all[row], atol=1e-6)
            np.testing.assert_allclose(x_real[row], x[row] if alone else x_all[row], atol=1e-6)


def test_mixing_weights_follow_the_beta_distribution() -> None:
    keys = jax.vmap(lambda i: jax.random.fold_in(cases.KEY, i))(jnp.arange(2000))
    alphas = [0.2, 1.0, 4.0]
    draw = jax.jit(jax.vmap(jax.vmap(targets._weight, (0, None)), (None, 0)))
    for alpha, weights in zip(
        alphas, np.asarray(draw(keys, jnp.array(alphas)), np.float64), strict=True
    ):
        assert scipy.stats.kstest(weights, scipy.stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_cutmix_mixes_targets_by_the_pasted_area() -> None:
    """Image i is filled with i, so each pixel tells where it comes from."""
    x = jnp.broadcast_to(jnp.arange(4.0)[:, None, None, None], (4, 6, 5, 2))
    pasted = []
    for seed in range(60):
        mixed, y = targets.cutmix(1.0)(x, EYE, jax.random.fold_in(cases.KEY, seed))
        share = (np.asarray(mixed)[..., None] == np.arange(4)).mean((1, 2, 3))
        np.testing.assert_allclose(y, share, atol=1e-6)
        foreign = np.asarray(mixed[..., 0]) != np.arange(4)[:, None, None]
        for image in foreign[foreign.any((1, 2))]:
            rows, columns = image.any(1), image.any(0)
            np.testing.assert_array_equal(image, rows[:, None] & columns[None, :])  # one box
            assert np.ptp(np.flatnonzero(rows)) + 1 == rows.sum()
            assert np.ptp(np.flatnonzero(columns)) + 1 == columns.sum()
        pasted.append(foreign.any(0).mean())
    # λ is uniform: the box has 1/2 of the area on average, less what the border and whole pixels
    # take.
    assert 0.2 < np.mean(pasted) < 0.45
