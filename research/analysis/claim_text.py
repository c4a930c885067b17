"""What a table's verdicts are about, by which test, and what limits them, in sentences."""

import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from research.analysis.arms_table import ArmsTable, Column
from research.analysis.comparing import contrasts
from research.analysis.kept_scores import KEPT_PARTS, may_keep
from research.statistics.comparisons import Null
from research.statistics.crossed import CrossedRows
from research.statistics.families import drawn_together
from research.statistics.nulls import (
    DRAWS,
    EXACT_UP_TO,
    SharedFolds,
    SharedRows,
    SignFlips,
    Untested,
)
from research.statistics.row_tests import McNemar, Resamples, RowBootstrap
from research.statistics.two_fold import TwoFold

Kind = type[Null]
# More of the variance than this comes from what a table should have more of.
MOST = 2 / 3
NAMES: Mapping[Kind, str] = {
    SignFlips: "sign flips",
    SharedRows: "t-tests with the corrected variance",
    SharedFolds: "corrected repeated k-fold t-tests",
    TwoFold: "t-tests with the corrected variance",
    CrossedRows: "t-tests with the variance of seeds and rows",
    RowBootstrap: "a bootstrap of the rows",
    McNemar: "a bootstrap of the rows",
}


def about(table: ArmsTable) -> str:
    """What intervals and verdicts are about, for the caption."""
    sentences: Mapping[Kind, Callable[[], str]] = {
        SharedRows: lambda: (
            "about new rows from the same source. Their variance is corrected for the rows that the"
            " seeds' splits share (Nadeau & Bengio): more rows would help more than more seeds."
        ),
        SharedFolds: lambda: (
            "about new rows from the same source. Their variance is corrected for the training rows"
            f" that the folds share (Nadeau & Bengio).{_more_seeds(table)}"
        ),
        TwoFold: lambda: (
            "about new rows from the same source, for models trained on half of these. The variance"
            " of a mean is corrected for the training rows that the folds share (Nadeau & Bengio)."
        ),
        CrossedRows: lambda: (
            f"about new {_parts(by_kind[CrossedRows])} rows from the same source,"
            f" {_trained_on(table)}. Seeds and rows are crossed effects, computed from the kept"
            " scores of each row."
        ),
        RowBootstrap: lambda: _about_rows(table, by_kind[RowBootstrap]),
        McNemar: lambda: _about_rows(table, by_kind[McNemar]),
        SignFlips: lambda: "about these rows of data only: what other seeds would give.",
        Untested: lambda: "left out: the folds of one seed do not show how they would vary.",
    }
    by_kind = columns_by_kind(table)
    return " ".join(
        f"Intervals and verdicts{of_columns(table, by_kind[kind])} are {sentence()}"
        for kind, sentence in sentences.items()
        if kind in by_kind
    )


def _more_seeds(table: ArmsTable) -> str:
    if len(seeds_of_folds(table)) > 1:
        return ""
    return " With more seeds they would be over seeds, which are replicates as folds are not."


def seeds_of_folds(table: ArmsTable) -> set[str]:
    """The seeds whose folds are a table's values."""
    return {record.config.get("seed", "") for record in table.records()}


def _about_rows(table: ArmsTable, columns: Sequence[Column]) -> str:
    means = " Only the ± of means and of 'Δ over seeds' are over seeds." if table.seeds[1:] else ""
    return (
        f"about new {_parts(columns)} rows from the same source, for these models as they were"
        f" trained.{means}"
    )


def columns_by_kind(table: ArmsTable) -> dict[Kind, list[Column]]:
    """The columns of each kind of test."""
    by_kind: dict[Kind, list[Column]] = {}
    for column, null in zip(table.columns, table.nulls, strict=True):
        by_kind.setdefault(type(null), []).append(column)
    return by_kind


def of_columns(table: ArmsTable, columns: list[Column]) -> str:
    """` of A, B` where a sentence is not of all columns."""
    if len(columns) == len(table.columns):
        return ""
    return f" of {', '.join(column.label for column in columns)}"


def tests(table: ArmsTable) -> list[str]:
    """How p comes about, a sentence per kind of test."""
    differences = f"of the differences to '{table.baseline}', paired by {table.pair}"
    families = drawn_together(table.nulls) if table.family == "table" else []
    by_holm = "Holm's procedure corrects for"
    corrected = f"It is corrected for {_tested_together(table)} by the step-down maximum of |t|"
    joint = f"{corrected}, from their joint distribution."
    rows_by_holm = f"{by_holm} {_tested_together(table)}."
    of_rows = f"of the rows' differences to '{table.baseline}'"
    drawn = "rows and columns" if any(family[1:] for family in families) else "rows"
    sentences: Mapping[Kind, str] = {
        SignFlips: (
            f"p: two-sided sign flips ({flips(table)}) {differences}."
            f" {corrected}, with all {drawn} flipped together."
        ),
        SharedRows: f"p: two-sided t-tests {differences}, with the corrected variance. {joint}",
        SharedFolds: (
            f"p: corrected repeated k-fold t-tests {differences} (Bouckaert & Frank). {joint}"
        ),
        CrossedRows: (
            f"p: two-sided t-tests {differences} and row, with the variance of seeds, of rows"
            f" and of their interaction. {joint}"
        ),
        TwoFold: (
            f"p: 5×2 cv F tests {differences} (Alpaydin 1999), which give no interval of Δ."
            f" {rows_by_holm}"
        ),
        RowBootstrap: (
            f"p: paired bootstrap {of_rows} (bootstrap-t, {Resamples().count:,} resamples with a"
            f" fixed seed). {joint}"
        ),
        McNemar: (
            f"p: {_mcnemar(table)} {of_rows}. {rows_by_holm} The ± of Δ is that of a paired"
            " bootstrap of the rows."
        ),
    }
    used = [sentences[kind] for kind in columns_by_kind(table) if kind in sentences]
    if len(families) > 1:
        between = "columns" if len(families) == len(table.nulls) else "different tests"
        used.append(f"{by_holm} the {between}.")
    return used


