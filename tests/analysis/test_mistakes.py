"""Where a classifier is wrong: against scikit-learn and hand-worked values; the sheet shows the
worst pictures."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from research.analysis.evaluation_files import Evaluation
from research.analysis.mistakes import Mistakes, pictures

CLASSES = ("cat", "dog", "eel")
LOGS = np.log(np.array([[0.9, 0.05, 0.05], [0.2, 0.5, 0.3], [0.1, 0.08, 0.82], [0.62, 0.28, 0.1]]))
HAND = Mistakes(["7", "8", "9", "12"], LOGS, np.array([0, 2, 0, 0]), CLASSES)


def test_the_table_of_classes_is_scikit_learns() -> None:
    """Precision, recall and F1 are scikit-learn's to the digits that are printed, at least
    eight."""
    draw = np.random.default_rng(0)
    scores, y = draw.normal(size=(50, 3)), draw.integers(0, 3, 50)
    _, *table = Mistakes([str(k) for k in range(50)], scores, y, CLASSES).per_class()
    precision, recall, f1, rows = precision_recall_fscore_support(y, scores.argmax(axis=1))
    assert [row[0] for row in table] == list(CLASSES)
    assert [int(row[1]) for row in table] == list(rows)
    numbers = np.array([[float(value) for value in row[2:]] for row in table])
    np.testing.assert_allclose(numbers, np.stack([precision, recall, f1], axis=1), rtol=1e-8)


def test_a_class_without_rows_or_predictions_has_no_shares() -> None:
    """Predicted are cat, dog, eel, cat; true are cat, eel, cat, cat: nobody is a dog, one is taken
    for it."""
    assert HAND.per_class()[1:] == [
        ["cat", "3", "1", "0.666666667", "0.8"],
        ["dog", "0", "0", "", "0"],
        ["eel", "1", "0", "0", "0"],
    ]
    unseen = Mistakes(["0"], LOGS[:1], np.array([0]), CLASSES).per_class()
    assert unseen[2] == ["dog", "0", "", "", ""]


def test_the_worst_comes_first() -> None:
    """Row 9 gave its class 0.1, row 8 gave it 0.3; the others are right."""
    header, first, second = HAND.wrong()
    assert header == ["row", "target", "prediction", "p(prediction)", "p(target)"]
    assert first == ["9", "cat", "eel", "0.82", "0.1"]
    assert second == ["8", "eel", "dog", "0.5", "0.3"]


def test_what_underflows_is_still_in_order_and_what_is_no_number_is_first() -> None:
    scores = np.array([[0.0, 900.0], [0.0, 1000.0], [np.nan, 0.0], [0.0, 1.0]])
    places = Mistakes(list("abcd"), scores, np.array([0, 0, 1, 0]), ("x", "y")).places()
    assert places.tolist() == [2, 1, 0, 3]


def test_the_sheet_shows_the_worst_with_both_classes() -> None:
    asked: list[list[int]] = []

    def look(places: np.ndarray) -> np.ndarray:
        asked.append(places.tolist())
        return np.zeros((len(places), 2, 2))

    figure = HAND.sheet("cnn on $pets$", look)
    assert asked == [[2, 1]]
    assert figure.axes[0].get_title() == "9\ntrue: cat\npredicted: eel"
    assert figure.get_suptitle() == "cnn on $pets$\n2 wrong of 4 rows"
    many = Mistakes(
        [f"folder/of/long/names/{k}.png" for k in range(40)],
        np.eye(3)[[0] * 40],
        np.ones(40, int),
        CLASSES,
    )
    figure = many.sheet("", look)
    assert asked[1] == list(range(25))
    assert "the worst 25 of 40 wrong of 40 rows" in figure.get_suptitle()
    assert figure.axes[24].get_title().splitlines()[0] == "…/of/long/names/24.png"


def test_pictures_of_any_channels() -> None:
    grey = np.array([[[[0], [255]]]], np.uint8)
    assert pictures(grey, 255.0).tolist() == [[[0.0, 1.0]]]
    assert pictures(np.full((2, 4, 4, 3), 51, np.uint8), 255.0).shape == (2, 4, 4, 3)
    assert pictures(np.full((1, 1, 1, 2), [0.0, np.nan]), 1.0).tolist() == [[[0.0]]]


def test_files_of_images_and_names_as_text(tmp_path: Path) -> None:
    names = ("$5_$10", "=1+1", "eel")
    y = np.array([0, 2, 0, 0])
    own = Evaluation(
        "$m$",
        ["a.png", "b.png", "$c$.png", "d.png"],
        LOGS,
        y,
        names,
        lambda p: np.ones((len(p), 3, 3)),
    )
    files = {path.name for path in own.write(tmp_path)}
    assert {"per_class.csv", "wrong.csv", "wrong.png", "wrong.pdf"} <= files
    Image.open(tmp_path / "wrong.png").verify()
    with (tmp_path / "wrong.csv").open(newline="") as file:
        assert [row["row"] for row in csv.DictReader(file)] == ["$c$.png", "b.png"]
    with (tmp_path / "per_class.csv").open(newline="") as file:
        assert tuple(row["class"] for row in csv.DictReader(file)) == names


def test_all_right_is_said_too(tmp_path: Path) -> None:
    right = Evaluation(
        "", ["0"], LOGS[:1], np.array([0]), CLASSES, lambda p: np.ones((len(p), 3, 3))
    )
    right.write(tmp_path)
    assert (tmp_path / "wrong.csv").read_text().splitlines() == [
        "row,target,prediction,p(prediction),p(target)"
    ]
    Image.open(tmp_path / "wrong.png").verify()
