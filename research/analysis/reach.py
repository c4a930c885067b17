"""The smallest difference that a column could have shown, and the seeds that it lacks."""

import itertools
import math
import statistics
from collections.abc import Sequence

import numpy as np

from research.analysis.arms_table import FOLD, UNDECIDED, ArmsTable, Row
from research.analysis.comparing import contrasts, differences_to
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA
from research.statistics.nulls import SignFlips
from research.statistics.sample_size import MOST_SEEDS, seeds_needed

# Undecided rows that are named; of more, the fewest and the median are given.
MOST_NAMED = 5


def reach(table: ArmsTable, index: int) -> str:
    """What the column of that index could have shown; "" where no row has an interval of Δ."""
    column = table.columns[index]
    differences = [row.cells[index].difference for row in table.rows]
    widths = [d.half_width for d in differences if d is not None and d.half_width]
    if not widths:
        return ""
    factor, unit = (100, " points") if column.in_percent else (1, "")
    # Rows whose pairs vary little show smaller differences.
    low, high = (f"{width * factor:.2g}" for width in (min(widths), max(widths)))
    smallest = f"{low}{unit}" if low == high else f"{low} to {high}{unit}, depending on the row"
    text = f"The smallest difference of {column.label} that could have been shown is {smallest}."
    # Folds and test rows do not show how more seeds would vary.
    of_seeds = table.pair != FOLD and table.nulls[index].over_seeds
    needs = seeds_of_undecided(table, index) if of_seeds else {}
    if not needs:
        return text
    at = "the differences seen" if column.margin is None else f"{column.margin * factor:g}{unit}"
    return f"{text} For 80 % power at {at}, {_listed(needs, table.claims[index])}."


def seeds_of_undecided(table: ArmsTable, index: int) -> dict[str, int | None]:
    """How many seeds each undecided row needs for 80 % power at the column's margin, or else at the
    difference seen, with Bonferroni's correction for the rows; None where none is enough."""
    if table.baseline is None:
        return {}
    new = table.claims[index] == "new"
    shared = shared_of_rows(table, index)
    alpha = ALPHA / max(table.tested_together, 1)
    rows = [row for row in table.rows if row.cells[index].verdict in (UNDECIDED, "undecided")]
    if not rows:
        return {}
    effects = standard_effects(table, rows, index, table.columns[index].margin)
    known = np.isfinite(effects)
    overlap = np.array([shared[row.label] for row in rows])[known]
    seeds = iter(seeds_needed(effects[known], overlap=overlap, alpha=alpha).tolist())
    fewest = 2 if new else fewest_seeds()
    needs: dict[str, int | None] = {}
    for row in itertools.compress(rows, known):
        # An undecided row needs more than it has, however clear its difference looks.
        difference = row.cells[index].difference
        needed = max(next(seeds), difference.n + 1 if difference else 0, fewest)
        needs[row.label] = int(needed) if math.isfinite(needed) else None
    return needs


def shared_of_rows(table: ArmsTable, index: int) -> dict[str, float]:
    """By row, the correlation of the seeds' differences to the baseline in a column: the part of
    their variance that more seeds do not remove."""
    labels = [row.label for row in table.rows]
    null = table.nulls[index].comparing(lambda: contrasts(labels, labels, table.baseline))
    return dict(zip(labels, np.broadcast_to(null.shared(), len(labels)).tolist(), strict=True))


def standard_effects(
    table: ArmsTable, rows: Sequence[Row], index: int, margin: float | None
) -> Floats:
    """The margin, or else the differences to the baseline that were seen, in standard deviations of
    the pairs, [m]; NaN where the pairs do not vary.

    Args:
        table: the table, which has a baseline.
        rows: m of its rows.
        index: of the column.
        margin: the smallest difference of interest; None: the differences seen are taken.
    """
    base = table.row(table.baseline or "").cells[index]
    pairs, _ = differences_to(base, [row.cells[index] for row in rows], 0.0)
    n = np.isfinite(pairs).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(pairs, 0) / n
        # n - 1: the same estimate as in the paired t-test.
        spread = np.sqrt(np.nansum((pairs - mean) ** 2, 0) / (n - 1))
        sizes = np.abs(mean) if margin is None else margin
        return np.where(spread > 0, sizes / spread, np.nan)


def fewest_seeds() -> int:
    """The fewest seeds whose sign flips can reach 5 %."""
    return next(n for n in range(2, MOST_SEEDS) if SignFlips().can_conclude(n))


def _listed(needs: dict[str, int | None], claim: str) -> str:
    beyond = "more rows of data, not seeds" if claim == "new" else f"more than {MOST_SEEDS:,} seeds"
    if len(needs) <= MOST_NAMED:
        texts = {n: beyond if n is None else f"{n:,} seeds" for n in needs.values()}
        return ", ".join(f"{label} needs {texts[n]}" for label, n in needs.items())
    counts = sorted(n for n in needs.values() if n is not None)
    if not counts:
        return f"all {len(needs)} undecided rows need {beyond}"
    if len(counts) < len(needs):
        return (
            f"of the {len(needs)} undecided rows, {len(counts)} need {counts[0]:,} seeds or more,"
            f" and {len(needs) - len(counts)} need {beyond}"
        )
    middle = statistics.median_low(counts)
    return (
        f"the {len(needs)} undecided rows need at least {counts[0]:,} seeds, and half of them"
        f" {middle:,} seeds or more"
    )