def _mcnemar(table: ArmsTable) -> str:
    mid = any(isinstance(null, McNemar) and null.mid for null in table.nulls)
    name = "McNemar's mid-p test" if mid else "McNemar's exact test"
    return f"{name}, twice the median over the seeds," if table.seeds[1:] else name


def _tested_together(table: ArmsTable) -> str:
    """The comparisons that one test corrects p for."""
    rows = f"the {table.m} rows" if table.m > 1 else "the row"
    if len(table.columns) < 2:
        return rows
    families = drawn_together(table.nulls)
    if table.family == "column" or not any(family[1:] for family in families):
        return f"{rows} of each column"
    if len(families) > 1:
        return f"{rows} of the columns with this test"
    return f"{rows} of all {len(families[0])} columns"


def best(table: ArmsTable) -> str:
    """The tests behind what is bold."""
    names = {**NAMES, SignFlips: f"{NAMES[SignFlips]} ({flips(table)})"}
    return " or ".join(names[kind] for kind in columns_by_kind(table) if kind in names)


def flips(table: ArmsTable) -> str:
    """Whether all sign flips are counted, or drawn."""
    exact = len(table.seeds) <= EXACT_UP_TO
    return "exact" if exact else f"{DRAWS:,} draws with a fixed seed"


def limits(table: ArmsTable) -> list[str]:
    """What would make the intervals narrower, and which claim the records do not allow."""
    if len(table.seeds) < 2:
        return []
    sentences = [
        _limit(table, index)
        for index, null in enumerate(table.nulls)
        if isinstance(null, CrossedRows)
    ]
    by_kind = columns_by_kind(table)
    fixed = _tested_on_the_same_rows(table)
    unknown = [
        column
        for column in by_kind.get(SignFlips, ())
        if column.metric.partition("/")[0] in KEPT_PARTS
    ]
    unknown = unknown if may_keep(record.config for record in table.records()) else []
    if fixed and unknown:
        sentences.append(
            f"Verdicts{of_columns(table, unknown)} on new rows require the scores of each"
            f" {_parts(unknown)} row (--keep_predictions), of a metric that is a mean over rows."
        )
    if fixed and (unknown or CrossedRows in by_kind) and not _drawn_by_seed(table):
        separate = any(record.provenance.get("own_test_rows") for record in table.records())
        remedy = (
            "--train_size=N --split_seed=seed lets each draw N"
            if separate
            else "--split_seed=seed lets each draw its own"
        )
        sentences.append(
            f"All seeds train on the same rows; {remedy}, for a claim about models of other"
            " training rows."
        )
    return [sentence for sentence in sentences if sentence]


def _limit(table: ArmsTable, index: int) -> str:
    """Whether seeds or test rows limit a column, from the components of the variance."""
    null = table.nulls[index]
    assert isinstance(null, CrossedRows)
    labels = [row.label for row in table.rows]
    others = [label for label in labels if label != table.baseline]
    parts = null.comparing(lambda: contrasts(labels, others, table.baseline)).of_rows()
    known = parts[np.isfinite(parts)]
    if not known.size:
        return ""
    share = statistics.median(known.tolist())
    column = table.columns[index]
    more = f"more {_parts([column])} rows"
    if share > MOST:
        advice = f"{more} would help, more seeds would not"
    elif share < 1 - MOST:
        advice = f"more seeds would help, {more} would not"
    else:
        advice = f"both more seeds and {more} would help"
    what = "the means" if table.baseline is None else "Δ"
    rows = f"{null.r:,} {_parts([column])} rows"
    return (
        f"{of_variance(column)}: {100 * share:.0f} % of that of {what} (in the median) comes from"
        f" the {rows}, whatever the number of seeds: {advice}."
    )


def _parts(columns: Sequence[Column]) -> str:
    """The parts of the data that columns are measured on, as `validation and test`."""
    return " and ".join(dict.fromkeys(column.metric.partition("/")[0] for column in columns))


def of_variance(column: Column) -> str:
    """How the sentence on what limits a column begins."""
    return f"Variance of {column.label}"


def _trained_on(table: ArmsTable) -> str:
    if not _drawn_by_seed(table):
        return "for models trained on these training rows"
    sizes = {record.provenance.get("train_rows") for record in table.records()}
    number = f"{sizes.pop():,} " if len(sizes) == 1 and None not in sizes else ""
    return f"for models trained on {number}training rows that each seed draws"


def _drawn_by_seed(table: ArmsTable) -> bool:
    """Whether each seed draws the rows that it trains on from more."""
    configs = [record.config for record in table.records()]
    sizes = {config.get("train_size", "none") for config in configs}
    follows = all(config.get("split_seed") == config.get("seed") for config in configs)
    return bool(configs) and follows and "none" not in sizes


def _tested_on_the_same_rows(table: ArmsTable) -> bool:
    records = [record for record in table.records() if record.provenance.get("test_rows")]
    if any(len(row.arm.runs) for row in table.rows) or not records:
        return False
    if all(record.provenance.get("own_test_rows") for record in records):
        return True
    return len({record.config.get("split_seed") for record in records}) == 1
