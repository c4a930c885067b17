"""Semantic segmentation: the class of each pixel; mean intersection over union, pixel accuracy,
NLL."""

import jax
import jax.numpy as jnp

from research.registry import TASKS, Task
from research.tasks.classification import decode, encode
from research.tasks.problem import Problem
from research.tasks.step_classification import accuracy, nll, real

# Pixels of a class that are found and are there, and that are one of both, by example.
_BOTH = "intersection_"
_EITHER = "union_"


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Of each example, [B]; scores: logits [B, H, W, C], y: classes [B, H, W], -1 where a pixel is
    not counted.

    Beside accuracy and NLL the pixels of each class's intersection and union, from which `finish`
    makes ratios.

    Example:
        >>> scores = jnp.array([[[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]])  # classes 0, 0 and 1
        >>> metrics = example_metrics(scores, jnp.array([[[0, 1, 1]]]))
        >>> iou = finish({name: float(values[0]) for name, values in metrics.items()})
        >>> iou["iou_0"], iou["iou_1"], iou["miou"]
        (0.5, 0.5, 0.5)
    """
    predicted = jnp.argmax(scores, axis=-1)
    counted = y >= 0
    metrics = {"accuracy": accuracy(scores, y), "nll": nll(scores, y)}
    for k in range(scores.shape[-1]):
        is_found = (predicted == k) & counted
        is_there = y == k
        metrics[f"{_BOTH}{k}"] = jnp.sum(is_found & is_there, axis=(1, 2)).astype(float)
        metrics[f"{_EITHER}{k}"] = jnp.sum(is_found | is_there, axis=(1, 2)).astype(float)
    return metrics


def finish(means: dict[str, float]) -> dict[str, float]:
    """With each class's intersection over union in the whole split, and their mean (Everingham et
    al. 2010).

    A class that is neither there nor found anywhere has none, and does not count.
    """
    metrics = {
        name: value for name, value in means.items() if not name.startswith((_BOTH, _EITHER))
    }
    unions = {
        name.removeprefix(_EITHER): value
        for name, value in means.items()
        if name.startswith(_EITHER)
    }
    ious = {
        k: means[f"{_BOTH}{k}"] / union if union else float("nan") for k, union in unions.items()
    }
    seen = [iou for iou in ious.values() if iou == iou]
    mean = sum(seen) / len(seen) if seen else float("nan")
    return {"miou": mean, **metrics, **{f"iou_{k}": iou for k, iou in ious.items()}}


TASKS.add(
    Task(
        "segmentation",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=None,
            better={"miou": "higher", "accuracy": "higher", "nll": "lower"},
            finish=finish,
            per_target=("accuracy", "nll"),
            real=real,
        ),
        "which of K classes each pixel shows: mean IoU, accuracy, NLL",
        "Everingham et al. 2010, The PASCAL visual object classes challenge",
        loss="cross_entropy",
    )
)
