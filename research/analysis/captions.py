"""Caption and footer of a table: what ± is, what varies, which test, what was left out, where it
was made."""

from collections import Counter
from collections.abc import Sequence

from research.analysis import claim_text, clean_metrics, effort, provenance_text
from research.analysis.arms_table import FAILURES, FOLD, ArmsTable, Column, Outcome
from research.analysis.cheaper import cheaper
from research.analysis.irregular_rows import beyond_range, irregular_rows
from research.analysis.reach import reach
from research.analysis.tested_rows import tested_rows
from research.analysis.variation import variation
from research.analysis.weighing import weighing
from research.statistics.best import corrected_by_bonferroni
from research.statistics.nulls import SignFlips
from research.sweeps.column import reads_predictions
from research.words import plural

# Characters of a list of rows in a sentence of the footer; a longer one is counted.
LONGEST = 300
# Causes of failed runs that are given; the others are counted.
CAUSES = 5

SECONDS = (
    "Seconds are each run's share of the time of its pack, the runs that trained together, with"
    " compilation. They cannot be compared between packs."
)

# The beginning of a column's header, and of a sentence of the footer that is about it alone.
_EXPLAINED = (("p", "p: "), ("Δ", "An interval of Δ"), ("s/run", SECONDS))


def without_hidden(footer: Sequence[str], headers: Sequence[str]) -> tuple[str, ...]:
    """The sentences of a footer, without those on columns that are not among these headers."""
    hidden = [
        begins
        for header, begins in _EXPLAINED
        if not any(f"{shown} ".startswith(f"{header} ") for shown in headers)
    ]
    return tuple(text for text in footer if not text.startswith(tuple(hidden)))


def caption(table: ArmsTable) -> str:
    """Title, what a cell holds, and what varies across seeds."""
    n = len(table.seeds)
    parts = [f"{table.title.rstrip('.')}.", *filter(None, [tested_rows(table)])]
    if table.pair == FOLD:
        seeds = len(claim_text.seeds_of_folds(table))
        whose = "one seed" if seeds == 1 else f"{seeds} seeds"
        parts.append(
            f"Cells are mean ± half-width of the 95 % t-interval over the n = {n} folds of {whose}."
        )
        parts.append(claim_text.about(table))
    elif n > 1:
        parts.append(f"Cells are mean ± half-width of the 95 % t-interval over n = {n} seeds.")
        parts.append(claim_text.about(table))
        configs = [config for row in table.rows for config in row.arm.configs()]
        parts.append(variation(configs))
    else:
        parts.append("One seed: cells have no interval.")
        if not all(null.over_seeds for null in table.nulls):
            parts.append(claim_text.about(table))
    parts += _estimates(table)
    parts.append(weighing(table.rows))
    if table.baseline is not None:
        over = "rows and columns" if table.family == "table" else "rows"
        parts.append(
            f"Δ is the difference to '{table.baseline}', paired by {table.pair}, ± its"
            f" simultaneous 95 % interval over the {over}."
        )
    return " ".join(filter(None, [*parts, in_percent(table, table.columns)]))


def in_percent(table: ArmsTable, columns: Sequence[Column]) -> str:
    """The sentence on which of these columns are in percent."""
    percent = [column.label for column in columns if column.in_percent]
    points = "" if table.baseline is None else "; differences in percentage points"
    return f"In percent: {', '.join(percent)}{points}." if percent else ""


def _estimates(table: ArmsTable) -> list[str]:
    """What a seed's value is made of, where it is not one run's."""
    says: dict[str, list[str]] = {}
    for row in table.rows:
        says.setdefault(row.arm.says, []).append(row.label)
    sentences = []
    for text, labels in says.items():
        if text:
            of_rows = "" if len(says) == 1 else f" of {', '.join(labels)}"
            sentences.append(f"Each seed's value{of_rows} is the {text}.")
    of_folds = [column.label for column in table.columns if reads_predictions([column.metric])]
    if of_folds and len(of_folds) == len(table.columns):
        sentences = []
    if of_folds:
        sentences.append(
            f"{' and '.join(of_folds)}: one value per seed over all rows, each predicted by the"
            " folds that did not train on it (out of fold), not the mean of folds."
        )
    if sentences:
        count = sum(len(row.arm.behind(seed)) for row in table.rows for seed in table.seeds)
        sentences.append(f"{plural(count, 'run')} stand behind the table.")
    return sentences


def footer(table: ArmsTable, strengths: str, notes: Sequence[str]) -> tuple[str, ...]:
    """The sentences below a table, fit for a paper.

    Args:
        table: the table.
        strengths: the sentence on how strengths were chosen.
        notes: more sentences, for the end.
    """
    sentences = [
        *_test(table),
        _bold(table),
        *claim_text.limits(table),
        cheaper(table),
        irregular_rows(table),
        beyond_range(table),
        strengths,
        "Metrics are those of the last step, unless an arm stops early or averages its parameters.",
        *left_out(table),
        *effort.sentences(table),
        *clean_metrics.sentences(table),
        _published(table),
        SECONDS,
        provenance_text.sentence(table.records()),
        *notes,
    ]
    return tuple(sentence for sentence in sentences if sentence)


def conclusions(table: ArmsTable) -> tuple[str, ...]:
    """The sentences on tests and on what was left out, which hold wherever runs were trained."""
    sentences = (*_test(table), _bold(table), irregular_rows(table), *left_out(table))
    return tuple(sentence for sentence in sentences if sentence)


