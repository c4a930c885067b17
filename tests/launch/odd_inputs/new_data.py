"""Odd new data: what launch.evaluate refuses names no flag that it lacks; each line ends in what to
do with the file."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.launch.command_lines import run_all
from tests.launch.odd_inputs.case import Case

TRAIN = "train --dataset=csv:t.csv --target=y --epochs=1 --batch_size=8 --keep_params --name=mine"
EVALUATE = "evaluate --run=mine --split=csv:new.csv"
TABLE = ["a,b,y", *(f"{row / 8},{row * 7 % 41},{'uv'[row % 2]}" for row in range(40))]
DAYS = [f"2024-0{1 + day // 28}-{1 + day % 28:02}" for day in range(112)]
SERIES = ["t,y", *(f"{day},{row * 7 % 41}" for row, day in enumerate(DAYS))]


def _after(train: str, lines: Sequence[str], new: bytes) -> Callable[[Path], None]:
    """Trains a run on a file of these lines, and writes new data."""

    def write(folder: Path) -> None:
        (folder / "t.csv").write_text("\n".join(lines) + "\n")
        (result,) = run_all([train.split()], folder)
        assert result.code == 0, result.err
        (folder / "new.csv").write_bytes(new)

    return write


def _table(name: str, new: bytes, *says: str) -> Case:
    train = f"{TRAIN} --arch=linear"
    return Case(f"new data {name}", _after(train, TABLE, new), EVALUATE, 2, says)


def _series(name: str, lines: Sequence[str], *says: str, flags: str = "") -> Case:
    train = f"{TRAIN} --task=forecast --context=8 --arch=ar {flags}"
    new = "\n".join(lines).encode()
    return Case(f"a new series {name}", _after(train, SERIES, new), EVALUATE, 2, says)


CASES: list[Case] = [
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
    _series(
        "with a word for a day",
        ["t,y", "yesterday,3", *SERIES[2:]],
        "row 2, column 't': 'yesterday' is not a time that can be compared; expected a number or a"
        " date such as 2024-05-31T18:00\n",
        flags="--time=t",
    ),
]
