"""From a sweep or an experiment, and the records of its runs, to the table that is shown."""

from collections.abc import Mapping, Sequence

from research.analysis.axes import sweep_table
from research.analysis.cells import Table
from research.errors import UserError
from research.registry import TASKS
from research.sweeps.column import Column
from research.sweeps.plan import Run
from research.sweeps.record import Record
from research.sweeps.sweep import Sweep


def of_sweep(name: str, sweep: Sweep, runs: Sequence[Run], found: Mapping[str, Record]) -> Table:
    """A row a combination of the sweep's axes; the columns are its task's main metric on validation and test."""
    records = [found[run.id] for run in runs if run.id in found]
    if not records:
        raise UserError(f"no run of '{name}' has a record yet; train them first (leave out --no_train)")
    return sweep_table(name, records, columns_of(records))


def columns_of(records: Sequence[Record]) -> list[Column]:
    """The main metric of the records' task, on the splits that they have."""
    problem = TASKS.get(records[0].config["task"]).build()
    metric, better = next(iter(problem.better.items()))
    present = {name for record in records for name in record.metrics}
    splits = [split for split in ("validation", "test") if f"{split}/{metric}" in present or not present]
    return [Column(f"{split} {metric}", f"{split}/{metric}", "lower" if better == "lower" else "higher") for split in splits]
