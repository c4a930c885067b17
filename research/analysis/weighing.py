"""Weighing: the sentences of a caption on what examples weigh in the training loss."""

from collections.abc import Iterable, Mapping

from research.analysis.arms_table import Row


def weighing(rows: Iterable[Row]) -> str:
    """The sentences on rows whose training loss weighs examples; "" where none does."""
    labels: dict[tuple[str, ...], dict[str, None]] = {}
    for row in rows:
        for config in row.arm.configs():
            labels.setdefault(_weights(config), {})[row.label] = None
    sentences = []
    for weights, of_rows in labels.items():
        if weights:
            named = "" if len(labels) == 1 else f" of {', '.join(of_rows)}"
            sentences.append(f"The training loss{named} has {' and '.join(weights)}.")
    return " ".join([*sentences, *(["Metrics are unweighted."] if sentences else [])])


def _weights(config: Mapping[str, str]) -> tuple[str, ...]:
    """What a run's examples weigh, a text each."""
    weights = []
    if column := config.get("dataset.weight", ""):
        weights.append(f"weight={column}")
    by_class = config.get("class_weight", "none")
    if by_class != "none":
        meaning = " (n / (K n_k) of the training rows)" if by_class == "balanced" else ""
        weights.append(f"class_weight={by_class}{meaning}")
    return tuple(weights)
