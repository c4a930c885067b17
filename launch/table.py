"""Prints the table of an experiment or a named sweep, after training what is missing, or the trials
of a tuning.

Examples:
  python -m launch.table --experiment=regularization
  python -m launch.table --name=rates --format=csv --out=rates.csv
  python -m launch.table --from=runs.csv --row=method --pair=seed --column=accuracy --baseline=none
"""

import dataclasses
import gc
from pathlib import Path
from typing import cast

from absl import flags

from launch.cli import figure_flags, start
from launch.cli.execution_flags import execution
from launch.cli.output import VIEW, check, emit, emit_text, metrics, view
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.retry_flags import ACCEPT_CODE, RETRY_FAILED, refuse_other_code
from launch.cli.run_flags import plugins, with_its_plugins
from launch.slurm.cluster_flags import cancelling, executor, on_slurm, terminal
from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.explain import explain
from research.analysis.external import external_table, read_results
from research.analysis.figure_style import FigureStyle
from research.analysis.layout import Tabular
from research.analysis.runs_table import runs_of
from research.analysis.scope import CLAIMS, Claim
from research.analysis.table_builder import build_table
from research.analysis.table_report import (
    Question,
    TableReport,
    effects_of,
    of_experiment,
    of_sweep,
    untrained,
)
from research.analysis.until_decided import SeedBudget, until_decided
from research.analysis.view import WHOLE
from research.errors import UserError, nearest
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_request import planned
from research.sweeps.declare.sweep_spec import SweepSpec, is_tuning
from research.sweeps.execute.ensure_records import done, ensure_records
from research.sweeps.execute.terminal import Terminal
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.store import Store

EXPERIMENT = start.define_name(
    "experiment", None, "a declared table; launch.list experiments names them"
)
NAME = start.define_name("name", None, "a sweep, run or tuning that was trained under this name")
ROWS = flags.DEFINE_enum(
    "rows",
    None,
    ["arms", "effects", "runs"],
    "a row per arm, per effect of an experiment's factors, or per run; none: effects, if there are"
    " any, else arms",
)
SEEDS = flags.DEFINE_integer("seeds", None, "seeds per arm; none: as declared", lower_bound=1)
ESTIMATE = start.define_name(
    "estimate", None, "what makes one value of a seed's folds; none: their mean"
)
BASELINE = start.define_name(
    "baseline", None, "compare the other rows with this one, such as learning_rate=0.1"
)
FROM = start.define_name("from", None, "a csv file of results that were trained elsewhere")
ROW = start.define_name("row", None, "with --from: the column of row labels, as method")
PAIR = start.define_name(
    "pair", None, "with --from: the column that pairs values across rows, as seed or fold"
)
COLUMN = flags.DEFINE_multi_string(
    "column", [], "with --from: a metric's column; NAME:lower if lower values are better"
)
CLAIM = flags.DEFINE_enum(
    "claim",
    None,
    CLAIMS,
    "verdicts hold for the same rows with other seeds (rows), or for new rows from the same source"
    " (new); none: new if each seed splits the rows",
)
UNTIL = flags.DEFINE_enum(
    "until", None, ["decided"], "with --experiment: add seeds to the rows that are undecided"
)
BUDGET = start.define_name("budget", None, "with --until: what may be spent, as 200runs or 30min")
NO_TRAIN = flags.DEFINE_bool("no_train", False, "show the existing records; train nothing")
EXPLAIN = start.define_name("explain", None, "print the runs and tests behind this row")


def main() -> None:
    for name in ("format", "rows", *VIEW):
        if EXPLAIN.value is not None and flags.FLAGS[name].present:
            raise UserError(
                f"--{name} is for tables; --explain prints text, so leave one of them out"
            )
    style = figure_flags.style()
    # A condition that cannot be read is refused before anything is trained.
    view()
    if FROM.value is not None:
        shown = TableReport(_external())
        emit(shown.table)
        _draw(shown, style)
        return
    _refuse_flags_of_from()
    if (
        NAME.value is not None
        and EXPERIMENT.value is None
        and is_tuning(records := store(terminal().warn), NAME.value)
    ):
        emit(_trials(NAME.value, records))
        return
    shown = _shown()
    if EXPLAIN.value is not None:
        emit_text(explain(shown.table, EXPLAIN.value))
    elif ROWS.value == "runs":
        runs = runs_of(shown.table)
        if shown.missing:
            wanted = len(runs.records) + shown.missing
            terminal().warn(f"{shown.missing} of {wanted} runs have no record, and so no row")
        emit(runs)
    elif ROWS.value == "effects" and shown.effects is None:
        raise UserError("--rows=effects is for an experiment that declares factors")
    else:
        emit(shown.effects if shown.effects and ROWS.value != "arms" else shown.table)
    _draw(shown, style)
    if not NO_TRAIN.value:
        start.end_with_failures(shown.table.records())


