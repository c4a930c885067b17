"""Trainings that end oddly, or that ask for what would have no effect."""

from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case


def nothing(folder: Path) -> None:
    """The data come with the library."""


def far_row(folder: Path) -> None:
    """60 rows of a linear target; the one that --split_seed=0 puts into validation has an input of
    1e30."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 3))
    y = x @ [1, 2, 3] + 0.1 * draw.normal(size=60)
    x[ROW, 0] = 1e30
    np.savetxt(
        folder / "far.csv", np.column_stack([x, y]), "%.6g", ",", header="a,b,c,y", comments=""
    )


ROW = 2
CASES = (
    Case(
        "a last update that overflows",
        nothing,
        "train --dataset=digits --arch.hidden=8,8 --batch_size=full --epochs=1"
        " --learning_rate=1e14",
        code=3,
        says=(
            (
                "diverged at step 0: after the last update the outputs of 1437 of the 1437 train"
                " rows overflow"
            ),
        ),
    ),
    Case(
        "early stopping by a validation loss that is never finite",
        far_row,
        "train --dataset=csv:far.csv --target=y --arch.hidden=8 --epochs=3 --batch_size=16"
        " --split_seed=0 --regularization=early_stopping=2",
        code=3,
        says=("early_stopping reads the validation loss, which was not finite after any epoch",),
    ),
    Case(
        "rows that are never read",
        nothing,
        "train --dataset=wine --arch.hidden=4 --epochs=1 --batch_size=32"
        " --reshuffle_each_epoch=false",
        says=(
            (
                "note: reshuffle_each_epoch=false reads the same 128 of the 142 training rows in"
                " every epoch"
            ),
        ),
    ),
    Case(
        "batch norm of one row",
        nothing,
        "train --dataset=wine --regularization=batch_norm --batch_size=47 --remainder=pad",
        code=2,
        says=("the last of the 142 training rows in batches of 47 leaves it one row",),
    ),
    Case(
        "decay without kernels",
        nothing,
        "train --dataset=quadratic --arch=point --optimizer=adamw",
        code=2,
        says=("adamw decays kernels (weight_decay=0.01), and arch=point has none",),
    ),
    Case(
        "a penalty of frozen kernels",
        nothing,
        "train --dataset=wine --arch.hidden=4 --regularization=l2=0.1 --freeze=kernel",
        code=2,
        says=("l2 acts on kernels, and freeze='kernel' leaves none to train",),
    ),
)
