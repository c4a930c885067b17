"""The runs that launch.explain looks at, and what it shows of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from launch.cli import figure_flags
from launch.cli.explain_flags import EXPERIMENT, METHOD, NAME, RUN, inquiry
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import with_its_plugins
from launch.cli.sweep_rows import by_row
from research import messages
from research.analysis import figures
from research.analysis.figure_style import figure_style
from research.analysis.importance.importance_figures import bars
from research.analysis.importance.importance_table import ImportanceTable, importance_table
from research.analysis.importance.importances import Importances
from research.analysis.importance.inquiry import Explanation
from research.analysis.importance.kept_run import kept_run
from research.analysis.importance.methods import METHODS
from research.errors import UserError
from research.sweeps.column import Column
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.store import Store
from research.sweeps.records.verification import lookup
from research.words import plural


def explanations() -> dict[str, Explanation]:
    """What the method says of each row of the runs that the flags name.

    Raises UserError if none is named, if one kept no parameters, or if the method does not apply.
    """
    asked = inquiry()
    records, plans = store(), planner()
    named = [flag for flag in (RUN, NAME, EXPERIMENT) if flag.value is not None]
    if len(named) != 1:
        raise UserError(
            "give one of --run=ID, --name=SWEEP and --experiment=NAME: what is explained"
        )
    rows = _records(records, plans)
    parameters = Parameters(records)
    explained = {}
    for label, of_row in rows.items():
        runs = [kept_run(record, plans, parameters) for record in _finished(label, of_row)]
        explained[label] = METHODS[METHOD.value](label, runs, asked)
    return explained


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


def _finished(label: str, of_row: Sequence[Record]) -> list[Record]:
    """The records of a row that have metrics. Raises UserError if there are none."""
    finished = [record for record in of_row if record.status == "finished"]
    if not finished:
        trained = "none of its runs is finished" if of_row else "none of its runs is trained"
        raise UserError(f"'{label}' cannot be explained: {trained}")
    if left := len(of_row) - len(finished):
        messages.say(f"note: '{label}': {plural(left, 'run')} did not finish and is left out")
    return finished


def table(explained: Mapping[str, Explanation]) -> ImportanceTable | None:
    """The table of all rows; None of images, which are explained by figures alone."""
    rows = {label: e.importances for label, e in explained.items() if e.importances is not None}
    if not rows:
        return None
    quantities = {each.quantity for each in explained.values()}
    quantity = quantities.pop() if len(quantities) == 1 else "importance"
    first = next(iter(explained.values()))
    remarks = dict.fromkeys(each.remark for each in explained.values())
    remark = " ".join([*remarks, _of_intervals([*rows.values()])])
    column = Column("importance", first.metric)
    method = METHOD.value.replace("_", " ")
    title = f"Importance of features by {method}"
    return importance_table(title, [*rows.values()], quantity, column, remark.strip())


def _of_intervals(rows: Sequence[Importances]) -> str:
    """What ± is."""
    seeds = {each.seeds for each in rows}
    if max(seeds) > 1:
        n = " or ".join(map(str, sorted(seeds)))
        return f"± is the half-width of the 95 % t-interval over n = {n} runs."
    if rows[0].repeats > 1:
        return (
            f"± is the half-width of the 95 % t-interval over the {rows[0].repeats} shuffles of one"
            " seed; other seeds may rank features otherwise."
        )
    return "One seed: other seeds may rank features otherwise."


def draw(explained: Mapping[str, Explanation]) -> None:
    """Writes the figures of each row, where --figures names a directory. Raises UserError if there
    is nothing else to be seen, and no directory."""
    directory = figure_flags.FIGURES.value
    if directory is None:
        if all(each.importances is None for each in explained.values()):
            raise UserError("images are explained by a figure; add --figures=DIR")
        return
    with figure_style(figure_flags.style()):
        for label, each in explained.items():
            figure_flags.say(_written(label, each, directory, alone=len(explained) == 1))


def _written(
    label: str, explanation: Explanation, directory: str, alone: bool
) -> Iterator[Path | str]:
    """The files of a row's figures."""
    end = "" if alone else f"_{label}"
    if explanation.importances is not None:
        title = f"{label}: importance by {METHOD.value.replace('_', ' ')}"
        factor = 100.0 if Column("", explanation.metric).in_percent else 1.0
        figure = bars(title, explanation.quantity, explanation.importances, factor)
        yield from figures.save(figure, directory, f"importance{end}")
    for name, make in explanation.figures:
        yield from figures.save(make(), directory, f"{name}{end}")
