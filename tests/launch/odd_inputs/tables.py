"""Odd tables: csv files whose numbers and names are spelled in ways that are easily merged or
mistaken."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case

ROWS = range(40)
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_LARGE = 1234567890123456789


def _column(cell: Callable[[int], object]) -> Callable[[Path], object]:
    """Writes a table of the column `a`, another number and the classes u and v."""
    lines = ["a,b,y", *(f"{cell(row)},{row * 7 % 11 / 4},{'uv'[row % 2]}" for row in ROWS)]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _classes(cell: Callable[[int], object]) -> Callable[[Path], object]:
    """Writes a table of a number and the target `y`."""
    lines = ["a,y", *(f"{row * 7 % 11 / 4},{cell(row)}" for row in ROWS)]
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _reads(value: Callable[[int], float]) -> Callable[[Path], None]:
    """Checks the numbers of the column `a`."""

    def check(folder: Path) -> None:
        (file,) = (folder / ".cache" / "arrays").glob("csv_*/x.npy")
        np.testing.assert_allclose(np.load(file)[:, 0], [value(row) for row in ROWS], rtol=1e-6)

    return check


def _in_parentheses(row: int) -> str:
    return f'"({row + 1},234)"' if row % 3 == 0 else f'"{row + 1},500"'


def _drawn(page: Path) -> None:
    """Checks that a page has findings and histograms."""
    text = page.read_text("utf-8")
    assert "like an identifier" in text
    assert "<svg" in text


CASES: list[Case] = [
    Case(
        "many columns that are the same in all rows",
        lambda folder: (folder / "t.csv").write_text(
            "c,d,e,f,a,y\n" + "".join(f"1,2,k,3,{r},{r % 2}\n" for r in ROWS)
        ),
        PLAN,
        says=("columns 'c', 'd', 'e' and 1 more are each the same in all 40 rows",),
    ),
    Case(
        "a column twice",
        lambda folder: (folder / "t.csv").write_text(
            "a,b,y\n" + "".join(f"{r}.5,{r}.5,{r % 2}\n" for r in ROWS)
        ),
        PLAN,
        says=("a column repeats another in all rows (the first: 'b' is 'a')",),
    ),
    Case(
        "thousands and negative numbers in parentheses",
        _column(_in_parentheses),
        PLAN,
        2,
        (
            "row 2, column 'a': '(1,234)' is a number",
            "--thousands=, --numbers=a reads it as -1234;",
        ),
    ),
    Case(
        "thousands and negative numbers in parentheses by their flags",
        _column(_in_parentheses),
        f"{PLAN} --thousands=, --numbers=a",
        reads=_reads(lambda row: row * 1000 + (1500 if row % 3 else -row * 2000 - 1234)),
    ),
    Case(
        "negative numbers in parentheses name their flag",
        _column(lambda row: f"({row + 1}.5)" if row % 3 == 0 else row),
        PLAN,
        2,
        ("'(1.5)' is a number written with '(.)'; --numbers=a reads it as -1.5",),
    ),
    Case(
        "thousands with blanks that do not break",
        _column(lambda row: f"{row + 1}\u00a0{row * 31 % 900 + 100}"),
        PLAN,
        2,
        (r"'1\xa0100' is a number", '--thousands=" " reads it as 1100'),
    ),
    Case(
        "thousands with blanks that do not break by their flag",
        _column(lambda row: f"{row + 1}\u202f100"),
        f"{PLAN} --thousands=' '",
        reads=_reads(lambda row: 1000 * row + 1100),
    ),
    Case(
        "thousands with _",
        _column(lambda row: f"{row}_000"),
        PLAN,
        2,
        ("--thousands=_ reads it as 0",),
    ),
    Case(
        "groups of two digits",
        _column(lambda row: f'"{row + 1},23,456"'),
        PLAN,
        2,
        ("'1,23,456' is a number written with ','; --thousands=, reads it as 123456;",),
    ),
    Case(
        "groups of two digits by their flag",
        _column(lambda row: f'"{row + 1},23,456"'),
        f"{PLAN} --thousands=,",
        reads=_reads(lambda row: 100_000 * row + 123_456),
    ),
    Case(
        "wide digits",
        _column(lambda row: str(row * 3 % 40 + 10).translate(_WIDE)),
        PLAN,
        reads=_reads(lambda row: row * 3 % 40 + 10),
    ),
    Case(
        "Arabic digits",
        _column(lambda row: str(row * 3 % 40 + 10).translate(_ARABIC)),
        PLAN,
        reads=_reads(lambda row: row * 3 % 40 + 10),
    ),
    Case(
        "exponents of both cases",
        _column(lambda row: ["1e5", "1E5", "+2.5E-3"][row % 3]),
        PLAN,
        reads=_reads(lambda row: [1e5, 1e5, 2.5e-3][row % 3]),
    ),
    Case(
        "ids of 19 digits as numbers",
        _column(lambda row: _LARGE + row),
        f"{PLAN} --numbers=a",
        says=(
            (
                "40 different whole numbers beyond 2^53, and float64 tells only 1 of them apart;"
                " --categories=a"
            ),
        ),
    ),
    Case(
        "negative ids of 19 digits",
        _column(lambda row: -_LARGE - row),
        PLAN,
        says=("40 different whole numbers beyond 2^53, and float64 tells only 1 of them apart",),
    ),
    Case(
        "-999 among small numbers",
        _column(lambda row: row / 7 if row % 4 else -999),
        PLAN,
        says=(
            "column 'a': -999, in 10 of 40 rows, lies far from all other values",
            "--missing=-999 reads it as a",
        ),
    ),
    Case(
        "-999.0 for a missing value that is said to be -999",
        _column(lambda row: row / 8 if row % 4 else "-999.0"),
        f"{PLAN} --missing=-999 --impute=mean",
        says=("column 'a': '-999.0' is read as a missing value, in 10 of 40 rows",),
        reads=_reads(lambda row: row / 8 if row % 4 else np.nan),
    ),
    Case(
        "gaps that are filled by the median of a column that is not there",
        _column(lambda row: "" if row % 5 else row / 7),
        f"{PLAN} --impute=median(by=c)",
        2,
        ("impute=median(by=c): csv:t.csv has no column 'c'; known: a, b",),
    ),
    Case(
        "gaps with indicators, on a curve",
        _column(lambda row: "" if row % 5 else row / 7),
        f"{PLAN} --impute=indicator(median) --scaling=log",
        2,
        ("impute=indicator(median) cannot be combined with scaling=log; use --scaling=standard",),
    ),
    Case(
        "gaps with indicators, for a network that embeds categories",
        _column(lambda row: "" if row % 5 else row / 7),
        PLAN.replace("linear", "ft_transformer") + " --impute=indicator(median)",
        2,
        ("arch=ft_transformer takes", "features made of them; use"),
    ),
    Case(
        "gaps that are filled by an unknown method",
        _column(lambda row: "" if row % 5 else row / 7),
        f"{PLAN} --impute=knn(5)",
        2,
        ("impute=knn(5): allowed are mean, median, most_frequent, and one of these",),
    ),
    Case(
        "telephone numbers",
        _column(lambda row: f"+4930123{row:04}"),
        PLAN,
        2,
        ("row 2, column 'a': '+49301230000' looks like a telephone number; --drop=a leaves",),
    ),
    Case(
        "more than half of a column missing",
        _column(lambda row: "NULL" if row % 5 < 3 else row / 7),
        f"{PLAN} --impute=mean",
        says=("column 'a' has no value in 24 of 40 rows",),
    ),
    Case(
        "a target of few numbers with decimals",
        _classes(lambda row: ["0.5", "1.5", "2"][row % 3]),
        PLAN,
        says=(
            (
                "the target 'y' has 3 different numbers (0.5, 1.5, 2) and is read as a quantity;"
                " --task=classification reads it as classes"
            ),
        ),
    ),
    Case(
        "an infinite number",
        _column(lambda row: "inf" if row == 3 else row),
        PLAN,
        2,
        (
            "row 5, column 'a': 'inf' is not a finite number",
            "--missing=inf reads it as a missing value",
        ),
    ),
    Case(
        "truth in two cases",
        _column(lambda row: ["True", "true", "FALSE"][row % 3]),
        PLAN,
        says=("column 'a': 'True' and 'true' look alike, but are read as different",),
    ),
    Case(
        "truth as numbers and texts",
        _column(lambda row: ["1", "0", "TRUE", "FALSE"][row % 4]),
        PLAN,
        says=("column 'a' has numbers ('0') and texts ('FALSE'), and is read as categories",),
    ),
    Case(
        "classes that are composed differently",
        _classes(lambda row: unicodedata.normalize("NFD" if row % 2 else "NFC", "café")),
        PLAN,
        says=("look alike, but are read as different",),
    ),
    Case(
        "a class with a line break in an error",
        _classes(lambda row: "c" if row else '"a\nb"'),
        PLAN,
        2,
        (r"error: class 'a\nb' has too few rows (1 of 40)",),
    ),
    Case(
        "every column that cannot be read is listed at once",
        lambda folder: (folder / "t.csv").write_text(
            "id,name,note,gap,y\n"
            + "".join(
                f"{r + 1},person {r},{'' if r else '?'},{r % 3 or ''},{r % 2}\n" for r in ROWS
            )
        ),
        "doctor --dataset=csv:t.csv --target=y --html=page",
        1,
        (
            "column 'name' has 40 different texts in 40 rows, like names or ids",
            "Remedy: --drop=name leaves it out",
            "column 'id' has a different whole number in each row, like an identifier",
            "column 'gap' has no value in 3",
            "wrote page/index.html",
        ),
        lambda folder: _drawn(folder / "page/index.html"),
    ),
]
