"""Where a classifier is wrong: a table of each class, the wrong examples worst first, and a sheet
of their pictures."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from research.tasks.classification import log_softmax

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Pictures along each side of the sheet.
SIDE = 5
# Characters of a name under a picture.
LONGEST = 22

# Places of rows [P] -> their pictures [P, H, W, C], in 0..1.
Pictures = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Mistakes:
    """rows: what each example is called, [N]. scores: logits [N, C]. y: classes [N]. classes: their
    names, [C]."""

    rows: Sequence[str]
    scores: np.ndarray
    y: np.ndarray
    classes: Sequence[str]

    def per_class(self) -> list[list[str]]:
        """The table of classes, its header first: rows, precision, recall and F1; empty where they
        are undefined.

        Precision is the share of the class among the rows taken for it, recall the share of its
        rows that are taken for it, and F1 their harmonic mean, 2 hits / (rows + taken).
        """
        count = len(self.classes)
        predicted = self.scores.argmax(axis=1)
        rows = np.bincount(self.y, minlength=count)
        taken = np.bincount(predicted, minlength=count)
        hits = np.bincount(self.y[predicted == self.y], minlength=count)
        table = [["class", "rows", "precision", "recall", "f1"]]
        for k, name in enumerate(self.classes):
            shares = (
                _share(hits[k], taken[k]),
                _share(hits[k], rows[k]),
                _share(2 * hits[k], rows[k] + taken[k]),
            )
            table.append([name, str(rows[k]), *shares])
        return table

    def places(self) -> np.ndarray:
        """The wrong rows, [M]: those first whose own class has the lowest probability, ties in the
        rows' order."""
        log_probabilities = log_softmax(self.scores)
        of_target = log_probabilities[np.arange(len(self.y)), self.y]
        wrong = np.flatnonzero(self.scores.argmax(axis=1) != self.y)
        # NaN sorts last; scores that are not numbers are the worst.
        worst = np.nan_to_num(of_target[wrong], nan=-np.inf)
        return wrong[np.argsort(worst, kind="stable")]

    def wrong(self) -> list[list[str]]:
        """The table of wrong rows, worst first, its header first: each with the probabilities of
        both classes."""
        table = [["row", "target", "prediction", "p(prediction)", "p(target)"]]
        predicted = self.scores.argmax(axis=1)
        for index in self.places():
            probabilities = np.exp(log_softmax(self.scores[index : index + 1]))[0]
            taken = predicted[index]
            target = self.y[index]
            probability_texts = [f"{probabilities[k]:.9g}" for k in (taken, target)]
            table.append(
                [self.rows[index], self.classes[target], self.classes[taken], *probability_texts]
            )
        return table

    def sheet(self, title: str, pictures: Pictures) -> "Figure":
        """The worst pictures, each with its row, its true class, and what it is taken for."""
        from research.analysis.canvas import Canvas

        wrong = self.places()
        worst = wrong[: SIDE * SIDE]
        figure = Canvas(2.0 * SIDE, 2.35 * SIDE + 0.5)
        selection = f"the worst {len(worst)} of " if len(worst) < len(wrong) else ""
        figure.heading(f"{title}\n{selection}{len(wrong):,} wrong of {len(self.y):,} rows")
        axes = figure.subplots(SIDE, SIDE).ravel()
        for axis in axes:
            axis.set_axis_off()
        predicted = self.scores.argmax(axis=1)
        for axis, index, picture in zip(
            axes, worst, pictures(worst) if len(worst) else [], strict=False
        ):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            row = self.rows[index]
            target = self.classes[self.y[index]]
            taken = self.classes[predicted[index]]
            lines = (row, f"true: {target}", f"predicted: {taken}")
            axis.set_title("\n".join(map(_short, lines)), fontsize=7)
        return figure


def _share(count: int, total: int) -> str:
    return f"{count / total:.9g}" if total else ""


def _short(text: str) -> str:
    """The end of a long text: files of one folder begin alike."""
    return text if len(text) <= LONGEST else f"…{text[1 - LONGEST :]}"


def pictures(x: np.ndarray, maximum: float) -> np.ndarray:
    """Images [P, H, W, C] with values up to `maximum` as pictures in 0..1, [P, H, W, 3] or grey [P,
    H, W].

    Of any other number of channels the mean is shown.
    """
    shares = np.clip(np.nan_to_num(np.asarray(x, np.float64)) / maximum, 0, 1)
    return shares if shares.shape[-1] == 3 else shares.mean(axis=-1)
