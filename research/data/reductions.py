"""Reductions: scaled inputs as fewer numbers, fitted on the training rows only.

An entry's `build(K)` is `fit(x [N, D]) -> (mean [D], directions [D, K])`, in float64: an example
then is (x - mean) @ directions. Its only option is K; that of `none` has no option.
"""

from typing import Annotated, Any

import numpy as np
from threadpoolctl import threadpool_limits

from research.options import Count, options_of
from research.registry import REDUCTIONS, Entry

# Of so many columns or fewer, the eigenvectors of the covariance are exact enough, and take less
# time, where there are ten times as many rows; scikit-learn has the same rule.
MOST_COLUMNS = 1000
ROWS_PER_COLUMN = 10


def principal_components(x: np.ndarray, count: int) -> Any:
    """scikit-learn's PCA of rows, by an exact decomposition: the faster one for many columns is
    random.

    Args:
        x: rows, float64 [N, D].
        count: how many components.
    """
    from sklearn.decomposition import PCA

    rows, columns = x.shape
    covariance = columns <= MOST_COLUMNS and rows >= ROWS_PER_COLUMN * columns
    # Sums by another number of threads round otherwise, and runs repeat their bits.
    with threadpool_limits(1):
        return PCA(count, svd_solver="covariance_eigh" if covariance else "full").fit(x)


def pca(
    components: Annotated[Count, "how many components are left"],
) -> Any:
    """The first principal components: a function of rows [N, D] that returns what is subtracted,
    [D], and what the difference is multiplied by, [D, components].

    Args:
        components: how many.

    Example:
        >>> mean, directions = pca(1)(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]))
        >>> (np.array([[2.0, 4.0]]) - mean) @ directions  # the distance on the line, √5
        array([[2.23606798]])
    """

    def fit(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        model = principal_components(x, components)
        return model.mean_, model.components_.T

    return fit


def none() -> None:
    """All numbers stay.

    Example:
        >>> none() is None
        True
    """


REDUCTIONS.add(Entry("none", none, "all numbers of the inputs"))
REDUCTIONS.add(
    Entry(
        "pca",
        pca,
        "the first principal components of the scaled inputs",
        "Pearson 1901; Hotelling 1933",
        options=options_of(pca),
        test_options={"components": 3},
    )
)
