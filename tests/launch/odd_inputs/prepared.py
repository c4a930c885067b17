"""Odd sets prepared in the layout of TFDS."""

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from tests.launch.odd_inputs.case import Case
from tests.support.tfds_sets import make_set

KINDS = tfds.features
_X = KINDS.Tensor(shape=(2,), dtype=np.float32)
_CLASS = KINDS.ClassLabel(names=["u", "v"])


def _written(
    name: str,
    features: dict,
    example: Callable[[int], dict],
    test: Callable[[int], dict] | None = None,
) -> Callable:
    """Writes a set of 40 training examples, and as many to test if `test` makes them."""

    def write(folder: Path) -> None:
        splits = {"train": [example(row) for row in range(40)]}
        splits |= {"test": [test(row) for row in range(40)]} if test else {}
        make_set(folder, name, features, splits, ("x", "y"))

    return write


_numbers = functools.partial(_written, "numbers", {"x": _X, "y": KINDS.Scalar(dtype=np.int64)})


def _command(name: str, *flags: str) -> str:
    return " ".join(
        [f"train --dataset={name} --data_dir=. --epochs=1 --arch=linear --batch_size=8", *flags]
    )


def _x(row: int) -> list[float]:
    return [row / 7, row % 5]


def _columns(folder: Path) -> None:
    """Categories are stored as indices, and numbers beside them."""
    (file,) = (folder / ".cache" / "arrays").glob("mixed-*/x.npy")
    stored = np.load(file)
    assert stored.shape == (40, 2)
    assert stored[:, 0].tolist() == [row % 3 for row in range(40)]
    spec = json.loads((file.parent / "spec.json").read_text())
    assert spec["features"] == ["colour=red", "colour=green", "colour=blue", "size"]
    assert spec["shape"] == [4]


_MIXED = {
    "colour": KINDS.ClassLabel(names=["red", "green", "blue"]),
    "size": KINDS.Scalar(dtype=np.float32),
}


def _with_audio(folder: Path) -> None:
    """A set whose input is declared to be audio, which TFDS cannot inspect without TensorFlow."""
    _written("sounds", {"x": _X, "y": _CLASS}, lambda row: {"x": _x(row), "y": row % 2})(folder)
    (file,) = folder.glob("sounds/*/features.json")
    declared = json.loads(file.read_text())
    kind = "tensorflow_datasets.core.features.audio_feature.Audio"
    audio = {"shape": {"dimensions": ["-1"]}, "dtype": "int64", "encoding": "none"}
    declared["featuresDict"]["features"]["x"] = {"pythonClassName": kind, "audio": audio}
    file.write_text(json.dumps(declared))


