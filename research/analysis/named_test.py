"""The tests that `--test` names: over the folds of all seeds, and over the rows of one test set."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from research.analysis.arms_table import Arm
from research.analysis.fold_values import null_of_folds
from research.analysis.kept_scores import KEPT_PARTS, KeptScores, ScoresOfArms, scores_of_arms
from research.config import to_flags
from research.errors import UserError, nearest
from research.statistics.comparisons import Null
from research.statistics.nulls import Untested
from research.statistics.row_tests import McNemar, RowBootstrap
from research.statistics.two_fold import REPEATS, TwoFold
from research.sweeps.column import Column
from research.sweeps.plan.run_plan import RequestedRun, trainable

Config = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class NamedTest:
    """A test that is asked for.

    of_folds: its null hypothesis, from the rows of a table with a record per fold; None: it is of
    test rows. of_rows: its null hypothesis, from the kept scores of each row. right_or_wrong:
    whether only an accuracy has it. repeats: of two folds, how many it needs; None: any folds.
    """

    of_folds: Callable[[Sequence[Arm], Column], Null] | None = None
    of_rows: Callable[[ScoresOfArms], Null] = lambda scores: RowBootstrap(*scores)
    right_or_wrong: bool = False
    repeats: int | None = None

    def suits(self, column: Column) -> bool:
        """Whether a column can have this test."""
        part, _, name = column.metric.partition("/")
        if self.of_folds is not None:
            return part == "test"
        return part in KEPT_PARTS and (name == "accuracy" or not self.right_or_wrong)


TESTS: Mapping[str, NamedTest] = {
    "kfold_t": NamedTest(null_of_folds),
    "5x2cv_f": NamedTest(lambda arms, column: TwoFold(), repeats=REPEATS),
    "mcnemar": NamedTest(of_rows=lambda scores: McNemar(*scores), right_or_wrong=True),
    "mcnemar_midp": NamedTest(
        of_rows=lambda scores: McNemar(*scores, mid=True), right_or_wrong=True
    ),
    "bootstrap": NamedTest(),
}


def named_test(name: str) -> NamedTest:
    """The test of that name. Raises UserError with the nearest names."""
    if name not in TESTS:
        raise UserError(f"--test={name}: there is no such test; {nearest(name, TESTS)}")
    return TESTS[name]


def refuse_unfit(
    name: str,
    columns: Sequence[Column],
    baseline: str | None,
    configs: Sequence[Config],
    own_test_rows: bool,
) -> None:
    """Raises UserError where a test does not fit what is compared.

    Args:
        name: of the test.
        columns: of the table.
        baseline: the row that the others are compared with.
        configs: the flat configs of all runs.
        own_test_rows: whether the data set has test rows that no split draws.
    """
    test = named_test(name)
    if baseline is None:
        raise UserError(f"--test={name} compares rows with a baseline; give --baseline=ROW")
    if not any(test.suits(column) for column in columns):
        labels = ", ".join(column.label for column in columns)
        wanted = "test/accuracy" if test.right_or_wrong else "a metric of test rows"
        other = "; --test=bootstrap takes other means over rows" if test.right_or_wrong else ""
        raise UserError(f"--test={name} is of {wanted}, and the table has {labels}{other}")
    if not configs:
        return
    splits = sorted({config.get("split", "8:1:1") for config in configs})
    seeds = {config.get("seed", "0") for config in configs}
    folds = {config.get("fold", "none") for config in configs}
    by_seed = all(config.get("split_seed") == config.get("seed") for config in configs)
    if test.of_folds is None:
        if folds != {"none"}:
            raise UserError(
                f"--test={name} is over the rows of one test set, and split={splits[0]} has folds;"
                " --test=kfold_t compares folds"
            )
        if len(seeds) > 1 and by_seed and not own_test_rows:
            raise UserError(
                f"--test={name} is over the rows of one test set, and each seed draws its own;"
                " give --split_seed=7, or data with test rows of its own"
            )
    elif "none" in folds:
        raise UserError(
            f"--test={name} compares the folds of cross-validation, and split={splits[0]} has none;"
            " give a split that has, as --split='repeated_kfold(5,2)'"
        )
    elif len(seeds) > 1 and not by_seed:
        raise UserError(
            f"--test={name} takes the folds of each seed for another division of the rows, and all"
            " seeds share one; give --split_seed=seed, or one seed of a repeated split, as"
            " --split='repeated_kfold(5,2)'"
        )
    elif test.repeats is not None and {_repeats_of_two(c) * len(seeds) for c in configs} != {
        test.repeats
    }:
        raise UserError(
            f"--test={name} needs {test.repeats} repeats of two folds; give --split='kfold(2)' with"
            f" {test.repeats} seeds, or --split='repeated_kfold(2,{test.repeats})' with one"
        )


def refuse_planned(
    name: str | None,
    columns: Sequence[Column],
    baseline: str | None,
    runs: Sequence[RequestedRun],
) -> None:
    """Raises UserError as `refuse_unfit` does, before the runs are trained.

    Args:
        name: of the test; None: there is nothing to refuse.
        columns: of the table.
        baseline: the row that the others are compared with.
        runs: what is planned.
    """
    if name is None:
        return
    tested_apart = any(run.program.spec.test_size for run in trainable(runs))
    refuse_unfit(name, columns, baseline, [to_flags(run.config) for run in runs], tested_apart)


def _repeats_of_two(config: Config) -> int:
    """How often a seed's split divides the rows into two folds; 0 where folds are not two."""
    two = config.get("split", "").endswith("kfold") and config.get("split.folds") == "2"
    return int(config.get("split.times", "1")) if two else 0


def null_of_test(
    name: str,
    arms: Sequence[Arm],
    column: Column,
    seeds: Sequence[int],
    scores: KeptScores | None,
) -> Null | None:
    """The null hypothesis of a named test in a column; None where the column cannot have it.

    Args:
        name: of the test.
        arms: the rows of the table, by fold where the test is of folds.
        column: the column.
        seeds: those of the table.
        scores: the metric of each row, where runs kept them.

    Raises:
        UserError: the runs kept no scores of the same rows.
    """
    test = named_test(name)
    if test.of_folds is not None:
        suits = test.suits(column)
        return test.of_folds(arms, column) if suits else Untested("folds of one seed")
    if not test.suits(column):
        return None
    known = scores and scores_of_arms(arms, column.metric, seeds, scores, fewest=1)
    if not known:
        raise UserError(
            f"--test={name}: no scores of each row are kept of {column.label}, which must be a mean"
            " over the same rows in all runs; leave out --no_train, or train with"
            " --keep_predictions"
        )
    if test.right_or_wrong and not np.isin(known.values, (0.0, 1.0)).all():
        raise UserError(
            f"--test={name}: {column.label} is not right or wrong in each row; --test=bootstrap"
            " takes other means over rows"
        )
    return test.of_rows(known)


def reads_rows(name: str | None) -> bool:
    """Whether runs must keep their scores for this test."""
    return name is not None and named_test(name).of_folds is None
