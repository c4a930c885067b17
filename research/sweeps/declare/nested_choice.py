"""Choosing inside each fold: the inner folds of a fold choose its setting, and its test rows are
read by no choice."""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from research.data.splitters.division import chooses_for
from research.errors import UserError
from research.options import Settings
from research.sweeps.column import FLAT
from research.sweeps.estimates.mean_of_folds import mean_of_folds
from research.sweeps.plan.run_plan import RequestedRun, trainable
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.words import plural

SeedAndFold = tuple[int, int]
MOST = 4  # values that a footer names
# Runs by arm, for each value that is chosen from.
ByArm = Mapping[str, Sequence[Sequence[RequestedRun]]]


@dataclasses.dataclass(frozen=True)
class FoldChoice:
    """The chosen value of each seed and fold of an arm."""

    values: Mapping[SeedAndFold, Any]

    def requests(self, settings: Settings, path: str) -> list[Settings]:
        """The runs that report: each fold of each seed with its value.

        Args:
            settings: those of the arm.
            path: the chosen setting.
        """
        return [
            {**settings, path: value, "seed": seed, "fold": fold}
            for (seed, fold), value in self.values.items()
        ]

    def __str__(self) -> str:
        return how_often(self.values.values())


def how_often(values: Iterable[Any]) -> str:
    """How many folds chose each value, as `0.1 in 3 folds, 0.2 in 1 fold`.

    values: the chosen one of each fold.
    """
    counts = Counter(map(str, values)).most_common()
    listed = [f"{value} in {plural(count, 'fold')}" for value, count in counts[:MOST]]
    if others := counts[MOST:]:
        listed.append(f"{plural(len(others), 'other value')} in {sum(n for _, n in others)}")
    return ", ".join(listed)


def inner_requests(requests: Sequence[Settings], planner: Planner) -> list[Settings]:
    """The requests, each once per inner fold.

    Args:
        requests: of a nested split.
        planner: counts the folds.
    """
    return [
        {**request, "fold": fold}
        for request in requests
        for fold in planner.folds(request).inner_numbers
    ]


def outer_requests(requests: Sequence[Settings], planner: Planner) -> list[Settings]:
    """The requests, each once per fold that tests.

    Args:
        requests: of a nested split.
        planner: counts the folds.
    """
    return [
        {**request, "fold": fold}
        for request in requests
        for fold in range(planner.folds(request).count)
    ]


def chosen_of_folds(
    best: Callable[[Sequence[Sequence[Record]]], int | None],
    values: Sequence[Any],
    runs: Sequence[Sequence[RequestedRun]],
    records: Mapping[str, Record],
) -> FoldChoice | None:
    """The best value of each fold of each seed, by the inner folds of that fold alone; None if a
    fold has none.

    Args:
        best: the number of the best value, from the records of each; None: none can be compared.
        values: to choose from.
        runs: for each value, the runs of all inner folds and seeds.
        records: of these runs, by id.

    Raises:
        UserError: a run tests rows, so that the choice would read what is reported.
    """
    by_fold: dict[SeedAndFold, list[list[Record]]] = defaultdict(lambda: [[] for _ in values])
    for index, of_value in enumerate(runs):
        for run in trainable(of_value):
            fold = chooses_for(run.config, run.program.spec)
            if fold is None:
                raise UserError(
                    f"run {run.id} tests rows (fold={run.config.fold} of split={run.config.split}),"
                    " and a choice reads only the validation rows of inner folds"
                )
            by_fold[run.config.seed, fold][index].append(records[run.id])
    chosen = {key: best(of_fold) for key, of_fold in sorted(by_fold.items())}
    numbers = {key: number for key, number in chosen.items() if number is not None}
    if len(numbers) < len(chosen):
        return None
    return FoldChoice({key: values[number] for key, number in numbers.items()})


def flat_runs(requests: Mapping[str, Sequence[Sequence[Settings]]], planner: Planner) -> ByArm:
    """Every value on every fold that tests: what choosing on the test rows of the folds reads.

    Args:
        requests: by arm with a nested split, for each value, a request per seed.
        planner: plans the runs.
    """
    planned = planner.plan_rows(
        {
            (label, index): outer_requests(of_value, planner)
            for label, of_arm in requests.items()
            for index, of_value in enumerate(of_arm)
        }
    )
    by_arm: dict[str, list[list[RequestedRun]]] = {}
    for (label, _), of_value in planned.items():
        by_arm.setdefault(label, []).append(of_value)
    return by_arm


def flat_scores(
    runs: ByArm, records: Mapping[str, Record], metric: str, better: str
) -> dict[str, dict[str, float]]:
    """By run id, the flat score of its seed: that of the value which is best on the test rows of
    all folds, on the same rows. It is too good.

    All folds of a seed have the same, so their mean is it too. A value takes no part if one of
    its folds did not finish.

    Args:
        runs: every value on every fold that tests, by arm.
        records: of these runs, by id; some may be missing.
        metric: what is chosen by, as `validation/accuracy`.
        better: "higher" or "lower".
    """
    sign = 1.0 if better == "higher" else -1.0
    name = f"test/{metric.partition('/')[2]}"
    scores: dict[str, dict[str, float]] = {}
    for of_arm in runs.values():
        for seed in sorted({run.config.seed for run in of_arm[0]}):
            ids = [[run.id for run in of_value if run.config.seed == seed] for of_value in of_arm]
            means = [_mean_on_test_rows(of_value, records) for of_value in ids]
            known = [mean for mean in means if math.isfinite(mean.get(name, math.nan))]
            if known:
                best = max(known, key=lambda mean: sign * mean[name])
                score = {f"{FLAT}/{path.partition('/')[2]}": best[path] for path in best}
                scores |= {run_id: score for of_value in ids for run_id in of_value}
    return scores


def with_scores(
    records: Mapping[str, Record], scores: Mapping[str, Mapping[str, float]]
) -> dict[str, Record]:
    """The records with further metrics.

    Args:
        records: by run id.
        scores: further metrics by run id.
    """
    added = {
        run_id: dataclasses.replace(records[run_id], metrics={**records[run_id].metrics, **more})
        for run_id, more in scores.items()
        if run_id in records
    }
    return {**records, **added}


def _mean_on_test_rows(run_ids: Sequence[str], records: Mapping[str, Record]) -> dict[str, float]:
    """The mean over folds of each metric of test rows; none where a fold did not finish."""
    folds = [records[run_id] for run_id in run_ids if run_id in records]
    if len(folds) < len(run_ids) or any(fold.status != "finished" for fold in folds):
        return {}
    means = mean_of_folds([fold.metrics for fold in folds])
    return {path: mean for path, mean in means.items() if path.startswith("test/")}
