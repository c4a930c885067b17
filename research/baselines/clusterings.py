"""Clusterings of scikit-learn: mini-batch k-means, Gaussian mixtures, hierarchies, DBSCAN."""

import dataclasses
from typing import Annotated, Literal

import numpy as np

from research.baselines.clusterer import Clusters, ModelClusters, clustered_rows, enough_rows
from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import fit_estimator
from research.options import Count, NonNegative, Positive
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class MiniBatchKMeans:
    """K-means whose centres are updated by a few rows at a time.

    Example:
        >>> x = np.array([[0.0], [1.0], [8.0], [9.0]])
        >>> train = LabelledExamples(x, np.zeros(4))
        >>> predict = MiniBatchKMeans(outputs=2, n_clusters=2)(train, train, seed=0)
        >>> len(set(predict(x)[:, 0]))
        2
    """

    outputs: int
    n_clusters: Clusters = 8.0
    batch_size: Annotated[Count, "rows per update"] = 1024
    n_init: Annotated[Count, "starts; the best is used"] = 1

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor."""
        from sklearn.cluster import MiniBatchKMeans as Library

        estimator = Library(
            int(self.n_clusters), batch_size=self.batch_size, n_init=self.n_init, random_state=seed
        )
        model, notes = fit_estimator(estimator, train)
        return ModelClusters(model, model.cluster_centers_, notes)


@dataclasses.dataclass(frozen=True)
class GaussianMixture:
    """Normal distributions whose weighted sum is the density, fitted by EM; a row belongs to the
    one that most probably made it.

    Example:
        >>> x = np.array([[0.0], [1.0], [8.0], [9.0]])
        >>> train = LabelledExamples(x, np.zeros(4))
        >>> predict = GaussianMixture(outputs=2, n_clusters=2)(train, train, seed=0)
        >>> sorted(predict.centers[:, 0].round(2).tolist())
        [0.5, 8.5]
    """

    outputs: int
    n_clusters: Clusters = 8.0
    covariance_type: Annotated[
        Literal["full", "tied", "diag", "spherical"],
        "full; tied: one for all; diag: independent features; spherical: one variance",
    ] = "full"
    max_iter: Annotated[Count, "largest number of iterations of EM"] = 100
    n_init: Annotated[Count, "starts; the best is used"] = 1
    reg_covar: Annotated[NonNegative, "added to each variance"] = 1e-6

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor."""
        from sklearn.mixture import GaussianMixture as Library

        estimator = Library(
            int(self.n_clusters),
            covariance_type=self.covariance_type,
            max_iter=self.max_iter,
            n_init=self.n_init,
            reg_covar=self.reg_covar,
            random_state=seed,
        )
        model, notes = fit_estimator(estimator, train)
        return ModelClusters(model, model.means_, notes)


@dataclasses.dataclass(frozen=True)
class Agglomerative:
    """A hierarchy from the bottom up: the two nearest clusters are joined until so many are left.

    Example:
        >>> x = np.array([[0.0], [1.0], [8.0], [9.0]])
        >>> train = LabelledExamples(x, np.zeros(4))
        >>> predict = Agglomerative(outputs=2, n_clusters=2)(train, train, seed=0)
        >>> predict.tree[:, 2].round(2).tolist()  # the distances at which clusters were joined
        [1.0, 1.0, 11.31]
    """

    outputs: int
    n_clusters: Clusters = 8.0
    linkage: Annotated[
        Literal["ward", "average", "complete", "single"],
        "distance of two clusters: ward (growth of the squared error), or the mean (average),"
        " largest (complete) or smallest (single) distance of their rows",
    ] = "ward"

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor of the training rows. Nothing is random."""
        from sklearn.cluster import AgglomerativeClustering

        # Distances are computed only for whoever asks, and make the whole tree.
        estimator = AgglomerativeClustering(
            int(self.n_clusters), linkage=self.linkage, compute_distances=True
        )
        model, notes = fit_estimator(estimator, train)
        clustered = clustered_rows("agglomerative", train.x, model.labels_, notes)
        return dataclasses.replace(clustered, tree=linkage_of(model.children_, model.distances_))


@dataclasses.dataclass(frozen=True)
class Dbscan:
    """Clusters are regions of many rows; a row that is far from all of them is noise.

    Example:
        >>> x = np.array([[0.0], [0.2], [0.4], [9.0]])
        >>> train = LabelledExamples(x, np.zeros(4))
        >>> Dbscan(outputs=2, eps=0.5, min_samples=2)(train, train, seed=0)(x)[:, 0].tolist()
        [0.0, 0.0, 0.0, -1.0]
    """

    outputs: int
    eps: Annotated[Positive, "largest distance of two neighbours"] = 0.5
    min_samples: Annotated[Count, "neighbours of a core row, itself included"] = 5

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor of the training rows. Nothing is random."""
        from sklearn.cluster import DBSCAN

        model, notes = fit_estimator(DBSCAN(eps=self.eps, min_samples=self.min_samples), train)
        noise = int((model.labels_ < 0).sum())
        if noise == len(model.labels_):
            notes = (
                *notes,
                f"all {noise} rows are noise; use a larger --arch.eps, or fewer --arch.min_samples",
            )
        return clustered_rows("dbscan", train.x, model.labels_, notes)


def linkage_of(children: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """A hierarchy as scipy's linkage [N - 1, 4]: the two clusters of each join, their distance, and
    the rows of both.

    Args:
        children: the clusters that are joined, [N - 1, 2]; below N they are rows.
        distances: of these, [N - 1].
    """
    rows = len(children) + 1
    sizes = np.ones(2 * rows - 1)
    for step, pair in enumerate(children):
        sizes[rows + step] = sizes[pair].sum()
    return np.column_stack([children, distances, sizes[rows:]]).astype(np.float64)


ARCHITECTURES.add(
    HostEstimator(
        "minibatch_kmeans",
        MiniBatchKMeans,
        "k-means whose centres are updated by a few rows at a time",
        "Sculley 2010, Web-scale k-means clustering",
        tasks=("clustering",),
        constraints=(enough_rows,),
        test_options={"n_clusters": 3},
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "gaussian_mixture",
        GaussianMixture,
        "normal distributions, one per cluster, fitted by EM",
        "Dempster, Laird & Rubin 1977",
        tasks=("clustering",),
        constraints=(enough_rows,),
        test_options={"n_clusters": 3, "covariance_type": "diag"},
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "agglomerative",
        Agglomerative,
        "the nearest clusters are joined until n_clusters are left",
        "Ward 1963",
        tasks=("clustering",),
        constraints=(enough_rows,),
        test_options={"n_clusters": 3},
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "dbscan",
        Dbscan,
        "dense regions are clusters, all else is noise",
        "Ester et al. 1996",
        tasks=("clustering",),
        test_options={"eps": 3.0, "min_samples": 3},
    )
)
