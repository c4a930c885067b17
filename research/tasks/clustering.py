"""Clustering: groups of rows without labels; inertia, silhouette, Calinski-Harabasz,
Davies-Bouldin."""

import dataclasses
from typing import Any

import jax
import numpy as np

from research.data.features.rows_themselves import RowsThemselves
from research.data.spec import DataSpec
from research.registry import TASKS, Task
from research.tasks.classification import decode, encode
from research.tasks.problem import Problem
from research.tasks.unlabelled import check_examples

# Silhouettes need the distance of every two rows; of more rows they are those of a sample.
MOST_ROWS = 10_000
SAMPLE_SEED = 0


def example_metrics(scores: jax.Array, y: Any) -> dict[str, jax.Array]:
    """The squared distance of each row to its cluster's centre, [B].

    Args:
        scores: each row's cluster and squared distance, [B, 2].
        y: not read.
    """
    return {"distortion": scores[:, 1]}


def summary(scores: np.ndarray, y: Any) -> dict[str, float]:
    """The metrics of a split. Those of shapes are NaN unless there are two clusters, and a row
    beside another; rows in no cluster count in `noise` alone.

    Args:
        scores: each row's cluster, -1 for none, and its squared distance to the centre, [N, 2].
        y: `{"inputs": [N, D]}`.

    Example:
        >>> scores = np.array([[0, 1.0], [0, 1.0], [1, 1.0], [1, 1.0]])
        >>> metrics = summary(scores, {"inputs": np.array([[0.0], [2.0], [10.0], [12.0]])})
        >>> round(metrics["silhouette"], 3), metrics["inertia"], metrics["davies_bouldin"]
        (0.798, 4.0, 0.2)
    """
    from sklearn import metrics

    labels = scores[:, 0].astype(int)
    inside = labels >= 0
    x = np.asarray(y["inputs"], np.float64)[inside]
    squared = scores[inside, 1].astype(np.float64)
    shapes = dict.fromkeys(("silhouette", "calinski_harabasz", "davies_bouldin"), float("nan"))
    if 1 < len(np.unique(labels[inside])) < len(x):
        of_rows = x, labels[inside]
        shapes = {
            "silhouette": _silhouette(*of_rows),
            "calinski_harabasz": metrics.calinski_harabasz_score(*of_rows),
            "davies_bouldin": metrics.davies_bouldin_score(*of_rows),
        }
    values = {
        "silhouette": shapes["silhouette"],
        "inertia": squared.sum(),
        "distortion": squared.sum() / len(scores),
        "calinski_harabasz": shapes["calinski_harabasz"],
        "davies_bouldin": shapes["davies_bouldin"],
        "noise": 1 - inside.mean(),
    }
    return {name: float(value) for name, value in values.items()}


def _silhouette(x: np.ndarray, labels: np.ndarray) -> float:
    """The mean silhouette of rows [N, D], or of a sample where there are many."""
    from sklearn.metrics import silhouette_score

    if len(x) > MOST_ROWS:
        rows = np.random.default_rng(SAMPLE_SEED).choice(len(x), MOST_ROWS, replace=False)
        x, labels = x[rows], labels[rows]
        if len(np.unique(labels)) < 2:
            return float("nan")
    return float(silhouette_score(x, labels))


def sees(spec: DataSpec) -> DataSpec:
    """A data set whose labels are not read. Raises UserError if it has no examples of numbers with
    one label each."""
    check_examples(spec, "clustering")
    targets = RowsThemselves(names=spec.targets.label_names)
    return dataclasses.replace(spec, task="clustering", targets=targets)


TASKS.add(
    Task(
        "clustering",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=summary,
            better={
                "silhouette": "higher",
                "inertia": "lower",
                "distortion": "lower",
                "calinski_harabasz": "higher",
                "davies_bouldin": "lower",
                "noise": "lower",
            },
        ),
        "groups of rows without labels: silhouette, inertia, Calinski-Harabasz, Davies-Bouldin",
        "Rousseeuw 1987; Caliński & Harabasz 1974; Davies & Bouldin 1979",
        loss="squared",
        sees=sees,
        fitted=True,
        shown=("train",),
    )
)
