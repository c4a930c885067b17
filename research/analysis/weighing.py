"""Weighing: the sentences of a caption on what examples weigh in the training loss."""

from collections.abc import Iterable

from research.analysis.arms_table import Row


def weighing(rows: Iterable[Row]) -> str:
    """The sentences on rows whose training loss weighs examples; "" where none does."""
    labels: dict[str, dict[str, None]] = {}
    for row in rows:
        for config in row.arm.configs():
            labels.setdefault(config.get("class_weight", "none"), {})[row.label] = None
    sentences = []
    for weight, of_rows in labels.items():
        if weight == "none":
            continue
        named = "" if len(labels) == 1 else f" of {', '.join(of_rows)}"
        meaning = ", n / (K n_k) of the training rows" if weight == "balanced" else ""
        sentences.append(f"The training loss{named} has class_weight={weight}{meaning}.")
    return " ".join([*sentences, *(["Metrics are unweighted."] if sentences else [])])
