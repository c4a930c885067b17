"""The targets slot against hand-worked batches and scipy's Beta distribution."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from research.regularization import targets

from . import cases

EYE = jnp.eye(4)


def test_label_smoothing_by_hand() -> None:
    x, y = jnp.ones((2, 3)), jnp.array([[0.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])
    same_x, smooth = targets.label_smoothing(0.2)(x, y, cases.KEY)
    np.testing.assert_allclose(smooth, [[0.05, 0.85, 0.05, 0.05], [0.45, 0.45, 0.05, 0.05]], rtol=1e-6)
    np.testing.assert_array_equal(same_x, x)


def test_mixup_mixes_inputs_and_targets_alike() -> None:
    """With the batch's own identity as inputs and targets, rows are λ at the diagonal and 1 - λ at the partner."""
    x, y = targets.mixup(0.4)(EYE, EYE, cases.KEY)
    np.testing.assert_array_equal(x, y)
    weights = np.asarray(y)
    np.testing.assert_allclose(weights.sum(0), 1, rtol=1e-6)  # partners are a permutation
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
    share = np.diag(weights)[np.diag(weights) < 1]
    np.testing.assert_array_equal(share, share[0])  # one λ


def test_mixup_takes_a_regression() -> None:
    x, y = cases.array(6, 3), cases.array(6, 1)
    mixed_x, mixed_y = targets.mixup(1.0)(x, y, cases.KEY)
    weight, partner = targets._weight(cases.KEY, 1.0), targets._partners(cases.KEY, 6)
    np.testing.assert_allclose(mixed_y, weight * y + (1 - weight) * y[partner], rtol=1e-6)
    np.testing.assert_allclose(mixed_x, weight * x + (1 - weight) * x[partner], rtol=1e-6)


def test_mixing_weights_follow_the_beta_distribution() -> None:
    keys = jax.vmap(lambda i: jax.random.fold_in(cases.KEY, i))(jnp.arange(2000))
    alphas = [0.2, 1.0, 4.0]
    draw = jax.jit(jax.vmap(jax.vmap(targets._weight, (0, None)), (None, 0)))
    for alpha, weights in zip(alphas, np.asarray(draw(keys, jnp.array(alphas)), np.float64), strict=True):
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
    # λ is uniform: the box has 1/2 of the area on average, less what the border and whole pixels take.
    assert 0.2 < np.mean(pasted) < 0.45