CASES: list[Case] = [
    Case(
        "categories beside numbers",
        _written(
            "mixed",
            {"x": _MIXED, "y": _CLASS},
            lambda row: {"x": {"colour": row % 3, "size": row / 7}, "y": row % 2},
        ),
        _command("mixed"),
        says=("run ", ": 10 parameters"),
        reads=_columns,
    ),
    Case(
        "a category that is missing",
        _written(
            "mixed",
            {"x": _MIXED, "y": _CLASS},
            lambda row: {"x": {"colour": row % 3 - (row == 3), "size": row / 7}, "y": row % 2},
        ),
        _command("mixed"),
        says=("column 'colour' has no category in 1 of 40 rows (-1)", "accuracy"),
    ),
    Case(
        "nines that may mean a missing value",
        _written(
            "nines",
            {"x": _X, "y": _CLASS},
            lambda row: {"x": [row / 7 if row % 9 else -999, row % 5], "y": row % 2},
        ),
        _command("nines"),
        says=(
            "column 'x_0': -999, in 5 of 40 rows, lies far from all other values",
            "write NaN in the set and give --impute=median",
        ),
    ),
    Case(
        "float64 that TFDS wrote as float32",
        _written(
            "wide",
            {"x": KINDS.Tensor(shape=(2,), dtype=np.float64), "y": _CLASS},
            lambda row: {"x": [1e8 + row / 7, row % 5], "y": row % 2},
        ),
        _command("wide"),
        says=(
            "declared as float64 and stored as float32, as TFDS does without encoding='bytes': 'x'",
        ),
    ),
    Case(
        "an infinite target",
        _written(
            "far",
            {"x": _X, "y": KINDS.Scalar(dtype=np.float32)},
            lambda row: {"x": _x(row), "y": np.inf if row else 1.5},
        ),
        _command("far"),
        2,
        ("the target has an infinite number",),
    ),
    Case(
        "an infinite number",
        _written(
            "far",
            {"x": _X, "y": _CLASS},
            lambda row: {"x": [np.inf if row == 3 else row, 1], "y": row % 2},
        ),
        _command("far"),
        2,
        ("column 'x_0' of the data has an infinite number",),
    ),
    Case(
        "whole numbers as labels",
        _numbers(lambda row: {"x": _x(row), "y": row % 2}),
        _command("numbers"),
        says=(
            (
                "note: numbers: the target 'y' has 2 different whole numbers (0, 1) and is read as"
                " classes"
            ),
            "accuracy",
        ),
    ),
    Case(
        "whole numbers as a quantity by the task",
        _numbers(lambda row: {"x": _x(row), "y": row % 2}),
        _command("numbers", "--task=regression"),
        says=("mse",),
    ),
    Case(
        "a quantity as classes by the task",
        _numbers(lambda row: {"x": _x(row), "y": 1000 + 500 * (row % 2) if row else 1000}),
        _command("numbers", "--task=classification"),
        says=("accuracy",),
    ),
    Case(
        "several labels in each example",
        _written(
            "several",
            {"x": _X, "y": KINDS.Sequence(_CLASS)},
            lambda row: {"x": _x(row), "y": [0, 1]},
        ),
        _command("several"),
        2,
        (
            "its target 'y' is Sequence(ClassLabel",
            "expected a ClassLabel or a number in each example",
        ),
    ),
    Case(
        "a text as an input",
        _written(
            "texts", {"x": KINDS.Text(), "y": _CLASS}, lambda row: {"x": "to be", "y": row % 2}
        ),
        _command("texts"),
        2,
        ("its input 'x' is Text", "expected an image of bytes, a tensor of numbers, or columns"),
    ),
    Case(
        "a test split without labels",
        _written(
            "contest",
            {"x": _X, "y": _CLASS},
            lambda row: {"x": _x(row), "y": row % 2},
            lambda row: {"x": _x(row), "y": -1},
        ),
        _command("contest"),
        says=("its split 'test' has no labels (all 40 are -1) and is left out", "accuracy"),
    ),
    Case(
        "some labels are missing",
        _written("some", {"x": _X, "y": _CLASS}, lambda row: {"x": _x(row), "y": row % 3 - 1}),
        _command("some"),
        2,
        (
            "14 of its 40 examples have no label (-1); the first is in row 0 of its split 'train'",
            "A split without any label is left out",
        ),
    ),
    Case(
        "some labels of the test split are missing",
        _written(
            "part",
            {"x": _X, "y": _CLASS},
            lambda row: {"x": _x(row), "y": row % 2},
            lambda row: {"x": _x(row + 50), "y": 1 - 2 * (row > 4)},
        ),
        _command("part"),
        2,
        ("35 of its 80 examples have no label (-1); the first is in row 5 of its split 'test'",),
    ),
    Case(
        "a test split of numbers without labels",
        _written(
            "contest",
            {"x": _X, "y": KINDS.Scalar(dtype=np.int64)},
            lambda row: {"x": _x(row), "y": row % 2},
            lambda row: {"x": _x(row + 50), "y": -1},
        ),
        _command("contest"),
        says=("its split 'test' has no labels (all 40 are -1) and is left out", "accuracy"),
    ),
    Case(
        "splits of other names, and one without labels",
        lambda folder: make_set(
            folder,
            "named",
            {"x": _X, "y": _CLASS},
            {
                "train": [{"x": _x(row), "y": row % 2} for row in range(40)],
                "validation": [{"x": _x(row), "y": -1} for row in range(9)],
                "valid": [{"x": _x(row), "y": row % 2} for row in range(9)],
            },
            ("x", "y"),
        ),
        _command("named"),
        says=(
            "its split 'validation' has no labels (all 9 are -1) and is left out",
            "it has splits that are not read: 'valid'; those that are read are called train,",
        ),
    ),
    Case(
        "a class in the test split alone",
        _written(
            "later",
            {"x": _X, "y": KINDS.ClassLabel(names=["u", "v", "w"])},
            lambda row: {"x": _x(row), "y": row % 2},
            lambda row: {"x": _x(row + 50), "y": 2},
        ),
        _command("later"),
        2,
        ("class 'w' is in the data's own test split alone (40 of 40 rows), so nothing",),
    ),
    Case(
        "a target that is one-hot",
        _written(
            "hot",
            {"x": _X, "y": KINDS.Tensor(shape=(2,), dtype=np.float32)},
            lambda row: {"x": _x(row), "y": [row % 2, 1 - row % 2]},
        ),
        _command("hot"),
        2,
        ("its target 'y' is one-hot, 2 numbers in each example; expected a ClassLabel",),
    ),
    Case(
        "dates, names that look alike, and a class without rows",
        _written(
            "kinds",
            {
                "x": {
                    "time": KINDS.Scalar(dtype=np.int64),
                    "day": KINDS.Scalar(dtype=np.int64),
                    "kind": KINDS.ClassLabel(names=["red", "Red "]),
                },
                "y": KINDS.ClassLabel(names=["cat", "Cat", "ZÃ¼rich"]),
            },
            lambda row: {
                "x": {"time": 1704067200 + row, "day": 20240101 + row % 28, "kind": row % 2},
                "y": row // 2 % 2,
            },
        ),
        _command("kinds"),
        says=(
            "column 'time' may be dates, seconds since 1970",
            "column 'day' may be dates, days written as 20240101",
            "column 'kind': 'red' and 'Red' look alike",
            "its classes: 'cat' and 'Cat' look alike",
            "its classes: 'ZÃ¼rich' is probably 'Zürich'",
            "none of its 40 rows is of the class 'ZÃ¼rich'",
        ),
    ),
    Case(
        "an image beside an id, and no word of what is predicted",
        lambda folder: make_set(
            folder,
            "scene",
            {
                "image": KINDS.Tensor(shape=(2, 2, 1), dtype=np.uint8),
                "label": _CLASS,
                "id": KINDS.Text(),
            },
            {
                "train": [
                    {"image": np.full((2, 2, 1), row, np.uint8), "label": row % 2, "id": str(row)}
                    for row in range(40)
                ]
            },
        ),
        _command("scene"),
        says=("accuracy",),
    ),
    Case(
        "missing numbers",
        _written(
            "gaps",
            {"x": _X, "y": _CLASS},
            lambda row: {"x": [np.nan if row == 3 else row, 1], "y": row % 2},
        ),
        _command("gaps"),
        2,
        ("gaps, row 3 (the first is 0), column 'x_0': the value is missing; set --impute=mean",),
    ),
    Case(
        "missing numbers that are filled",
        _written(
            "gaps",
            {"x": _X, "y": _CLASS},
            lambda row: {"x": [np.nan if row == 3 else row, 1], "y": row % 2},
        ),
        _command("gaps", "--impute=mean"),
        says=("column 'x_1' is the same in all 40 rows", "accuracy"),
    ),
    Case(
        "a target that is not a number",
        _written(
            "holes",
            {"x": _X, "y": KINDS.Scalar(dtype=np.float32)},
            lambda row: {"x": _x(row), "y": np.nan if row else 1},
        ),
        _command("holes"),
        2,
        ("its target 'y' has no value in row 1",),
    ),
    Case(
        "audio as an input",
        _with_audio,
        _command("sounds"),
        2,
        ("has a feature (x: Audio, y: ClassLabel) that needs tensorflow", "expected images"),
    ),
    Case(
        "one number as an input",
        _written(
            "single",
            {"x": KINDS.Scalar(dtype=np.float32), "y": _CLASS},
            lambda row: {"x": row / 7, "y": row % 2},
        ),
        _command("single"),
        2,
        ("its input 'x' is Scalar(shape=(), dtype=float32); expected an image",),
    ),
]
