"""Member metrics: what the members of an ensemble are, beside runs that have none."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping

from research.metric_names import DISAGREEMENT, MEMBERS, operands
from research.sweeps.column import common_metric
from research.sweeps.records.record import Record


def of_ensembles(records: Collection[Record]) -> tuple[str, ...]:
    """What a table shows of members where nothing is asked for: the main metric of a member, and
    how much they disagree. Without an ensemble, nothing.

    Args:
        records: those of the table.
    """
    if not any(record.provenance.get("members") for record in records):
        return ()
    metric, _ = common_metric(record.config for record in records)
    return f"{MEMBERS}/{metric}", f"{MEMBERS}/{DISAGREEMENT}"


def with_members(by_id: Mapping[str, Record], columns: Iterable[str]) -> Mapping[str, Record]:
    """The records with the metrics of members that columns ask for. A run by itself is its only
    member: it has its own test metrics, and disagrees with nobody.

    Args:
        by_id: records by run id.
        columns: metrics, as `members/accuracy`.
    """
    names = [name for column in columns for name in operands(column)]
    asked = [name for name in names if name.startswith(f"{MEMBERS}/")]
    if not asked:
        return by_id
    return {run_id: _completed(record, asked) for run_id, record in by_id.items()}


def _completed(record: Record, asked: Iterable[str]) -> Record:
    if record.status != "finished":
        return record
    alone = {f"{MEMBERS}/{DISAGREEMENT}": 0.0}
    alone |= {
        f"{MEMBERS}/{name.removeprefix('test/')}": value
        for name, value in record.metrics.items()
        if name.startswith("test/")
    }
    added = {name: alone[name] for name in asked if name in alone and name not in record.metrics}
    return dataclasses.replace(record, metrics={**record.metrics, **added}) if added else record
