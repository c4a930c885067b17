"""Odd splits: groups and files that contradict the data, and folds that cannot be."""

from collections.abc import Callable
from pathlib import Path

from tests.launch.odd_inputs.case import Case

ROWS = range(40)
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"
STACK = "--ensemble=stack([arch=linear|learning_rate=0.3],folds=5)"


def _table(
    y: Callable[[int], str], group: Callable[[int], object] = lambda row: row // 8
) -> Callable[[Path], object]:
    """Writes a table of a number, a group and the target."""
    lines = ["a,who,y", *(f"{row * 7 % 11 / 4},{group(row)},{y(row)}" for row in ROWS)]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n")


def _two(row: int) -> str:
    return "uv"[row % 2]


def _with_split(text: str) -> Callable[[Path], object]:
    """Writes the table with two classes, and a file of a split."""

    def write(folder: Path) -> None:
        _table(_two)(folder)
        (folder / "s.csv").write_text(text)

    return write


CASES: list[Case] = [
    Case(
        "more folds than rows of a class",
        _table(lambda row: "v" if row < 3 else "u"),
        f"{PLAN} --split=stratified_kfold(5)",
        code=2,
        says=("class 'v' has 3 of 40 rows, too few for one in each of 5 folds",),
    ),
    Case(
        "more folds than rows",
        _table(_two),
        f"{PLAN} --split=kfold(50)",
        code=2,
        says=("there are 40 rows, and a fold needs one",),
    ),
    Case(
        "a target of numbers that is to be stratified",
        _table(lambda row: f"{row * 3.7 + 0.5:.2f}"),
        f"{PLAN} --split=stratified_kfold(5) --fold=0",
        code=2,
        says=("the targets of csv:t.csv are not one class per row; use kfold or group_kfold",),
    ),
    Case(
        "a group in training and test rows",
        _table(_two),
        f"{PLAN} --group=who",
        code=2,
        says=("split=8:1:1 puts rows of one group (group=who) into training and test rows",),
    ),
    Case(
        "groups of whole numbers, the column of which is no input",
        _table(_two),
        f"{PLAN} --split=group_kfold(5,group=who)",
        says=("5 runs",),
    ),
    Case(
        "fewer groups than folds",
        _table(_two),
        f"{PLAN} --split=group_kfold(6,group=who)",
        code=2,
        says=("5 groups cannot be divided into 6 folds",),
    ),
    Case(
        "a row without a group",
        _table(_two, lambda row: "" if row == 4 else row // 8),
        f"{PLAN} --split=group_kfold(3,group=who)",
        code=2,
        says=("t.csv, row 6, column 'who': the row has no group",),
    ),
    Case(
        "one group for all rows",
        _table(_two, lambda row: "A"),
        f"{PLAN} --split=group_kfold(3,group=who)",
        code=2,
        says=("column 'who': all rows are of one group",),
    ),
    Case(
        "a stack with more folds than training rows of a class",
        _table(lambda row: "v" if row < 4 else "u"),
        f"{PLAN} --split=8:2 {STACK}",
        code=2,
        says=(
            "inner_folds=5 of the 32 training rows: class 'v' has 3 of 32 rows, too few for one",
        ),
    ),
    Case(
        "a stack with more folds than groups of training rows",
        _table(_two),
        f"{PLAN} --split=group_kfold(5,group=who) --fold=0 {STACK}",
        code=2,
        says=("inner_folds=5 of the 32 training rows: 4 groups cannot be divided into 5 folds",),
    ),
    Case(
        "a stack of rows in the order of time",
        _table(_two),
        f"{PLAN} --split=time_series(3) --fold=2 {STACK}",
        code=2,
        says=("the inner folds of stack are drawn at random, and would train on rows after those",),
    ),
    Case(
        "a vote of one arm with itself",
        _table(_two),
        f"{PLAN} --ensemble=vote([arch=linear|arch=linear])",
        code=2,
        says=("members 0 and 1 are the same run; give each other settings",),
    ),
    Case(
        "a long sequence with a shuffled splitter",
        lambda folder: folder,
        "plan --dataset=noisy_ar2 --arch=ar --split=shuffle(3)",
        code=2,
        says=("noisy_ar2 is one long sequence: windows in different folds would overlap",),
    ),
    Case(
        "early stopping without validation rows in the folds",
        _table(_two),
        f"{PLAN} --split=time_series(3) --regularization=early_stopping=2",
        code=2,
        says=("leaves none; try --split='time_series(3,gap=0,validation=0.1)'",),
    ),
    Case(
        "a file of a split with a part of another name",
        _with_split("row,part\n0,train\n1,testing\n"),
        f"{PLAN} --split=file:s.csv",
        code=2,
        says=("s.csv, row 3: part 'testing' is none of train, validation and test",),
    ),
    Case(
        "a file of a split with a row that trains and tests",
        _with_split("row,part\n0,train\n1,test\n0,test\n"),
        f"{PLAN} --split=file:s.csv",
        code=2,
        says=("s.csv, row 4: row 0 is in line 2 already",),
    ),
    Case(
        "a file of a split for more rows than there are",
        _with_split("row,part\n0,train\n40,test\n"),
        f"{PLAN} --split=file:s.csv",
        code=2,
        says=("row 40 is beyond the last row of csv:t.csv, 39; rows are counted from 0",),
    ),
    Case(
        "a file of a split that cuts a group between training and validation rows",
        _with_split(
            "row,part\n"
            + "".join(
                f"{row},{'train' if row < 20 else 'validation' if row < 32 else 'test'}\n"
                for row in ROWS
            )
        ),
        f"{PLAN} --split=file:s.csv --group=who",
        code=2,
        says=("rows 16 and 20 are of one group, and they are in the parts train and validation",),
    ),
    Case(
        "a file of a split saved by a spreadsheet, with a byte-order mark",
        lambda folder: (
            _table(_two)(folder),
            (folder / "s.csv").write_text(
                "row,part\r\n"
                + "".join(f"{row},{'test' if row % 5 == 0 else 'train'}\r\n" for row in ROWS),
                "utf-8-sig",
            ),
        ),
        f"{PLAN} --split=file:s.csv",
        says=("1 run",),
    ),
]
