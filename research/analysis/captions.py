"""Caption and footer of a table: what ± is, what varies, which test, what was left out, where it
was made."""

from collections import Counter
from collections.abc import Iterable, Sequence

from research.analysis import provenance_text
from research.analysis.arms_table import SPOILING, ArmsTable, Outcome
from research.statistics.nulls import DRAWS, EXACT_UP_TO, SignFlips
from research.sweeps.records.record import Record
from research.words import plural

# Characters of a list of rows in a sentence of the footer; a longer one is counted.
LONGEST = 300
# Causes of failed runs that are given; the others are counted.
CAUSES = 5

SECONDS = (
    "Seconds are each run's share of its pack's time (the runs that trained together), compilation"
    " included; they are not comparable where packs differ."
)


def caption(table: ArmsTable) -> str:
    """Title, what a cell holds, and what varies across seeds."""
    n = len(table.seeds)
    parts = [f"{table.title.rstrip('.')}."]
    if n > 1:
        parts.append(f"Cells are mean ± half-width of the 95 % t-interval over n = {n} seeds.")
        parts.append(_claim(table))
        parts.append(_variation(table.records()))
    else:
        parts.append("One seed: cells have no interval.")
    if table.baseline is not None:
        parts.append(
            f"Δ is the difference to '{table.baseline}', paired by seed, ± its"
            " simultaneous 95 % interval over the rows."
        )
    percent = [column.label for column in table.columns if column.in_percent]
    points = "" if table.baseline is None else "; differences in percentage points"
    if percent:
        parts.append(f"In percent: {', '.join(percent)}{points}.")
    return " ".join(parts)


def _variation(records: Iterable[Record]) -> str:
    """The sentence on what differs from seed to seed; the split only where it follows the seed."""
    varies = "Across seeds vary the initialisation, the order of the data"
    pairs = {(r.config.get("seed"), r.config.get("split_seed")) for r in records}
    splits = {split for _, split in pairs}
    if None in splits or not pairs:
        return f"{varies} and the noise."
    if splits == {"none"}:
        return (
            f"{varies}, the noise and, for bundled tables, the split into training, validation and"
            " test rows."
        )
    if all(seed == split for seed, split in pairs):
        return f"{varies}, the noise and the split into training, validation and test rows."
    if len(splits) == 1:
        return f"{varies} and the noise; the split is the same for all (split seed {splits.pop()})."
    return (
        f"{varies}, the noise and, where its seed follows, the split into training, validation and"
        " test rows."
    )


def footer(table: ArmsTable, strengths: str, notes: Sequence[str]) -> tuple[str, ...]:
    """Sentences that can go into a paper."""
    said = [
        *_test(table),
        _bold(table),
        strengths,
        "Metrics are those of the last step, unless an arm stops early or averages its parameters.",
        *_left_out(table),
        _published(table),
        SECONDS,
        provenance_text.sentence(table.records()),
        *notes,
    ]
    return tuple(sentence for sentence in said if sentence)


def conclusions(table: ArmsTable) -> tuple[str, ...]:
    """The sentences on tests and on what was left out, which hold wherever runs were trained."""
    sentences = (*_test(table), _bold(table), *_left_out(table))
    return tuple(sentence for sentence in sentences if sentence)


def _test(table: ArmsTable) -> list[str]:
    """The test and its correction; nothing where no baseline is declared."""
    if table.baseline is None or not table.m:
        return []
    exact = len(table.seeds) <= EXACT_UP_TO
    flips = "exact" if exact else f"{DRAWS:,} draws with a fixed seed"
    rows = f"the {table.m} rows" if table.m > 1 else "the row"
    of_each = " of each column" if len(table.columns) > 1 else ""
    tests = {
        "rows": (
            f"p: two-sided sign flips ({flips}) of the differences to '{table.baseline}' paired by"
            f" seed, {rows}{of_each} flipped together, step-down maximum of |t|; it is corrected"
            " for all of them."
        ),
        "new": (
            f"p: two-sided t-tests of the differences to '{table.baseline}' paired by seed, with"
            f" the corrected variance, step-down maximum of |t| over {rows}{of_each} from their"
            " joint distribution; it is corrected for all of them."
        ),
    }
    used = [tests[claim] for claim in dict.fromkeys(table.claims)]
    return [
        *used,
        "An interval of Δ excludes 0 where p ≤ 0.05, and only there.",
        *(sentence for index in range(len(table.columns)) for sentence in _reach(table, index)),
    ]


