"""Tables: time and memory to read large csv files and to train on them."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import flags

from benchmarks.process import Took, timed

ROWS = flags.DEFINE_integer(
    "rows", 1_000_000, "tables: rows of ten columns of numbers", lower_bound=10_000
)
SHARE, CATEGORIES = 5, 1000  # one row in five has a category
BLOCK = 10_000  # rows that are written at once
TRAIN = ("--arch.hidden=16", "--epochs=1", "--batch_size=256")
TIMES = ("the first time", "again")


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
            "| launch.train, one epoch | seconds | above digits | of the CPU | above digits |"
            " peak MiB | above digits |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
            flush=True,
        )
        places = (f"--records={root / 'records'}", f"--cache_dir={root / 'cache'}")
        # What every process takes: Python's imports, the start of JAX, compiling or reading what
        # was compiled.
        bases = [_train("--dataset=digits", seed, places) for seed in range(len(TIMES))]
        for when, base in zip(TIMES, bases, strict=True):
            _print(f"of digits, without a file, {when}", base, base)
        for name, what in tables.items():
            for seed, (when, base) in enumerate(zip(TIMES, bases, strict=True)):
                took = _train(f"--dataset=csv:{root / name}", seed, (*places, "--target=y"))
                _print(f"of {what}, {when}", took, base)


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


def _train(data: str, seed: int, more: Sequence[str]) -> Took:
    return timed("train", data, f"--seed={seed}", *TRAIN, *more)


def _print(what: str, took: Took, base: Took) -> None:
    """Prints a row; base: what digits took, with which each figure is compared."""
    cells = [
        f"{value:,.{digits}f} | {value - least:,.{digits}f}"
        for value, least, digits in zip(took, base, (1, 1, 0), strict=True)
    ]
    print(f"| {what} | {' | '.join(cells)} |", flush=True)
