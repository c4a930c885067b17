"""Views of a table: which rows are kept, their order, the columns that are shown, and what cannot
be asked for."""

import csv
import io

import pytest

from research.analysis.arms_table import Column
from research.analysis.axes import sweep_table
from research.analysis.render import render
from research.analysis.runs_table import runs_of
from research.analysis.table_builder import build_table
from research.analysis.view import View
from research.errors import UserError
from tests.support.records import arm, record

ACCURACY = Column("test accuracy", "test/accuracy")


@pytest.fixture(scope="module")
def sweep():
    """Accuracy 0.9 at a rate of 0.1 and without dropout, less elsewhere; sgd diverges at a rate of
    1."""
    runs = []
    for optimizer in ("sgd", "adam"):
        for rate in ("0.01", "0.1", "1"):
            for text, loss in (("none", 0.0), ("dropout=0.25", 0.01), ("dropout=0.5,l2=0.1", 0.02)):
                bad = optimizer == "sgd" and rate == "1"
                accuracy = (
                    0.9
                    - loss
                    - (0.05 if rate != "0.1" else 0.0)
                    - (0.001 if optimizer == "adam" else 0.0)
                )
                runs.append(
                    record(
                        f"{optimizer}{rate}{text}",
                        0,
                        None if bad else accuracy,
                        "diverged" if bad else "finished",
                        optimizer=optimizer,
                        learning_rate=rate,
                        regularization=text,
                    )
                )
    return sweep_table("A sweep", runs, [ACCURACY])


def labels(table) -> list[str]:
    return [",".join(row.arm.settings.values()) for row in table.rows]


def test_a_strength_is_a_column_of_its_own_where_it_varies(sweep):
    assert list(sweep.rows[0].arm.settings) == [
        "optimizer",
        "learning_rate",
        "regularization",
        "regularization.dropout",
    ]
    texts = {row.arm.settings["regularization"] for row in sweep.rows}
    assert texts == {"none", "dropout", "dropout,l2=0.1"}
    rows = list(csv.DictReader(io.StringIO(render(sweep, "csv"))))
    assert sorted({row["regularization.dropout"] for row in rows}) == ["", "0.25", "0.5"]


def test_top_rows_are_the_best_of_the_first_metric(sweep):
    shown = View(top=3).apply(sweep)
    assert labels(shown) == ["sgd,0.1,none,", "adam,0.1,none,", "sgd,0.1,dropout,0.25"]
    assert "3 of 18 rows are shown: sorted by test accuracy, best first." in shown.caption
    assert shown.rows[0] == sweep.rows[labels(sweep).index("sgd,0.1,none,")]  # no number changes


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        (("test/accuracy",), "sgd,0.1,none,", "sgd,1,dropout,l2=0.1,0.5"),  # without a value: last
        (("-test accuracy",), "adam,0.01,dropout,l2=0.1,0.5", "sgd,1,dropout,l2=0.1,0.5"),
        (("-learning_rate", "test accuracy"), "adam,1,none,", "adam,0.01,dropout,l2=0.1,0.5"),
        (
            ("regularization.dropout", "optimizer", "learning_rate"),
            "adam,0.01,dropout,0.25",
            "sgd,1,none,",
        ),
        (("-diverged", "-regularization.dropout"), "sgd,1,dropout,l2=0.1,0.5", "adam,1,none,"),
    ],
)
def test_rows_are_sorted(sweep, sort, first, last):
    order = labels(View(sort=sort).apply(sweep))
    assert (order[0], order[-1], len(order)) == (first, last, 18)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (("optimizer=sgd",), 9),
        (("optimizer=sgd|adam",), 18),
        (("optimizer!=sgd",), 9),
        (("learning_rate=1e-1",), 6),
        (("learning_rate<=0.1", "optimizer=adam"), 6),
        (("regularization.dropout>0",), 12),
        (("regularization.dropout=none",), 6),
        (("regularization=dropout,l2=0.1",), 6),
        (("test accuracy>=88.5%",), 4),
        (("test/accuracy >= 0.885",), 4),
        (("test accuracy (%)>0.88",), 4),
        (("diverged>0",), 3),
        (("optimizer=adam and learning_rate=0.1",), 3),  # one for each regularization
    ],
)
def test_rows_are_chosen(sweep, where, count):
    assert len(View(where=where).apply(sweep).rows) == count


def test_columns_are_chosen_in_their_order(sweep):
    text = render(View(columns=("test accuracy", "learning_rate"), top=1).apply(sweep), "md")
    assert "| test accuracy (%) | learning_rate |" in text
    header, row = csv.reader(
        io.StringIO(render(View(columns=("learning_rate", "mean"), top=1).apply(sweep), "csv"))
    )
    assert (header, row) == (["learning_rate", "mean"], ["0.1", "0.9"])


