"""The footer's sentence on how the reported settings of a tuning came about."""

from collections import Counter
from collections.abc import Sequence

from optuna.study import Study

from research.sweeps.column import FLAT
from research.sweeps.tuning import journal
from research.sweeps.tuning.journal import ENTERED
from research.sweeps.tuning.nested_tuning import NestedTuned
from research.sweeps.tuning.tuner import Budget, Tuned
from research.words import plural


def described(tunings: Sequence[Tuned], budget: Budget, seeds: int, folds: int) -> str:
    """The footer's sentence on how the reported settings were tuned.

    Args:
        tunings: the tuning of each row.
        budget: how each of them searched.
        seeds: fresh seeds that the table reports.
        folds: runs of each of these seeds, the most of any row.
    """
    of_rows = [journal.counts(tuned.study.get_trials(deepcopy=False)) for tuned in tunings]
    counts = sum(map(Counter, of_rows), Counter[str]())
    paths = list(dict.fromkeys(axis.path for tuned in tunings for axis in tuned.axes))
    came = ", ".join(f"{count} {word}" for word, count in counts.items())
    each = f" for each of {len(tunings)} rows" if len(tunings) > 1 else ""
    totals = sorted({sum(of_row.values()) for of_row in of_rows})
    asked = str(totals[0]) if len(totals) == 1 else f"{totals[0]} to {totals[-1]}"
    different = sum(_different(tuned.study) for tuned in tunings)
    of_settings = f" ({different} different settings)" if different < sum(counts.values()) else ""
    every = [trial for tuned in tunings for trial in tuned.study.get_trials(deepcopy=False)]
    entered = sum(ENTERED in trial.user_attrs for trial in every)
    carried_over = f", {entered} of them kept from an earlier space" if entered else ""
    read = "whose test rows no trial reads"
    if folds > 1:
        read = (
            "whose folds test on rows that validate in other folds, so that the scores are"
            " optimistic"
        )
    pruned = f", pruned by {budget.pruner}" if budget.pruner else ""
    return (
        f"Tuned{each} by {asked} trials{of_settings} of {budget.sampler}{pruned}{carried_over}:"
        f" {', '.join(paths)}. Trials: {came}. The best {tunings[0].goal.metric} of one seed chose;"
        f" the table reports the choice on {plural(seeds, 'fresh seed')} of the same split,"
        f" {read}."
    )


def described_in_folds(tunings: Sequence[NestedTuned], budget: Budget) -> str:
    """The footer's sentences on how the settings of nested folds were tuned.

    Args:
        tunings: of each row with nested folds.
        budget: how each study searched.
    """
    studies = [tuned for of_row in tunings for tuned in of_row.of_folds.values()]
    counts = journal.counts([trial for tuned in studies for trial in tuned.study.trials])
    paths = list(dict.fromkeys(axis.path for tuned in studies for axis in tuned.axes))
    came = ", ".join(f"{count} {word}" for word, count in counts.items())
    name = studies[0].goal.metric.partition("/")[2]
    return (
        f"Tuned in each of {plural(len(studies), 'fold')} by"
        f" {len(studies[0].study.trials)} trials of {budget.sampler}: {', '.join(paths)}. Trials:"
        f" {came}. The best mean of {studies[0].goal.metric} over the inner folds of a fold chose"
        f" its settings, and no trial reads a row that its fold tests. {FLAT}/{name} is the best"
        " value of such a search by the test rows of all folds, on the same rows: it is optimistic."
    )


def _different(study: Study) -> int:
    """How many different settings the trials had; one that is drawn again is read from its
    record."""
    return len({tuple(sorted(trial.params.items())) for trial in study.get_trials(deepcopy=False)})
