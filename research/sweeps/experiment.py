"""Experiment: a declared table. Data, no logic: base config, arms, columns, seeds, baseline,
published values."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from research.components import entry_and_options
from research.config import by_full_name
from research.errors import UserError
from research.options import Settings
from research.registry import SPLITTERS, Registry, load_package
from research.sweeps.column import (
    Better,
    Column,
    Published,
    check_metric,
    is_flat,
    refuse_fitted,
    with_flat,
)
from research.sweeps.declare import designs, factor_arms
from research.sweeps.declare.dataset_arms import DatasetArms, on_datasets
from research.sweeps.declare.designs import Design
from research.sweeps.ensembles.arms import with_named_arms


@dataclasses.dataclass(frozen=True)
class Choose:
    """How an arm's setting is chosen before it is reported: by the mean of a validation metric over
    `seeds`.

    The chosen setting is then trained on fresh seeds, and only those enter the table. An arm with a
    nested split chooses by its inner folds instead, for each fold of each seed. Raises UserError if
    there is no such metric, if it is not one of validation, or if the other way is better.
    """

    path: str
    values: Sequence[Any]
    seeds: int = 1
    metric: str = "validation/accuracy"
    better: Better = "higher"

    def __post_init__(self) -> None:
        if not self.metric.startswith("validation/"):
            raise UserError(
                f"{self.path} is chosen on validation rows, and {self.metric} is not measured"
                " on them"
            )
        check_metric(self.metric, self.better)
        refuse_fitted([self.path], self.metric)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table's declaration.

    base: settings of every run, as flags take them. arms: a row's label and what it changes.
        columns: what is shown of each row. baseline: the arm that the others are compared with.
        notes: for the footer. claim: what verdicts are about, the same rows or new
        ones; None: new ones where seeds split the rows. factors: instead of arms, the ingredients
        that are on or off, by name, and what each changes when it is on. design: which of their
        combinations are trained (see DESIGNS). estimate: what makes one value of a seed's folds;
        None: their mean. arm_seeds: rows with fewer seeds than the others. until: how
        the number of seeds is decided; "": as declared. datasets: where every arm is trained,
        instead of one data set in base; `arms` then has a row per arm and data set, and there is
        no baseline among them. family: whether p is corrected for the rows of its column, or of all
        columns. test: the test by name, as `--test` takes it. Raises UserError if an arm sets what
        is chosen for it, if of a column the other way is better, or if a design or the data sets do
        not fit.
    """

    name: str
    summary: str
    base: Settings
    arms: Mapping[str, Settings] = dataclasses.field(default_factory=dict)
    columns: Sequence[Column] = ()
    baseline: str | None = None
    seeds: int = 10
    choose: Choose | None = None
    published: Mapping[tuple[str, str], Published] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()
    paper: str = ""
    claim: Literal["rows", "new"] | None = None
    factors: Mapping[str, Settings] = dataclasses.field(default_factory=dict)
    design: str = ""
    estimate: str | None = None
    arm_seeds: Mapping[str, int] = dataclasses.field(default_factory=dict)
    until: Literal["", "decided"] = ""
    datasets: Sequence[str] = ()
    family: Literal["column", "table"] = "column"
    test: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", by_full_name(self.base))
        for name in ("arms", "factors"):
            if isinstance(getattr(self, name), DatasetArms):
                continue
            settings = {label: by_full_name(arm) for label, arm in getattr(self, name).items()}
            settings = {label: with_named_arms(arm, settings) for label, arm in settings.items()}
            object.__setattr__(self, name, type(getattr(self, name))(settings))
        self._combine_factors()
        self._spread_over_datasets()
        for column in self.columns:
            check_metric(column.metric, column.better)
        if not self.arms:
            raise UserError(f"'{self.name}' has no arms; give arms={{'NAME': {{settings}}, ...}}")
        if self.choose is not None:
            self._check_choice(self.choose)
        self._show_flat_score()

    def _check_choice(self, choose: Choose) -> None:
        """Raises UserError for arms that exclude the choice."""
        for label, arm in self.arms.items():
            shared = {**self.base, **arm}.get("split_seed") == "seed" and label not in self.nested
            if shared:
                raise UserError(
                    f"'{self.name}' chooses {choose.path}, and split_seed=seed would let the"
                    " choice read rows that are tested on; leave it out, or give a number"
                )
            if choose.path in arm:
                raise UserError(
                    f"'{self.name}' chooses {choose.path}, and its arm '{label}' sets it"
                )
        if choose.seeds != 1 and len(self.nested) == len(self.arms):
            raise UserError(
                f"'{self.name}' chooses {choose.path} by the inner folds of every seed, so seeds="
                f"{choose.seeds} of the choice has no effect; leave it out"
            )

    def _show_flat_score(self) -> None:
        """Adds the column of the flat score behind the score of nested folds; `dataclasses.replace`
        keeps it."""
        flat = [column.label for column in self.columns if is_flat(column.metric)]
        if flat and not self.nested:
            raise UserError(
                f"the column '{flat[0]}' is of a setting that is chosen in nested folds; give"
                " choose=Choose(...) and an arm with split='nested(5,3)'"
            )
        if self.choose is not None and self.nested:
            columns = with_flat(self.columns, self.choose.metric, self.choose.better)
            # The dataclass is frozen for its users; here it is not finished yet.
            object.__setattr__(self, "columns", columns)

    @functools.cached_property
    def nested(self) -> frozenset[str]:
        """The arms whose split has inner folds, which choose their settings."""
        return self._nested()

    def _nested(self) -> frozenset[str]:
        load_package("research.data.splitters")
        return frozenset(
            label for label, arm in self.arms.items() if _is_nested({**self.base, **arm})
        )

    def _combine_factors(self) -> None:
        """Makes the arms of a design; `dataclasses.replace` makes them again."""
        if not self.factors:
            if self.design:
                raise UserError(
                    f"'{self.name}' has design='{self.design}' and no factors; give"
                    " factors={'NAME': {settings}, ...}"
                )
            return
        if self.arms and not isinstance(self.arms, _ArmsOfDesign):
            raise UserError(
                f"'{self.name}' has both arms and factors; a design makes its arms from the factors"
            )
        names = list(self.factors)
        arms = _ArmsOfDesign()
        design = self.combinations
        for on in design.on:
            settings = factor_arms.combined(self.base, self.factors, on, neutral=design.combines)
            arms[factor_arms.label(names, on)] = settings
        # The dataclass is frozen for its users; here it is not finished yet.
        if len(arms) < len(design.on):
            raise UserError(
                f"'{self.name}': design='{self.design}' makes the same row of {names[0]} twice;"
                " give two factors or more"
            )
        object.__setattr__(self, "arms", arms)
        if self.baseline is None:
            object.__setattr__(self, "baseline", next(iter(arms)))

    def _spread_over_datasets(self) -> None:
        """Makes a row per arm and data set; `dataclasses.replace` keeps them."""
        if not self.datasets or isinstance(self.arms, DatasetArms):
            return
        # Nested folds choose for each row by itself; other rows would share one split of one set.
        chooses = self.choose is not None and len(self._nested()) < len(self.arms)
        if self.factors or chooses or self.published:
            what = "factors" if self.factors else "choose" if chooses else "published values"
            raise UserError(f"'{self.name}' has datasets and {what}; use one data set for these")
        arms = on_datasets(self.name, self.base, self.arms, self.datasets, self.baseline)
        # The dataclass is frozen for its users; here it is not finished yet.
        object.__setattr__(self, "arms", arms)
        object.__setattr__(self, "baseline", None)

    @functools.cached_property
    def combinations(self) -> Design:
        """The combinations of the factors that are trained. Requires factors."""
        text = self.design or "one_at_a_time"
        return designs.design(text, len(self.factors), self.seeds)

    def seeds_of(self, label: str) -> list[int]:
        """The seeds that an arm is trained on, counted from 0: some designs draw arms per seed."""
        seeds = list(range(min(self.seeds, self.arm_seeds.get(label, self.seeds))))
        if not self.factors:
            return seeds
        index = list(self.arms).index(label)
        return [seed for seed in seeds if self.combinations.asked(seed)[index]]


def _is_nested(settings: Settings) -> bool:
    name, _ = entry_and_options(SPLITTERS, str(settings.get("split", "8:1:1")))
    return bool(SPLITTERS.get(name).inner)


class _ArmsOfDesign(dict[str, Settings]):
    """Arms that a design made, and not the user."""


EXPERIMENTS: Registry[Experiment] = Registry("experiment", "experiments")
