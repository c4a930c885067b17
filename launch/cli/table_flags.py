"""The flags of launch.table: which table, its rows, and how it compares them."""

from typing import get_args

from absl import flags

from launch.cli import start
from research.analysis.named_test import TESTS
from research.analysis.scope import CLAIMS
from research.statistics.families import Family

EXPERIMENT = start.define_name(
    "experiment", None, "a declared table; launch.list experiments names them"
)
NAME = start.define_name("name", None, "a sweep, run or tuning that was trained under this name")
ROWS = flags.DEFINE_enum(
    "rows",
    None,
    ["arms", "effects", "runs"],
    "a row per arm, per effect of an experiment's factors, or per run; none: effects, if there are"
    " any, else arms",
)
SEEDS = flags.DEFINE_integer("seeds", None, "seeds per arm; none: as declared", lower_bound=1)
ESTIMATE = start.define_name(
    "estimate", None, "what makes one value of a seed's folds; none: their mean"
)
BASELINE = start.define_name(
    "baseline", None, "compare the other rows with this one, such as learning_rate=0.1"
)
FROM = start.define_name("from", None, "a csv file of results that were trained elsewhere")
ROW = start.define_name("row", None, "with --from: the column of row labels, as method")
PAIR = start.define_name(
    "pair", None, "with --from: the column that pairs values across rows, as seed or fold"
)
COLUMN = flags.DEFINE_multi_string(
    "column", [], "with --from: a metric's column; NAME:lower if lower values are better"
)
CLAIM = flags.DEFINE_enum(
    "claim",
    None,
    CLAIMS,
    "verdicts hold for the same rows with other seeds (rows), or for new rows from the same source"
    " (new); none: new if each seed splits the rows",
)
FAMILY = flags.DEFINE_enum(
    "family",
    None,
    get_args(Family),
    "p is corrected for the rows of its column, or for those of all columns of the table together;"
    " none: column",
)
TEST = flags.DEFINE_enum(
    "test",
    None,
    [*TESTS],
    "the test of the differences: over the folds of all seeds (kfold_t, 5x2cv_f), or over the rows"
    " of one test set (mcnemar, mcnemar_midp, bootstrap) beside the interval over seeds; none: what"
    " the records allow",
)
UNTIL = flags.DEFINE_enum(
    "until", None, ["decided"], "with --experiment: add seeds to the rows that are undecided"
)
BUDGET = start.define_name("budget", None, "with --until: what may be spent, as 200runs or 30min")
REGISTER = flags.DEFINE_bool(
    "register",
    False,
    "with --experiment: write down what is asked before its first run; train nothing",
)
NO_TRAIN = flags.DEFINE_bool("no_train", False, "show the existing records; train nothing")
EXPLAIN = start.define_name("explain", None, "print the runs and tests behind this row")
