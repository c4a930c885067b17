"""Tables of results that were trained elsewhere: the same numbers as our own, and bad files."""

import math

import numpy as np
import pytest
from scipy import stats

from research.analysis.external import external_table, read_results
from research.analysis.render import render
from research.errors import UserError

METHODS = ("none", "dropout")
VALUES = {
    "none": [0.90, 0.92, 0.91, 0.95, 0.93, 0.94, 0.90, 0.96],
    "dropout": [0.92, 0.95, 0.92, 0.97, 0.96, 0.95, 0.93, 0.98],
}


def frame() -> dict[str, list]:
    return {
        "method": [method for method in METHODS for _ in range(8)],
        "seed": [seed for _ in METHODS for seed in range(8)],
        "accuracy": [value for method in METHODS for value in VALUES[method]],
        "nll": [1 - value for method in METHODS for value in VALUES[method]],
    }


def built(data=None, pair="seed", columns=("accuracy", "nll"), baseline="none"):
    return external_table(
        read_results(frame() if data is None else data), "method", pair, columns, baseline
    )


def test_intervals_and_tests_are_those_of_scipy():
    """The t-interval and the p of all sign flips are scipy's, within float64 rounding."""
    table = built()
    accuracy, nll = table.row("dropout").cells
    values = np.array(VALUES["dropout"])
    low, high = stats.t.interval(0.95, 7, values.mean(), stats.sem(values))
    assert accuracy.interval.mean == pytest.approx(values.mean())
    assert accuracy.interval.half_width == pytest.approx((high - low) / 2)
    difference = values - np.array(VALUES["none"])
    test = stats.permutation_test(
        (difference,), np.sum, permutation_type="samples", n_resamples=np.inf
    )
    assert accuracy.p == pytest.approx(test.pvalue)
    assert (accuracy.verdict, nll.verdict) == ("better", "better")
    assert "Higher is better: accuracy." in table.footer
    assert "Lower is better: nll." in table.footer
    markdown = render(table, "md")
    assert "**0.948" in markdown  # as in the file, not in percent
    assert "| method " in markdown
    assert "| arm " not in markdown
    assert "verdict on other seeds |" in markdown


def test_a_csv_file_and_columns_give_one_table(tmp_path):
    rows = zip(*frame().values(), strict=True)
    lines = [",".join(frame()), *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "runs.csv").write_text("\n".join(lines))
    tables = [built(), built(tmp_path / "runs.csv")]
    assert tables[0].rows[1].cells == tables[1].rows[1].cells
    assert tables[1].footer[-1] == f"Values: {tmp_path / 'runs.csv'}."


def test_a_pandas_frame_is_a_mapping_of_columns():
    pandas = pytest.importorskip("pandas")
    assert built(pandas.DataFrame(frame())).rows[1].cells == built().rows[1].cells


def test_values_may_be_paired_by_words_and_lack_some():
    data = frame() | {"fold": [f"f{seed}" for _ in METHODS for seed in range(8)]}
    short = {name: values[:-2] for name, values in data.items()}
    table = built(short, pair="fold")
    cell = table.row("dropout").cells[0]
    assert (cell.count("missing"), cell.difference.n) == (2, 6)
    assert "Rows that lack a fold: dropout (f6, f7)." in table.footer
    assert "paired by fold" in table.caption
    assert "A seed is a value of 'fold' here." in table.footer


def test_empty_and_infinite_values_are_outcomes(tmp_path):
    lines = ["method,seed,loss", "a,0,", "a,1,inf", "a,2,nan", "a,3,1", "b,0,1", "b,1,2", "b,2,3"]
    (tmp_path / "runs.csv").write_text("\n".join([*lines, "b,3,2"]))
    table = built(tmp_path / "runs.csv", columns=["loss"], baseline="b")
    assert table.row("a").cells[0].outcomes == ("missing", "diverged", "undefined", "finished")
    assert table.row("a").cells[0].verdict == "no test: diverged"


