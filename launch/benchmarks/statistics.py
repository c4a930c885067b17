"""What tables claim, measured by simulation through the tables' own statistics.

Each line has what was measured, the value, and the bound that it must keep.
"""

from collections.abc import Iterator

import numpy as np
from absl import flags

from research.errors import UserError
from research.statistics import means
from research.statistics.best import best_rows
from research.statistics.comparisons import compare
from research.statistics.crossed import crossed
from research.statistics.intervals import ALPHA, t_quantile
from research.statistics.nulls import SharedRows, SignFlips
from research.statistics.simulated import LAWS, fixed_test, resplit

SIZE = flags.DEFINE_float(
    "simulations", 1.0, "with statistics: how many simulations, as a share of the full number"
)
ARMS = 11
# The largest value that an error of at most 0.05 may show, and the coverage that goes with it.
MOST_WRONG = 0.06
LEAST_COVERED = 0.93
LEAST = dict.fromkeys(LAWS, LEAST_COVERED) | {"very skewed": 0.89, "collapsing": 0.6}
# A line: what was measured, the value, the least and the largest that is right.
Line = tuple[str, float, float, float]


def measure() -> None:
    """Prints every measurement; raises UserError if one is out of its bounds."""
    if not 0 < SIZE.value <= 1:
        raise UserError(f"--simulations={SIZE.value}: a share above 0 and at most 1")
    random = np.random.default_rng(0)
    wrong = []
    for lines in (_new_rows, _test_set, _equal_arms, _bold, _power, _few_seeds, _means):
        for what, value, least, most in lines(random):
            # Three standard errors of a share near the bound, by the number of tables.
            slack = 3 * np.sqrt(0.06 * 0.94 / _tables(400))
            right = least - slack <= value <= most + slack
            print(f"{what}: {value:.3f}" + ("" if right else f" (must be {least} to {most})"))
            if not right:
                wrong.append(what)
    if wrong:
        raise UserError(f"out of bounds: {'; '.join(wrong)}")


def _tables(full: int) -> int:
    return max(20, int(full * SIZE.value))


def _new_rows(random: np.random.Generator) -> Iterator[Line]:
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
            yield (
                f"{name}: cover new rows (without correction {without:.2f})",
                covered.mean(),
                LEAST_COVERED,
                1,
            )
            difference = values[..., 1:] - values[..., :1]
            new = compare(difference, SharedRows(overlap, 1000)).adjusted <= ALPHA
            flips = compare(difference, SignFlips(2000)).adjusted <= ALPHA
            without = flips.mean()
            yield f"{name}: equal arms differ (by flips {without:.2f})", new.mean(), 0, MOST_WRONG


def _test_set(random: np.random.Generator) -> Iterator[Line]:
    """One fixed test set, from the scores of each row."""
    right, truth = fixed_test(random, _tables(400), 10, 500, 300)
    result = crossed(right)
    low, high = means.student(right.mean(-1))
    without = ((low <= truth) & (truth <= high)).mean()
    covered = (np.abs(result.mean - truth) <= result.half_width).mean()
    yield (
        f"300 fixed test rows: cover new rows (t over seeds {without:.2f})",
        covered,
        LEAST_COVERED,
        1,
    )


def _equal_arms(random: np.random.Generator) -> Iterator[Line]:
    """Equal arms on the same rows: any false verdict, for each law of seeds."""
    for name, (law, _) in LAWS.items():
        values = law(random, (_tables(400), 10, ARMS + 1))
        result = compare(values[..., 1:] - values[..., :1], SignFlips())
        wrong = (result.adjusted <= ALPHA).any(-1).mean()
        yield f"{name} seeds, {ARMS} equal arms: a false verdict", wrong, 0, MOST_WRONG


def _bold(random: np.random.Generator) -> Iterator[Line]:
    for arms, full in ((12, 200), (26, 100)):
        values = random.standard_normal((_tables(full), 20, arms))
        missing = ~best_rows(values, SignFlips(1000)).all(-1)
        yield f"{arms} rows tied for best, 20 seeds: one is not bold", missing.mean(), 0, MOST_WRONG


def _power(random: np.random.Generator) -> Iterator[Line]:
    for better in (1, ARMS):
        differences = random.standard_normal((_tables(400), 10, ARMS))
        differences[..., :better] += 1
        shown = compare(differences, SignFlips()).adjusted[..., :better] <= ALPHA
        name = f"{better} of {ARMS} arms better by one sd, 10 seeds"
        yield f"{name}: shown", shown.mean(), 0.45, 1


def _few_seeds(random: np.random.Generator) -> Iterator[Line]:
    for seeds in (6, 7, 8):
        differences = random.standard_normal((_tables(400), seeds, ARMS))
        differences[..., 0] += 3
        shown = compare(differences, SignFlips()).adjusted[..., 0] <= ALPHA
        yield f"{seeds} seeds, {ARMS} arms, one better by three sd: shown", shown.mean(), 0.5, 1


def _means(random: np.random.Generator) -> Iterator[Line]:
    """Intervals of a mean over ten seeds: which way covers?"""
    for name, (law, truth) in LAWS.items():
        values = law(random, (_tables(1000), 10))
        covers = {}
        for way in (means.student, means.johnson, means.logit, means.bootstrap_t):
            if way is means.logit and not (values.min() >= 0 and values.max() <= 1):
                continue
            low, high = way(values)
            covers[way.__name__] = ((low <= truth) & (truth <= high)).mean()
        shares = ", ".join(f"{way} {share:.3f}" for way, share in covers.items())
        # No way covers where most tables show no sign of the runs that fail.
        yield f"{name} seeds: cover the mean ({shares})", covers["bootstrap_t"], LEAST[name], 1
