"""Odd values: cells of csv files that mean something else than they seem to."""

from collections.abc import Callable, Iterable
from pathlib import Path

from tests.launch.odd_inputs.case import Case

_ROWS = 40


def _table(
    *header: str, rows: Callable[[int], Iterable[object]], separator: str = ",", count: int = _ROWS
) -> Callable:
    """Writes `t.csv`: the header, and a row for each number."""

    def write(folder: Path) -> None:
        lines = [
            separator.join(map(str, cells))
            for cells in (header, *(rows(number) for number in range(count)))
        ]
        (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")

    return write


def _train(*flags: str) -> str:
    return " ".join(["train --dataset=csv:t.csv --epochs=1 --arch=linear --batch_size=8", *flags])


def _plan(*flags: str) -> str:
    return " ".join(["plan --dataset=csv:t.csv --arch=linear --batch_size=8", *flags])


def _of(column: Callable[[int], object], **more: object) -> Callable:
    """A table of the column `a`, another number and classes u and v."""
    return _table("a", "b", "y", rows=lambda n: (column(n), n % 7, "uv"[n % 2]), **more)  # type: ignore[arg-type]


def _target(column: Callable[[int], object], **more: object) -> Callable:
    """A table of a number and the target `y`."""
    return _table("a", "y", rows=lambda n: (n % 7, column(n)), **more)  # type: ignore[arg-type]


def _quoted(text: str) -> str:
    return f'"{text}"'


_DATE = "is a date or a time"

CASES: list[Case] = [
    Case(
        "decimal commas are named with their flag",
        _of(lambda n: f"{n},7", separator=";"),
        _plan("--target=y"),
        2,
        ("row 2, column 'a': '0,7' is a number written with ','; --decimal=, reads it as 0.7",),
    ),
    Case(
        "decimal commas after tabs are read by their flag",
        _of(lambda n: f"{n},7", separator="\t"),
        _train("--target=y", "--decimal=,"),
        says=("6 parameters",),
    ),
    Case(
        "a target with decimal commas",
        _target(lambda n: f"{n % 9},{n % 4}", separator=";"),
        _plan("--target=y"),
        2,
        ("column 'y': '0,0' is a number written with ','; --decimal=, reads it as 0;",),
    ),
    Case(
        "a target with decimal commas by its flag",
        _target(lambda n: f"{n % 9},{n % 4}", separator=";"),
        _train("--target=y", "--decimal=,", "--learning_rate=0.01"),
        says=("mse",),
    ),
    Case(
        "percent signs",
        _of(lambda n: f"{n + 40}%"),
        _plan("--target=y"),
        2,
        ("'40%' is a number with a sign; --numbers=a reads it as 40;", "--drop=a leaves it out"),
    ),
    Case(
        "percent signs by their flag",
        _of(lambda n: f"{n + 40}%"),
        _train("--target=y --numbers=a"),
        says=("6 par",),
    ),
    Case(
        "dollars",
        _of(lambda n: f"$ {n}.00"),
        _plan("--target=y"),
        2,
        ("'$ 0.00' is a number with a sign",),
    ),
    Case(
        "euros after the number",
        _of(lambda n: f"{n}.50 €"),
        _plan("--target=y"),
        2,
        ("--numbers=a reads it as 0.5",),
    ),
    Case(
        "kilograms",
        _of(lambda n: f"{n} kg"),
        _plan("--target=y"),
        2,
        ("'0 kg' is a number with a sign",),
    ),
    Case(
        "thousands with commas",
        _of(lambda n: _quoted(f"{n + 1},250")),
        _plan("--target=y"),
        2,
        (
            (
                "'1,250' is a number written with ','; --thousands=, reads it as 1250; --decimal=,"
                " reads it as 1.25"
            ),
        ),
    ),
    Case(
        "thousands with commas by their flag",
        _of(lambda n: _quoted(f"{n + 1},250")),
        _train("--target=y --thousands=,"),
        says=("6 parameters",),
    ),
    Case(
        "thousands with points and decimal commas",
        _of(lambda n: f"1.{n + 100},5", separator=";"),
        _train("--target=y --thousands=. --decimal=,"),
        says=("6 parameters",),
    ),
    Case("a Unicode minus", _of(lambda n: f"−{n}"), _train("--target=y"), says=("6 parameters",)),
    Case(
        "bounds among lab values",
        _of(lambda n: "<0.5" if n % 2 else n),
        _plan("--target=y"),
        2,
        ("--missing='<0.5'",),
    ),
    Case(
        "negative numbers in parentheses",
        _of(lambda n: f"({n}.5)"),
        _plan("--target=y"),
        2,
        ("reads it as -0.5",),
    ),
    Case(
        "dates",
        _of(lambda n: f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}"),
        _plan("--target=y"),
        2,
        ("row 2, column 'a': '2024-01-01' is a date or a time; --drop=a leaves the column out",),
    ),
    Case(
        "dates that are dropped",
        _of(lambda n: f"2024-01-{n % 28 + 1}"),
        _train("--target=y --drop=a"),
        says=("4 par",),
    ),
    Case(
        "dates as one number",
        _of(lambda n: f"202401{n % 28 + 1:02}"),
        _plan("--target=y"),
        2,
        (_DATE,),
    ),
    Case(
        "times with a zone",
        _of(lambda n: f"2024-01-01T10:{n:02}:00Z"),
        _plan("--target=y"),
        2,
        (_DATE,),
    ),
    Case(
        "months by name",
        _of(lambda n: f"{n % 28 + 1} March 2020"),
        _plan("--target=y"),
        2,
        (_DATE,),
    ),
    Case("times of day", _of(lambda n: f"{n % 24}:15"), _plan("--target=y"), 2, (_DATE,)),
    Case(
        "a target of dates",
        _target(lambda n: f"2024-01-{n % 28 + 1:02}"),
        _plan("--target=y"),
        2,
        ("is a date",),
    ),
    Case(
        "a dash in most rows of a lab value",
        _of(lambda n: "-" if n % 5 < 3 else n),
        _plan("--target=y"),
        2,
        ("row 2, column 'a': the value is missing ('-'); fill it in or set --impute",),
    ),
    Case(
        "a dash in most rows, filled",
        _of(lambda n: "-" if n % 5 < 3 else n),
        _train("--target=y --impute=mean"),
        says=(
            "note: csv:t.csv: column 'a': '-' is read as a missing value, in 24 of 40 rows.",
            "6 parameters",
        ),
    ),
    Case(
        "Excel's missing value",
        _of(lambda n: n if n % 9 else "#N/A"),
        _train("--target=y --impute=mean"),
        says=("6 p",),
    ),
    Case(
        "another word for a missing value",
        _of(lambda n: "neg" if n % 5 < 3 else n),
        _plan("--target=y"),
        2,
        ("'neg' is not a number, but 16 of the column's 40 values are; --missing=neg reads it",),
    ),
    Case(
        "a number for a missing value",
        _of(lambda n: n if n % 4 else -999),
        _train("--target=y --missing=-999 --impute=median"),
        says=("'-999' is read as a missing value, in 10 of 40 rows",),
    ),
    Case(
        "NA as a class",
        _target(lambda n: ["NA", "EU", "AS"][n % 3], count=90),
        _train("--target=y"),
        says=("column 'y': 'NA' is a text; --missing=NA reads it as a missing value", "accuracy"),
    ),
    Case(
        "Namibia",
        _of(lambda n: ["NA", "DE", "FR"][n % 3]),
        _train("--target=y"),
        says=("column 'a': 'NA' is a text", "10 parameters"),
    ),
    Case(
        "labels beside a missing value of pandas",
        _target(lambda n: f"{n % 2}.0"),
        _train("--target=y"),
        says=(
            "the target 'y' has 2 different whole numbers (0, 1) and is read as classes",
            "accuracy",
        ),
    ),
    Case(
        "26 letters as numbers",
        _target(lambda n: n % 26 + 1, count=520),
        _train("--target=y"),
        says=(
            (
                "has 26 different whole numbers (1, 2, 3, ...) and is read as classes;"
                " --task=regression"
            ),
            "accuracy",
        ),
    ),
    Case(
        "labels as a quantity",
        _target(lambda n: n % 2),
        _train("--target=y --task=regression"),
        says=("mse",),
    ),
    Case(
        "a count that is made classes",
        _target(lambda n: 1000 + 500.5 * (n % 2)),
        _train("--target=y --task=classification"),
        says=("accuracy",),
    ),
    Case(
        "a number that one run of twelve has to train on",
        _of(lambda n: 7 if n == 11 else ""),
        _plan("--target=y --impute=mean --seeds=12"),
        says=(
            (
                "column 'a' has 1 value in 40 rows; a run whose training rows have none of them"
                " fills it with 0"
            ),
        ),
    ),
    Case(
        "a column that is always the same",
        _of(lambda n: 3),
        _plan("--target=y"),
        says=("column 'a' is the same in all 40 rows",),
    ),
    Case(
        "codes with leading zeros",
        _of(lambda n: ["01000", "02000", "10000"][n % 3]),
        _train("--target=y"),
        says=(
            (
                "column 'a' has codes with leading zeros ('01000') and is read as categories;"
                " --numbers=a"
            ),
            "10 param",
        ),
    ),
    Case(
        "codes as numbers",
        _of(lambda n: f"0{n}"),
        _train("--target=y --numbers=a"),
        says=("6 parameters",),
    ),
    Case(
        "ids of 16 digits",
        _of(lambda n: 1234567890123456 + n),
        _plan("--target=y"),
        2,
        ("'1234567890123456' has 16 digits, as ids have; --drop=a leaves the column out",),
    ),
    Case(
        "names",
        _of(lambda n: f"name {n}"),
        _plan("--target=y"),
        2,
        (
            "has 40 different texts in 40 rows, like names or ids, too many",
            "--drop=a leaves it out",
        ),
    ),
    Case(
        "a column that counts the rows",
        _of(lambda n: n),
        _plan("--target=y"),
        says=("column 'a' counts the rows",),
    ),
    Case(
        "a constant target",
        _target(lambda n: 5),
        _plan("--target=y"),
        2,
        ("all 40 rows have one class, '5'",),
    ),
    Case(
        "a constant quantity",
        _target(lambda n: 2.5),
        _plan("--target=y"),
        2,
        ("all 40 rows have the value 2.5",),
    ),
    Case(
        "all kinds as categories",
        _of(lambda n: f"{n % 3},5", separator=";"),
        _train("--target=y --categories=a"),
        says=("10 p",),
    ),
    Case(
        "a kind of no column",
        _of(lambda n: n),
        _plan("--target=y --numbers=c"),
        2,
        ("numbers=c: t.csv has",),
    ),
    Case(
        "marks that contradict",
        _of(lambda n: n),
        _plan("--target=y --thousands=."),
        2,
        ("is the decimal mark already",),
    ),
    Case(
        "a regression that diverges",
        _target(lambda n: 1000.5 * n),
        _train("--target=y --learning_rate=1e30"),
        3,
        ("diverged at step", "try a smaller --learning_rate than 1"),
    ),
    Case(
        "a regression that diverges on targets as they are",
        _target(lambda n: 1000.5 * n),
        _train("--target=y --target_scaling=none --learning_rate=1e30"),
        3,
        (
            "try --target_scaling=standard (the targets are not scaled) or a smaller"
            " --learning_rate",
        ),
    ),
    Case(
        "a regression at its defaults",
        _target(lambda n: 1e5 * n),
        _train("--target=y"),
        says=("target_scaling=standard", "learning_rate=0.001", "metrics are in the data's units"),
    ),
]
