"""Ensemble record: the record of an ensemble, from the records and kept predictions of its
members."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from research import config as config_lib
from research.config import FOLLOWING
from research.errors import UserError
from research.metric_names import DISAGREEMENT, MEMBERS
from research.registry import ENSEMBLES
from research.sweeps.ensembles.combination import Predicted, disagreement, mean
from research.sweeps.estimates.out_of_fold import metrics_of
from research.sweeps.plan.run_plan import PlannedEnsemble
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.training.engine.predicted_rows import PARTS


def ensemble_records(
    ensembles: Iterable[PlannedEnsemble], records: Mapping[str, Record], store: Store
) -> dict[str, Record]:
    """The record of each ensemble whose members all have one, by id; those of finished and diverged
    members are written beside theirs. One that lost a member needs no record of the others, which
    may depend on it.

    Args:
        ensembles: those that have no record.
        records: of their members, by id.
        store: where records and predictions lie.

    Raises:
        UserError: a member's predictions are missing, damaged, of other rows or of other data.
    """
    combined = {}
    for ensemble in ensembles:
        of_members = [records[run.id] for run in ensemble.members if run.id in records]
        lost = any(record.status != "finished" for record in of_members)
        if not lost and len(of_members) < len(ensemble.members):
            continue
        record = _record(ensemble, of_members, Predictions(store))
        # A failed member is tried again by --retry_failed, so what lacks it is not kept. Of several
        # processes that train each run together the first one writes.
        if record.status != "failed" and jax.process_index() == 0:
            store.write(record)
        combined[ensemble.id] = record
    return combined


def _record(
    ensemble: PlannedEnsemble, members: Sequence[Record], predictions: Predictions
) -> Record:
    flags = config_lib.to_flags(ensemble.config)
    # A seed that is left out of a record is the run's, as it is of old records.
    unset = [name for name in FOLLOWING if getattr(ensemble.config, name) is None]
    totals: dict[str, Any] = {
        "config": {name: value for name, value in flags.items() if name not in unset},
        "parameters": sum(member.parameters for member in members),
        "steps": sum(member.steps for member in members),
        "provenance": _provenance(members),
    }
    for status in ("failed", "diverged"):
        for number, member in enumerate(members):
            if member.status == status:
                error = f"member {number} {status}{': ' * bool(member.cause)}{member.cause}"
                return Record(
                    ensemble.id,
                    member.status,
                    error=error,
                    diverged_at=member.diverged_at,
                    **totals,
                )
    record = Record(ensemble.id, "finished", **totals)
    classes = ensemble.members[0].program.spec.targets.of_classes
    together, metrics = combined(record, members, predictions, classes)
    if jax.process_index() == 0:
        predictions.save(ensemble.id, _fingerprint(members, predictions), together)
    record.metrics.update(metrics)
    return record


def combined(
    record: Record, members: Sequence[Record], predictions: Predictions, classes: bool
) -> tuple[Predicted, dict[str, float]]:
    """What the members of an ensemble predict together, by part of the split, and its metrics.

    Args:
        record: of the ensemble.
        members: their records, in order.
        predictions: what they kept.
        classes: whether scores are logits of classes.

    Raises:
        UserError: predictions are missing, damaged, of other rows or of other data.
    """
    chosen = config_lib.resolve(record.config)[0].ensemble
    predicted = [predictions.load(member.run_id) for member in members]
    combine: Any = ENSEMBLES.get(chosen.name).combine or mean
    try:
        _fingerprint(members, predictions)
        together: Predicted = combine(predicted, classes, **dict(chosen.options))
    except UserError as error:
        raise UserError(f"ensemble={chosen}: {error}") from None
    metrics = metrics_of(record, {part: together[part] for part in PARTS if part in together})
    return together, metrics | _of_members(members, predicted, together, classes)


def _fingerprint(members: Sequence[Record], predictions: Predictions) -> str:
    """That of the data which the members predicted. Raises UserError if it is not the same for
    all."""
    first, *others = [(of.run_id, predictions.data_of(of.run_id)) for of in members]
    for run_id, fingerprint in others:
        if fingerprint != first[1]:
            raise UserError(
                f"the predictions of member {run_id} are of other data than those of {first[0]};"
                " has the data set changed? train both again"
            )
    return first[1]


def _of_members(
    members: Sequence[Record], predicted: Sequence[Predicted], together: Predicted, classes: bool
) -> dict[str, float]:
    """The mean of the members' test metrics, and how much they disagree on the test rows; of those
    members that predicted the rows of the ensemble."""
    if "test" not in together:
        return {}
    rows = together["test"].rows
    chosen = [
        (member, of_member["test"])
        for member, of_member in zip(members, predicted, strict=True)
        if "test" in of_member and np.array_equal(of_member["test"].rows, rows)
    ]
    metrics = {
        f"{MEMBERS}/{name.removeprefix('test/')}": math.fsum(
            member.metrics.get(name, math.nan) for member, _ in chosen
        )
        / len(chosen)
        for name in chosen[0][0].metrics
        if name.startswith("test/")
    }
    scores = np.stack([of_rows.scores for _, of_rows in chosen])
    return metrics | {f"{MEMBERS}/{DISAGREEMENT}": disagreement(scores, classes)}


def _provenance(members: Sequence[Record]) -> dict[str, Any]:
    """That of the first member, with the seconds of all of them and their ids."""
    seconds = [float(s) for m in members if (s := m.provenance.get("seconds")) is not None]
    total = {"seconds": math.fsum(seconds)} if seconds else {}
    ids = [member.run_id for member in members]
    return {**members[0].provenance, **total, "members": ids}
