"""Odd names and requests in what is written: tables, and what of them is shown."""

import csv
import functools
from pathlib import Path

from tests.launch.odd_inputs.case import Case

SWEEP = "sweep --dataset=iris --arch=linear --epochs=1 --grid='learning_rate=0.1|0.01|0.3'"
STRENGTHS = (
    "sweep --dataset=iris --arch=linear --epochs=1"
    " --grid='regularization=none|l2=0.1|l2=0.01|l1=0.1'"
)


def nothing(folder: Path) -> None:
    """The input is bundled."""


def prices(folder: Path, name: str) -> None:
    """Forty rows of two classes with dollars in their names, in a file of that name."""
    lines = [
        f"{number % 7},{number % 3},{'$5_$10' if number % 2 else '=10+'}" for number in range(40)
    ]
    (folder / name).write_text("\n".join(["size,weight,price", *lines]) + "\n")


def priced(name: str) -> str:
    rates = "--grid='learning_rate=0.1|0.01'"
    return (
        f"sweep --dataset='csv:{name}' --target=price --arch=linear --epochs=1 --batch_size=8"
        f" {rates}"
    )


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "t.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def strengths(folder: Path) -> None:
    """A strength that varies is a number in a column of its own; one that does not stays with its
    member."""
    found = [
        (row["regularization"], row["regularization.l2"])
        for row in rows(folder)
        if row["column"][:4] == "test"
    ]
    assert found == [("none", ""), ("l2", "0.01"), ("l2", "0.1"), ("l1=0.1", "")]


def best(folder: Path) -> None:
    """The first of all rows by the mean on validation."""
    row, *_ = rows(folder)
    assert list(row) == ["learning_rate", "mean"]
    assert len(rows(folder)) == 2  # validation and test


CASES = [
    Case(
        "a strength that varies", nothing, f"{STRENGTHS} --format=csv --out=t.csv", reads=strengths
    ),
    Case(
        "the best row",
        nothing,
        f"{SWEEP} --top=1 --format=csv --columns=learning_rate,mean --out=t.csv",
        reads=best,
    ),
    Case(
        "rows with a condition",
        nothing,
        f"{SWEEP} --where='learning_rate>0.05' --sort=-learning_rate --format=html",
        says=(
            (
                "2 of 3 rows are shown: those with learning_rate&gt;0.05, sorted by learning_rate,"
                " largest first."
            ),
        ),
    ),
    Case(
        "a sort by what is no column, before training",
        nothing,
        f"{SWEEP} --sort='test acuracy'",
        2,
        ("--sort: the table has no column 'test acuracy'; did you mean test accuracy",),
    ),
    Case(
        "a condition on what is no column, before training",
        nothing,
        f"{SWEEP} --where='learning_rat=0.1'",
        2,
        ("--where: the table has no column 'learning_rat'; did you mean learning_rate?",),
    ),
    Case(
        "percent that are not said to be percent",
        nothing,
        f"{SWEEP} --where='test accuracy>90'",
        2,
        ("test accuracy (%) is a share; write 90% or 0.9",),
    ),
    Case(
        "a metric that no run will have",
        nothing,
        f"{SWEEP} --columns=test/nl",
        2,
        ("there is no metric 'test/nl'; did you mean test/nll?",),
    ),
    Case(
        "a metric beside the main one, against a baseline",
        nothing,
        f"{SWEEP} --columns=learning_rate,test/nll,difference,p --baseline=learning_rate=0.1",
        says=("test nll", "Δ to learning_rate=0.1"),
    ),
    Case(
        "a baseline that is no row",
        nothing,
        f"{SWEEP} --baseline=learning_rate=7",
        2,
        ("the baseline 'learning_rate=7' is not a row",),
    ),
    Case(
        "a width without figures",
        nothing,
        f"{SWEEP} --width=single",
        2,
        ("--width applies only to figures; add --figures=DIR",),
    ),
    Case(
        "a document that is no LaTeX",
        nothing,
        f"{SWEEP} --standalone",
        2,
        ("--standalone applies only to --format=tex",),
    ),
    Case(
        "a tuning sorted by what its table will not have",
        nothing,
        "tune --dataset=iris --sample='learning_rate=log(1e-3,1)' --trials=2 --sort=test/nl",
        2,
        ("--sort: the table has no column 'test/nl'",),
    ),
    Case(
        "columns of json",
        nothing,
        f"{SWEEP} --format=json --columns=learning_rate",
        2,
        ("--columns: json has every column; leave the flag out, or write csv",),
    ),
    Case("no rows at all", nothing, f"{SWEEP} --top=0", 2, ("top",)),
    Case(
        "a file with dollars and stars in its name",
        functools.partial(prices, name="$5_$10 *.csv"),
        f"{priced('$5_$10 *.csv')} --tensorboard=events --format=tex",
        says=(r"learning\_rate",),
    ),
]
