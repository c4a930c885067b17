"""Designs and effects: published fractions, effects worked out by hand, Shapley's axioms."""

import itertools
import math

import numpy as np
import pytest

from research.statistics import factorial

# 2^k: no confounding of interactions; heads of the tables in Box, Hunter & Hunter (table 6.22).
SMALLEST = {
    (3, 3): 4, (5, 3): 8, (6, 3): 8, (7, 3): 8,
    (4, 4): 8, (5, 4): 16, (6, 4): 16, (7, 4): 16, (8, 4): 16, (9, 4): 32,
    (5, 5): 16, (6, 5): 32, (8, 5): 64,
}  # fmt: skip


@pytest.mark.parametrize(("count", "resolution"), SMALLEST)
def test_fractions_have_the_published_sizes(count: int, resolution: int) -> None:
    on = factorial.fraction(count, resolution)
    assert on.shape == (SMALLEST[count, resolution], count)
    assert not on[0].any()
    assert len(np.unique(on, axis=0)) == len(on)
    signs = np.where(on, 1, -1)
    # Resolution R: no product of fewer than R columns is constant.
    for size in range(1, resolution):
        for chosen in itertools.combinations(range(count), size):
            assert abs(signs[:, list(chosen)].prod(1).sum()) < len(on)


def test_effects_of_a_two_by_two_by_hand() -> None:
    """Main effects and interaction by hand; whole numbers and halves are exact."""
    # nothing 10, b 13, a 14, both 25: a gains 4 alone and 12 with b.
    model = factorial.effects(factorial.full(2))
    assert model.terms == ((0,), (1,), (0, 1))
    np.testing.assert_allclose(model.contrasts @ [10, 13, 14, 25], [8, 7, 8])


def test_confounded_interactions_are_named_with_their_sign() -> None:
    on = factorial.fraction(4, 4)  # d = abc, so ab = cd
    model = factorial.effects(on)
    assert model.terms == ((0,), (1,), (2,), (3,), (0, 1), (0, 2), (0, 3))
    assert model.aliases[4] == ((1, (2, 3)),)
    truth = np.where(on, 1.0, 0.0) @ [1.0, 2.0, 3.0, 4.0] + 5 * (on[:, 2] & on[:, 3])
    estimates = dict(zip(model.terms, model.contrasts @ truth, strict=True))
    assert math.isclose(estimates[0,], 1.0)
    assert math.isclose(estimates[3,], 4 + 2.5)
    assert math.isclose(estimates[0, 1], 5.0)


def test_shapley_values_by_hand_and_their_sum() -> None:
    """The glove game's values, which add up to the worth of all, within float64 rounding."""
    # A glove game: a left glove (0) and two right ones (1, 2) are worth 1 as a pair.
    on = factorial.full(3)
    worth = (on[:, 0] & (on[:, 1] | on[:, 2])).astype(float)
    values = factorial.shapley(on) @ worth
    np.testing.assert_allclose(values, [4 / 6, 1 / 6, 1 / 6])
    assert math.isclose(values.sum(), worth[-1] - worth[0])


def test_all_orders_give_the_exact_shapley_values() -> None:
    """The mean over all 24 orders is the formula of subsets, within float64 rounding."""
    on = factorial.full(4)
    orders = [list(order) for order in itertools.permutations(range(4))]
    np.testing.assert_allclose(
        factorial.shapley_of_orders(on, orders), factorial.shapley(on), atol=1e-12
    )


def test_drawn_orders_estimate_without_bias() -> None:
    """The mean over 400 draws within four standard errors; each draw adds up to the worth of all
    within float64 rounding."""
    on = factorial.full(5)
    worth = np.random.default_rng(0).normal(size=len(on))
    truth = factorial.shapley(on) @ worth
    draws = np.array(
        [
            factorial.shapley_of_orders(on, factorial.draw_orders(5, 4, seed)) @ worth
            for seed in range(400)
        ]
    )
    error = draws.std(0, ddof=1) / math.sqrt(len(draws))
    assert (abs(draws.mean(0) - truth) < 4 * error).all()
    np.testing.assert_allclose(draws.sum(1), worth[-1] - worth[0])
