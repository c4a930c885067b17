"""Leaving features out: how much worse a run is that is trained again without one of them.

Unlike a shuffled feature, one that is left out may be made up for by others.

Reference: Lei et al., Distribution-Free Predictive Inference for Regression, JASA 2018 (LOCO).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from research.analysis.importance.importance_report import ImportanceReport, finished_records
from research.analysis.importance.importances import Importances
from research.analysis.importance.inquiry import Explanation, Inquiry, worsening
from research.errors import UserError, nearest
from research.sweeps.ensembles.new_rows import members_of
from research.sweeps.plan.run_plan import RequestedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.tasks.metrics import recorded_problem
from research.words import plural

DROP = "drop"
# Runs -> their records by id, after training those that have none.
Obtain = Callable[[Sequence[RequestedRun]], Mapping[str, Record]]


def drop_report(
    rows: Mapping[str, Sequence[Record]],
    inquiry: Inquiry,
    planner: Planner,
    obtain: Obtain,
    say: Callable[[str], object],
) -> ImportanceReport:
    """How much worse each row is without each feature.

    The runs of all rows, seeds and features are trained together: those of one program as lanes.

    Args:
        rows: the records of each row's runs.
        inquiry: what is asked.
        planner: plans the runs.
        obtain: trains them.
        say: receives a note on runs that are left out.

    Raises:
        UserError: a run is an ensemble or already lacks features, its data has no columns, or a run
            without one of them has no metrics.
    """
    finished = {label: finished_records(label, of_row, say) for label, of_row in rows.items()}
    wanted: dict[tuple[str, str], list[RequestedRun]] = {}
    names: dict[str, list[str]] = {}
    for label, records in finished.items():
        for record in records:
            requests = planner.each_feature([_each(record)])
            names[label] = [str(request["drop_feature"]) for request in requests]
            wanted[label, record.run_id] = planner.plan(requests)
    known = obtain([run for runs in wanted.values() for run in runs])
    explained = {}
    for label, records in finished.items():
        metric = f"{inquiry.part}/{inquiry.metric or next(iter(_better(records[0])))}"
        without = [
            [_value(known[run.id], metric) for run in wanted[label, record.run_id]]
            for record in records
        ]
        base = np.array([_value(record, metric) for record in records])
        worse = -1.0 if _better(records[0]).get(metric.partition("/")[2]) == "lower" else 1.0
        values = worse * (base[:, None] - np.array(without))
        importances = Importances(label, names[label], values[..., None])
        explained[label] = _explanation(importances, metric, worse)
    return ImportanceReport(DROP, explained)


def _each(record: Record) -> dict[str, str]:
    """The settings of a record's run without each of its features. Raises UserError if it cannot
    be."""
    if members_of(record):
        raise UserError(f"{record.run_id} is an ensemble; explain its members by --method=drop")
    dropped = record.config.get("drop_feature", "none")
    if dropped != "none":
        raise UserError(
            f"run {record.run_id} already lacks {dropped}; explain one that sees all features"
        )
    return {**record.config, "drop_feature": "each"}


def _better(record: Record) -> Mapping[str, str]:
    """Which values of each of a run's metrics are better."""
    return recorded_problem(record.config).better


def _value(record: Record, metric: str) -> float:
    """A final metric. Raises UserError if the record does not have it."""
    if record.status != "finished":
        without = record.config.get("drop_feature")
        cause = f": {record.cause}" if record.cause else ""
        raise UserError(f"run {record.run_id} without {without} {record.status}{cause}")
    if metric not in record.metrics:
        raise UserError(
            f"run {record.run_id} has no metric {metric}; {nearest(metric, record.metrics)}"
        )
    return record.metrics[metric]


def _explanation(importances: Importances, metric: str, worse: float) -> Explanation:
    remark = (
        f"How much worse {metric} is if the model is trained without a feature:"
        f" {plural(importances.seeds * len(importances.features), 'run')} beside"
        f" {importances.seeds} with all features."
    )
    return Explanation(importances, worsening(metric, worse < 0), remark, metric)
