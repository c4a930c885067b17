"""Clusterers: estimators without labels. They score a row by the cluster that it is in."""

import dataclasses
from typing import Annotated, Any

import numpy as np

from research.baselines.scikit_learn import flat
from research.data.splitters.drawn_rows import training_rows
from research.errors import UserError
from research.options import PositiveWhole

# The cluster of a row that is in none.
NOISE = -1
# A float, so that lanes of one program may differ in it.
Clusters = Annotated[PositiveWhole, "number of clusters"]


def cluster_scores(labels: np.ndarray, x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """The scores of a clustering, float64 [M, 2]: each row's cluster, and its squared distance to
    the centre of that; 0 of a row in no cluster.

    Args:
        labels: the clusters, int [M].
        x: rows, [M, D].
        centers: [K, D].

    Example:
        >>> cluster_scores(np.array([0, NOISE]), np.array([[3.0], [9.0]]), np.array([[1.0]]))
        array([[ 0.,  4.],
               [-1.,  0.]])
    """
    squared = np.zeros(len(x))
    inside = labels != NOISE
    squared[inside] = ((x[inside] - centers[labels[inside]]) ** 2).sum(axis=1)
    return np.stack([labels.astype(np.float64), squared], axis=1)


def centers_of(x: np.ndarray, labels: np.ndarray, clusters: int) -> np.ndarray:
    """The mean of each cluster's rows, float64 [K, D]; NaN of an empty one.

    Args:
        x: rows, [N, D].
        labels: their clusters, int [N].
        clusters: K.
    """
    # Rows are added in their order: a matrix product may add them in another one per machine.
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(clusters + 1))
    means = np.full((clusters, x.shape[1]), np.nan)
    for cluster in range(clusters):
        rows = x[order[ends[cluster] : ends[cluster + 1]]]
        if len(rows):
            means[cluster] = np.add.reduce(rows, axis=0) / len(rows)
    return means


@dataclasses.dataclass(frozen=True)
class Centroids:
    """A clustering by the nearest centre, as a function [M, ...] -> scores [M, 2].

    centers: [K, D]. iterations: of the fit. notes: what it warned of.
    """

    centers: np.ndarray
    iterations: int = 0
    notes: tuple[str, ...] = ()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The cluster of each row, and its squared distance to the centre."""
        rows = flat(x)
        distances = (self.centers**2).sum(axis=1) - 2 * rows @ self.centers.T
        return cluster_scores(distances.argmin(axis=1), rows, self.centers)


@dataclasses.dataclass(frozen=True)
class ModelClusters:
    """A clustering that predicts new rows, as a function [M, ...] -> scores [M, 2].

    model: an estimator of scikit-learn that was fitted. centers: [K, D]. notes: what it warned of.
    """

    model: Any
    centers: np.ndarray
    notes: tuple[str, ...] = ()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The cluster of each row, and its squared distance to the centre."""
        rows = flat(x)
        return cluster_scores(self.model.predict(rows), rows, self.centers)


@dataclasses.dataclass(frozen=True)
class ClusteredRows:
    """A clustering of the rows that it was fitted to, which says nothing of others.

    arch: its name, for messages. x: the rows, [N, D]. labels: their clusters, int [N]. centers: the
        means of these, [K, D]. tree: of a hierarchy, what scipy calls its linkage, [N - 1, 4].
    """

    arch: str
    x: np.ndarray
    labels: np.ndarray
    centers: np.ndarray
    notes: tuple[str, ...] = ()
    tree: np.ndarray | None = None
    only_training_rows = True

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The scores [M, 2] of rows that are among the training rows.

        Raises:
            UserError: one is not.
        """
        rows = flat(x)
        place = {row.tobytes(): place for place, row in enumerate(self.x)}
        places = [place.get(row.tobytes(), -1) for row in rows]
        if -1 in places:
            raise UserError(
                f"arch={self.arch} cannot assign new rows to its clusters; use --split=train, or"
                " train arch=kmeans or gaussian_mixture"
            )
        return cluster_scores(self.labels[places], rows, self.centers)


def clustered_rows(
    arch: str, x: np.ndarray, labels: np.ndarray, notes: tuple[str, ...]
) -> ClusteredRows:
    """A clustering of training rows, with the means of its clusters.

    Args:
        arch: the estimator's name.
        x: training rows, [N, ...].
        labels: their clusters, int [N]; NOISE for none.
        notes: what the fit warned of.
    """
    rows = flat(x)
    centers = centers_of(rows, labels, int(labels.max(initial=NOISE)) + 1)
    return ClusteredRows(arch, rows, labels, centers, notes)


def enough_rows(config: Any, spec: Any) -> str | None:
    """There are at least as many training rows as clusters."""
    rows = training_rows(config, spec)
    clusters = int(config.arch["n_clusters"])
    if clusters <= rows:
        return None
    return f"arch.n_clusters={clusters} is more than the {rows} training rows; use fewer clusters"
