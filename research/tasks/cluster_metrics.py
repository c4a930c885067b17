"""Metrics of a clustering against classes that it did not use, as scikit-learn computes them."""

import functools
from typing import Any

import numpy as np

from research.registry import METRICS, Metric


def agreement(function: str, scores: np.ndarray, y: Any) -> float:
    """How well clusters agree with classes; NaN where the rows have none.

    Args:
        function: of sklearn.metrics, (classes [N], clusters [N]) -> [].
        scores: each row's cluster, -1 for none, and its squared distance to the centre, [N, 2].
        y: `{"labels": [N]}`, the classes.

    Example:
        >>> scores = np.array([[1, 0.0], [1, 0.0], [0, 0.0]])
        >>> agreement("adjusted_rand_score", scores, {"labels": np.array([0, 0, 1])})
        1.0
    """
    from sklearn import metrics

    if "labels" not in y:
        return float("nan")
    return float(getattr(metrics, function)(np.asarray(y["labels"]), scores[:, 0].astype(int)))


def _labelled(name: str, config: Any, spec: Any) -> str | None:
    """The data have classes."""
    if spec.targets.label_names:
        return None
    return f"metrics={name} compares clusters with classes, and {spec.name} has none; leave it out"


for _name, _function, _summary, _paper in (
    ("ari", "adjusted_rand_score", "adjusted Rand index", "Hubert & Arabie 1985"),
    ("ami", "adjusted_mutual_info_score", "adjusted mutual information", "Vinh et al. 2010"),
    (
        "homogeneity",
        "homogeneity_score",
        "whether a cluster has rows of one class only",
        "Rosenberg & Hirschberg 2007, V-measure",
    ),
    (
        "completeness",
        "completeness_score",
        "whether the rows of a class are in one cluster",
        "Rosenberg & Hirschberg 2007, V-measure",
    ),
    (
        "v_measure",
        "v_measure_score",
        "harmonic mean of homogeneity and completeness",
        "Rosenberg & Hirschberg 2007, V-measure",
    ),
):
    METRICS.add(
        Metric(
            _name,
            lambda function=_function: functools.partial(agreement, function),
            _summary,
            _paper,
            tasks=("clustering",),
            whole=True,
            undefined="the rows have no classes",
            constraints=(functools.partial(_labelled, _name),),
        )
    )
