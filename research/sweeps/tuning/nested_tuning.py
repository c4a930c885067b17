"""Tuning inside each fold: a study per fold of each seed, whose trials are means of its inner
folds."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from research.data.splitters.division import FoldNumbers
from research.options import Settings
from research.sweeps.column import FLAT
from research.sweeps.declare.nested_choice import SeedAndFold, how_often
from research.sweeps.tuning.goal import Goal
from research.sweeps.tuning.tuner import Tuned

Search = Callable[[str, Settings, Goal], Tuned]


@dataclasses.dataclass(frozen=True)
class NestedTuned:
    """What was tuned in nested folds.

    of_folds: the tuning of each fold of each seed, by its inner folds. flat: by seed, the tuning by
        the test rows of all folds, whose best value is optimistic.
    """

    of_folds: Mapping[SeedAndFold, Tuned]
    flat: Mapping[int, Tuned]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The runs that the table reports: each fold with the settings that it chose."""
        return [{**tuned.settings, "fold": fold} for (_, fold), tuned in self.of_folds.items()]

    @property
    def points(self) -> str:
        """How often each value was chosen."""
        chosen: dict[str, list[str]] = {}
        for tuned in self.of_folds.values():
            for path, value in tuned.point.items():
                chosen.setdefault(path, []).append(value)
        return "; ".join(
            f"{path} was chosen as {how_often(values)}" for path, values in chosen.items()
        )

    @property
    def flat_scores(self) -> dict[int, dict[str, float]]:
        """By seed, the best mean over the folds, on the rows that chose it."""
        return {
            seed: {f"{FLAT}/{tuned.goal.metric.partition('/')[2]}": float(tuned.best.value or 0)}
            for seed, tuned in self.flat.items()
        }


def tune_nested(
    search: Search,
    name: str,
    settings: Settings,
    folds: FoldNumbers,
    goal: Goal,
    seeds: Sequence[int],
) -> NestedTuned:
    """Searches a space in each fold of each seed by its inner folds, and once by all test rows.

    Args:
        search: a study of that name, of trials with these settings, for that goal.
        name: of the tuning; each study adds its seed and fold.
        settings: those of every trial, with a nested split.
        folds: of the split.
        goal: the metric to choose by.
        seeds: those that are reported.

    Raises:
        UserError: as `tuner.tune` does.
    """
    of_folds: dict[SeedAndFold, Tuned] = {}
    flat: dict[int, Tuned] = {}
    tested = Goal(f"test/{goal.metric.partition('/')[2]}", goal.better, tuple(range(folds.count)))
    for seed in seeds:
        of_seed = {**settings, "seed": seed}
        for fold in range(folds.count):
            inner = dataclasses.replace(goal, folds=folds.inner_of(fold))
            of_folds[seed, fold] = search(f"{name}, seed {seed}, fold {fold}", of_seed, inner)
        flat[seed] = search(f"{name}, seed {seed}, flat", of_seed, tested)
    return NestedTuned(of_folds, flat)
