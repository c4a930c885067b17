"""The table that launch.table is asked for: of an experiment, a named sweep, or a tuning's
trials."""

import dataclasses
import gc
from typing import Literal, cast

from absl import flags

from launch.cli.execution_flags import execution
from launch.cli.output import VIEW, check, metrics
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.retry_flags import ACCEPT_CODE, RETRY_FAILED, refuse_other_code
from launch.cli.run_flags import plugins, with_its_plugins
from launch.cli.sweep_rows import by_row
from launch.cli.table_flags import (
    BASELINE,
    BUDGET,
    CLAIM,
    ESTIMATE,
    EXPERIMENT,
    EXPLAIN,
    FAMILY,
    NAME,
    NO_TRAIN,
    ROWS,
    SEEDS,
    TEST,
    UNTIL,
)
from launch.slurm.cluster_flags import cancelling, executor, on_slurm, terminal
from research.analysis.arms_table import Arm
from research.analysis.clean_metrics import with_clean
from research.analysis.effort import FLOPS, flops_of_updates
from research.analysis.experiment_report import effects_of, of_experiment, over_datasets_of
from research.analysis.named_test import reads_rows
from research.analysis.registration import register
from research.analysis.sweep_report import Question, of_sweep, untrained
from research.analysis.table_builder import build_table
from research.analysis.table_report import TableReport
from research.analysis.tabular import Tabular
from research.analysis.until_decided import SeedBudget, until_decided
from research.errors import UserError, nearest
from research.metric_names import is_effort
from research.statistics.comparisons import Claim
from research.statistics.families import Family
from research.sweeps.column import reads_predictions
from research.sweeps.declare import experiment_files, selection
from research.sweeps.declare.sweep_request import planned
from research.sweeps.declare.sweep_spec import SweepSpec, is_tuning
from research.sweeps.execute.ensure_records import done, ensure_records
from research.sweeps.execute.execution_options import Execution
from research.sweeps.execute.terminal import Terminal
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.store import Store


def _execution() -> Execution:
    """How missing runs are trained."""
    how = execution(here=not on_slurm())
    read = reads_predictions(metrics()) or reads_rows(TEST.value)
    keep = how.keep_predictions or read
    return dataclasses.replace(how, retry_failed=RETRY_FAILED.value, keep_predictions=keep)


# Flags that say how seeds are added to the rows of a declared table.
OF_EXPERIMENTS = ("until", "budget", "register")
OF_ARMS = ("claim", "estimate", "family", "test", *OF_EXPERIMENTS)


def refuse_beside_explain() -> None:
    """Raises UserError for flags of tables beside --explain, which prints text."""
    for name in ("format", "rows", *VIEW):
        if EXPLAIN.value is not None and flags.FLAGS[name].present:
            raise UserError(
                f"--{name} is for tables; --explain prints text, so leave one of them out"
            )


def trials() -> Tabular | None:
    """The trials of the tuning that --name names; None if it names none."""
    name = NAME.value
    if name is None or EXPERIMENT.value is not None:
        return None
    records = store(terminal().warn)
    if not is_tuning(records, name):
        return None
    for flag in ("rows", "seeds", "baseline", "explain", "figures", *OF_ARMS):
        if flags.FLAGS[flag].present:
            raise UserError(
                f"--{flag} is not for the trials of a tuning, which '{name}' is; leave it out"
            )
    # It needs Optuna, which takes half a second.
    from research.analysis.trials_table import trials_table
    from research.sweeps.tuning import journal

    studies = journal.read(records, name)
    if not any(each.trials for each in studies):
        raise UserError(f"the tuning '{name}' has no trials yet")
    trained = [
        str(trial.user_attrs["run"])
        for each in studies
        for trial in each.trials
        if "run" in trial.user_attrs
    ]
    return trials_table(name, studies, done(trained, records, records.warn))


def shown() -> TableReport:
    """The table that the flags name, after training what is missing."""
    if (EXPERIMENT.value is None) == (NAME.value is None):
        raise UserError("give either --experiment=NAME (a declared table) or --name=NAME (a sweep)")
    plans = planner()
    monitor = terminal()
    records = store(monitor.warn)
    if NAME.value is not None:
        for flag in OF_EXPERIMENTS:
            if flags.FLAGS[flag].present:
                raise UserError(f"--{flag} applies only to --experiment; leave it out")
        return _named_sweep(plans, monitor, records)
    _refuse_together()
    experiment = _experiment(monitor)
    if ROWS.value != "runs":
        _check_without_records(experiment)
    refuse_other_code(None, [], records)
    trainer = executor(f"experiments/{experiment.name}")

    def train(declared: Experiment) -> TableReport:
        return of_experiment(
            declared,
            plans,
            records,
            monitor,
            train=not NO_TRAIN.value,
            execution=_execution(),
            executor=trainer,
        )

    if UNTIL.value is None:
        return train(experiment)
    first = next(iter(selection.requests(experiment, {}).values()))[:1]
    folds = len(plans.each_fold(first))
    return until_decided(experiment, SeedBudget.parse(BUDGET.value), train, folds)


