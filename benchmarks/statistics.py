"""What tables claim, measured by simulation through the tables' own statistics.

Each line has what was measured, the value, and the bound that it must keep with its reason, or the
nominal value that it falls short of.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import flags
from numpy.typing import ArrayLike

from benchmarks import simulated_tables
from research.analysis.scope import null_of
from research.errors import UserError
from research.statistics.best import best_rows
from research.statistics.comparisons import Floats, Null, compare
from research.statistics.crossed import crossed
from research.statistics.intervals import ALPHA, t_quantile
from research.statistics.irregular import collapsed, strongly_skewed
from research.statistics.nulls import SharedFolds, SharedRows, SignFlips
from research.statistics.simulated import LAWS, equal_scores, fixed_test, in_folds, resplit
from research.statistics.simulated_choice import ChoiceWorld
from research.sweeps.declare import selection
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.records.record import Record

SIZE = flags.DEFINE_float(
    "simulations", 1.0, "with statistics: how many simulations, as a share of the full number"
)
ARMS = 11
# Of the simulated tables, how many are also built as launch.table builds them.
BUILT = 3


class Bound(NamedTuple):
    """The least and the largest value that is right, and why."""

    least: float
    most: float
    reason: str


ERROR = Bound(0, 0.06, "an error of 5 %, and one point for approximate distributions")
COVERAGE = Bound(0.93, 0.97, "coverage of 95 %, two points off for approximate distributions")
UNBIASED = Bound(-0.0015, 0.0015, "a choice that reads no test row leaves their accuracy unbiased")
SAME = Bound(0, 1e-9, "the table code gives the numbers that are simulated here")
POWER = Bound(0.45, 1, "half as much again as the 0.30 of Holm's correction of sign flips")
CLEAR = Bound(0.5, 1, "a difference of three deviations is shown more often than not")
SELDOM_NAMED = Bound(0, 0.02, "rows of normal values are seldom called skewed")
NAMED = Bound(0.98, 1, "a collapse is named, unless half of the runs of its row collapse")
# Student's t assumes nothing but symmetry here. No interval of ten values covers the mean of the
# other laws, so they have no bound: their shortfall is printed, and tables name such rows.
SYMMETRIC = ("normal", "heavy", "binomial")


class ReportLine(NamedTuple):
    """What was measured, its value, and its bound; None where the value is only reported. error:
    the standard error of the value by chance, near the bound."""

    what: str
    value: float
    bound: Bound | None
    error: float = 0.0


def measure() -> None:
    """Prints every measurement; raises UserError if one is out of its bounds."""
    if not 0 < SIZE.value <= 1:
        raise UserError(f"--simulations={SIZE.value}: a share above 0 and at most 1")
    random = np.random.default_rng(0)
    wrong = []
    for lines in SIMULATIONS:
        for line in lines(random):
            print(f"{line.what}: {_number(line.value)}{_judged(line)}")
            if not is_right(line):
                wrong.append(line.what)
    if wrong:
        raise UserError(f"out of bounds: {'; '.join(wrong)}")


def is_right(line: ReportLine) -> bool:
    """Whether a value is within its bound, and three standard errors for chance."""
    if line.bound is None:
        return True
    return bool(line.bound.least - _slack(line) <= line.value <= line.bound.most + _slack(line))


def _number(value: float) -> str:
    return f"{value:.1e}" if 0 < abs(value) < 1e-4 else f"{value:.4f}"


def _slack(line: ReportLine) -> float:
    """Three standard errors, for chance."""
    return 3 * line.error


def _share(what: str, happened: ArrayLike, bound: Bound | None) -> ReportLine:
    """How often something happened in the simulated tables."""
    shown = np.asarray(happened)
    return ReportLine(what, float(shown.mean()), bound, float(np.sqrt(0.06 * 0.94 / len(shown))))


def _judged(line: ReportLine) -> str:
    """The bound of a line with its reason."""
    if line.bound is None:
        return ""
    verb = "bound" if is_right(line) else "must be"
    least, most, reason = line.bound
    chance = f", ± {_slack(line):.2g} for chance" if line.error else ""
    return f" ({verb} {least:g} to {most:g}{chance}: {reason})"


def _tables(full: int) -> int:
    return max(20, int(full * SIZE.value))


def _new_rows(random: np.random.Generator) -> Iterator[ReportLine]:
    """Re-split data sets: coverage of the accuracy on new rows, and verdicts on equal arms."""
    for rows, (train, test) in ((150, (120, 15)), (569, (455, 57)), (1797, (500, 180))):
        for seeds in (10, 20, 50):
            tables = _tables(min(2000, 20_000_000 // (rows * seeds)))
            values, truth = resplit(random, tables, seeds, rows, train, test)
            null = _null(values[0])
            half_width = t_quantile(seeds - 1) * _errors(values, null)
            name = f"{rows} rows, {seeds} seeds that split them"
            yield _as_in_the_table(name, values, half_width)
            off = np.abs(values.mean(1) - truth)
            naive = t_quantile(seeds - 1) * values.std(1, ddof=1) / np.sqrt(seeds)
            without = (off <= naive).mean()
            what = f"{name}: cover new rows (without correction {without:.2f})"
            yield _share(what, (off <= half_width).mean(-1), COVERAGE)
            difference = values[..., 1:] - values[..., :1]
            new = compare(difference, dataclasses.replace(null, count=1000)).adjusted <= ALPHA
            without = (compare(difference, SignFlips(2000)).adjusted <= ALPHA).mean()
            yield _share(f"{name}: equal arms differ (by flips {without:.2f})", new, ERROR)


def _null(values: Floats) -> SharedRows:
    """The distribution that a table of re-split seeds has. values: [n, k]."""
    given = simulated_tables.arms(values, simulated_tables.RESPLIT)
    null = null_of(None, given, simulated_tables.COLUMN, range(len(values)))
    assert isinstance(null, SharedRows)
    return null


def _errors(values: Floats, null: Null) -> Floats:
    """The standard errors [T, k] of the means of values [T, n, k]."""
    n = np.full(values.shape[-1], values.shape[1])
    return null.error(values.sum(1), (values**2).sum(1), n)


def _as_in_the_table(name: str, values: Floats, half_width: Floats) -> ReportLine:
    """How far half-widths [T, k] are off those of the tables that are built of values [T, n, k]."""
    # A table of 50 seeds takes as long as all others.
    few = 1 if values.shape[1] > 20 else BUILT
    built = [simulated_tables.table(one, simulated_tables.RESPLIT) for one in values[:few]]
    shown = np.array([simulated_tables.half_widths(table) for table in built])
    off = float(np.abs(shown - half_width[:few]).max())
    return ReportLine(f"{name}: intervals of {few} tables", off, SAME)


def _test_set(random: np.random.Generator) -> Iterator[ReportLine]:
    """One fixed split: tables of runs that kept the scores of each test row."""
    right, truth = fixed_test(random, _tables(1500), 10, 500, 300)
    means = right.mean(-1)
    naive = t_quantile(9) * means.std(1, ddof=1) / np.sqrt(10)
    without = (np.abs(means.mean(1) - truth) <= naive).mean()
    half_widths = []
    for one in right:
        table = simulated_tables.table(one.mean(-1)[:, None], simulated_tables.FIXED, [one])
        half_widths += simulated_tables.half_widths(table)
    covered = np.abs(means.mean(1) - truth) <= np.array(half_widths)
    what = f"one fixed split, 500 training rows: cover new rows (t over seeds {without:.2f})"
    yield _share(what, covered, COVERAGE)


def _choosing(_: np.random.Generator) -> Iterator[ReportLine]:
    """A setting chosen on validation rows: the reported accuracy minus that on new rows."""
    choose = Choose("learning_rate", [0.1, 0.2, 0.3, 0.4], seeds=3)
    experiment = Experiment("simulated", "", {}, {"arm": {}}, choose=choose, seeds=3)
    for rows, full in ((150, 40_000), (569, 10_000), (1797, 3_000)):
        tables = _tables(full)
        off = np.concatenate(
            [
                _reported(experiment, ChoiceWorld(min(1000, tables - start), rows, start))
                for start in range(0, tables, 1000)
            ]
        )
        error = float(off.std() / np.sqrt(len(off)))
        what = f"{rows} rows, a setting that is chosen: its accuracy minus the truth"
        yield ReportLine(what, float(off.mean()), UNBIASED, error)


def _reported(experiment: Experiment, world: ChoiceWorld) -> Floats:
    """Per data set, the mean accuracy that the table reports minus that of its runs on new rows."""
    choose = experiment.choose
    assert choose is not None

    def run(settings: Mapping[str, Any]) -> dict[str, Floats]:
        seed = settings["seed"]
        followed = settings.get("split_seed", "seed")
        split_seed = seed if followed == "seed" else followed
        return world.accuracies(choose.values.index(settings[choose.path]), split_seed, seed)

    searched = [
        [run(one) for one in of_value] for of_value in selection.candidates(experiment)["arm"]
    ]
    off = np.zeros(world.tables)
    chosen = np.array([_best(choose, searched, table) for table in range(world.tables)])
    for value in choose.values:
        runs = [run(one) for one in selection.requests(experiment, {"arm": value})["arm"]]
        bias = np.mean([one["test/accuracy"] - one["new"] for one in runs], 0)
        off = np.where(chosen == value, bias, off)
    return off


def _best(choose: Choose, searched: Sequence[Sequence[Mapping[str, Floats]]], table: int) -> Any:
    """The value that is chosen on one data set."""

    def record(run: Mapping[str, Floats]) -> Record:
        return Record("", "finished", {}, {choose.metric: float(run[choose.metric][table])})

    return selection.best(choose, [[record(run) for run in runs] for runs in searched])


def _verdicts_of_tables(name: str, values: Floats, adjusted: Floats) -> ReportLine:
    """How far corrected p-values [T, k - 1] are off those of the tables that are built of values
    [T, n, k], whose first arm is the baseline."""
    built = [simulated_tables.table(one, simulated_tables.FIXED) for one in values[:BUILT]]
    shown = np.array([simulated_tables.adjusted_p(table) for table in built])
    off = float(np.abs(shown - adjusted[:BUILT]).max())
    return ReportLine(f"{name}: p of {BUILT} tables", off, SAME)


def _with_baseline(differences: Floats) -> Floats:
    """Values [T, n, 1 + m] with these differences [T, n, m] to the first arm."""
    return np.concatenate([np.zeros_like(differences[..., :1]), differences], -1)


def _equal_arms(random: np.random.Generator) -> Iterator[ReportLine]:
    """Equal arms on the same rows: any false verdict, for each law of seeds."""
    for name, (law, _) in LAWS.items():
        values = law(random, (_tables(1000), 10, ARMS + 1))
        result = compare(values[..., 1:] - values[..., :1], SignFlips())
        wrong = (result.adjusted <= ALPHA).any(-1)
        yield _share(f"{name} seeds, {ARMS} equal arms: a false verdict", wrong, ERROR)
        yield _verdicts_of_tables(f"{name} seeds, {ARMS} equal arms", values, result.adjusted)


def _equal_arms_on_new_rows(random: np.random.Generator) -> Iterator[ReportLine]:
    """Equal arms on a fixed test set, and in the folds of one seed: any false verdict on new
    rows."""
    wrong = []
    flipped = []
    tables = _tables(2000)
    for start in range(0, tables, 50):
        scores = equal_scores(random, min(50, tables - start), 10, 200, ARMS + 1)
        null = dataclasses.replace(crossed(scores), count=1000)
        means = scores.mean(2)
        difference = means[..., 1:] - means[..., :1]
        result = compare(
            difference, null.comparing(lambda: np.eye(ARMS + 1)[1:] - np.eye(ARMS + 1)[0])
        )
        wrong.append((result.adjusted <= ALPHA).any(-1))
        flipped.append((compare(difference, SignFlips()).adjusted <= ALPHA).any(-1))
    without = np.concatenate(flipped).mean()
    what = f"one fixed test set, {ARMS} equal arms, 10 seeds (by flips {without:.2f})"
    yield _share(f"{what}: a false verdict", np.concatenate(wrong), ERROR)
    for rows in (150, 569):
        values = in_folds(random, _tables(4000), 5, rows)
        difference = values[..., 1:] - values[..., :1]
        result = compare(difference, SharedFolds(1 / 5, 1000))
        without = (compare(difference, SharedFolds(0.0, 1000)).adjusted <= ALPHA).mean()
        what = f"{rows} rows in 5 folds, two equal arms (without correction {without:.2f})"
        yield _share(f"{what}: a false verdict", (result.adjusted <= ALPHA).any(-1), ERROR)


def _bold(random: np.random.Generator) -> Iterator[ReportLine]:
    for arms, full in ((12, 200), (26, 100)):
        values = random.standard_normal((_tables(full), 20, arms))
        missing = ~best_rows(values, SignFlips(1000)).all(-1)
        what = f"{arms} rows tied for best, 20 seeds: one is not bold"
        yield _share(what, missing, ERROR)
        built = simulated_tables.table(values[0], simulated_tables.FIXED)
        bold = best_rows(values[0], SignFlips())
        off = sum(row.cells[0].bold != chosen for row, chosen in zip(built.rows, bold, strict=True))
        yield ReportLine(f"{arms} rows tied for best: bold rows of a table that differ", off, SAME)


def _power(random: np.random.Generator) -> Iterator[ReportLine]:
    for better in (1, ARMS):
        differences = random.standard_normal((_tables(400), 10, ARMS))
        differences[..., :better] += 1
        adjusted = compare(differences, SignFlips()).adjusted
        shown = adjusted[..., :better] <= ALPHA
        name = f"{better} of {ARMS} arms better by one sd, 10 seeds"
        yield _share(f"{name}: shown", shown.mean(-1), POWER)
        yield _verdicts_of_tables(name, _with_baseline(differences), adjusted)


def _few_seeds(random: np.random.Generator) -> Iterator[ReportLine]:
    for seeds in (6, 7, 8):
        differences = random.standard_normal((_tables(400), seeds, ARMS))
        differences[..., 0] += 3
        adjusted = compare(differences, SignFlips()).adjusted
        name = f"{seeds} seeds, {ARMS} arms, one better by three sd"
        yield _share(f"{name}: shown", adjusted[..., 0] <= ALPHA, CLEAR)
        yield _verdicts_of_tables(name, _with_baseline(differences), adjusted)


def _means(random: np.random.Generator) -> Iterator[ReportLine]:
    """The t-interval of a cell over ten seeds, and which rows are named."""
    for name, (law, truth) in LAWS.items():
        values = law(random, (_tables(4000), 10))
        half_width = t_quantile(9) * values.std(-1, ddof=1) / np.sqrt(10)
        covered = np.abs(values.mean(-1) - truth) <= half_width
        bound = COVERAGE if name in SYMMETRIC else None
        short = "" if bound or covered.mean() >= COVERAGE.least else ", a shortfall"
        yield _share(f"{name} seeds: the t-interval covers the mean{short}", covered, bound)
        named = strongly_skewed(values) | collapsed(values).any(-1)
        bound = SELDOM_NAMED if name == "normal" else None
        yield _share(f"{name} seeds: rows that the footer names", named, bound)
        if name == "collapsing":
            with_collapse = (values < values.max(-1, keepdims=True) - 0.2).any(-1)
            what = "collapsing seeds: rows with a collapse that the footer names"
            yield _share(what, named[with_collapse], NAMED)


SIMULATIONS = (
    _new_rows,
    _test_set,
    _choosing,
    _equal_arms,
    _bold,
    _power,
    _few_seeds,
    _means,
    _equal_arms_on_new_rows,
)
