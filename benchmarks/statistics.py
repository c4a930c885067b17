"""What tables claim, measured by simulation through the tables' own statistics.

Each line has what was measured, the value, and the bound that it must keep with its reason, or the
nominal value that it falls short of.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from absl import flags

from research.errors import UserError
from research.statistics import mean_intervals
from research.statistics.best import best_rows
from research.statistics.comparisons import compare
from research.statistics.crossed import crossed
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA, t_quantile
from research.statistics.irregular import collapsed, strongly_skewed
from research.statistics.nulls import SharedRows, SignFlips
from research.statistics.simulated import LAWS, fixed_test, resplit

SIZE = flags.DEFINE_float(
    "simulations", 1.0, "with statistics: how many simulations, as a share of the full number"
)
ARMS = 11


class Bound(NamedTuple):
    """The least and the largest value that is right, and why."""

    least: float
    most: float
    reason: str


ERROR = Bound(0, 0.06, "an error of 5 %, and one point for approximate distributions")
COVERAGE = Bound(0.93, 1, "coverage of 95 %, less two points for approximate distributions")
POWER = Bound(0.45, 1, "half as much again as the 0.30 of Holm's correction of sign flips")
CLEAR = Bound(0.5, 1, "a difference of three deviations is shown more often than not")
SELDOM_NAMED = Bound(0, 0.02, "rows of normal values are seldom called skewed")
NAMED = Bound(0.98, 1, "a collapse is named, unless half of the runs of its row collapse")
# Student's t assumes nothing but symmetry here. No interval of ten values covers the mean of the
# other laws, so they have no bound: their shortfall is printed, and tables name such rows.
SYMMETRIC = ("normal", "heavy", "binomial")


class ReportLine(NamedTuple):
    """What was measured, its value, and its bound; None where the value is only reported."""

    what: str
    value: float
    bound: Bound | None


def measure() -> None:
    """Prints every measurement; raises UserError if one is out of its bounds."""
    if not 0 < SIZE.value <= 1:
        raise UserError(f"--simulations={SIZE.value}: a share above 0 and at most 1")
    random = np.random.default_rng(0)
    wrong = []
    for lines in (_new_rows, _test_set, _equal_arms, _bold, _power, _few_seeds, _means):
        for line in lines(random):
            print(f"{line.what}: {line.value:.3f}{_judged(line)}")
            if not _is_right(line):
                wrong.append(line.what)
    if wrong:
        raise UserError(f"out of bounds: {'; '.join(wrong)}")


def _is_right(line: ReportLine) -> bool:
    if line.bound is None:
        return True
    return bool(line.bound.least - _slack() <= line.value <= line.bound.most + _slack())


def _slack() -> float:
    """Three standard errors of a share near a bound, by the number of tables."""
    return float(3 * np.sqrt(0.06 * 0.94 / _tables(400)))


def _judged(line: ReportLine) -> str:
    """The bound of a line with its reason."""
    if line.bound is None:
        return ""
    verb = "bound" if _is_right(line) else "must be"
    least, most, reason = line.bound
    return f" ({verb} {least} to {most}, ± {_slack():.3f} for chance: {reason})"


def _tables(full: int) -> int:
    return max(20, int(full * SIZE.value))


def _new_rows(random: np.random.Generator) -> Iterator[ReportLine]:
    """Re-split data sets: coverage of the accuracy on new rows, and verdicts on equal arms."""
    for rows, (train, test) in ((150, (120, 15)), (569, (455, 57)), (1797, (500, 180))):
        for seeds in (10, 20, 50):
            tables = _tables(min(400, 6_000_000 // (rows * seeds)))
            values, truth = resplit(random, tables, seeds, rows, train, test)
            overlap = test / rows
            mean = values.mean(1)
            error = values.std(1, ddof=1) * np.sqrt(1 / seeds + overlap / (1 - overlap))
            covered = np.abs(mean - truth) <= t_quantile(seeds - 1) * error
            naive = t_quantile(seeds - 1) * values.std(1, ddof=1) / np.sqrt(seeds)
            without = (np.abs(mean - truth) <= naive).mean()
            name = f"{rows} rows, {seeds} seeds that split them"
            yield ReportLine(
                f"{name}: cover new rows (without correction {without:.2f})",
                covered.mean(),
                COVERAGE,
            )
            difference = values[..., 1:] - values[..., :1]
            new = compare(difference, SharedRows(overlap, 1000)).adjusted <= ALPHA
            flips = compare(difference, SignFlips(2000)).adjusted <= ALPHA
            without = flips.mean()
            yield ReportLine(
                f"{name}: equal arms differ (by flips {without:.2f})", new.mean(), ERROR
            )


def _test_set(random: np.random.Generator) -> Iterator[ReportLine]:
    """One fixed test set, from the scores of each row."""
    right, truth = fixed_test(random, _tables(400), 10, 500, 300)
    low, high = mean_intervals.student(right.mean(-1))
    without = ((low <= truth) & (truth <= high)).mean()
    intervals = [crossed(x[..., None]).interval(x.mean(-1), 0) for x in right]
    half_widths = np.array([interval.half_width for interval in intervals])
    covered = (np.abs(right.mean((-2, -1)) - truth) <= half_widths).mean()
    what = f"300 fixed test rows: cover new rows (t over seeds {without:.2f})"
    yield ReportLine(what, covered, COVERAGE)


def _equal_arms(random: np.random.Generator) -> Iterator[ReportLine]:
    """Equal arms on the same rows: any false verdict, for each law of seeds."""
    for name, (law, _) in LAWS.items():
        values = law(random, (_tables(400), 10, ARMS + 1))
        result = compare(values[..., 1:] - values[..., :1], SignFlips())
        wrong = (result.adjusted <= ALPHA).any(-1).mean()
        yield ReportLine(f"{name} seeds, {ARMS} equal arms: a false verdict", wrong, ERROR)


def _bold(random: np.random.Generator) -> Iterator[ReportLine]:
    for arms, full in ((12, 200), (26, 100)):
        values = random.standard_normal((_tables(full), 20, arms))
        missing = ~best_rows(values, SignFlips(1000)).all(-1)
        what = f"{arms} rows tied for best, 20 seeds: one is not bold"
        yield ReportLine(what, missing.mean(), ERROR)


def _power(random: np.random.Generator) -> Iterator[ReportLine]:
    for better in (1, ARMS):
        differences = random.standard_normal((_tables(400), 10, ARMS))
        differences[..., :better] += 1
        shown = compare(differences, SignFlips()).adjusted[..., :better] <= ALPHA
        name = f"{better} of {ARMS} arms better by one sd, 10 seeds"
        yield ReportLine(f"{name}: shown", shown.mean(), POWER)


def _few_seeds(random: np.random.Generator) -> Iterator[ReportLine]:
    for seeds in (6, 7, 8):
        differences = random.standard_normal((_tables(400), seeds, ARMS))
        differences[..., 0] += 3
        shown = compare(differences, SignFlips()).adjusted[..., 0] <= ALPHA
        what = f"{seeds} seeds, {ARMS} arms, one better by three sd: shown"
        yield ReportLine(what, shown.mean(), CLEAR)


def _means(random: np.random.Generator) -> Iterator[ReportLine]:
    """The t-interval of a cell over ten seeds, beside three others, and which rows are named."""
    for name, (law, truth) in LAWS.items():
        values = law(random, (_tables(1000), 10))
        shares = {
            interval.__name__: _covered(interval(values), truth)
            for interval in (
                mean_intervals.student,
                mean_intervals.johnson,
                mean_intervals.logit,
                mean_intervals.bootstrap_t,
            )
            if interval is not mean_intervals.logit or (values.min() >= 0 and values.max() <= 1)
        }
        share = shares.pop("student")
        others = ", ".join(f"{other} {covered:.3f}" for other, covered in shares.items())
        bound = COVERAGE if name in SYMMETRIC else None
        short = "" if bound or share >= COVERAGE.least else ", a shortfall"
        yield ReportLine(
            f"{name} seeds: the t-interval covers the mean{short} ({others})", share, bound
        )
        named = strongly_skewed(values) | collapsed(values).any(-1)
        bound = SELDOM_NAMED if name == "normal" else None
        yield ReportLine(f"{name} seeds: rows that the footer names", named.mean(), bound)
        if name == "collapsing":
            with_collapse = (values < values.max(-1, keepdims=True) - 0.2).any(-1)
            what = "collapsing seeds: rows with a collapse that the footer names"
            yield ReportLine(what, named[with_collapse].mean(), NAMED)


def _covered(interval: tuple[Floats, Floats], truth: float) -> float:
    low, high = interval
    return float(((low <= truth) & (truth <= high)).mean())