def _test(table: ArmsTable) -> list[str]:
    """The test and its correction; nothing where no baseline is declared."""
    if table.baseline is None or not table.m:
        return []
    differences = [cell.difference for row in table.rows for cell in row.cells]
    intervals = any(each is not None and each.half_width is not None for each in differences)
    return [
        *claim_text.tests(table),
        *(["An interval of Δ excludes 0 exactly where p ≤ 0.05."] if intervals else []),
        *(sentence for index in range(len(table.columns)) for sentence in _reach(table, index)),
    ]


def _reach(table: ArmsTable, index: int) -> list[str]:
    """What differences a column could have shown, and the margin that its verdicts are about."""
    column = table.columns[index]
    factor, unit = (100, " points") if column.in_percent else (1, "")
    sentences = [reach(table, index)]
    if column.margin is not None:
        margin = f"{column.margin * factor:g}{unit}"
        sentences.append(
            f"Verdicts on {column.label} are about a margin of {margin}: 'equivalent' means"
            " that the"
            " whole interval lies within it, 'not inferior' that no part of it is worse by as much."
        )
    return [sentence for sentence in sentences if sentence]


def is_about(sentence: str, column: Column) -> bool:
    """Whether a sentence of the footer is about this column only."""
    return sentence.startswith(
        (
            f"The smallest difference of {column.label} that",
            f"Verdicts on {column.label} are",
            claim_text.of_variance(column) + ":",
        )
    )


def _bold(table: ArmsTable) -> str:
    """Which cells are bold, or why none is."""
    n = len(table.seeds)
    if not table.m or (table.nulls and all(null.untested for null in table.nulls)):
        return ""
    flips = any(isinstance(null, SignFlips) for null in table.nulls)
    if flips and not SignFlips().can_conclude(n):
        return (
            f"Cannot conclude at n={n}: the smallest p that {plural(n, table.pair)} can give is"
            f" 2^(1−n) = {2.0 ** (1 - n):.2g}, so Δ has no interval and nothing is bold."
        )
    if not any(cell.bold for row in table.rows for cell in row.cells):
        return f"Nothing is bold: fewer than two rows have a value for every {table.pair}."
    used = claim_text.best(table)
    corrected = "together"
    if corrected_by_bonferroni(n, len(table.rows)):
        used = "t-tests"
        corrected = "with Bonferroni's correction"
    return (
        "Bold: the best mean and every row that cannot be distinguished from it at 95 % confidence."
        f" All pairs of rows are compared {corrected}, by {used} paired by {table.pair}. Rows"
        f" without a value for every {table.pair} take no part."
    )


def left_out(table: ArmsTable) -> list[str]:
    """A sentence for each way in which runs are not in the means, naming the rows."""
    r2 = any(column.metric.endswith("r2") for column in table.columns)
    undefined = " (as the R² of a constant target)" if r2 else ""
    sentences: dict[Outcome, str] = {
        "diverged": (
            "Diverged runs (a loss or an update that is not finite, or an infinite metric) are left"
            " out of the mean and counted in the cell, and their row gets no p"
        ),
        "undefined": (
            f"Runs whose metric is not a number{undefined} are left out of the mean and counted in"
            " the cell, and their row gets no p"
        ),
        "failed": (
            "Failed runs are left out of the mean and counted in the cell, and their row gets no p"
        ),
        "missing": (
            "Runs without a record or without the metric are left out; differences use the"
            f" {table.pair}s that both have"
        ),
    }
    lines = []
    for outcome, sentence in sentences.items():
        counts = {
            row.label: max((cell.count(outcome) for cell in row.cells), default=0)
            for row in table.rows
        }
        rows = [f"{label} ({count})" for label, count in counts.items() if count]
        named = "; ".join(rows)
        # A list of hundreds of rows would bury the other sentences.
        if len(named) > LONGEST:
            named = (
                f"{sum(counts.values())} runs in {len(rows)} of the {len(counts)} rows"
                f" (--where='{outcome}>0')"
            )
        if rows:
            lines.append(f"{sentence}: {named}.")
        elif outcome == "diverged":
            lines.append("No run diverged.")
        if outcome == "failed":
            lines += _causes(table)
    for row in table.rows:
        if row.label == table.baseline and any(
            set(FAILURES) & set(cell.outcomes) for cell in row.cells
        ):
            lines.append(
                f"The baseline '{row.label}' itself has runs without a value: differences to it use"
                f" the remaining common {table.pair}s, and no row gets a p there."
            )
    return lines


def _causes(table: ArmsTable) -> list[str]:
    """Why runs failed, a sentence per row and cause; of many the first."""
    counts = Counter(
        (row.label, record.cause)
        for row in table.rows
        for seed in table.seeds
        for record in row.arm.behind(seed)
        if record.status == "failed"
    )
    causes = [
        f"{label}: {plural(count, 'run')} failed: {cause or 'no error was kept'}."
        for (label, cause), count in counts.items()
    ]
    more = len(causes) - CAUSES
    return causes[:CAUSES] + ([f"{plural(more, 'more cause')} of failed runs."] if more > 0 else [])


def _published(table: ArmsTable) -> str:
    if not any(cell.published for row in table.rows for cell in row.cells):
        return ""
    return (
        "Published values are compared by overlap of our interval with the paper's ± as printed."
        " Where the paper gives none, a value inside our interval counts as neither better nor"
        " worse, and any other is compared by ordering and gap."
    )
