"""Arms on several data sets: each trains its own programs, a row per arm and data set."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from research.errors import UserError, nearest

Settings = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class DatasetArms(Mapping[str, Settings]):
    """The arms that are trained, as `dropout, wine`. declared: as the user wrote them. datasets:
    where each is trained. baseline: the declared arm that the others are compared with."""

    declared: Settings
    datasets: tuple[str, ...]
    baseline: str | None

    def __getitem__(self, key: str) -> Settings:
        return self._trained[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._trained)

    def __len__(self) -> int:
        return len(self._trained)

    @property
    def _trained(self) -> dict[str, Settings]:
        return {
            label_on(label, dataset): {**arm, "dataset": dataset}
            for label, arm in self.declared.items()
            for dataset in self.datasets
        }


def label_on(label: str, dataset: str) -> str:
    """The row of an arm on a data set."""
    return f"{label}, {dataset}"


def on_datasets(
    name: str, base: Settings, arms: Settings, datasets: Sequence[str], baseline: str | None
) -> DatasetArms:
    """The arms of an experiment over data sets.

    Args:
        name: of the experiment.
        base: its settings.
        arms: as declared.
        datasets: their names.
        baseline: the arm that the others are compared with.

    Raises:
        UserError: fewer than two data sets, one of them twice, a setting `dataset` beside them, or
            a baseline that is no arm.
    """
    if len(set(datasets)) < 2 or len(set(datasets)) < len(datasets):
        raise UserError(f"'{name}': datasets={tuple(datasets)}: name two data sets or more, once")
    for label, settings in (("base", base), *arms.items()):
        if "dataset" in settings:
            raise UserError(
                f"'{name}' has datasets={tuple(datasets)}, and '{label}' sets dataset; leave it out"
            )
    if baseline is not None and baseline not in arms:
        raise UserError(f"'{name}': the baseline '{baseline}' is no arm; {nearest(baseline, arms)}")
    return DatasetArms(arms, tuple(datasets), baseline)