def _draw(shown: TableReport, style: FigureStyle) -> None:
    """Writes the figures, where --figures names a directory."""
    if directory := figure_flags.FIGURES.value:
        rows = view() if ROWS.value in (None, "arms") and not shown.effects else WHOLE
        figure_flags.say(shown.write_figures(directory, rows, style))


def _refuse_flags_of_from() -> None:
    for name in ("row", "pair", "column"):
        if flags.FLAGS[name].present:
            raise UserError(f"--{name} applies only to --from=FILE.csv; leave it out")


def _external() -> ArmsTable:
    """The table of a csv file."""
    for flag in ("experiment", "name", "rows", "seeds", "explain", "no_train", "claim", "estimate"):
        if flags.FLAGS[flag].present:
            raise UserError(f"--{flag} does not apply to --from; leave one of them out")
    results = read_results(FROM.value)
    if ROW.value is None or PAIR.value is None or not COLUMN.value:
        raise UserError(
            "--from requires --row, --pair and --column; the columns of"
            f" {FROM.value} are {', '.join(results.columns)}"
        )
    title = Path(FROM.value).stem
    return external_table(results, ROW.value, PAIR.value, COLUMN.value, BASELINE.value, title)


def _trials(name: str, records: Store) -> Tabular:
    """The trials of a tuning."""
    for flag in ("rows", "seeds", "baseline", "explain", "figures"):
        if flags.FLAGS[flag].present:
            raise UserError(
                f"--{flag} is not for the trials of a tuning, which '{name}' is; leave it out"
            )
    # It needs Optuna, which takes half a second.
    from research.analysis.trials_table import (
        trials_table,
    )
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


def _shown() -> TableReport:
    """The table that the flags name, after training what is missing."""
    if (EXPERIMENT.value is None) == (NAME.value is None):
        raise UserError("give either --experiment=NAME (a declared table) or --name=NAME (a sweep)")
    plans, monitor = planner(), terminal()
    records = store(monitor.warn)
    if NAME.value is not None:
        return _named_sweep(plans, monitor, records)
    if BASELINE.value is not None:
        raise UserError("--baseline is for --name=SWEEP; an experiment declares its baseline")
    if BUDGET.value is not None and UNTIL.value is None:
        raise UserError("--budget applies only to --until=decided; leave it out")
    experiment = experiment_files.get(EXPERIMENT.value, monitor.warn)
    if SEEDS.value is not None:
        experiment = dataclasses.replace(experiment, seeds=SEEDS.value)
    question = _question()
    experiment = dataclasses.replace(
        experiment,
        claim=question.claim or experiment.claim,
        estimate=question.estimate or experiment.estimate,
    )
    if ROWS.value != "runs":
        arms = [Arm(label, {}) for label in experiment.arms]
        empty = build_table(
            experiment.name,
            arms,
            experiment.columns,
            experiment.baseline,
            range(experiment.seeds),
        )
        effects = effects_of(experiment, empty) if ROWS.value != "arms" else None
        check(effects or empty)
    refuse_other_code(None, [], records)
    trainer = executor(f"experiments/{experiment.name}")

    def train(declared: Experiment) -> TableReport:
        return of_experiment(
            declared,
            plans,
            records,
            monitor,
            train=not NO_TRAIN.value,
            execution=execution(here=not on_slurm()),
            executor=trainer,
            retry_failed=RETRY_FAILED.value,
        )

    if UNTIL.value is None:
        return train(experiment)
    if BUDGET.value is None:
        raise UserError("--until=decided requires --budget, as 200runs or 30min")
    return until_decided(experiment, SeedBudget.parse(BUDGET.value), train)


def _question() -> Question:
    """What the flags ask of a sweep's table."""
    return Question(BASELINE.value, cast(Claim | None, CLAIM.value), metrics(), ESTIMATE.value)


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
        execution=execution(here=not on_slurm()),
        executor=trainer,
        retry_failed=RETRY_FAILED.value,
    )
    ids = [run.id for run in runs]
    table = of_sweep(NAME.value, sweep, ids, by_id, notes, _question())
    return TableReport(table, missing=len({*ids} - {*by_id}))


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
    recorded = {name for record in by_id.values() for name in record.metrics}
    for metric in metrics():
        if metric not in recorded:
            raise UserError(f"no run has '{metric}'; {nearest(metric, recorded)}")
    table = of_sweep(NAME.value, sweep, sweep.runs, by_id, sweep.notes, _question())
    return TableReport(table, missing=len({*sweep.runs} - {*by_id}))


if __name__ == "__main__":
    start.run(main)
