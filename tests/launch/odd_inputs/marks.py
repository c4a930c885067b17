"""Odd marks about numbers, and names that may mean the same."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tests.launch.odd_inputs.case import Case

ROWS = range(40)
PLAN = "plan --dataset=csv:t.csv --arch=linear --batch_size=8 --target=y"


def _table(columns: Mapping[str, Callable[[int], object]]) -> Callable[[Path], object]:
    """Writes a table of a number, these columns and the classes u and v."""
    lines = [",".join(["b", *columns, "y"])]
    for row in ROWS:
        cells = [str(cell(row)) for cell in columns.values()]
        lines.append(",".join([str(row * 7 % 11 / 4), *cells, "uv"[row % 2]]))
    return lambda folder: (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _names(*names: str) -> Callable[[int], str]:
    return lambda row: names[row * 5 % 7 % len(names)]


def _marks_of_other_scripts(folder: Path) -> None:
    (file,) = (folder / ".cache" / "arrays").glob("csv_*/x.npy")
    expected = [row % 7 + 0.5 for row in ROWS]
    np.testing.assert_array_equal(np.load(file)[:, 1], expected)
    np.testing.assert_array_equal(np.load(file)[:, 2], expected)


CASES: list[Case] = [
    Case(
        "decimal marks of other scripts",
        _table(
            {
                "arabic": lambda row: f"{'٠١٢٣٤٥٦'[row % 7]}٫٥",
                "wide": lambda row: f"{'０１２３４５６'[row % 7]}．５",
            }
        ),
        PLAN,
        reads=_marks_of_other_scripts,
    ),
    Case(
        "numbers that are marked",
        _table(
            {
                "quoted": lambda row: f'"=""{row % 7}"""',
                "apostrophe": lambda row: f"'{row % 7}",
                "middle": lambda row: f"{row % 7}·5",
                "footnote": lambda row: f"{row % 7}*",
                "fortran": lambda row: f"{row % 7}.5D+02",
                "hexadecimal": lambda row: (row % 7 / 3).hex(),
                "clock": lambda row: f"{row % 7}:10.5",
                "long": lambda row: f"{100 + row % 7}:30",
                "days": lambda row: f"{row % 7} days 02:00:00",
                "list": _names('"[0, 1]"', "[0]", "[1]"),
                "several": _names("a", "a|b", "b"),
            }
        ),
        PLAN,
        says=(
            "column 'quoted' has numbers marked as texts ('=\"0\"') and is read as 7 categories; for"
            " a quantity write them without the mark",
            "column 'apostrophe' has numbers marked as texts",
            "column 'middle' has numbers with another decimal mark ('0·5')",
            "column 'footnote' has numbers with footnotes ('0*')",
            "column 'fortran' has numbers as Fortran writes them ('0.5D+02')",
            "column 'hexadecimal' has hexadecimal numbers ('0x0.0p+0')",
            "column 'clock' has durations ('0:10.5')",
            "column 'long' has durations ('100:30')",
            "column 'days' has durations ('0 days 02:00:00')",
            "column 'list' has lists ('[0, 1]')",
            "column 'several': 'a|b' joins 'a' and 'b', and is read as a category beside them",
        ),
    ),
    Case(
        "names that may mean the same",
        _table(
            {
                "truth": _names("Yes", "no", "TRUE", "f"),
                "letters": _names("cat", "c\u0430t", "dog"),
                "numbers": _names("one", "1", "01", "two", "three", "four"),
            }
        ),
        PLAN,
        says=(
            "column 'truth': 'TRUE' and 'Yes' may be the same, but are read as different",
            "column 'letters': 'cat' and 'c\u0430t' look alike",
            "column 'numbers': '01' and '1' are the same number, but are read as different",
        ),
    ),
]
