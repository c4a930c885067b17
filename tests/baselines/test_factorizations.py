"""PCA and NMF as reconstructions, and as a reduction inside the fold."""

import chex
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF, PCA

from research.baselines.estimator import LabelledExamples
from research.baselines.factorizations import NonNegativeFactors, PrincipalComponents
from research.data.reductions import pca
from research.errors import UserError


def examples(x: np.ndarray) -> LabelledExamples:
    return LabelledExamples(x, np.zeros(len(x)))


def test_components_are_the_librarys_and_those_of_the_singular_values() -> None:
    x = np.random.default_rng(0).normal(size=(30, 5)) @ np.diag([5.0, 3.0, 2.0, 1.0, 1.0])
    fitted = PrincipalComponents(outputs=5, code=2)(examples(x), examples(x), 0)
    library = PCA(2, svd_solver="full").fit(x)
    np.testing.assert_array_equal(fitted.code(x), library.transform(x))
    np.testing.assert_array_equal(fitted(x), library.inverse_transform(library.transform(x)))
    _, _, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    products = np.abs((fitted.model.components_ * directions[:2]).sum(axis=1))
    np.testing.assert_allclose(products, 1, rtol=1e-12)  # equal up to their sign


def test_digits_keep_the_stated_variance() -> None:
    """The course's statement: 21 of the 64 components have 90 % of the variance, 40 have 99 %
    almost."""
    x = load_digits().data
    mean, directions = pca(64)(x)
    variances = ((x - mean) @ directions).var(axis=0)
    shares = np.cumsum(variances) / x.var(axis=0).sum()
    np.testing.assert_allclose(shares, np.cumsum(PCA().fit(x).explained_variance_ratio_), rtol=1e-9)
    assert shares[0] == pytest.approx(0.1489, abs=5e-5)
    assert np.searchsorted(shares, 0.9) + 1 == 21
    assert np.searchsorted(shares, 0.95) + 1 == 29
    assert np.searchsorted(shares, 0.99) + 1 == 41


def test_factors_are_the_librarys() -> None:
    x = np.abs(np.random.default_rng(0).normal(size=(20, 4)))
    fitted = NonNegativeFactors(outputs=4, code=2)(examples(x), examples(x), 3)
    library = NMF(2, max_iter=1000, random_state=3).fit(x)
    library.set_params(tol=1e-9)
    np.testing.assert_array_equal(fitted(x), library.inverse_transform(library.transform(x)))
    chex.assert_shape(fitted.code(x - 0.1), (20, 2))  # numbers below 0 are read as 0


def test_factors_refuse_negative_rows() -> None:
    with pytest.raises(UserError, match="not negative, and the least is -1; use --scaling=minmax"):
        NonNegativeFactors(outputs=1, code=1)(examples(np.array([[-1.0]])), examples(np.ones(1)), 0)


def test_a_reduction_is_the_librarys() -> None:
    x = np.random.default_rng(0).normal(size=(30, 5))
    mean, directions = pca(3)(x)
    chex.assert_shape(mean, (5,))
    chex.assert_shape(directions, (5, 3))
    library = PCA(3, svd_solver="full").fit(x)
    np.testing.assert_allclose((x - mean) @ directions, library.transform(x), atol=1e-12)