def _reach(table: ArmsTable, index: int) -> list[str]:
    """What differences a column could have shown, and the margin that its verdicts are about."""
    column = table.columns[index]
    differences = [row.cells[index].difference for row in table.rows if row.cells[index].difference]
    widths = sorted(d.half_width for d in differences if d and d.half_width)
    factor, unit = (100, " points") if column.in_percent else (1, "")
    sentences = []
    if widths:
        middle = widths[len(widths) // 2] * factor
        sentences.append(
            f"In half of the rows no difference of {column.label} below {middle:.2g}{unit} could"
            " have been shown."
        )
    if column.margin is not None:
        margin = f"{column.margin * factor:g}{unit}"
        sentences.append(
            f"Verdicts on {column.label} are about a margin of {margin}: equivalent, all of the"
            " interval lies within it; not inferior, none of the interval is worse by as much."
        )
    return sentences


def _claim(table: ArmsTable) -> str:
    """What intervals and verdicts are about."""
    new = [c.label for c, claim in zip(table.columns, table.claims, strict=True) if claim == "new"]
    rows = [
        c.label for c, claim in zip(table.columns, table.claims, strict=True) if claim == "rows"
    ]
    named = bool(new and rows)
    said = []
    if new:
        of_columns = f" of {', '.join(new)}" if named else ""
        said.append(
            f"Intervals and verdicts{of_columns} are about new rows from the same source: their"
            " variance is corrected for the rows that the seeds' splits share (Nadeau & Bengio),"
            " so more rows would help more than more seeds."
        )
    if rows:
        of_columns = f" of {', '.join(rows)}" if named else ""
        said.append(
            f"Intervals and verdicts{of_columns} are about these rows of data only: what other"
            " seeds would give."
        )
    return " ".join(said)


def _bold(table: ArmsTable) -> str:
    """Which cells are bold, or why none is."""
    n = len(table.seeds)
    if not table.m:
        return ""
    if "rows" in table.claims and not SignFlips().can_conclude(n):
        return (
            f"Cannot conclude at n={n}: the smallest p that {plural(n, 'seed')} can give is"
            f" 2^(1−n) = {2.0 ** (1 - n):.2g}, so Δ has no interval and nothing is bold."
        )
    if not any(cell.bold for row in table.rows for cell in row.cells):
        return "Nothing is bold: fewer than two rows have a value for every seed."
    return (
        "Bold: the best mean and every row that cannot be distinguished from it (multiple"
        " comparisons with the best, all pairs of rows together); only rows with a"
        " value for every seed take part."
    )


def _left_out(table: ArmsTable) -> list[str]:
    """A sentence for each way in which runs are not in the means, naming the rows."""
    sentences: dict[Outcome, str] = {
        "diverged": (
            "Diverged runs (a loss or an update that is not finite, or an infinite metric) are left"
            " out of the mean and counted in the cell, and their row gets no p"
        ),
        "undefined": (
            "Runs whose metric is not a number (as the R² of a constant target) are left out of the"
            " mean and counted in the cell, and their row gets no p"
        ),
        "failed": (
            "Failed runs are left out of the mean and counted in the cell, and their row gets no p"
        ),
        "missing": (
            "Runs without a record or without the metric are left out; differences use the seeds"
            " that both have"
        ),
    }
    said = []
    for outcome, sentence in sentences.items():
        counts = {
            row.label: max((cell.count(outcome) for cell in row.cells), default=0)
            for row in table.rows
        }
        rows = [f"{label} ({count})" for label, count in counts.items() if count]
        named = "; ".join(rows)
        if len(named) > LONGEST:
            named = (
                f"{sum(counts.values())} runs in {len(rows)} of the {len(counts)} rows"
                f" (--where='{outcome}>0')"
            )
        if rows:
            said.append(f"{sentence}: {named}.")
        if outcome == "failed":
            said += _causes(table)
        elif outcome == "diverged":
            said.append("No run diverged.")
    for row in table.rows:
        if row.label == table.baseline and any(
            set(SPOILING) & set(cell.outcomes) for cell in row.cells
        ):
            said.append(
                f"The baseline '{row.label}' itself has runs without a value: differences to it are"
                " on the remaining common seeds, and there no row gets a p."
            )
    return said


def _causes(table: ArmsTable) -> list[str]:
    """Why runs failed, a sentence per row and cause; of many the first."""
    counts = Counter(
        (row.label, record.cause)
        for row in table.rows
        for record in row.arm.records.values()
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
