"""From a sweep and the records of its runs to its table."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from research import config as config_lib
from research.analysis import effort
from research.analysis.arms_table import ArmsTable
from research.analysis.axes import CHOOSING, Grouping, axes, sweep_table
from research.analysis.clean_metrics import with_clean
from research.analysis.kept_scores import KeptScores
from research.analysis.main_columns import columns_of
from research.analysis.member_metrics import of_ensembles, with_members
from research.analysis.named_test import refuse_planned
from research.analysis.planned_metrics import refuse_absent
from research.analysis.table_builder import Remarks, Scope
from research.errors import UserError
from research.registry import ESTIMATES
from research.statistics.comparisons import Claim
from research.statistics.families import Family
from research.sweeps.column import reads_predictions
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.estimates.out_of_fold import with_out_of_fold
from research.sweeps.plan.run_plan import PlannedEnsemble, RequestedRun
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store


@dataclasses.dataclass(frozen=True)
class Question:
    """What the table of a sweep is to answer.

    baseline: the label of the row that the others are compared with. claim: what the rows are
        claimed for. metrics: columns beside the task's main metric, as `test/nll`. estimate: what
        makes one value of a seed's runs; None: the mean of its folds. flops: operations of one
        update by run id, where a metric asks for them. family: the tests that p is corrected for.
        test: the test by name; None: what the records allow.
    """

    baseline: str | None = None
    claim: Claim | None = None
    metrics: tuple[str, ...] = ()
    estimate: str | None = None
    flops: Mapping[str, float] = dataclasses.field(default_factory=dict)
    family: Family = "column"
    test: str | None = None

    def __post_init__(self) -> None:
        if self.estimate is not None:
            ESTIMATES.get(self.estimate)  # an unknown name is refused before anything is trained


def of_sweep(
    name: str,
    sweep: SweepSpec,
    run_ids: Sequence[str],
    by_id: Mapping[str, Record],
    notes: Sequence[str] = (),
    question: Question | None = None,
    store: Store | None = None,
) -> ArmsTable:
    """A row for each combination of the sweep's axes.

    Args:
        name: the title.
        sweep: what was asked for.
        run_ids: of its runs, in order.
        by_id: the records that there are, by run id.
        notes: sentences for the footer.
        question: what the table is to answer.
        store: the records, beside which predictions lie; None: none are read.

    Raises:
        UserError: no run has a record, or the baseline is no row.
    """
    question = question or Question()
    seeds = _runs_of_seeds(sweep, run_ids)
    if store is not None and reads_predictions(question.metrics):
        by_id = with_out_of_fold(by_id, seeds, Predictions(store))
    metrics = question.metrics or of_ensembles(by_id.values())
    by_id = with_clean(with_members(by_id, metrics), metrics)
    by_id = effort.measured(by_id, metrics, question.flops)
    wanted = dict.fromkeys(run_ids)
    records = [by_id[run_id] for run_id in wanted if run_id in by_id]
    if not records:
        raise UserError(
            f"no run of '{name}' has a record yet; train them first (leave out --no_train)"
        )
    if missing := len(wanted) - len(records):
        unseen = (
            f"{missing} of the {len(wanted)} runs that were asked for have no record: no row, seed"
            " or m has them."
        )
        notes = [*notes, unseen]
    return sweep_table(
        name,
        records,
        columns_of(records, metrics),
        Grouping(
            keys=axes(records, sweep.bracketed() | ({"fold"} & {*sweep.axes})),
            ragged="seed" in sweep.axes,
            asked={run_id: len(ids) for ids in seeds for run_id in ids},
            estimate=question.estimate,
        ),
        question.baseline,
        Remarks(notes, CHOOSING),
        Scope(
            question.claim,
            None if store is None else KeptScores(Predictions(store)),
            family=question.family,
            test=question.test,
        ),
    )


def _runs_of_seeds(sweep: SweepSpec, run_ids: Sequence[str]) -> list[set[str]]:
    """The runs of each seed: those whose requests differ in the fold alone."""
    together: dict[Any, set[str]] = {}
    for request, run_id in zip(sweep.requests, run_ids, strict=True):
        together.setdefault(_without_fold(sweep, request), set()).add(run_id)
    return [*together.values()]


def _without_fold(sweep: SweepSpec, request: Mapping[str, Any]) -> Any:
    row = {} if "fold" in sweep.axes else {"fold": None}
    return frozenset((path, str(value)) for path, value in {**request, **row}.items())


def untrained(
    name: str,
    sweep: SweepSpec,
    runs: Sequence[RequestedRun],
    question: Question | None = None,
) -> ArmsTable:
    """The table of a sweep before there are records: its rows and columns, without values.

    Args:
        name: the sweep's name.
        sweep: what was asked for.
        runs: its runs.
        question: the baseline and metrics that are asked for; None: neither.

    Raises:
        UserError: the baseline is not a row, or no run will have a metric.
    """
    refuse_absent(question.metrics if question else (), runs)
    records = {run.id: _without_values(run) for run in runs}
    ids = [run.id for run in runs]
    question = question or Question()
    table = of_sweep(name, sweep, ids, records, question=dataclasses.replace(question, test=None))
    refuse_planned(question.test, table.columns, table.baseline, runs)
    return table


def _without_values(run: RequestedRun) -> Record:
    """A record that says what a run is, and of an ensemble which members it has."""
    members = [member.id for member in run.members] if isinstance(run, PlannedEnsemble) else []
    origin = {"members": members} if members else {}
    return Record(run.id, "failed", config_lib.to_flags(run.config), provenance=origin)
