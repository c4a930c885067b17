"""What evaluation writes: predictions and confusion against hand-worked values, figures that
open."""

import csv
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from research.analysis.evaluation_files import Evaluation, confusion_figure, reliability

LOGS = np.log(np.array([[0.9, 0.05, 0.05], [0.2, 0.5, 0.3], [0.1, 0.08, 0.82], [0.62, 0.28, 0.1]]))
CLASSES = ("cat", "dog", "eel")
SURE = Evaluation("mlp on pets", ["7", "8", "9", "12"], LOGS, np.array([0, 2, 2, 0]), CLASSES)


def test_confusion_counts_true_by_predicted() -> None:
    assert SURE.confusion().tolist() == [[2, 0, 0], [0, 0, 0], [0, 1, 1]]
    assert SURE.confusion_table()[0] == ["true class", "cat", "dog", "eel"]
    assert SURE.confusion_table()[3] == ["eel", "0", "1", "1"]


def test_predictions_of_classes() -> None:
    header, first, second, *_ = SURE.predictions()
    assert header == ["row", "target", "prediction", "p(cat)", "p(dog)", "p(eel)"]
    assert first == ["7", "cat", "cat", "0.9", "0.05", "0.05"]
    assert second[:3] == ["8", "eel", "dog"]


def test_predictions_without_targets_and_of_values() -> None:
    unknown = Evaluation("", SURE.rows, LOGS, None, CLASSES)
    assert unknown.predictions()[1][:2] == ["7", "cat"]
    values = Evaluation(
        "", ["0", "1"], np.array([[1.5], [-2]], np.float32), np.array([1, -3], np.float32), ()
    )
    assert values.predictions() == [
        ["row", "target", "prediction"],
        ["0", "1", "1.5"],
        ["1", "-3", "-2"],
    ]


def test_the_reliability_diagram_has_the_bins_of_the_calibration_error() -> None:
    """Confidences .9, .5, .82, .62 lie within the bins 13, 7, 12 and 9 of 15; only the second row
    is wrong."""
    upper, lower = reliability(SURE).axes
    counts = [round(bar.get_height()) for bar in lower.patches]
    assert [place for place, count in enumerate(counts) if count] == [7, 9, 12, 13]
    assert [bar.get_height() for bar in upper.patches][7] == 0
    assert [bar.get_height() for bar in upper.patches][9] == 1
    # (0.1 + 0.5 + 0.18 + 0.38) / 4
    assert "calibration error 0.2900 over 4 rows" in upper.figure.get_suptitle()


def test_files(tmp_path: Path) -> None:
    names = {path.name for path in SURE.write(tmp_path / "classes")}
    assert names >= {"predictions.csv", "confusion.csv", "confusion.png", "calibration.png"}
    values = Evaluation("", ["0", "1"], np.array([[1.5], [-2]]), np.array([1, -3], np.float32), ())
    assert {path.name for path in values.write(tmp_path / "values")} >= {
        "predictions.csv",
        "predicted.png",
    }
    unknown = Evaluation("", SURE.rows, LOGS, None, CLASSES)
    assert [path.name for path in unknown.write(tmp_path / "unknown")] == ["predictions.csv"]
    for path in tmp_path.rglob("*.png"):
        Image.open(path).verify()
    assert len(list(csv.reader((tmp_path / "classes" / "predictions.csv").open()))) == 5


def test_names_of_classes_are_text(tmp_path: Path) -> None:
    names = ("$5_$10", "=1+1", 'a\r"b"')
    Evaluation("$m$ on $d$", SURE.rows, LOGS, np.array([0, 2, 2, 0]), names).write(tmp_path)
    with (tmp_path / "confusion.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header[1:]) == tuple(row[0] for row in rows) == names
    with (tmp_path / "predictions.csv").open(newline="") as file:
        assert [row["target"] for row in csv.DictReader(file)] == [
            "$5_$10",
            'a\r"b"',
            'a\r"b"',
            "$5_$10",
        ]


def test_a_hundred_classes_still_make_a_figure(tmp_path: Path) -> None:
    y = np.arange(300) % 100
    classes = tuple(f"class {k}" for k in range(100))
    Evaluation("", [str(row) for row in range(300)], np.eye(100)[y], y, classes).write(tmp_path)
    width, height = Image.open(tmp_path / "confusion.png").size
    assert max(width, height) < 3000


@pytest.mark.filterwarnings("error")  # matplotlib warns where labels leave the axes no room
def test_long_names_of_classes_leave_the_matrix_room() -> None:
    names = ("x" * 300, "x" * 299 + "y", "line\nbreak")
    figure = confusion_figure(dataclasses.replace(SURE, classes=names))
    figure.savefig(io.BytesIO())
    first, second, third = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(first) == 24
    assert (first[-1], second[-1], third) == ("x", "y", "line break")
