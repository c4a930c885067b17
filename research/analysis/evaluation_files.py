"""The files of an evaluation: predictions as csv, and figures of how far they are right."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from research.analysis import figures
from research.analysis.csv_json import csv_text
from research.analysis.figure_style import shortened
from research.analysis.line_plots import COLOURS
from research.analysis.mistakes import Mistakes, Pictures
from research.durable_files import write_atomically
from research.tasks.classification import (
    CALIBRATION_BINS,
    calibration_bins,
    calibration_error,
    log_softmax,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Beyond these a confusion matrix has no room for its numbers, or for its classes' names.
MOST_NUMBERS = 20
MOST_NAMES = 60
# Characters of a class's name beside the matrix.
LONGEST = 24


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """rows: what each example is called, [N]. scores: [N, C]. y: classes or values [N], None if not
    known.

    classes: their names, () for a regression. pictures: of images, how the rows at some places
        look. uncalibrated: the scores before a calibration, [N, C]. score_names: what each score
        is called, where they are no prediction of y.
    """

    title: str
    rows: list[str]
    scores: np.ndarray
    y: np.ndarray | None
    classes: tuple[str, ...]
    pictures: Pictures | None = None
    uncalibrated: np.ndarray | None = None
    score_names: tuple[str, ...] = ()

    def write(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Writes every file that the rows allow; returns them. Raises UserError if they cannot be
        written."""
        files = [_csv(Path(directory) / "predictions.csv", self.predictions())]
        if self.y is None:
            return files
        if not self.classes:
            return files + figures.save(predicted_against_true(self), directory, "predicted")
        files += figures.save(reliability(self), directory, "calibration")
        if self.uncalibrated is not None:
            before = dataclasses.replace(
                self, title=f"{self.title}, before calibration", scores=self.uncalibrated
            )
            files += figures.save(reliability(before), directory, "calibration_before")
        files += self.write_classes(directory)
        return files + self._mistakes(Path(directory), self.y)

    def write_classes(self, directory: str | os.PathLike[str], prefix: str = "") -> list[Path]:
        """Writes the confusion matrix and the table of the classes, where there are classes.

        Args:
            directory: where the files go.
            prefix: what their names begin with.
        """
        if self.y is None or not self.classes:
            return []
        folder = Path(directory)
        mistakes = Mistakes(self.rows, self.scores, self.y, self.classes)
        return [
            _csv(folder / f"{prefix}confusion.csv", self.confusion_table()),
            *figures.save(confusion_figure(self), directory, f"{prefix}confusion"),
            _csv(folder / f"{prefix}per_class.csv", mistakes.per_class()),
        ]

    def _mistakes(self, directory: Path, y: np.ndarray) -> list[Path]:
        """Writes where the rows of classes y [N] are wrong."""
        mistakes = Mistakes(self.rows, self.scores, y, self.classes)
        files = [_csv(directory / "wrong.csv", mistakes.wrong())]
        if self.pictures is not None:
            files += figures.save(mistakes.sheet(self.title, self.pictures), directory, "wrong")
        return files

    @property
    def probabilities(self) -> np.ndarray:
        """Of the classes, float64 [N, C]."""
        return np.exp(log_softmax(self.scores))

    def predictions(self) -> list[list[str]]:
        """The table of predictions, its header first: row, target, prediction, and the probability
        of each class."""
        columns = [self.rows]
        if self.score_names:
            columns += [list(map(_exact, column)) for column in self.scores.T]
            return [["row", *self.score_names], *map(list, zip(*columns, strict=True))]
        header = ["row", *(["target"] if self.y is not None else []), "prediction"]
        if self.classes:
            header += [f"p({name})" for name in self.classes]
            columns += [] if self.y is None else [[self.classes[k] for k in self.y]]
            columns += [[self.classes[k] for k in self.scores.argmax(axis=1)]]
            columns += [[f"{p:.9g}" for p in column] for column in self.probabilities.T]
        else:
            columns += [] if self.y is None else [list(map(_exact, self.y))]
            columns += [list(map(_exact, self.scores[:, 0]))]
            if self.scores.shape[1] > 1:
                header += ["lower", "upper"]
                columns += [list(map(_exact, self.scores[:, k])) for k in (1, -1)]
        return [header, *map(list, zip(*columns, strict=True))]

    def confusion(self) -> np.ndarray:
        """How many rows of each class (first axis) are taken for each (second axis), int [K, K]."""
        assert self.y is not None
        count = len(self.classes)
        pairs = self.y.astype(int) * count + self.scores.argmax(axis=1)
        return np.bincount(pairs, minlength=count * count).reshape(count, count)

    def confusion_table(self) -> list[list[str]]:
        """`confusion` with the classes' names."""
        rows = [
            [name, *map(str, row)] for name, row in zip(self.classes, self.confusion(), strict=True)
        ]
        return [["true class", *self.classes], *rows]


