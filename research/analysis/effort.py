"""Effort: what runs took, and what they took until a metric of their curves reached a target.

A run that does not reach its target is censored: it would have taken longer than it trained. The
mean is then the restricted one, of the smaller of what it took and the horizon, which is what every
run of the table had. Arms are compared by the log-rank test, which reads censored values as such.

References: Royston & Parmar, Restricted mean survival time, BMC Medical Research Methodology 2013;
Mantel, Evaluation of survival data, 1966.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from research.analysis.arms_table import ArmsTable, Reached, Row
from research.errors import UserError
from research.metric_names import EffortTarget, is_effort, target_of
from research.statistics.p_values import holm_adjusted
from research.sweeps.column import Column
from research.sweeps.plan.run_plan import RequestedRun, trainable
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.training.devices.flops import flops_per_update
from research.training.setup import host
from research.words import plural

# Behind the name of a target, whether a run reached it within the horizon: 1 or 0.
REACHED = " reached"
FLOPS = "effort/flops"


def measured(
    by_id: Mapping[str, Record], columns: Iterable[str], flops: Mapping[str, float] = {}
) -> Mapping[str, Record]:
    """The records with the effort that columns ask for among their metrics.

    Args:
        by_id: records by run id.
        columns: metrics, as `effort/steps` and `steps_to(validation/accuracy>=0.95)`.
        flops: floating-point operations of one update, by run id.
    """
    asked = [name for name in columns if is_effort(name)]
    if not asked:
        return by_id
    added: dict[str, dict[str, float]] = {run_id: {} for run_id in by_id}
    for name in asked:
        target = target_of(name)
        if target is None:
            for run_id, record in by_id.items():
                value = _effort(record, name.partition("/")[2], flops.get(run_id))
                added[run_id] |= {} if value is None else {name: value}
            continue
        times = {run_id: _time(record, target) for run_id, record in by_id.items()}
        known = {run_id: pair for run_id, pair in times.items() if pair is not None}
        horizon = min((whole for _, whole in known.values()), default=math.inf)
        for run_id, (time, _) in known.items():
            reached = time <= horizon
            added[run_id] |= {name: min(time, horizon), name + REACHED: float(reached)}
    return {
        run_id: dataclasses.replace(record, metrics={**record.metrics, **added[run_id]})
        for run_id, record in by_id.items()
    }


def flops_of_updates(
    columns: Iterable[str], runs: Sequence[RequestedRun], planner: Planner
) -> dict[str, float]:
    """The operations of one update by run id, where a column asks for them and they can be counted.

    Args:
        columns: metrics.
        runs: the runs.
        planner: has their data.

    Raises:
        UserError: they are asked for and no run has any that could be counted.
    """
    if FLOPS not in columns:
        return {}
    by_program: dict[str, int | None] = {}
    for run in trainable(runs):
        program = run.program
        if program.id not in by_program:
            by_program[program.id] = flops_per_update(program, run.config, planner.arrays(run))
    counted = {run.id: by_program[run.program.id] for run in trainable(runs)}
    known = {run_id: float(flops) for run_id, flops in counted.items() if flops is not None}
    if runs and not known:
        raise UserError(
            f"'{FLOPS}' counts the operations of updates, and no run is trained by updates of"
            " rows; leave it out"
        )
    return known


def _effort(record: Record, name: str, flops_of_update: float | None) -> float | None:
    """What a run took; None where its record does not say."""
    if name == "flops":
        return None if flops_of_update is None else flops_of_update * record.steps
    if name == "examples":
        batch = record.config.get("batch_size", "")
        rows = record.provenance.get("train_rows") if batch == "full" else batch
        return None if not rows else float(rows) * record.steps
    if name == "seconds":
        seconds = record.provenance.get("seconds")
        return None if seconds is None else float(seconds)
    return float({"steps": record.steps, "parameters": record.parameters}[name])


def _time(record: Record, target: EffortTarget) -> tuple[float, float] | None:
    """(what a run took until it reached the target, infinite if it never did; what it would have
    taken in all its epochs). None where its record does not say, and of a fit on the host."""
    curve = record.curves.get(target.metric)
    whole = _effort(record, target.effort, None)
    if not curve or whole is None or record.status != "finished":
        return None
    # A fit on the host is one step to no target; as a horizon it would censor all networks.
    if host.is_host_estimator(record.config.get("arch", "")):
        return None
    # Seconds are known of the whole run, and its epochs are alike.
    epoch = whole / len(curve)
    reached = target.reached(curve)
    # A run that stopped early had all its epochs to reach the target.
    epochs = max(int(record.config.get("epochs", len(curve))), len(curve))
    return (math.inf if reached is None else reached * epoch), epochs * epoch


def with_log_rank(table: ArmsTable) -> ArmsTable:
    """The table with what its columns with a target say of reaching it.

    This is of all rows, so it belongs to the whole table: a view of some rows keeps its numbers.
    """
    for index, column in enumerate(table.columns):
        if target_of(column.metric) is None:
            continue
        samples = {row.label: _sample(table, row, index) for row in table.rows}
        p = _log_rank(samples, table.baseline)
        rows = []
        for row in table.rows:
            flags = samples[row.label].reached
            reached = Reached(sum(flags), len(flags), p.get(row.label))
            cells = list(row.cells)
            cells[index] = dataclasses.replace(cells[index], reached=reached)
            rows.append(dataclasses.replace(row, cells=tuple(cells)))
        table = dataclasses.replace(table, rows=tuple(rows))
    return table


class _Sample(NamedTuple):
    """What the seeds of a row took, and whether each reached the target."""

    times: list[float]
    reached: list[bool]


def _sample(table: ArmsTable, row: Row, index: int) -> _Sample:
    """A seed with folds reached the target only if all of them did. Otherwise the mean of its
    folds is less than it would have taken, so it is censored there."""
    name = table.columns[index].metric + REACHED
    sample = _Sample([], [])
    for seed, value in zip(table.seeds, row.cells[index].values, strict=True):
        if value is not None:
            sample.times.append(value)
            sample.reached.append(all(run.metrics.get(name) for run in row.arm.behind(seed)))
    return sample


def _log_rank(samples: Mapping[str, _Sample], baseline: str | None) -> dict[str, float]:
    """The corrected p of each row that has values and is not the baseline."""
    base = samples.get(baseline) if baseline is not None else None
    if base is None or not base.times:
        return {}
    p = {
        label: log_rank_p(sample.times, sample.reached, base.times, base.reached)
        for label, sample in samples.items()
        if label != baseline and sample.times
    }
    return dict(zip(p, holm_adjusted(np.array([*p.values()])).tolist(), strict=True))


def log_rank_p(
    x: Sequence[float], x_reached: Sequence[bool], y: Sequence[float], y_reached: Sequence[bool]
) -> float:
    """The two-sided p of the log-rank test of two samples; 1 where neither has an event.

    Args:
        x: the times of one sample, [n].
        x_reached: whether a time is that of an event; otherwise it is censored, [n].
        y: the times of the other, [m].
        y_reached: as x_reached, [m].
    """
    from scipy import stats  # slow to import

    if not any(x_reached) and not any(y_reached):
        return 1.0
    samples = []
    for times, events in ((x, x_reached), (y, y_reached)):
        is_event = np.asarray(events, bool)
        values = np.asarray(times, np.float64)
        samples.append(stats.CensoredData(uncensored=values[is_event], right=values[~is_event]))
    p = float(stats.logrank(*samples).pvalue)
    return 1.0 if math.isnan(p) else p


def _never_reached(table: ArmsTable, column: Column, unit: str, index: int) -> str:
    """Says how many runs are censored, and where; "" if none is."""
    counts = [reached for row in table.rows if (reached := row.cells[index].reached)]
    censored = sum(reached.seeds - reached.count for reached in counts)
    if not censored:
        return ""
    # A run that did not reach the target has the horizon as its value.
    horizon = max(run.metrics.get(column.metric, 0.0) for run in table.records())
    of_folds = any(row.arm.says for row in table.rows)
    runs = plural(censored, "seed" if of_folds else "run")
    return (
        f" {runs} did not reach it{' in every fold' if of_folds else ''} within the"
        f" {horizon:,.4g} {unit} that every run had, and {'counts' if censored == 1 else 'count'}"
        " as censored there: cells are restricted means."
    )


def sentences(table: ArmsTable) -> list[str]:
    """What the footer says of a table's columns of effort."""
    texts = []
    for index, column in enumerate(table.columns):
        target = target_of(column.metric)
        if target is None:
            continue
        never = _never_reached(table, column, target.effort, index)
        test = (
            " 'log-rank p' compares with the baseline and is corrected for the rows (Holm)."
            if table.baseline is not None
            else ""
        )
        seconds = (
            " Seconds are counted in proportion to a run's epochs."
            if target.effort == "seconds"
            else ""
        )
        texts.append(
            f"{column.label}: {target.effort} until the end of the epoch in which {target.metric}"
            f" first reached {target.value:g}.{never}{test}{seconds}"
        )
    if any(column.metric == FLOPS for column in table.columns):
        texts.append(
            "FLOPs are those of matrix products and convolutions in all updates of a run, forward"
            " and backward, counted in its program: two per multiplication and addition."
        )
    return texts
