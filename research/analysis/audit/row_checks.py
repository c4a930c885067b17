"""Checks of rows: those that are repeated, contradict each other, or are of a rare class."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from research.analysis.audit.data_parts import DataParts
from research.analysis.audit.finding import Finding
from research.data.features.table_columns import TableColumns
from research.words import plural

# A class with fewer training rows than this is hardly learned.
FEW = 10
# From this share of the rows on, always predicting the largest class looks good.
LARGEST = 0.8


def repeated_rows(data: DataParts) -> Iterator[Finding]:
    """Rows of one part that are the same, targets included."""
    if data.spec.windows:
        return
    for part, rows in (("training", data.train), ("test", data.test)):
        if not len(rows):
            continue
        examples = _joined(data.inputs(rows), data.targets(rows).reshape(len(rows), -1))
        copies = len(rows) - len(np.unique(examples))
        if copies:
            yield Finding(
                "caution",
                f"{data.name}: {plural(copies, f'{part} row')} of {len(rows):,} repeat another"
                f" {part} row, target included",
                "remove them if an example was recorded twice; rows that are alike by nature may"
                " stay",
            )


def contradictions(data: DataParts) -> Iterator[Finding]:
    """Rows with the same inputs and different classes, which no model can tell apart."""
    y = data.targets(data.rows)
    if not data.spec.targets.classes or y.ndim != 1 or data.spec.windows:
        return
    _, group = np.unique(_joined(data.inputs(data.rows)), return_inverse=True)
    pairs, counts = np.unique(np.stack([group, y]), axis=1, return_counts=True)
    most = np.zeros(group.max() + 1, int)
    np.maximum.at(most, pairs[0], counts)
    contradicted = np.bincount(pairs[0]) > 1
    if not contradicted.any():
        return
    rows = int(contradicted[group].sum())
    # Rows of a few categories are equal by nature; two images are not.
    table = isinstance(data.spec.inputs.stored, TableColumns)
    yield Finding(
        "caution" if table else "problem",
        f"{data.name}: {plural(rows, 'row')} of {len(y):,} have the inputs of a row of another"
        f" class, so no model is right in more than {100 * most.sum() / len(y):.4g} % of the rows",
        "correct the labels if these rows are the same example, or add a column that tells them"
        " apart",
    )


def class_balance(data: DataParts) -> Iterator[Finding]:
    """Classes without rows or with few, and a class that nearly all rows are of."""
    classes = data.spec.targets.classes
    y = data.targets(data.train)
    if not classes or y.ndim != 1:
        return
    counts = np.bincount(y, minlength=len(classes))
    tested = np.bincount(data.targets(data.test), minlength=len(classes))
    for part, count in (("training", counts), ("test", tested)):
        absent = [f"'{name}'" for name, rows in zip(classes, count, strict=True) if not rows]
        if absent and count.sum():
            more = f", or of {len(absent) - 3} more" if len(absent) > 3 else ""
            yield Finding(
                "problem",
                f"{data.name}: no {part} row is of the class {' or '.join(absent[:3])}{more}",
                "--split='stratified_kfold(5)' has each class in every part; or collect more rows",
            )
    for name, rows in zip(classes, counts, strict=True):
        if 0 < rows < FEW:
            yield Finding(
                "caution",
                f"{data.name}: the class '{name}' has {plural(int(rows), 'training row')}",
                "collect more rows, or join it with another class",
            )
    largest = counts.argmax()
    share = counts[largest] / max(counts.sum(), 1)
    if share >= LARGEST and len(classes) > 1:
        yield Finding(
            "caution",
            f"{data.name}: {100 * share:.3g} % of the training rows are of the class"
            f" '{classes[largest]}', so that predicting it always has this accuracy",
            "report --metrics=balanced_accuracy,f1_macro too; --class_weight=balanced weighs the"
            " classes alike",
        )


def _joined(*parts: NDArray[Any]) -> NDArray[np.void]:
    """Rows [N, ...] of some arrays, each as one value that can be compared bit by bit."""
    joined = [np.ascontiguousarray(part).view(np.uint8).reshape(len(part), -1) for part in parts]
    whole = np.ascontiguousarray(np.concatenate(joined, axis=1))
    return whole.view(np.dtype((np.void, whole.shape[1]))).ravel()
