"""The runs that launch.explain looks at, and what it shows of them."""

from collections.abc import Mapping, Sequence

from launch.cli import figure_flags
from launch.cli.execution_flags import execution, terminal
from launch.cli.explain_flags import EXPERIMENT, METHOD, NAME, RUN, inquiry
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import with_its_plugins
from launch.cli.sweep_rows import by_row
from research import messages
from research.analysis.figure_style import figure_style
from research.analysis.importance.drop_importance import DROP, drop_report
from research.analysis.importance.importance_report import ImportanceReport, importance_report
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_plan import RequestedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.store import Store
from research.sweeps.records.verification import lookup


def report() -> ImportanceReport:
    """What the method says of each row of the runs that the flags name.

    Raises UserError if none is named, if one kept no parameters, or if the method does not apply.
    """
    asked = inquiry()
    named = [flag for flag in (RUN, NAME, EXPERIMENT) if flag.value is not None]
    if len(named) != 1:
        raise UserError(
            "say what to explain: give one of --run=ID, --name=SWEEP and --experiment=NAME"
        )
    records, plans = store(), planner()
    rows = _records(records, plans)
    if METHOD.value == DROP:
        how, monitor = execution(), terminal()

        def obtain(runs: Sequence[RequestedRun]) -> Mapping[str, Record]:
            return ensure_records(runs, records, plans, monitor, execution=how)

        return drop_report(rows, asked, plans, obtain, monitor.note)
    return importance_report(METHOD.value, rows, asked, plans, Parameters(records), Terminal().note)


def _records(records: Store, plans: Planner) -> dict[str, list[Record]]:
    """The records of the runs that the flags name, by row."""
    if RUN.value is not None:
        record = lookup(records, RUN.value)
        return {f"run {record.run_id}": [record]}
    wanted: dict[str, list[str]] = {}
    if NAME.value is not None:
        sweep = with_its_plugins(NAME.value, SweepSpec.load(records, NAME.value))
        for run_id, request in zip(sweep.runs, sweep.requests, strict=True):
            wanted.setdefault(sweep.arm(request), []).append(run_id)
    else:
        experiment = experiment_files.get(EXPERIMENT.value, messages.warn)
        for label, runs in by_row(experiment, plans, records).items():
            wanted[label] = [run.id for run in runs]
    known = records.find(run_id for ids in wanted.values() for run_id in ids)[0]
    return {
        label: [known[run_id] for run_id in ids if run_id in known] for label, ids in wanted.items()
    }


def draw(explained: ImportanceReport) -> None:
    """Writes the figures, where --figures names a directory. Raises UserError if there is nothing
    else to be seen, and no directory."""
    if figure_flags.FIGURES.value is not None:
        with figure_style(figure_flags.style()):
            figure_flags.say(explained.write_figures(figure_flags.FIGURES.value))
    elif not explained.importances:
        raise UserError("images are explained by a figure; add --figures=DIR")