def _exact(value: np.floating) -> str:
    """A number with as many digits as tell it from its neighbours."""
    return f"{value:.9g}" if value.dtype == np.float32 else repr(float(value))


def _csv(path: Path, table: list[list[str]]) -> Path:
    write_atomically(path, csv_text(table))
    return path


def reliability(evaluation: Evaluation) -> "Figure":
    """The share of right predictions by confidence, in the bins of the calibration error, and how
    many lie in each."""
    from research.analysis.canvas import Canvas

    assert evaluation.y is not None
    confidence = evaluation.probabilities.max(axis=1)
    right = evaluation.scores.argmax(axis=1) == evaluation.y
    bins = calibration_bins(confidence)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    # An empty bin is 0/0, and is drawn as no bar.
    with np.errstate(invalid="ignore"):
        accuracy = np.bincount(bins, right, CALIBRATION_BINS) / counts
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    figure = Canvas(5.2, 6.0)
    error = calibration_error(confidence, right)
    figure.heading(f"{evaluation.title}\ncalibration error {error:.4f} over {len(right):,} rows")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    width = 1 / CALIBRATION_BINS
    upper.bar(
        edges[:-1],
        np.nan_to_num(accuracy),
        width,
        align="edge",
        color=COLOURS[0],
        edgecolor="white",
    )
    upper.plot(
        [0, 1], [0, 1], color="black", linewidth=0.9, linestyle="--", label="as right as confident"
    )
    upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share that is right")
    upper.legend(frameon=False, fontsize=8.5, loc="upper left")
    lower.bar(edges[:-1], counts, width, align="edge", color="#555555", edgecolor="white")
    for edge, count in zip(edges[:-1], counts, strict=True):
        if count:
            lower.text(edge + width / 2, count, f"{count}", ha="center", va="bottom", fontsize=6.5)
    lower.set(
        xlabel="confidence: probability of the predicted class",
        ylabel="rows",
        ylim=(0, 1.2 * counts.max()),
    )
    for axis in (upper, lower):
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def confusion_figure(evaluation: Evaluation) -> "Figure":
    """The confusion matrix: counts, coloured by their share of the true class."""
    from research.analysis.canvas import Canvas

    counts = evaluation.confusion()
    total = counts.sum(axis=1, keepdims=True)
    # A class without rows has a row of zeros, not of NaN.
    shares = counts / np.maximum(total, 1)
    size = min(3.0 + 0.45 * len(counts), 14.0)
    figure = Canvas(size + 0.8, size)
    axis = figure.add_subplot()
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axis, label="share of the true class", fraction=0.045)
    figure.heading(f"{evaluation.title}\n{counts.trace():,} of {counts.sum():,} rows right")
    axis.set(xlabel="predicted class", ylabel="true class")
    _name_classes(axis, evaluation.classes)
    if len(counts) <= MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axis.text(
                    column, row, f"{count}", ha="center", va="center", color=colour, fontsize=8.5
                )
    return figure


def _name_classes(axis: "Axes", classes: tuple[str, ...]) -> None:
    # Ceiling division: a step that never leaves more than MOST_NAMES names.
    indices = range(0, len(classes), -(-len(classes) // MOST_NAMES))
    names = [shortened(classes[index], LONGEST) for index in indices]
    slanted = max(map(len, names)) > 3
    axis.set_xticks(
        indices,
        names,
        fontsize=8.5,
        rotation=45 if slanted else 0,
        ha="right" if slanted else "center",
    )
    axis.set_yticks(indices, names, fontsize=8.5)


def predicted_against_true(evaluation: Evaluation) -> "Figure":
    """A point a row; on the line the prediction is exact."""
    from research.analysis.canvas import Canvas

    assert evaluation.y is not None
    predicted = evaluation.scores[:, 0]
    figure = Canvas(5.2, 5.2)
    axis = figure.add_subplot()
    axis.scatter(evaluation.y, predicted, s=12, alpha=0.6, color=COLOURS[0], linewidths=0)
    ends = [min(evaluation.y.min(), predicted.min()), max(evaluation.y.max(), predicted.max())]
    axis.plot(ends, ends, color="black", linewidth=0.9, linestyle="--", label="exact")
    figure.heading(f"{evaluation.title}\n{len(predicted):,} rows")
    axis.set(xlabel="true value", ylabel="predicted value")
    axis.legend(frameon=False, fontsize=8.5)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