def test_which_values_are_better_can_be_said():
    for text, better in (("nll:higher", "higher"), ("accuracy:lower", "lower"), ("nll", "lower")):
        assert built(columns=[text]).columns[0].better == better
    odd = frame() | {"a:b": [math.pi] * 16}
    assert built(odd, columns=["a:b"]).columns[0].metric == "a:b"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "runs.csv has no rows"),
        ("method,seed,accuracy\n", "runs.csv has no rows"),
        ("method,seed\na,0\n", "runs.csv has no column 'accuracy'; "),
        ("method,seed,accuracy\na,0,1\na,1\n", r"line 3: 2 fields, but the header has 3"),
        ("method,seed,accuracy\na,0,x\n", "line 2: accuracy is 'x', which is not a number"),
        (
            "method,seed,accuracy\na,0,1\nb,0,1\na,0,2\n",
            "line 4: a second value of method 'a' at seed '0' .*line 2.; give one line per method",
        ),
        ("method,method,accuracy\na,0,1\n", "has two columns 'method'"),
        ("method,seed,accuracy\na,0,1\nb,0,1\n", "the baseline 'none' is not a row"),
    ],
)
def test_a_bad_file_is_one_clear_line(text, says, tmp_path):
    (tmp_path / "runs.csv").write_text(text)
    with pytest.raises(UserError, match=says) as error:
        built(tmp_path / "runs.csv", columns=["accuracy"])
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*gone.csv: No such file"):
        read_results(tmp_path / "gone.csv")
    (tmp_path / "bytes.csv").write_bytes(b"a,b\n\xff\xfe\x00,1\n")
    with pytest.raises(UserError, match="not a csv file in UTF-8"):
        read_results(tmp_path / "bytes.csv")
    with pytest.raises(UserError, match="different lengths: a has 1, b has 2 values"):
        read_results({"a": [1], "b": [1, 2]})
    with pytest.raises(UserError, match="column 'nll:low': write nll:higher or nll:lower"):
        built(columns=["nll:low"])


def test_the_texts_name_what_pairs_the_values():
    data = frame() | {"fold": [f"f{seed}" for _ in METHODS for seed in range(8)]}
    texts = " ".join([(table := built(data, pair="fold")).caption, *table.footer])
    assert "paired by seed" not in texts
    assert "All pairs of rows are compared together, by sign flips (exact) paired by fold" in texts
    assert "Intervals and verdicts are about other values of fold" in table.caption
    assert "R²" not in " ".join(built(frame() | {"nll": [math.nan] * 16}).footer)


def test_differences_without_intervals_are_not_said_to_have_some():
    short = {name: [*values[:3], *values[8:11]] for name, values in frame().items()}
    text = " ".join(built(short).footer)
    assert "so Δ has no interval" in text
    assert "An interval of Δ" not in text


@pytest.mark.parametrize(
    ("text", "pair", "says"),
    [
        ("method;seed;accuracy\na;0;1\n", "seed", "separated by ';': save it with commas"),
        ("method,seed,accuracy\na,0,90%\n", "seed", "line 2: accuracy is '90%', which is not a"),
        ('method,seed,accuracy\na,0,"0,9"\n', "seed", "write 0.9, with a point"),
        ("method,seed,accuracy\na,0,1\n", "method", "--row and --pair are both 'method'"),
    ],
)
def test_files_of_other_habits_get_a_hint(tmp_path, text, pair, says):
    (tmp_path / "runs.csv").write_text(text)
    with pytest.raises(UserError, match=says):
        built(tmp_path / "runs.csv", pair=pair, columns=["accuracy"], baseline=None)


def test_all_columns_can_be_one_family():
    """nll is 1 - accuracy, so that a second column repeats the first: p stays what it was, and the
    caption says what it is corrected for."""
    results = read_results(frame())
    together = external_table(
        results, "method", "seed", ("accuracy", "nll"), "none", family="table"
    )
    accuracy, nll = together.row("dropout").cells
    assert accuracy.p_adjusted == nll.p_adjusted == built().row("dropout").cells[0].p_adjusted
    assert "simultaneous 95 % interval over the rows and columns." in together.caption
    assert "corrected for the row of all 2 columns" in together.footer[0]
    assert "with all rows and columns flipped together." in together.footer[0]
    assert (together.tested_together, together.tree()["family"]) == (2, "table")