def _refuse_together() -> None:
    """Raises UserError for flags that do not go together in the table of an experiment."""
    if BASELINE.value is not None:
        raise UserError("--baseline is for --name=SWEEP; an experiment declares its baseline")
    if UNTIL.value is None:
        if BUDGET.value is not None:
            raise UserError("--budget applies only to --until=decided; leave it out")
        return
    if SEEDS.value is not None:
        raise UserError("--until=decided finds the number of seeds; leave --seeds out")
    for flag in ("family", "test"):
        if flags.FLAGS[flag].value is not None:
            raise UserError(
                f"--until=decided looks at one column by its own test; leave --{flag} out"
            )
    if BUDGET.value is None:
        raise UserError("--until=decided requires --budget, as 200runs or 30min")


def _check_without_records(experiment: Experiment) -> None:
    """Refuses flags that name what the table will not have, before anything is trained."""
    arms = [Arm(label, {}) for label in experiment.arms]
    empty = build_table(
        experiment.name,
        arms,
        experiment.columns,
        experiment.baseline,
        range(experiment.seeds),
    )
    of_arms = ROWS.value == "arms"
    effects = None if of_arms else effects_of(experiment, empty)
    over_datasets = None if of_arms else over_datasets_of(experiment, empty)
    for flag in ("family", "test"):
        if flags.FLAGS[flag].value is not None and (effects or over_datasets):
            raise UserError(f"--{flag} is for the table of the arms; give --rows=arms with it")
    if ROWS.value == "effects" and effects is None:
        raise UserError("--rows=effects is for an experiment that declares factors")
    check(effects or over_datasets or empty)


def _experiment(monitor: Terminal) -> Experiment:
    """The declared experiment, as the flags change it."""
    experiment = experiment_files.get(EXPERIMENT.value, monitor.warn)
    question = _question()
    return dataclasses.replace(
        experiment,
        seeds=SEEDS.value or experiment.seeds,
        claim=question.claim or experiment.claim,
        estimate=question.estimate or experiment.estimate,
        until=cast(Literal["", "decided"], UNTIL.value or ""),
        family=cast(Family, FAMILY.value or experiment.family),
        test=TEST.value or experiment.test,
    )


def registered() -> str:
    """The digest under which the experiment is registered now; nothing is trained."""
    if EXPERIMENT.value is None:
        raise UserError("--register requires --experiment=NAME")
    monitor = terminal()
    records = store(monitor.warn)
    experiment = _experiment(monitor)
    by_label = by_row(experiment, planner(), records)
    recorded = records.find(run.id for runs in by_label.values() for run in runs)[0]
    return register(records, experiment, len(recorded))


def _question() -> Question:
    """What the flags ask of a sweep's table."""
    return Question(
        BASELINE.value,
        cast(Claim | None, CLAIM.value),
        metrics(),
        ESTIMATE.value,
        family=cast(Family, FAMILY.value or "column"),
        test=TEST.value,
    )


def _named_sweep(plans: Planner, monitor: Terminal, records: Store) -> TableReport:
    """The table of a named sweep, after training what is missing."""
    train = not NO_TRAIN.value
    if SEEDS.value is not None:
        raise UserError(
            "--seeds is for --experiment; a sweep has the seeds that it was trained with"
        )
    sweep = SweepSpec.load(records, NAME.value).with_plugins(plugins())
    # What there is requires no plan.
    if sweep.runs and not train and not ACCEPT_CODE.value:
        return _recorded_sweep(sweep, monitor, records)
    sweep = with_its_plugins(NAME.value, sweep)
    sweep, runs, notes = planned(sweep, plans, monitor.note)
    if ROWS.value != "runs":
        check(untrained(NAME.value, sweep, runs, _question()))
    flops = flops_of_updates(metrics(), runs, plans)
    question = dataclasses.replace(_question(), flops=flops)
    trainer = executor(f"sweeps/{NAME.value}", cancelling(NAME.value))
    if train:
        refuse_other_code(NAME.value, runs, records)
    if ACCEPT_CODE.value:
        sweep.save(records, NAME.value, runs, notes)
    by_id = ensure_records(
        runs,
        records,
        plans,
        monitor,
        train=train,
        execution=_execution(),
        executor=trainer,
    )
    ids = [run.id for run in runs]
    table = of_sweep(NAME.value, sweep, ids, by_id, notes, question, records)
    missing = len({*ids} - {*by_id})
    return TableReport(table, missing=missing, predictions=Predictions(records))


def _recorded_sweep(sweep: SweepSpec, monitor: Terminal, records: Store) -> TableReport:
    """The table of what a named sweep has recorded."""
    if sweep.code != sweep.code_now():
        monitor.warn(
            f"research/ or a plugin has changed since '{NAME.value}' was trained; the table shows"
            " the old results"
        )
    by_id = done(sweep.runs, records, monitor.warn)
    # Records contain no cycles; searching many of them for some took as long as building the table.
    gc.freeze()
    monitor.on_records(by_id.values())
    complete = with_clean(by_id, metrics()).values()
    recorded = {name for record in complete for name in record.metrics}
    for metric in metrics():
        if metric == FLOPS:
            raise UserError(
                f"'{FLOPS}' is counted in the programs of planned runs; leave out --no_train"
            )
        computed = reads_predictions([metric]) or is_effort(metric)
        if metric not in recorded and not computed:
            raise UserError(f"no run has '{metric}'; {nearest(metric, recorded)}")
    table = of_sweep(NAME.value, sweep, sweep.runs, by_id, sweep.notes, _question(), records)
    missing = len({*sweep.runs} - {*by_id})
    return TableReport(table, missing=missing, predictions=Predictions(records))
