"""What launch.export writes: the runs of a records folder, a sweep or an experiment, and their
table."""

from pathlib import Path

from launch.cli.planner import planner
from launch.cli.records import store
from research.analysis.experiment_report import of_experiment
from research.analysis.render import FORMATS, render
from research.analysis.sweep_report import of_sweep
from research.analysis.table_report import TableReport
from research.analysis.tabular import Tabular
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.execute.ensure_records import done
from research.sweeps.execute.terminal import Terminal
from research.sweeps.records.record import Record


def recorded(name: str | None, experiment: str | None) -> tuple[list[Record], TableReport | None]:
    """The records to export, and their table if a sweep or an experiment is named.

    Args:
        name: the name of a sweep.
        experiment: the name of a declared experiment.

    Raises:
        UserError: if there are no records, or both are named.
    """
    records = store()
    report = None
    if name is not None and experiment is not None:
        raise UserError("--name and --experiment exclude each other; leave one of them out")
    if experiment is not None:
        declared = experiment_files.get(experiment, records.warn)
        report = of_experiment(declared, planner(), records, Terminal(), train=False)
        runs = {record.run_id: record for record in (*report.searched, *report.table.records())}
    elif name is not None:
        sweep = SweepSpec.load(records, name)
        runs = done(sweep.runs, records, records.warn)
        if runs:
            # The kept predictions beside the records decide what the table's verdicts are about.
            table = of_sweep(name, sweep, sweep.runs, runs, sweep.notes, store=records)
            report = TableReport(table)
    else:
        runs = done(records.ids(), records, records.warn)
    if not runs:
        raise UserError(
            f"{records.root} has no records to export; name their folder with --records"
        )
    return [*runs.values()], report


def write_table(report: TableReport, directory: Path) -> Path:
    """Writes a table in every format, and its figures, into a folder of that directory; returns
    the folder."""
    folder = directory / report.table.title
    tables: dict[str, Tabular] = {"table": report.table}
    if report.answer is not None:
        tables["effects" if report.effects else "datasets"] = report.answer
    folder.mkdir(parents=True, exist_ok=True)
    for stem, table in tables.items():
        for form in FORMATS:
            (folder / f"{stem}.{form}").write_text(render(table, form))
    for _ in report.write_figures(str(folder)):
        pass
    return folder
