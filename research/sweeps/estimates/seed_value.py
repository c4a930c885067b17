"""Seed value: the runs of one seed as one record, which a table reads like that of a run."""

import dataclasses
import functools
import statistics
from collections.abc import Iterable, Mapping, Sequence

from research import identity
from research.errors import UserError
from research.registry import ESTIMATES, Estimate, Registry, load_package
from research.sweeps.records.record import Record
from research.words import plural

SINGLE = "single_run"
OF_FOLDS = "mean_of_folds"


@dataclasses.dataclass(frozen=True)
class SeedValue:
    """What one seed is worth.

    record: of the run, or of the estimate; None where a run has no record. runs: the records behind
        it, in the order of the folds. says: what the value is, as `mean of 3 folds`; "" of a run.
    """

    record: Record | None
    runs: tuple[Record, ...]
    says: str = ""


def fold_of(record: Record) -> int:
    """The fold of a run, 0 where its split has none."""
    text = record.config.get("fold", "none")
    return 0 if text == "none" else int(text)


@functools.cache
def _estimates() -> Registry[Estimate]:
    """The registry, filled: a table may be built by code that has not imported the catalogue."""
    load_package("research.sweeps.estimates")
    return ESTIMATES


def estimate_of(name: str | None, runs: int) -> Estimate:
    """The estimate of that name; None: a run alone, or the mean of several.

    Raises UserError for an unknown name, and for one that takes a run alone where there are more.
    """
    entry = _estimates().get(name or (SINGLE if runs == 1 else OF_FOLDS))
    if entry.most is not None and runs > entry.most:
        raise UserError(
            f"estimate={entry.name} takes {plural(entry.most, 'run')} of a seed, and"
            f" there are {runs}; try estimate={OF_FOLDS}"
        )
    return entry


def seed_value(records: Iterable[Record], runs: int, name: str | None = None) -> SeedValue:
    """The value of a seed.

    A fold that diverged makes the seed diverged, one that failed makes it failed, and one without a
    record makes it missing: a mean over fewer folds would be of other rows.

    Args:
        records: of the seed's runs, those that there are.
        runs: how many were asked for.
        name: of the estimate; None: `single_run`, or `mean_of_folds` of several runs.
    """
    ordered = tuple(sorted(records, key=fold_of))
    entry = estimate_of(name, runs)
    if entry.name == SINGLE:
        return SeedValue(ordered[0] if ordered else None, ordered)
    says = entry.says.format(runs=runs)
    if len(ordered) < runs:
        return SeedValue(None, ordered, says)
    return SeedValue(_combined(entry, ordered), ordered, says)


def _combined(entry: Estimate, runs: Sequence[Record]) -> Record:
    """One record of all runs of a seed."""
    first = runs[0]
    combined = dataclasses.replace(
        first,
        run_id=identity.digest([entry.name, entry.version, *(run.run_id for run in runs)]),
        config={**first.config, "fold": "none"},
        curves=_mean_curves(runs),
        checksums=[],
        steps=sum(run.steps for run in runs),
        provenance=_provenance(runs),
    )
    for status in ("failed", "diverged"):
        lost = [run for run in runs if run.status == status]
        if lost:
            folds = " and ".join(str(fold_of(run)) for run in lost)
            error = f"fold {folds} {status}{': ' * bool(lost[0].cause)}{lost[0].cause}"
            return dataclasses.replace(
                combined,
                status=lost[0].status,
                metrics={},
                error=error,
                diverged_at=lost[0].diverged_at,
            )
    metrics: Mapping[str, float] = entry.build()([run.metrics for run in runs])
    return dataclasses.replace(combined, metrics=dict(metrics))


def _mean_curves(runs: Sequence[Record]) -> dict[str, list[float]]:
    """The mean of the folds at each epoch that all of them reached."""
    names = [name for name in runs[0].curves if all(name in run.curves for run in runs)]
    return {
        name: [
            statistics.fmean(values)
            for values in zip(*(run.curves[name] for run in runs), strict=False)
        ]
        for name in names
    }


def _provenance(runs: Sequence[Record]) -> dict[str, object]:
    """The first run's, with the mean seconds of a run."""
    seconds = [float(s) for run in runs if (s := run.provenance.get("seconds")) is not None]
    mean = {"seconds": statistics.fmean(seconds)} if seconds else {}
    return {**runs[0].provenance, **mean}
