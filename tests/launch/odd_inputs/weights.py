"""Odd weights of rows: a column that says what each row weighs in the training loss."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case

ROWS = range(40)
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y --weight=w"


def _table(weight: Callable[[int], object]) -> Callable[[Path], object]:
    """Writes a table of a number, a weight and two classes."""
    lines = ["a,w,y", *(f"{row * 7 % 11 / 4},{weight(row)},{'uv'[row % 2]}" for row in ROWS)]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n")


def _count(row: int) -> int:
    return row % 4


def _reads(folder: Path) -> None:
    """Checks that the weights are read, and that they are no input."""
    (cached,) = (folder / ".cache" / "arrays").glob("csv_*")
    np.testing.assert_array_equal(np.load(cached / "weights.npy"), [_count(row) for row in ROWS])
    assert np.load(cached / "x.npy").shape == (40, 1)


CASES: list[Case] = [
    Case("weights that count rows", _table(_count), PLAN, reads=_reads),
    Case(
        "weights with a decimal comma",
        lambda folder: (folder / "t.csv").write_text(
            "a;w;y\n" + "".join(f"{row};{row % 4},0;{'uv'[row % 2]}\n" for row in ROWS)
        ),
        f"{PLAN} --decimal=,",
        reads=_reads,
    ),
    Case(
        "a negative weight",
        _table(lambda row: -1 if row == 4 else 1),
        PLAN,
        2,
        ("t.csv, row 6, column 'w': the weight -1 is negative; it must be at least 0",),
    ),
    Case(
        "a row without a weight",
        _table(lambda row: "" if row == 4 else 1),
        PLAN,
        2,
        ("t.csv, row 6, column 'w'", "a row of weight 0 does not count in the loss"),
    ),
    Case(
        "a weight that is a text",
        _table(lambda row: "heavy" if row == 4 else 1),
        PLAN,
        2,
        ("t.csv, row 6, column 'w'", "heavy"),
    ),
    Case(
        "an infinite weight",
        _table(lambda row: "inf" if row == 4 else 1),
        PLAN,
        2,
        ("t.csv, row 6, column 'w'",),
    ),
    Case("weights of 0", _table(lambda row: 0), PLAN, 2, ("column 'w': all rows weigh 0",)),
    Case(
        "a column of weights that is not there",
        _table(_count),
        PLAN.replace("=w", "=wt"),
        2,
        ("weight=wt: t.csv has no such column; did you mean w?",),
    ),
    Case(
        "the target as a weight",
        _table(_count),
        PLAN.replace("=w", "=y"),
        2,
        ("weight=y: this is the target",),
    ),
    Case(
        "weights and an estimator that takes none",
        _table(_count),
        "plan --dataset=csv:t.csv --arch=nearest_neighbors --target=y --weight=w",
        2,
        ("arch=nearest_neighbors does not weigh examples; leave --weight out",),
    ),
    Case(
        "weights of a series",
        _table(_count),
        "plan --dataset=csv:t.csv --task=forecast --target=a --weight=w",
        2,
        ("weight weighs the rows of a table; leave it out of a forecast",),
    ),
    Case(
        "a weight for a class that is not there",
        _table(_count),
        f"{PLAN} --class_weight={{u:2,V:1}}",
        2,
        ("class_weight: there is no class 'V'; did you mean v?",),
    ),
]
