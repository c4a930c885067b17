"""Odd new data: what launch.evaluate refuses names no flag that it lacks; each line ends in what to
do with the file. What is read although it looks unlike the run's own data is noted."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.launch.odd_inputs.case import Case, train_once

TRAIN = "train --dataset=csv:t.csv --target=y --epochs=1 --batch_size=8 --keep_params --name=mine"
EVALUATE = "evaluate --run=mine --split=csv:new.csv"
TABLE = ["a,b,y", *(f"{row / 8},{row * 7 % 41},{'uv'[row % 2]}" for row in range(40))]
DAYS = [f"2024-0{1 + day // 28}-{1 + day % 28:02}" for day in range(112)]
SERIES = ["t,y", *(f"{day},{row * 7 % 41}" for row, day in enumerate(DAYS))]


def _after(train: str, lines: Sequence[str], new: bytes) -> Callable[[Path], None]:
    """Trains a run on a file of these lines, and writes new data."""

    def write(folder: Path) -> None:
        (folder / "t.csv").write_text("\n".join(lines) + "\n")
        train_once(folder, train)
        (folder / "new.csv").write_bytes(new)

    return write


def _table(name: str, new: bytes, *says: str) -> Case:
    train = f"{TRAIN} --arch=linear"
    return Case(f"new data {name}", _after(train, TABLE, new), EVALUATE, 2, says)


def _read(
    name: str, new: str, *says: str, cell: str = "{}", flags: str = "", code: int = 0
) -> Case:
    """Of a run on a table whose column `a` has such cells."""
    lines = ["a,b,y", *(f"{cell.format(row)},{row * 7 % 41},{'uv'[row % 2]}" for row in range(40))]
    write = _after(f"{TRAIN} --arch=linear {flags}", lines, new.encode())
    return Case(f"new data {name}", write, EVALUATE, code, says)


def _series(name: str, lines: Sequence[str], *says: str, flags: str = "") -> Case:
    train = f"{TRAIN} --task=forecast --context=8 --arch=ar {flags}"
    new = "\n".join(lines).encode()
    return Case(f"a new series {name}", _after(train, SERIES, new), EVALUATE, 2, says)


CASES: list[Case] = [
    Case(
        "new data with a category that training lacked",
        _after(
            f"{TRAIN} --arch=linear",
            [
                "a,b,y",
                *(f"{['red', 'blue'][row % 3 % 2]},{row},{'uv'[row % 2]}" for row in range(40)),
            ],
            b"a,b,y\nr\xd0\xb5d,2,u\n",
        ),
        EVALUATE,
        2,
        ("was not there in training; did you mean red", "correct it, or leave its rows out"),
    ),
    _read(
        "that the run was trained on",
        "a,b,y\n0,0,u\n1,7,v\n0.5,3,u\n",
        "note: the run was trained on 2 of the 3 rows (the first: row 0 is row 0 of csv:t.csv)",
        flags="--split=1:0:0",
    ),
    Case(
        "new data with a target in another unit",
        _after(
            f"{TRAIN} --arch=linear",
            ["a,y", *(f"{row / 8},{row / 3 + 0.5}" for row in range(40))],
            b"a,y\n1,300.5\n2,500.5\n",
        ),
        EVALUATE,
        says=("column 'y': 2 of 2 values are far from the training rows, such as 500.5",),
    ),
    Case(
        "a new series that the run was trained on",
        _after(
            f"{TRAIN} --task=forecast --context=8 --arch=ar --split=1:0:0",
            SERIES,
            "\n".join(SERIES).encode(),
        ),
        EVALUATE,
        says=("the run was trained on 14 of the 14 windows",),
    ),
    _read(
        "in grams, after training on kilograms",
        "a,b,y\n12 g,2,u\n13 g,2,v\n",
        "row 2, column 'a': '12 g' is not in 'kg'; new data is read as the run's own was",
        cell="{} kg",
        flags="--numbers=a",
        code=2,
    ),
    _read(
        "in shares, after training on percents",
        "a,b,y\n12%,2,u\n0.13,2,v\n",
        "row 3, column 'a': '0.13' is not in '%'",
        cell="{}%",
        flags="--numbers=a",
        code=2,
    ),
    _read(
        "with a unit, after training without",
        "a,b,y\n12 %,2,u\n13 %,2,v\n",
        "row 2, column 'a': '12 %' is a number with a sign",
        flags="--numbers=a",
        code=2,
    ),
    _read(
        "in another unit",
        "a,b,y\n12000,2,u\n13000,2,v\n",
        "column 'a': 2 of 2 values are far from the training rows, such as 13000",
    ),
    _read(
        "with an outlier",
        "a,b,y\n12,2,u\n13,1e9,v\n14,3,u\n",
        "column 'b': 1 of 3 values are far from the training rows, such as 1000000000",
    ),
    _read(
        "with -999 for a missing value",
        "a,b,y\n12,2,u\n-999,1,v\n-999,3,u\n20,2,u\n",
        "column 'a': -999, in 2 of 4 rows, lies far from all other values (12 to 20); leave the"
        " cell empty where the value is missing",
    ),
    _read(
        "with marks that may separate thousands",
        "a,b,y\n1.250,2,u\n30,1,v\n",
        "column 'a': '1.250' is read as 1.25; if the mark separates thousands, write 1250",
    ),
    _read(
        "with a word for a missing value",
        "a,b,y\nunknown,2,u\n30,1,v\n",
        "column 'a': 'unknown' is read as a missing value, in 1 of 2 rows",
        flags="--impute=mean",
    ),
    _read(
        "with a number for a missing value, as another program writes it",
        "a,b,y\n-9.0,2,u\n30,1,v\n",
        "column 'a': '-9.0' is read as a missing value, in 1 of 2 rows",
        flags="--missing=-9 --impute=mean",
    ),
    _read(
        "of one class",
        "a,b,y\n3,2,u\n30,1,u\n",
        "note: no row is of the class 'v'",
    ),
    _read(
        "without a header",
        "3,2,u\n30,1,u\n",
        "new.csv has no columns 'a', 'b', which the run was trained on;",
        "Its first row has the number '3': if that is data, add a header",
        code=2,
    ),
    _read(
        "with the target in capitals",
        "a,b,Y\n3,2,u\n",
        "has no column 'y', the target (did you mean Y?), so there are no metrics; --out=DIR",
        code=2,
    ),
    _table(
        "in another encoding",
        "a,b,y\n1,2,u\n1,2,é\n".encode("cp1252"),
        "row 3 is not in UTF-8 (byte 0xe9); as cp1252 it reads '1,2,é': save the file in UTF-8\n",
    ),
    _table(
        "in UTF-16 without its mark",
        "a,b,y\n1,2,u\n".encode("utf-16-le"),
        "new.csv is not in UTF-8: it looks like UTF-16; save it in UTF-8\n",
    ),
    _table(
        "below a comment",
        b"# by me\na,b,y\n1,2,u\n",
        "new.csv begins with '# by me'; delete the lines above the header;",
    ),
    _series(
        "with the newest day first",
        ["t,y", *SERIES[:0:-1]],
        "row 3, column 't': '2024-04-27' is not after '2024-04-28', and a series is in the order of"
        " time; sort the rows\n",
    ),
    _series(
        "with a day twice",
        [*SERIES, SERIES[-1]],
        "the time '2024-04-28' comes twice, the first time in row 113; delete one of the two"
        " rows\n",
        flags="--time=t",
    ),
    Case(
        "a new series with a gap in its count of hours",
        _after(
            f"{TRAIN} --task=forecast --context=8 --arch=ar",
            ["hour_of_run,y", *(f"{row},{row * 7 % 41}" for row in range(112))],
            "".join(
                ["hour_of_run,y\n", *(f"{row + 119 * (row > 15)},{row % 7}\n" for row in range(30))]
            ).encode(),
        ),
        EVALUATE,
        says=("column 'hour_of_run': 1 of 29 steps are longer than 1.5 times the usual one",),
    ),
    Case(
        "two new series in one file",
        _after(
            f"{TRAIN} --task=forecast --context=8 --arch=ar",
            ["n,y", *(f"{row},{row * 7 % 41}" for row in range(112))],
            "".join(["n,y\n", *(f"{row % 30},{row % 7}\n" for row in range(60))]).encode(),
        ),
        EVALUATE,
        says=(
            (
                "column 'n' counts from 0 to 29 and starts again in row 32; if a series ends there,"
                " evaluate each series by itself"
            ),
        ),
    ),
    Case(
        "a new series in another unit",
        _after(
            f"{TRAIN} --task=forecast --context=8 --arch=ar",
            SERIES,
            "".join(["t,y\n", *(f"{DAYS[row]},{row % 7 * 1000}\n" for row in range(30))]).encode(),
        ),
        EVALUATE,
        says=("column 'y': 25 of 30 values are far from the training rows, such as 6000",),
    ),
    _series(
        "with a word for a day",
        ["t,y", "yesterday,3", *SERIES[2:]],
        "row 2, column 't': 'yesterday' is not a time that can be compared; expected a number or a"
        " date such as 2024-05-31T18:00\n",
        flags="--time=t",
    ),
]