def test_metrics_of_a_sweep_stand_side_by_side(sweep):
    arms = [row.arm for row in sweep.rows]
    columns = [ACCURACY, Column("error", "test/accuracy", "lower", percent=False)]
    built = build_table("T", arms, columns, None, [0])
    assert (
        sum(
            "test accuracy (%) | error" in " ".join(line.split())
            for line in render(built, "md").splitlines()
        )
        == 1
    )


def test_columns_of_several_panels():
    arms = [arm("none", [0.9, 0.91]), arm("more", [0.91, 0.93])]
    columns = [ACCURACY, Column("error", "test/accuracy", "lower", percent=False)]
    built = build_table("T", arms, columns, "none", range(2))
    both = render(View(columns=("arm", "test accuracy", "error", "verdict")).apply(built), "md")
    assert both.count("| arm ") == 2
    one = render(View(columns=("arm", "error")).apply(built), "md")
    assert (one.count("| arm "), "**error**" in one) == (1, True)
    for columns in (("arm", "n"), ("n",)):
        none = render(View(columns=columns).apply(built), "md")
        assert "| arm             |   n |" in none, "a row keeps its name"


def test_sentences_on_columns_that_are_not_shown_are_left_out():
    values = [0.90, 0.92, 0.91, 0.93, 0.95, 0.94, 0.96]
    arms = [arm("none", values), arm("more", [value**2 for value in values])]
    columns = [ACCURACY, Column("error", "test/error", "lower", percent=False)]
    for each in arms:
        for kept in each.records.values():
            kept.metrics["test/error"] = 1 - kept.metrics["test/accuracy"]
    built = build_table("T", arms, columns, "none", range(7))
    assert sum("The smallest difference" in sentence for sentence in built.footer) == 2
    one = " ".join(render(View(columns=("arm", "error")).apply(built), "md").split())
    assert "The smallest difference of error that" in one
    assert not any(text in one for text in ("test accuracy", "- p: ", "- An interval", "- Seconds"))
    assert "- p: " in " ".join(render(View(columns=("error", "p")).apply(built), "md").split())


def test_an_and_within_a_value_joins_no_conditions() -> None:
    assert View(("arm=L1 and L2 and n>=3",)).conditions == ["arm=L1 and L2", "n>=3"]


def test_runs_are_chosen_by_settings_that_all_share(sweep) -> None:
    runs = runs_of(sweep)
    shared = next(key for key in runs.rows[0].config if key not in runs.keys)
    value = runs.rows[0].config[shared]
    shown = View(where=(f"{shared}={value}",)).apply(runs)
    assert (len(shown.rows), shown.keys) == (len(runs.rows), runs.keys)
    with pytest.raises(UserError, match=f"none of the {len(runs.rows)} rows has"):
        View(where=(f"{shared}!={value}",)).apply(runs)
    assert shared in render(View(columns=(shared, "seed")).apply(runs), "md")


def test_runs_are_seen_in_the_same_way(sweep):
    runs = View(where=("status=finished",), sort=("-test/accuracy",), top=2).apply(runs_of(sweep))
    assert [run.run_id for run in runs.rows] == [
        "adam0.01dropout=0.5,l2=0.1",
        "adam1dropout=0.5,l2=0.1",
    ]
    assert "| optimizer | learning_rate | regularization | regularization.dropout |" in render(
        runs, "md"
    )
    assert "2 of 18 rows are shown" in render(runs, "html")


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (
            {"sort": ("test acuracy",)},
            "--sort: the table has no column 'test acuracy'; did you mean test accuracy",
        ),
        (
            {"sort": ("zzz",)},
            "--sort: the table has no column 'zzz'; there are optimizer, learning_rate,",
        ),
        (
            {"where": ("optimiser=sgd",)},
            "--where: the table has no column 'optimiser'; did you mean optimizer?",
        ),
        (
            {"where": ("sgd",)},
            "--where='sgd' is not of the form column=value, column<value or column>=value",
        ),
        ({"where": ("optimizer=",)}, "--where='optimizer=' is not of the form"),
        ({"where": ("test accuracy>88",)}, "test accuracy (%) is a share; write 88% or 0.88"),
        (
            {"where": ("learning_rate<big",)},
            "'big' is not a number; words are compared by = and !=",
        ),
        ({"where": ("optimizer=rmsprop",)}, "--where: none of the 18 rows has optimizer=rmsprop"),
    ],
)
def test_what_cannot_be_shown_is_one_clear_line(sweep, view, message):
    with pytest.raises(UserError) as error:
        View(**view).apply(sweep)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("md", "--columns: the table has no column 'optimisr'; did you mean optimizer?"),
        ("csv", "--columns: the csv has no field 'optimisr'; did you mean optimizer?"),
        ("json", "json has every column"),
    ],
)
def test_columns_that_a_format_lacks(sweep, form, message):
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        render(View(columns=("optimisr",)).apply(sweep), form)
