"""Tables: time and memory to read large csv files and to train on them."""

import tempfile
from pathlib import Path

import numpy as np
from absl import flags

from benchmarks.process import timed

ROWS = flags.DEFINE_integer(
    "rows", 1_000_000, "tables: rows of ten columns of numbers", lower_bound=10_000
)
SHARE, CATEGORIES = 5, 1000  # one row in five has a category
BLOCK = 10_000  # rows that are written at once
TRAIN = ("--arch.hidden=16", "--epochs=1", "--batch_size=256", "--target=y")


def measure() -> None:
    """Trains an epoch on made-up files: the first time, when they are read, and again, with another
    seed."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tables = {
            "numbers.csv": _numbers(root / "numbers.csv"),
            "categories.csv": _categories(root / "categories.csv"),
        }
        print(
            "| launch.train, one epoch | seconds | of the CPU | peak MiB |\n| --- | ---: | ---: |"
            " ---: |",
            flush=True,
        )
        places = (f"--records={root / 'records'}", f"--cache_dir={root / 'cache'}")
        _print("of digits, without a file", "--dataset=digits", *TRAIN[:-1], *places)
        for name, what in tables.items():
            for seed, when in enumerate(("the first time", "again")):
                _print(
                    f"of {what}, {when}",
                    f"--dataset=csv:{root / name}",
                    f"--seed={seed}",
                    *TRAIN,
                    *places,
                )


def _numbers(file: Path) -> str:
    """Writes ten columns, the last of two classes; returns what they are."""
    draw = np.random.default_rng(0)
    with file.open("w") as out:
        out.write(",".join([*(f"x{place}" for place in range(9)), "y"]) + "\n")
        for first in range(0, ROWS.value, BLOCK):
            x = draw.normal(size=(min(BLOCK, ROWS.value - first), 9))
            np.savetxt(out, np.column_stack([x, x.sum(axis=1) > 0]), "%.5f," * 9 + "%d")
    return f"{ROWS.value:,} x 10 numbers ({file.stat().st_size / 1e6:.0f} MB)"


def _categories(file: Path) -> str:
    """Writes a number, a category and a class per row; returns what they are."""
    draw = np.random.default_rng(1)
    count = ROWS.value // SHARE
    kinds = draw.integers(0, CATEGORIES, count)
    with file.open("w") as out:
        out.write("x,kind,y\n")
        np.savetxt(
            out, np.column_stack([draw.normal(size=count), kinds, kinds % 2]), "%.4f,kind %d,%d"
        )
    return f"{count:,} rows with {CATEGORIES:,} categories"


def _print(what: str, *arguments: str) -> None:
    took = timed("train", *arguments)
    print(
        f"| {what} | {took.seconds:.1f} | {took.cpu_seconds:.1f} | {took.mebibytes:,.0f} |",
        flush=True,
    )
